package cloudtest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Setup names a cloud, and says in what it differs from the others. Its zero fields are the usual case.
type Setup struct {
	Region vehicle.Region
	Brand  vehicle.Brand
	Open   func(bluelink.Account, bluelink.Settings) (bluelink.Cloud, error)

	// CodeBy is the method by which the cloud sends the one-time code that it wants at the first sign-in; empty where it
	// wants none.
	CodeBy string
	// SignsInAgain marks a cloud whose renewal is a sign-in.
	SignsInAgain bool
	// TrustsDevices marks a cloud where another device id is another device for its owner: a refused one is not replaced without
	// a code.
	TrustsDevices bool
	// Unlock is the path of the call that unlocks, with a star for what stands before, where each command has another call before
	// it; empty where faults may strike any call.
	Unlock string
	// Lost is what the cloud says of a command that it has no record of, where that is not nothing.
	Lost vehicle.ActionStatus
	// HEV is what the vehicle list says of a hybrid without plug; zero for HEV itself.
	HEV vehicle.Engine
	// Hidden are the commands whose effect no report of the cloud shows, by name, or form and name: "flat v2l-limit".
	Hidden []string
	// Lacks are parts of commands that no car of the cloud has, by topic and payload: "windows vent".
	Lacks []string
	// Cannot are the commands that cars are offered and their cloud refuses, as no list tells that they cannot, by model and
	// name: "Tasman climate-start".
	Cannot []string
	// Unrecorded are the commands of which the cloud keeps no record, by name.
	Unrecorded []string
	// ShownByCar tells that a cached read shows the effect of a command only after the car was asked.
	ShownByCar bool
	// Later are keys of a car that a read may leave out, as long as the car was not asked or at all, by name, or engine and name.
	Later []string
	// Codes are what the cloud's own codes mean, where the simulator refuses with any: "4004". Every call that is about a car, and
	// the list, can be refused so.
	Codes map[string]error
	// Errors are the sentinels that differ from those of the table in fault.go, by operation and fault: "command busy". Nil
	// says that the operation succeeds all the same.
	Errors map[string]error
}

// part is one clause of the contract.
type part struct {
	name string
	test func(*testing.T, *Setup, *replayed)
}

var parts = []part{
	{"SignsInOnceAndKeepsItsSession", signsIn},
	{"OneTimeCodesAreWaitedForAndBringTrust", codes},
	{"WrongPasswordIsTriedOnce", refusedOnce},
	{"RenewsBeforeItSignsIn", renews},
	{"HundredCallersShareOneRenewal", sharesRenewal},
	{"ExpiryInTheMiddleOfWorkIsNotSeen", expires},
	{"ListsTheCars", lists},
	{"CachedReadsWithoutWaking", readsCached},
	{"ForceWakesOnceAndReadsNews", forces},
	{"SmartForcesWhatIsOld", refreshesSmart},
	{"CommandsDoWhatTheySay", commands},
	{"WhatIsUnsupportedNeverLeaves", refuses},
	{"ActionsEndAsTheCarSays", actions},
	{"FaultsAreClassified", faults},
	{"CommandsAreSentAtMostOnce", sentOnce},
	{"CancelledCallsEndSoon", cancels},
	{"HostileBodiesHarmNobody", hostile},
}

// Run holds a cloud against the contract, each part in a world and a time of its own, and what was replayed against the
// table in README.md.
func Run(t *testing.T, s Setup) {
	t.Helper()
	all := newReplayed(bluelink.Account{Region: s.Region, Brand: s.Brand}.Cloud())
	ran := 0
	good := t.Run(all.service, func(t *testing.T) {
		for _, p := range parts {
			t.Run(p.name, func(t *testing.T) {
				ran++
				synctest.Test(t, func(t *testing.T) { p.test(t, &s, all) })
			})
		}
	})
	if good && ran == len(parts) { // else -run has left something out, and the table must not shrink
		all.compare(t)
	}
}

// pass lets virtual time pass.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}
