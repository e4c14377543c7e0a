// Package ccapi speaks the protocol of the connected-car clouds that Hyundai, Kia and Genesis run for Europe, and in
// variants for Australia, New Zealand, India, China and Brazil (docs/protocol/europe.md, docs/protocol/ccs2-status.md).
// One protocol, many rows: what differs between brands stands in profiles.go, what differs between regions in a dialect
// (dialect.go), of which each region has a file: europe.go, australia.go and so on.
//
// Open gives the account as a bluelink.Cloud; callers reach it through package clouds. Start with call.go, which makes
// one call, read.go, which is a cached refresh, and commands.go, which joins the tables of commands. There are three ways to
// a session: oneapp.go, direct.go and uars.go. A car answers in one of two forms, whichever its row of the vehicle list says:
// the flat form (state.go) or the CCS2 tree (ccs2.go). Both are read by tables of rules (leaf.go) from a tolerant view of the
// JSON text (wire.go), so that a damaged leaf costs its own data point and nothing else.
//
// Only package clouds imports it, besides tests.
package ccapi
