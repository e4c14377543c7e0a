// Package hass writes what Home Assistant is told so that it finds cars, accounts and the bridge by itself: the messages
// of MQTT discovery, one for each device.
//
// Start with [Home] (home.go), which turns a car into its message. What a car shows follows from the catalogue of data
// points (data.go), what it can be told from the catalogue of commands (controls.go), what the bridge says about it from
// package topic (own.go). Home Assistant's words, such as device classes and icons, stand in one table (words.go), the
// names of entities in names/, a file a language. entity.go writes one of them.
//
// It decides nothing about when something is published: the bridge does. It imports vehicle and topic; only the
// composition root imports it. The rules that its messages must keep stand in the checker of hasstest, which was written
// without looking here.
package hass
