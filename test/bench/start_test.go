package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
)

// sight is a message that was seen.
type sight struct {
	topic string
	at    time.Time
}

// measureStart starts the program on the store of an earlier run and looks when the first retained state of a car comes,
// and when the first that was read from the cloud anew.
func measureStart(b *testing.B, n *numbers) {
	w := simulate(b, "--cars", "1")
	seen := make(chan sight, 10_000)
	connect(b, w.broker.URL(), func(m mqtt.Message) { seen <- sight{m.Topic, time.Now()} }, base+"+/battery/+", base+"+/status/#")
	s := setup{initial: true, storeDir: filepath.Join(b.TempDir(), "store")}

	// once runs the program until both were seen; the times are since before the process was made.
	once := func() (stored, fresh float64) {
		for len(seen) > 0 {
			<-seen
		}
		p := w.run(s)
		deadline := time.After(patience)
		for fresh == 0 {
			select {
			case m := <-seen:
				took := m.at.Sub(p.started).Seconds() * 1000
				if stored == 0 {
					stored = took
				}
				if strings.HasSuffix(m.topic, "/status/data_source") {
					fresh = took
				}
			case <-deadline:
				b.Fatal("the program publishes nothing")
			}
		}
		p.stop()
		return stored, fresh
	}
	once() // signs in, and fills the store
	var stored, fresh, alone []float64
	for range pick(15, 60) {
		s, f := once()
		stored, fresh, alone = append(stored, s), append(fresh, f), append(alone, version(b))
	}
	n.add(b, "start/stored_ms", stored...)
	n.add(b, "start/fresh_ms", fresh...)
	n.add(b, "start/version_ms", alone...)
}

// manyCars are those of a start of many.
const manyCars = 100

// measureStartOfMany starts the program on a store with a hundred cars and looks when the first retained state of one
// comes, and when the last topic of the last one does. Nothing is read meanwhile.
func measureStartOfMany(b *testing.B, n *numbers) {
	w := simulate(b, "--cars", strconv.Itoa(manyCars))
	s := setup{storeDir: filepath.Join(b.TempDir(), "store")}
	filling := s
	filling.initial = true
	p := w.run(filling)
	d := w.drive(byRecords)
	d.refresh(d.await(manyCars), 1, 8, "cached")
	p.stop()

	seen := make(chan sight, 100_000)
	connect(b, w.broker.URL(), func(m mqtt.Message) { seen <- sight{m.Topic, time.Now()} }, base+"+/battery/+", base+"+/status/stale_reason")
	var first, last []float64
	for range pick(15, 60) {
		wait(200 * time.Millisecond) // until what the broker retains, or the last run said, is here
		for len(seen) > 0 {
			<-seen
		}
		p := w.run(s)
		whole := map[string]bool{}
		deadline := time.After(patience)
		for begun := false; len(whole) < manyCars; {
			select {
			case m := <-seen:
				took := m.at.Sub(p.started).Seconds() * 1000
				if !begun {
					first, begun = append(first, took), true
				}
				if strings.HasSuffix(m.topic, "/stale_reason") {
					if whole[m.topic] = true; len(whole) == manyCars {
						last = append(last, took)
					}
				}
			case <-deadline:
				b.Fatal("the program does not publish all cars")
			}
		}
		p.stop()
	}
	n.add(b, "start_100/first_ms", first...)
	n.add(b, "start_100/all_ms", last...)
}

// version is how long the program takes to say its version: what a process of this size costs by itself.
func version(b *testing.B) float64 {
	begun := time.Now()
	if err := exec.Command(program(b), "version").Run(); err != nil {
		b.Fatal(err)
	}
	return time.Since(begun).Seconds() * 1000
}

// measureBinary is the size of the program as it is released.
func measureBinary(b *testing.B, n *numbers) {
	info, err := os.Stat(program(b))
	if err != nil {
		b.Fatal(err)
	}
	n.add(b, "binary/MB", float64(info.Size())/1e6)
}
