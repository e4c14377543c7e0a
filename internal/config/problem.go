package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Origin says where a value stands.
type Origin struct {
	// Source is a file's name, [FromEnvironment] or [FromFlags]; "" for a default.
	Source string
	Line   int    // from 1; 0 where there are no lines
	Name   string // as it stands there: the key, the variable, the flag

	layer layer
}

// Sources that are no files.
const (
	FromEnvironment = "environment"
	FromFlags       = "command line"
)

// layer orders sources: a later one wins.
type layer int

const (
	defaults layer = iota
	fromFile
	fromDotEnv
	fromEnvironment
	fromFlags
)

// String gives source, line and name: "bluelink2mqtt.yaml:12: mqtt.port".
func (o Origin) String() string {
	var parts []string
	if o.Source != "" {
		parts = append(parts, o.Source)
	}
	if o.Line > 0 {
		parts = append(parts, fmt.Sprint(o.Line))
	}
	text := strings.Join(parts, ":")
	switch {
	case o.Name == "":
		return text
	case text == "":
		return o.Name
	default:
		return text + ": " + o.Name
	}
}

// Problem is one thing that keeps the configuration from being used.
type Problem struct {
	Source  string // a file's name, [FromEnvironment] or [FromFlags]
	Line    int    // from 1; 0 where there are no lines
	Key     string // full name of the key, of the variable or of the flag
	Message string // what is wrong and what to do; never a secret
}

func (p Problem) String() string {
	return Origin{Source: p.Source, Line: p.Line, Name: p.Key}.String() + ": " + p.Message
}

// Problems is the error of [Load]: everything that is wrong, not only the first.
type Problems struct {
	List []Problem
}

// Error lists all problems, one a line.
func (p *Problems) Error() string {
	if len(p.List) == 1 {
		return "configuration: " + p.List[0].String()
	}
	var text strings.Builder
	fmt.Fprintf(&text, "configuration: %d problems", len(p.List))
	for _, problem := range p.List {
		text.WriteString("\n  " + strings.ReplaceAll(problem.String(), "\n", "\n  "))
	}
	return text.String()
}

// Warning is something that works but is worth a line in the log.
type Warning Problem

func (w Warning) String() string { return Problem(w).String() }

// findings collects what a load comes across.
type findings struct {
	problems []Problem
	warnings []Warning

	unreadable bool // a file, or its accounts, could not be read: what is missing may stand there
}

func (f *findings) problem(o Origin, format string, args ...any) {
	f.problems = append(f.problems, Problem{o.Source, o.Line, o.Name, fmt.Sprintf(format, args...)})
}

func (f *findings) warn(o Origin, format string, args ...any) {
	f.warnings = append(f.warnings, Warning{o.Source, o.Line, o.Name, fmt.Sprintf(format, args...)})
}

// err is nil or all problems, those of one source together and in the order of its lines.
func (f *findings) err() error {
	if len(f.problems) == 0 {
		return nil
	}
	order := map[string]int{}
	for _, p := range f.problems {
		if _, ok := order[p.Source]; !ok {
			order[p.Source] = len(order)
		}
	}
	slices.SortStableFunc(f.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(order[a.Source], order[b.Source]), cmp.Compare(a.Line, b.Line))
	})
	return &Problems{f.problems}
}
