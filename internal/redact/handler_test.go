package redact_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
)

// logged returns the attributes and message that a JSON handler prints for what log does.
func logged(t testing.TB, r *redact.Redactor, log func(*slog.Logger)) map[string]any {
	t.Helper()
	var out bytes.Buffer
	log(slog.New(r.NewHandler(slog.NewJSONHandler(&out, nil))))
	var record map[string]any
	if err := json.Unmarshal(out.Bytes(), &record); err != nil {
		t.Fatalf("%v in %s", err, out.Bytes())
	}
	delete(record, "time")
	delete(record, "level")
	return record
}

type stringer struct{ text string }

func (s stringer) String() string { return s.text }

type valuer struct{ value slog.Value }

func (v valuer) LogValue() slog.Value { return v.value }

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

func TestHandler_MasksEveryKindOfValue(t *testing.T) {
	var r redact.Redactor
	r.Register("hunter22")
	car := struct {
		Name     string
		Password string `json:"-"`
		Owner    *stringer
	}{"blue", "Sommer", &stringer{"x"}}
	for _, c := range []struct {
		name string
		attr slog.Attr
		want string // JSON of the value
	}{
		{"string", slog.String("a", "x hunter22"), `"x ***"`},
		{"plain string", slog.String("a", "x"), `"x"`},
		{"error", slog.Any("error", fmt.Errorf("put: %w", errors.New("hunter22"))), `"put: ***"`},
		{"error without secrets", slog.Any("error", errors.New("x")), `"x"`},
		{"nil error", slog.Any("error", (*nilError)(nil)), `null`},
		{"bytes", slog.Any("body", []byte("pin=1234&x=1")), `"pin=***\u0026x=1"`},
		{"stringer", slog.Any("a", stringer{"hunter22"}), `"***"`},
		{"valuer", slog.Any("a", valuer{slog.StringValue("hunter22")}), `"***"`},
		{"valuer of a group", slog.Any("a", valuer{slog.GroupValue(slog.String("pin", "1234"))}), `{"pin":"***"}`},
		{"secret", slog.Any("a", redact.NewSecret("Sommer")), `"***"`},
		{"empty secret", slog.Any("password", redact.Secret{}), `""`},
		{"group", slog.Group("a", slog.Group("b", slog.String("c", "hunter22"), slog.Int("d", 1))), `{"b":{"c":"***","d":1}}`},
		{"list", slog.Any("a", []string{"x", "hunter22"}), `"[\"x\",\"***\"]"`},
		{"map", slog.Any("a", map[string]any{"password": "Sommer", "b": []any{1}}), `"{\"b\":[1],\"password\":\"***\"}"`},
		{"header", slog.Any("a", http.Header{"Cookie": {"a=b"}}), `"{\"Cookie\":[\"***\"]}"`},
		{"struct", slog.Any("a", car), `"{Name:blue Password:*** Owner:x}"`},
		{"pointer", slog.Any("a", &struct{ VIN string }{"KMHXX00XXXX000001"}), `"{\"VIN\":\"***0001\"}"`},
		{"struct without secrets", slog.Any("a", struct{ A int }{1}), `{"A":1}`},
		{"number type", slog.Any("a", time.March), `3`},
		{"nothing", slog.Any("a", nil), `null`},

		{"name of a secret", slog.String("password", "Sommer"), `"***"`},
		{"number under the name", slog.Int("pin", 1234), `"***"`},
		{"group under the name", slog.Group("token", slog.String("a", "b")), `"***"`},
		{"list under the name", slog.Any("access_token", []string{"abc"}), `"***"`},
		{"flag under the name", slog.Bool("pin", true), `true`},
		{"time under the name", slog.Duration("token", time.Second), `1000000000`},
		{"empty under the name", slog.String("pin", ""), `""`},
		{"one-time code", slog.String("code", "123456"), `"***"`},
		{"error code", slog.String("code", "4002"), `"4002"`},
		{"latitude", slog.Float64("lat", 48.1), `"***"`},
		{"longitude", slog.Any("location_longitude", 11.5), `"***"`},
		{"VIN", slog.String("vin", "KMHXX00XXXX000001"), `"***0001"`},
		{"short VIN", slog.String("vin", "0001"), `"***"`},
	} {
		for how, log := range map[string]func(*slog.Logger){
			"in the record": func(l *slog.Logger) {
				l.LogAttrs(context.Background(), slog.LevelInfo, "m", slog.Int("before", 1), c.attr)
			},
			"with": func(l *slog.Logger) { l.With(slog.Int("before", 1), c.attr).Info("m") },
		} {
			record := logged(t, &r, log)
			var want any
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if got := record[c.attr.Key]; fmt.Sprint(got) != fmt.Sprint(want) || record["before"] != 1.0 || record["msg"] != "m" {
				t.Errorf("%s %s: %v, want %v", c.name, how, record, want)
			}
		}
	}
}

func TestHandler_MasksMessagesKeysAndGroups(t *testing.T) {
	var r redact.Redactor
	r.Register("hunter22")
	record := logged(t, &r, func(l *slog.Logger) {
		l.WithGroup("group-hunter22").Info("sent to a@b.de", slog.String("key_hunter22", "x"))
	})
	if got, want := fmt.Sprint(record), "map[group-***:map[key_***:x] msg:sent to ***]"; got != want {
		t.Errorf("the record is %s, want %s", got, want)
	}
}

func TestHandler_LeavesTheCallersValuesAlone(t *testing.T) {
	var r redact.Redactor
	attrs := []slog.Attr{slog.String("pin", "1234"), slog.Group("g", slog.String("pin", "1234"))}
	logged(t, &r, func(l *slog.Logger) { l.LogAttrs(context.Background(), slog.LevelInfo, "m", attrs...) })
	slog.New(r.NewHandler(slog.DiscardHandler)).Handler().WithAttrs(attrs)
	if got := fmt.Sprint(attrs); got != "[pin=1234 g=[pin=1234]]" {
		t.Errorf("the caller's attributes are now %s", got)
	}
}

func TestHandler_IsAHandlerLikeAnyOther(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return new(redact.Redactor).NewHandler(slog.NewJSONHandler(&out, nil))
	}, func(t *testing.T) map[string]any {
		record := map[string]any{}
		if err := json.Unmarshal(out.Bytes(), &record); err != nil {
			t.Fatal(err)
		}
		return record
	})
}

func TestHandler_AsksTheNextForItsLevel(t *testing.T) {
	h := redact.NewHandler(slog.NewJSONHandler(new(bytes.Buffer), &slog.HandlerOptions{Level: slog.LevelWarn}))
	if h.Enabled(t.Context(), slog.LevelInfo) || !h.Enabled(t.Context(), slog.LevelError) {
		t.Error("the level is not that of the next handler")
	}
}

// FuzzHandler looks for a record that brings a registered secret through.
func FuzzHandler(f *testing.F) {
	f.Add("Sommer", "a Sommer b", "k")
	f.Add("***ab", "***abab", "password")
	f.Add("12345678", "lat=12345678", "g")
	f.Fuzz(func(t *testing.T, secret, text, key string) {
		const frame = "zzzz" // what the record itself consists of cannot hold a secret that begins so
		secret = frame + secret
		var r redact.Redactor
		r.Register(secret)
		text = text + secret + text
		record := logged(t, &r, func(l *slog.Logger) {
			l.With(slog.String(key+secret, text)).WithGroup("g"+secret).LogAttrs(context.Background(), slog.LevelInfo, text, //nolint:sloglint // the text is what is tested
				slog.String(key, text),
				slog.Any("error", fmt.Errorf("%s: %w", text, io.EOF)),
				slog.Any("list", []string{text}),
				slog.Any("map", map[string]any{key: []any{text}}),
				slog.Any("struct", struct{ inner, Outer string }{text, text}),
				slog.Any("bytes", []byte(text)),
				slog.Group("group", slog.String(secret, text)),
			)
		})
		if out := fmt.Sprint(record); strings.Contains(out, secret) {
			t.Errorf("%q shows in %q", secret, out)
		}
	})
}

// sink takes what a handler prints; slog's own DiscardHandler would print nothing.
type sink struct{}

func (sink) Write(p []byte) (int, error) { return len(p), nil }

func benchmarkHandler(b *testing.B, h slog.Handler) {
	log := slog.New(h)
	err := errors.New("context deadline exceeded")
	b.ReportAllocs()
	for b.Loop() {
		log.LogAttrs(context.Background(), slog.LevelInfo, "refresh failed",
			slog.String("vehicle", "0123456789ab"), slog.String("cloud", "hyundai-eu"), slog.Int("attempt", 3), slog.Any("error", err))
	}
}

func BenchmarkHandler_Bare(b *testing.B) { benchmarkHandler(b, slog.NewTextHandler(sink{}, nil)) }

func BenchmarkHandler_NothingToMask(b *testing.B) {
	benchmarkHandler(b, new(redact.Redactor).NewHandler(slog.NewTextHandler(sink{}, nil)))
}
