package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

const (
	ledgerKey = "account/a/ledger"
	ioniq     = vehicle.ID("aaaaaaaaaaaa")
	ev6       = vehicle.ID("bbbbbbbbbbbb")
)

// disk is a store that counts writes and fails when it is told to.
type disk struct {
	store.Store
	mu     sync.Mutex
	writes int
	fail   error
}

func newDisk() *disk { return &disk{Store: store.NewMemory()} }

func (d *disk) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	d.mu.Lock()
	d.writes++
	err := d.fail
	d.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return d.Store.Put(ctx, key, value, revision)
}

func (d *disk) breaks(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = err
}

func (d *disk) written() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.writes
}

// openLedger opens the ledger on a store, as the start of a program does.
func openLedger(t testing.TB, s store.Store, change ...func(*LedgerOptions)) *Ledger {
	t.Helper()
	o := LedgerOptions{Account: "home", Key: ledgerKey, Store: s, Zone: berlin, Limit: 150, Log: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&o)
	}
	l, err := OpenLedger(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func by(cause vehicle.Cause) context.Context {
	return bluelink.WithTrace(context.Background(), bluelink.Trace{Cause: cause})
}

func readOf(car vehicle.ID) bluelink.Call {
	return bluelink.Call{Account: "home", Vehicle: car, Kind: bluelink.CallRead, Op: "read status"}
}

func wakeOf(car vehicle.ID) bluelink.Call {
	return bluelink.Call{Account: "home", Vehicle: car, Kind: bluelink.CallWake, Op: "wake"}
}

// call makes a call that ends as said.
func (l *Ledger) call(ctx context.Context, call bluelink.Call, end error) error {
	if err := l.Before(ctx, call); err != nil {
		return err
	}
	l.After(ctx, call, time.Second, end)
	return nil
}

// wake makes a whole wake through the gate: the call ends as said, and so does the operation.
func (k *Keeper) wake(ctx context.Context, car vehicle.ID, end error) error {
	ctx, ended, err := k.Admit(ctx, Operation{Account: "home", Name: opForce, Kind: bluelink.CallWake, Vehicle: vehicle.Vehicle{ID: car}})
	if err != nil {
		return err
	}
	if err := k.ledger.call(ctx, wakeOf(car), end); err != nil {
		ended(err)
		return err
	}
	ended(end)
	return nil
}

func keeper(l *Ledger) *Keeper { return NewKeeper(DefaultRules(vehicle.Europe, vehicle.Kia), l) }

func TestLedger_BooksByKindAndCauseForAccountAndCar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLedger(t, newDisk())
		for range 3 {
			_ = l.call(by(vehicle.ByTimer), readOf(ioniq), nil)
		}
		_ = l.call(by(vehicle.ByMQTT), readOf(ev6), bluelink.ErrNoData)
		_ = l.call(by(vehicle.ByStart), readOf(""), nil)
		_ = l.call(by(vehicle.ByMQTT), bluelink.Call{Vehicle: ev6, Kind: bluelink.CallCommand}, nil)
		_ = l.call(by(vehicle.ByStart), bluelink.Call{Kind: bluelink.CallLogin}, nil)
		_ = l.call(context.Background(), bluelink.Call{Kind: bluelink.CallRenew}, nil)
		if err := keeper(l).wake(by(vehicle.ByCLI), ioniq, nil); err != nil {
			t.Fatal(err)
		}
		a, car, other := l.Today(), l.Car(ioniq), l.Car(ev6)
		if a.Used != 7 || a.Remaining != 143 || a.Commands != 1 || a.Wakes != 1 || !a.Reset.Equal(time.Date(2000, 1, 1, 23, 0, 0, 0, time.UTC)) {
			t.Errorf("account %+v", a)
		}
		if car.Calls != 4 || car.UserWakes != 1 || car.AutomaticWakes != 0 || car.LastCause != vehicle.ByCLI || !car.LastWake.Equal(time.Now()) {
			t.Errorf("car %+v", car)
		}
		if other.Calls != 2 || other.Commands != 1 || other.Wakes() != 0 || !other.LastWake.IsZero() {
			t.Errorf("other car %+v", other)
		}
		value, err := l.book.write(0)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{`"read/timer":3`, `"read/mqtt":1`, `"read/start":1`, `"command/mqtt":1`, `"login/start":1`, `"renew/unknown":1`, `"wake/cli":1`, `"cli":1`} {
			if !strings.Contains(string(value), word) {
				t.Errorf("the store does not hold %s: %s", word, value)
			}
		}
	})
}

// TestLedger_NothingWakesWithoutTheLeaveOfTheGate holds by construction that all ways to a wake pass the gate.
func TestLedger_NothingWakesWithoutTheLeaveOfTheGate(t *testing.T) {
	l := openLedger(t, newDisk())
	k := keeper(l)
	leave, ended, err := k.Admit(by(vehicle.ByMQTT), Operation{Name: opForce, Kind: bluelink.CallWake, Vehicle: vehicle.Vehicle{ID: ioniq}})
	if err != nil {
		t.Fatal(err)
	}
	defer ended(nil)
	cached, done, err := k.Admit(by(vehicle.ByMQTT), Operation{Name: opCached, Kind: bluelink.CallRead, Vehicle: vehicle.Vehicle{ID: ioniq}})
	if err != nil {
		t.Fatal(err)
	}
	defer done(nil)
	other := openLedger(t, newDisk())
	for name, try := range map[string]func() error{
		"no operation":    func() error { return l.Before(by(vehicle.ByMQTT), wakeOf(ioniq)) },
		"a cached read":   func() error { return l.Before(cached, wakeOf(ioniq)) },
		"another car":     func() error { return l.Before(leave, wakeOf(ev6)) },
		"another account": func() error { return other.Before(leave, wakeOf(ioniq)) },
	} {
		if err := try(); !errors.Is(err, bluelink.ErrQuota) || bluelink.Reason(err) != vehicle.NotPermitted {
			t.Errorf("%s: %v", name, err)
		}
	}
	if a := l.Today(); a.Used != 0 || a.Wakes != 0 {
		t.Errorf("booked %+v", a)
	}
	if err := l.Before(leave, wakeOf(ioniq)); err != nil {
		t.Error(err)
	}
}

// TestLedger_AWakeIsOneWhateverItSends counts a forced read of the flat form, which wakes with two calls.
func TestLedger_AWakeIsOneWhateverItSends(t *testing.T) {
	d := newDisk()
	l := openLedger(t, d)
	ctx, ended, err := keeper(l).Admit(by(vehicle.ByMQTT), Operation{Name: opForce, Kind: bluelink.CallWake, Vehicle: vehicle.Vehicle{ID: ioniq}})
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []bluelink.Call{wakeOf(ioniq), wakeOf(ioniq), readOf(ioniq)} {
		if err := l.call(ctx, call, nil); err != nil {
			t.Fatal(err)
		}
	}
	ended(nil)
	if a, c := l.Today(), l.Car(ioniq); a.Used != 3 || a.Wakes != 1 || c.UserWakes != 1 || c.Calls != 3 {
		t.Errorf("%+v, %+v", a, c)
	}
}

// TestLedger_WakesAndCommandsAreDurableBeforeTheyLeave reads the store at the moment at which the call may leave.
func TestLedger_WakesAndCommandsAreDurableBeforeTheyLeave(t *testing.T) {
	d := newDisk()
	l := openLedger(t, d)
	k := keeper(l)
	ctx, ended, err := k.Admit(by(vehicle.ByMQTT), Operation{Name: opForce, Kind: bluelink.CallWake, Vehicle: vehicle.Vehicle{ID: ioniq}})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Before(ctx, wakeOf(ioniq)); err != nil {
		t.Fatal(err)
	}
	if c := openLedger(t, d.Store).Car(ioniq); c.UserWakes != 1 || c.LastCause != vehicle.ByMQTT {
		t.Errorf("after a crash: %+v", c)
	}
	l.After(ctx, wakeOf(ioniq), time.Second, nil)
	ended(nil)
	command := bluelink.Call{Vehicle: ev6, Kind: bluelink.CallCommand}
	if err := l.Before(by(vehicle.ByMQTT), command); err != nil {
		t.Fatal(err)
	}
	if a := openLedger(t, d.Store).Today(); a.Commands != 1 {
		t.Errorf("after a crash: %+v", a)
	}

	// A store that fails lets neither leave, and reads go on.
	d.breaks(errors.New("no space left"))
	before := l.Today()
	for name, try := range map[string]func() error{
		"wake":    func() error { return k.wake(by(vehicle.ByMQTT), ev6, nil) },
		"command": func() error { return l.Before(by(vehicle.ByMQTT), command) },
	} {
		if err := try(); !errors.Is(err, bluelink.ErrQuota) || !errors.Is(err, d.fail) || bluelink.Reason(err) != vehicle.Internal || bluelink.MayHaveSucceeded(err) {
			t.Errorf("%s with a full disk: %v", name, err)
		}
	}
	if after := l.Today(); after != before || l.Car(ev6).Wakes() != 0 || !l.Car(ev6).LastWake.IsZero() {
		t.Errorf("booked all the same: %+v, %+v", after, l.Car(ev6))
	}
	for range 100 {
		if err := l.call(by(vehicle.ByTimer), readOf(ioniq), nil); err != nil {
			t.Fatalf("a read with a full disk: %v", err)
		}
	}
	d.breaks(nil)
	if err := k.wake(by(vehicle.ByMQTT), ev6, nil); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	if a := openLedger(t, d.Store).Today(); a.Used < before.Used+101 {
		t.Errorf("%d calls after a crash, want the reads that were not written in time too", a.Used)
	}
}

func TestLedger_AFullDiskIsSaidOnceAndNotTriedAtEachRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		d := newDisk()
		l := openLedger(t, d, func(o *LedgerOptions) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		d.breaks(errors.New("read-only"))
		for range 600 {
			_ = l.call(by(vehicle.ByTimer), readOf(ioniq), nil)
			<-time.After(time.Second)
		}
		if n := d.written(); n < 5 || n > 12 {
			t.Errorf("tried %d times in ten minutes", n)
		}
		d.breaks(nil)
		<-time.After(2 * time.Minute)
		_ = l.call(by(vehicle.ByTimer), readOf(ioniq), nil)
		if strings.Count(log.String(), "cannot be written") != 1 || strings.Count(log.String(), "written again") != 1 {
			t.Errorf("log:\n%s", &log)
		}
	})
}

// TestLedger_ReadsAreReservedInBlocks holds both sides: few writes, and after a crash never too few calls.
func TestLedger_ReadsAreReservedInBlocks(t *testing.T) {
	d := newDisk()
	l := openLedger(t, d)
	for n := 1; n <= 120; n++ {
		if err := l.call(by(vehicle.ByTimer), readOf(ioniq), nil); err != nil {
			t.Fatal(err)
		}
		crashed := openLedger(t, d.Store)
		if a, c := crashed.Today(), crashed.Car(ioniq); a.Used < n || a.Used > n+minBlock || c.Calls < n || c.Calls > n+minBlock {
			t.Fatalf("after %d reads a crash leaves %d, of the car %d", n, a.Used, c.Calls)
		}
	}
	if n := d.written(); n > 7 {
		t.Errorf("%d writes for 120 reads", n)
	}
	if err := l.Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	if a := openLedger(t, d.Store).Today(); a.Used != 120 {
		t.Errorf("after an end in peace %d calls", a.Used)
	}
}

// TestLedger_ManyReadsCostFewWrites is the pace of a benchmark.
func TestLedger_ManyReadsCostFewWrites(t *testing.T) {
	d := newDisk()
	l := openLedger(t, d, func(o *LedgerOptions) { o.Limit = 0 })
	var lanes sync.WaitGroup
	for range 8 {
		lanes.Go(func() {
			for range 25_000 {
				_ = l.call(by(vehicle.ByTimer), readOf(ioniq), nil)
			}
		})
	}
	lanes.Wait()
	if a := l.Today(); a.Used != 200_000 {
		t.Errorf("%d calls", a.Used)
	}
	if n := d.written(); n > 120 {
		t.Errorf("%d writes for 200,000 reads", n)
	}
}

// BenchmarkLedger_Read is what the books cost a read, with eight lanes at once.
func BenchmarkLedger_Read(b *testing.B) {
	l := openLedger(b, store.NewMemory(), func(o *LedgerOptions) { o.Limit = 0 })
	k := keeper(l)
	ctx, op := by(vehicle.ByTimer), Operation{Account: "home", Name: opCached, Kind: bluelink.CallRead, Vehicle: vehicle.Vehicle{ID: ioniq}}
	b.ReportAllocs()
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			admitted, ended, err := k.Admit(ctx, op)
			if err != nil {
				b.Error(err)
				return
			}
			_ = l.call(admitted, readOf(ioniq), nil)
			ended(nil)
		}
	})
}

// TestLedger_CrashesNeverLetCountersFall makes random calls, crashes, ends in peace and new days, on one store.
func TestLedger_CrashesNeverLetCountersFall(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			s := store.NewMemory()
			l := openLedger(t, s)
			type truth struct{ calls, wakes int }
			day, made, cars := l.book.Day, truth{}, map[vehicle.ID]*truth{ioniq: {}, ev6: {}}
			shown := map[vehicle.ID]CarBook{}
			var account AccountBook
			for range rapid.IntRange(1, 60).Draw(rt, "steps") {
				car := rapid.SampledFrom([]vehicle.ID{ioniq, ev6}).Draw(rt, "car")
				switch rapid.SampledFrom([]string{"read", "read", "read", "wake", "crash", "peace", "wait"}).Draw(rt, "step") {
				case "read":
					for range rapid.IntRange(1, 30).Draw(rt, "reads") {
						if l.call(by(vehicle.ByTimer), readOf(car), nil) == nil {
							made.calls++
							cars[car].calls++
						}
					}
				case "wake":
					if keeper(l).wake(by(vehicle.ByMQTT), car, nil) == nil {
						made.calls, made.wakes = made.calls+1, made.wakes+1
						cars[car].calls, cars[car].wakes = cars[car].calls+1, cars[car].wakes+1
					}
				case "crash":
					l = openLedger(t, s)
				case "peace":
					if err := l.Settle(context.Background()); err != nil {
						rt.Fatal(err)
					}
					l = openLedger(t, s)
				case "wait":
					<-time.After(time.Duration(rapid.IntRange(1, 400).Draw(rt, "minutes")) * time.Minute)
				}
				now := l.Today()
				if l.book.Day != day {
					day, made, account = l.book.Day, truth{}, AccountBook{}
					clear(shown)
					for id := range cars {
						cars[id] = &truth{}
					}
					continue // what this step did belongs to either day
				}
				if now.Used < made.calls || now.Used < account.Used || now.Wakes != made.wakes {
					rt.Fatalf("%d calls and %d wakes, the ledger says %d and %d, before %d", made.calls, made.wakes, now.Used, now.Wakes, account.Used)
				}
				for id, c := range cars {
					b := l.Car(id)
					if b.Calls < c.calls || b.Calls < shown[id].Calls || b.Wakes() != c.wakes {
						rt.Fatalf("car: %d calls and %d wakes, the ledger says %d and %d, before %d", c.calls, c.wakes, b.Calls, b.Wakes(), shown[id].Calls)
					}
					shown[id] = b
				}
				account = now
			}
		})
	})
}

func TestLedger_NewDayBeginsAtTheRegionsMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		l := openLedger(t, d)
		for range 50 {
			_ = l.call(by(vehicle.ByTimer), readOf(ioniq), nil)
		}
		if err := keeper(l).wake(by(vehicle.ByMQTT), ioniq, nil); err != nil {
			t.Fatal(err)
		}
		woken := time.Now()
		<-time.After(23*time.Hour - time.Nanosecond) // it is one o'clock in Berlin when virtual time begins
		if a := l.Today(); a.Used != 51 {
			t.Errorf("just before midnight %d calls", a.Used)
		}
		<-time.After(time.Nanosecond)
		if a, c := l.Today(), l.Car(ioniq); a.Used != 0 || a.Wakes != 0 || c.Calls != 0 || c.Wakes() != 0 || !c.LastWake.Equal(woken) {
			t.Errorf("at midnight %+v, %+v", a, c)
		}
		_ = l.call(by(vehicle.ByTimer), readOf(ioniq), nil)
		if a := openLedger(t, d.Store).Today(); a.Used < 1 {
			t.Error("a crash on the new day loses its first call")
		}
	})
}

// TestLedger_AClockThatGoesBackForgetsNothing is a Raspberry Pi after a power cut: it starts in the past.
func TestLedger_AClockThatGoesBackForgetsNothing(t *testing.T) {
	b := newBook()
	for _, step := range []struct {
		day  string
		want int
	}{
		{"2026-03-10", 0},
		{"2026-03-10", 40},
		{"2026-03-09", 40},
		{"2026-03-10", 40},
		{"2026-03-11", 0},
		{"2026-03-11", 40},
		{"2026-01-01", 40},
		{"2026-01-02", 0}, // it was wrong by months before
	} {
		if b.turn(step.day, noon); b.used() != step.want {
			t.Errorf("on %s %d calls, want %d", step.day, b.used(), step.want)
		}
		b.Lost = 40
	}
}

// TestLedger_WhatFoundNoConnectionIsNotCounted holds for reads and for a wake, which may then be tried at once.
func TestLedger_WhatFoundNoConnectionIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLedger(t, newDisk())
		k := keeper(l)
		unplugged := &bluelink.Error{Err: errors.Join(bluelink.ErrUnavailable, errors.New("no route to host"))}
		for range 30 {
			_ = l.call(by(vehicle.ByTimer), readOf(ioniq), unplugged)
			if err := k.wake(by(vehicle.ByMQTT), ioniq, unplugged); err != nil {
				t.Fatalf("after a wake that did not leave: %v", err)
			}
		}
		if a, c := l.Today(), l.Car(ioniq); a.Used != 0 || a.Wakes != 0 || c.Wakes() != 0 || !c.LastWake.IsZero() {
			t.Errorf("%+v, %+v", a, c)
		}
	})
}

// TestLedger_WhatCannotBeReadCountsAsUsedUp leaves only what is kept for the owner.
func TestLedger_WhatCannotBeReadCountsAsUsedUp(t *testing.T) {
	d := newDisk()
	if _, err := d.Put(context.Background(), ledgerKey, []byte("{broken"), store.AnyRevision); err != nil {
		t.Fatal(err)
	}
	k := keeper(openLedger(t, d))
	read := Operation{Name: opCached, Kind: bluelink.CallRead}
	if _, _, err := k.Admit(by(vehicle.ByTimer), read); bluelink.Reason(err) != vehicle.QuotaExhausted {
		t.Errorf("a timer's read: %v", err)
	}
	if _, _, err := k.Admit(by(vehicle.ByMQTT), read); err != nil {
		t.Errorf("the owner's: %v", err)
	}
}

func TestLedger_ReadsWhatOtherVersionsWrote(t *testing.T) {
	b, err := readBook([]byte(`{"day":"2026-03-10","calls":{"read/timer":3,"teleport/dream":2},"wakes":{"dream":1},"cars":{"x":null},"new":1,"reserved":5}`))
	if err != nil {
		t.Fatal(err)
	}
	if b.used() != 10 || b.Wakes.sum() != 1 || len(b.Cars) != 0 || b.Lost != 5 {
		t.Errorf("%+v", b)
	}
	value, err := b.write(7)
	if err != nil {
		t.Fatal(err)
	}
	var stored map[string]any
	if err := json.Unmarshal(value, &stored); err != nil || stored["reserved"] != 7.0 {
		t.Errorf("%s, %v", value, err)
	}
}

// TestLedger_StaysSmall bounds what one account takes in the store, whatever happens in it.
func TestLedger_StaysSmall(t *testing.T) {
	b := newBook()
	b.turn("2026-03-10", noon)
	for n := range 20_000 {
		car := b.car(vehicle.ID(fmt.Sprintf("%012d", n)))
		for kind := range car.Calls {
			car.Calls[kind][n%8] = 1 << 30
		}
		if n%20 == 0 {
			car.LastWake = noon
		}
	}
	value, err := b.write(20)
	if err != nil || len(value) > store.MaxValueSize {
		t.Errorf("%d bytes, %v", len(value), err)
	}
	b.turn("2026-05-10", noon.Add(61*24*time.Hour))
	if len(b.Cars) != 0 {
		t.Errorf("%d cars are remembered after two months", len(b.Cars))
	}
}
