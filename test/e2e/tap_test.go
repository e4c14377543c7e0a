package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// tap stands between the program and the simulated clouds and sees all that passes.
type tap struct {
	next http.Handler

	mu     sync.Mutex // guards what follows
	calls  int
	moved  chan struct{}      // closed and replaced at each call
	wallet map[string]*wallet // by brand
	secret map[string]string  // what clouds handed out, and what it is
}

// wallet is what one account was given, in order, and has shown that it holds.
type wallet struct {
	sets   []string // access tokens of the sets of the OneApp backend, of which only the newest is worth anything
	tokens []string // access tokens for the vehicles
	// The newest that a request carried: what was used must be durable.
	usedSet, usedToken int
}

// newTappedWorld is newWorld with a tap.
func newTappedWorld(t *testing.T, o sim.Options) (*world, *tap) {
	t.Helper()
	broker := mqtttest.Start(t)
	s, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	tapped := &tap{next: s, moved: make(chan struct{}), wallet: map[string]*wallet{}, secret: map[string]string{}}
	server := httptest.NewServer(tapped)
	t.Cleanup(server.Close)
	return &world{t, s, server.URL, broker}, tapped
}

// brandOf reads the brand off a host name.
func brandOf(host string) string {
	for brand := range brandNumbers {
		if strings.Contains(host, brand) {
			return brand
		}
	}
	return ""
}

func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim") {
		p.next.ServeHTTP(w, r)
		return
	}
	brand := brandOf(r.Host)
	p.request(brand, r)
	if !gives(r.URL.Path) {
		p.next.ServeHTTP(w, r)
		return
	}
	recorder := httptest.NewRecorder()
	p.next.ServeHTTP(recorder, r)
	answer := recorder.Result()
	body, _ := io.ReadAll(answer.Body)
	p.answer(brand, r.URL.Path, answer, body)
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(body)
}

// gives tells the endpoints that hand out tokens.
func gives(path string) bool {
	return strings.Contains(path, "/auth/token") || strings.Contains(path, "/oauth2/token") || strings.HasSuffix(path, "/signin") ||
		strings.HasSuffix(path, "/register") || strings.HasSuffix(path, "/pin")
}

func (p *tap) request(brand string, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	close(p.moved)
	p.moved = make(chan struct{})
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if wallet := p.wallet[brand]; wallet != nil {
		wallet.usedSet = max(wallet.usedSet, place(wallet.sets, token))
		wallet.usedToken = max(wallet.usedToken, place(wallet.tokens, token))
	}
}

// place is where a token stands in a list, counted from 1; 0 when it is not there.
func place(list []string, token string) int {
	for i := len(list) - 1; i >= 0 && token != ""; i-- {
		if list[i] == token {
			return i + 1
		}
	}
	return 0
}

// answer notes what a cloud hands out.
func (p *tap) answer(brand, path string, answer *http.Response, body []byte) {
	var texts map[string]any
	_ = json.NewDecoder(bytes.NewReader(body)).Decode(&texts)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.learn(texts)
	if code := queryOf(answer.Header.Get("Location"), "code"); code != "" {
		p.secret[code] = "sign-in code"
	}
	access, _ := texts["accessToken"].(string)
	if access == "" || answer.StatusCode != http.StatusOK {
		return
	}
	if p.wallet[brand] == nil {
		p.wallet[brand] = &wallet{}
	}
	if strings.HasSuffix(path, "/token-exchange") {
		p.wallet[brand].tokens = append(p.wallet[brand].tokens, access)
	} else {
		p.wallet[brand].sets = append(p.wallet[brand].sets, access)
	}
}

// learn takes every long text in an answer of those endpoints for a secret.
func (p *tap) learn(value any) {
	object, ok := value.(map[string]any)
	if !ok {
		return
	}
	for name, value := range object {
		if text, ok := value.(string); ok && len(text) >= 16 && (strings.Contains(strings.ToLower(name), "token") || name == "deviceId") {
			p.secret[text] = name
		}
		p.learn(value)
	}
}

func queryOf(address, name string) string {
	_, query, _ := strings.Cut(address, "?")
	for _, pair := range strings.Split(query, "&") {
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return value
		}
	}
	return ""
}

// after gives a channel that is closed when n more calls have come in.
func (p *tap) after(n int, stop <-chan struct{}) <-chan struct{} {
	p.mu.Lock()
	target := p.calls + n
	p.mu.Unlock()
	reached := make(chan struct{})
	go func() {
		defer close(reached)
		for {
			p.mu.Lock()
			calls, moved := p.calls, p.moved
			p.mu.Unlock()
			if calls >= target {
				return
			}
			select {
			case <-moved:
			case <-stop:
				return
			}
		}
	}()
	return reached
}

// wallets copies what accounts were given.
func (p *tap) wallets() map[string]wallet {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]wallet{}
	for brand, w := range p.wallet {
		all[brand] = *w
	}
	return all
}

// file is one of a directory.
type file struct{ name, text string }

// files reads all files below a directory; sockets come without a text.
func files(t *testing.T, dir string) (all []file) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		f := file{name: path}
		if entry.Type().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			f.text = string(text)
		}
		all = append(all, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
