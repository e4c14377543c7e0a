package canada

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
)

// The steps of a sign-in with a one-time code (docs/protocol/canada.md §2.4). All of them come from the same device.

// mfaAPI is what each step names itself a part of.
const mfaAPI = "0107"

// What a challenge needs to go on, by the names of the wire.
const (
	userInfo   = "userInfoUuid"
	email      = "email" // to which a code is sent
	phone      = "userPhone"
	otpKey     = "otpKey"           // of the code that was sent last
	validation = "otpValidationKey" // of a code that was right, as long as its sign-in is not complete
)

// selectedFor is how long the answer about the ways to get a code is used; how long it is good nobody knows.
const selectedFor = 10 * time.Minute

// challenge keeps the demand for a code with the ways to get one. When they cannot be read now, they are when a code is asked
// for.
func (a *authority) challenge(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) error {
	demand := bluelink.Challenge{Methods: []bluelink.CodeMethod{{Name: bluelink.ByEmail, To: bluelink.MaskDestination(a.cloud.account.Username)}}}
	if state, err := a.selectMethod(ctx, old.Device); err == nil {
		demand.State, demand.Methods = state, methodsOf(state)
	} else {
		a.cloud.log.WarnContext(ctx, "how a code can be sent could not be read yet", "account", a.cloud.account.Name, "error", err)
	}
	old.Challenge = &demand
	return keep(ctx, old)
}

// methodsOf are the ways that an answer offers: e-mail always, and SMS where it names a telephone.
func methodsOf(state map[string]string) []bluelink.CodeMethod {
	methods := []bluelink.CodeMethod{{Name: bluelink.ByEmail, To: bluelink.MaskDestination(state[email])}}
	if state[phone] != "" {
		methods = append(methods, bluelink.CodeMethod{Name: bluelink.BySMS, To: bluelink.MaskDestination(state[phone])})
	}
	return methods
}

// selectMethod is step 1.
func (a *authority) selectMethod(ctx context.Context, device string) (state map[string]string, err error) {
	err = a.cloud.try(ctx, request{
		call: bluelink.Call{Kind: bluelink.CallLogin, Op: "read ways to get a code"}, path: "mfa/selverifmeth",
		header: map[string]string{"Deviceid": device}, body: map[string]string{"mfaApiCode": mfaAPI, "userAccount": a.cloud.account.Username},
		answer: func(result leaf.Value, _ http.Header) error {
			text := func(path string) string { return strings.Clone(strings.TrimSpace(result.Get(path).Str())) }
			state = map[string]string{userInfo: text("userInfoUuid"), email: text("emailList.0"), phone: text("userPhone")}
			if state[userInfo] == "" {
				return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no userInfoUuid"}
			}
			if state[email] == "" {
				state[email] = a.cloud.account.Username
			}
			return nil
		},
	})
	return state, err
}

// otpMethods are the names of methods on the wire. For SMS one client sends "S", which is accepted and brings nothing; the
// web site sends "M".
var otpMethods = map[string]string{bluelink.ByEmail: "E", bluelink.BySMS: "M"}

// SendCode is step 2, after step 1 where that was long ago or failed. It gives the key for entering the code.
func (a *authority) SendCode(ctx context.Context, old bluelink.Tokens, method string, _ bluelink.Keep) (bluelink.Tokens, error) {
	demand := *old.Challenge
	demand.State = maps.Clone(demand.State)
	stale := time.Since(demand.Since) > selectedFor
	if demand.State[userInfo] == "" || stale {
		state, err := a.selectMethod(ctx, old.Device)
		if err != nil {
			return bluelink.Tokens{}, forgotten(err)
		}
		demand.State, demand.Methods = state, methodsOf(state)
	}
	body := map[string]string{
		"otpMethod": otpMethods[method], "mfaApiCode": mfaAPI, "userAccount": demand.State[email], "userPhone": "", "userInfoUuid": demand.State[userInfo],
	}
	if method == bluelink.BySMS {
		body["userPhone"] = demand.State[phone]
	}
	err := a.cloud.try(ctx, request{
		call: bluelink.Call{Kind: bluelink.CallCode, Op: "request a code"}, path: "mfa/sendotp", header: map[string]string{"Deviceid": old.Device}, body: body,
		answer: func(result leaf.Value, _ http.Header) error {
			demand.State[otpKey] = strings.Clone(result.Get("otpKey").Str())
			delete(demand.State, validation)
			if demand.State[otpKey] == "" {
				return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no otpKey"}
			}
			return nil
		},
	})
	if stale {
		err = forgotten(err)
	}
	old.Challenge = &demand
	return old, err
}

// forgotten reads a refusal of a step that comes late. The page knows no code for a sign-in that the cloud has forgotten, so that whatever it
// says in general words is taken for one: then another sign-in tells.
func forgotten(err error) error {
	e := (*bluelink.Error)(nil)
	if !errors.As(err, &e) || e.Code == "" || errors.Is(err, bluelink.ErrRateLimited) {
		return err
	}
	over := *e
	over.Err = bluelink.ErrSessionExpired
	return &over
}

// EnterCode is steps 3 and 4: the code, and the token for it, with which the cloud trusts this device for 90 days. The name
// is the one that the user has typed: sent back in the form in which the cloud echoes it, it is refused.
func (a *authority) EnterCode(ctx context.Context, old bluelink.Tokens, code string, keep bluelink.Keep) (bluelink.Tokens, error) {
	const op = "enter code"
	demand := *old.Challenge
	demand.State = maps.Clone(demand.State)
	if demand.State[otpKey] == "" {
		return bluelink.Tokens{}, &bluelink.Error{Op: op, Cloud: a.cloud.account.Cloud(), Text: "no code was sent", Err: bluelink.ErrSessionExpired}
	}
	device := map[string]string{"Deviceid": old.Device}
	if demand.State[validation] == "" {
		err := a.cloud.try(ctx, request{
			call: bluelink.Call{Kind: bluelink.CallCode, Op: op, Credentials: true}, path: "mfa/validateotp", header: device,
			body: map[string]string{"otpNo": code, "userAccount": a.cloud.account.Username, "otpKey": demand.State[otpKey], "mfaApiCode": mfaAPI},
			answer: func(result leaf.Value, _ http.Header) error {
				if right, refused := leaf.AsFlag(result.Get("verifiedOtp")); !right || refused != "" {
					return &bluelink.Error{Err: bluelink.ErrOTP}
				}
				if demand.State[validation] = strings.Clone(result.Get("otpValidationKey").Str()); demand.State[validation] == "" {
					return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no otpValidationKey"}
				}
				return nil
			},
		})
		if err != nil {
			return bluelink.Tokens{}, err
		}
		// From here on the sign-in can be completed without the code, which is spent.
		old.Challenge = &demand
		if err := keep(ctx, old); err != nil {
			return bluelink.Tokens{}, err
		}
	}
	var t bluelink.Tokens
	err := a.cloud.try(ctx, request{
		call: bluelink.Call{Kind: bluelink.CallLogin, Op: "complete sign-in"}, path: "mfa/genmfatkn", header: device,
		body: map[string]string{
			"userAccount": a.cloud.account.Username, "otpEmail": demand.State[email], "mfaApiCode": mfaAPI,
			"otpValidationKey": demand.State[validation], "mfaYn": "Y",
		},
		answer: func(result leaf.Value, _ http.Header) (err error) {
			t, err = tokensOf(result, old.Device)
			return err
		},
	})
	return t, spent(err)
}

// spent reads a refusal of the last step: the code was right, but is of no use any more.
func spent(err error) error {
	e := (*bluelink.Error)(nil)
	if !errors.Is(err, bluelink.ErrOTP) || !errors.As(err, &e) {
		return err
	}
	over := *e
	over.Err = bluelink.ErrSessionExpired
	return &over
}
