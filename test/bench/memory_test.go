package bench

import (
	"fmt"
	"strconv"
	"testing"
)

// measureMemory is the program's memory after some refreshes of each car, and the processor time of one refresh at that
// size, with the limits as they come.
func measureMemory(b *testing.B, n *numbers, accounts, cars int) {
	var w *world
	name := fmt.Sprintf("memory/%d", cars)
	if accounts == 1 {
		w = simulate(b, "--cars", strconv.Itoa(cars))
	} else {
		w = serve(b, cloudOptions{Accounts: accounts, Cars: cars / accounts})
		name += fmt.Sprintf("_on_%d_accounts", accounts)
	}
	d := w.drive()
	program := w.run(setup{})
	all := d.await(cars)
	d.refresh(all, 1, atOnce, "cached")
	used := program.cpu()
	rounds := 9
	if cars >= 10_000 {
		rounds = pick(1, 9)
	}
	more := max(1, 1000/(cars*rounds)) // enough for the clock of processor times
	d.refresh(all, rounds*more, atOnce, "cached")
	n.add(b, name+"/cpu_us", float64((program.cpu()-used).Microseconds())/float64(cars*rounds*more))
	now, peak := program.memory()
	n.add(b, name+"/MB", now)
	n.add(b, name+"/peak_MB", peak)
}
