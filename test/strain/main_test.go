// Package strain puts the whole program under strain: every fault of the simulated clouds, bad links to the broker, long
// time, stuck and broken lanes. Start with matrix_test.go and its table; docs/resilience.md lists what is held here. Most
// of it runs in virtual time and without sockets (world_test.go). It holds tests only.
package strain

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
