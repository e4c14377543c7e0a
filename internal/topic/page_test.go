package topic

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestPage_IsFresh generates docs/topics.md; go generate writes it.
func TestPage_IsFresh(t *testing.T) {
	compare(t, "../../docs/topics.md", page(t))
}

func page(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	line("# Topics")
	line("")
	line("<!-- Generated from internal/topic by go generate; changes by hand are lost. -->")
	line("")
	line("Every topic of the bridge. `{base}` is the base topic, which may have several levels; `{vehicle}` is the cloud's id of the car or the name that the configuration gives it; `{account}` is the account's name. Everything is sent with QoS 1.")
	line("")
	line("## Data")
	line("")
	line("Below `{base}/{vehicle}/`, in order of publication. A topic appears as soon as the car reports what it is made of. The payload is an envelope:")
	line("")
	line("```json")
	sample := stateOf(t, func(r *vehicle.Report) { vehicle.SoC.Set(r, 74, "74") })
	line("%s", NewTable(Options{}).Of(vehicle.SoC.Datum)[0].Append(nil, sample))
	line("```")
	line("")
	line("`value` is null while it is unknown, `timestamp` is the bridge's clock when it was fetched, `reported_at` the car's clock in UTC (absent when unknown), `unit` the unit (absent where there is none). Units that depend on the car are its own, unless `units: metric` or `units: imperial` is set. Topics marked with * are those of the service that this one replaces.")
	line("")
	line("A value that was known and has become unknown, because the car sends nonsense or contradicts itself, keeps the last good one and the time at which the car reported it beside it:")
	line("")
	line("```json")
	doubted := after(t, sample, func(r *vehicle.Report) {
		r.Reported = r.Reported.Add(10 * time.Second)
		vehicle.SoC.Set(r, 0, "0")
	})
	line("%s", NewTable(Options{}).Of(vehicle.SoC.Datum)[0].Append(nil, doubted))
	line("```")
	line("")
	line("| topic | data point | value | unit | retained |")
	line("|---|---|---|---|---|")
	old := DropIn()
	for at, topic := range specs() {
		row := NewTable(Options{}).Rows()[at]
		mark := ""
		if slices.Contains(old, topic.suffix) {
			mark = " *"
		}
		line("| `%s`%s | %s | %s | %s | %s |", topic.suffix, mark, keys(topic), valueWords(topic), unitWords(topic), retainWords(row))
	}
	line("| `%s` | `location_latitude`, `location_longitude` | with `zones`: the name of the smallest that holds the car, `%s` outside of all |  | when asked |", zoneSuffix, NotHome)
	for _, suffix := range old {
		if why, never := NeverKnown()[suffix]; never {
			line("| `%s` * | – | never published: %s | | |", suffix, why)
		}
	}
	line("")
	line("## Refreshes")
	line("")
	line("Below `{base}/{vehicle}/`, in the same envelope, retained.")
	line("")
	line("| topic | value |")
	line("|---|---|")
	line("| `status/last_updated` * | time of the last successful refresh, on the bridge's clock |")
	line("| `status/data_source` * | `%s` from the cloud, `%s` from the car |", vehicle.FromCloud, vehicle.FromCar)
	line("| `status/update_method` * | `%s`, `%s`, `%s`: how it was asked for |", vehicle.Cached, vehicle.Force, vehicle.Smart)
	line("| `status/error` * | null after a successful refresh, else `{\"error\", \"error_type\", \"command_type\", \"timestamp\", \"reason\"}` |")
	line("| `status/stale` | `true`, `false`: the data are older than they should be |")
	line("| `status/stale_reason` | why, or null |")
	line("")
	line("## Calls and wakes")
	line("")
	line("Below `{base}/{vehicle}/`, in the same envelope, retained. Days are those of the account's region; what a crash may have hidden counts as used.")
	line("")
	line("| topic | value |")
	line("|---|---|")
	line("| `status/calls_today` | calls to the cloud about this car that the cloud counts |")
	line("| `status/wakes_today` | how often the car was woken, which takes from its 12 V battery |")
	line("| `status/last_wake_at` | time, or null |")
	line("| `status/last_wake_cause` | `%s`, `%s`, `%s`, `%s`, `%s`, `%s`, `%s`, or null |", vehicle.ByTimer, vehicle.ByMQTT, vehicle.ByHTTP, vehicle.ByCLI, vehicle.ByHint, vehicle.ByRetry, vehicle.ByStart)
	line("")
	line("## The next start of the climate control")
	line("")
	line("Below `{base}/{vehicle}/`, in the same envelope, retained.")
	line("")
	line("| topic | value |")
	line("|---|---|")
	next, _ := NewTable(Options{}).Climate(fetchedAt, vehicle.State{}, vehicle.Optional[vehicle.Quantity]{}, "")
	line("| `%s` | number in °C or °F: the temperature for each start that names none, which `climate_target` has set, else the one that the car reports; null while neither is known |", next[0].Suffix)
	line("| `%s` | the preset that has started it last, null when it is off or was started another way |", next[1].Suffix)
	line("")
	line("## The lock")
	line("")
	line("Below `{base}/{vehicle}/`, in the same envelope, retained.")
	line("")
	line("| topic | value |")
	line("|---|---|")
	line("| `%s` | `%s` or `%s` as the car reports it, `%s` or `%s` while a command runs, null while nobody knows |", Lock(fetchedAt, Locked).Suffix, Locked, Unlocked, Locking, Unlocking)
	line("")
	line("## The 12 V battery")
	line("")
	line("Below `{base}/{vehicle}/`, in the same envelope, retained.")
	line("")
	line("| topic | value |")
	line("|---|---|")
	line("| `%s` | `true`, `false`: it has fallen over two days or more while the car was parked; false again when something charges it. Nothing is asked of the car to find out |", Falling(fetchedAt, true).Suffix)
	line("")
	line("## Bare values")
	line("")
	line("With `mqtt.mirror: true` everything above that has an envelope is published once more without it, below `{base}/{vehicle}/value/`, at the same time and as retained: `{base}/{vehicle}/%s` beside `{base}/{vehicle}/battery/level`. The payload is the value alone: `74`, `true`, `charging` without quotes, `null` while it is unknown. Of windows and seats it is the `value` in their object; lists and other objects are JSON; an empty text is `\"\"`. Age and unit are not told; who needs them reads the envelope, or `{base}/{vehicle}/%s`. Switched off again, what the broker keeps of it is cleared.", Mirrored("battery/level"), Mirrored("status/stale"))
	line("")
	line("## Cars, commands, accounts and the bridge")
	line("")
	line("Without envelope.")
	line("")
	line("| topic | direction | content | retained |")
	line("|---|---|---|---|")
	home, err := NewTree("{base}")
	if err != nil {
		t.Fatal(err)
	}
	car := home.Car("{vehicle}")
	for _, row := range [][4]string{
		{car.Availability(), "out", "`online`; `offline` when the account cannot work or nothing was read for a day", "yes"},
		{car.Info(), "out", "JSON: who the car is and what it can do; of the VIN the last four characters", "yes"},
		{car.Result("{id}"), "out", "JSON: the record of one command", "no"},
		{car.Event(CommandEvents), "out", "JSON: the record of a command at its end, with its state as `event_type`", "no"},
		{car.Event(SecurityEvents), "out", "JSON: `event_type` `not_locked`: the car is not locked although it confirmed to have locked; `timestamp`, `command_id`", "no"},
		{car.Event(BatteryEvents), "out", "JSON: `event_type` `car_battery_falling`: the 12 V battery falls while the car is parked, told once; `timestamp`, `since`, `from_percent`, `percent`, `percent_per_day`, `reports_per_day`, `message`", "no"},
		{car.Action("{id}", "status"), "out", "* `PENDING`, then `SUCCESS`, `FAILED`, `TIMEOUT` or `UNKNOWN`; plain text. The id is the cloud's", "no"},
		{car.Action("{id}", "started_at"), "out", "* when it was sent; plain text, with both", "no"},
		{car.Action("{id}", "completed_at"), "out", "* when it ended; plain text", "no"},
		{car.Action("{id}", "error"), "out", "* why its outcome could not be asked for; plain text", "no"},
		{car.Command("{command}"), "in", "a command; retained ones are refused", ""},
		{home.AccountState("{account}"), "out", "JSON: `auth` (the state), `message`, `since`, `until` (of an expiring session), `quota_used`, `quota_limit`, `quota_remaining`, `quota_reset_at`, `wakes_today`, `breaker` and `command_breaker` (of reads and of commands: `closed`, `open`, `half_open`), `next_allowed_at`", "yes"},
		{home.AccountCommand("{account}", Retry), "in", "anything: sign in once more, also after refused credentials; the account's state answers. Retained ones are refused, and more than three an hour or ten a day are not tried", ""},
		{home.AccountCode("{account}"), "out, where the cloud sends one-time codes", "JSON: `required`, `methods` (each with `method`, `email` or `sms`, and `to`, masked), `since`, `sent` (the method by which one was sent last), `sent_at`, `tries_left`, `message` (what to do next, or what went wrong), `reason`", "yes"},
		{home.AccountCommand("{account}", CodeMethod), "in", "`email` or `sms`, or `{\"method\": \"email\"}`: have a code sent. None is sent by itself; retained ones are refused, and more than three in twelve hours are not sent", ""},
		{home.AccountCommand("{account}", CodeSet), "in", "the code, or `{\"code\": \"123456\"}`: finish the sign-in. Three may be tried for each that was sent", ""},
		{home.BridgeState(), "out", "`online`, `offline`; last will", "yes"},
		{home.BridgeInfo(), "out", "JSON: version, start, version of MQTT, features; `latest_version` is null while nobody has looked", "yes"},
		{home.BridgeHealth(), "out", "JSON: how the bridge is", "yes"},
	} {
		line("| `%s` | %s | %s | %s |", row[0], row[1], row[2], row[3])
	}
	line("")
	line("With `owntracks.user` set, each new position is also published, retained, to `{owntracks.prefix}/{owntracks.user}/{vehicle}` as a [location of OwnTracks](https://owntracks.org/booklet/tech/json/). It is cleared when the car goes, or when user, prefix or name are others.")
	line("")
	line("Reserved; nothing is published or read there yet:")
	line("")
	for _, topic := range []string{
		home.BridgeRequest("{verb}"), home.BridgeResponse("{verb}"),
	} {
		line("- `%s`", topic)
	}
	line("")
	line("## Commands")
	line("")
	line("Below `{base}/{vehicle}/commands/`. The payload is a plain word or a JSON object, which may also have `id`, `expires_at` and `source`.")
	line("")
	line("| command | topic | takes | meaning |")
	line("|---|---|---|---|")
	for _, c := range vehicle.Commands() {
		topics := "`" + c.Topic + "`"
		for _, s := range c.Shortcuts {
			topics += ", `" + s.Topic + "`"
		}
		line("| %s | %s | %s | %s |", c.Name, topics, strings.ReplaceAll(c.Usage(), "|", "\\|"), c.Meaning)
	}
	line("")
	line("| command | key | meaning | value |")
	line("|---|---|---|---|")
	for _, c := range vehicle.Commands() {
		for _, f := range c.Fields {
			line("| %s | `%s` | %s | %s |", c.Name, f.Key, f.Meaning, f.Describe())
		}
	}
	line("")
	line("## Versions of MQTT")
	line("")
	line("The bridge speaks MQTT 5 with a broker that does, else 3.1.1 (`mqtt.version`; `{base}/bridge/info` says which). A client may use either, whatever the bridge uses. What 3.1.1 cannot express is missing while the bridge speaks it:")
	line("")
	line("| in MQTT 5 | in 3.1.1 |")
	line("|---|---|")
	line("| a command's response topic and correlation data: its records are sent there too | they do not arrive; `result/{id}` has each record, with the `id` that the command gave |")
	line("| a command's message expiry counts | `expires_at` in its JSON, else two minutes |")
	line("| a command that is published with the retain flag is refused, whether it was stored before or not | only a stored one is recognised: it is refused at each connection. One that arrives live is carried out like any other, and the empty message that clears one is refused as such |")
	line("| records and events expire after an hour at the broker | they stay for those who have a session there; while they wait in the bridge the hour counts all the same |")
	line("| JSON is announced as such (content type, UTF-8) | it is not |")
	line("| a refused publication is logged with the broker's reason | the broker says nothing, or closes the connection |")
	line("| the broker tells how large a message may be | `mqtt.max_packet_size` |")
	return out.Bytes()
}

func keys(topic spec) string {
	var all []string
	for _, d := range slices.Concat(topic.from, topic.with) {
		all = append(all, "`"+d.Key+"`")
	}
	if len(all) == 0 {
		return "–"
	}
	return strings.Join(all, ", ")
}

func valueWords(topic spec) string {
	if topic.value != "" {
		return topic.value
	}
	return forms[topic.from[0].Kind].value
}

func unitWords(topic spec) string {
	if topic.unit != "" || topic.value != "" || len(topic.from) == 0 {
		return strings.TrimSpace(topic.unit)
	}
	d := topic.from[0]
	f := forms[d.Kind]
	switch {
	case f.bare:
		return ""
	case d.Unit != vehicle.NoUnit:
		return d.Unit.String()
	case f.metric != vehicle.NoUnit && f.metric != f.imperial:
		return f.metric.String() + ", " + f.imperial.String() + f.others
	case f.metric != vehicle.NoUnit:
		return f.metric.String() + f.others
	}
	return ""
}

func retainWords(row *Row) string {
	if row.Retain {
		return "yes"
	}
	return "when asked"
}
