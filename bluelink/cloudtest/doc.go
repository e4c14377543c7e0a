// Package cloudtest is the suite that every protocol family must pass: the contract of [bluelink.Cloud], held against the
// simulated cloud in process and in virtual time. A family joins with one call of [Run] for each cloud that it serves.
//
// Start at [Run]; the parts stand in session.go, code.go, read.go, command.go, fault.go and hostile.go. What was replayed
// becomes a column of the table in README.md (matrix.go): a plain run fails when the README promises something else, and
//
//	go test -p 1 ./bluelink/... -run Suite -update
//
// writes it anew. The suite knows a family through the contract alone: what it expects of one it expects of all, except for
// what [Setup] says of a cloud. Only tests import it.
//
// Beside the suite stands [Script], a cloud in the words of one test.
package cloudtest
