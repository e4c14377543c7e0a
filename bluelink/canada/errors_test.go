package canada

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestClassify_KnowsEveryRowOfThePage is docs/protocol/canada.md §8, at a read, a wake and a command. Those of a sign-in are in
// TestLogin_AnswersMeanWhatThePageSays.
func TestClassify_KnowsEveryRowOfThePage(t *testing.T) {
	for name, test := range map[string]struct {
		reply  reply
		want   error
		reason vehicle.Reason
		maybe  bool // a command may have been carried out
		wait   time.Duration
	}{
		"7110":            {bad("7110"), bluelink.ErrSessionExpired, vehicle.CloudUnavailable, false, 0},
		"7402":            {bad("7402"), bluelink.ErrSessionExpired, vehicle.CloudUnavailable, false, 0},
		"7403":            {bad("7403"), bluelink.ErrSessionExpired, vehicle.CloudUnavailable, false, 0},
		"7404":            {bad("7404"), bluelink.ErrSessionExpired, vehicle.CloudUnavailable, false, 0},
		"7602":            {bad("7602"), bluelink.ErrSessionExpired, vehicle.CloudUnavailable, false, 0},
		"7606":            {bad("7606"), bluelink.ErrSessionExpired, vehicle.CloudUnavailable, false, 0},
		"7710":            {bad("7710"), bluelink.ErrSessionExpired, vehicle.CloudUnavailable, false, 0},
		"7310":            {bad("7310"), bluelink.ErrPIN, vehicle.PINWrong, false, 0},
		"7445":            {bad("7445"), bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 0},
		"7101":            {bad("7101"), bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 0},
		"7901":            {bad("7901"), bluelink.ErrRateLimited, vehicle.CloudLimit, false, 35 * time.Minute},
		"6459":            {bad("6459"), bluelink.ErrRefused, vehicle.CloudChanged, false, 0},
		"6533":            {bad("6533"), bluelink.ErrBusy, vehicle.VehicleBusy, false, 90 * time.Second},
		"6534":            {bad("6534"), bluelink.ErrRateLimited, vehicle.CloudLimit, false, time.Hour},
		"15109":           {bad("15109"), bluelink.ErrUnsupported, vehicle.Unsupported, false, 0},
		"7549":            {bad("7549"), bluelink.ErrBadResponse, vehicle.CloudChanged, true, 0}, // only where a code is entered
		"7999":            {bad("7999"), bluelink.ErrBadResponse, vehicle.CloudChanged, true, 0},
		"unknown":         {bad("4711"), bluelink.ErrBadResponse, vehicle.CloudChanged, true, 0},
		"no error object": {cloudtest.Say(200, `{"responseHeader":{"responseCode":1}}`), bluelink.ErrBadResponse, vehicle.CloudChanged, true, 0},
		"no text":         {cloudtest.Say(200, `{"error":{"errorCode":"6533"},"responseHeader":{"responseCode":1}}`), bluelink.ErrBusy, vehicle.VehicleBusy, false, 90 * time.Second},
		"Cloudflare 403":  {cloudtest.Say(403, "<html>Attention Required"), bluelink.ErrRateLimited, vehicle.CloudLimit, false, 15 * time.Minute},
		"Cloudflare 429":  {cloudtest.Say(429, `{"error":"1015"}`), bluelink.ErrRateLimited, vehicle.CloudLimit, false, 15 * time.Minute},
		"asks for more":   {cloudtest.Say(429, ``, map[string]string{"Retry-After": "3600"}), bluelink.ErrRateLimited, vehicle.CloudLimit, false, time.Hour},
		"out of reach": {
			cloudtest.Say(200, `{"error":{"errorCode":"7445","errorDesc":"The engine has not been started recently, or coverage is poor"},"responseHeader":{"responseCode":1}}`),
			bluelink.ErrVehicleUnreachable, vehicle.VehicleUnreachable, true, 0,
		},
		"500":             {cloudtest.Say(500, "<html>"), bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 0},
		"503 no envelope": {cloudtest.Say(503, `{"responseHeader":{"responseCode":0}}`), bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 0},
		"500 unknown":     {cloudtest.Say(500, `{"error":{"errorCode":"1"},"responseHeader":{"responseCode":1}}`), bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 0},
		"401 a page":      {cloudtest.Say(401, "<html>"), bluelink.ErrBadResponse, vehicle.CloudChanged, true, 0},
		"a page":          {cloudtest.Say(200, "<html>"), bluelink.ErrBadResponse, vehicle.CloudChanged, true, 0},
		"nothing":         {cloudtest.Say(200, ""), bluelink.ErrBadResponse, vehicle.CloudChanged, true, 0},
		"reset":           {reply{}, bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, o := signedIn(t)
			car := o.list(t)[0]
			ask := bluelink.Ask{Vehicle: car}
			for path, do := range map[string]func() error{
				"lstvhclsts":  func() error { _, err := o.Cached(t.Context(), ask); return err },
				"rltmvhclsts": func() error { _, err := o.Force(t.Context(), ask); return err },
				"drlck":       func() error { _, err := o.Send(t.Context(), ask, vehicle.Lock{}); return err },
			} {
				<-time.After(time.Hour)
				s.Always(path, test.reply)
				n := s.Count(path)
				err := do()
				if test.want == bluelink.ErrSessionExpired { //nolint:errorlint // of the table
					test.wait = 30 * time.Minute // another session will not be asked for sooner
				}
				if !errors.Is(err, test.want) || bluelink.Reason(err) != test.reason || bluelink.MayHaveSucceeded(err) != test.maybe || bluelink.RetryAfter(err) != test.wait {
					t.Errorf("%s at %s: %v, reason %s, maybe %t, wait %s; want %v, %s, %t, %s", name, path, err, bluelink.Reason(err),
						bluelink.MayHaveSucceeded(err), bluelink.RetryAfter(err), test.want, test.reason, test.maybe, test.wait)
				}
				once := 1
				if errors.Is(test.want, bluelink.ErrSessionExpired) {
					once = 2
				}
				if got := s.Count(path) - n; got != once {
					t.Errorf("%s at %s: left %d times", name, path, got)
				}
				s.On(path, nil)
			}
		})
	}
}

// TestErrors_HoldNoSecret lets the cloud echo all that it was given.
func TestErrors_HoldNoSecret(t *testing.T) {
	s, o := signedIn(t)
	car := o.list(t)[0]
	echo := func(r *http.Request, body string) (reply, bool) {
		words := []string{body}
		for _, values := range r.Header {
			words = append(words, values...)
		}
		text := strings.NewReplacer(`"`, " ", `\`, " ").Replace(strings.Join(words, " "))
		return cloudtest.Say(200, `{"error":{"errorCode":"4711","errorDesc":"`+text+`"},"responseHeader":{"responseCode":1}}`), true
	}
	for _, path := range []string{"lstvhclsts", "v2/login", "vrfypin", "vhcllst"} {
		s.On(path, echo)
	}
	_, first := o.Cached(t.Context(), bluelink.Ask{Vehicle: car})
	_, second := o.Send(t.Context(), bluelink.Ask{Vehicle: car}, vehicle.Lock{})
	_, third := o.Vehicles(t.Context())
	fourth := open(t, s, bluelink.NewMemoryTokens()).Login(t.Context())
	for _, err := range []error{first, second, third, fourth} {
		if err == nil {
			t.Fatal("no error")
		}
		for _, secret := range []string{"jane@example.com", "secret", " 1234 ", s.Last("v2/login").Header.Get("Deviceid")} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%v shows %q", err, secret)
			}
		}
	}
}
