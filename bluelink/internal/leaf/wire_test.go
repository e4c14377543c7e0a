package leaf

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// minimal is an answer of the usual kind.
const minimal = `{"a":{"value":"0EH","unit":0},"list":[{"x":1.5e3},{"x":-2,"y":null}],"text":"ä \"quoted\"","yes":true,"no":false}`

// oddities are texts at the edges of the grammar.
var oddities = []string{
	``, ` `, `{}`, `[]`, `[ ]`, `{ }`, `null`, `true`, `false`, `tru`, `nul`, `0`, `-0`, `-`, `01`, `1.`, `1.5`, `.5`, `1e5`, `1e`, `1E+5`, `1e-`,
	`1e400`, `+1`, `"a"`, `"a`, `"\n"`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\u12F4"`, `"\ud800"`, "\"\x00\"", "\"\x1f\"", "\"\xff\"", "\"a\tb\"", `[1,]`, `[,1]`,
	`[1 2]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`, `{1:2}`, `{"a":1}}`, `{"a":1} x`, ` {"a" : [ 1 , "b" , null ] } `, `[[[]]]`, `[}`, `{]`, "\x00",
	"0\x00", "{\x00}", "[1,\x00]", "\ufeff{}", `{"a":{"b":[{"c":true}]},"d":-1.5e-3}`, `"\u 234"`, `"\u\u1234"`,
}

// TestParse_TakesWhatTheStandardLibraryTakes is the property behind the scanner.
func TestParse_TakesWhatTheStandardLibraryTakes(t *testing.T) {
	texts := append([]string{
		minimal, strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1),
		strings.Repeat("{\"a\":", 500), strings.Repeat("[", 2_000_000),
	}, oddities...)
	for i := range minimal { // cut anywhere
		texts = append(texts, minimal[:i])
	}
	for _, text := range texts {
		if _, ok := Parse([]byte(text)); ok != json.Valid([]byte(text)) {
			t.Errorf("%.60q: taken %t", text, ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range append(oddities, minimal) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		root, ok := Parse(text)
		if ok != json.Valid(text) {
			t.Fatalf("taken %t", ok)
		}
		if !ok {
			return
		}
		var want any
		decoder := json.NewDecoder(strings.NewReader(string(text)))
		decoder.UseNumber()
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(err)
		}
		same(t, root, want)
	})
}

// same compares a value with what the standard library made of it.
func same(t *testing.T, v Value, want any) {
	switch w := want.(type) {
	case map[string]any:
		seen := map[string]bool{}
		for child := v.First(); child.doc != nil; child = child.Next() {
			seen[child.Key()] = true
		}
		if len(seen) != len(w) || v.Kind() != '{' || v.Object() != (len(w) > 0) {
			t.Fatalf("%d members, want %d", len(seen), len(w))
		}
	case []any:
		n := 0
		for child := v.First(); child.doc != nil; child = child.Next() {
			if got := v.Get(strconv.Itoa(n)); got != child {
				t.Fatalf("element %d is another", n)
			}
			same(t, child, w[n])
			n++
		}
		if n != len(w) || v.Kind() != '[' {
			t.Fatalf("%d elements, want %d", n, len(w))
		}
	case string:
		if v.Str() != w {
			t.Fatalf("text %q, want %q", v.Str(), w)
		}
	case json.Number:
		if v.Str() != string(w) {
			t.Fatalf("number %q, want %q", v.Str(), w)
		}
	case nil:
		if !v.Missing() {
			t.Fatal("null is there")
		}
	}
}

func TestValue_WalksAndMisses(t *testing.T) {
	root, ok := Parse([]byte(`{"a":{"b":[10,{"c":"x"},[]]},"d":null,"e\u0066":1,"g":"h\n","empty":{}}`))
	if !ok {
		t.Fatal("not taken")
	}
	for path, want := range map[string]string{
		"a.b.0": "10", "a.b.1.c": "x", "ef": "1", "g": "h\n", "a.b.7": "", "a.b.x": "", "a.b.-1": "", "a.x.y": "", "d": "", "d.e": "", "empty.a": "", "a.b.0.c": "",
	} {
		if got := root.Get(path).Str(); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if !root.Get("d").Missing() || root.Get("d").doc == nil || !root.Get("x").Missing() || root.Get("empty").Object() || !root.Get("a").Object() {
		t.Error("null, absent, empty and full are mixed up")
	}
	var nothing Value
	if nothing.Get("a").Text() != "" || nothing.Raw() != "" || nothing.First().doc != nil || nothing.Next().doc != nil || nothing.Kind() != 0 {
		t.Error("the zero value is something")
	}
	long, _ := Parse([]byte(`"` + strings.Repeat("ä", 100) + `"`))
	if raw := long.Raw(); len(raw) > RawLimit || strings.ContainsRune(raw, '\uFFFD') {
		t.Errorf("raw is %q", raw)
	}
}
