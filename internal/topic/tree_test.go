package topic

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func tree(t testing.TB, base string) Tree {
	t.Helper()
	built, err := NewTree(base)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func TestTree_BuildsEveryTopic(t *testing.T) {
	home := tree(t, "home/cars")
	car := home.Car("ioniq5")
	for got, want := range map[string]string{
		home.CommandFilter():                    "home/cars/+/commands/+",
		car.CommandFilter():                     "home/cars/ioniq5/commands/+",
		car.Command("refresh"):                  "home/cars/ioniq5/commands/refresh",
		car.Topic("battery/level"):              "home/cars/ioniq5/battery/level",
		car.Availability():                      "home/cars/ioniq5/availability",
		car.Info():                              "home/cars/ioniq5/info",
		car.Result("a-1"):                       "home/cars/ioniq5/result/a-1",
		car.Event("command"):                    "home/cars/ioniq5/event/command",
		car.Action("m1", "started_at"):          "home/cars/ioniq5/action/m1/started_at",
		home.BridgeState():                      "home/cars/bridge/state",
		home.BridgeInfo():                       "home/cars/bridge/info",
		home.BridgeHealth():                     "home/cars/bridge/health",
		home.BridgeRequest("restart"):           "home/cars/bridge/request/restart",
		home.BridgeResponse("restart"):          "home/cars/bridge/response/restart",
		home.BridgeRequestFilter():              "home/cars/bridge/request/+",
		home.AccountState("kia-eu"):             "home/cars/account/kia-eu/state",
		home.AccountCode("kia-eu"):              "home/cars/account/kia-eu/code",
		home.AccountCommand("kia-eu", CodeSet):  "home/cars/account/kia-eu/code/set",
		home.AccountCommand("kia-eu", Retry):    "home/cars/account/kia-eu/retry",
		home.RetryFilter():                      "home/cars/account/+/retry",
		home.CodeFilter():                       "home/cars/account/+/code/+",
		tree(t, "hyundai").Car("x").Topic("ev"): "hyundai/x/ev",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestNewTree_RefusesBasesThatNoBrokerTakes(t *testing.T) {
	for _, base := range []string{
		"", "/", "a/", "/a", "a//b", "a/+", "#", "a#b", "$SYS", "$share/x", "a\x00b", "a\nb", "a\u0085b", "\xff", strings.Repeat("a", 257),
	} {
		if _, err := NewTree(base); err == nil {
			t.Errorf("NewTree(%q) accepted it", base)
		}
	}
	for _, base := range []string{"hyundai", "Home/Cars", "a/b/c/d", "autos öst", "a$b", "bridge", "commands/commands"} {
		if tree, err := NewTree(base); err != nil || tree.Base() != base {
			t.Errorf("NewTree(%q) = %q, %v", base, tree.Base(), err)
		}
	}
}

func TestParseCommand_TakesNothingElse(t *testing.T) {
	for _, topic := range []string{
		"", "home", "home/cars", "home/cars/", "home/cars/ioniq5", "home/cars/ioniq5/commands", "home/cars/ioniq5/commands/",
		"home/cars/ioniq5/commands/lock/now", "home/cars//commands/lock", "home/cars/commands/lock",
		"home/cars/ioniq5/command/lock", "home/cars/ioniq5/commandsx/lock", "home/cars/ioniq5/Commands/lock",
		"home/carsx/ioniq5/commands/lock", "home/ioniq5/commands/lock", "x/home/cars/ioniq5/commands/lock",
		"/home/cars/ioniq5/commands/lock", "home/cars/a/b/commands/lock", "home/cars/bridge/commands/lock",
		"home/cars/account/commands/lock",
	} {
		if name, segment, ok := tree(t, "home/cars").ParseCommand(topic); ok {
			t.Errorf("ParseCommand(%q) = %q, %q", topic, name, segment)
		}
	}
}

// The base may look like what stands below it; it is taken off, levels are never counted from the left.
func TestParseCommand_BaseMayContainItsOwnWords(t *testing.T) {
	name, segment, ok := tree(t, "a/commands/b").ParseCommand("a/commands/b/car/commands/refresh_x")
	if !ok || name != "car" || segment != "refresh_x" {
		t.Errorf("got %q, %q, %v", name, segment, ok)
	}
}

// level draws one level of a topic.
func level() *rapid.Generator[string] { return rapid.StringMatching(`[A-Za-z0-9_. äß-]{1,12}`) }

func bases() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(level(), 1, 4).Draw(t, "levels"), "/")
	})
}

func TestTree_ParsesWhatItBuilds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		home, err := NewTree(bases().Draw(t, "base"))
		if err != nil {
			t.Skip(err)
		}
		name := rapid.StringMatching(`[A-Za-z0-9_-]{1,64}`).Filter(ValidCloudID).Draw(t, "name")
		segment := level().Draw(t, "segment")
		gotName, gotSegment, ok := home.ParseCommand(home.Car(name).Command(segment))
		if !ok || gotName != name || gotSegment != segment {
			t.Fatalf("command: got %q, %q, %v", gotName, gotSegment, ok)
		}
		verb, ok := home.ParseBridgeRequest(home.BridgeRequest(segment))
		if !ok || verb != segment {
			t.Fatalf("request: got %q, %v", verb, ok)
		}
		told := rapid.SampledFrom([]AccountVerb{CodeMethod, CodeSet, Retry}).Draw(t, "verb")
		account, gotTold, ok := home.ParseAccountCommand(home.AccountCommand(name, told))
		if !ok || account != name || gotTold != told {
			t.Fatalf("account: got %q, %q, %v", account, gotTold, ok)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("hyundai", "hyundai/car/commands/refresh")
	f.Add("home/cars", "home/cars/bridge/request/restart")
	f.Add("a", "a/account/kia-eu/code/set")
	f.Add("a", "aaccount/kia-eu/code/set") // not below the base
	f.Add("a/b", "a/b//commands/")
	f.Fuzz(func(t *testing.T, base, topic string) {
		home, err := NewTree(base)
		if err != nil {
			t.Skip()
		}
		if name, segment, ok := home.ParseCommand(topic); ok && home.Car(name).Command(segment) != topic {
			t.Errorf("command %q, %q of %q does not lead back to %q", name, segment, base, topic)
		}
		if verb, ok := home.ParseBridgeRequest(topic); ok && home.BridgeRequest(verb) != topic {
			t.Errorf("request %q of %q does not lead back to %q", verb, base, topic)
		}
		if account, verb, ok := home.ParseAccountCommand(topic); ok && home.AccountCommand(account, verb) != topic {
			t.Errorf("account %q, %q of %q does not lead back to %q", account, verb, base, topic)
		}
	})
}

func TestParseAccountCommand_TakesKnownVerbsOnly(t *testing.T) {
	for _, topic := range []string{
		"b/account/x/code", "b/account/x/state", "b/account/x/code/clear", "b/account//retry", "b/account/x/retry/now",
		"b/account/x", "b/bridge/x/retry", "b/account", "account/x/retry",
	} {
		if account, verb, ok := tree(t, "b").ParseAccountCommand(topic); ok {
			t.Errorf("ParseAccountCommand(%q) = %q, %q", topic, account, verb)
		}
	}
}

func TestParseBridgeRequest_TakesOneVerb(t *testing.T) {
	for _, topic := range []string{"b/bridge/request", "b/bridge/request/", "b/bridge/request/a/b", "b/x/request/a", "bridge/request/a"} {
		if verb, ok := tree(t, "b").ParseBridgeRequest(topic); ok {
			t.Errorf("ParseBridgeRequest(%q) = %q", topic, verb)
		}
	}
}

func TestNames_FitIntoTopics(t *testing.T) {
	for _, c := range []struct {
		text        string
		name, cloud bool
	}{
		{"ioniq5", true, true},
		{"my_car-2", true, true},
		{"0f3b8a6e-7c1d-4e2a-9b5f-1a2b3c4d5e6f", true, true},
		{"Ioniq5", false, true},
		{"bridge", false, false},
		{"account", false, false},
		{"bridge2", true, true},
		{"", false, false},
		{"a/b", false, false},
		{"a+b", false, false},
		{"a b", false, false},
		{"ä", false, false},
		{strings.Repeat("a", 64), true, true},
		{strings.Repeat("a", 65), false, false},
	} {
		if ValidName(c.text) != c.name || ValidCloudID(c.text) != c.cloud {
			t.Errorf("%q: name %v, cloud id %v; want %v, %v", c.text, ValidName(c.text), ValidCloudID(c.text), c.name, c.cloud)
		}
	}
}
