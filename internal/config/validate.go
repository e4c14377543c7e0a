package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// validate looks at what keys mean together; each value alone was judged when it was read.
func (l *loader) validate(sources Sources) {
	if len(l.config.Accounts) == 0 && !l.unreadable {
		l.noAccount(sources)
	}
	l.accounts()
	l.vehicles()
	l.owntracks()
	l.presets()
	l.zones()
	l.broker()
	l.mqtt()
	l.homeAssistant()
	l.cloudURL()
	l.wakes()
	l.listens("http.listen", l.config.HTTP.Listen)
	l.storeKey()
	if _, err := l.config.Refresh.VacationUntil(); err != nil {
		l.problem(l.at("refresh.vacation_until"), "is no date; write it as 2026-08-31")
	}
	if c := l.config; c.CloudURL == "" && c.Refresh.Interval > 0 && c.Refresh.Interval < sparingInterval {
		l.warn(l.at("refresh.interval"), "is short: clouds allow about 150 calls a day and refuse more, to the maker's app too")
	}
}

// sparingInterval is the shortest time between reads for which a day's calls are enough.
const sparingInterval = 10 * time.Minute

// at is the place of a key's value. For a default it is the key alone, in the file if there is one.
func (l *loader) at(path string) Origin {
	if at, given := l.config.origins[path]; given {
		return at
	}
	return Origin{Source: l.config.File, Name: path}
}

func (l *loader) given(path string) bool {
	_, given := l.config.origins[path]
	return given
}

// Names that have a meaning of their own in topics.
var reserved = []string{"bridge", "account"}

var topicName = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// name judges a name that stands in topics.
func (l *loader) name(at Origin, name string, taken map[string]Origin) {
	first, twice := taken[name]
	switch {
	case !topicName.MatchString(name):
		l.problem(at, "%s is no name: up to 64 of a-z, 0-9, _ and -", shown(name))
	case slices.Contains(reserved, name):
		l.problem(at, "%q has a meaning of its own in topics: choose another name", name)
	case twice:
		l.problem(at, "%q is the name of another one (%s): names are unique", name, first)
	default:
		taken[name] = at
	}
}

func (l *loader) accounts() {
	names, people := map[string]Origin{}, map[string]Origin{}
	for i := range l.config.Accounts {
		a := &l.config.Accounts[i]
		entry := fmt.Sprintf("accounts[%d]", i)
		place := l.config.origins[entry]
		missing := func(key, what string) {
			at := place
			at.Name = entry + "." + key
			if at.layer != fromFile {
				at.Name = l.missingHint(i, key)
			}
			l.problem(at, "is missing: %s", what)
		}
		for _, key := range []string{"region", "brand"} {
			if !l.given(entry+"."+key) && !l.dropInAccount {
				missing(key, keys().byPath["accounts[]."+key].Range())
			}
		}
		token := l.given(entry + ".refresh_token")
		if !l.given(entry+".username") && !token {
			missing("username", "the e-mail address of the account")
		}
		if !l.given(entry+".password") && !token {
			missing("password", "or its file, "+l.fileHint(i)+", or a refresh token")
		}

		if a.Name == "" && a.Brand != 0 && a.Region != 0 {
			a.Name = a.Brand.String() + "-" + a.Region.String()
		}
		if at := l.at(entry + ".name"); a.Name != "" {
			if !l.given(at.Name) && at.layer == defaults {
				at = place
				at.Name = entry + ".name"
			}
			l.name(at, a.Name, names)
		}
		if language := strings.ToLower(a.Language); len(language) < 2 || strings.Trim(language[:2], "abcdefghijklmnopqrstuvwxyz") != "" {
			l.problem(l.at(entry+".language"), "%s is no language: two letters, such as en", shown(a.Language))
		} else {
			a.Language = language[:2]
		}
		l.person(entry, a, people)
		for _, vin := range a.Include {
			if slices.Contains(a.Exclude, vin) {
				l.problem(l.at(entry+".exclude"), "VIN %s stands in include too", vin)
			}
		}
	}
}

// person tells accounts apart as the store does: by region, brand and user name.
func (l *loader) person(entry string, a *Account, people map[string]Origin) {
	at := l.at(entry + ".username")
	if !l.given(at.Name) && at.layer == defaults {
		at = l.config.origins[entry]
		at.Name = entry + ".username"
	}
	person := a.Region.String() + " " + a.Brand.String() + " " + strings.ToLower(a.Username.Reveal())
	first, twice := people[person]
	switch {
	case !twice:
		people[person] = at
	case !a.Username.IsZero():
		l.problem(at, "the same account of the same brand and region stands at %s: keep one", first)
	case l.given(entry + ".refresh_token"):
		l.problem(at, "is missing: nothing else tells the account from %s", strings.TrimSuffix(first.String(), ".username"))
	}
}

// fileHint says which key or variable names the file of a password.
func (l *loader) fileHint(entry int) string {
	if l.dropInAccount {
		return "HYUNDAI_PASSWORD_FILE"
	}
	if l.config.origins[fmt.Sprintf("accounts[%d]", entry)].layer == fromFile {
		return "password_file"
	}
	return fmt.Sprintf("%sACCOUNTS_%d_PASSWORD_FILE", variablePrefix, entry)
}

// owntracks checks what becomes a topic, and that positions may be told.
func (l *loader) owntracks() {
	for key, word := range map[string]string{"owntracks.user": l.config.OwnTracks.User, "owntracks.prefix": l.config.OwnTracks.Prefix} {
		if strings.ContainsAny(word, "+#\x00") || strings.HasPrefix(word, "/") || strings.HasSuffix(word, "/") || key == "owntracks.user" && strings.Contains(word, "/") {
			l.problem(l.at(key), "%.64q cannot be a part of a topic", word)
		}
	}
	if l.config.OwnTracks.User != "" && (l.config.MQTT.Location == TellZone || l.config.MQTT.Location == TellNothing) {
		l.problem(l.at("owntracks.user"), "tells whole positions, which mqtt.location keeps back: leave one of them out")
	}
}

func (l *loader) vehicles() {
	names, vins := map[string]Origin{}, map[string]Origin{}
	for i, v := range l.config.Vehicles {
		entry := fmt.Sprintf("vehicles[%d]", i)
		needed := []string{"vin", "name"}
		if l.given(entry+".account") || l.given(entry+".abrp_token") {
			needed = needed[:1]
		}
		for _, key := range needed {
			if !l.given(entry + "." + key) {
				at := l.config.origins[entry]
				at.Name = entry + "." + key
				l.problem(at, "is missing: an entry has a vin, and a name, an account or an abrp_token")
			}
		}
		if v.Account != "" && !slices.ContainsFunc(l.config.Accounts, func(a Account) bool { return a.Name == v.Account }) {
			l.problem(l.at(entry+".account"), "there is no account %.64q", v.Account)
		}
		if v.Name != "" {
			l.name(l.at(entry+".name"), v.Name, names)
		}
		if v.ABRPToken.Reveal() != "" && l.config.ABRP.Key.Reveal() == "" {
			l.problem(l.at(entry+".abrp_token"), "abrp.api_key is needed too")
		}
		if v.VIN == "" {
			continue
		}
		if first, twice := vins[v.VIN.Full()]; twice {
			l.problem(l.at(entry+".vin"), "this car has a name already (%s)", first)
		}
		vins[v.VIN.Full()] = l.at(entry + ".vin")
	}
}

func (l *loader) mqtt() {
	m := &l.config.MQTT
	l.plainTopic("mqtt.base_topic", m.BaseTopic)
	l.server(m)

	// Both or none, as in the old service; our own keys may say a user name alone.
	user, password := l.at("mqtt.username"), l.at("mqtt.password")
	switch {
	case m.Username != "" && m.Password.IsZero() && user.Name == "MQTT_USERNAME":
		m.Username = ""
		l.warn(user, "is not used, since MQTT_PASSWORD is not set, as in the service before")
	case m.Username == "" && !m.Password.IsZero() && strings.HasPrefix(password.Name, "MQTT_PASSWORD"):
		m.Password = Default().MQTT.Password
		l.warn(password, "is not used, since MQTT_USERNAME is not set, as in the service before")
	case m.Username == "" && !m.Password.IsZero():
		l.problem(password, "belongs to a user name: set mqtt.username too")
	}

	switch cert, key := l.at("mqtt.tls.cert_file"), l.at("mqtt.tls.key_file"); {
	case m.TLS.CertFile != "" && m.TLS.KeyFile == "":
		l.problem(cert, "belongs to a key: set mqtt.tls.key_file too")
	case m.TLS.CertFile == "" && m.TLS.KeyFile != "":
		l.problem(key, "belongs to a certificate: set mqtt.tls.cert_file too")
	}
	l.readable("mqtt.tls.ca_file", m.TLS.CAFile)
	l.readable("mqtt.tls.cert_file", m.TLS.CertFile)
	l.readable("mqtt.tls.key_file", m.TLS.KeyFile)
	if m.TLS.Insecure {
		l.warn(l.at("mqtt.tls.insecure"), "accepts every certificate: anybody between here and the broker can read and command")
	}
}

// plainTopic judges a topic, or the beginning of many.
func (l *loader) plainTopic(key, topic string) {
	at := l.at(key)
	switch {
	case strings.ContainsAny(topic, "+#$"):
		l.problem(at, "%s holds a +, # or $, which have a meaning of their own in topics", shown(topic))
	case strings.ContainsFunc(topic, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) || !utf8.ValidString(topic):
		l.problem(at, "%s holds a space or a control character, which some brokers refuse in topics", shown(topic))
	case strings.HasPrefix(topic, "/") || strings.HasSuffix(topic, "/"):
		l.problem(at, "%s begins or ends with a slash: write it without", shown(topic))
	case strings.Contains(topic, "//"):
		l.problem(at, "%s has an empty level: write one slash", shown(topic))
	case len(topic) > 256:
		l.problem(at, "is longer than 256 bytes")
	}
}

// server judges the broker's address. Where url and host are both given, the stronger source wins.
func (l *loader) server(m *MQTT) {
	at := l.at("mqtt.url")
	if m.URL != "" {
		for _, key := range []string{"mqtt.host", "mqtt.port"} {
			other, given := l.config.origins[key]
			switch {
			case given && other.layer == at.layer:
				l.problem(other, "%s is given too (%s): keep one of the two", at.Name, place(at))
			case given && other.layer > at.layer:
				m.URL = ""
				return
			}
		}
		if what := badURL(m.URL, "mqtt", "mqtts", "tcp", "ssl", "tls", "ws", "wss"); what != "" {
			l.problem(at, "%s", what)
		} else if u, _ := url.Parse(m.URL); m.TLS.Enabled && (u.Scheme == "mqtt" || u.Scheme == "tcp" || u.Scheme == "ws") {
			l.problem(at, "says %s://, without TLS, but mqtt.tls.enabled is true (%s): write %s://", u.Scheme,
				place(l.at("mqtt.tls.enabled")), map[string]string{"mqtt": "mqtts", "tcp": "mqtts", "ws": "wss"}[u.Scheme])
		}
		return
	}
	at = l.at("mqtt.host")
	switch _, err := netip.ParseAddr(strings.Trim(m.Host, "[]")); {
	case err == nil:
		m.Host = strings.Trim(m.Host, "[]")
	case strings.Contains(m.Host, "://"):
		l.problem(at, "is a whole address: it goes to mqtt.url (BLUELINK_MQTT_URL), or write the host alone")
	case strings.Contains(m.Host, ":"):
		l.problem(at, "holds a port: it goes to mqtt.port (BLUELINK_MQTT_PORT or MQTT_BROKER_PORT)")
	case strings.ContainsFunc(m.Host, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("/@?#", r) }):
		l.problem(at, "is no host name")
	}
}

// place is where a value stands, without its name.
func place(o Origin) string {
	o.Name = ""
	return o.String()
}

// badURL says what is wrong with an address, without repeating it: it may hold a password.
func badURL(text string, schemes ...string) string {
	example := schemes[0] + "://host:port"
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "is no address: such as " + example
	case u.User != nil:
		return "holds a user name or password: they have keys of their own"
	case !slices.Contains(schemes, strings.ToLower(u.Scheme)):
		return "should begin with one of " + strings.Join(schemes, "://, ") + "://"
	case u.Hostname() == "":
		return "has no host: such as " + example
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "has a port out of range: 1 to 65535"
		}
	}
	return ""
}

func (l *loader) broker() {
	b := &l.config.Broker
	l.listens("broker.listen", b.Listen)
	l.listens("broker.websocket", b.WebSocket)
	if b.Mode != EmbeddedBroker {
		return
	}
	if (b.Username == "") != b.Password.IsZero() {
		key := "broker.username"
		if b.Username == "" {
			key = "broker.password"
		}
		l.problem(l.at(key), "belongs to a password, and a password to a user name: one of the two is missing")
	}
	for _, key := range []string{"broker.listen", "broker.websocket"} {
		address := b.Listen
		if key == "broker.websocket" {
			address = b.WebSocket
		}
		host, _, err := net.SplitHostPort(address)
		if err == nil && b.Username == "" && !b.AllowAnonymous && !loopback(host) {
			l.problem(l.at(key), "lets everybody on the network command the cars: set broker.username and broker.password, or broker.allow_anonymous: true")
		}
	}
	for _, key := range []string{"mqtt.url", "mqtt.host"} {
		if l.given(key) {
			l.warn(l.at(key), "has no effect, since the broker is the embedded one")
		}
	}
}

// shortestKey is the length, in bytes, below which a key may be guessed by whoever has a copy of the file.
const shortestKey = 16

func (l *loader) storeKey() {
	if key := l.config.Store.Key; !key.IsZero() && len(key.Reveal()) < shortestKey {
		l.warn(l.at("store.key"), "is short, so that it can be guessed: take %d characters or more, such as openssl rand -base64 24 prints", shortestKey)
	}
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// listens judges an address to listen on; "" is none.
func (l *loader) listens(key, address string) {
	if address == "" {
		return
	}
	_, port, err := net.SplitHostPort(address)
	n, portErr := strconv.Atoi(port)
	if err != nil || portErr != nil || n < 0 || n > 65535 {
		l.problem(l.at(key), "%s is no address to listen on: host:port, such as 127.0.0.1:8080", shown(address))
	}
}

// cloudURL judges the simulator's address and what follows from it.
func (l *loader) cloudURL() {
	c := l.config
	if c.CloudURL == "" {
		return
	}
	at := l.at("cloud_url")
	u, err := url.Parse(c.CloudURL)
	switch what := badURL(c.CloudURL, "http", "https"); {
	case what != "":
		l.problem(at, "%s", what)
		return
	case err == nil && (strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != ""):
		l.problem(at, "should end after the port: http://host:port")
		return
	}
	c.CloudURL = u.Scheme + "://" + u.Host
	if !l.given("limits.enabled") {
		c.Limits.Enabled = false
	}
	l.warn(at, "sends everything for the clouds to %s, passwords too: cars, states and results are those of that address", c.CloudURL)
}

// readable tells early about a file that is needed later. It may be renewed while the program runs.
func (l *loader) readable(key, path string) {
	if path == "" {
		return
	}
	file, err := os.Open(path)
	if err != nil {
		l.problem(l.at(key), "cannot read %s: %s", path, reason(err))
		return
	}
	_ = file.Close()
}
