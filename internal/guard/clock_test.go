package guard

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

// TestLogins_AClockThatWasAheadLocksForAnHour is a machine whose clock was a year ahead when it signed in: the bound counts
// from when the clock is right again, and does not move along with it.
func TestLogins_AClockThatWasAheadLocksForAnHour(t *testing.T) {
	for name, restart := range map[string]bool{"in one run": false, "with restarts": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := store.NewMemory()
				ahead := time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339)
				if _, err := d.Put(t.Context(), "account/a/logins", []byte(`{"acts":{"login":["`+ahead+`"]}}`), store.AnyRevision); err != nil {
					t.Fatal(err)
				}
				g := openLogins(t, d)
				for range 6 {
					if err := g.Before(t.Context(), passwordCall); !errors.Is(err, bluelink.ErrQuota) {
						t.Fatalf("within the hour: %v", err)
					}
					<-time.After(10*time.Minute + time.Second)
					if restart {
						g = openLogins(t, d)
					}
				}
				if next := g.Next(); !next.IsZero() {
					t.Errorf("the next is said to be tried at %s", next)
				}
				if err := g.Before(t.Context(), passwordCall); err != nil {
					t.Errorf("after the hour: %v", err)
				}
			})
		})
	}
}

// TestLedger_AClockThatWasAheadLimitsForADay holds what a cloud said on a clock that was a year ahead against the longest
// that a cloud may ask for.
func TestLedger_AClockThatWasAheadLimitsForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := store.NewMemory()
		ahead := time.Now().AddDate(1, 0, 0).UTC()
		text := `{"day":"` + ahead.Format(time.DateOnly) + `","limited":{"since":"` + ahead.Format(time.RFC3339) + `","until":"` +
			ahead.Add(time.Hour).Format(time.RFC3339) + `"},"cars":{}}`
		if _, err := d.Put(t.Context(), ledgerKey, []byte(text), store.AnyRevision); err != nil {
			t.Fatal(err)
		}
		l := openLedger(t, d)
		if l.Today().LimitedUntil.IsZero() {
			t.Error("the limit is forgotten")
		}
		<-time.After(longestLimit)
		if until := l.Today().LimitedUntil; !until.IsZero() {
			t.Errorf("limited until %s", until)
		}
	})
}
