package redact_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
)

const hidden = "Sommer-Wiese"

// config holds secrets as ours does; the unexported one is what fmt shows without asking.
type config struct {
	User     string         `yaml:"user" json:"user"`
	Password redact.Secret  `yaml:"password" json:"password"`
	PIN      redact.Secret  `yaml:"pin,omitempty" json:"pin,omitzero"`
	Pointer  *redact.Secret `yaml:"pointer" json:"pointer"`
	inner    redact.Secret
}

func TestSecret_ShowsItselfToNobody(t *testing.T) {
	s := redact.NewSecret(hidden)
	c := config{User: "u", Password: s, Pointer: &s, inner: s}
	var outputs []string
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%f", "%c", "%U", "%p", "%T", "%10s", "%-10v", "%w", "%z", "%!", "%o", "%b", "%e", "% x", "%#q", "%#x"}
	for _, value := range []any{s, &s, c, &c, []redact.Secret{s}, map[string]redact.Secret{"a": s}, map[string]any{"a": s}, struct{ s redact.Secret }{s}, struct{ any }{s}, [1]config{c}} {
		for _, verb := range verbs {
			outputs = append(outputs, fmt.Sprintf(verb, value))
		}
		outputs = append(outputs, fmt.Sprint(value), fmt.Sprintln(value))
		for _, encode := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal, xml.Marshal} {
			func() {
				defer func() { _ = recover() }() // yaml panics about what it cannot encode
				if out, err := encode(value); err == nil {
					outputs = append(outputs, string(out))
				}
			}()
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", slog.Any("value", value))
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", slog.Any("value", value))
		outputs = append(outputs, log.String())
	}
	hex := fmt.Sprintf("%x", hidden)
	for _, out := range outputs {
		if strings.Contains(out, hidden) || strings.Contains(strings.ToLower(out), hex) {
			t.Errorf("the secret shows: %s", out)
		}
	}
	if len(outputs) < 250 {
		t.Errorf("only %d outputs were looked at", len(outputs))
	}
}

func TestSecret_PrintsAsMaskOrEmpty(t *testing.T) {
	s, none := redact.NewSecret(hidden), redact.Secret{}
	for _, c := range []struct{ got, want string }{
		{fmt.Sprint(s), "***"},
		{fmt.Sprintf("%q", s), `"***"`},
		{fmt.Sprintf("%+v", config{Password: s})[:14], "{User: Passwor"},
		{fmt.Sprint(none), ""},
		{fmt.Sprintf("%q", none), `""`},
		{s.Reveal(), hidden},
		{none.Reveal(), ""},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
	out, err := json.Marshal(config{User: "u", Password: s})
	if want := `{"user":"u","password":"***","pointer":null}`; err != nil || string(out) != want {
		t.Errorf("JSON is %s, %v, want %s", out, err, want)
	}
	out, err = yaml.Marshal(config{User: "u", Password: s})
	if want := "user: u\npassword: '***'\npointer: null\n"; err != nil || string(out) != want {
		t.Errorf("YAML is %s, %v, want %s", out, err, want)
	}
}

func TestSecret_IsReadFromConfigurations(t *testing.T) {
	for name, decode := range map[string]func(*config) error{
		"yaml": func(c *config) error {
			return yaml.Unmarshal([]byte("user: u\npassword: "+hidden+"\npin: 0042\npointer: x\n"), c)
		},
		"json": func(c *config) error {
			return json.Unmarshal([]byte(`{"user":"u","password":"`+hidden+`","pin":"0042","pointer":"x"}`), c)
		},
	} {
		var c config
		if err := decode(&c); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.Password.Reveal() != hidden || c.PIN.Reveal() != "0042" || c.Pointer.Reveal() != "x" {
			t.Errorf("%s gives %q, %q and %q", name, c.Password.Reveal(), c.PIN.Reveal(), c.Pointer.Reveal())
		}
	}
	var c config
	if err := yaml.Unmarshal([]byte("password: '***'\n"), &c); err == nil || !strings.Contains(err.Error(), "enter the secret itself") {
		t.Errorf("a mask read back: %v, want an error that says what happened", err)
	}
}

func TestSecret_EqualsByText(t *testing.T) {
	a, b := redact.NewSecret(hidden), redact.NewSecret(strings.Clone(hidden))
	if !a.Equal(b) || a.Equal(redact.NewSecret("x")) || a.Equal(redact.Secret{}) || !(redact.Secret{}).Equal(redact.NewSecret("")) {
		t.Error("Equal does not compare the texts")
	}
	if !reflect.DeepEqual(a, b) {
		t.Error("DeepEqual does not compare the texts: comparing configurations would fail")
	}
	if a.IsZero() || !redact.NewSecret("").IsZero() {
		t.Error("IsZero does not say whether the secret is empty")
	}
}
