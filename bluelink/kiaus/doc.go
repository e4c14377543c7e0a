// Package kiaus speaks with Kia's cloud of the USA, "Kia Owners" or "Kia Access", a system of its own
// (docs/protocol/usa-kia.md): a sign-in with a one-time code the first time, session ids that are renewed by signing in again,
// and keys of the cars that live as long as the session id. There is no PIN.
//
// The entry is [Open]; a status is read in state.go, and the calls are made in call.go.
package kiaus
