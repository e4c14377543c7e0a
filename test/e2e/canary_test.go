package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// The canaries: what must be found nowhere.
const (
	canaryEmail    = "Canary.Owner+car@canary-mail.example"
	canaryPassword = "Sing&Canary=Passw0rd %41!"
	canaryWrong    = "Wrong-Canary-Passw0rd"
	canaryPIN      = "739146"
	canaryLatitude = "47.135791"
	canaryLong     = "8.246802"
	canaryBroker   = "Broker-Canary-Passw0rd"
	canaryStoreKey = "Store-Canary-Key-0123456789"
)

// disguise gives the simulated accounts other credentials, and lets clouds repeat what they were told.
type disguise struct {
	next http.Handler
	key  *rsa.PrivateKey // of the sign-in page
	echo atomic.Pointer[echo]
	vins []string

	mu     sync.Mutex // guards what follows
	echoed int
}

// echo is how a cloud repeats in an error what it was told.
type echo struct {
	name   string
	status int
	kind   string
	body   func(said string) string
	auth   bool // also where tokens are given
}

func quoted(text string) string {
	encoded, _ := json.Marshal(text)
	return string(encoded)
}

var echoes = []*echo{
	{"message", http.StatusBadRequest, "application/json", func(said string) string {
		return `{"retCode":"F","resCode":"9999","resMsg":` + quoted(said) + `,"msgId":"1"}`
	}, false},
	{"message of the login", http.StatusBadRequest, "application/json", func(said string) string {
		return `{"errId":"1","errCode":"9999","errMsg":` + quoted(said) + `}`
	}, true},
	{"text", http.StatusInternalServerError, "text/plain", func(said string) string { return said }, true},
	{"page", http.StatusForbidden, "text/html", func(said string) string {
		return "<html><body>Request refused: " + said + "</body></html>"
	}, false},
	{"not JSON", http.StatusOK, "application/json", func(said string) string { return `{"resMsg": ` + said }, false},
	{"code", http.StatusBadRequest, "application/json", func(said string) string {
		return `{"retCode":"F","resCode":` + quoted(said) + `,"resMsg":{"message":` + quoted(said) + `}}`
	}, false},
}

func (d *disguise) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim") {
		d.next.ServeHTTP(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	isAuth := strings.Contains(r.Host, "idpconnect") || strings.Contains(r.Host, "cci-api")
	if e := d.echo.Load(); e != nil && (e.auth || !isAuth) {
		d.mu.Lock()
		d.echoed++
		d.mu.Unlock()
		w.Header().Set("Content-Type", e.kind)
		w.WriteHeader(e.status)
		_, _ = io.WriteString(w, e.body(d.said(r, body)))
		return
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/accounts/certs"):
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"retValue": map[string]string{
			"kid": "k1", "n": base64.RawURLEncoding.EncodeToString(d.key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(d.key.E)).Bytes()),
		}})
		return
	case strings.HasSuffix(r.URL.Path, "/signin"):
		body = []byte(d.signIn(string(body)))
	case strings.HasSuffix(r.URL.Path, "/pin"):
		body = []byte(strings.ReplaceAll(string(body), canaryPIN, sim.PIN))
	}
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(body))), int64(len(body))
	d.next.ServeHTTP(w, r)
}

// repeated counts what was repeated since it was asked last.
func (d *disguise) repeated() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, d.echoed = d.echoed, 0
	return n
}

// signIn translates a form: what is not the canary stays wrong.
func (d *disguise) signIn(body string) string {
	form, _ := url.ParseQuery(body)
	raw, _ := hex.DecodeString(form.Get("password"))
	//nolint:staticcheck // the makers' own format (docs/protocol/europe.md §2.3)
	password, err := rsa.DecryptPKCS1v15(rand.Reader, d.key, raw)
	form.Set("password", "wrong")
	if err == nil && string(password) == canaryPassword && form.Get("username") == canaryEmail {
		form.Set("username", sim.Email)
		form.Set("password", sim.Password)
	}
	form.Set("encryptedPassword", "false")
	return form.Encode()
}

// said is what a talkative cloud repeats: what it knows of the account, and the request. Where the program cuts it, other
// parts of it come first each time.
func (d *disguise) said(r *http.Request, body []byte) string {
	parts := []string{
		"account " + canaryEmail, "user=" + url.QueryEscape(canaryEmail), "password " + canaryPassword + " is wrong", "pin=" + canaryPIN,
		"car " + strings.Join(d.vins, " "), fmt.Sprintf(`at {"latitude":%s,"longitude":%s}`, canaryLatitude, canaryLong),
		"lat=" + canaryLatitude + "&lon=" + canaryLong, r.Method + " " + r.URL.String(), string(body),
	}
	for name, values := range r.Header {
		parts = append(parts, name+": "+strings.Join(values, ", "), strings.Join(values, " "))
	}
	mathrand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return strings.Join(parts, "\n")
}

// canaries is what to look for, and what each is.
type canaries map[string]string

func (c canaries) add(what, secret string) {
	if secret == "" {
		return
	}
	escaped, _ := json.Marshal(secret)
	for _, text := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(escaped), `"`),
		base64.StdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)),
	} {
		c[strings.ToLower(text)] = what
	}
}

// moment is a point in time, whose fraction of a second may hold any digits.
var moment = regexp.MustCompile(`\d{4}-\d\d-\d\dt\d\d:\d\d:\d\d(\.\d+)?`)

// find names the canaries in a text.
func (c canaries) find(text string) (found []string) {
	text = moment.ReplaceAllString(strings.ToLower(text), "…")
	for secret, what := range c {
		if !strings.Contains(text, secret) {
			continue
		}
		pattern := regexp.QuoteMeta(secret)
		if strings.Trim(secret, "0123456789") == "" { // or any long number would hold a PIN one day
			pattern = `(?:^|\D)` + pattern + `(?:\D|$)`
		}
		at := regexp.MustCompile(pattern).FindStringIndex(text)
		if at == nil {
			continue
		}
		found = append(found, what+" in …"+text[max(0, at[0]-120):min(len(text), at[1]+40)]+"…")
	}
	return found
}

func TestCanaries_AreFoundAndNotByChance(t *testing.T) {
	c := canaries{}
	c.add("PIN", canaryPIN)
	c.add("latitude", canaryLatitude[:7])
	for text, want := range map[string]int{
		"pin=739146":                  1,
		`"739146"`:                    1,
		"NzM5MTQ2":                    1,
		"47.135791":                   1,
		"0.739146328":                 0,
		"2026-11-26T01:35:16.739146Z": 0, "2026-11-26T01:35:47.135791Z": 0,
	} {
		if found := c.find("a " + text + " b"); len(found) != want {
			t.Errorf("in %q: %q", text, found)
		}
	}
}

// check fails for each canary in a text; it says where at most three times.
func (c canaries) check(t *testing.T, where, text string) {
	t.Helper()
	for i, found := range c.find(text) {
		if i < 3 {
			t.Errorf("%s holds the %s", where, found)
		}
	}
}

// TestCanary_NoSecretLeaves leads marked secrets through everything that the program does, at its most talkative, with
// clouds that repeat them in their errors, and looks for them in all that comes out.
func TestCanary_NoSecretLeaves(t *testing.T) {
	t.Parallel()
	broker := mqtttest.Start(t)
	world3, err := sim.New(sim.Options{Cars: 4, Parked: true, LatencyForce: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	masked := &disguise{next: world3, key: key}
	tapped := &tap{next: masked, moved: make(chan struct{}), wallet: map[string]*wallet{}, secret: map[string]string{}}
	server := httptest.NewServer(tapped)
	t.Cleanup(server.Close)
	w := &world{t, world3, server.URL, broker}
	cars := w.cars("hyundai")
	cars[2], cars[3] = cars[3], cars[2] // the last one gets the commands: it must want the PIN, as new protocols do
	for _, car := range cars {
		masked.vins = append(masked.vins, car.VIN)
		latitude, longitude := json.Number(canaryLatitude), json.Number(canaryLong)
		if err := world3.SetVehicle(car.ID, map[string]any{"latitude": latitude, "longitude": longitude, "report": true}); err != nil {
			t.Fatal(err)
		}
	}

	dir, web := t.TempDir(), mqtttest.FreeAddr(t)
	environment := func(password string) []string {
		return []string{
			"HYUNDAI_USERNAME=" + canaryEmail, "HYUNDAI_PASSWORD=" + password, "HYUNDAI_PIN=" + canaryPIN, "HYUNDAI_REGION=1", "HYUNDAI_BRAND=2",
			"BLUELINK_MQTT_URL=mqtt://" + broker.Addr(), "MQTT_USERNAME=somebody", "MQTT_PASSWORD=" + canaryBroker, "BLUELINK_CLOUD_URL=" + server.URL,
			"BLUELINK_LOG_LEVEL=debug", "BLUELINK_HTTP_LISTEN=" + web, "BLUELINK_REFRESH_INTERVAL=1s", "BLUELINK_STORE_KEY=" + canaryStoreKey,
			"BLUELINK_LIMITS_BREAKER_READS=1000", "BLUELINK_LIMITS_BREAKER_COMMANDS=1000",
		}
	}
	said := map[string]string{} // all that came out, by where
	command := func(d *daemon, args ...string) {
		out, stderr, code := d.command(args...)
		name := strings.Join(args, " ")
		if strings.HasPrefix(name, "state") { // who asks for the state of a car wants to know where it is
			out = withoutLocation(out)
		}
		said["command "+name] += fmt.Sprintf("%s\n%s\n(exit %d)\n", out, stderr, code)
	}
	get := func(path string) {
		response, err := http.Get("http://" + web + path)
		if err != nil {
			t.Errorf("get %s: %v", path, err)
			return
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Error(err)
		}
		said["GET "+path] += string(text)
	}
	l := w.listen(broker.URL(), "#")

	// A wrong password, at the start and when a person asks again.
	d := w.start(dir, environment(canaryWrong), "run")
	l.await("the refusal", func() bool {
		return strings.Contains(string(l.last["hyundai/account/default/state"]), "credentials_refused")
	})
	command(d, "login")
	command(d, "doctor")
	get("/readyz")
	_ = d.stop(syscall.SIGTERM)
	said["log of the refused run"] = d.text()

	d = w.start(dir, environment(canaryPassword), "run")
	for _, car := range cars {
		l.await("the first state", func() bool {
			return l.last["hyundai/"+car.ID+"/battery/level"] != nil || l.last["hyundai/"+car.ID+"/status/last_updated"] != nil
		})
	}
	refreshAll := func(round string) {
		for i, payload := range []string{"cached", "force", "smart:60"} {
			l.publish("hyundai/"+cars[i].ID+"/commands/refresh", jsonRefresh(payload, round))
		}
		for i := range 3 {
			l.terminal("hyundai/" + cars[i].ID + "/result/" + round)
		}
	}
	// lock sends what needs the PIN, to a car of its own: its end may take a while.
	lock := func(round string) {
		l.publish("hyundai/"+cars[3].ID+"/commands/lock", fmt.Sprintf(`{"id":"lock-%s","action":"lock"}`, round))
	}
	refreshAll("calm")
	lock("calm")
	l.terminal("hyundai/" + cars[3].ID + "/result/lock-calm")
	if c := w.counts("hyundai"); c.PINs == 0 {
		t.Error("the PIN was never used")
	}
	faults := []string{
		"expired-token", "invalid-device", "duplicate", "busy", "unreachable", "low-battery", "quota", "html", "html=403", "status=500", "empty",
		"truncated", "wrong-types", "reset", "blocked", "consent",
	}
	for i, e := range echoes {
		if e.auth { // the session has ended, so that the program has to go where tokens are given
			if err := world3.Advance(30 * time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		masked.echo.Store(e)
		lock(fmt.Sprint("echo-", i))
		refreshAll(fmt.Sprint("echo-", i))
		command(d, "send", cars[i%3].VIN, "refresh", "force")
		command(d, "login")
		get("/readyz")
		if repeated := masked.repeated(); repeated == 0 {
			t.Errorf("no cloud repeated anything by its %s", e.name)
		}
		masked.echo.Store(nil)
		command(d, "login")
	}
	for i, fault := range faults {
		if _, err := world3.AddFault(fault); err != nil {
			t.Fatal(err)
		}
		refreshAll(fmt.Sprint("fault-", i))
		command(d, "send", cars[i%3].ID, "refresh", "cached")
		world3.ClearFaults()
	}
	other := w.cars("kia")[0].VIN
	masked.vins = append(masked.vins, other)
	for _, args := range [][]string{
		{"vehicles"},
		{"vehicles", "--json"},
		{"state", cars[0].ID},
		{"state", cars[1].VIN, "--json"},
		{"state", other},
		{"send", other, "refresh", "cached"},
		{"doctor"},
		{"doctor", "--json"},
		{"login", "nobody"},
		{"store", "list"},
		{"config", "check"},
		{"logout", canaryEmail},
		{"version"},
	} {
		command(d, args...)
	}
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/" + other} {
		get(path)
	}
	command(d, "logout")
	command(d, "login")
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Errorf("the program ended with %v", err)
	}
	said["log"] = d.text()
	for _, args := range [][]string{{"store", "list"}, {"store", "list", "--json"}, {"store", "export"}, {"vehicles"}, {"state", other}, {"logout"}} {
		command(d, args...)
	}

	// What was there to be found.
	c := canaries{}
	for what, secret := range map[string]string{
		"e-mail": canaryEmail, "password": canaryPassword, "wrong password": canaryWrong, "PIN": canaryPIN, "broker's password": canaryBroker, "store's key": canaryStoreKey,
	} {
		c.add(what, secret)
	}
	for _, vin := range masked.vins {
		c.add("VIN", vin)
	}
	tapped.mu.Lock()
	handedOut := len(tapped.secret)
	for secret, what := range tapped.secret {
		c.add(what, secret)
	}
	tapped.mu.Unlock()
	if handedOut < 20 {
		t.Errorf("the clouds handed out only %d secrets", handedOut)
	}
	c.check(t, "the store's own file or a file's name", func() (text string) { // it is encrypted
		for _, f := range files(t, dir) {
			text += f.name + "\n" + f.text + "\n"
		}
		return text
	}())
	c.add("latitude", canaryLatitude[:7])
	c.add("longitude", canaryLong[:6])
	for where, text := range said {
		c.check(t, where, text)
	}
	located := 0
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.all {
		switch {
		case strings.Contains(m.Topic, "/commands/"): // ours
		case strings.Contains(m.Topic, "/status/location/"):
			located++
			c.check(t, m.Topic, m.Topic)
		default:
			c.check(t, m.Topic, m.Topic+" "+string(m.Payload))
		}
	}
	if located == 0 {
		t.Error("no position was published: the canary never flew")
	}
}

// withoutLocation removes what the state of a car says about its place.
func withoutLocation(out string) string {
	var state struct {
		Data []struct {
			Key string `json:"key"`
		} `json:"data"`
	}
	if json.Unmarshal([]byte(out), &state) == nil && len(state.Data) > 0 {
		var whole map[string]any
		_ = json.Unmarshal([]byte(out), &whole)
		data, _ := whole["data"].([]any)
		var rest []any
		for i, datum := range data {
			if !strings.HasPrefix(state.Data[i].Key, "location_") {
				rest = append(rest, datum)
			}
		}
		whole["data"] = rest
		text, _ := json.Marshal(whole)
		return string(text)
	}
	var lines []string
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "location_") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
