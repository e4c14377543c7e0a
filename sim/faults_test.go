package sim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// guest is a client of the Kia account that knows nothing but the protocol page.
type guest struct {
	t      testing.TB
	sim    *Sim
	client *http.Client
	access string
	device string
	ids    []string
}

func newGuest(t testing.TB, s *Sim) *guest {
	t.Helper()
	g := &guest{t: t, sim: s, client: &http.Client{Transport: s.RoundTripper(), CheckRedirect: stay}}
	client := pageClients["kia"]
	var registered struct {
		ResMsg struct{ DeviceID string }
	}
	g.decode(g.do("POST", client[2]+"/api/v1/spa/notifications/register", `{"pushRegId":"0","pushType":"APNS","uuid":"1"}`), &registered)
	g.device = registered.ResMsg.DeviceID
	g.renew()
	for _, v := range s.clouds[1].cars {
		g.ids = append(g.ids, v.id)
	}
	return g
}

// renew fetches a new access token.
func (g *guest) renew() {
	client := pageClients["kia"]
	var token struct {
		AccessToken string `json:"access_token"`
	}
	g.decode(g.do("POST", "https://idpconnect-eu.kia.com/auth/api/v2/user/oauth2/token", "grant_type=refresh_token&client_id="+client[0]+
		"&client_secret="+client[1]+"&refresh_token="+g.sim.clouds[1].account.refreshToken()), &token)
	g.access = token.AccessToken
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// request builds a call with all headers.
func (g *guest) request(ctx context.Context, method, url, body string) *http.Request {
	g.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer " + g.access, "ccsp-device-id": g.device, "ccsp-application-id": pageStamps["kia"][1],
		"Stamp": pageStamp("kia", strconv.FormatInt(time.Now().Unix(), 10)), "Ccuccs2protocolsupport": "1",
	} {
		r.Header.Set(name, value)
	}
	return r
}

type answer struct {
	status int
	header http.Header
	body   string
	err    error // of the body
}

func (g *guest) do(method, url, body string) answer {
	g.t.Helper()
	response, err := g.client.Do(g.request(g.t.Context(), method, url, body))
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(read), err}
}

func (g *guest) decode(a answer, into any) {
	g.t.Helper()
	if a.err != nil || json.Unmarshal([]byte(a.body), into) != nil {
		g.t.Fatalf("no JSON: %+v", a)
	}
}

// car builds the address of an endpoint of the n-th car.
func (g *guest) car(n int, path string) string {
	return pageClients["kia"][2] + "/api/v1/spa/vehicles/" + g.ids[n] + path
}

func (g *guest) list() answer {
	return g.do("GET", pageClients["kia"][2]+"/api/v1/spa/vehicles", "")
}

const (
	cachedPath = "/ccs2/carstatus/latest"
	wakePath   = "/ccs2/carstatus"
)

// Every kind of fault answers as docs/protocol/europe.md §8 and §11.3 have it, and all
// is well when it is switched off.
func TestFaults_AnswerAsTheProtocolPageHasIt(t *testing.T) {
	cases := []struct {
		fault  string
		call   func(*guest) answer
		status int
		body   string // part of it
		header string // Location
	}{
		{"status=500", (*guest).list, 500, "Internal Server Error", ""},
		{"status=503", (*guest).list, 503, "Service Unavailable", ""},
		{"html", (*guest).list, 200, "<html>", ""},
		{"html=502", (*guest).list, 502, "<html>", ""},
		{"empty", (*guest).list, 200, "", ""},
		{"quota", (*guest).list, 509, `"resCode":"5091","resMsg":"Exceeds number of requests - Exceeds Number of Requests."`, ""},
		{"quota", func(g *guest) answer { return g.do("GET", g.car(0, cachedPath), "") }, 509, "5091", ""},
		{"duplicate", func(g *guest) answer { return g.do("GET", g.car(0, wakePath), "") }, 400, `"resCode":"4004","resMsg":"Duplicate request - Duplicate request"`, ""},
		{"busy", func(g *guest) answer { return g.do("GET", g.car(1, "/status"), "") }, 503, `"resCode":"5031","resMsg":"Unavailable remote control - Service Temporary Unavailable"`, ""},
		{"unreachable", func(g *guest) answer { return g.do("GET", g.car(1, "/location"), "") }, 408, `"resCode":"4081","resMsg":"Request timeout"`, ""},
		{"low-battery", func(g *guest) answer { return g.do("GET", g.car(0, wakePath), "") }, 400, `"resCode":"4007","resMsg":"Remote control unavailable(low battery)"`, ""},
		{"no-data", func(g *guest) answer { return g.do("GET", g.car(0, cachedPath), "") }, 592, `"resCode":"5921","resMsg":"No Data Found v2 - No Data Found v2"`, ""},
		{"unreachable=silent", func(g *guest) answer { return g.do("GET", g.car(0, wakePath), "") }, 200, `"resCode":"0000"`, ""},
		{"expired-token", (*guest).list, 401, `{"error":"Key not authorized: Token is expired"}`, ""},
		{"invalid-device", (*guest).list, 400, `"resCode":"4002","resMsg":"Invalid request body - Invalid deviceId."`, ""},
		{"blocked", authorize, 302, "", "/error?status=400"},
		{"blocked=403", authorize, 403, "<html>", ""},
		{"consent", signin, 302, "", "/web/v1/user/authorization"},
		{"credentials", signin, 302, "", "/oauth2/authorize"},
		{"credentials=error", signin, 302, "", "error=access_denied"},
		{"slow=90s", (*guest).list, 200, "vehicles", ""},
		{"drip=10ms", (*guest).list, 200, "vehicles", ""},
	}
	for _, tc := range cases {
		t.Run(tc.fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(t, Options{Cars: 2, Parked: true})
				g := newGuest(t, s)
				added, err := s.AddFault(tc.fault)
				must(t, err)
				begin := time.Now()
				a := tc.call(g)
				if a.err != nil || a.status != tc.status || !strings.Contains(a.body, tc.body) || !strings.Contains(a.header.Get("Location"), tc.header) {
					t.Errorf("got %+v", a)
				}
				if tc.fault == "empty" && a.body != "" {
					t.Errorf("the body is %q", a.body)
				}
				if took := time.Since(begin); tc.fault == "slow=90s" && took != 90*time.Second || tc.fault == "drip=10ms" && took < time.Second {
					t.Errorf("took %v", took)
				}
				if strings.HasPrefix(a.body, "{") && !json.Valid([]byte(a.body)) {
					t.Errorf("not JSON: %s", a.body)
				}
				if list := s.Faults(); len(list) != 1 || list[0].ID != added.ID || list[0].Struck != 1 {
					t.Errorf("the list says %+v", list)
				}
				s.ClearFaults()
				if tc.fault == "expired-token" {
					if again := g.list(); again.status != 401 {
						t.Errorf("an expired token lives again: %d", again.status)
					}
				}
				<-time.After(time.Minute)
				g = newGuest(t, s)
				if a := g.list(); a.status != 200 || a.err != nil {
					t.Errorf("not well after the fault: %+v", a)
				}
			})
		})
	}
}

func authorize(g *guest) answer {
	return g.do("GET", "https://idpconnect-eu.kia.com/auth/api/v2/user/oauth2/authorize?response_type=code&client_id=01b36c86-79e8-486c-8009-15f2ad88d670&redirect_uri=https://oneapp.kia.com/redirect&lang=en&state=ccsp&country=de", "")
}

func signin(g *guest) answer {
	return g.do("POST", "https://idpconnect-eu.kia.com/auth/account/signin", "client_id=01b36c86-79e8-486c-8009-15f2ad88d670&encryptedPassword=true&password=00&redirect_uri=https%3A%2F%2Foneapp.kia.com%2Fredirect&state=ccsp&username=demo%40example.com&kid="+passwordKeyID)
}

// The page behind the block says so in words that clients look for.
func TestFaults_BlockedPageSaysAbusing(t *testing.T) {
	g := newGuest(t, newSim(t, Options{Cars: 1}))
	_, err := g.sim.AddFault("blocked")
	must(t, err)
	a := g.do("GET", authorize(g).header.Get("Location"), "")
	if a.status != 400 || !strings.Contains(a.body, "abusing request and blocked") {
		t.Errorf("got %+v", a)
	}
}

func TestFaults_SilentEndsWithTheClientsPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t, newSim(t, Options{Cars: 1}))
		_, err := g.sim.AddFault("silent")
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		begin := time.Now()
		_, err = g.client.Do(g.request(ctx, "GET", g.car(0, cachedPath), ""))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 30*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

func TestFaults_ResetAfterTheCommandWasCarriedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, Options{Cars: 1, Parked: true})
		g := newGuest(t, s)
		for _, tc := range []struct {
			fault string
			wakes int
		}{{"reset,count=1", 0}, {"reset=after,count=1", 1}} {
			_, err := s.AddFault(tc.fault)
			must(t, err)
			a := g.do("GET", g.car(0, wakePath), "")
			if !errors.Is(a.err, syscall.ECONNRESET) {
				t.Errorf("%s: %+v", tc.fault, a)
			}
			if got := s.clouds[1].cars[0].view().Wakes; got != tc.wakes {
				t.Errorf("%s: %d wakes, want %d", tc.fault, got, tc.wakes)
			}
		}
	})
}

func TestFaults_TruncatedBodyEndsEarly(t *testing.T) {
	g := newGuest(t, newSim(t, Options{Cars: 1}))
	whole := g.list().body
	_, err := g.sim.AddFault("truncated")
	must(t, err)
	a := g.list()
	if a.status != 200 || !errors.Is(a.err, io.ErrUnexpectedEOF) || len(a.body) == 0 || len(a.body) > len(whole)*2/3 {
		t.Errorf("got %d of %d bytes, status %d, error %v", len(a.body), len(whole), a.status, a.err)
	}
}

// On a real socket a reset is a reset, and half a body is an error.
func TestFaults_OnASocket(t *testing.T) {
	s := newSim(t, Options{Cars: 1})
	server := httptest.NewServer(s)
	defer server.Close()
	get := func() ([]byte, error) {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/auth/api/v1/accounts/certs", nil)
		must(t, err)
		r.Host = "idpconnect-eu.kia.com:443"
		response, err := client.Do(r)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		return io.ReadAll(response.Body)
	}
	_, err := s.AddFault("reset,count=1")
	must(t, err)
	if _, err := get(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reset: %v", err)
	}
	_, err = s.AddFault("truncated,count=1")
	must(t, err)
	if body, err := get(); !errors.Is(err, io.ErrUnexpectedEOF) || len(body) == 0 {
		t.Errorf("truncated: %d bytes, %v", len(body), err)
	}
	_, err = s.AddFault("drip=1us,count=1")
	must(t, err)
	if body, err := get(); err != nil || !json.Valid(body) {
		t.Errorf("drip: %s, %v", body, err)
	}
	if body, err := get(); err != nil || !json.Valid(body) {
		t.Errorf("afterwards: %s, %v", body, err)
	}
}

func TestFaults_WrongTypesIsJSONOfAnotherKind(t *testing.T) {
	g := newGuest(t, newSim(t, Options{Cars: 1}))
	right := leaves(t, []byte(g.do("GET", g.car(0, cachedPath), "").body))
	_, err := g.sim.AddFault("wrong-types")
	must(t, err)
	a := g.do("GET", g.car(0, cachedPath), "")
	if !json.Valid([]byte(a.body)) {
		t.Fatalf("not JSON: %s", a.body)
	}
	same := 0
	for path, leaf := range leaves(t, []byte(a.body)) {
		if was, there := right[path]; there && typeOf(was) == typeOf(leaf) {
			same++
			t.Logf("%s is still %v", path, leaf)
		}
	}
	if same > 0 {
		t.Errorf("%d of %d leaves have kept their type", same, len(right))
	}
}

func TestFaults_AfterCountAndShare(t *testing.T) {
	g := newGuest(t, newSim(t, Options{Cars: 1, Seed: 3}))
	outcomes := func(fault string, calls int) (struck []int) {
		g.sim.ClearFaults()
		_, err := g.sim.AddFault(fault)
		must(t, err)
		for i := range calls {
			if g.list().status == 503 {
				struck = append(struck, i)
			}
		}
		return struck
	}
	if got := outcomes("status=503,after=2,count=3", 10); len(got) != 3 || got[0] != 2 || got[2] != 4 {
		t.Errorf("after=2,count=3 struck at %v", got)
	}
	first := outcomes("status=503,share=0.2", 500)
	if len(first) < 60 || len(first) > 140 {
		t.Errorf("a share of 0.2 struck %d of 500 times", len(first))
	}
	second := outcomes("status=503,share=0.2", 500)
	if len(first) != len(second) || first[0] != second[0] {
		t.Error("the same seed strikes other calls")
	}
	if got := outcomes("status=503,path=*/vehicles,host=prd.eu-ccapi.*", 3); len(got) != 3 {
		t.Errorf("matching globs struck at %v", got)
	}
	if got := outcomes("status=503,path=*/status,host=prd.eu-ccapi.*", 3); len(got) != 0 {
		t.Errorf("a glob for other paths struck at %v", got)
	}
	if got := outcomes("status=503,host=*.hyundai.com", 3); len(got) != 0 {
		t.Errorf("a glob for other hosts struck at %v", got)
	}
	// What cannot happen to a call does not use up a count.
	if got := outcomes("duplicate,count=1", 3); len(got) != 0 || g.sim.Faults()[0].Matched != 0 {
		t.Errorf("a duplicate struck a list: %v", got)
	}
}

func TestFaults_HowCommandsEnd(t *testing.T) {
	for arg, want := range map[string]string{"fail": `"result":"fail"`, "non-response": `"result":"non-response"`, "pending": `"result":null`, "unrecorded": `"resMsg":[]`} {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(t, Options{Cars: 2, Parked: true})
			g := newGuest(t, s)
			_, err := s.AddFault("action=" + arg)
			must(t, err)
			a := g.do("POST", g.car(1, "/control/door"), `{"action":"open","deviceId":"`+g.device+`"}`)
			if a.status != 200 {
				t.Fatalf("%s: %+v", arg, a)
			}
			<-time.After(20 * time.Second)
			records := g.do("GET", pageClients["kia"][2]+"/api/v1/spa/notifications/"+g.ids[1]+"/records", "")
			if !strings.Contains(records.body, want) {
				t.Errorf("%s: %s", arg, records.body)
			}
			done := arg == "pending" || arg == "unrecorded"
			if unlocked := truthOf(s.clouds[1].cars[1], "locked") == false; unlocked != done {
				t.Errorf("%s: unlocked is %v, want %v", arg, unlocked, done)
			}
		})
	}
}

func TestParseFault_Table(t *testing.T) {
	good := map[string]Fault{
		"slow":                                {Kind: "slow", Arg: "5s"},
		"slow=250ms":                          {Kind: "slow", Arg: "250ms"},
		"status=500,path=*/carstatus,count=2": {Kind: "status", Arg: "500", Path: "*/carstatus", Count: 2},
		" busy , share=0.2 , after=3":         {Kind: "busy", Share: 0.2, After: 3},
		"reset=after,host=cci-*":              {Kind: "reset", Arg: "after", Host: "cci-*"},
	}
	for text, want := range good {
		if got, err := ParseFault(text); err != nil || got != want {
			t.Errorf("%q: %+v (%v), want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "nonsense", "slow=never", "slow=-1s", "status=99", "busy=1", "busy,share=0", "busy,share=2", "busy,after=-1", "busy,count=x",
		"busy,path", "busy,until=noon", "blocked=404", "drip=0s",
	} {
		if f, err := ParseFault(text); err == nil {
			t.Errorf("%q is taken: %+v", text, f)
		}
	}
}

func TestGlob_Table(t *testing.T) {
	for _, tc := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "anything", true},
		{"*", "", true},
		{"a", "a", true},
		{"a", "ab", false},
		{"a*", "ab/c", true},
		{"*c", "ab/c", true},
		{"*b*", "abc", true},
		{"a*c*e", "abcde", true},
		{"a*c*e", "abde", false},
		{"*/control/*", "/api/v1/control/door", true},
		{"*ab*ab", "ab", false},
	} {
		if got := glob(tc.pattern, tc.text); got != tc.want {
			t.Errorf("glob(%q, %q) is %v", tc.pattern, tc.text, got)
		}
	}
}
