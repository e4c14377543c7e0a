// Package mqtt is the bridge's line to its broker: one MQTT 5 connection that comes back by itself.
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
// The package imports nothing of ours and knows no cars; internal/app joins it to the bridge.
package mqtt
