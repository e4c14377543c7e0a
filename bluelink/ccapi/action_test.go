package ccapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestAction_TellsHowTheCommandEnded follows commands to each of their ends.
func TestAction_TellsHowTheCommandEnded(t *testing.T) {
	for fault, want := range map[string]vehicle.ActionStatus{
		"":                    vehicle.ActionSuccess,
		"action=fail":         vehicle.ActionFailed,
		"action=non-response": vehicle.ActionTimeout,
		"action=pending":      vehicle.ActionPending,
		"unreachable=silent":  vehicle.ActionTimeout,
		"action=unrecorded":   vehicle.ActionUnknown,
	} {
		for _, form := range []string{"flat", "ccs2"} {
			inBubble(t, func(t *testing.T) {
				w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
				v := w.car(form, vehicle.EV)
				if fault != "" {
					w.fault(fault)
				}
				id := w.send(v, vehicle.State{}, vehicle.Unlock{})
				status, err := w.cloud.Action(t.Context(), v, id)
				if err != nil || status != vehicle.ActionPending && want != vehicle.ActionUnknown {
					t.Errorf("%s: at once %s, %v", fault, status, err)
				}
				if status := w.outcome(v, id); status != want {
					t.Errorf("%s: %s, want %s", fault, status, want)
				}
			})
		}
	}
}

// TestAction_RecordsBelongToTheDeviceThatSent loses the device id after a command.
func TestAction_RecordsBelongToTheDeviceThatSent(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		v := w.car("ccs2", vehicle.EV)
		id := w.send(v, vehicle.State{}, vehicle.Unlock{})
		w.fault("invalid-device,count=1,path=*/records")
		w.calls.reset()
		status, err := w.cloud.Action(t.Context(), v, id)
		if err != nil || status != vehicle.ActionUnknown || w.calls.ops() != "1 read action" {
			t.Errorf("%s, %v after %s", status, err, w.calls.ops())
		}
		state := w.cached(v, vehicle.State{}, false) // registers another
		wait(t, 20*time.Second)
		if status := w.outcome(v, id); status != vehicle.ActionUnknown {
			t.Errorf("another device sees it as %s", status)
		}
		if locked, known := vehicle.Locked.Of(w.cached(v, state, false)); locked || !known {
			t.Errorf("locked %t, known %t", locked, known)
		}
	})
}

// TestAction_ReadsTheRecordsOfThePage holds docs/protocol/europe.md §7.
func TestAction_ReadsTheRecordsOfThePage(t *testing.T) {
	for records, want := range map[string]vehicle.ActionStatus{
		`[]`:   vehicle.ActionUnknown,
		`null`: vehicle.ActionUnknown,
		`[{"recordId":"other","result":"success"}]`: vehicle.ActionUnknown,
		`[{"recordId":"1","result":null}]`:          vehicle.ActionPending,
		`[{"recordId":"1"}]`:                        vehicle.ActionPending,
		`[{"recordId":"other","result":"fail"},{"recordId":"1","result":"success","action":"uvo://control"}]`: vehicle.ActionSuccess,
		`[{"recordId":"1","result":"fail"}]`:         vehicle.ActionFailed,
		`[{"recordId":"1","result":"non-response"}]`: vehicle.ActionTimeout,
		`[{"recordId":"1","result":"perhaps"}]`:      vehicle.ActionUnknown,
		`[{"recordId":"1","result":{"a":1}}]`:        vehicle.ActionUnknown,
		`[7,null,{"recordId":1,"result":"success"}]`: vehicle.ActionSuccess,
	} {
		w := scripted(t, func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodGet || r.URL.Path != "/api/v1/spa/notifications/id/records" || r.Header.Get("Ccsp-Device-Id") != "d" {
				t.Errorf("%s %s", r.Method, r.URL.Path)
			}
			return answerWith(r, 200, `{"retCode":"S","resCode":"0000","resMsg":`+records+`}`), nil
		})
		status, err := w.cloud.Action(t.Context(), vehicle.Vehicle{ID: "x", CloudID: "id", CCS2: 1}, "1")
		if err != nil || status != want {
			t.Errorf("%s: %s, %v; want %s", records, status, err, want)
		}
	}
	for body, want := range map[string]error{
		`{"retCode":"S","resMsg":{}}`: bluelink.ErrBadResponse,
		`{"retCode":"S","resMsg":7}`:  bluelink.ErrBadResponse,
		`<html>`:                      bluelink.ErrBadResponse,
		`{"retCode":"F","resCode":"5091","resMsg":"Exceeds"}`: bluelink.ErrRateLimited,
		`{"retCode":"F","resCode":"5031","resMsg":"x"}`:       bluelink.ErrUnavailable,
	} {
		w := scripted(t, func(r *http.Request) (*http.Response, error) { return answerWith(r, 200, body), nil })
		status, err := w.cloud.Action(t.Context(), vehicle.Vehicle{ID: "x", CloudID: "id"}, "1")
		if mustBe(t, err, want); status != "" {
			t.Errorf("%s: %s", body, status)
		}
	}
	w := scripted(t, func(r *http.Request) (*http.Response, error) { return answerWith(r, 405, strings.Repeat("x", 9)), nil })
	if _, err := w.cloud.Action(t.Context(), vehicle.Vehicle{ID: "x", CloudID: "id"}, "1"); err == nil {
		t.Error("405 is no answer")
	}
}
