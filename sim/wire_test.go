package sim

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestWire plays the exchanges of testdata/wire, written down from docs/protocol, against
// a simulated world in virtual time. The format:
//
//	# comment
//	@ sim parked cars=4        options of the world, before anything else
//	@ wait 25s                 time passes
//	@ fault busy,count=1       a fault is switched on; "@ clear" switches all off
//	@ set ${kia.car1} {…}      quantities of a car are set
//	@ advance 25h              the clock is moved
//	@ login kia                by refresh token, elsewhere by password; gives ${access}, ${device} and ${control}
//	@ sign-in us-hyundai       by password, and code where one is wanted; gives ${access}
//	@ encrypt NAME hex|base64 TEXT   with the key captured as ${n} and ${e}
//	GET https://…              a request; "Name: value" lines and "| body" lines follow
//	+ kia access               the headers of §1.5 with the access (or control) token
//	< 200                      the status
//	< Location = …             a header; "~" instead of "=" takes a regular expression
//	< .a.b.0 = 5               a leaf of the JSON body, as JSON; "absent" for none
//	< .a.b : int               its type: int, number, text, bool, object, list, null
//	< .a.b > ${name}           a number or a text after another
//	< .a.b -> name             remembered as ${name}; "Location.code -> name" takes a query value,
//	                           as does ".redirectUrl.code -> name"
//	< body ~ abusing           the body as text
//	< cookies -> name          the cookies that were set, as a Cookie header wants them
//
// Variables of each brand: kia.stamp (seconds), kia.stampms, kia.refresh, kia.car1 … 4; those of
// other regions are us-kia.car1 and so on.
func TestWire(t *testing.T) {
	files, err := filepath.Glob("testdata/wire/*.wire")
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d exchanges (%v), want at least 10", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".wire"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { (&player{t: t, vars: map[string]string{}}).play(string(script)) })
		})
	}
}

// player plays one script.
type player struct {
	t    testing.TB
	sim  *Sim
	vars map[string]string
	line int

	request *http.Request
	body    string
	status  int
	header  http.Header
	answer  []byte
	tree    any
}

// pageStamp makes a stamp the way §1.4 describes it.
func pageStamp(brand, unix string) string {
	key, _ := base64.StdEncoding.DecodeString(pageStamps[brand][0])
	text := pageStamps[brand][1] + ":" + unix
	var out []byte
	for i := 0; i < len(key) && i < len(text); i++ {
		out = append(out, key[i]^text[i])
	}
	return base64.StdEncoding.EncodeToString(out)
}

var variable = regexp.MustCompile(`\$\{([^}]+)\}`)

func (p *player) expand(text string) string {
	return variable.ReplaceAllStringFunc(text, func(found string) string {
		name := found[2 : len(found)-1]
		brand, what, _ := strings.Cut(name, ".")
		switch what {
		case "stamp":
			return pageStamp(brand, strconv.FormatInt(time.Now().Unix(), 10))
		case "stampms":
			return pageStamp(brand, strconv.FormatInt(time.Now().UnixMilli(), 10))
		}
		value, known := p.vars[name]
		if !known {
			p.fail("nobody knows ${%s}", name)
		}
		return value
	})
}

func (p *player) fail(format string, args ...any) {
	p.t.Helper()
	p.t.Fatalf("line %d: %s\nlast answer: %d %s", p.line, fmt.Sprintf(format, args...), p.status, p.answer)
}

func (p *player) play(script string) {
	options := Options{Seed: 1, Parked: true}
	for i, line := range strings.Split(script, "\n") {
		p.line = i + 1
		line = strings.TrimRight(line, " \t")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "@ sim"):
			for _, word := range strings.Fields(line)[2:] {
				p.option(&options, word)
			}
		case strings.HasPrefix(line, "@ "):
			p.world(options)
			p.send()
			p.direct(p.expand(line[2:]))
		case strings.HasPrefix(line, "+ "):
			p.headers(strings.Fields(line)[1], strings.Fields(line)[2])
		case strings.HasPrefix(line, "| "):
			p.body += p.expand(line[2:])
		case strings.HasPrefix(line, "< "):
			p.send()
			p.expect(line[2:])
		case p.request != nil && headerLine.MatchString(line):
			name, value, _ := strings.Cut(line, ":")
			p.request.Header.Set(name, p.expand(strings.TrimSpace(value)))
		default:
			p.world(options)
			p.send()
			p.begin(p.expand(line))
		}
	}
	p.send()
}

var headerLine = regexp.MustCompile(`^[A-Za-z0-9_-]+:`)

func (p *player) option(o *Options, word string) {
	key, value, _ := strings.Cut(word, "=")
	n, _ := strconv.Atoi(value)
	d, _ := time.ParseDuration(value)
	switch key {
	case "parked":
		o.Parked = true
	case "alive":
		o.Parked = false
	case "cars":
		o.Cars = n
	case "local-times":
		o.LocalTimes = true
	case "no-codes":
		o.NoCodes = true
	case "quota":
		o.Quota = n
	case "old-clients":
		o.OldClients = true
	case "strict-stamps":
		o.StrictStamps = true
	case "token-life":
		o.TokenLife = d
	case "latency-force":
		o.LatencyForce = d
	default:
		p.fail("unknown option %s", word)
	}
}

// world makes the world at the first need.
func (p *player) world(o Options) {
	if p.sim != nil {
		return
	}
	var err error
	if p.sim, err = New(o); err != nil {
		p.fail("%v", err)
	}
	p.name()
}

// name gives accounts and cars their variables.
func (p *player) name() {
	for _, a := range p.sim.Accounts() {
		p.vars[accountName(a.Region, a.Brand)+".refresh"] = a.RefreshToken
	}
	numbers := map[string]int{}
	for _, v := range p.sim.Vehicles() {
		name := accountName(v.Region, v.Brand)
		numbers[name]++
		p.vars[fmt.Sprintf("%s.car%d", name, numbers[name])] = v.ID
		p.vars[fmt.Sprintf("%s.vin%d", name, numbers[name])] = v.VIN
	}
}

// accountName is the brand in Europe and region and brand elsewhere.
func accountName(region, brand string) string {
	if region == "eu" {
		return brand
	}
	return region + "-" + brand
}

func (p *player) direct(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	var err error
	switch verb {
	case "wait":
		var d time.Duration
		if d, err = time.ParseDuration(rest); err == nil {
			<-time.After(d) // virtual
		}
	case "fault":
		_, err = p.sim.AddFault(rest)
	case "clear":
		p.sim.ClearFaults()
	case "advance":
		var d time.Duration
		if d, err = time.ParseDuration(rest); err == nil {
			err = p.sim.Advance(d)
		}
	case "set":
		id, values, _ := strings.Cut(rest, " ")
		var object map[string]any
		if err = json.Unmarshal([]byte(values), &object); err == nil {
			err = p.sim.SetVehicle(id, object)
		}
	case "login":
		p.login(rest)
	case "sign-in":
		p.signIn(rest)
	case "encrypt":
		words := strings.Fields(rest)
		p.vars[words[0]], err = p.encrypt(words[1], words[2])
	default:
		err = fmt.Errorf("unknown directive %s", verb)
	}
	if err != nil {
		p.fail("%v", err)
	}
}

// encrypt does what §2.3 says about the password.
func (p *player) encrypt(coding, text string) (string, error) {
	n, err := base64.RawURLEncoding.DecodeString(p.vars["n"])
	if err != nil {
		return "", err
	}
	e, err := base64.RawURLEncoding.DecodeString(p.vars["e"])
	if err != nil {
		return "", err
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	cipher, err := rsa.EncryptPKCS1v15(rand.Reader, key, []byte(text)) //nolint:staticcheck // the makers' format
	if coding == "hex" {
		return hex.EncodeToString(cipher), err
	}
	return base64.StdEncoding.EncodeToString(cipher), err
}

func (p *player) begin(line string) {
	method, url, ok := strings.Cut(line, " ")
	if !ok {
		p.fail("cannot read %q", line)
	}
	var err error
	if p.request, err = http.NewRequestWithContext(p.t.Context(), method, url, nil); err != nil {
		p.fail("%v", err)
	}
	p.body = ""
}

// send sends the request that was collected, once.
func (p *player) send() {
	if p.request == nil {
		return
	}
	r := p.request
	p.request = nil
	r.Body = io.NopCloser(strings.NewReader(p.body))
	response, err := p.sim.RoundTripper().RoundTrip(r)
	if err != nil {
		p.fail("%v", err)
	}
	defer response.Body.Close()
	p.status, p.header = response.StatusCode, response.Header
	if p.answer, err = io.ReadAll(response.Body); err != nil {
		p.fail("%v", err)
	}
	p.tree = nil
	d := json.NewDecoder(bytes.NewReader(p.answer))
	d.UseNumber()
	if d.Decode(&p.tree) != nil {
		p.tree = nil
	}
}

var expectation = regexp.MustCompile(`^(\S+) (=|~|:|>|->) (.*)$`)

func (p *player) expect(line string) {
	p.t.Helper()
	if status, err := strconv.Atoi(line); err == nil {
		if p.status != status {
			p.fail("status %d, want %d", p.status, status)
		}
		return
	}
	parts := expectation.FindStringSubmatch(line)
	if parts == nil {
		p.fail("cannot read %q", line)
	}
	what, operator, want := parts[1], parts[2], parts[3]
	if operator != "->" {
		want = p.expand(want)
	}
	got, there := p.find(p.expand(what))
	switch operator {
	case "->":
		if !there || fmt.Sprint(got) == "" {
			p.fail("%s is absent", what)
		}
		p.vars[want] = fmt.Sprint(got)
	case "=":
		p.equal(what, got, there, want)
	case "~":
		if matched, err := regexp.MatchString(want, fmt.Sprint(got)); err != nil || !matched {
			p.fail("%s is %v, want %s", what, got, want)
		}
	case ":":
		if kind := typeOf(got); !there || kind != want && !(want == "number" && kind == "int") {
			p.fail("%s is %s (%v), want %s", what, kind, got, want)
		}
	case ">":
		a, errA := strconv.ParseFloat(fmt.Sprint(got), 64)
		b, errB := strconv.ParseFloat(want, 64)
		if after := a > b; errA != nil || errB != nil || !after {
			p.fail("%s is %v, want more than %s", what, got, want)
		}
	}
}

func (p *player) equal(what string, got any, there bool, want string) {
	p.t.Helper()
	if want == "absent" {
		if there {
			p.fail("%s is %v, want none", what, got)
		}
		return
	}
	text := fmt.Sprint(got)
	if strings.HasPrefix(what, ".") {
		raw, _ := json.Marshal(got)
		text = string(raw)
	}
	if !there || text != want {
		p.fail("%s is %s, want %s", what, text, want)
	}
}

// find looks up a leaf of the body, a header, a query value of Location, or the body.
func (p *player) find(what string) (any, bool) {
	if what == "body" {
		return string(p.answer), true
	}
	if what == "cookies" {
		var pairs []string
		for _, cookie := range p.header.Values("Set-Cookie") {
			pair, _, _ := strings.Cut(cookie, ";")
			pairs = append(pairs, pair)
		}
		return strings.Join(pairs, "; "), len(pairs) > 0
	}
	if key, found := strings.CutPrefix(what, ".redirectUrl."); found {
		object, _ := p.tree.(map[string]any)
		target, err := url.Parse(fmt.Sprint(object["redirectUrl"]))
		if err != nil {
			return nil, false
		}
		return target.Query().Get(key), target.Query().Has(key)
	}
	if what == "body.action" { // of a page's form
		found := pageAction.FindStringSubmatch(string(p.answer))
		return html.UnescapeString(strings.Join(found[min(1, len(found)):], "")), found != nil
	}
	if what == "body.accessToken" { // in the script of a page
		found := pageToken.FindStringSubmatch(string(p.answer))
		return strings.Join(found[min(1, len(found)):], ""), found != nil
	}
	if key, found := strings.CutPrefix(what, "Location."); found {
		target, err := p.request0()
		if err != nil {
			return nil, false
		}
		return target.Get(key), target.Has(key)
	}
	if !strings.HasPrefix(what, ".") {
		values := p.header.Values(what)
		return strings.Join(values, ", "), values != nil
	}
	at := p.tree
	for _, key := range strings.Split(what[1:], ".") {
		switch node := at.(type) {
		case map[string]any:
			var there bool
			if at, there = node[key]; !there {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(node) {
				return nil, false
			}
			at = node[i]
		default:
			return nil, false
		}
	}
	return at, true
}

func (p *player) request0() (values interface {
	Get(string) string
	Has(string) bool
}, err error,
) {
	location, err := http.NewRequest(http.MethodGet, p.header.Get("Location"), nil)
	if err != nil {
		return nil, err
	}
	return location.URL.Query(), nil
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case string:
		return "text"
	case []any:
		return "list"
	case map[string]any:
		return "object"
	case json.Number:
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return "int"
		}
		return "number"
	}
	return "unknown"
}
