package ccapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// authority is what all ways to a session share: the account, and the registration of its device.
type authority struct {
	account   bluelink.Account
	profile   *profile
	transport *bluelink.Transport
}

// newAuthority obtains the tokens of one account in the way of its region.
func newAuthority(account bluelink.Account, p *profile, t *bluelink.Transport) bluelink.Authority {
	return p.way(&authority{account, p, t})
}

// withDevice makes sure that there is a device. It registers one only when there is none yet: each registration is another
// device at the cloud, and many of them have been linked to locked accounts (docs/protocol/europe.md §2.1).
func (a *authority) withDevice(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	if old.Device != "" {
		return old, nil
	}
	device, err := a.Register(ctx)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	old.Device = device
	return old, keep(ctx, old)
}

// opRegister is what the registration of a device is called.
const opRegister = "register device"

// Register registers a device (docs/protocol/europe.md §2.1).
func (a *authority) Register(ctx context.Context) (device string, err error) {
	body, err := json.Marshal(a.profile.device(a.profile.push))
	if err != nil {
		return "", fmt.Errorf("write device: %w", err)
	}
	r, err := a.profile.newRequest(ctx, http.MethodPost, "https://"+a.profile.api+"/api/v1/spa/notifications/register", "application/json;charset=UTF-8", string(body))
	if err != nil {
		return "", err
	}
	a.profile.introduce(r, a.transport.Now())
	call := bluelink.Call{Kind: bluelink.CallRegister, Op: opRegister}
	_, err = a.transport.Do(ctx, bluelink.Exchange{Call: call, Request: r, Classify: func(answer bluelink.Answer) error {
		root, ok := parse(answer.Body)
		if err := a.profile.classify(call, answer, root, ok); err != nil {
			return err
		}
		if device = strings.Clone(root.get("resMsg.deviceId").str()); device == "" {
			return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no deviceId"}
		}
		return nil
	}})
	return device, err
}

// introduce adds what shows that a call without a session comes from the app. The time is the cloud's: a stamp of another
// is refused.
func (p *profile) introduce(r *http.Request, now time.Time) {
	r.Header["Ccsp-Service-Id"] = []string{p.service}
	r.Header["Ccsp-Application-Id"] = []string{p.appID}
	if p.stamps != unstamped {
		r.Header["Stamp"] = []string{p.stamp(now)}
	}
	if offset := p.fixed["Offset"]; offset != "" { // docs/protocol/brazil.md §2.1
		r.Header["Offset"] = []string{offset}
	}
}

// pushDevice has an invented push id, as nobody here receives pushes.
func pushDevice(push string) any {
	return map[string]string{"pushRegId": randomHex(32), "pushType": push, "uuid": newUUID()}
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// newUUID is a random UUID of version 4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// refusesToken tells the statuses by which a server says that a token is no good.
func refusesToken(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden
}

// expiry is when a token that was just given ends. Without a plausible number it lives as long as the region's do at least.
func (d *dialect) expiry(leaf value) time.Time {
	seconds, refused := asNumber(leaf)
	if refused != "" || leaf.missing() || !(seconds > 0 && seconds <= 400*24*60*60) {
		return time.Now().Add(d.life)
	}
	return time.Now().Add(time.Duration(seconds) * time.Second)
}
