package sim

import (
	"net/http"
	"strings"
	"time"
)

// Sign-in of Kia in the USA (docs/protocol/usa-kia.md §2).

// kiaUSCode is a sign-in that waits for its code.
type kiaUSCode struct {
	xid     string
	expires time.Time
	good    time.Time // until when the code that was sent last is taken; zero before one was
	wrong   int
}

// kiaUSDevice is a device that needs no code.
type kiaUSDevice struct {
	id      string // the deviceid of the verification
	expires time.Time
}

// kiaUSHalfway is a right code whose sign-in has not been completed.
type kiaUSHalfway struct {
	rmtoken string
	expires time.Time
}

const (
	kiaUSSignInLife = 10 * time.Minute    // of one that waits for its code (assumed)
	kiaUSCodeLife   = 2 * time.Minute     // seen (§2.2)
	kiaUSDeviceLife = 90 * 24 * time.Hour // assumed: weeks were seen (§9)
	kiaUSCodeTries  = 5                   // wrong codes before a sign-in has to begin anew (assumed)
	kiaUSTries      = 5                   // wrong passwords before the cloud wants to see a person (assumed)
)

// Where codes go, as far as the cloud shows it.
const (
	kiaUSMail  = "d***@example.com"
	kiaUSPhone = "***-***-0100"
)

var kiaUSCredentials = shape{
	"deviceKey": asText, "deviceType": asWhole, "userCredential": shape{"userId": asText, "password": asText}, "tncFlag?": asWhole,
}

// kiaUSAuthKind tells the renewal, which is a sign-in of a remembered device, from others
// (§2.5).
func kiaUSAuthKind(c *call) kind {
	if c.r.Header.Get("rmtoken") != "" && c.r.Header.Get("sid") == "" {
		return kindRenew
	}
	return kindLogin
}

// authUser is sign-in, its completion after a code, and renewal, told apart by headers.
func (k *kiaUS) authUser(c *call) reply {
	a, header := c.cloud.account, c.r.Header
	var body struct {
		DeviceKey  string `json:"deviceKey"`
		Credential struct {
			User     string `json:"userId"`
			Password string `json:"password"`
		} `json:"userCredential"`
	}
	if !kiaUSCredentials.reads(c.body, &body) {
		return kiaUSWrongShape.reply()
	}
	noAddress := !c.acts(faultCredentials) && !strings.Contains(body.Credential.User, "@")
	if noAddress || c.acts(faultCredentials) || !signedIn(body.Credential.User, body.Credential.Password) {
		a.tally(func(n *AccountCounts) { n.FailedLogins++ })
		if noAddress { // before anything is compared
			return kiaUSNoAddress.reply()
		}
		return k.wrongPassword()
	}
	k.mu.Lock()
	k.wrong = 0
	k.mu.Unlock()
	rmtoken, sid := header.Get("rmtoken"), header.Get("sid")
	switch {
	case rmtoken != "" && sid != "":
		if !k.complete(sid, rmtoken) {
			return kiaUSSessionOver.reply()
		}
		a.tally(func(n *AccountCounts) { n.Logins++ })
	case c.sim.options.NoCodes:
		a.tally(func(n *AccountCounts) { n.Logins++ })
	case rmtoken != "":
		device, known := k.remembers(rmtoken)
		switch {
		case !known || c.acts(faultOTP):
			a.tally(func(n *AccountCounts) { n.FailedRenewals++ })
			return k.challenge(true)
		// The device of the token is that of header and body.
		case device != "" && device != header.Get("deviceid"), header.Get("deviceid") != body.DeviceKey:
			a.tally(func(n *AccountCounts) { n.FailedRenewals++ })
			return k.challenge(false)
		}
		a.tally(func(n *AccountCounts) { n.Renewals++ })
	default:
		return k.challenge(false)
	}
	answer := kiaUSSuccess(nil)
	answer.header = http.Header{"Sid": {k.begin(c.sim.tokenLife(kiaUSSessionLife)).sid}}
	return answer
}

// wrongPassword counts, and says when it will want to see a person (§2.1). It goes on
// comparing passwords all the same, as nobody has seen what comes then.
func (k *kiaUS) wrongPassword() reply {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wrong++
	return kiaUSWrongPassword.with(map[string]any{"loginAttempt": k.wrong, "enforceRecaptcha": k.wrong > kiaUSTries})
}

// challenge asks for a code: an answer without a sid, whose xid belongs to the key.
func (k *kiaUS) challenge(expired bool) reply {
	key, code := freshUUID(), &kiaUSCode{xid: freshUUID(), expires: k.cloud.account.now().Add(kiaUSSignInLife)}
	k.mu.Lock()
	if len(k.codes) >= signInsKept {
		clear(k.codes)
	}
	k.codes[key] = code
	k.mu.Unlock()
	answer := kiaUSSuccess(marshal(map[string]any{
		"otpKey": key, "hasEmail": true, "hasPhone": true, "email": kiaUSMail, "phone": kiaUSPhone, "emailVerifyStatus": true,
		"phoneVerifyStatus": true, "nextAction": "MFA_REQUIRED", "rmTokenExpired": expired,
	}))
	answer.header = http.Header{"Xid": {code.xid}}
	return answer
}

// remembers gives the device of an rmtoken that has not expired. The one that Accounts
// lists is good for any device, and its device empty.
func (k *kiaUS) remembers(rmtoken string) (device string, known bool) {
	if rmtoken == k.cloud.account.refreshToken() {
		return "", true
	}
	now := k.cloud.account.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	d, known := k.devices[rmtoken]
	return d.id, known && now.Before(d.expires)
}

// open finds the sign-in that headers belong to. The caller holds k.mu.
func (k *kiaUS) open(header http.Header, now time.Time) *kiaUSCode {
	code := k.codes[header.Get("otpkey")]
	if code == nil || code.xid != header.Get("xid") || now.After(code.expires) {
		return nil
	}
	return code
}

// sendCode sends a code to the owner, as often as somebody asks (§2.2).
func (k *kiaUS) sendCode(c *call) reply {
	var body struct{}
	method := c.r.Header.Get("notifytype")
	if !(shape{}).reads(c.body, &body) || method != "EMAIL" && method != "SMS" {
		return kiaUSWrongShape.reply()
	}
	now := c.cloud.account.now()
	k.mu.Lock()
	code := k.open(c.r.Header, now)
	if code != nil {
		code.good = now.Add(kiaUSCodeLife)
	}
	k.mu.Unlock()
	if code == nil {
		return kiaUSSessionOver.reply() // assumed: what a stale key gives is unknown
	}
	c.cloud.account.tally(func(n *AccountCounts) { n.Codes++ })
	told := map[string]any{"message": "OTP sent successfully", "expiresIn": now.Add(kiaUSCodeLife).UnixMilli()}
	if method == "SMS" {
		told["phone"] = kiaUSPhone
	} else {
		told["email"] = kiaUSMail // assumed: only that of a text was seen
	}
	return kiaUSSuccess(marshal(told))
}

// verifyCode takes the code and gives a temporary session and the token by which the
// device is remembered (§2.3).
func (k *kiaUS) verifyCode(c *call) reply {
	a, header := c.cloud.account, c.r.Header
	var body struct {
		Code string `json:"otp"`
	}
	if !(shape{"otp": asText}).reads(c.body, &body) {
		return kiaUSWrongShape.reply()
	}
	now := a.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	code := k.open(header, now)
	if code == nil || now.After(code.good) || body.Code != OTP {
		if code != nil {
			if code.wrong++; code.wrong >= kiaUSCodeTries {
				delete(k.codes, header.Get("otpkey"))
			}
		}
		a.tally(func(n *AccountCounts) { n.FailedLogins++ })
		return kiaUSWrongCode.reply()
	}
	delete(k.codes, header.Get("otpkey"))
	half := kiaUSHalfway{rmtoken: freshText(64), expires: now.Add(kiaUSSignInLife)}
	sid := freshUUID()
	answer := kiaUSSuccess(nil)
	answer.header = http.Header{"Sid": {sid}}
	if c.acts(faultOTP) && c.fault.arg == "unremembered" {
		half = kiaUSHalfway{expires: now.Add(c.sim.tokenLife(kiaUSSessionLife))}
		a.tally(func(n *AccountCounts) { n.Logins++ })
	} else {
		answer.header.Set("Rmtoken", half.rmtoken)
		if len(k.devices) >= tokensKept {
			clear(k.devices)
		}
		k.devices[half.rmtoken] = kiaUSDevice{id: header.Get("deviceid"), expires: now.Add(kiaUSDeviceLife)}
	}
	if len(k.halfways) >= signInsKept {
		clear(k.halfways)
	}
	k.halfways[sid] = half
	return answer
}

// complete ends the sign-in of a right code (§2.4).
func (k *kiaUS) complete(sid, rmtoken string) bool {
	now := k.cloud.account.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	half, known := k.halfways[sid]
	if !known || half.rmtoken != rmtoken || now.After(half.expires) {
		return false
	}
	delete(k.halfways, sid)
	return true
}
