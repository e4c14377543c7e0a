// Package bridge is the heart: it leads a message from MQTT to the car's cloud and the car's state back.
//
//	MQTT message → Handle → intake → lane of that vehicle → client → cloud
//	               (enqueue)  (decode, refuse,  (waits for its own car only)
//	                           acknowledge)
//
// Start with bridge.go, then intake.go and lane.go. One goroutine decodes what came in, each car has one goroutine of its
// own, and a lane hands what it learned to its shelf (publish.go), which knows what is on MQTT. Nothing but a lane calls
// the cloud for a car, and nothing on the way from MQTT to a lane ever waits.
//
// What the heart asks of the outside stands in ports.go. It imports vehicle, bluelink, topic and store; no protocol
// family and no MQTT library. Only the composition root imports it.
package bridge
