// Package hyundaius is the protocol family of the USA for Hyundai and Genesis, which share one cloud: Bluelink and Genesis
// Connected Services (docs/protocol/usa-hyundai-genesis.md; sections below are its sections).
//
// Start at [Open]; cloud.go is the account. login.go obtains tokens, list.go the cars, read.go and force.go their state,
// which state.go, location.go and energy.go decode; commands.go is the table of commands, action.go follows them; call.go
// makes the calls, wire.go says what they show, errors.go what their failures mean.
//
// What sets it apart: vehicles are addressed by headers instead of paths, the PIN travels with each command, accepted
// commands answer with an empty body, and one error code, 502, has many meanings.
package hyundaius
