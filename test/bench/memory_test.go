package bench

import (
	"strconv"
	"testing"
)

// measureMemory is the program's memory after some refreshes of each car, and the processor time of one refresh at that
// size, with the limits as they come.
func measureMemory(b *testing.B, n *numbers, s size) {
	var w *world
	if s.accounts == 1 {
		w = simulate(b, "--cars", strconv.Itoa(s.cars))
	} else {
		w = serve(b, cloudOptions{Accounts: s.accounts, Cars: s.cars / s.accounts})
	}
	d := w.drive(byEvents)
	program := w.run(setup{})
	cars := d.await(s.cars)
	d.refresh(cars, 1, atOnce, "cached")
	rounds := 9
	if s.cars >= 10_000 {
		rounds = pick(1, 9)
	}
	used := program.cpu()
	d.refresh(cars, rounds, atOnce, "cached")
	now, peak := program.memory()
	if few := 2000 / s.cars / rounds; few > 0 { // too few for the clock of processor times
		used = program.cpu()
		rounds = few
		d.refresh(cars, rounds, atOnce, "cached")
	}
	n.add(b, s.name()+"/MB", now)
	n.add(b, s.name()+"/peak_MB", peak)
	n.add(b, s.name()+"/cpu_us", float64((program.cpu()-used).Microseconds())/float64(s.cars*rounds))
}
