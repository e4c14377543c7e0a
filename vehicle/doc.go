// Package vehicle is the language of the house: what a car is, what it reports, what it can be asked to do, and the
// rules that decide which report is believed. It does no I/O, starts no goroutine and imports only the standard library,
// so that everything else may import it.
//
// A tour of its words, in the order in which data flows:
//
//   - [Vehicle] is who a car is: its [ID], [VIN], [Brand], [Region], [Engine] and [Capabilities].
//   - [Datum] is one row of the catalogue of data points; [Point] is the same row with its Go type. Every data point that
//     any of the clouds reports stands once, in the catalogue_*.go file of its part of the car.
//   - [Report] is what a cloud saw: a sparse list of observations. What a report lacks, it says nothing about.
//   - [State] is what we believe. [State.Apply] is the only way from a report to a state; it is pure and holds every rule
//     of truth: ranges, sentinels, time that never runs backwards, counters that never fall, leaps that a second report
//     must confirm.
//   - [Command] is something a person asks for, [Commands] the catalogue of all of them, [Record] how far one has come.
//   - [NeedsForce] decides whether a smart refresh wakes the car.
//
// Start with datum.go and state.go.
package vehicle
