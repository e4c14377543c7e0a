package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// newViews serves what is below /_sim/, whatever the Host: what happened, what is true,
// and the knobs to change it.
func (s *Sim) newViews() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/calls", func(w http.ResponseWriter, _ *http.Request) { viewJSON(w, s.Calls()) })
	mux.HandleFunc("GET /_sim/accounts", func(w http.ResponseWriter, _ *http.Request) { viewJSON(w, s.AccountViews()) })
	mux.HandleFunc("GET /_sim/vehicles", func(w http.ResponseWriter, _ *http.Request) { viewJSON(w, s.VehicleViews()) })
	mux.HandleFunc("GET /_sim/vehicles/{id}", s.viewVehicle)
	mux.HandleFunc("POST /_sim/vehicles/{id}", s.setVehicle)
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) { viewJSON(w, s.Faults()) })
	mux.HandleFunc("POST /_sim/faults", s.postFaults)
	mux.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		viewJSON(w, s.Faults())
	})
	mux.HandleFunc("DELETE /_sim/faults/{id}", s.deleteFault)
	mux.HandleFunc("GET /_sim/clock", func(w http.ResponseWriter, _ *http.Request) { viewJSON(w, s.clockView()) })
	mux.HandleFunc("POST /_sim/clock", s.postClock)
	mux.HandleFunc("POST /_sim/reset", func(w http.ResponseWriter, _ *http.Request) {
		s.Reset()
		viewJSON(w, map[string]bool{"reset": true})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		viewError(w, http.StatusNotFound, fmt.Sprintf("there is no %s %s; try GET /_sim/calls, /_sim/accounts, /_sim/vehicles, /_sim/faults, /_sim/clock, "+
			"POST /_sim/vehicles/{id}, /_sim/faults, /_sim/clock, /_sim/reset, DELETE /_sim/faults", r.Method, r.URL.Path))
	})
	return mux
}

func viewJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", contentJSON)
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	_ = e.Encode(v) // the reader may be gone
}

func viewError(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", contentJSON)
	w.WriteHeader(status)
	_, _ = w.Write(append(marshal(map[string]string{"error": text}), '\n'))
}

// AccountView is an account as its owner would want to see it.
type AccountView struct {
	Region string `json:"region"`
	Brand  string `json:"brand"`
	Email  string `json:"email"`
	AccountCounts
	// CallsToday counts towards the quota, when there is one.
	CallsToday int `json:"calls_today"`
}

// AccountViews lists what happened to each account since the start or the last reset.
func (s *Sim) AccountViews() []AccountView {
	list := []AccountView{}
	for _, c := range s.clouds {
		c.account.mu.RLock()
		list = append(list, AccountView{
			Region: c.region, Brand: c.brand, Email: c.email, AccountCounts: c.account.counts, CallsToday: c.account.quota.calls,
		})
		c.account.mu.RUnlock()
	}
	return list
}

// VehicleView is a car from above: what was asked of it, what the cloud knows and what
// is true.
type VehicleView struct {
	Vehicle
	Wakes    int `json:"wakes"`
	Commands int `json:"commands"`
	// Reports counts how often the car told the cloud something.
	Reports uint64 `json:"reports"`
	// ReportedAt is the wall time of what the cloud knows.
	ReportedAt time.Time `json:"reported_at"`
	// CarTime is the moment of the truth, in car time.
	CarTime time.Time      `json:"car_time"`
	Replay  string         `json:"replay,omitempty"`
	Truth   map[string]any `json:"truth"`
}

// VehicleViews lists all cars as they are now.
func (s *Sim) VehicleViews() []VehicleView {
	list := []VehicleView{}
	for _, c := range s.clouds {
		for _, v := range c.cars {
			list = append(list, v.view())
		}
	}
	return list
}

func (v *car) view() VehicleView {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(time.Now())
	view := VehicleView{
		Vehicle: v.describe(), Wakes: v.wakes, Commands: v.commands, Reports: v.reports,
		ReportedAt: v.report.at.UTC(), CarTime: v.body.at.UTC(), Truth: v.truths(),
	}
	if v.replay != nil {
		view.Replay = v.replay.file
	}
	return view
}

// findCar takes a vehicle id or a VIN.
func (s *Sim) findCar(id string) *car {
	for _, c := range s.clouds {
		if v := c.byID[id]; v != nil {
			return v
		}
		for _, v := range c.cars {
			if strings.EqualFold(v.vin, id) {
				return v
			}
		}
	}
	return nil
}

func (s *Sim) carOf(w http.ResponseWriter, r *http.Request) *car {
	v := s.findCar(r.PathValue("id"))
	if v == nil {
		viewError(w, http.StatusNotFound, "no car has the id or VIN "+r.PathValue("id")+"; GET /_sim/vehicles lists them")
	}
	return v
}

func (s *Sim) viewVehicle(w http.ResponseWriter, r *http.Request) {
	if v := s.carOf(w, r); v != nil {
		viewJSON(w, v.view())
	}
}

func (s *Sim) setVehicle(w http.ResponseWriter, r *http.Request) {
	v := s.carOf(w, r)
	if v == nil {
		return
	}
	var values map[string]json.RawMessage
	if err := readView(r, &values); err != nil || len(values) == 0 {
		viewError(w, http.StatusBadRequest, "the body must be a JSON object with some of these keys: "+strings.Join(settableKeys(), ", "))
		return
	}
	v.mu.Lock()
	v.settle(time.Now())
	err := v.set(values)
	v.mu.Unlock()
	if err != nil {
		viewError(w, http.StatusBadRequest, err.Error())
		return
	}
	viewJSON(w, v.view())
}

// SetVehicle changes physical quantities of a car, as POST /_sim/vehicles/{id} does.
// The keys are those of VehicleView.Truth, and "report" to tell the cloud at once.
func (s *Sim) SetVehicle(id string, values map[string]any) error {
	v := s.findCar(id)
	if v == nil {
		return fmt.Errorf("set quantities of %s: no such car", id)
	}
	raw := make(map[string]json.RawMessage, len(values))
	for key, value := range values {
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("set %s of %s: %w", key, id, err)
		}
		raw[key] = text
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(time.Now())
	if err := v.set(raw); err != nil {
		return fmt.Errorf("set quantities of %s: %w", id, err)
	}
	return nil
}

func readView(r *http.Request, into any) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

func (s *Sim) postFaults(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err == nil && len(strings.TrimSpace(string(body))) == 0 {
		err = errors.New("the body is empty")
	}
	var f Fault
	if err == nil {
		f, err = decodeFault(body)
	}
	if err != nil {
		viewError(w, http.StatusBadRequest, err.Error()+`; send KIND[=ARG][,path=GLOB][,host=GLOB][,share=0.2][,after=N][,count=N] or {"kind": …}`)
		return
	}
	viewJSON(w, s.faults.add(f))
}

func (s *Sim) deleteFault(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || !s.faults.remove(id) {
		viewError(w, http.StatusNotFound, "no fault has the id "+r.PathValue("id")+"; GET /_sim/faults lists them")
		return
	}
	viewJSON(w, s.Faults())
}

// clockState is what the three clocks show.
type clockState struct {
	Wall  time.Time `json:"wall"`
	Cloud time.Time `json:"cloud"` // by which tokens and quotas age
	Car   time.Time `json:"car"`
	Scale float64   `json:"time_scale"`
}

func (s *Sim) clockView() clockState {
	now := time.Now().Round(0)
	return clockState{Wall: now.UTC(), Cloud: s.clock.cloudTime(now).UTC(), Car: s.clock.carTime(now).UTC(), Scale: s.clock.scale}
}

func (s *Sim) postClock(w http.ResponseWriter, r *http.Request) {
	var body map[string]string
	const advice = `send {"advance": "6h"}, a duration with units s, m, h`
	if err := readView(r, &body); err != nil || len(body) != 1 || body["advance"] == "" {
		viewError(w, http.StatusBadRequest, advice)
		return
	}
	d, err := time.ParseDuration(body["advance"])
	if err == nil {
		err = s.Advance(d)
	}
	if err != nil {
		viewError(w, http.StatusBadRequest, err.Error()+"; "+advice)
		return
	}
	viewJSON(w, s.clockView())
}

// Reset puts everything back to the start: clients and counts are forgotten, the clock
// starts again, cars are born again, and the faults are those of the options.
func (s *Sim) Reset() {
	s.clock.restart(time.Now())
	s.faults.clear()
	for _, text := range s.options.Faults {
		if f, err := ParseFault(text); err == nil { // New has read it before
			s.faults.add(f)
		}
	}
	for _, c := range s.clouds {
		c.account.reset()
		if c.forget != nil {
			c.forget()
		}
		for _, v := range c.cars {
			v.rebirth()
		}
	}
	s.calls.reset()
}
