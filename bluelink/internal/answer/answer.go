// Package answer is what every family makes of an answer whose body says nothing, and of a cloud's texts before they are
// shown. What codes mean stands in the families.
package answer

import (
	"bytes"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Classify is for answers whose body says nothing: pages, empty bodies, something else than JSON.
func Classify(answer bluelink.Answer) error {
	e := &bluelink.Error{Err: bluelink.ErrBadResponse, Text: Describe(answer.Body), RetryAfter: RetryAfter(answer.Header)}
	switch {
	case answer.Status == http.StatusUnauthorized:
		e.Err = bluelink.ErrSessionExpired
	case answer.Status == http.StatusForbidden:
		e.Err = bluelink.ErrBlocked
	case answer.Status == http.StatusTooManyRequests, answer.Status == 509:
		e.Err = bluelink.ErrRateLimited
	case answer.Status >= 500:
		e.Err = bluelink.ErrUnavailable
	}
	return e
}

// Describe says what kind of body it is, and nothing of what is in it.
func Describe(body []byte) string {
	switch text := bytes.TrimSpace(body); {
	case len(text) == 0:
		return "empty answer"
	case text[0] == '<':
		return "a web page instead of data"
	}
	return "not the JSON object that was expected"
}

// RetryAfter is how long the cloud asks to wait, by the header of HTTP or by its own of the quota, in epoch seconds
// (docs/protocol/europe.md §9); 0 when it does not say, at most a day.
func RetryAfter(header http.Header) time.Duration {
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 86400)) * time.Second
	}
	if reset, err := strconv.ParseInt(header.Get("X-Ratelimit-Reset"), 10, 64); err == nil {
		return max(0, min(time.Until(time.Unix(reset, 0)), 24*time.Hour)).Round(time.Second)
	}
	return 0
}

// secretive are the shapes of what must not be shown, should a cloud echo it: e-mail addresses, tokens, chassis numbers,
// coordinates. None of the known texts has such words.
var secretive = regexp.MustCompile(`\S+@\S+|[A-Za-z0-9_\-.+/=%]{20,}|\b[A-HJ-NPR-Z0-9]{17}\b|-?\d+\.\d{3,}`)

// Brief makes a cloud's text fit for logs: one line, no secrets, not long.
func Brief(text string) string {
	text = secretive.ReplaceAllString(strings.Join(strings.Fields(text), " "), "…")
	if len(text) > 160 {
		text = strings.ToValidUTF8(text[:160], "") + "…"
	}
	return text
}

// Despite tells the cloud's fault from a session's end: what it has just given and refuses at once no person can mend. That it
// was refused before anything was done remains true.
func Despite(err error) error {
	refused := (*bluelink.Error)(nil)
	if !errors.Is(err, bluelink.ErrSessionExpired) && !errors.Is(err, bluelink.ErrDevice) || !errors.As(err, &refused) {
		return err
	}
	fault := *refused
	fault.Text, fault.Reason = "it refuses what it has just given", vehicle.CloudUnavailable
	fault.Err = errors.Join(refused.Err, bluelink.ErrUnavailable)
	return &fault
}
