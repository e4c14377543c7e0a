package hyundaius

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

func fields(t *testing.T, body string) map[string]string {
	t.Helper()
	var got map[string]string
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestLogin_AsThePageSays holds §1.1 and §2.1.
func TestLogin_AsThePageSays(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		start := time.Now()
		if err := w.cloud.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := w.last()
		if r.method != "POST" || r.path != tokenPath || !maps.Equal(fields(t, r.body), map[string]string{"username": email, "password": password}) {
			t.Errorf("%s %s %s", r.method, r.path, r.body)
		}
		for name, want := range map[string]string{
			"client_id": clientID, "clientSecret": clientSecret, "from": "SPA", "to": "ISS", "language": "0", "offset": offset(time.Now()), "refresh": "false",
			"encryptFlag": "false", "brandIndicator": "H", "content-type": "application/json;charset=UTF-8", "blueLinkServicePin": "", "accessToken": "",
		} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		kept, err := w.tokens.Load(t.Context())
		if err != nil || kept.Access != "AbCd" || kept.Refresh != "EfGh" || !kept.Expires.Equal(start.Add(1799*time.Second)) {
			t.Errorf("%+v, %v", kept, err)
		}
		if got := w.kinds.String(); got != "login" {
			t.Errorf("kinds: %s", got)
		}
	})
}

// TestRenew_SendsAllFourFields holds §2.2: renewal before the end, rotation, and the old token where the answer has none.
func TestRenew_SendsAllFourFields(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.car()
		pass(31 * time.Minute)
		_ = w.kinds.String()
		w.put(tokenPath, ok(`{"access_token":"new","expires_in":1799}`))
		if _, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v, Sparing: true}); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"username": email, "password": password, "grant_type": "refresh_token", "refresh_token": "EfGh"}
		if got := w.requests[0]; got.path != tokenPath || !maps.Equal(fields(t, got.body), want) {
			t.Errorf("%s %s", got.path, got.body)
		}
		if got := w.requests[1].header.Get("accessToken"); got != "new" {
			t.Errorf("the next call shows %q", got)
		}
		if kept, _ := w.tokens.Load(t.Context()); kept.Refresh != "EfGh" || kept.Access != "new" {
			t.Errorf("%+v", kept)
		}
		if got := w.kinds.String(); !strings.HasPrefix(got, "renew read") {
			t.Errorf("kinds: %s", got)
		}
	})
}

// TestRenew_ThatIsRefusedSignsInOnce lets the refresh token be dead.
func TestRenew_ThatIsRefusedSignsInOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for _, refusal := range []reply{
			{status: 400, body: `{"errorCode":400,"errorSubCode":"C400_1","errorMessage":"x"}`},
			{status: 401, body: expired},
			{status: 403, body: `{"errorCode":"403"}`},
			{status: 400, body: `{"error":"invalid_grant"}`},
		} {
			w := newWorld(t)
			v := w.car()
			pass(31 * time.Minute)
			_ = w.kinds.String()
			w.put(tokenPath, refusal)
			_, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v, Sparing: true})
			if got := w.kinds.String(); err == nil || strings.Count(got, "login") != 1 {
				t.Errorf("%s: %v after %s", refusal.body, err, got)
			}
		}
	})
}

// TestLogin_WrongPasswordIsShownOnce holds the account open: §8, IDM_401_1 under 502.
func TestLogin_WrongPasswordIsShownOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for _, refusal := range []reply{
			{status: 502, body: `{"errorCode":502,"errorSubCode":"IDM_401_1","systemName":"IDM","functionName":"customerLogin","errorMessage":"Incorrect username or password"}`},
			{status: 502, body: `{"errorCode":"502","errorMessage":"Incorrect username or password"}`},
			{status: 401, body: `{"errorCode":401,"errorMessage":"no"}`},
		} {
			w := newWorld(t)
			w.put(tokenPath, refusal)
			for range 4 {
				_, err := w.cloud.Vehicles(t.Context())
				if !errors.Is(err, bluelink.ErrCredentials) {
					t.Errorf("%s: %v", refusal.body, err)
				}
				pass(2 * time.Hour)
				w.open()
			}
			if got := w.paths(); got != tokenPath {
				t.Errorf("%s: calls %s", refusal.body, got)
			}
		}
	})
}

// TestRenew_WrongPasswordIsShownTwiceAtMost changes the password at the maker while a session lives.
func TestRenew_WrongPasswordIsShownTwiceAtMost(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.car()
		w.put(tokenPath, reply{status: 502, body: `{"errorCode":502,"errorSubCode":"IDM_401_1","systemName":"IDM","errorMessage":"Incorrect username or password"}`})
		for range 20 {
			pass(31 * time.Minute)
			if _, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v}); !errors.Is(err, bluelink.ErrCredentials) {
				t.Errorf("error is %v", err)
			}
		}
		if n := strings.Count(w.paths(), tokenPath); n > 2 {
			t.Errorf("the wrong password was shown %d times", n)
		}
	})
}

// TestRenew_WrongPasswordIsShownTwiceAtMostInACircleOfStarts is the same, while the program is started anew each time: also
// before a sign-in, which is allowed once an hour, has told the same.
func TestRenew_WrongPasswordIsShownTwiceAtMostInACircleOfStarts(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.car()
		w.put(tokenPath, reply{status: 502, body: `{"errorCode":502,"errorSubCode":"IDM_401_1","systemName":"IDM","errorMessage":"Incorrect username or password"}`})
		pass(31 * time.Minute)
		for range 20 {
			w.open()
			if _, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v}); !errors.Is(err, bluelink.ErrCredentials) {
				t.Errorf("error is %v", err)
			}
		}
		if n := strings.Count(w.paths(), tokenPath); n > 2 {
			t.Errorf("the wrong password was shown %d times", n)
		}
	})
}

// TestLogin_UnreadableAnswers are classified, and none takes the password for wrong.
func TestLogin_UnreadableAnswers(t *testing.T) {
	for _, test := range []struct {
		reply reply
		want  error
	}{
		{ok(`{}`), bluelink.ErrBadResponse},
		{ok(`<html>`), bluelink.ErrBadResponse},
		{ok(``), bluelink.ErrBadResponse},
		{ok(`{"access_token":17}`), bluelink.ErrBadResponse},
		{reply{status: 503, body: "x"}, bluelink.ErrUnavailable},
		{reply{status: 403, body: "<html>"}, bluelink.ErrBlocked},
		{reply{status: 403, body: `{"message":"client_id required"}`}, bluelink.ErrClientRefused},
		{reply{status: 400, body: `{"errorCode":400,"errorSubCode":"C400_1","errorMessage":"Parameter {password} field [Required] validation error."}`}, bluelink.ErrClientRefused},
		{reply{status: 502, body: `{"errorCode":502,"errorSubCode":"GEN","systemName":"HATA","errorMessage":"could not complete your request"}`}, bluelink.ErrUnavailable},
	} {
		w := newWorld(t)
		w.put(tokenPath, test.reply)
		if err := w.cloud.Login(t.Context()); !errors.Is(err, test.want) {
			t.Errorf("%d %s: %v, want %v", test.reply.status, test.reply.body, err, test.want)
		}
	}
}

func TestExpiry_IsPlausible(t *testing.T) {
	for text, want := range map[string]time.Duration{`"28799"`: 28799 * time.Second, `1799`: 1799 * time.Second, `"x"`: 1799 * time.Second, `-1`: 1799 * time.Second, `null`: 1799 * time.Second, `1e300`: 1799 * time.Second} {
		if got := time.Until(expiry(parsed(t, text))); (got - want).Abs() > time.Second {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestOpen_RefusesWhatItCannotServe(t *testing.T) {
	good := newWorld(t).account
	for _, change := range []func(*bluelink.Account){
		func(a *bluelink.Account) { a.Region = 1 }, func(a *bluelink.Account) { a.Brand = 1 }, func(a *bluelink.Account) { a.Password = "" }, func(a *bluelink.Account) { a.Username = "" },
	} {
		account := good
		change(&account)
		if _, err := Open(account, bluelink.Settings{}); err == nil || strings.Contains(err.Error(), email) {
			t.Errorf("%+v: %v", account, err)
		}
	}
}
