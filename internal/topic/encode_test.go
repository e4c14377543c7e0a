package topic

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestNumbers_HaveNoNoise(t *testing.T) {
	for _, c := range []struct {
		value    float64
		decimals int
		want     string
	}{
		{74, 1, "74"},
		{74.0000001, 1, "74"},
		{0.1 + 0.2, 1, "0.3"},
		{21.5, 1, "21.5"},
		{52.52000659, 6, "52.520007"},
		{-0.04, 1, "0"},
		{-0.05, 1, "-0.1"},
		{-7.25, 2, "-7.25"},
		{7.05, 2, "7.05"},
		{1.000001, 6, "1.000001"},
		{12345678.9, 0, "12345679"},
		{0, 6, "0"},
		{math.Copysign(0, -1), 1, "0"},
		{1e10, 1, "10000000000"},
		{1e300, 1, "1e+300"},
		{math.NaN(), 1, "null"},
		{math.Inf(1), 1, "null"},
	} {
		if got := string(appendNumber(nil, c.value, c.decimals)); got != c.want {
			t.Errorf("%v to %d decimals: got %s, want %s", c.value, c.decimals, got, c.want)
		}
	}
}

func TestNumbers_AreRoundedAndShort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Float64Range(-1e9, 1e9).Draw(t, "value")
		decimals := rapid.IntRange(0, 6).Draw(t, "decimals")
		text := string(appendNumber(nil, value, decimals))
		back, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		// Half a step, and what the number itself is off as a float.
		if tolerance := 0.500001*math.Pow10(-decimals) + 1e-15*math.Abs(value); math.Abs(back-value) > tolerance {
			t.Fatalf("%v to %d decimals is %s", value, decimals, text)
		}
		_, fraction, dotted := strings.Cut(text, ".")
		if len(fraction) > decimals || dotted && strings.HasSuffix(text, "0") || text == "-0" {
			t.Fatalf("%v to %d decimals is spelled %s", value, decimals, text)
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("%s is not JSON", text)
		}
	})
}

func FuzzText_ReadsBackAsJSON(f *testing.F) {
	for _, text := range []string{"", "Eco", `a"b\c`, "\x00\x1f\x7f", "°C ä 😀", "\xff\xfe", "a\xc3", "\u2028", "<script>"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		written := appendText(nil, text)
		var back string
		if err := json.Unmarshal(written, &back); err != nil {
			t.Fatalf("%q is written %s: %v", text, written, err)
		}
		if want := strings.ToValidUTF8(string([]rune(text)), "\uFFFD"); back != want {
			t.Errorf("%q reads back as %q, want %q", text, back, want)
		}
	})
}

func TestTimes_AreUTCWithSixDigitsOrNone(t *testing.T) {
	at := time.Date(2026, 7, 1, 0, 30, 5, 120_000, time.FixedZone("", 2*3600))
	if got := string(appendTime(nil, at, microseconds)); got != `"2026-06-30T22:30:05.000120Z"` {
		t.Errorf("microseconds: %s", got)
	}
	if got := string(appendTime(nil, at, seconds)); got != `"2026-06-30T22:30:05Z"` {
		t.Errorf("seconds: %s", got)
	}
}
