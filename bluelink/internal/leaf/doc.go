// Package leaf reads the leaves of clouds' JSON answers into reports. Clouds send leaves of any type in any place: each
// rule reads one leaf, takes what it says or refuses it with a reason, and spoils no other.
//
// Start at [Follow]; wire.go is the JSON below it, rules.go the rules that a family's tables are made of, convert.go what a
// leaf may say. Protocol families import it; it knows none of them.
package leaf
