package vehicle

import (
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
	Fields: []Field{
		{Key: "mode", Meaning: "cached, force or smart", Kind: FieldWord, Words: []string{string(Cached), string(Force), string(Smart)}, Required: true},
		{Key: "max_age", Meaning: "age in seconds beyond which smart forces", Kind: FieldNumber, Min: 1, Max: MaxRefreshAge.Seconds(), Step: 1},
	},
	Limit: 140 * time.Second,
	Wakes: func(c Command) bool { r, ok := c.(Refresh); return ok && r.Mode != Cached },
	plain: plainRefresh, plainForm: "cached, force or smart:N (N seconds, 1 to 604800)",
	build: buildRefresh,
}

// plainRefresh reads cached, force and smart:N. A suffix on the other words was always ignored.
func plainRefresh(word string) (Values, error) {
	mode, suffix, _ := strings.Cut(word, ":")
	switch m := RefreshMode(mode); m {
	case Cached, Force:
		return Values{"mode": mode}, nil
	case Smart:
		seconds, err := strconv.Atoi(strings.TrimSpace(suffix))
		if err != nil {
			return nil, fmt.Errorf("%.32q is not a number of seconds", suffix)
		}
		if seconds < 1 || seconds > int(MaxRefreshAge.Seconds()) {
			return nil, fmt.Errorf("%d seconds are not between 1 and %d", seconds, int(MaxRefreshAge.Seconds()))
		}
		return Values{"mode": mode, "max_age": float64(seconds)}, nil
	}
	return nil, fmt.Errorf("%.32q is no kind of refresh", mode)
}

func buildRefresh(v Values) (Command, error) {
	mode, age := RefreshMode(v.text("mode")), v.number("max_age")
	if age.Given != (mode == Smart) {
		return nil, errors.New("max_age goes with mode smart, and smart needs it")
	}
	return Refresh{Mode: mode, MaxAge: time.Duration(age.Value) * time.Second}, nil
}
