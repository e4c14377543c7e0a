package bluelink_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

func TestSession_AdoptedRefreshTokenReplacesTheSessionOnlyWhenTheCloudTakesIt(t *testing.T) {
	a, s := &authority{}, newStore()
	a.login = func() error { return bluelink.ErrCredentials }
	session := newSession(t, a, s, bluelink.Account{Username: "me", Password: "wrong"})
	if _, err := session.Tokens(t.Context(), 0); !errors.Is(err, bluelink.ErrCredentials) {
		t.Fatalf("the sign-in ended %v", err)
	}
	a.renew = func(context.Context) error { return bluelink.ErrSessionExpired }
	if err := session.Adopt(t.Context(), "a bad one"); !errors.Is(err, bluelink.ErrSessionExpired) {
		t.Errorf("a bad token ended %v", err)
	}
	if last := s.saved[len(s.saved)-1]; last.Stopped == nil || last.Refresh != "" {
		t.Errorf("a bad token left %+v", last)
	}
	a.renew = nil
	if err := session.Adopt(t.Context(), "a good one"); err != nil {
		t.Fatalf("a good token ended %v", err)
	}
	if a.logins != 1 || a.devices != 1 {
		t.Errorf("%d sign-ins, %d devices", a.logins, a.devices)
	}
	if tokens, err := session.Tokens(t.Context(), 0); err != nil || tokens.Device != "device 1" || tokens.Stopped != nil {
		t.Errorf("afterwards %+v, %v", tokens, err)
	}
	if token, err := session.RefreshToken(t.Context()); err != nil || !strings.HasPrefix(token, "refresh ") {
		t.Errorf("for others there is %q, %v", token, err)
	}
}

// answers is a network that answers the same to every call.
type answers struct{ status int }

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Body: io.NopCloser(strings.NewReader("")), Header: http.Header{}, Request: r}, nil
}

func TestStages_ShowCallsOfASignInWithoutSecrets(t *testing.T) {
	settings, err := bluelink.NewSettings(bluelink.WithRoundTripper(answers{http.StatusTeapot}))
	if err != nil {
		t.Fatal(err)
	}
	transport := bluelink.NewTransport(bluelink.Account{Username: "me@example.com", Password: "geheim"}, settings)
	var seen []bluelink.Stage
	ctx := bluelink.WithStages(t.Context(), func(s bluelink.Stage) { seen = append(seen, s) })
	for _, kind := range []bluelink.CallKind{bluelink.CallRead, bluelink.CallLogin, bluelink.CallCode, bluelink.CallCommand} {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://cloud.example/users/me@example.com?p=geheim", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = transport.Do(ctx, bluelink.Exchange{
			Call: bluelink.Call{Kind: kind, Op: "try"}, Request: request,
			Classify: func(bluelink.Answer) error { return &bluelink.Error{Err: bluelink.ErrCredentials, Text: "not geheim"} },
		})
	}
	if len(seen) != 2 || seen[0].Kind != bluelink.CallLogin || seen[1].Kind != bluelink.CallCode {
		t.Fatalf("seen %+v", seen)
	}
	s := seen[0]
	if s.Host != "cloud.example" || s.Path != "/users/…" || s.Status != http.StatusTeapot || !errors.Is(s.Err, bluelink.ErrCredentials) || strings.Contains(s.Err.Error(), "geheim") {
		t.Errorf("the stage is %+v", s)
	}
}
