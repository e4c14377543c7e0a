package topic

import (
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestRefreshed_SaysWhenWhenceAndHow(t *testing.T) {
	want := map[string]string{
		"status/last_updated":  `"2026-01-05T07:30:12.345600Z"`,
		"status/data_source":   `"fresh"`,
		"status/update_method": `"smart"`,
	}
	messages := Refreshed(fetchedAt, vehicle.FromCar, vehicle.Smart)
	for _, m := range messages {
		sameJSON(t, m.Suffix, string(m.Payload), `{"value": `+want[m.Suffix]+`, "timestamp": "2026-01-05T07:30:12.345600Z"}`)
		if !m.Retain {
			t.Errorf("%s is not retained", m.Suffix)
		}
	}
	if len(messages) != len(want) {
		t.Errorf("got %d messages", len(messages))
	}
}

func TestCleared_IsNull(t *testing.T) {
	m := Cleared(fetchedAt)
	sameJSON(t, m.Suffix, string(m.Payload), `{"value": null, "timestamp": "2026-01-05T07:30:12.345600Z"}`)
	if m.Suffix != "status/error" || !m.Retain {
		t.Errorf("got %+v", m)
	}
}

func TestFailed_HasTheFormOfTheContract(t *testing.T) {
	m := Failed(Problem{
		At: fetchedAt, Command: "refresh", Mode: vehicle.Force, Reason: vehicle.VehicleUnreachable, Text: `no report in 2m20s "x"`,
	})
	sameJSON(t, m.Suffix, string(m.Payload), `{
		"value": {
			"error": "Force refresh failed: no report in 2m20s \"x\"", "error_type": "RefreshError", "command_type": "force",
			"timestamp": "2026-01-05T07:30:12.345600Z", "reason": "vehicle_unreachable"
		},
		"timestamp": "2026-01-05T07:30:12.345600Z"
	}`)
	if m.Suffix != "status/error" || !m.Retain {
		t.Errorf("got %+v", m)
	}
}

func TestFailed_TextsTypesAndClasses(t *testing.T) {
	for _, c := range []struct {
		command               string
		mode                  vehicle.RefreshMode
		reason                vehicle.Reason
		text, class, typeWord string
	}{
		{"refresh", vehicle.Cached, vehicle.CloudUnavailable, "Cached refresh failed: x", "RefreshError", "cached"},
		{"refresh", vehicle.Force, vehicle.Timeout, "Force refresh failed: x", "RefreshError", "force"},
		{"refresh", vehicle.Smart, vehicle.CloudLimit, "Smart refresh failed: x", "RefreshError", "smart"},
		{"refresh", vehicle.Force, vehicle.GuardedDailyCap, "Force refresh failed: x", "HyundaiAPIError", "force"},
		{"refresh", "", vehicle.InvalidPayload, "Refresh failed: x", "HyundaiAPIError", "refresh"},
		{"refresh", vehicle.Cached, vehicle.BreakerOpen, "Circuit breaker is open: x", "HyundaiAPIError", "cached"},
		{"lock", "", vehicle.VehicleRefused, "Lock command failed: x", "CommandError", "lock"},
		{"unlock", "", vehicle.PINWrong, "Unlock command failed: x", "CommandError", "lock"},
		{"climate-start", "", vehicle.Timeout, "Start climate command failed: x", "CommandError", "climate"},
		{"climate-stop", "", vehicle.Timeout, "Stop climate command failed: x", "CommandError", "climate"},
		{"windows", "", vehicle.Timeout, "Set windows command failed: x", "CommandError", "windows"},
		{"charge-port-open", "", vehicle.Timeout, "Open charge port command failed: x", "CommandError", "charge_port"},
		{"charge-port-close", "", vehicle.Timeout, "Close charge port command failed: x", "CommandError", "charge_port"},
		{"charging-current", "", vehicle.Timeout, "Set charging current command failed: x", "CommandError", "charging_current"},
		{"charge-start", "", vehicle.VehicleBusy, "Charge start command failed: x", "CommandError", "charge"},
		{"v2l-limit", "", vehicle.Unsupported, "V2l limit command failed: x", "HyundaiAPIError", "v2l_limit"},
		{"lock", "", vehicle.BreakerOpen, "Circuit breaker is open: x", "HyundaiAPIError", "lock"},
		{"", "", vehicle.Internal, " command failed: x", "CommandError", ""},
	} {
		m := Failed(Problem{At: fetchedAt, Command: c.command, Mode: c.mode, Reason: c.reason, Text: "x"})
		value := decode(t, string(m.Payload)).(map[string]any)["value"].(map[string]any)
		if value["error"] != c.text || value["error_type"] != c.class || value["command_type"] != c.typeWord || value["reason"] != string(c.reason) {
			t.Errorf("%s %s %s: got %v", c.command, c.mode, c.reason, value)
		}
	}
}

func TestFailed_WithoutReasonOrTextIsStillWhole(t *testing.T) {
	m := Failed(Problem{At: fetchedAt, Command: "refresh", Mode: vehicle.Cached, Reason: vehicle.BreakerOpen})
	value := decode(t, string(m.Payload)).(map[string]any)["value"].(map[string]any)
	if value["error"] != "Circuit breaker is open" {
		t.Errorf("got %v", value)
	}
	m = Failed(Problem{At: fetchedAt, Command: "refresh", Mode: vehicle.Cached, Text: "x"})
	value = decode(t, string(m.Payload)).(map[string]any)["value"].(map[string]any)
	if reason, there := value["reason"]; reason != nil || !there {
		t.Errorf("got %v", value)
	}
}

func TestStale_SaysWhyOrNull(t *testing.T) {
	for reason, want := range map[StaleReason][2]string{
		Asleep: {`true`, `"asleep"`},
		Fresh:  {`false`, `null`},
	} {
		messages := Stale(fetchedAt, reason)
		for i, suffix := range []string{"status/stale", "status/stale_reason"} {
			if messages[i].Suffix != suffix || !messages[i].Retain {
				t.Errorf("got %+v, want %s", messages[i], suffix)
			}
			sameJSON(t, suffix, string(messages[i].Payload), `{"value": `+want[i]+`, "timestamp": "2026-01-05T07:30:12.345600Z"}`)
		}
	}
}

func TestRecord_HasAllKeysAndNullWhereThereIsNothingToSay(t *testing.T) {
	accepted := vehicle.Record{
		ID: "a-1", Vehicle: "ioniq5", Command: "lock", State: vehicle.Accepted,
		AcceptedAt: fetchedAt, UpdatedAt: fetchedAt.Add(time.Second),
	}
	sameJSON(t, "accepted", string(Record(accepted)), `{
		"id": "a-1", "vehicle": "ioniq5", "command": "lock", "state": "accepted", "terminal": false, "reason": null,
		"message": null, "accepted_at": "2026-01-05T07:30:12Z", "updated_at": "2026-01-05T07:30:13Z"}`)

	refreshed := accepted
	refreshed.Command, refreshed.State, refreshed.Terminal = "refresh", vehicle.Verified, true
	refreshed.DataSource, refreshed.UpdateMethod = vehicle.FromCloud, vehicle.Smart
	sameJSON(t, "verified", string(Record(refreshed)), `{
		"id": "a-1", "vehicle": "ioniq5", "command": "refresh", "state": "verified", "terminal": true, "reason": null,
		"message": null, "accepted_at": "2026-01-05T07:30:12Z", "updated_at": "2026-01-05T07:30:13Z",
		"data_source": "cached", "update_method": "smart"}`)

	refused := vehicle.Record{
		ID: "b", Vehicle: "x", Command: "refresh", State: vehicle.Rejected, Terminal: true, Reason: vehicle.InvalidPayload,
		Message: `"later" is no kind of refresh`,
	}
	sameJSON(t, "rejected", string(Record(refused)), `{
		"id": "b", "vehicle": "x", "command": "refresh", "state": "rejected", "terminal": true, "reason": "invalid_payload",
		"message": "\"later\" is no kind of refresh", "accepted_at": null, "updated_at": null,
		"data_source": null, "update_method": null}`)
}

func TestCommandEvent_IsTheRecordWithItsState(t *testing.T) {
	r := vehicle.Record{ID: "a", Vehicle: "v", Command: "unlock", State: vehicle.Unknown, Terminal: true, Reason: vehicle.Timeout}
	sameJSON(t, "event", string(CommandEvent(r)), `{
		"event_type": "unknown", "id": "a", "vehicle": "v", "command": "unlock", "state": "unknown", "terminal": true,
		"reason": "timeout", "message": null, "accepted_at": null, "updated_at": null}`)
}

func TestInfo_ShowsTheCarButNotItsNumber(t *testing.T) {
	sameJSON(t, "info", string(Info(vehicle.Vehicle{
		ID: "0123456789ab", CloudID: "secret-id", VIN: "KMHKR81CPNU005366", Name: "Sparky", Model: "IONIQ 5", Year: 2023,
		Brand: vehicle.Hyundai, Region: vehicle.Europe, Engine: vehicle.EV, CCS2: 1, Registered: "20230101",
		Capabilities: vehicle.Capabilities{Commands: []string{"refresh"}},
	})), `{
		"name": "Sparky", "brand": "hyundai", "region": "eu", "model": "IONIQ 5", "year": 2023, "engine_type": "ev",
		"protocol": "ccs2", "vin_last4": "5366", "capabilities": {"commands": ["refresh"]}}`)
	sameJSON(t, "bare info", string(Info(vehicle.Vehicle{Brand: vehicle.Kia, Region: vehicle.Canada})), `{
		"name": null, "brand": "kia", "region": "ca", "model": null, "year": null, "engine_type": "unknown",
		"protocol": "flat", "vin_last4": null, "capabilities": {"commands": []}}`)
}

func TestBridge_SaysWhichAndHow(t *testing.T) {
	sameJSON(t, "info", string(Bridge{
		Version: "v1", Commit: "abc", Started: fetchedAt, Protocol: "5", Features: []string{"http"},
	}.Payload()), `{"version": "v1", "latest_version": null, "commit": "abc", "started_at": "2026-01-05T07:30:12Z", "mqtt_protocol": "5", "features": ["http"]}`)
	sameJSON(t, "bare info", string(Bridge{Version: "v1"}.Payload()),
		`{"version": "v1", "latest_version": null, "commit": null, "started_at": null, "mqtt_protocol": null, "features": []}`)
	sameJSON(t, "health", string(Health{
		At: fetchedAt, Uptime: 90 * time.Minute, Memory: 1 << 24, Goroutines: 31, Vehicles: 3, Queued: 1, Commands: 2,
		InFlight: 1, Reconnects: 4, Stuck: 0,
	}.Payload()), `{"timestamp": "2026-01-05T07:30:12Z", "uptime_s": 5400, "memory_bytes": 16777216, "goroutines": 31,
		"vehicles": 3, "queued_messages": 1, "queued_commands": 2, "operations_in_flight": 1, "reconnects": 4, "stuck_lanes": 0}`)
}

func TestAccount_SaysWhatItIsAllowed(t *testing.T) {
	sameJSON(t, "account", string(Account{
		State: AccountLimitReached, Message: "the cloud has had too many requests", Since: fetchedAt, Used: 150, Limit: 160, Wakes: 2,
		Reset: fetchedAt.Add(time.Hour), Reads: "open", Commands: "closed", NextCalls: fetchedAt,
	}.Payload()), `{"auth": "limit_reached", "message": "the cloud has had too many requests", "since": "2026-01-05T07:30:12Z", "until": null,
		"quota_used": 150, "quota_limit": 160, "quota_remaining": 10, "quota_reset_at": "2026-01-05T08:30:12Z", "wakes_today": 2,
		"breaker": "open", "command_breaker": "closed", "next_allowed_at": "2026-01-05T07:30:12Z"}`)
	sameJSON(t, "bare account", string(Account{State: AccountStarting}.Payload()), `{"auth": "starting", "message": null, "since": null,
		"until": null, "quota_used": 0, "quota_limit": null, "quota_remaining": null, "quota_reset_at": null, "wakes_today": 0,
		"breaker": null, "command_breaker": null, "next_allowed_at": null}`)
	sameJSON(t, "more than the limit", string(Account{State: AccountExpiring, Until: fetchedAt, Used: 7, Limit: 5}.Payload()),
		`{"auth": "expiring", "message": null, "since": null, "until": "2026-01-05T07:30:12Z", "quota_used": 7, "quota_limit": 5,
		"quota_remaining": 0, "quota_reset_at": null, "wakes_today": 0, "breaker": null, "command_breaker": null, "next_allowed_at": null}`)
}

func TestUsed_SaysWhatWasAskedOfACar(t *testing.T) {
	for _, test := range []struct {
		used Used
		want [4]string
	}{
		{Used{Calls: 12, Wakes: 2, LastWake: fetchedAt, Cause: vehicle.ByMQTT}, [4]string{"12", "2", `"2026-01-05T07:30:12Z"`, `"mqtt"`}},
		{Used{}, [4]string{"0", "0", "null", "null"}},
	} {
		messages := test.used.Messages(fetchedAt)
		for i, suffix := range []string{"calls_today", "wakes_today", "last_wake_at", "last_wake_cause"} {
			if m := messages[i]; m.Suffix != "status/"+suffix || !m.Retain {
				t.Errorf("topic %s, retained %t", m.Suffix, m.Retain)
			}
			sameJSON(t, suffix, string(messages[i].Payload), `{"value": `+test.want[i]+`, "timestamp": "2026-01-05T07:30:12.345600Z"}`)
		}
	}
}

func TestClimate_TellsTheTemperatureOfTheNextStartInTheUnitOfAllTemperatures(t *testing.T) {
	none, target := vehicle.Optional[vehicle.Quantity]{}, vehicle.Some(vehicle.Quantity{Value: 20.5, Unit: vehicle.Celsius})
	celsius := stateOf(t, func(r *vehicle.Report) {
		vehicle.AirTemperature.Set(r, vehicle.Quantity{Value: 22, Unit: vehicle.Celsius}, "")
	})
	fahrenheit := stateOf(t, func(r *vehicle.Report) {
		vehicle.AirTemperature.Set(r, vehicle.Quantity{Value: 72, Unit: vehicle.Fahrenheit}, "")
	})
	for _, c := range []struct {
		units  Units
		state  vehicle.State
		target vehicle.Optional[vehicle.Quantity]
		want   string
	}{
		{AsReported, vehicle.State{}, target, `20.5, "unit": "°C"`},
		{Metric, vehicle.State{}, target, `20.5, "unit": "°C"`},
		{Imperial, vehicle.State{}, target, `68.9, "unit": "°F"`},
		{AsReported, celsius, target, `20.5, "unit": "°C"`},
		{AsReported, fahrenheit, target, `68.9, "unit": "°F"`},
		{AsReported, celsius, none, `22, "unit": "°C"`}, // the car's own, while none is kept
		{Imperial, celsius, none, `71.6, "unit": "°F"`},
		{AsReported, vehicle.State{}, none, `null`},
	} {
		messages, values := NewTable(Options{Units: c.units}).Climate(fetchedAt, c.state, c.target, "warm")
		m := messages[0]
		sameJSON(t, m.Suffix, string(m.Payload), `{"timestamp": "2026-01-05T07:30:12.345600Z", "value": `+c.want+`}`)
		if m.Suffix != "status/climate/target" || !m.Retain || !strings.HasPrefix(c.want, string(values[0])) {
			t.Errorf("got %+v, value %s", m, values[0])
		}
		if m := messages[1]; m.Suffix != "status/climate/preset" || string(values[1]) != `"warm"` || !m.Retain {
			t.Errorf("got %+v, value %s", m, values[1])
		}
	}
}
