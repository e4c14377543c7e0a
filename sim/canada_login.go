package sim

import (
	"strings"
	"time"
)

// Sign-in of Canada (docs/protocol/canada.md §2.3, §2.4).

// canadaCode is the sign-in of a device that is not trusted: it begins when a right
// password comes from there.
type canadaCode struct {
	expires time.Time
	user    string // the uuid of step 1
	key     string // of the last code that was sent, step 2
	sent    time.Time
	proof   string // that the code was right, step 3
}

const (
	canadaTokenLife = 24 * time.Hour
	canadaTrustLife = 90 * 24 * time.Hour // §2.4
	canadaCodeLife  = 10 * time.Minute    // by user report
	canadaStepsLife = 30 * time.Minute    // assumed
	canadaMFA       = "0107"
	canadaPhone     = "***-***-0100"
)

// login is today's; it needs a device id (§2.3). Nothing depends on other headers, which
// may be old (§11 row 13).
func (n *canada) login(c *call) reply {
	device := c.r.Header.Get("Deviceid")
	if device == "" {
		return n.failedLogin(c, canadaWrongDevice)
	}
	if refused := n.password(c); refused != nil {
		return *refused
	}
	now := c.cloud.account.now()
	n.mu.Lock()
	if c.acts(faultOTP) && c.fault.arg == "untrusted" {
		delete(n.trusted, device)
	}
	until, known := n.trusted[device]
	trusted := known && now.Before(until) || c.sim.options.NoCodes
	if !trusted {
		if len(n.codes) >= signInsKept {
			clear(n.codes)
		}
		n.codes[device] = &canadaCode{expires: now.Add(canadaStepsLife)}
	}
	n.mu.Unlock()
	if !trusted {
		return canadaNewDevice.reply()
	}
	c.cloud.account.tally(func(n *AccountCounts) { n.Logins++ })
	return canadaSuccess(marshal(map[string]any{"accountInformation": canadaOwner, "token": n.newToken(c), "verifiedTnC": true}))
}

// oldLogin knows no devices, and gives its token one level higher.
func (n *canada) oldLogin(c *call) reply {
	if refused := n.password(c); refused != nil {
		return *refused
	}
	c.cloud.account.tally(func(n *AccountCounts) { n.Logins++ })
	return canadaSuccess(marshal(n.newToken(c)))
}

// password compares the body of either login.
func (n *canada) password(c *call) *reply {
	var body struct {
		Name     string `json:"loginId"`
		Password string `json:"password"`
	}
	failed := canadaWrongPassword
	switch {
	case c.acts(faultCredentials) && c.fault.arg == "locked":
		failed = canadaLocked
	case c.acts(faultCredentials) && c.fault.arg == "too-many":
		failed = canadaTooMany
	case c.acts(faultCredentials) && c.fault.arg == "error":
		failed = canadaGeneric
	case c.acts(faultCredentials):
	case c.decode(&body) && signedIn(body.Name, body.Password):
		return nil
	}
	refused := n.failedLogin(c, failed)
	return &refused
}

func (n *canada) failedLogin(c *call, f canadaFailure) reply {
	c.cloud.account.tally(func(n *AccountCounts) { n.FailedLogins++ })
	return f.reply()
}

var canadaOwner = map[string]any{
	"firstName": "Demo", "lastName": "Owner", "notificationEmail": Email,
	"phones": map[string]any{"primary": "555-0100", "secondary": nil},
	"addresses": map[string]any{
		"primary": map[string]any{"street": "1 Rue Demo", "city": "Montreal", "province": "QC", "postalCode": "H0H 0H0"}, "secondary": nil,
	},
	"preference": map[string]any{
		"odometerUnit": 1, "climateUnit": "C", "languageId": 0, "maintenanceAlert": false, "preferredDealer": nil, "promotionMessage": nil,
	},
}

// newToken ends the token before, whose client will hear of it (§8, 7602).
func (n *canada) newToken(c *call) map[string]any {
	life := c.sim.tokenLife(canadaTokenLife)
	now := c.cloud.account.now()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.access != "" {
		if len(n.ended) >= tokensKept {
			clear(n.ended)
		}
		n.ended[n.access] = true
	}
	n.access, n.expires = freshText(48), now.Add(life)
	return map[string]any{
		"accessToken": n.access, "scope": []string{"profile"}, "tokenType": "bearer", "expireIn": int(life / time.Second),
		"refreshToken": freshText(48), "signature": "",
	}
}

// step finds the sign-in that a device has under way. The caller holds n.mu.
func (n *canada) step(c *call, now time.Time) *canadaCode {
	code := n.codes[c.r.Header.Get("Deviceid")]
	if code == nil || now.After(code.expires) {
		return nil
	}
	return code
}

// methods is step 1: where a code can be sent.
func (n *canada) methods(c *call) reply {
	var body struct {
		API  string `json:"mfaApiCode"`
		Name string `json:"userAccount"`
	}
	known := c.decode(&body) && body.API == canadaMFA && strings.EqualFold(body.Name, Email)
	n.mu.Lock()
	defer n.mu.Unlock()
	code := n.step(c, c.cloud.account.now())
	if !known || code == nil {
		return canadaGeneric.reply()
	}
	code.user = freshUUID()
	return canadaSuccess(marshal(map[string]any{
		"userInfoUuid": code.user, "emailList": []string{Email}, "userPhone": canadaPhone, "otpKey": "", "userAccount": Email,
	}))
}

// sendCode is step 2; it may be repeated, also with the other method, and each code has a
// key of its own.
func (n *canada) sendCode(c *call) reply {
	var body struct {
		Method string `json:"otpMethod"`
		API    string `json:"mfaApiCode"`
		Name   string `json:"userAccount"`
		Phone  string `json:"userPhone"`
		User   string `json:"userInfoUuid"`
	}
	if !c.decode(&body) || body.API != canadaMFA || !strings.EqualFold(body.Name, Email) {
		return canadaGeneric.reply()
	}
	switch body.Method {
	case "E":
	case "M", "S": // which of them real clouds take is in dispute
		if body.Phone != canadaPhone {
			return canadaGeneric.reply()
		}
	default:
		return canadaGeneric.reply()
	}
	now := c.cloud.account.now()
	n.mu.Lock()
	code := n.step(c, now)
	known := code != nil && code.user != "" && code.user == body.User
	key := freshUUID()
	if known {
		code.key, code.sent, code.proof = key, now, ""
	}
	n.mu.Unlock()
	if !known {
		return canadaGeneric.reply()
	}
	c.cloud.account.tally(func(n *AccountCounts) { n.Codes++ })
	// The name comes back in a form that later steps refuse.
	return canadaSuccess(marshal(map[string]any{"otpKey": key, "userAccount": "DE**@EXAMPLE.COM", "userInfoUuid": body.User, "userPhone": body.Phone}))
}

// checkCode is step 3. A wrong code does not end the sign-in.
func (n *canada) checkCode(c *call) reply {
	var body struct {
		Code string `json:"otpNo"`
		Name string `json:"userAccount"`
		Key  string `json:"otpKey"`
		API  string `json:"mfaApiCode"`
	}
	valid := c.decode(&body) && body.API == canadaMFA && strings.EqualFold(body.Name, Email)
	now := c.cloud.account.now()
	n.mu.Lock()
	defer n.mu.Unlock()
	code := n.step(c, now)
	switch {
	case code == nil || !valid:
		return n.failedLogin(c, canadaStepRejected)
	case code.key == "" || body.Key != code.key || body.Code != OTP || now.After(code.sent.Add(canadaCodeLife)):
		return n.failedLogin(c, n.wrongCode)
	}
	code.proof = freshUUID()
	return canadaSuccess(marshal(map[string]any{"verifiedOtp": true, "otpValidationKey": code.proof, "userAccount": Email}))
}

// trust is step 4: a token, and with mfaYn Y trust in the device for 90 days.
func (n *canada) trust(c *call) reply {
	var body struct {
		Name  string `json:"userAccount"`
		Email string `json:"otpEmail"`
		API   string `json:"mfaApiCode"`
		Proof string `json:"otpValidationKey"`
		Trust string `json:"mfaYn"`
	}
	valid := c.decode(&body) && body.API == canadaMFA && strings.EqualFold(body.Name, Email) && strings.EqualFold(body.Email, Email) &&
		(body.Trust == "Y" || body.Trust == "N")
	a, device := c.cloud.account, c.r.Header.Get("Deviceid")
	now := a.now()
	n.mu.Lock()
	code := n.step(c, now)
	valid = valid && code != nil && code.proof != "" && code.proof == body.Proof
	if valid {
		delete(n.codes, device)
		if body.Trust == "Y" && !c.acts(faultOTP) {
			if len(n.trusted) >= tokensKept {
				clear(n.trusted)
			}
			n.trusted[device] = now.Add(canadaTrustLife)
		}
	}
	n.mu.Unlock()
	if !valid {
		return n.failedLogin(c, canadaStepRejected)
	}
	a.tally(func(n *AccountCounts) { n.Logins++ })
	return canadaSuccess(marshal(map[string]any{"token": n.newToken(c), "verifiedTnC": true}))
}
