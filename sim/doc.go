// Package sim is the wind tunnel of the project: simulated cars and the makers'
// clouds around them, served over plain HTTP and told apart by Host header.
//
// Start at [New]; it returns a [Sim], an [http.Handler] without sockets, goroutines
// or files of its own. Its clock is time.Now, so a test can run it inside a
// testing/synctest bubble through [Sim.RoundTripper]; the command
// "bluelink2mqtt simulate" puts the same handler behind a listener.
//
// How it is built, from the road to the wire:
//
//   - car.go, charge.go, drive.go: a car with physical quantities, moved forward in
//     time only when somebody asks for it; clock.go says what time it is for whom.
//   - report.go: what the cloud knows about a car, which is older than the truth.
//   - ccapi.go, ccapi_*.go: the vehicle API that six regions share, and its dialects,
//     a row for each region in europe.go, australia.go, india.go, china.go and
//     brazil.go; flat.go, ccs2.go: the two forms in which it tells of a car; idp.go,
//     cci.go, europe_old.go: Europe's other hosts.
//   - hyundaius*.go, kiaus*.go, canada*.go: the American ones, with what they share in
//     america.go; face.go is the table of all clouds, where a further region is added.
//   - faults.go: every known failure, to be switched on; views.go: what happened.
//
// Everything here is written from docs/protocol and never from the client library:
// client and simulator meet only in those pages and in recorded payloads. Therefore
// the package imports nothing of this module; cmd and tests import it.
package sim
