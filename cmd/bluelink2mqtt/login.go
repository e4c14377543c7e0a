package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/app"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
)

func newLoginCommand() *cobra.Command {
	var flags configFlags
	var l login
	var token string
	var export bool
	cmd := &cobra.Command{
		Use: "login [ACCOUNT]", Short: "Sign in now, stage by stage, with a one-time code where one is wanted",
		Long: `Sign in to one account, or to all, and show each stage: what succeeded and what failed.
The output holds no secrets and can be pasted into a report.

After credentials were refused or the maker blocked this client, nothing is tried by
itself any more, so that the account is never locked: correct the configuration, or run
this when the cause is gone.

Where the maker wants a one-time code, this asks how it shall come and for the code itself.
Without a terminal that takes three calls:

  bluelink2mqtt login kia-us                       # says that a code is wanted, and how it can come
  bluelink2mqtt login kia-us --code-method email
  bluelink2mqtt login kia-us --code 123456

A refresh token of an ordinary sign-in, or of another program, is taken with --import, and
given to another one with --export.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if given := givenOf(cmd, "code-method", "code", "import", "export"); len(given) > 1 {
				return usageError("--%s do not go together", strings.Join(given, " and --"))
			}
			if len(args) > 0 {
				l.request.Account = args[0]
			}
			l.in, l.out = bufio.NewReader(cmd.InOrStdin()), cmd.OutOrStdout()
			l.mayAsk = !l.json && app.IsTerminal(cmd.InOrStdin())
			if token != "" {
				text, err := readToken(cmd.InOrStdin(), token)
				if err != nil {
					return err
				}
				l.request.RefreshToken = text
			}
			if export {
				return withoutClouds(cmd, &flags, func(ctx context.Context, s control.Service) error {
					text, err := s.RefreshToken(ctx, l.request.Account)
					if err != nil {
						return err
					}
					_, err = fmt.Fprintln(l.out, text)
					return err
				})
			}
			return withoutClouds(cmd, &flags, l.run)
		},
	}
	cmd.Flags().StringVar(&l.request.Method, "code-method", "", "have a one-time code sent: email or sms")
	cmd.Flags().StringVar(&l.request.Code, "code", "", "the one-time code that came")
	cmd.Flags().StringVar(&token, "import", "", "file with a refresh token to go on with; - for standard input")
	cmd.Flags().BoolVar(&export, "export", false, "print the account's refresh token, which is as good as the password")
	cmd.Flags().BoolVar(&l.json, "json", false, "one object a line for each stage and outcome")
	flags.register(cmd)
	return cmd
}

// givenOf are those of the flags that are given.
func givenOf(cmd *cobra.Command, flags ...string) (given []string) {
	for _, name := range flags {
		if cmd.Flags().Changed(name) {
			given = append(given, name)
		}
	}
	return given
}

// login is one run of the command.
type login struct {
	request control.LoginRequest
	json    bool
	mayAsk  bool // somebody sits there
	in      *bufio.Reader
	out     io.Writer
}

// run signs in, and asks for what the sign-in wants as long as somebody answers.
func (l *login) run(ctx context.Context, s control.Service) error {
	outcomes, err := l.attempt(ctx, s, l.request)
	if err != nil {
		return err
	}
	var failed bool
	for account, o := range outcomes {
		for o.Code != nil && l.mayAsk {
			next, err := l.ask(account, o.Code)
			if err != nil {
				return err
			}
			again, err := l.attempt(ctx, s, next)
			if err != nil {
				return err
			}
			o = again[account]
		}
		failed = failed || o.Error != "" || o.Code != nil
	}
	if failed {
		return &exitError{code: exitPerson}
	}
	return nil
}

// attempt makes one request and shows its steps.
func (l *login) attempt(ctx context.Context, s control.Service, r control.LoginRequest) (map[string]control.Outcome, error) {
	outcomes := map[string]control.Outcome{}
	for step, err := range s.Login(ctx, r) {
		if err != nil {
			return nil, err
		}
		if step.Outcome != nil {
			outcomes[step.Account] = *step.Outcome
		}
		if err := l.show(step); err != nil {
			return nil, err
		}
	}
	if len(outcomes) == 0 {
		return nil, errors.New("the bridge stopped before the sign-in had ended")
	}
	return outcomes, nil
}

// ask asks a person how a code shall come, or for the code.
func (l *login) ask(account string, code *control.Code) (control.LoginRequest, error) {
	r := control.LoginRequest{Account: account}
	switch {
	case code.Sent == "" && len(code.Methods) == 1:
		r.Method = code.Methods[0].Name
		return r, nil
	case code.Sent == "" || code.Left == 0:
		answer, err := l.prompt("How shall the code come? [" + strings.Join(methodNames(code), "/") + "] ")
		r.Method = strings.ToLower(answer)
		return r, err
	}
	answer, err := l.prompt("Code (or " + strings.Join(methodNames(code), ", ") + " to have another sent): ")
	for _, name := range methodNames(code) {
		if strings.EqualFold(answer, name) {
			r.Method = name
			return r, err
		}
	}
	r.Code = answer
	return r, err
}

func methodNames(code *control.Code) []string {
	var names []string
	for _, m := range code.Methods {
		names = append(names, m.Name)
	}
	return names
}

// prompt asks until something is answered.
func (l *login) prompt(question string) (string, error) {
	for {
		if _, err := fmt.Fprint(l.out, question); err != nil {
			return "", fmt.Errorf("print: %w", err)
		}
		answer, err := l.in.ReadString('\n')
		if answer = strings.TrimSpace(answer); answer != "" {
			return answer, nil
		}
		if err != nil {
			return "", &exitError{exitPerson, errors.New("nobody answers; run login again with --code-method or --code")}
		}
	}
}

// show prints one step.
func (l *login) show(step control.LoginStep) error {
	if l.json {
		return jsonLines(l.out, []control.LoginStep{step})
	}
	var lines []string
	if s := step.Stage; s != nil {
		status, end := strconv.Itoa(s.Status), "ok"
		if s.Status == 0 {
			status = "–"
		}
		if s.Error != "" {
			end = oneLine(s.Error, ": ")
		}
		lines = append(lines, fmt.Sprintf("%s: %s: %s %s%s → %s in %s: %s", step.Account, s.Op, s.Method, s.Host, s.Path, status, s.Took.Round(time.Millisecond), end))
	}
	if o := step.Outcome; o != nil {
		lines = append(lines, describeOutcome(step.Account, *o)...)
	}
	_, err := fmt.Fprintln(l.out, strings.Join(lines, "\n"))
	return err
}

// describeOutcome says how an account stands and what a person can do.
func describeOutcome(account string, o control.Outcome) []string {
	lines := []string{account + " is " + o.State}
	if o.Error != "" {
		lines = append(lines, "  "+oneLine(o.Error, ": "))
	}
	if o.Hint != "" {
		lines = append(lines, "  "+o.Hint)
	}
	if o.Code == nil {
		return lines
	}
	if o.Code.Sent != "" {
		return append(lines, fmt.Sprintf("  a one-time code was sent by %s; enter it with --code, %d tries are left", o.Code.Sent, o.Code.Left))
	}
	lines = append(lines, "  a one-time code is wanted; have it sent with --code-method:")
	for _, m := range o.Code.Methods {
		lines = append(lines, "    "+strings.TrimSpace(m.Name+"  "+m.To))
	}
	return lines
}

// readToken reads a refresh token from a file, as an argument would show it to everybody on the machine.
func readToken(in io.Reader, path string) (string, error) {
	text, err := []byte(nil), error(nil)
	if path == "-" {
		text, err = io.ReadAll(io.LimitReader(in, 1<<16))
	} else {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return "", fmt.Errorf("read the refresh token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", usageError("%s holds no refresh token, which is one word", path)
	}
	return token, nil
}
