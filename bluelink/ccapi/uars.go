package ccapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// uars is China's way to a session (docs/protocol/china.md §2.1 and §2.2): a second host leads to the sign-in of the vehicle
// API and redeems its code. The cookies of that sign-in renew the session as long as they live, so they are stored.
type uars struct{ *authority }

var _ bluelink.Exporter = (*uars)(nil)

func newUARS(a *authority) bluelink.Authority { return &uars{a} }

// The cookies among the tokens, as a JSON object of hosts.
const cookiesKept = "cookies"

// Login signs in.
func (a *uars) Login(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return bluelink.Tokens{}, fmt.Errorf("make a cookie jar: %w", err)
	}
	browser := a.transport.Browser(jar, false)
	id := strings.ToUpper(newUUID())
	pages := []string{
		"https://" + a.profile.uars + "/join/account/loginInit.do?cocd=H&deviceUuid=" + id + "&redirect=",
		"https://" + a.profile.api + "/api/v1/user/oauth2/authorize?response_type=code&client_id=" + a.profile.service +
			"&redirect_uri=https://" + a.profile.uars + "%2Fjoin%2Fccsp%2FloginCallback.do&state=" + uarsState(id) +
			"&lang=" + a.profile.language(a.account.Language) + "&scope=url.login",
	}
	for _, page := range pages {
		call := bluelink.Call{Kind: bluelink.CallLogin, Op: "open sign-in page"}
		err := a.follow(ctx, browser, call, page, func(answer bluelink.Answer) error {
			if answer.Status >= 400 {
				return a.profile.classifyPage(call, answer)
			}
			return nil // what counts are the cookies
		})
		if err != nil {
			return bluelink.Tokens{}, err
		}
	}
	next, err := a.postPassword(ctx, browser, a.headers(), map[string]string{"email": a.account.Username, "password": a.account.Password, "mobileNum": ""})
	if err != nil {
		return bluelink.Tokens{}, err
	}
	t, err := a.redeem(ctx, browser, bluelink.Call{Kind: bluelink.CallLogin, Op: "redeem sign-in"}, next, old.Device)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	if t, err = a.withCookies(t, jar); err != nil || t.Device != "" {
		return t, err
	}
	// Were the registration to fail, no other sign-in would be needed.
	if err := keep(ctx, t); err != nil {
		return bluelink.Tokens{}, err
	}
	t.Device, err = a.Register(ctx)
	return t, err
}

// uarsState is the state of the sign-in page: a small JSON document with its keys in this order.
func uarsState(id string) string {
	text := `{"interfaceId":"UARS-COM-040","accUnqNo":"","deviceUuid":"` + id + `","webRedirect":""}`
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

func (a *uars) headers() map[string]string {
	return map[string]string{
		"ccsp-service-id": a.profile.service, "ccsp-application-id": a.profile.appID, "Content-Type": "application/json;charset=UTF-8",
	}
}

// Renew goes on with the cookies of the sign-in. When the cloud does not know them any more, the password is all there is:
// that sign-in is how this cloud renews, too.
func (a *uars) Renew(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	if old.Refresh != byPassword {
		return bluelink.Tokens{}, &bluelink.Error{Op: opGrant, Cloud: a.account.Cloud(), Text: "refresh tokens are of no use here", Err: bluelink.ErrUnsupported}
	}
	t, err := a.renewSilently(ctx, old)
	if errors.Is(err, bluelink.ErrSessionExpired) {
		return a.Login(ctx, old, keep)
	}
	return t, err
}

func (a *uars) renewSilently(ctx context.Context, old bluelink.Tokens) (bluelink.Tokens, error) {
	jar, err := a.kept(old)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	browser := a.transport.Browser(jar, false)
	r, err := a.profile.newRequest(ctx, http.MethodPost, "https://"+a.profile.api+"/api/v1/user/silentsignin", "application/json", `{"intUserId":""}`)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	for name, text := range a.headers() {
		r.Header.Set(name, text)
	}
	call := bluelink.Call{Kind: bluelink.CallRenew, Op: "renew session"}
	var next *url.URL
	_, err = a.transport.Do(ctx, bluelink.Exchange{Call: call, Request: r, Client: browser, Timeout: a.profile.entryTimeout, Classify: func(answer bluelink.Answer) error {
		root, _ := parse(answer.Body)
		target := root.get("redirectUrl").str()
		switch {
		case answer.Status >= 500 || answer.Status == http.StatusTooManyRequests:
			return a.profile.classifyStatus(call, answer)
		case answer.Status >= 400 || root.kind() == '{' && target == "":
			return &bluelink.Error{Err: bluelink.ErrSessionExpired, Code: brief(userCode(root).str()), Text: brief(userText(root))}
		case target == "":
			return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no redirectUrl"}
		}
		if next, err = url.Parse(strings.Clone(target)); err != nil {
			return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "redirectUrl is no address"}
		}
		return nil
	}})
	if err != nil {
		return bluelink.Tokens{}, err
	}
	t, err := a.redeem(ctx, browser, bluelink.Call{Kind: bluelink.CallRenew, Op: "redeem session"}, next, old.Device)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	return a.withCookies(t, jar)
}

// redeem opens the page to which a sign-in leads. It redeems the code by itself and holds the tokens.
func (a *uars) redeem(ctx context.Context, browser *http.Client, call bluelink.Call, at *url.URL, device string) (t bluelink.Tokens, err error) {
	if at.Scheme != "https" || at.Host != a.profile.uars {
		return t, &bluelink.Error{Op: call.Op, Cloud: a.account.Cloud(), Left: true, Text: "the sign-in leads to a strange host", Err: bluelink.ErrBadResponse}
	}
	r, err := a.profile.newRequest(ctx, http.MethodGet, at.String(), "", "")
	if err != nil {
		return t, err
	}
	// A page without tokens ends a session that is renewed; after a password that was good, it is one that nobody can read.
	unusable := bluelink.ErrBadResponse
	if call.Kind == bluelink.CallRenew {
		unusable = bluelink.ErrSessionExpired
	}
	_, err = a.transport.Do(ctx, bluelink.Exchange{Call: call, Request: r, Client: browser, Timeout: a.profile.entryTimeout, Classify: func(answer bluelink.Answer) error {
		switch {
		case answer.Status >= 500 || answer.Status == http.StatusTooManyRequests:
			return a.profile.classifyStatus(call, answer)
		case answer.Status >= 400:
			return &bluelink.Error{Err: unusable, Text: "the page after the sign-in is refused"}
		}
		token := loginDocument(answer.Body).get("ccspToken")
		access := token.get("accessToken").str()
		if access == "" {
			return &bluelink.Error{Err: unusable, Text: "no tokens in the page after the sign-in"}
		}
		scheme := token.get("tokenType").str()
		if scheme == "" {
			scheme = "Bearer"
		}
		// Its refresh token is of no use: the endpoint that took it is dead.
		t = bluelink.Tokens{Access: scheme + " " + access, Expires: a.profile.expiry(token.get("expiresIn")), Refresh: byPassword, Device: device}
		return nil
	}})
	return t, err
}

// Export has nothing: cookies are not given away.
func (a *uars) Export(bluelink.Tokens) string { return "" }

// places are the addresses at which cookies are shown.
func (a *uars) places() map[string]*url.URL {
	return map[string]*url.URL{
		a.profile.api:  {Scheme: "https", Host: a.profile.api, Path: "/api/v1/user/silentsignin"},
		a.profile.uars: {Scheme: "https", Host: a.profile.uars, Path: "/join/ccsp/loginCallback.do"},
	}
}

// withCookies puts the cookies among the tokens.
func (a *uars) withCookies(t bluelink.Tokens, jar http.CookieJar) (bluelink.Tokens, error) {
	hosts := map[string]map[string]string{}
	for host, place := range a.places() {
		for _, cookie := range jar.Cookies(place) {
			if hosts[host] == nil {
				hosts[host] = map[string]string{}
			}
			hosts[host][cookie.Name] = cookie.Value
		}
	}
	text, err := json.Marshal(hosts)
	if err != nil {
		return bluelink.Tokens{}, fmt.Errorf("write cookies: %w", err)
	}
	t.Extra = map[string]string{cookiesKept: string(text)}
	return t, nil
}

// kept is a jar with the cookies that were stored. Damaged ones are none: then the password has to do.
func (a *uars) kept(t bluelink.Tokens) (http.CookieJar, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("make a cookie jar: %w", err)
	}
	var hosts map[string]map[string]string
	_ = json.Unmarshal([]byte(t.Extra[cookiesKept]), &hosts)
	for host, place := range a.places() {
		var cookies []*http.Cookie
		for name, text := range hosts[host] {
			cookies = append(cookies, &http.Cookie{Name: name, Value: text, Path: "/", Secure: true, HttpOnly: true})
		}
		jar.SetCookies(place, cookies)
	}
	return jar, nil
}

// mostTries bounds the search for the tokens in a page.
const mostTries = 64

// loginDocument finds the tokens in the page after a sign-in (docs/protocol/china.md §2.1, step 4): in a text of a script
// between back-ticks, else in whatever object holds the name of one of them.
func loginDocument(page []byte) value {
	const mark = `"uarsToken"`
	rest := page
	for range mostTries {
		_, after, found := bytes.Cut(rest, []byte("`"))
		if !found {
			break
		}
		before := bytes.TrimRight(rest[:len(rest)-len(after)-1], " \t\r\n")
		text, next, closed := bytes.Cut(after, []byte("`"))
		if !closed {
			break
		}
		if !bytes.HasSuffix(before, []byte("=")) || !bytes.Contains(text, []byte(mark)) {
			rest = after
			continue
		}
		if data := tokenObject(text); data.Exists() {
			return data
		}
		rest = next
	}
	at := bytes.Index(page, []byte(mark))
	for try, from := 0, at; try < mostTries && from > 0; try++ {
		if from = bytes.LastIndexByte(page[:from], '{'); from < 0 {
			break
		}
		if to := balanced(page[from:]); from+to > at {
			if data := tokenObject(page[from : from+to]); data.Exists() {
				return data
			}
		}
	}
	return value{}
}

// tokenObject is the object with the tokens: the text's own or its member data.
func tokenObject(text []byte) value {
	root, ok := parse(text)
	if !ok {
		return value{}
	}
	for _, object := range []value{root.get("data"), root} {
		if object.get("uarsToken").str() != "" {
			return object
		}
	}
	return value{}
}

// balanced is the length of the object with which a text begins; 0 when it does not end.
func balanced(text []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}
