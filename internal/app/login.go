package app

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// stagesKept is how many stages of a sign-in may wait for who watches it; a sign-in has at most a dozen.
const stagesKept = 64

// Login signs in now, because a person asked for it.
func (a *App) Login(ctx context.Context, r control.LoginRequest) iter.Seq2[control.LoginStep, error] {
	return func(yield func(control.LoginStep, error) bool) {
		names, err := a.signingIn(r)
		if err != nil {
			yield(control.LoginStep{}, err)
			return
		}
		for _, name := range names {
			if !a.signIn(ctx, name, r, func(step control.LoginStep) bool { return yield(step, nil) }) {
				return
			}
		}
	}
}

// signingIn are the accounts that a request is about.
func (a *App) signingIn(r control.LoginRequest) ([]string, error) {
	if err := a.known(r.Account); err != nil {
		return nil, err
	}
	names := []string{r.Account}
	if r.Account == "" {
		names = slices.Sorted(maps.Keys(a.clouds))
	}
	given := 0
	for _, word := range []string{r.Method, r.Code, r.RefreshToken} {
		if word != "" {
			given++
		}
	}
	switch {
	case given > 1:
		return nil, errors.New("give one of a method, a code and a refresh token")
	case given == 1 && len(names) > 1:
		return nil, fmt.Errorf("say for which account; configured are %v", names)
	}
	return names, nil
}

// signIn signs in to one account and tells each stage; false when nobody listens any more. It returns when the attempt has
// ended, which it does by itself.
func (a *App) signIn(ctx context.Context, name string, r control.LoginRequest, tell func(control.LoginStep) bool) bool {
	stages, ended := make(chan bluelink.Stage, stagesKept), make(chan error, 1)
	ctx = bluelink.WithPerson(bluelink.WithTrace(ctx, bluelink.Trace{Account: name, Cause: vehicle.ByCLI}))
	ctx = bluelink.WithStages(ctx, func(s bluelink.Stage) {
		select {
		case stages <- s:
		default: // a stage that nobody sees is no reason to wait
		}
	})
	go func() {
		defer close(stages)
		ended <- a.attempt(ctx, name, r)
	}()
	listening := true
	for s := range stages {
		listening = listening && tell(control.LoginStep{Account: name, Stage: stageOf(s)})
	}
	err := <-ended
	a.bridge.Observe(name, err)
	return listening && tell(control.LoginStep{Account: name, Outcome: a.outcome(name, err)}) //nolint:contextcheck // what is asked of the session ends by itself
}

// attempt does what a person asks for. A sign-in that waits for a code already is not begun anew: that would make a code
// worthless which may be on its way. One for which no code can be had is.
func (a *App) attempt(ctx context.Context, name string, r control.LoginRequest) error {
	session := a.sessions[name]
	switch {
	case session == nil:
	case r.RefreshToken != "":
		return session.Adopt(ctx, r.RefreshToken)
	case r.Method != "":
		if err := session.SendCode(ctx, r.Method); err != nil {
			return err
		}
		if _, waits := session.Challenge(); waits { //nolint:contextcheck // it ends by itself
			return &bluelink.Error{Op: "sign in", Err: bluelink.ErrOTPRequired} // now for the code
		}
	case r.Code != "":
		return session.EnterCode(ctx, r.Code)
	default:
		if c, waits := session.Challenge(); waits && len(c.Methods) > 0 { //nolint:contextcheck // it ends by itself
			return &bluelink.Error{Op: "sign in", Err: bluelink.ErrOTPRequired}
		}
	}
	return a.clouds[name].Login(ctx)
}

// outcome is how an account stands after an attempt.
func (a *App) outcome(name string, err error) *control.Outcome {
	status := a.bridge.AccountStates()[name]
	o := &control.Outcome{State: string(status.State), Cars: status.Cars}
	if session := a.sessions[name]; session != nil {
		if challenge, waits := session.Challenge(); waits {
			o.Code = codeOf(challenge)
		}
	}
	if err != nil && !(o.Code != nil && errors.Is(err, bluelink.ErrOTPRequired)) {
		o.Error, o.Hint = err.Error(), bluelink.Hint(err)
	}
	return o
}

func codeOf(c bluelink.Challenge) *control.Code {
	code := &control.Code{Methods: []control.CodeMethod{}, Sent: c.Sent, SentAt: c.SentAt, Left: c.Left()}
	for _, m := range c.Methods {
		code.Methods = append(code.Methods, control.CodeMethod{Name: m.Name, To: m.To})
	}
	return code
}

func stageOf(s bluelink.Stage) *control.Stage {
	stage := &control.Stage{
		Op: s.Op, Kind: string(s.Kind), Method: s.Method, Host: s.Host, Path: s.Path, Status: s.Status, Took: s.Took,
	}
	if s.Err != nil {
		stage.Error = s.Err.Error()
	}
	return stage
}

// RefreshToken gives what an account's session is renewed with.
func (a *App) RefreshToken(ctx context.Context, account string) (string, error) {
	if err := a.known(account); err != nil {
		return "", err
	}
	if account == "" && len(a.sessions) == 1 {
		for name := range a.sessions {
			account = name
		}
	}
	session := a.sessions[account]
	if session == nil {
		return "", fmt.Errorf("say for which account; configured are %v", slices.Sorted(maps.Keys(a.clouds)))
	}
	token, err := session.RefreshToken(ctx)
	if err == nil && token == "" {
		err = fmt.Errorf("account %s has no refresh token that another program could use; see store export --secrets", account)
	}
	return token, err
}
