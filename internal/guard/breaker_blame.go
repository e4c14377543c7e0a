package guard

import "github.com/bluelink2mqtt/bluelink2mqtt/vehicle"

// sickAfter is how many failures in a row make a car suspect: when a neighbour is served after them, it is the car and
// not the cloud that fails.
const sickAfter = 2

// blame tells a cloud that fails from a car that does: a sold one may be answered 502 for ever, which must not shut out its
// neighbours. Failures in a row mean the cloud when more than one car is among them, when they were about no car, or when
// there is but one car whose failures count. Those of a car that failed while a neighbour was served do not count until
// the car is served again.
type blame struct {
	limit   int // failures in a row that mean the cloud
	known   map[vehicle.ID]struct{}
	failing map[vehicle.ID]*ailing
	sick    int // of those
	row     int // failures in a row, without those of sick cars
	among   int // different cars among them
	nobody  bool
	prober  vehicle.ID // whose probe failed last
}

// ailing is a car that was not served since it failed.
type ailing struct {
	row     int  // its own failures in a row
	counted bool // among those that count
	sick    bool
}

func newBlame(limit uint) *blame {
	return &blame{limit: int(limit), known: map[vehicle.ID]struct{}{}, failing: map[vehicle.ID]*ailing{}}
}

// list learns which cars there are.
func (b *blame) list(cars []vehicle.ID) {
	clear(b.known)
	for _, id := range cars {
		b.meet(id)
	}
	for id := range b.failing {
		if _, here := b.known[id]; !here {
			b.forget(id)
		}
	}
}

// meet learns that there is a car; none has an empty id.
func (b *blame) meet(id vehicle.ID) {
	if id != "" {
		b.known[id] = struct{}{}
	}
}

// served learns that the cloud answered. Whoever failed before a neighbour was served is sick.
func (b *blame) served(id vehicle.ID) {
	b.forget(id)
	if id != "" {
		for _, f := range b.failing {
			if f.row >= sickAfter {
				b.sicken(f)
			}
		}
	}
	b.begin()
}

// failed learns that the cloud failed, and tells whether it is down.
func (b *blame) failed(id vehicle.ID) (down bool) {
	if id == "" {
		b.nobody = true
	} else {
		f := b.note(id)
		if f.sick {
			return false
		}
		if !f.counted {
			f.counted = true
			b.among++
		}
	}
	b.row++
	return b.row >= b.limit && (b.nobody || b.among > 1 || b.alone())
}

// probed learns that a probe failed, and tells whether that counts. A car whose probes fail one after the other may be the
// only one that fails by now; then a neighbour shall probe.
func (b *blame) probed(id vehicle.ID) (counts bool) {
	if id == "" {
		return true
	}
	f, again := b.note(id), b.prober == id
	b.prober = id
	if again && !b.alone() {
		b.sicken(f)
	}
	return !f.sick
}

// forgive forgets failures for which the cloud is to blame, once that was found out. What is sick stays so.
func (b *blame) forgive() {
	for id, f := range b.failing {
		if !f.sick {
			delete(b.failing, id)
		}
	}
	b.begin()
}

func (b *blame) note(id vehicle.ID) *ailing {
	f := b.failing[id]
	if f == nil {
		f = new(ailing)
		b.failing[id] = f
	}
	f.row++
	return f
}

func (b *blame) forget(id vehicle.ID) {
	if f := b.failing[id]; f != nil && f.sick {
		b.sick--
	}
	delete(b.failing, id)
}

func (b *blame) sicken(f *ailing) {
	if !f.sick {
		f.sick = true
		b.sick++
	}
}

// alone tells that no other car can bear witness.
func (b *blame) alone() bool { return len(b.known)-b.sick <= 1 }

// begin begins a new row.
func (b *blame) begin() {
	b.row, b.among, b.nobody, b.prober = 0, 0, false, ""
	for _, f := range b.failing {
		f.counted = false
	}
}
