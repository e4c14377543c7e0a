// Package mqtt is the bridge's line to its broker: one connection in MQTT 5 or 3.1.1 that comes back by itself.
//
// Start at [Client] (client.go): New checks the options, Run owns every goroutine and blocks until its
// context ends. What goes out passes the outbox (outbox.go: newest state per topic, bounded events),
// is written by one goroutine (sender.go) and counted off by the session (session.go). What comes in is
// handed to Options.OnMessage, which must only enqueue, and is acknowledged by [Message.Ack].
//
// Two rules make the rest simple:
//
//   - States are the owner's. While the line is down they are dropped, and the owner publishes all of
//     them again when Options.OnUp is called. Events are kept, within a bound.
//   - A session never outlives its connection: clean start, session expiry 0, so that a broker cannot
//     queue commands for a bridge that is away.
//
// The library below is autopaho: it dials, sends CONNECT, keeps the connection alive and reads. Its
// queue stays unused, and its session is replaced by ours for three reasons seen in version 0.23: its
// asynchronous send never tells when a message was acknowledged, a lost connection leaves callers
// waiting for their time limit, and manual acknowledgements leave only every 50 ms.
//
// A broker that does not know version 5 (version.go: how that is found out and remembered) gets a connection that
// translates each packet (legacy.go), below the library. So one code keeps the order, the bounds and the
// acknowledgements in both versions. A client library for 3.1.1 beside autopaho would keep them a second time, in a store
// of its own that numbers and repeats by itself; with the translation the client publishes 1.4 to 2.1 times as fast as
// paho.mqtt.golang 1.5.1 alone (BenchmarkPublish), and that library serves the tests as a judge from outside.
//
// The package imports nothing of ours and knows no cars; internal/app joins it to the bridge.
package mqtt
