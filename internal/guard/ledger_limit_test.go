package guard

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestLedger_TooManyRequestsStopAllButCommandsUntilTheReset is C8.
func TestLedger_TooManyRequestsStopAllButCommandsUntilTheReset(t *testing.T) {
	tooMany := func(wait time.Duration) error {
		return &bluelink.Error{Code: "5091", RetryAfter: wait, Left: true, Err: bluelink.ErrRateLimited}
	}
	read := Operation{Name: opCached, Kind: bluelink.CallRead, Vehicle: vehicle.Vehicle{ID: ioniq}}
	command := Operation{Name: "lock", Kind: bluelink.CallCommand, Vehicle: vehicle.Vehicle{ID: ioniq}}
	for name, test := range map[string]struct {
		wait, until time.Duration
		ceiling     int
	}{
		"by the region's midnight": {0, 23 * time.Hour, 96},
		"by the cloud's word":      {6 * time.Hour, 6 * time.Hour, 96},
		"for a minute":             {time.Minute, time.Minute, 150},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				d := newDisk()
				l := openLedger(t, d, func(o *LedgerOptions) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
				until := time.Now().Add(test.until)
				for range 119 {
					_ = l.call(by(vehicle.ByTimer), readOf(ioniq), nil)
				}
				for range 3 { // those that were under way already
					_ = l.Before(by(vehicle.ByTimer), readOf(ioniq))
				}
				l.After(by(vehicle.ByTimer), readOf(ioniq), time.Second, tooMany(test.wait))
				l.After(by(vehicle.ByTimer), readOf(ioniq), time.Second, tooMany(test.wait))
				if strings.Count(log.String(), "too many") != 1 {
					t.Errorf("log:\n%s", &log)
				}
				for range 2 { // and after a crash
					_, _, err := keeper(l).Admit(by(vehicle.ByMQTT), read)
					if bluelink.Reason(err) != vehicle.CloudLimit || bluelink.RetryAfter(err) != test.until || !l.Today().LimitedUntil.Equal(until) {
						t.Errorf("a read: %v, wait %s", err, bluelink.RetryAfter(err))
					}
					_, ended, err := keeper(l).Admit(by(vehicle.ByMQTT), command)
					if err != nil {
						t.Errorf("a command: %v", err)
					} else {
						ended(nil)
					}
					l = openLedger(t, d.Store)
				}
				<-time.After(test.until)
				if _, _, err := keeper(l).Admit(by(vehicle.ByMQTT), read); err != nil {
					t.Errorf("after the reset: %v", err)
				}
				ceiling := l.Today().Limit
				if ceiling < test.ceiling || ceiling > test.ceiling+2 {
					t.Errorf("the ceiling is %d, want about %d", l.Today().Limit, test.ceiling)
				}
			})
		})
	}
}

func TestLedger_TheCeilingComesBackDayByDay(t *testing.T) {
	b := newBook()
	b.turn("2026-03-01", noon)
	b.Lost = 100
	b.learn(150)
	var seen []int
	for day := range 8 {
		b.turn(fmt.Sprintf("2026-03-%02d", day+1), noon)
		seen = append(seen, b.ceiling(150))
	}
	if got := fmt.Sprint(seen); got != "[80 80 87 95 102 110 117 125]" {
		t.Errorf("ceilings %s", got)
	}
	b.Lost = 4 // somebody else has used it up
	if b.learn(150); b.ceiling(150) != 50 {
		t.Errorf("the ceiling fell to %d", b.ceiling(150))
	}
	if b.ceiling(0) != 0 {
		t.Error("without a limit there is a ceiling")
	}
}
