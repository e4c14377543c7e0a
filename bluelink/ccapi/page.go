package ccapi

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// maxHops bounds the redirects of a page; the longest real chain has three.
const maxHops = 10

// follow opens a page and goes where it redirects to. Each hop is a call of its own; the last one's answer is read.
func (a *authority) follow(ctx context.Context, browser *http.Client, call bluelink.Call, address string, read func(bluelink.Answer) error) error {
	for range maxHops {
		r, err := a.profile.newRequest(ctx, http.MethodGet, address, "", "")
		if err != nil {
			return err
		}
		r.Header["User-Agent"] = []string{a.profile.pageAgent}
		answer, err := a.transport.Do(ctx, bluelink.Exchange{Call: call, Request: r, Client: browser, Timeout: a.profile.entryTimeout, Classify: func(answer bluelink.Answer) error {
			switch {
			case blockedPage(answer):
				return a.profile.blocked(call, answer)
			case location(answer) != nil:
				return nil
			}
			return read(answer)
		}})
		if err != nil {
			return err
		}
		next := location(answer)
		if next == nil {
			return nil
		}
		address = next.String()
	}
	return &bluelink.Error{Op: call.Op, Cloud: a.account.Cloud(), Left: true, Text: "redirected in a circle", Err: bluelink.ErrBadResponse}
}

// blocked is the error of a page of the firewall.
func (d *dialect) blocked(call bluelink.Call, answer bluelink.Answer) error {
	if own, ok := d.ownBare(call, answer); ok {
		return &bluelink.Error{Text: "the firewall's page", RetryAfter: own.Wait, Err: own.Err}
	}
	return &bluelink.Error{Err: bluelink.ErrBlocked}
}

// blockedPage recognises the firewall: by where it sends the client, by what its page says, and by a bare refusal.
func blockedPage(answer bluelink.Answer) bool {
	target := answer.URL.RequestURI()
	if next := location(answer); next != nil {
		target = next.RequestURI()
	}
	return strings.Contains(target, "/error?status=400") || answer.Status == http.StatusForbidden ||
		bytes.Contains(bytes.ToLower(answer.Body), []byte("abusing"))
}

// location is where an answer redirects to, or nil.
func location(answer bluelink.Answer) *url.URL {
	target := answer.Header.Get("Location")
	if answer.Status < 300 || answer.Status > 399 || target == "" {
		return nil
	}
	next, err := answer.URL.Parse(target)
	if err != nil {
		return nil
	}
	return next
}
