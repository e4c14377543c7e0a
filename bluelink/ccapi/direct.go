package ccapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// direct is the way to a session of the regions whose vehicle API takes the password itself: a page gives a cookie, with
// it e-mail and password give a code, and the code gives tokens (docs/protocol/australia-newzealand.md §2.2).
type direct struct{ *authority }

var _ bluelink.Exporter = (*direct)(nil)

func newDirect(a *authority) bluelink.Authority { return &direct{a} }

// directWay is how a region differs in that.
type directWay struct {
	query   string            // more of the page's address
	headers map[string]string // of the call with the password
	more    url.Values        // of the call with the code
	// signsInAgain tells that nobody knows another way to renew.
	signsInAgain bool
}

// Login signs in.
func (a *direct) Login(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	old, err := a.withDevice(ctx, old, keep)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	if token := a.account.RefreshToken; token != "" && a.profile.byToken {
		return a.byToken(ctx, old.Device, token)
	}
	code, err := a.signIn(ctx)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	values := url.Values{"grant_type": {"authorization_code"}, "redirect_uri": {a.redirect()}, "code": {code}}
	for name, more := range a.profile.direct.more {
		values[name] = more
	}
	r, err := a.tokenRequest(ctx, values)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	t, err := a.askGrant(ctx, bluelink.Call{Kind: bluelink.CallLogin, Op: "redeem sign-in"}, r, bluelink.Tokens{Device: old.Device, Refresh: byPassword})
	if a.profile.direct.signsInAgain {
		t.Refresh = byPassword
	}
	return t, err
}

// byPassword stands for a refresh token where there is none that anybody has used: a session renews only what has one.
const byPassword = "by password"

// Renew trades the refresh token for new tokens, or signs in again.
func (a *direct) Renew(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	if old.Refresh == byPassword {
		return a.Login(ctx, old, keep)
	}
	return a.grant(ctx, old)
}

// Export gives what another program can renew the session with.
func (a *direct) Export(t bluelink.Tokens) string { return exportable(t) }

func exportable(t bluelink.Tokens) string {
	if t.Refresh == byPassword {
		return ""
	}
	return t.Refresh
}

func (a *direct) redirect() string {
	return "https://" + a.profile.api + "/api/v1/user/oauth2/redirect"
}

// signIn gives the code for the account's e-mail and password.
func (a *direct) signIn(ctx context.Context) (code string, err error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", fmt.Errorf("make a cookie jar: %w", err)
	}
	browser := a.transport.Browser(jar, false)
	page := "https://" + a.profile.api + "/api/v1/user/oauth2/authorize?response_type=code&client_id=" + a.profile.service +
		"&redirect_uri=" + a.redirect() + a.profile.direct.query
	call := bluelink.Call{Kind: bluelink.CallLogin, Op: "open sign-in page"}
	err = a.follow(ctx, browser, call, page, func(answer bluelink.Answer) error {
		if answer.Status >= 400 {
			return a.profile.classifyPage(call, answer)
		}
		return nil // what counts are the cookies
	})
	if err != nil {
		return "", err
	}
	next, err := a.postPassword(ctx, browser, a.profile.direct.headers, map[string]string{"email": a.account.Username, "password": a.account.Password})
	if err != nil {
		return "", err
	}
	return next.Query().Get("code"), nil
}

// classifyPage reads why a page does not open. It has seen no credentials yet, so that it can refuse none.
func (d *dialect) classifyPage(call bluelink.Call, answer bluelink.Answer) error {
	root, ok := parse(answer.Body)
	err := d.classify(call, answer, root, ok)
	if e := (*bluelink.Error)(nil); errors.As(err, &e) && (errors.Is(err, bluelink.ErrCredentials) || errors.Is(err, bluelink.ErrSessionExpired)) {
		e.Err = bluelink.ErrClientRefused
	}
	return err
}

// postPassword shows e-mail and password and returns the address, with a code in it, to which the cloud then sends.
func (a *authority) postPassword(ctx context.Context, browser *http.Client, headers, credentials map[string]string) (next *url.URL, err error) {
	body, err := json.Marshal(credentials)
	if err != nil {
		return nil, fmt.Errorf("write sign-in: %w", err)
	}
	r, err := a.profile.newRequest(ctx, http.MethodPost, "https://"+a.profile.api+"/api/v1/user/signin", "application/json", string(body))
	if err != nil {
		return nil, err
	}
	for name, text := range headers {
		r.Header.Set(name, text)
	}
	call := bluelink.Call{Kind: bluelink.CallLogin, Op: "sign in", Credentials: true}
	_, err = a.transport.Do(ctx, bluelink.Exchange{Call: call, Request: r, Client: browser, Timeout: a.profile.entryTimeout, Classify: func(answer bluelink.Answer) error {
		next, err = a.profile.readSignIn(call, answer)
		return err
	}})
	return next, err
}

// readSignIn reads the answer to a password: where to go on with a code, or what keeps from it.
func (d *dialect) readSignIn(call bluelink.Call, answer bluelink.Answer) (*url.URL, error) {
	root, ok := parse(answer.Body)
	if target := root.get("redirectUrl").str(); target != "" && answer.Status < 400 {
		next, err := url.Parse(strings.Clone(target))
		if err != nil || next.Query().Get("code") == "" {
			return nil, &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no code"}
		}
		return next, nil
	}
	code, text := userCode(root).str(), userText(root)
	switch {
	case !ok || root.kind() != '{':
		return nil, d.classifyStatus(call, answer)
	case !root.get("step").missing():
		return nil, refusedStep(root.get("step"))
	case answer.Status >= 200 && answer.Status <= 299 && usualAnswer(root):
		return nil, &bluelink.Error{Err: bluelink.ErrConsentRequired, Text: unsaid}
	case code != "" && code != "4002" && refusesToken(answer.Status):
		refused := &bluelink.Error{Code: brief(code), Text: brief(text), Err: bluelink.ErrCredentials}
		if left, wrong := asCode(root.get("errBody.remainCount")); wrong == "" && !root.get("errBody.remainCount").missing() {
			refused.Text += fmt.Sprintf("; %d more before it locks", left)
		}
		return nil, refused
	}
	if err := d.classify(call, answer, root, true); err != nil {
		return nil, err
	}
	return nil, &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no redirectUrl"}
}

// attention is what the account's owner has to do before the cloud lets anybody in (docs/protocol/brazil.md §2.3). Either way
// it is the maker's app that asks for it.
var attention = map[int]struct {
	err  error
	text string
}{
	0:  {bluelink.ErrConsentRequired, "the terms of service are not accepted"},
	3:  {bluelink.ErrConsentRequired, "access to the data is not agreed to"},
	4:  {bluelink.ErrConsentRequired, "new terms of service are not accepted"},
	5:  {bluelink.ErrCredentials, "the password has expired and must be changed"},
	6:  {bluelink.ErrConsentRequired, "the account is not activated"},
	7:  {bluelink.ErrConsentRequired, "the identity must be verified"},
	8:  {bluelink.ErrConsentRequired, "the identity must be verified"},
	9:  {bluelink.ErrCredentials, "the account is blocked"},
	10: {bluelink.ErrConsentRequired, "the e-mail address must be verified"},
	11: {bluelink.ErrConsentRequired, "the e-mail address must be changed"},
	12: {bluelink.ErrConsentRequired, "the identity must be verified"},
	13: {bluelink.ErrConsentRequired, "the e-mail address must be verified"},
}

// usualAnswer tells an answer to a password that lacks only the address from one that nobody can read.
func usualAnswer(root value) bool {
	for _, name := range []string{"popup", "method", "upgrade", "integrated"} {
		if !root.get(name).missing() {
			return true
		}
	}
	return false
}

// unsaid is for a sign-in that is refused without a reason that is known.
const unsaid = "the account wants something of its owner first"

func refusedStep(leaf value) error {
	step, wrong := asCode(leaf)
	known, ok := attention[step]
	if !ok || wrong != "" {
		known.err, known.text = bluelink.ErrConsentRequired, unsaid
	}
	return &bluelink.Error{Err: known.err, Code: "step " + brief(leaf.str()), Text: known.text}
}
