package config

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
)

// shown quotes a value for a problem, cut to a readable length. What looks private is left out: people enter values at
// the wrong keys.
func shown(value string) string {
	const longest = 40
	value = strings.TrimSpace(value)
	if redact.Text(value) != value || token.MatchString(value) {
		return "the value"
	}
	if runes := []rune(value); len(runes) > longest {
		value = string(runes[:longest]) + "…"
	}
	return strconv.Quote(value)
}

// token is what a token may look like when no name stands before it.
var token = regexp.MustCompile(`[A-Za-z0-9+/_=-]{32}`)
