package vehicle

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDecodeRequest_Refresh(t *testing.T) {
	smart := func(seconds int) Refresh { return Refresh{Smart, time.Duration(seconds) * time.Second} }
	for payload, want := range map[string]Request{
		"cached":                             {Command: Refresh{Mode: Cached}},
		"force":                              {Command: Refresh{Mode: Force}},
		" Force\n":                           {Command: Refresh{Mode: Force}},
		"force:anything":                     {Command: Refresh{Mode: Force}},
		"cached:":                            {Command: Refresh{Mode: Cached}},
		"smart:1":                            {Command: smart(1)},
		"smart:300":                          {Command: smart(300)},
		"SMART: 604800 ":                     {Command: smart(604800)},
		`{"mode": "cached"}`:                 {Command: Refresh{Mode: Cached}},
		`{"mode": "Force", "id": "a_B-9"}`:   {Command: Refresh{Mode: Force}, ID: "a_B-9"},
		`{"mode": "smart", "max_age": 60}`:   {Command: smart(60)},
		"\t{\"mode\":\"cached\"}\r\n":        {Command: Refresh{Mode: Cached}},
		`{"mode":"cached","source":"kitty"}`: {Command: Refresh{Mode: Cached}, Source: "kitty"},
		`{"mode":"cached","expires_at":"2026-01-05T13:00:00+01:00"}`: {
			Command: Refresh{Mode: Cached}, Expires: noon,
		},
	} {
		got, err := DecodeRequest(refreshSpec, []byte(payload))
		if err != nil || got.Command != want.Command || got.ID != want.ID || got.Source != want.Source || !got.Expires.Equal(want.Expires) {
			t.Errorf("%q: got %+v, %v; want %+v", payload, got, err, want)
		}
	}
}

func TestDecodeRequest_RefusesAndSaysWhy(t *testing.T) {
	for _, c := range []struct{ payload, says, id string }{
		{"", "empty", ""},
		{" \n", "empty", ""},
		{"later", "later", ""},
		{"smart", "not a number", ""},
		{"smart:", "not a number", ""},
		{"smart:soon", "soon", ""},
		{"smart:1.5", "not a number", ""},
		{"smart:0", "between 1 and 604800", ""},
		{"smart:-5", "between 1 and 604800", ""},
		{"smart:604801", "between 1 and 604800", ""},
		{"smart:99999999999999999999", "not a number", ""},
		{"{}", "mode must be a text", ""},
		{`{"mode": 5}`, "mode must be a text", ""},
		{`{"mode": null}`, "no kind of refresh", ""},
		{`{"mode": "cached", "max_age": 5}`, "max_age", ""},
		{`{"mode": "smart"}`, "max_age", ""},
		{`{"mode": "smart", "max_age": 1.5}`, "whole number", ""},
		{`{"mode": "smart", "max_age": "60"}`, "whole number", ""},
		{`{"mode": "smart", "max_age": null}`, "between", ""},
		{`{"mode": "cached"`, "not a JSON object", ""},
		{`{"mode": "cached"} {}`, "something follows", ""},
		{`{"mode": "cached"} x`, "something follows", ""},
		{`["cached"]`, "no kind of refresh", ""},
		{`"cached"`, "no kind of refresh", ""},
		{`{"mode": "cached", "id": "with space"}`, "id must be", ""},
		{`{"mode": "cached", "id": ""}`, "id must be", ""},
		{`{"mode": "cached", "id": 7}`, "id must be", ""},
		{`{"mode": "cached", "id": null}`, "id must be", ""},
		{`{"mode": "cached", "id": "` + strings.Repeat("a", 65) + `"}`, "id must be", ""},
		{`{"mode": "cached", "id": "a", "expires_at": "tomorrow"}`, "expires_at", "a"},
		{`{"mode": "cached", "id": "a", "expires_at": null}`, "expires_at", "a"},
		{`{"mode": "cached", "id": "a", "source": 5}`, "source", "a"},
		{`{"mode": "cached", "id": "a", "source": "` + strings.Repeat("s", 257) + `"}`, "source", "a"},
		{`{"mode": "cached", "id": "a", "colour": "red"}`, `"colour" is not known; known are mode, max_age, id, expires_at, source`, "a"},
		{`{"mode": "later", "id": "a"}`, "later", "a"},
		{strings.Repeat("x", 70_000), "too many", ""},
	} {
		got, err := DecodeRequest(refreshSpec, []byte(c.payload))
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.80q: got %v, want %q in it", c.payload, err, c.says)
		}
		if got.ID != c.id || got.Command != nil {
			t.Errorf("%.80q: got %+v, want id %q", c.payload, got, c.id)
		}
		if err != nil && len(err.Error()) > 400 {
			t.Errorf("%.80q: the refusal has %d bytes", c.payload, len(err.Error()))
		}
	}
}

func FuzzDecodeRequest(f *testing.F) {
	for _, payload := range []string{
		"cached", "smart:300", "smart:", `{"mode":"smart","max_age":60,"id":"x"}`, `{"mode":"force","expires_at":"2026-01-05T12:00:00Z"}`,
		"{", "{}", "[]", "null", "\xff", `{"mode":"cached","mode":"force"}`, `{"ID":"x"}`,
	} {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, spec := range Commands() {
			request, err := DecodeRequest(spec, payload)
			if err != nil {
				if !errors.Is(err, ErrInvalid) || request.Command != nil {
					t.Errorf("%q: %+v, %v", payload, request, err)
				}
				continue
			}
			if request.Command == nil || request.Command.Spec() != spec || request.ID != "" && !ValidID(request.ID) || len(request.Source) > 256 {
				t.Fatalf("%q: accepted %+v", payload, request)
			}
			if r, ok := request.Command.(Refresh); ok {
				timed := r.MaxAge >= time.Second && r.MaxAge <= MaxRefreshAge && r.MaxAge%time.Second == 0
				if r.Mode == Smart && !timed || r.Mode != Smart && r.MaxAge != 0 || r.Mode != Smart && r.Mode != Cached && r.Mode != Force {
					t.Errorf("%q: accepted %+v", payload, r)
				}
				again, err := DecodeRequest(spec, []byte(r.String()))
				if err != nil || again.Command != request.Command {
					t.Errorf("%q: %s reads back as %+v, %v", payload, r, again, err)
				}
			}
		}
	})
}

func TestValidID_FitsIntoATopic(t *testing.T) {
	for id, want := range map[string]bool{
		"a": true, "01J9ZK_x-7": true, strings.Repeat("x", 64): true,
		"": false, strings.Repeat("x", 65): false, "a/b": false, "a+b": false, "#": false, "ä": false, "a b": false, "a\x00": false,
	} {
		if ValidID(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
}

func TestCommands_RowsAreWhole(t *testing.T) {
	var names []string
	for _, spec := range Commands() {
		if spec.Name == "" || spec.Topic == "" || spec.Meaning == "" || spec.Limit <= 0 || spec.Decode == nil || spec.Wakes == nil || len(spec.Keys) == 0 {
			t.Errorf("row %+v", spec)
		}
		names = append(names, spec.Name)
		for _, key := range spec.Keys {
			if slices.Contains([]string{"id", "expires_at", "source"}, key) {
				t.Errorf("%s takes the key %s, which every command takes", spec.Name, key)
			}
		}
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != len(Commands()) {
		t.Errorf("a name stands twice: %v", names)
	}
	if _, ok := CommandByTopic("refresh_x"); ok {
		t.Error("refresh_x is taken for a command")
	}
}

func TestRefresh_WakesUnlessCached(t *testing.T) {
	wakes := refreshSpec.Wakes
	for mode, want := range map[RefreshMode]bool{Cached: false, Force: true, Smart: true} {
		if wakes(Refresh{Mode: mode, MaxAge: time.Second}) != want {
			t.Errorf("%s wakes: %v", mode, !want)
		}
	}
}
