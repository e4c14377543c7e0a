package redact_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
)

const jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"

func TestText_MasksWhatLooksLikeASecret(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"query", "GET /a?user=7&password=abc&x=1", "GET /a?user=7&password=***&x=1"},
		{"form", "pin=1234&vehicleId=5", "pin=***&vehicleId=5"},
		{"camel case", "refreshToken=abc accessToken=def", "refreshToken=*** accessToken=***"},
		{"snake case", "access_token=abc&id_token=x&client_secret=s", "access_token=***&id_token=***&client_secret=***"},
		{"prefix", "blueLinkServicePin: 1234, newPassword=x", "blueLinkServicePin: ***, newPassword=***"},
		{"JSON", `{"password":"a\"b,c","pin": "1234" , "ok":1}`, `{"password":"***","pin": "***" , "ok":1}`},
		{"JSON number", `{"pin":1234,"next":2}`, `{"pin":***,"next":2}`},
		{"JSON in a string", `body "{\"pin\":\"1234\",\"a\":\"b\"}"`, `body "{\"pin\":\"***\",\"a\":\"b\"}"`},
		{"JSON object under the name", `{"token":{"access_token":"x","ttl":5}}`, `{"token":{"access_token":"***","ttl":5}}`},
		{"JSON list", `{"token":["abc"]}`, `{"token":["***"]}`},
		{"JSON without its end", `{"password":"abc def`, `{"password":"***`},
		{"URL-encoded JSON", "%7B%22pin%22%3A%221234%22%2C%22a%22%3A1", "%7B%22pin%22%3A%22***%22%2C%22a%22%3A1"},
		{"URL in a query", "uri=https%3A%2F%2Fx%3Fcode%3Dabcdefghijklmnop%26state%3Dok", "uri=https%3A%2F%2Fx%3Fcode%3D***%26state%3Dok"},
		{"escaped line", `a\ncode=123456\nb`, `a\ncode=***\nb`},
		{"struct", "{User:u Password:abc PIN:1234}", "{User:u Password:*** PIN:***}"},
		{"logfmt", `password="a b" x=1`, `password="***" x=1`},
		{"list", "code=1234567", "code=***"},
		{"null", `{"token":null,"pin":"","password":true}`, `{"token":null,"pin":"","password":true}`},

		{"bearer", "Authorization: Bearer abc123def", "Authorization: ***"},
		{"bearer alone", "sent Bearer abc123def, got 401", "sent Bearer ***, got 401"},
		{"basic", "basic dXNlcjpwYXNz!", "basic ***"},
		{"header map", "map[Authorization:[Bearer abc123] Cookie:[a=b; c=d] Host:[x]]", "map[Authorization:[***] Cookie:[***] Host:[x]]"},
		{"header JSON", `{"Authorization":"Bearer abc123","Host":"x"}`, `{"Authorization":"***","Host":"x"}`},
		{"header lines", "Cookie: sid=abc; x=y\r\nHost: x", "Cookie: ***\r\nHost: x"},
		{"bare authorization", "authorization: abcdefgh12345678", "authorization: ***"},
		{"JWT", "got " + jwt + ".", "got ***"},
		{"JWT in a path", "/t/" + jwt + "/x", "/t/***/x"},
		{"JWT after an escape", "x%3D" + jwt, "x%3D***"},

		{"e-mail", "user max.muster+car@example.co.uk signed in", "user *** signed in"},
		{"e-mail in brackets", "<a@b.de>, (c_d@e-f.com)", "<***>, (***)"},
		{"e-mail at the end", "mail a@b.de.", "mail ***."},
		{"e-mail encoded", "login?u=max%40example.de&x=1", "login?u=***&x=1"},
		{"e-mail beyond ASCII", "jürgen@bücher.example", "***"},
		{"URL credentials", "mqtt://bob:pa55@broker:1883/x", "mqtt://***@broker:1883/x"},

		{"VIN", "car KMHXX00XXXX000001 found", "car ***0001 found"},
		{"VIN in lower case", "vehicle/kndxx00xxxx000042/state", "vehicle/***0042/state"},
		{"VIN within a word", "hyundai_5NMXX00XXXX001234_state", "hyundai_***1234_state"},
		{"VIN named", `{"vin":"KMHXX00XXXX000001"}`, `{"vin":"***0001"}`},
		{"VIN after an escape", "vin%3DKMHXX00XXXX000001", "vin%3D***0001"},
		{"VIN after a line", `x\nKMHXX00XXXX000001`, `x\n***0001`},
		{"VIN of another shape", "vin=ABCDEFGHIJKLM", "vin=***JKLM"},

		{"coordinates", `{"coord":{"lat":48.137,"lon":-11.57,"alt":5}}`, `{"coord":{"lat":***,"lon":***,"alt":5}}`},
		{"coordinates in a query", "?latitude=48.1&longitude=11.5&x=1", "?latitude=***&longitude=***&x=1"},
		{"coordinates with a prefix", "location_latitude: 48.1", "location_latitude: ***"},
	} {
		if got := new(redact.Redactor).Text(c.text); got != c.want {
			t.Errorf("%s: Text(%s)\n gives %s\n  want %s", c.name, c.text, got, c.want)
		}
	}
}

func TestText_LeavesTheRestAlone(t *testing.T) {
	for _, text := range []string{
		"",
		"renew token: cloud unavailable",
		"check pin: refused",
		"login: wrong password: try later",
		"authorization: the cloud answered 401",
		"authorization: http status 400",
		"code: 4002, resCode=5091, code=HT_534, \"code\":\"7404\"",
		"Bearer token expired", "basic authentication failed",
		"read state of 0123456789ab: context deadline exceeded",
		"2024-01-02T03:04:05.678901234Z took 1234 ms",
		"id 12345678901234567 and 00000000-0000-4000-8000-000000000001",
		"module github.com/a/b@v1.2.3, @everyone, a@b, user@localhost",
		"vehicle/abcdefabcdefabcde/state", "TwentyLettersInAWord0001",
		"battery/level=74 spin=3 mapping: 17 shipping=5 tokens=9",
		"lat: unknown, long=5, plate: 48.1, flat=3",
		"http://127.0.0.1:8080/api?a=b", "[::1]:1883", "100% = all", "%", "%4", "a=", "=", ":", "@", `\`, `\u12`,
		"ein Täßchen Tee: 3 €",
	} {
		if got := new(redact.Redactor).Text(text); got != text {
			t.Errorf("Text(%s)\n gives %s", text, got)
		}
	}
}

func TestText_MasksRegisteredSecretsInEveryDress(t *testing.T) {
	const password = `Sömmer "&" <Wiese> 100%/\`
	quoted, err := json.Marshal(password)
	if err != nil {
		t.Fatal(err)
	}
	var r redact.Redactor
	r.Register(password)
	for _, text := range []string{
		password,
		url.QueryEscape(password),
		url.PathEscape(password),
		string(quoted),
		fmt.Sprintf("%q", password),
		fmt.Sprintf("%+q", password),
	} {
		got := r.Text("before " + text + " after")
		if strings.Contains(got, "mmer") || !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
			t.Errorf("Text(%s) gives %s", text, got)
		}
	}
}

func TestText_FindsSecretsThatOverlapTouchAndEmerge(t *testing.T) {
	for _, c := range []struct {
		secrets    []string
		text, want string
	}{
		{[]string{"abcdef", "defghi"}, "xabcdefghix", "x***x"},
		{[]string{"abcd"}, "abcdabcd", "***"},
		{[]string{"abcd", "xxabcdxx"}, "-xxabcdxx-abcd", "-***-***"},
		{[]string{"aaaa"}, "aaaaaaa", "***"},
		{[]string{"***ab"}, "***abab", "***"}, // the mask and what follows
		{[]string{"tail", "x***x"}, "xtailx", "***"},
		{[]string{"abc", "", "é"}, "abc é", "abc é"}, // too short to look for
		{[]string{"0001 found"}, "car KMHXX00XXXX000001 found", "car ***"},
	} {
		var r redact.Redactor
		r.Register(c.secrets...)
		if got := r.Text(c.text); got != c.want {
			t.Errorf("with %q, Text(%q) = %q, want %q", c.secrets, c.text, got, c.want)
		}
	}
}

func TestText_MasksAPINWhereItStandsAlone(t *testing.T) {
	var r redact.Redactor
	r.Register("2024", "123456")
	for text, want := range map[string]string{
		"entered 2024":             "entered ***",
		"2024":                     "***",
		"(2024), '2024'; 2024.":    "(***), '***'; ***.",
		`{"x":"2024","y":2024}`:    `{"x":"***","y":***}`,
		"x=%222024%22":             "x=%22***%22",
		`x\n2024`:                  `x\n***`,
		"2024-01-02 12:20:24":      "2024-01-02 12:20:24",
		"01.02.2024":               "01.02.2024",
		"port 192.168.2024:1":      "port 192.168.2024:1",
		"12024 20241 a2024 2024ms": "12024 20241 a2024 2024ms",
		"0.2024 and 2024.5":        "0.2024 and 2024.5",
		"_2024 2024_":              "_2024 2024_",
		"ids 123456, 9123456":      "ids ***, 9123456",
	} {
		if got := r.Text(text); got != want {
			t.Errorf("Text(%q) = %q, want %q", text, got, want)
		}
	}
	r.Register("12345678") // long enough to be sought everywhere
	if got := r.Text("x9123456789"); got != "x9***9" {
		t.Errorf("a long number within a word: %q", got)
	}
}

func TestForget_EndsOneRegistration(t *testing.T) {
	var r redact.Redactor
	r.Register("first-token", "shared")
	r.Register("shared") // by somebody else
	r.Forget("first-token", "shared", "never registered")
	if got := r.Text("first-token shared"); got != "first-token ***" {
		t.Errorf("after forgetting once: %q", got)
	}
	r.Forget("shared")
	if got := r.Text("first-token shared"); got != "first-token shared" {
		t.Errorf("after forgetting twice: %q", got)
	}
}

func TestRegister_FindsEachOfManyThousands(t *testing.T) {
	var r redact.Redactor
	secret := func(i int) string { return fmt.Sprintf("token-%d-%x", i, i*2654435761) }
	const n = 20_000
	for i := range n {
		r.Register(secret(i))
	}
	for i := range n {
		if got := r.Text("x " + secret(i) + " y"); got != "x *** y" {
			t.Fatalf("secret %d: %q", i, got)
		}
	}
	for i := range n {
		r.Forget(secret(i))
	}
	if got := r.Text(secret(7)); got != secret(7) {
		t.Errorf("after forgetting all: %q", got)
	}
}

func TestRedactor_MayBeUsedByAll(t *testing.T) {
	var r redact.Redactor
	r.Register("always-secret")
	var working sync.WaitGroup
	for w := range 8 {
		working.Go(func() {
			mine := fmt.Sprintf("secret-of-%d", w)
			for range 200 {
				r.Register(mine)
				if got := r.Text(mine + " always-secret"); got != "*** ***" {
					t.Errorf("Text gives %q", got)
				}
				r.Forget(mine)
			}
		})
	}
	working.Wait()
}

func TestError_MasksTheTextAndKeepsTheKind(t *testing.T) {
	var r redact.Redactor
	kind := errors.New("refused for a@b.de")
	err := r.Error(fmt.Errorf("sign in: %w", kind))
	if err.Error() != "sign in: refused for ***" {
		t.Errorf("the error reads %q", err)
	}
	if !errors.Is(err, kind) {
		t.Error("errors.Is does not find the cause")
	}
	plain := errors.New("plain")
	if got := r.Error(plain); fmt.Sprintf("%T", got) != fmt.Sprintf("%T", plain) || r.Error(nil) != nil {
		t.Error("an error without secrets is not returned as it is")
	}
}

func TestProcessWideFunctions_ShareOneRedactor(t *testing.T) {
	redact.Register("process-secret")
	defer redact.Forget("process-secret")
	if got := redact.Text("a process-secret"); got != "a ***" {
		t.Errorf("Text gives %q", got)
	}
	if got := redact.Error(errors.New("a process-secret")).Error(); got != "a ***" {
		t.Errorf("Error gives %q", got)
	}
}

// FuzzText looks for a text that brings a registered secret through.
func FuzzText(f *testing.F) {
	f.Add("Sommer", "a Sommer b")
	f.Add("***ab", "***abab")
	f.Add("12345678", "pin=12345678&x=KMHXX00XXXX000001")
	f.Add("a@b.de", "xa@b.de")
	f.Add(`pass":"word`, `{"pass":"word"}`)
	f.Fuzz(func(t *testing.T, secret, text string) {
		if len(secret) < 4 || len(secret) < 8 && strings.Trim(secret, "0123456789") == "" {
			t.Skip()
		}
		var r redact.Redactor
		r.Register(secret)
		for _, text := range []string{text, text + secret + text, secret + secret[1:], "password=" + secret} {
			if got := r.Text(text); strings.Contains(got, secret) {
				t.Errorf("with %q, Text(%q) = %q", secret, text, got)
			}
		}
	})
}

func BenchmarkText_NothingToMask(b *testing.B) {
	var r redact.Redactor
	for i := range 100 {
		r.Register(fmt.Sprintf("token-number-%d", i))
	}
	const text = "read state of 0123456789ab: get https://example.com/api/v2/vehicles: context deadline exceeded after 30s"
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r.Text(text)
	}
}

func BenchmarkText_Masks(b *testing.B) {
	var r redact.Redactor
	r.Register("hunter22")
	b.ReportAllocs()
	for b.Loop() {
		r.Text("sign in of max@example.com with hunter22 for KMHXX00XXXX000001")
	}
}

// Texts come from clouds and brokers. For one that is made to be slow, the time per byte should stay what it is.
func BenchmarkText_Hostile(b *testing.B) {
	var r redact.Redactor
	r.Register("aaaa", "aaaaaaaa", "***ab")
	const size = 1 << 16
	for _, piece := range []string{
		"@", "a@", "a.@", "=", "pin=", "pin: ", "pin:[", `"pin":"`, `pin:\"`, "code=", "cookie:", "cookie: a ", "bearer ", "bearer+",
		"eyJ", "eyJ.", "aaaa", "ab", "***ab", "%", "%3D", "%40", `\`, " =", "lat:", "vin=", "http://a@", `\"`,
	} {
		text := "***" + strings.Repeat(piece, size/len(piece))
		b.Run(piece, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				r.Text(text)
			}
		})
	}
}
