package answer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// TestRefusals_ADayOfThemBlamesTheSessionSevenTimes leaves a cloud that renews by signing in, twelve times a day at most,
// enough for the rest.
func TestRefusals_ADayOfThemBlamesTheSessionSevenTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Refusals
		mine, neighbours := bluelink.Call{Op: "read status", Vehicle: "a"}, bluelink.Call{Op: "read status", Vehicle: "b"}
		blamed := 0
		for range 24 * 60 {
			if r.Blame(mine) {
				blamed++
				refused := &bluelink.Error{Err: bluelink.ErrSessionExpired}
				r.Learn(mine, refused)
				if wait := bluelink.RetryAfter(r.Despite(mine, refused)); wait < 30*time.Minute || wait > 6*time.Hour {
					t.Errorf("tried again after %s", wait)
				}
			}
			if !r.Blame(neighbours) || !r.Blame(bluelink.Call{Op: "lock", Vehicle: "a"}) {
				t.Fatal("other calls are not mended either")
			}
			<-time.After(time.Minute)
		}
		if blamed != 7 {
			t.Errorf("blamed %d times", blamed)
		}
		r.Learn(mine, nil)
		if !r.Blame(mine) {
			t.Error("not forgotten after it went well")
		}
	})
}
