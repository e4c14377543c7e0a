package vehicle

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MaxRefreshAge is the largest age that a smart refresh can ask for.
const MaxRefreshAge = 7 * 24 * time.Hour

// Refresh asks for the car's state.
type Refresh struct {
	Mode   RefreshMode
	MaxAge time.Duration // of a smart refresh, 1 s to [MaxRefreshAge] in whole seconds; zero otherwise
}

// Spec is the command's row in the catalogue.
func (Refresh) Spec() *Spec { return refreshSpec }
func (Refresh) command()    {}

// String is the plain word that asks for it.
func (r Refresh) String() string {
	if r.Mode == Smart {
		return fmt.Sprintf("smart:%d", int(r.MaxAge.Seconds()))
	}
	return string(r.Mode)
}

var refreshSpec = &Spec{
	Name: "refresh", Topic: "refresh", Meaning: "ask for the car's state",
	Plain: "cached, force or smart:N (N seconds, 1 to 604800)", Keys: []string{"mode", "max_age"},
	Wakes:  func(c Command) bool { r, ok := c.(Refresh); return ok && r.Mode != Cached },
	Limit:  140 * time.Second,
	Decode: decodeRefresh,
}

func decodeRefresh(a Arguments) (Command, error) {
	if a.Keys == nil {
		mode, suffix, _ := strings.Cut(a.Word, ":")
		if RefreshMode(mode) != Smart {
			// A suffix on the other words was always ignored (the contract's section 3).
			return newRefresh(mode, 0)
		}
		seconds, err := strconv.Atoi(strings.TrimSpace(suffix))
		if err != nil {
			return nil, fmt.Errorf("%.32q is not a number of seconds", suffix)
		}
		return newRefresh(mode, seconds)
	}
	var mode string
	if json.Unmarshal(a.Keys["mode"], &mode) != nil {
		return nil, errors.New("mode must be a text")
	}
	mode = strings.ToLower(mode)
	raw, given := a.Keys["max_age"]
	if given != (RefreshMode(mode) == Smart) {
		return nil, errors.New("max_age goes with mode smart, and smart needs it")
	}
	seconds := 0
	if given && json.Unmarshal(raw, &seconds) != nil {
		return nil, errors.New("max_age must be a whole number of seconds")
	}
	return newRefresh(mode, seconds)
}

func newRefresh(mode string, seconds int) (Command, error) {
	switch m := RefreshMode(mode); m {
	case Cached, Force:
		return Refresh{Mode: m}, nil
	case Smart:
		if seconds < 1 || seconds > int(MaxRefreshAge.Seconds()) {
			return nil, fmt.Errorf("%d seconds are not between 1 and %d", seconds, int(MaxRefreshAge.Seconds()))
		}
		return Refresh{Mode: Smart, MaxAge: time.Duration(seconds) * time.Second}, nil
	}
	return nil, fmt.Errorf("%.32q is no kind of refresh", mode)
}
