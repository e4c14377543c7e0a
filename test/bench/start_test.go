package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
)

// measureStart starts the program on the store of an earlier run and looks when the first retained state of a car comes,
// and when the first that was read from the cloud anew.
func measureStart(b *testing.B, n *numbers) {
	w := simulate(b, "--cars", "1")
	type sight struct {
		topic string
		at    time.Time
	}
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
