// Package canada speaks with the clouds of Hyundai, Kia and Genesis in Canada, which are one system under three names
// (docs/protocol/canada.md): a sign-in that a device needs a one-time code for every 90 days, renewed by signing in again, and
// a ticket for the PIN with whatever reaches the car.
//
// The entry is [Open]; a status is read in state.go, and the calls are made in call.go.
package canada
