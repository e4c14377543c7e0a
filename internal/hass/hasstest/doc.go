// Package hasstest is Home Assistant as far as tests need it: what its MQTT integration accepts in discovery messages
// (check.go, rules.go), what its templates make of a payload (template.go, parse.go), which payloads an entity understands
// and which ones it can send (component.go), and a small home that finds entities and follows their states (home.go).
//
// It was written from the conventions of the project and from Home Assistant's own schemas, and never looks at what
// generates the messages: it imports nothing of ours, so that both cannot be wrong together.
package hasstest
