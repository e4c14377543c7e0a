package bluelink

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// Settings are what options set; protocol families read them.
type Settings struct {
	RoundTripper http.RoundTripper // nil for the network
	CloudURL     *url.URL          // nil for the real clouds
	Tokens       TokenStore
	Hook         Hook // nil for none
	Log          *slog.Logger
	Watcher      Watcher
	OnSession    func(*Session) // nil for nobody
}

// Watcher learns what no error tells. Its functions must not wait; nil ones are not called.
type Watcher struct {
	// Expiring tells that the session works until a time, but could not be renewed ahead of it, and why; the zero time that
	// all is well again.
	Expiring func(until time.Time, why error)
	// Skew tells how far the cloud's clock is ahead of this machine's, whenever that has changed.
	Skew func(ahead time.Duration)
	// Challenge tells that a sign-in waits for a one-time code, or what has changed about it, such as that a code was sent; and
	// with false that it waits no more. One that was left by an earlier process is told when the session is first used.
	Challenge func(c Challenge, waits bool)
}

// Option changes how a cloud is reached.
type Option func(*Settings) error

// NewSettings applies options to the defaults: the network, tokens in memory, no hook, no log.
func NewSettings(options ...Option) (Settings, error) {
	s := Settings{Tokens: NewMemoryTokens(), Log: slog.New(slog.DiscardHandler)}
	for _, option := range options {
		if err := option(&s); err != nil {
			return Settings{}, err
		}
	}
	return s, nil
}

// WithRoundTripper makes the calls through rt instead of the network.
func WithRoundTripper(rt http.RoundTripper) Option {
	return func(s *Settings) error {
		if rt == nil {
			return errors.New("round tripper is nil")
		}
		s.RoundTripper = rt
		return nil
	}
}

// WithCloudURL sends all calls to one address, such as a simulator's http://127.0.0.1:8089, and keeps their Host header.
func WithCloudURL(address string) Option {
	return func(s *Settings) error {
		u, err := url.Parse(address)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return fmt.Errorf("cloud URL %q must look like http://host:port", address)
		}
		s.CloudURL = u
		return nil
	}
}

// WithTokenStore keeps tokens and device id where they outlive the process.
func WithTokenStore(store TokenStore) Option {
	return func(s *Settings) error {
		if store == nil {
			return errors.New("token store is nil")
		}
		s.Tokens = store
		return nil
	}
}

// WithHook lets hook see and refuse every call.
func WithHook(hook Hook) Option {
	return func(s *Settings) error { s.Hook = hook; return nil }
}

// WithWatcher tells w what no error tells.
func WithWatcher(w Watcher) Option {
	return func(s *Settings) error { s.Watcher = w; return nil }
}

// WithSession gives f the account's session when it is made: for a program that lets a person sign out or enter a code.
func WithSession(f func(*Session)) Option {
	return func(s *Settings) error { s.OnSession = f; return nil }
}

// WithLogger logs what the session does.
func WithLogger(log *slog.Logger) Option {
	return func(s *Settings) error {
		if log == nil {
			return errors.New("logger is nil")
		}
		s.Log = log
		return nil
	}
}
