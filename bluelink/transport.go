package bluelink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Limits of one call.
const (
	ConnectTimeout = 10 * time.Second
	CallTimeout    = 30 * time.Second
	MaxBody        = 4 << 20 // bytes
)

// CallKind says what a call costs: what it may do to the car, the account and the quota.
type CallKind string

// The kinds of calls.
const (
	CallRead     CallKind = "read"
	CallWake     CallKind = "wake"
	CallCommand  CallKind = "command"
	CallLogin    CallKind = "login"
	CallRenew    CallKind = "renew"
	CallRegister CallKind = "register"
	CallCode     CallKind = "code"
)

// acts tells the calls that do something, each time that they arrive.
func (k CallKind) acts() bool { return k != CallRead && k != CallLogin }

// Call is one request to a cloud, as a [Hook] sees it.
type Call struct {
	Account string
	Vehicle vehicle.ID // empty when the call is about no car
	Kind    CallKind
	Op      string // "read status"
	// Credentials says that the call carries what a person signs in with: those are the ones that makers count and lock
	// accounts for, other than the pages around them. With CallCode it carries a one-time code; without, it requests one. With CallRenew it
	// is a sign-in by which the cloud renews.
	Credentials bool
}

// Hook sees every call. It is how ledgers, login guards and metrics reach below the operations of a [Cloud], since one
// refresh is several calls and logins happen inside of any of them. Both methods are called on the goroutine that makes
// the call and must not wait for the network.
type Hook interface {
	// Before may refuse the call; then it never leaves, and the error is the call's.
	Before(ctx context.Context, call Call) error
	// After learns how an admitted call ended, with its classified error.
	After(ctx context.Context, call Call, took time.Duration, err error)
}

// Answer is a cloud's answer with its body read.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	URL    *url.URL // after redirects
}

// Exchange is one call with all that it takes.
type Exchange struct {
	Call    Call
	Request *http.Request
	Timeout time.Duration // [CallTimeout] when zero
	Client  *http.Client  // with a cookie jar or rule for redirects; the transport's own when nil
	// Classify turns an answer into an error of errors.go, or nil. It is asked for every answer, whatever its status.
	Classify func(Answer) error
}

// Transport makes the calls of one account.
type Transport struct {
	cloud   string
	account string
	base    http.RoundTripper
	client  *http.Client
	hook    Hook
	skew    *skew
	veil    *strings.Replacer // over what a cloud may echo of the account's secrets
}

// NewTransport prepares the calls of an account.
func NewTransport(account Account, s Settings) *Transport {
	base := s.RoundTripper
	if base == nil {
		base = defaultRoundTripper()
	}
	base = atMostOnce(base)
	if s.CloudURL != nil {
		base = redirected{s.CloudURL, base}
	}
	return &Transport{
		cloud: account.Cloud(), account: account.Name, base: base, hook: s.Hook,
		client: &http.Client{Transport: base, CheckRedirect: NoRedirect},
		skew:   &skew{log: s.Log, report: s.Watcher.Skew},
		veil:   veilOf(account.Username, account.Password, account.PIN, account.RefreshToken),
	}
}

// veilOf replaces secrets; what is shorter than a PIN would veil half of every text.
func veilOf(secrets ...string) *strings.Replacer {
	var pairs []string
	for _, secret := range secrets {
		if len(secret) >= 4 {
			pairs = append(pairs, secret, "…")
		}
	}
	return strings.NewReplacer(pairs...)
}

// Browser is a client that keeps cookies and, when follow is set, follows redirects, as the pages of a sign-in demand.
func (t *Transport) Browser(jar http.CookieJar, follow bool) *http.Client {
	c := &http.Client{Transport: t.base, Jar: jar}
	if !follow {
		c.CheckRedirect = NoRedirect
	}
	return c
}

// NoRedirect makes a client return a redirect instead of following it.
func NoRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Now is the time by the cloud's clock, as far as its answers told it: for what the cloud compares with it.
func (t *Transport) Now() time.Time { return t.skew.now() }

// Do makes the call: it asks the hook, sends, reads the body and classifies. Its errors are all of errors.go.
func (t *Transport) Do(ctx context.Context, x Exchange) (answer Answer, err error) {
	x.Call.Account = t.account
	if a := AttemptOf(ctx); x.Call.Credentials && a.presented != nil {
		a.presented.Store(true)
	}
	if t.hook != nil {
		if err := t.hook.Before(ctx, x.Call); err != nil {
			err = t.refused(x.Call, err)
			t.stage(ctx, x.Call, x.Request, 0, 0, err)
			return Answer{}, err
		}
	}
	start := time.Now()
	defer func() {
		took := time.Since(start)
		t.stage(ctx, x.Call, x.Request, answer.Status, took, err)
		if t.hook != nil {
			t.hook.After(ctx, x.Call, took, err)
		}
	}()
	limit := x.Timeout
	if limit == 0 {
		limit = CallTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, silence{x.Call.Op, limit})
	defer cancel()
	client := x.Client
	if client == nil {
		client = t.client
	}
	sent := time.Now()
	response, err := client.Do(x.Request.WithContext(context.WithValue(ctx, actsKey{}, x.Call.Kind.acts())))
	if err != nil {
		return Answer{}, t.broken(ctx, x.Call, err, 0)
	}
	defer response.Body.Close()
	t.skew.learn(response.Header, sent, time.Now())
	answer = Answer{Status: response.StatusCode, Header: response.Header, URL: response.Request.URL}
	if answer.Body, err = readBody(response); err != nil {
		return answer, t.broken(ctx, x.Call, err, answer.Status)
	}
	if len(answer.Body) > MaxBody {
		return answer, t.failed(x.Call, answer, &Error{Err: ErrBadResponse, Text: fmt.Sprintf("more than %d bytes", MaxBody)})
	}
	if err := x.Classify(answer); err != nil {
		return answer, t.failed(x.Call, answer, err)
	}
	return answer, nil
}

// refused is the error of a call that the hook did not let out.
func (t *Transport) refused(call Call, err error) error {
	refusal := Error{Err: err}
	if e := (*Error)(nil); errors.As(err, &e) {
		refusal = *e
	}
	refusal.Op, refusal.Cloud, refusal.Left = call.Op, t.cloud, false
	return &refusal
}

// readBody reads a body, of one that is too long the beginning.
func readBody(response *http.Response) (body []byte, err error) {
	if n := response.ContentLength; n >= 0 && n <= MaxBody {
		body = make([]byte, n)
		_, err = io.ReadFull(response.Body, body)
		return body, err
	}
	return io.ReadAll(io.LimitReader(response.Body, MaxBody+1))
}

// silence is the cause of a call's deadline. It makes its text when somebody reads it, which is hardly ever.
type silence struct {
	op    string
	limit time.Duration
}

func (s silence) Error() string {
	return fmt.Sprintf("no answer to %s within %s: %v", s.op, s.limit, context.DeadlineExceeded)
}

func (silence) Unwrap() error { return context.DeadlineExceeded }

// failed completes a classified error with what the classifier need not repeat.
func (t *Transport) failed(call Call, answer Answer, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Err: err}
	}
	complete := *e
	complete.Text, complete.Code = t.veil.Replace(e.Text), t.veil.Replace(e.Code)
	complete.Op, complete.Cloud, complete.Status, complete.Left = call.Op, t.cloud, answer.Status, true
	return &complete
}

// quoted is what net/http cites of an answer that it cannot read.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?`)

// uncited is an error without what it cites: a header line may hold a token, a redirect a code.
type uncited struct{ error }

func (e uncited) Error() string { return quoted.ReplaceAllString(e.error.Error(), "…") }

func (e uncited) Unwrap() error { return e.error }

// broken classifies a call without a whole answer. The text of a url.Error holds the address, with whatever secrets its
// query has, so only its cause is kept, and of that not what it cites.
func (t *Transport) broken(ctx context.Context, call Call, err error, status int) error {
	if e := (*url.Error)(nil); errors.As(err, &e) {
		err = e.Err
	}
	err = uncited{err}
	var dial *net.OpError
	left := !(errors.As(err, &dial) && dial.Op == "dial")
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return &Error{Op: call.Op, Cloud: t.cloud, Status: status, Left: left, Err: errors.Join(ErrUnavailable, err)}
}

// redirected sends every call to another address, such as a simulator's, and leaves its Host header as it was. It works
// below cookie jars and redirects, which go on seeing the cloud's own names.
type redirected struct {
	to   *url.URL
	next http.RoundTripper
}

func (r redirected) RoundTrip(request *http.Request) (*http.Response, error) {
	away, there := request.WithContext(request.Context()), *request.URL // copies of what is changed
	if away.Host == "" {
		away.Host = request.URL.Host
	}
	there.Scheme, there.Host = r.to.Scheme, r.to.Host
	away.URL = &there
	response, err := r.next.RoundTrip(away)
	if response != nil {
		response.Request = request
	}
	return response, err
}

type actsKey struct{}

// once sends what acts over connections of their own. net/http repeats a GET, which a wake may be, when the kept-alive
// connection that it went over breaks; by then the cloud may have carried it out. Reads gain from that.
type once struct{ shared, own http.RoundTripper }

func atMostOnce(base http.RoundTripper) http.RoundTripper {
	shared, ok := base.(*http.Transport)
	if !ok {
		return base
	}
	own := shared.Clone()
	own.DisableKeepAlives = true
	return once{shared, own}
}

func (o once) RoundTrip(request *http.Request) (*http.Response, error) {
	if acts, _ := request.Context().Value(actsKey{}).(bool); acts {
		return o.own.RoundTrip(request)
	}
	return o.shared.RoundTrip(request)
}

func defaultRoundTripper() http.RoundTripper {
	dialer := &net.Dialer{Timeout: ConnectTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: ConnectTimeout,
		// A connection is never closed because others are idle too: how many there are is bounded by who calls, and three
		// calls of a refresh go at once.
		MaxIdleConnsPerHost: 1 << 20, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
	}
}
