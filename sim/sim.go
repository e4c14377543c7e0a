package sim

import (
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"
)

// Sim is a simulated world: clouds, their accounts and cars. It is safe for concurrent
// use and has nothing to close.
type Sim struct {
	options Options
	clock   *clock
	clouds  []*cloud
	hosts   map[string]*router // by Host header without port, lower case
	strays  []*router          // those that take calls to an unknown host
	calls   callBook
	faults  faultBook
	views   *http.ServeMux
}

// New builds the world that the options describe. Its cars begin to live at once, in
// the time that time.Now shows.
func New(options Options) (*Sim, error) {
	if err := options.validate(); err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	s := &Sim{options: options, clock: newClock(options.TimeScale, time.Now()), hosts: map[string]*router{}}
	s.faults.init(options.Seed)
	for _, f := range faces {
		if len(options.Regions) > 0 && !slices.Contains(options.Regions, f.region) {
			continue
		}
		c := &cloud{face: f, sim: s, email: Email, commandTakes: commandTakes, answerTakes: answerTakes, byID: map[string]*car{}}
		c.account = newAccount(c)
		for i := range options.Cars {
			c.add(newCar(c, i))
		}
		hosts := f.build(c)
		c.hosts = sortedKeys(hosts)
		for host, routes := range hosts {
			routes.elder = s.hosts[host]
			s.hosts[host] = routes
			if routes.stray != nil {
				s.strays = append(s.strays, routes)
			}
		}
		s.clouds = append(s.clouds, c)
	}
	if c := s.clouds[0]; c.region == "eu" {
		s.addStampList(c)
	}
	for _, file := range options.Replay {
		if err := s.addReplay(file); err != nil {
			return nil, fmt.Errorf("simulate: replay %s: %w", file, err)
		}
	}
	for _, text := range options.Faults {
		if _, err := s.AddFault(text); err != nil {
			return nil, fmt.Errorf("simulate: %w", err)
		}
	}
	s.views = s.newViews()
	return s, nil
}

// ServeHTTP answers as the cloud of the request's Host, or with a view of the
// simulator itself below /_sim/, whatever the Host.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") || r.URL.Path == "/_sim" {
		s.views.ServeHTTP(w, r)
		return
	}
	routes := s.hosts[hostName(r.Host)]
	for i := 0; routes == nil && i < len(s.strays); i++ {
		if s.strays[i].stray(r) {
			routes = s.strays[i]
		}
	}
	if routes == nil {
		viewError(w, http.StatusMisdirectedRequest,
			"no simulated cloud answers as "+r.Host+"; send the Host header of a real one: "+strings.Join(s.Hosts(), ", "))
		return
	}
	routes.serve(w, r)
}

// hostName strips port and case, as clients send "prd.eu-ccapi.kia.com:8080" and the
// like.
func hostName(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return strings.ToLower(host)
}

// Hosts lists the host names that are served, sorted.
func (s *Sim) Hosts() []string {
	hosts := make([]string, 0, len(s.hosts))
	for host := range s.hosts {
		hosts = append(hosts, host)
	}
	sort.Strings(hosts)
	return hosts
}

// Advance skips d of car time and of the time by which tokens age.
func (s *Sim) Advance(d time.Duration) error {
	if d <= 0 || d > maxAdvance {
		return fmt.Errorf("advance the clock: %v is not within 0 and %v", d, maxAdvance)
	}
	if !s.clock.advance(time.Now(), d) {
		return fmt.Errorf("advance the clock: it is already %v ahead; reset it first", maxSkipped)
	}
	return nil
}

// maxAdvance bounds the work that a later call has to catch up with, maxSkipped the
// years that a world may live through.
const (
	maxAdvance = 366 * 24 * time.Hour
	maxSkipped = 10 * maxAdvance
)

// latency is what the options put in front of an endpoint's answer.
func (s *Sim) latency(e *endpoint) time.Duration {
	d := s.options.Latency
	if e.status {
		d += s.options.LatencyCached
	}
	return d
}

// tokenLife is how long a token lives that lives for natural in the real cloud.
func (s *Sim) tokenLife(natural time.Duration) time.Duration {
	if life := s.options.TokenLife; life > 0 {
		return life
	}
	return natural
}
