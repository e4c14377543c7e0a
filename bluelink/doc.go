// Package bluelink is a client for the connected-car clouds of Hyundai, Kia and Genesis: Bluelink, Kia Connect and
// Genesis Connected Services.
//
// A [Client] is what a caller uses: Initialize, then RefreshCached, RefreshForce or RefreshSmart of a car. It stands on a
// [Cloud], one account at one maker's cloud; package clouds opens the right one for a region and brand. Between the two,
// any decorator of Cloud may add limits of its own.
//
// Below a Cloud, [Session] keeps the tokens and renews them one at a time, and [Transport] makes the calls and lets a
// [Hook] refuse or count each of them before it leaves. Every error is classified once, where the answer is read, into the
// sentinels of errors.go; nobody else looks at codes or texts.
//
// The package knows no file, no MQTT and no configuration, and imports of this module only package vehicle.
package bluelink
