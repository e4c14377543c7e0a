package sim

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kind says what a call is to the account and to the car; the words are those of the
// bridge's own ledger, so that both can be compared.
type kind string

const (
	kindRead     kind = "read"     // answered from what the cloud knows
	kindWake     kind = "wake"     // makes the car work
	kindCommand  kind = "command"  // asks the car to do something, or shows the PIN in order to
	kindLogin    kind = "login"    // a step of a sign-in
	kindRenew    kind = "renew"    // tokens for tokens
	kindRegister kind = "register" // a new device id
	kindCode     kind = "code"     // asks for a one-time code
	kindOther    kind = "other"    // pages, language
)

// router holds the endpoints of one host.
type router struct {
	host string
	mux  *http.ServeMux

	// elder is the cloud that had the host before, where brands share one; claim then
	// says which calls are for this one.
	elder *router
	claim func(*http.Request) bool
	// stray says which calls to a host that nobody knows are for this one; nil is none.
	// Some clients lose the host's name when they are sent elsewhere.
	stray func(*http.Request) bool
}

func (at *router) serve(w http.ResponseWriter, r *http.Request) {
	for at.elder != nil && !at.claim(r) {
		at = at.elder
	}
	// One client has two slashes in its paths, which a mux would redirect and so may turn
	// a POST into a GET (docs/protocol/usa-hyundai-genesis.md §12).
	if strings.Contains(r.URL.Path, "//") {
		single := *r.URL
		for strings.Contains(single.Path, "//") {
			single.Path = strings.ReplaceAll(single.Path, "//", "/")
		}
		single.RawPath = ""
		r = r.WithContext(r.Context())
		r.URL = &single
	}
	at.mux.ServeHTTP(w, r)
}

// endpoint is one method and path of a host. An endpoint with {vehicle} in its path is
// entered only for a car that the cloud has.
type endpoint struct {
	pattern string // method, space, path, as net/http.ServeMux reads it
	kind    kind
	handle  func(*call) reply
	// kindOf decides per call where the pattern alone cannot; nil otherwise.
	kindOf func(*call) kind
	// carOf finds the car where no path names it: nil for one that the cloud has not.
	carOf func(*call) *car
	// status marks a cached status read, which has a latency of its own.
	status bool
	// spa marks calls of the vehicle API: they count towards the quota and fail with
	// its envelope.
	spa bool
	// live marks calls that need the car: they fail when it cannot be reached.
	live bool
}

// newRouter joins endpoints to a host; m may be nil for a host whose cloud has no
// failures of its own.
func newRouter(c *cloud, host string, m mischief, endpoints []endpoint) *router {
	r := &router{host: host, mux: http.NewServeMux()}
	for i := range endpoints {
		e := &endpoints[i]
		method, path, _ := strings.Cut(e.pattern, " ")
		at := &route{endpoint: e, cloud: c, mischief: m, host: host, method: method, path: path}
		r.mux.Handle(e.pattern, at)
	}
	nothing := &endpoint{kind: kindOther, handle: func(c *call) reply {
		return jsonReply(http.StatusNotFound, `{"error":"the simulated cloud has nothing at `+jsonSafe(c.r.Method+" "+c.r.URL.Path)+`"}`)
	}}
	r.mux.Handle("/", &route{endpoint: nothing, cloud: c, host: host, method: "(any)", path: "(unknown)"})
	return r
}

// route is an endpoint in its place: every call passes through its ServeHTTP.
type route struct {
	*endpoint
	cloud              *cloud
	mischief           mischief
	host, method, path string
}

// maxBody bounds what a stranger can make us keep; the largest honest body is a
// schedule of about 1 kB.
const maxBody = 1 << 20

func (at *route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{route: at, sim: at.cloud.sim, r: r, kind: at.kind}
	if r.Body != nil && r.Body != http.NoBody {
		// Read before anything waits: net/http notices that a client went away only
		// when the body has been read.
		var err error
		if c.body, err = io.ReadAll(io.LimitReader(r.Body, maxBody)); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	if at.kindOf != nil {
		c.kind = at.kindOf(c)
	}
	id := r.PathValue("vehicle")
	if id != "" {
		if c.car = at.cloud.byID[id]; c.car == nil {
			id = "(unknown)" // strangers must not be able to fill the book
		}
	}
	if at.carOf != nil {
		id = "(unknown)"
		if c.car = at.carOf(c); c.car != nil {
			id = c.car.id
		}
	}
	c.sim.calls.count(callKey{at.host, at.method, at.path, id, c.kind})

	if !wait(r.Context(), c.sim.latency(at.endpoint)) {
		panic(http.ErrAbortHandler)
	}
	c.now = time.Now()
	c.answer(r.Context(), w)
}

// call is one request on its way to an answer.
type call struct {
	*route
	sim   *Sim
	car   *car // the car of the path, nil when there is none
	r     *http.Request
	body  []byte
	kind  kind
	now   time.Time // wall time at which the cloud turned to the call
	fault *fault    // a fault that the handler itself has to act out, or nil

	session session // who asks; set once the tokens were looked at
	// unlisted makes a command one that no record tells of.
	unlisted bool
}

// wait blocks for d of wall time; false means that the client went away.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// decode reads the JSON body whatever its Content-Type, as some clients send none.
func (c *call) decode(into any) bool { return json.Unmarshal(c.body, into) == nil }

// reply is an answer that has not been written yet, so that a fault can spoil it.
type reply struct {
	status int
	kind   string // content type; JSON when empty
	header http.Header
	body   []byte
}

// write sends the answer. The client may be gone; there is nobody to tell.
func (a reply) write(w http.ResponseWriter) {
	a.head(w)
	_, _ = w.Write(a.body)
}

// head sends everything but the body.
func (a reply) head(w http.ResponseWriter) {
	header := w.Header()
	for key, values := range a.header {
		header[key] = values
	}
	if a.status == http.StatusNoContent {
		w.WriteHeader(a.status)
		return
	}
	if a.kind == "" {
		a.kind = contentJSON
	}
	header["Content-Type"] = []string{a.kind}
	header["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	w.WriteHeader(a.status)
}

const (
	contentJSON = "application/json;charset=UTF-8"
	contentHTML = "text/html;charset=UTF-8"
	contentText = "text/plain;charset=UTF-8"
)

func jsonReply(status int, body string) reply {
	return reply{status: status, body: []byte(body)}
}

func page(status int, title, text string) reply {
	return reply{
		status: status, kind: contentHTML,
		body: []byte("<!DOCTYPE html><html><head><title>" + title + "</title></head><body>" + text + "</body></html>\n"),
	}
}

func redirect(target string, cookies ...string) reply {
	header := http.Header{"Location": {target}}
	if len(cookies) > 0 {
		header["Set-Cookie"] = cookies
	}
	return reply{status: http.StatusFound, kind: contentHTML, header: header}
}

// marshal is for values whose encoding cannot fail.
func marshal(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("sim: " + err.Error()) // a type that JSON cannot express: a mistake in this package
	}
	return raw
}

// jsonSafe escapes text for use inside a JSON string.
func jsonSafe(text string) string {
	raw := marshal(text)
	return string(raw[1 : len(raw)-1])
}

// sortedKeys gives an object's keys in an order that does not change.
func sortedKeys[V any](object map[string]V) []string { return slices.Sorted(maps.Keys(object)) }
