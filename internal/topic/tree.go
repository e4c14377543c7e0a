package topic

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// The segments below the base that are not cars.
const (
	bridgeSegment  = "bridge"
	accountSegment = "account"
	commands       = "commands"
)

// maxBase bounds the base topic, so that no topic comes near MQTT's 65,535 bytes.
const maxBase = 256

// Tree is the topic tree below one base topic, which may have several levels. Use [NewTree]; the zero Tree is of no use.
type Tree struct{ base string }

// NewTree checks the base topic: no wildcards, no empty levels, no control characters, at most 256 bytes, and no $ at
// its beginning, as such topics belong to the broker.
func NewTree(base string) (Tree, error) {
	refuse := func(why string) (Tree, error) { return Tree{}, fmt.Errorf("base topic %.64q %s", base, why) }
	switch {
	case base == "":
		return Tree{}, errors.New("base topic is empty")
	case len(base) > maxBase:
		return refuse(fmt.Sprintf("is longer than %d bytes", maxBase))
	case !utf8.ValidString(base):
		return refuse("is not UTF-8")
	case strings.ContainsAny(base, "+#"):
		return refuse("has a wildcard")
	case strings.HasPrefix(base, "$"):
		return refuse("begins with $, which belongs to the broker")
	case strings.ContainsFunc(base, unicode.IsControl):
		return refuse("has a control character")
	case strings.HasPrefix(base, "/") || strings.HasSuffix(base, "/") || strings.Contains(base, "//"):
		return refuse("has an empty level")
	}
	return Tree{base}, nil
}

// Base is the base topic.
func (t Tree) Base() string { return t.base }

// reserved tells whether a segment below the base is taken.
func reserved(segment string) bool { return segment == bridgeSegment || segment == accountSegment }

// ValidName tells whether a user may give a car or an account this name in topics: 1 to 64 of a-z, 0-9, _ and -, and
// neither bridge nor account.
func ValidName(name string) bool {
	return ValidCloudID(name) && name == strings.ToLower(name)
}

// ValidCloudID tells whether a cloud's own vehicle id can stand in topics as it is: as [ValidName], and capitals too.
func ValidCloudID(id string) bool {
	if len(id) < 1 || len(id) > 64 || reserved(id) {
		return false
	}
	for _, c := range []byte(id) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

// Car is the topics of one car, {base}/{vehicle}/….
type Car struct{ prefix string }

// Car gives the topics of the car with this name, which [ValidName] or [ValidCloudID] has accepted, or which
// [Tree.ParseCommand] has read.
func (t Tree) Car(name string) Car { return Car{t.base + "/" + name + "/"} }

// Topic is the topic with this suffix, the form in which [Row] and [Message] tell theirs.
func (c Car) Topic(suffix string) string { return c.prefix + suffix }

// Availability says online or offline.
func (c Car) Availability() string { return c.prefix + "availability" }

// Info says who the car is.
func (c Car) Info() string { return c.prefix + "info" }

// Result carries the record of one command; id as in [vehicle.ValidID].
func (c Car) Result(id string) string { return c.prefix + "result/" + id }

// Event carries what happened; kind is command, charging, alert, trip or security.
func (c Car) Event(kind string) string { return c.prefix + "event/" + kind }

// Action carries one step of an action in the form of the service that this one replaces: step is status, started_at,
// completed_at or error, and id, which the cloud gave, must fit into a topic.
func (c Car) Action(id, step string) string { return c.prefix + "action/" + id + "/" + step }

// Command is where the car takes one kind of command.
func (c Car) Command(segment string) string { return c.prefix + commands + "/" + segment }

// CommandFilter matches all commands of this car.
func (c Car) CommandFilter() string { return c.prefix + commands + "/+" }

// CommandFilter matches the commands of all cars, those of other instances below this base included.
func (t Tree) CommandFilter() string { return t.base + "/+/" + commands + "/+" }

// ReadFilters match what all cars can be asked without being commanded: to be read, and hints.
func (t Tree) ReadFilters() []string {
	var filters []string
	for _, spec := range []*vehicle.Spec{vehicle.Refresh{}.Spec(), vehicle.Hint{}.Spec()} {
		filters = append(filters, t.base+"/+/"+commands+"/"+spec.Topic)
	}
	return filters
}

// ParseCommand reads a command topic: whose it is and the segment that names the command. A topic that is deeper,
// shallower or not below the base is none. The names need not exist; bridge and account are no cars.
func (t Tree) ParseCommand(topic string) (name, segment string, ok bool) {
	rest, below := t.below(topic)
	name, rest, _ = strings.Cut(rest, "/")
	middle, segment, _ := strings.Cut(rest, "/")
	if !below || name == "" || reserved(name) || middle != commands || segment == "" || strings.Contains(segment, "/") {
		return "", "", false
	}
	return name, segment, true
}

// below takes the base off a topic.
func (t Tree) below(topic string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(topic, t.base)
	if !ok {
		return "", false
	}
	return strings.CutPrefix(rest, "/")
}

// BridgeState says online or offline of the bridge itself; it is the last will.
func (t Tree) BridgeState() string { return t.bridge("state") }

// BridgeInfo says which bridge this is.
func (t Tree) BridgeInfo() string { return t.bridge("info") }

// BridgeHealth says how the bridge is.
func (t Tree) BridgeHealth() string { return t.bridge("health") }

// BridgeRequest takes a request to the bridge itself, BridgeResponse answers it.
func (t Tree) BridgeRequest(verb string) string { return t.bridge("request/" + verb) }

// BridgeResponse answers a request to the bridge itself.
func (t Tree) BridgeResponse(verb string) string { return t.bridge("response/" + verb) }

// BridgeRequestFilter matches all requests to the bridge itself.
func (t Tree) BridgeRequestFilter() string { return t.bridge("request/+") }

// ParseBridgeRequest reads the verb of a request to the bridge itself.
func (t Tree) ParseBridgeRequest(topic string) (verb string, ok bool) {
	rest, below := t.below(topic)
	verb, ok = strings.CutPrefix(rest, bridgeSegment+"/request/")
	if !below || !ok || verb == "" || strings.Contains(verb, "/") {
		return "", false
	}
	return verb, true
}

func (t Tree) bridge(what string) string { return t.base + "/" + bridgeSegment + "/" + what }

// AccountVerb is what an account can be told.
type AccountVerb string

// What an account can be told: by which way the one-time code shall come, the code itself, and to try again after
// refused credentials.
const (
	CodeMethod AccountVerb = "code/method"
	CodeSet    AccountVerb = "code/set"
	Retry      AccountVerb = "retry"
)

// AccountState says how the account is.
func (t Tree) AccountState(account string) string { return t.account(account, "state") }

// AccountCode says what is known about the one-time code that the cloud asks for.
func (t Tree) AccountCode(account string) string { return t.account(account, "code") }

// AccountCommand is where an account is told something.
func (t Tree) AccountCommand(account string, verb AccountVerb) string {
	return t.account(account, string(verb))
}

// CodeFilter matches what all accounts are told about one-time codes, those of other instances below this base included.
func (t Tree) CodeFilter() string { return t.account("+", "code/+") }

// RetryFilter matches "try again" for all accounts, those of other instances below this base included.
func (t Tree) RetryFilter() string { return t.account("+", string(Retry)) }

// ParseAccountCommand reads whose account is told what.
func (t Tree) ParseAccountCommand(topic string) (account string, verb AccountVerb, ok bool) {
	rest, below := t.below(topic)
	rest, ok = strings.CutPrefix(rest, accountSegment+"/")
	account, word, _ := strings.Cut(rest, "/")
	if !below || !ok || account == "" {
		return "", "", false
	}
	switch verb = AccountVerb(word); verb {
	case CodeMethod, CodeSet, Retry:
		return account, verb, true
	}
	return "", "", false
}

func (t Tree) account(account, what string) string {
	return t.base + "/" + accountSegment + "/" + account + "/" + what
}
