package mqtt

import (
	"math/rand/v2"
	"time"
)

const (
	firstWait   = time.Second      // ceiling of the wait after the first failure
	longestWait = 60 * time.Second // ceiling of every wait

	// steadyAfter is how long a connection must last before its loss counts as a fresh start. Without
	// it a broker that accepts and drops us at once would be asked again without any wait. It is more
	// than the longest wait, so that two clients with one id, each of which lives as long as the other
	// waits, both come to wait long.
	steadyAfter = 2 * longestWait

	// sudden is how long a connection lasts at most that ends because of what is sent first.
	sudden = 5 * time.Second

	// suspiciouslyShort is how many connections in a row may be short before we say what may be behind.
	suspiciouslyShort = 3

	// patientAttempt stands for an attempt whose wait is the longest. It is used after another client
	// took our client id: two that take turns at once would never let each other work.
	patientAttempt = 16
)

// DefaultBackoff is the wait before connection attempt n, counted from the last success: none before
// the first, then up to 1, 2, 4 … 60 s, of which a random half is taken off so that many bridges do not
// return to a restarted broker in step.
func DefaultBackoff(attempt int) time.Duration {
	if attempt <= 0 {
		return 0
	}
	ceiling := longestWait
	if doublings := attempt - 1; doublings < 6 {
		ceiling = min(firstWait<<doublings, longestWait)
	}
	return ceiling/2 + rand.N(ceiling/2+1)
}
