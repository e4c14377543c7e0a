package sim

import (
	"cmp"
	"strings"
	"sync"
	"time"
)

// account is the one account of a cloud with all that was handed out to its clients.
type account struct {
	cloud *cloud

	mu      sync.RWMutex
	tokens  map[string]token     // what stands behind "Bearer "
	codes   map[string]code      // one-time authorization codes
	oneApps map[string]*oneApp   // CCI sessions by their current refresh token
	devices map[string]time.Time // registered device ids and when they came
	speaks  map[string]string    // the languages that devices were given
	quota   quotaDay
	wrong   int // wrong PINs since the last right one
	// pinLocked is when PINs are taken again, where a lock ends by itself.
	pinLocked time.Time
	counts    AccountCounts
}

// AccountCounts is what an account's owner would worry about.
type AccountCounts struct {
	// Logins are sign-ins that handed out an authorization code.
	Logins int `json:"logins"`
	// FailedLogins are sign-ins that did not, for whatever reason.
	FailedLogins int `json:"failed_logins"`
	// Renewals are tokens handed out for a refresh token.
	Renewals int `json:"renewals"`
	// FailedRenewals are refresh tokens that were refused.
	FailedRenewals int `json:"failed_renewals"`
	// DeviceRegistrations are device ids handed out.
	DeviceRegistrations int `json:"device_registrations"`
	// Codes are one-time codes that were sent to the owner.
	Codes int `json:"codes"`
	// PINs and WrongPINs are control tokens handed out and refused.
	PINs      int `json:"pins"`
	WrongPINs int `json:"wrong_pins"`
}

// use says what a token is good for.
type use int

const (
	useAccess  use = iota + 1 // reads and commands of the vehicle API
	useControl                // commands that need the PIN
	useOneApp                 // the CCI host only
)

// token is what the cloud remembers of a token it handed out.
type token struct {
	use     use
	expires time.Time // in cloud time
	oneApp  *oneApp   // the CCI session of a useOneApp token
}

// session is who asks, as far as the tokens tell.
type session struct {
	token  token
	device string
}

// code is an authorization code that has not been redeemed.
type code struct {
	client  string // the OAuth client that asked for it
	renews  bool   // nobody has signed in for it
	expires time.Time
}

// oneApp is a session of the OneApp backend: seven tokens that are replaced together.
type oneApp struct {
	access, refresh             string
	exchangeable, exchangeableR string
	nonCCS, nonCCSR, id         string
	// exchanged is true once a vehicle token was fetched with it: the next fetch is
	// a renewal and no longer part of a login.
	exchanged bool
}

func newAccount(c *cloud) *account {
	a := &account{cloud: c}
	a.reset()
	return a
}

// reset forgets clients and counts; the account itself stays.
func (a *account) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens = map[string]token{}
	a.codes = map[string]code{}
	a.oneApps = map[string]*oneApp{}
	a.devices, a.speaks = map[string]time.Time{}, map[string]string{}
	if g := a.cloud.ccapi; g != nil {
		for _, id := range g.devices {
			a.devices[id] = time.Time{}
		}
	}
	a.quota = quotaDay{}
	a.wrong, a.pinLocked = 0, time.Time{}
	a.counts = AccountCounts{}
}

func (a *account) tally(change func(*AccountCounts)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&a.counts)
}

func (a *account) now() time.Time { return a.cloud.sim.clock.cloudTime(time.Now()) }

// issue hands out a token of the given use and life.
func (a *account) issue(text string, t token, life time.Duration) string {
	now := a.now()
	t.expires = now.Add(life)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.tokens) >= tokensKept && len(a.tokens)%256 == 0 {
		for old, at := range a.tokens {
			if at.expires.Before(now) {
				delete(a.tokens, old)
			}
		}
	}
	a.tokens[text] = t
	return text
}

// tokensKept is where forgetting expired tokens begins to pay.
const tokensKept = 4096

// lookup finds the token of an Authorization header; expired and unknown ones are both
// refused, as the cloud gives no other reason.
func (a *account) lookup(authorization string) (token, bool) {
	text, ok := cutBearer(authorization)
	if !ok {
		return token{}, false
	}
	now := a.now()
	a.mu.RLock()
	defer a.mu.RUnlock()
	t, known := a.tokens[text]
	return t, known && now.Before(t.expires)
}

func cutBearer(authorization string) (string, bool) {
	const scheme = "Bearer "
	if len(authorization) < len(scheme) || !strings.EqualFold(authorization[:len(scheme)], scheme) {
		return "", false
	}
	return authorization[len(scheme):], true
}

// expire ends the life of the token in an Authorization header.
func (a *account) expire(authorization string) {
	text, _ := cutBearer(authorization)
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.tokens, text)
}

// newCode hands out an authorization code; it lives five minutes and works once.
func (a *account) newCode(client string) string { return a.addCode(code{client: client}) }

func (a *account) addCode(c code) string {
	text := freshText(43)
	c.expires = a.now().Add(5 * time.Minute)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.codes) >= codesKept {
		clear(a.codes) // somebody signs in without ever redeeming
	}
	a.codes[text] = c
	return text
}

const codesKept = 1024

// renews reports whether a code renews what a sign-in began.
func (a *account) renews(text string) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.codes[text].renews
}

// redeem uses a code up and reports whether it was good for the client.
func (a *account) redeem(text, client string) bool {
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	c, known := a.codes[text]
	delete(a.codes, text)
	return known && c.client == client && now.Before(c.expires)
}

// register adds a device id.
func (a *account) register() string {
	id := freshUUID()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.devices[id] = time.Now()
	a.counts.DeviceRegistrations++
	return id
}

func (a *account) knowsDevice(id string) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	_, known := a.devices[id]
	return known
}

// language is what a device was told to speak, and false for a device that nobody knows.
func (a *account) language(id string) (string, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	_, known := a.devices[id]
	return cmp.Or(a.speaks[id], newDeviceLanguage), known
}

// speak gives a device a language; false for one that nobody knows.
func (a *account) speak(id, language string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.devices[id]
	if known {
		a.speaks[id] = language
	}
	return known
}

// forgetDevice is what the cloud does when its push messages bounce
// (docs/protocol/europe.md §2.8).
func (a *account) forgetDevice(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.devices, id)
	delete(a.speaks, id)
}

// RefreshToken is the one that the account's owner got from an ordinary sign-in: 48
// characters of [A-Z0-9], the same in each run with the same seed.
func (a *account) refreshToken() string { return a.sealRefresh(upperText(a.words("first")...)) }

// newRefreshToken is a further one. Its second half proves the first, so none has to
// be remembered: all of them stay valid, as docs/protocol/europe.md §2.4 demands.
func (a *account) newRefreshToken() string { return a.sealRefresh(upperText(freshUUID())) }

func (a *account) validRefreshToken(text string) bool {
	return len(text) == 48 && a.sealRefresh(text[:24]) == text
}

func (a *account) sealRefresh(first string) string {
	return first + upperText(a.words("seal", first)...)
}

func (a *account) words(more ...any) []any {
	return append([]any{"refresh token", a.cloud.region, a.cloud.brand, a.cloud.sim.options.Seed}, more...)
}

// quotaDay counts the calls of one day in cloud time.
type quotaDay struct {
	day   string
	calls int
}

// quotaAnswer is the state of the quota after a call.
type quotaAnswer struct {
	limit, remaining int
	reset            time.Time
	exceeded         bool
}

// spend books one call; the day ends at midnight UTC (assumed: docs/protocol/europe.md
// §10 knows no better).
func (a *account) spend(limit int) quotaAnswer {
	now := a.now().UTC()
	day := now.Format(time.DateOnly)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.quota.day != day {
		a.quota = quotaDay{day: day}
	}
	a.quota.calls++
	midnight := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, time.UTC)
	return quotaAnswer{limit: limit, remaining: max(0, limit-a.quota.calls), reset: midnight, exceeded: a.quota.calls > limit}
}

// pinVerdict says how a PIN was received.
type pinVerdict struct {
	right, locked bool
	left          int // tries before the lock
}

// tryPIN compares a PIN and counts the wrong ones, too many of which lock all PINs for a
// while; right ones are counted when the region hands out a ticket for them.
func (a *account) tryPIN(pin string, lock time.Duration) pinVerdict {
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Before(a.pinLocked) {
		a.counts.WrongPINs++
		return pinVerdict{locked: true}
	}
	if pin == PIN {
		a.wrong = 0
		return pinVerdict{right: true, left: pinTries}
	}
	a.wrong++
	a.counts.WrongPINs++
	left := pinTries - a.wrong
	if left <= 0 {
		a.wrong, a.pinLocked = 0, now.Add(lock)
	}
	return pinVerdict{left: max(0, left), locked: left <= 0}
}
