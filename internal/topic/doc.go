// Package topic is the only place where topic strings are built and parsed, and where a data point becomes a topic with
// its payload.
//
// Start with [Tree] (tree.go), which builds and parses, and with sections in rows.go, the table of all data topics. A
// [Table] is that table for one choice of units: its [Row] values say on which data points a topic depends and append its
// payload to a buffer, without reflection, because one refresh may publish more than a hundred of them. status.go,
// record.go and info.go hold what is said about refreshes, commands, the car and the bridge; charge.go derives the
// charge state. docs/topics.md is generated from here.
//
// It imports package vehicle and nothing else of ours. The bridge, discovery and the composition root import it.
package topic

//go:generate go test -count=1 -run ^TestPage_ . -update
