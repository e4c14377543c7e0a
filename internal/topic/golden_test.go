package topic

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestGolden_FullSet shows everything that a car with all data says, one topic a line, as mosquitto_sub -v would.
func TestGolden_FullSet(t *testing.T) {
	full := fullState(t)
	for name, o := range map[string]Options{
		"car_units": {},
		"imperial":  {Units: Imperial, RetainLocation: true},
	} {
		var out bytes.Buffer
		for row := range NewTable(o).Seen(full) {
			out.WriteString(row.Suffix)
			if !row.Retain {
				out.WriteString(" (not retained)")
			}
			out.WriteByte(' ')
			out.Write(row.Append(nil, full))
			out.WriteByte('\n')
		}
		compare(t, filepath.Join("testdata", "golden", name+".txt"), out.Bytes())
	}
}

// compare holds text against a file, or writes the file with -update.
func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	gotLines, wantLines := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range max(len(gotLines), len(wantLines)) {
		var g, w []byte
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if !bytes.Equal(g, w) {
			t.Fatalf("%s, line %d\n got %s\nwant %s\n(go generate ./internal/topic for the page, -update for golden files)", file, i+1, g, w)
		}
	}
}
