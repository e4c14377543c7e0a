package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// faultKind is a way in which a cloud, or the way to it, can fail.
type faultKind string

// The first group spoils the connection or the answer, whatever the endpoint; the
// second is what a cloud itself says, where and as its protocol page has it.
const (
	faultSlow       faultKind = "slow"        // =duration before the answer
	faultSilent     faultKind = "silent"      // never answers; =after: once the request was carried out
	faultDrip       faultKind = "drip"        // the body comes byte by byte, =duration apart
	faultReset      faultKind = "reset"       // cuts the connection; =after: once the request was carried out
	faultStatus     faultKind = "status"      // =500, =503 …
	faultHTML       faultKind = "html"        // a maintenance page, =status
	faultEmpty      faultKind = "empty"       // no body
	faultTruncated  faultKind = "truncated"   // half a body, then the end of the connection
	faultWrongTypes faultKind = "wrong-types" // JSON with its types changed

	faultQuota         faultKind = "quota"
	faultDuplicate     faultKind = "duplicate"
	faultBusy          faultKind = "busy"
	faultUnreachable   faultKind = "unreachable" // =silent: accepted, and the car never reports
	faultLowBattery    faultKind = "low-battery"
	faultUnsupported   faultKind = "unsupported"
	faultCode          faultKind = "code" // =9999, 7501 …: any of the codes
	faultNoData        faultKind = "no-data"
	faultAction        faultKind = "action" // =fail, non-response, pending, unrecorded: how a command ends
	faultExpiredToken  faultKind = "expired-token"
	faultInvalidDevice faultKind = "invalid-device"
	faultBlocked       faultKind = "blocked" // =403: the page itself instead of a redirect
	faultConsent       faultKind = "consent"
	faultStep          faultKind = "step"        // =5, =5/400: sign-in wants a person to act, and its HTTP status
	faultLanding       faultKind = "landing"     // =plain, error: in what form China's sign-in hands over tokens
	faultCredentials   faultKind = "credentials" // =error: an error of its own instead of the form again
	faultOTP           faultKind = "otp"         // =untrusted: a trusted device needs a code again; =unremembered: it is not trusted afterwards
)

// faultArgument says how a kind reads its argument.
type faultArgument struct {
	kind    faultKind
	preset  string // taken when the text has none
	check   func(string) error
	explain string
}

var faultArguments = []faultArgument{
	{faultSlow, "5s", checkDuration, "waits before the answer"},
	{faultSilent, "", oneOf("", "after"), "never answers; =after does what was asked first"},
	{faultDrip, "100ms", checkDuration, "sends the body byte by byte"},
	{faultReset, "", oneOf("", "after"), "cuts the connection; =after does what was asked first"},
	{faultStatus, "503", checkStatus, "answers with this HTTP status and a line of text"},
	{faultHTML, "200", checkStatus, "answers with a web page and this HTTP status"},
	{faultEmpty, "", oneOf(""), "answers 200 without a body"},
	{faultTruncated, "", oneOf(""), "sends half of the body and cuts the connection"},
	{faultWrongTypes, "", oneOf(""), "sends numbers as text, flags as numbers, objects as lists"},
	{faultQuota, "", oneOf(""), "refuses: daily quota used up (5091)"},
	{faultDuplicate, "", oneOf(""), "refuses wakes and commands: another one is under way (4004)"},
	{faultBusy, "", oneOf(""), "refuses wakes and commands: service temporarily unavailable (5031)"},
	{faultUnreachable, "", oneOf("", "silent"), "refuses wakes and commands: car not reached (4081); =silent accepts them and the car never reports"},
	{faultLowBattery, "", oneOf(""), "refuses wakes and commands: 12 V battery low (4007)"},
	{faultUnsupported, "", oneOf(""), "refuses wakes and commands: the car cannot do that (4005)"},
	{faultCode, "9999", checkCode, "refuses any call for a car or the list with this code of the protocol (not in America)"},
	{faultNoData, "", oneOf(""), "knows nothing of the car, as of one that was sold or whose service ended (5921)"},
	{faultAction, "fail", oneOf("fail", "non-response", "pending", "unrecorded"), "how accepted commands end: fail, non-response, pending (though done), unrecorded"},
	{faultExpiredToken, "", oneOf("", "other-login", "other-address"), "the token of the call expires at this moment (401); in Canada =other-login and =other-address say why"},
	{faultInvalidDevice, "", oneOf(""), "the device id of the call becomes invalid at this moment (4002)"},
	{faultBlocked, "", oneOf("", "403"), "the firewall refuses the sign-in page; =403 with a page instead of a redirect"},
	{faultConsent, "", oneOf(""), "sign-in ends at the consent page"},
	{faultStep, "5", checkStep, "sign-in by e-mail (not Europe) wants a person: 0, 3, 4 terms, 5 password expired, 9 blocked …; =5/400 with that HTTP status"},
	{faultCredentials, "", oneOf("", "error", "locked", "too-many"), "sign-in is refused; =error with an error code; in Canada =locked and =too-many, too"},
	{faultLanding, "plain", oneOf("plain", "error"), "China's sign-in ends at a page with its tokens in plain JSON, or without any"},
	{faultOTP, "untrusted", oneOf("untrusted", "unremembered"), "a trusted device is asked for a code again; =unremembered: a right code earns no trust"},
}

func checkCode(arg string) error {
	if _, known := refusals[arg]; !known {
		return fmt.Errorf("known are %s", strings.Join(sortedKeys(refusals), ", "))
	}
	return nil
}

func checkStep(arg string) error {
	step, status, given := strings.Cut(arg, "/")
	if n, err := strconv.Atoi(step); err != nil || n < 0 || n > 13 {
		return errors.New("not a step from 0 to 13")
	}
	if given {
		return checkStatus(status)
	}
	return nil
}

func checkDuration(arg string) error {
	d, err := time.ParseDuration(arg)
	if err == nil && (d <= 0 || d > time.Hour) {
		err = errors.New("not within 0 and 1h")
	}
	return err
}

func checkStatus(arg string) error {
	if n, err := strconv.Atoi(arg); err != nil || n < 200 || n > 599 {
		return errors.New("not an HTTP status from 200 to 599")
	}
	return nil
}

func oneOf(words ...string) func(string) error {
	return func(arg string) error {
		if slices.Contains(words, arg) {
			return nil
		}
		named := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "" })
		if len(named) == 0 {
			return errors.New("it takes no argument")
		}
		return fmt.Errorf("it takes nothing or %s", strings.Join(named, ", "))
	}
}

// FaultKinds lists every kind with its argument and meaning, for help texts.
func FaultKinds() []string {
	var lines []string
	for _, a := range faultArguments {
		name := string(a.kind)
		if a.preset != "" {
			name += "[=" + a.preset + "]"
		}
		lines = append(lines, fmt.Sprintf("%-16s %s", name, a.explain))
	}
	return lines
}

// Fault says what goes wrong, where and how often.
type Fault struct {
	ID    int     `json:"id"`
	Kind  string  `json:"kind"`
	Arg   string  `json:"arg,omitempty"`
	Path  string  `json:"path,omitempty"`  // glob over the whole path; * also matches slashes; empty is all
	Host  string  `json:"host,omitempty"`  // glob over the host name
	Share float64 `json:"share,omitempty"` // of the matching calls, 0 < share <= 1; 0 stands for 1
	After int     `json:"after,omitempty"` // matching calls that go well first
	Count int     `json:"count,omitempty"` // how often it strikes; 0 is always
	// Matched and Struck count what happened since.
	Matched int64 `json:"matched"`
	Struck  int64 `json:"struck"`
}

// ParseFault reads "KIND[=ARG][,path=GLOB][,host=GLOB][,share=0.2][,after=N][,count=N]".
func ParseFault(text string) (Fault, error) {
	f := Fault{}
	for i, part := range strings.Split(text, ",") {
		key, value, given := strings.Cut(strings.TrimSpace(part), "=")
		var err error
		switch {
		case i == 0:
			f.Kind, f.Arg = key, value
		case !given:
			err = fmt.Errorf("%q is not key=value", part)
		case key == "path":
			f.Path = value
		case key == "host":
			f.Host = value
		case key == "share":
			if f.Share, err = strconv.ParseFloat(value, 64); err == nil && !(f.Share > 0 && f.Share <= 1) {
				err = errors.New("not above 0 and at most 1")
			}
		case key == "after":
			f.After, err = natural(value)
		case key == "count":
			f.Count, err = natural(value)
		default:
			err = errors.New("known are path, host, share, after, count")
		}
		if err != nil {
			return Fault{}, fmt.Errorf("fault %q: %s: %w", text, key, err)
		}
	}
	if err := f.validate(); err != nil {
		return Fault{}, fmt.Errorf("fault %q: %w", text, err)
	}
	return f, nil
}

func natural(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err == nil && n < 0 {
		err = errors.New("negative")
	}
	return n, err
}

// validate checks a fault and fills in the argument that its kind takes by itself.
func (f *Fault) validate() error {
	for _, a := range faultArguments {
		if string(a.kind) != f.Kind {
			continue
		}
		if f.Arg == "" {
			f.Arg = a.preset
		}
		if err := a.check(f.Arg); err != nil {
			return fmt.Errorf("%s=%s: %w", f.Kind, f.Arg, err)
		}
		if !(f.Share >= 0 && f.Share <= 1) || f.After < 0 || f.Count < 0 {
			return errors.New("share must be within 0 and 1, after and count not negative")
		}
		return nil
	}
	kinds := make([]string, len(faultArguments))
	for i, a := range faultArguments {
		kinds[i] = string(a.kind)
	}
	return fmt.Errorf("unknown kind %q; known are %s", f.Kind, strings.Join(kinds, ", "))
}

// decodeFault reads a fault from JSON or, when that is no object, from text.
func decodeFault(body []byte) (Fault, error) {
	text := strings.TrimSpace(string(body))
	switch {
	case strings.HasPrefix(text, "{"):
		var f Fault
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&f); err != nil {
			return Fault{}, fmt.Errorf("fault: %w; known keys are kind, arg, path, host, share, after, count", err)
		}
		f.ID, f.Matched, f.Struck = 0, 0, 0
		if err := f.validate(); err != nil {
			return Fault{}, fmt.Errorf("fault: %w", err)
		}
		return f, nil
	case strings.HasPrefix(text, `"`):
		if err := json.Unmarshal([]byte(text), &text); err != nil {
			return Fault{}, fmt.Errorf("fault: %w", err)
		}
	}
	return ParseFault(text)
}

// fault is one that is switched on.
type fault struct {
	Fault
	kind faultKind
	arg  string
}

// strikes counts a matching call and decides; the caller holds the book's lock.
func (f *fault) strikes(chance func() float64) bool {
	f.Matched++
	if f.Matched <= int64(f.After) || f.Count > 0 && f.Struck >= int64(f.Count) {
		return false
	}
	if f.Share > 0 && f.Share < 1 && chance() >= f.Share {
		return false
	}
	f.Struck++
	return true
}

// duration is the argument of kinds that wait; validate has seen it.
func (f *fault) duration() time.Duration {
	d, _ := time.ParseDuration(f.arg)
	return d
}

// faultBook holds the faults that are on. While there is none it costs one load.
type faultBook struct {
	any atomic.Bool

	mu     sync.Mutex
	seed   uint64
	faults []*fault
	random *rand.Rand
	lastID int
}

func (b *faultBook) init(seed uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seed = seed
	b.clearLocked()
}

func (b *faultBook) clearLocked() {
	b.faults = nil
	b.random = rand.New(rand.NewPCG(b.seed, 0x5eed))
	b.any.Store(false)
}

func (b *faultBook) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clearLocked()
}

func (b *faultBook) add(f Fault) Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lastID++
	f.ID = b.lastID
	b.faults = append(b.faults, &fault{Fault: f, kind: faultKind(f.Kind), arg: f.Arg})
	b.any.Store(true)
	return f
}

// remove switches one fault off and reports whether it was on.
func (b *faultBook) remove(id int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := len(b.faults)
	b.faults = slices.DeleteFunc(b.faults, func(f *fault) bool { return f.ID == id })
	b.any.Store(len(b.faults) > 0)
	return len(b.faults) < before
}

func (b *faultBook) list() []Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]Fault, 0, len(b.faults))
	for _, f := range b.faults {
		list = append(list, f.Fault)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list
}

// strike finds what goes wrong with a call: at most one slow fault and one other.
func (b *faultBook) strike(c *call) (slow, other *fault) {
	if !b.any.Load() {
		return nil, nil
	}
	host, path := hostName(c.r.Host), c.r.URL.Path
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		switch {
		case f.kind == faultSlow && slow != nil, f.kind != faultSlow && other != nil:
			continue
		case !glob(f.Host, host), !glob(f.Path, path), !c.fits(f), !f.strikes(b.random.Float64):
			continue
		}
		if f.kind == faultSlow {
			slow = f
		} else {
			other = f
		}
	}
	return slow, other
}

// glob matches * to any text, slashes included; an empty pattern matches all.
func glob(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == text
	}
	if !strings.HasPrefix(text, first) {
		return false
	}
	text = text[len(first):]
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(text, part)
		}
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text, rest = text[i+len(part):], after
	}
}

// AddFault switches a fault on; see ParseFault for the text. The answer has its id.
func (s *Sim) AddFault(text string) (Fault, error) {
	f, err := ParseFault(text)
	if err != nil {
		return Fault{}, err
	}
	return s.faults.add(f), nil
}

// ClearFaults switches all faults off.
func (s *Sim) ClearFaults() { s.faults.clear() }

// Faults lists the faults that are on, with what they did so far.
func (s *Sim) Faults() []Fault { return s.faults.list() }
