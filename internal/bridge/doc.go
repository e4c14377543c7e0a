// Package bridge is the heart: it leads a message from MQTT to the car's cloud and the car's state back.
//
//	MQTT message → Handle → intake → (journal) → lane of that vehicle → client → cloud
//	               (enqueue)  (decode,  (write,     (waits for its own car only)
//	                           refuse)   acknowledge)
//
// Start with bridge.go, then intake.go and lane.go. One goroutine decodes what came in, one writes down what is to move a
// car, each car has one goroutine of its own, and a lane hands what it learned to its shelf (publish.go), which knows what
// is on MQTT. Nothing but a lane calls the cloud for a car, and nothing on the way from MQTT to a lane waits for a cloud.
//
// The life of a command: permit.go says whether it may, line.go what happens while it waits, command.go sends it,
// action.go follows it to its end, verify.go compares that with what the car reports; journal.go and page.go keep it, and
// resume.go goes on with what the last run has left.
//
// What the heart asks of the outside stands in ports.go. It imports vehicle, bluelink, topic and store; no protocol
// family and no MQTT library. Only the composition root imports it.
package bridge
