package mqtt

import (
	"bytes"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"pgregory.net/rapid"
)

// popAll empties an outbox into "topic=payload".
func popAll(o *outbox) (all []string) {
	for e := o.pop(); e != nil; e = o.pop() {
		all = append(all, e.pub.Topic+"="+string(e.pub.Payload))
	}
	return all
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

func TestOutbox_NewestStateKeepsTheOldestPlace(t *testing.T) {
	o := newOutbox(10)
	push := func(topic, payload string, retain bool) {
		o.push(Publication{Topic: topic, Payload: []byte(payload), Retain: retain}, time.Time{})
	}
	push("soc", "1", true)
	push("event", "a", false)
	push("range", "300", true)
	push("soc", "2", true)
	push("event", "b", false)
	push("soc", "", true) // the topic is to be cleared: as good as any value
	equal(t, popAll(o), "soc=", "event=a", "range=300", "event=b")
	push("soc", "3", true)
	equal(t, popAll(o), "soc=3")
}

func TestOutbox_EventsInFlightComeBackFirst(t *testing.T) {
	o := newOutbox(4)
	for i := range 4 {
		o.push(Publication{Topic: "e", Payload: []byte(strconv.Itoa(i))}, time.Time{})
	}
	flying := []*entry{o.pop(), o.pop()}
	o.push(Publication{Topic: "s", Payload: []byte("x"), Retain: true}, time.Time{})
	o.push(Publication{Topic: "e", Payload: []byte("4")}, time.Time{})
	if dropped := o.dropStates(); dropped != 1 {
		t.Errorf("%d states dropped", dropped)
	}
	if dropped := o.putBack(flying); dropped != 1 {
		t.Errorf("%d events dropped", dropped)
	}
	equal(t, popAll(o), "e=1", "e=2", "e=3", "e=4")
}

// The outbox against the obvious: a slice.
func TestOutbox_BehavesLikeASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 5).Draw(t, "limit")
		o := newOutbox(limit)
		type item struct {
			topic, payload string
			retain         bool
		}
		var model []item
		count := 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				count++
				next := item{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "topic"), strconv.Itoa(count), rapid.Bool().Draw(t, "retain")}
				o.push(Publication{Topic: next.topic, Payload: []byte(next.payload), Retain: next.retain}, time.Time{})
				for i := range model {
					if next.retain && model[i].retain && model[i].topic == next.topic {
						model[i].payload = next.payload
						return
					}
				}
				model = append(model, next)
				events, oldest := 0, -1
				for i := range model {
					if !model[i].retain {
						if events++; oldest < 0 {
							oldest = i
						}
					}
				}
				if events > limit {
					model = append(model[:oldest], model[oldest+1:]...)
				}
			},
			"pop": func(t *rapid.T) {
				e := o.pop()
				if len(model) == 0 {
					if e != nil {
						t.Fatalf("popped %q from nothing", e.pub.Topic)
					}
					return
				}
				if e == nil || e.pub.Topic != model[0].topic || string(e.pub.Payload) != model[0].payload {
					t.Fatalf("popped %+v, want %+v", e, model[0])
				}
				model = model[1:]
			},
			"": func(t *rapid.T) {
				if o.len() != len(model) {
					t.Fatalf("%d waiting, want %d", o.len(), len(model))
				}
			},
		})
	})
}

func TestPublication_IsOnTheWireWhatTheLibraryReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 300, 1000)
		pub := Publication{
			Topic:           rapid.StringN(1, 50, 200).Draw(t, "topic"),
			Payload:         rapid.SliceOfN(rapid.Byte(), 0, 20_000).Draw(t, "payload"),
			QoS:             byte(rapid.IntRange(0, 1).Draw(t, "qos")),
			ContentType:     text.Draw(t, "content type"),
			ResponseTopic:   text.Draw(t, "response topic"),
			CorrelationData: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "correlation data"),
			Expiry:          time.Duration(rapid.IntRange(0, 5).Draw(t, "expiry")) * time.Second,
		}
		for range rapid.IntRange(0, 3).Draw(t, "properties") {
			pub.User = append(pub.User, Property{text.Draw(t, "key"), text.Draw(t, "value")})
		}
		retain := rapid.Bool().Draw(t, "retain")
		wire := pub.encode([]byte("before"), 7, pub.QoS, retain, pub.Expiry, false)[len("before"):]
		if pub.size(false) != len(wire) {
			t.Fatalf("size says %d, the packet has %d bytes", pub.size(false), len(wire))
		}
		packet, err := packets.ReadPacket(bytes.NewReader(wire))
		if err != nil {
			t.Fatal(err)
		}
		got := packet.Content.(*packets.Publish)
		want := &packets.Publish{
			Topic: pub.Topic, Payload: pub.Payload, QoS: pub.QoS, Retain: retain,
			Properties: &packets.Properties{ContentType: pub.ContentType, ResponseTopic: pub.ResponseTopic, CorrelationData: pub.CorrelationData},
		}
		if pub.QoS > 0 {
			want.PacketID = 7
		}
		if pub.ContentType != "" {
			want.Properties.PayloadFormat = paho.Byte(1)
		}
		if pub.Expiry > 0 {
			want.Properties.MessageExpiry = paho.Uint32(uint32(pub.Expiry / time.Second))
		}
		for _, user := range pub.User {
			want.Properties.User = append(want.Properties.User, packets.User{Key: user.Key, Value: user.Value})
		}
		if len(got.Properties.CorrelationData) == 0 {
			got.Properties.CorrelationData, want.Properties.CorrelationData = nil, nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("the library reads %+v with %+v, want %+v with %+v", got, got.Properties, want, want.Properties)
		}
	})
}

func TestParseServer(t *testing.T) {
	for text, want := range map[string]struct {
		url            string
		tls, webSocket bool
	}{
		"mosquitto":                    {url: "mqtt://mosquitto:1883"},
		"10.0.0.2:1884":                {url: "mqtt://10.0.0.2:1884"},
		"tcp://host":                   {url: "tcp://host:1883"},
		"MQTTS://host":                 {url: "mqtts://host:8883", tls: true},
		"ssl://[::1]":                  {url: "ssl://[::1]:8883", tls: true},
		"ws://host/mqtt":               {url: "ws://host:80/mqtt", webSocket: true},
		"wss://u:p@host:8443/a?b=c":    {url: "wss://host:8443/a?b=c", tls: true, webSocket: true},
		"mqtt://user:p%40ss@host:1883": {url: "mqtt://host:1883"},
	} {
		got, _, err := parseServer(text)
		if err != nil || got.url.String() != want.url || got.tls != want.tls || got.webSocket != want.webSocket {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
	if _, user, _ := parseServer("mqtt://user:p%40ss@host"); user.Username() != "user" {
		t.Errorf("user is %v", user)
	}
	for _, text := range []string{"", "http://host", "mqtt://", "mqtt://:1883"} {
		if _, _, err := parseServer(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestDefaultBackoff_GrowsToAMinuteAndKeepsOutOfStep(t *testing.T) {
	if DefaultBackoff(0) != 0 {
		t.Error("the first attempt waits")
	}
	seen := make(map[time.Duration]bool)
	for attempt, ceiling := range map[int]time.Duration{
		1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 6: 32 * time.Second, 7: time.Minute, 8: time.Minute, 1 << 30: time.Minute,
	} {
		for range 100 {
			wait := DefaultBackoff(attempt)
			if wait < ceiling/2 || wait > ceiling {
				t.Errorf("attempt %d waits %v, want between %v and %v", attempt, wait, ceiling/2, ceiling)
			}
			seen[wait] = true
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d different waits", len(seen))
	}
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/b/c", false},
		{"a/b/c", "a/b", false},
		{"a/+", "a/b", true},
		{"a/+", "a/", true},
		{"a/+", "a", false},
		{"+/+/c", "a/b/c", true},
		{"+", "a/b", false},
		{"a/#", "a", true},
		{"a/#", "a/b/c", true},
		{"a/#", "ab", false},
		{"#", "a/b", true},
		{"#", "$SYS/x", false},
		{"+/x", "$SYS/x", false},
		{"$SYS/#", "$SYS/x", true},
		{"a/+/c", "a/b/d", false},
	} {
		if Matches(test.filter, test.topic) != test.want {
			t.Errorf("%s matches %s: %t", test.filter, test.topic, !test.want)
		}
	}
}
