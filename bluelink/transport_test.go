package bluelink_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// account has secrets that no error and no log may show.
var account = bluelink.Account{
	Name: "home", Region: vehicle.Europe, Brand: vehicle.Kia, Username: "canary@example.com", Password: "canary-password", PIN: "4711",
	RefreshToken: "canary-refresh",
}

// canaries are those secrets, and the ones that requests carry.
var canaries = []string{"canary", "4711"}

// spy is a hook that remembers, and refuses where told so.
type spy struct {
	mu     sync.Mutex
	before []bluelink.Call
	after  []error
	refuse error
}

func (s *spy) Before(_ context.Context, call bluelink.Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = append(s.before, call)
	return s.refuse
}

func (s *spy) After(_ context.Context, _ bluelink.Call, _ time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after = append(s.after, err)
}

// serve starts a server and gives a transport to it.
func serve(t *testing.T, handler http.HandlerFunc, options ...bluelink.Option) *bluelink.Transport {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return transport(t, append([]bluelink.Option{bluelink.WithCloudURL(server.URL)}, options...)...)
}

func transport(t *testing.T, options ...bluelink.Option) *bluelink.Transport {
	t.Helper()
	network := &http.Transport{}
	t.Cleanup(network.CloseIdleConnections)
	settings, err := bluelink.NewSettings(append([]bluelink.Option{bluelink.WithRoundTripper(network)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return bluelink.NewTransport(account, settings)
}

func exchange(t *testing.T, address string, classify func(bluelink.Answer) error) bluelink.Exchange {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if classify == nil {
		classify = func(bluelink.Answer) error { return nil }
	}
	return bluelink.Exchange{Call: bluelink.Call{Vehicle: "car", Kind: bluelink.CallRead, Op: "read status"}, Request: r, Classify: classify}
}

const somewhere = "http://cloud.example:8080/api?token=canary-token"

func TestTransport_SendsToAnotherAddressAndKeepsTheHost(t *testing.T) {
	var hosts []string
	tr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hosts = append(hosts, r.Host+r.URL.Path)
		switch r.URL.Path {
		case "/api":
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "1", Path: "/", Secure: true})
			http.Redirect(w, r, "https://pages.example/login", http.StatusFound)
		case "/login":
			http.Redirect(w, r, "https://cloud.example:8080/done", http.StatusFound)
		default:
			if _, err := r.Cookie("session"); err != nil {
				t.Error("the cookie got lost on the way round")
			}
		}
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	x := exchange(t, "https://cloud.example:8080/api", nil)
	x.Client = tr.Browser(jar, true)
	answer, err := tr.Do(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(hosts, " "), "cloud.example:8080/api pages.example/login cloud.example:8080/done"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	if answer.URL.String() != "https://cloud.example:8080/done" {
		t.Errorf("ended at %s", answer.URL)
	}
}

func TestTransport_DoesNotFollowRedirectsByItself(t *testing.T) {
	tr := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	answer, err := tr.Do(t.Context(), exchange(t, somewhere, nil))
	if err != nil || answer.Status != http.StatusFound {
		t.Errorf("status %d, error %v", answer.Status, err)
	}
}

func TestTransport_RefusedCallNeverLeaves(t *testing.T) {
	hook := &spy{refuse: fmt.Errorf("today's calls are used up: %w", bluelink.ErrQuota)}
	tr := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the call left") }, bluelink.WithHook(hook))
	_, err := tr.Do(t.Context(), exchange(t, somewhere, nil))
	if !errors.Is(err, bluelink.ErrQuota) || bluelink.MayHaveSucceeded(err) {
		t.Errorf("error %v", err)
	}
	if len(hook.before) != 1 || len(hook.after) != 0 {
		t.Errorf("%d before, %d after: a refused call has no end", len(hook.before), len(hook.after))
	}
}

func TestTransport_TellsTheHookHowCallsEnd(t *testing.T) {
	hook := &spy{}
	tr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cut" {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}, bluelink.WithHook(hook))
	down := func(answer bluelink.Answer) error {
		if answer.Status == http.StatusServiceUnavailable {
			return &bluelink.Error{Err: bluelink.ErrUnavailable, Code: "5031"}
		}
		return nil
	}
	for _, address := range []string{"http://cloud.example/down", "http://cloud.example/cut"} {
		_, err := tr.Do(t.Context(), exchange(t, address, down))
		var e *bluelink.Error
		if !errors.As(err, &e) || !errors.Is(err, bluelink.ErrUnavailable) || !e.Left || e.Op != "read status" || e.Cloud != "kia-eu" {
			t.Errorf("%s: %v (%+v)", address, err, e)
		}
	}
	want := bluelink.Call{Account: "home", Vehicle: "car", Kind: bluelink.CallRead, Op: "read status"}
	if len(hook.before) != 2 || hook.before[0] != want || len(hook.after) != 2 {
		t.Fatalf("before %+v, %d after", hook.before, len(hook.after))
	}
	for _, err := range hook.after {
		if !errors.Is(err, bluelink.ErrUnavailable) {
			t.Errorf("after: %v", err)
		}
	}
}

func TestTransport_BoundsTheBody(t *testing.T) {
	tr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		size := bluelink.MaxBody
		if r.URL.Path == "/more" {
			size++
		}
		_, _ = w.Write(make([]byte, size))
	})
	answer, err := tr.Do(t.Context(), exchange(t, "http://cloud.example/most", nil))
	if err != nil || len(answer.Body) != bluelink.MaxBody {
		t.Errorf("%d bytes, error %v", len(answer.Body), err)
	}
	classified := false
	_, err = tr.Do(t.Context(), exchange(t, "http://cloud.example/more", func(bluelink.Answer) error { classified = true; return nil }))
	if !errors.Is(err, bluelink.ErrBadResponse) || classified {
		t.Errorf("error %v, classified %t", err, classified)
	}
}

func TestTransport_KnowsWhetherARequestLeft(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	listener.Close()
	tr := transport(t, bluelink.WithCloudURL(closed))
	_, err = tr.Do(t.Context(), exchange(t, somewhere, nil))
	if !errors.Is(err, bluelink.ErrUnavailable) || bluelink.MayHaveSucceeded(err) {
		t.Errorf("nobody listens: %v, may have succeeded %t", err, bluelink.MayHaveSucceeded(err))
	}
	tr = serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err = tr.Do(t.Context(), exchange(t, somewhere, nil))
	if !errors.Is(err, bluelink.ErrUnavailable) || !bluelink.MayHaveSucceeded(err) {
		t.Errorf("cut: %v, may have succeeded %t", err, bluelink.MayHaveSucceeded(err))
	}
}

func TestTransport_EndsWithTheContextAndSaysWhy(t *testing.T) {
	release := make(chan struct{})
	tr := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-release:
		}
	})
	defer close(release)
	x := exchange(t, somewhere, nil)
	x.Timeout = time.Millisecond
	_, err := tr.Do(t.Context(), x)
	if bluelink.Reason(err) != vehicle.Timeout || !strings.Contains(err.Error(), "no answer to read status within 1ms") {
		t.Errorf("timeout: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the house burns"))
	_, err = tr.Do(ctx, exchange(t, somewhere, nil))
	if !errors.Is(err, bluelink.ErrUnavailable) || !strings.Contains(err.Error(), "the house burns") {
		t.Errorf("cancelled: %v", err)
	}
}

// TestTransport_ErrorsShowNoSecrets lets a cloud echo everything it was sent.
func TestTransport_ErrorsShowNoSecrets(t *testing.T) {
	echo := func(answer bluelink.Answer) error {
		return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: string(answer.Body), Code: account.PIN}
	}
	var failures []error
	tr := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "user ", account.Username, " with ", account.Password, " and ", account.RefreshToken, " is wrong")
	})
	_, err := tr.Do(t.Context(), exchange(t, "http://cloud.example/echo", echo))
	failures = append(failures, err)
	tr = serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err = tr.Do(t.Context(), exchange(t, somewhere, nil)) // its address has a token
	failures = append(failures, err)
	tr = transport(t, bluelink.WithCloudURL("http://127.0.0.1:1"))
	_, err = tr.Do(t.Context(), exchange(t, somewhere, nil))
	failures = append(failures, err)
	for _, err := range failures {
		if err == nil {
			t.Fatal("no error")
		}
		for _, canary := range canaries {
			if strings.Contains(err.Error(), canary) {
				t.Errorf("%q shows %q", err, canary)
			}
		}
	}
}

// TestTransport_ErrorsShowNothingOfWhatIsNotHTTP lets an answer break off in the middle of what net/http quotes.
func TestTransport_ErrorsShowNothingOfWhatIsNotHTTP(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 302 Found\r\nLocation: https://app.example/%zz?code=canary-code\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: https://app.example/callback?code=canary-code\x7f\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nSid canary-sid\r\n\r\n",
		"canary-banner\r\n\r\n",
		"HTTP/1.1 canary OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: canary\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: canary\r\n\r\n",
	} {
		tr := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			connection, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			defer connection.Close()
			_, _ = connection.Write([]byte(answer))
		})
		_, err := tr.Do(t.Context(), exchange(t, somewhere, nil))
		if !errors.Is(err, bluelink.ErrUnavailable) || !bluelink.MayHaveSucceeded(err) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

func TestOptions_RefuseWhatMakesNoSense(t *testing.T) {
	for name, option := range map[string]bluelink.Option{
		"no round tripper": bluelink.WithRoundTripper(nil), "no store": bluelink.WithTokenStore(nil), "no logger": bluelink.WithLogger(nil),
		"no scheme": bluelink.WithCloudURL("127.0.0.1:8089"), "no host": bluelink.WithCloudURL("http://"), "other scheme": bluelink.WithCloudURL("ftp://x"),
	} {
		if _, err := bluelink.NewSettings(option); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	settings, err := bluelink.NewSettings()
	if err != nil || settings.Tokens == nil || settings.Log == nil {
		t.Errorf("defaults %+v, error %v", settings, err)
	}
}
