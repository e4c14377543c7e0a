package house

import (
	"regexp"
	"strings"
	"testing"
)

// demanded are the failures that the page must speak of, whatever else it does.
var demanded = []string{
	"A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10", "A11", "A12", "A13", "A14", "A15",
	"C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10",
	"B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9", "B10", "B11", "B12", "G1", "G2", "G3", "G4", "G5", "G6", "G7",
	"G8", "G9", "G10", "G11", "G12", "G13",
	"D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9", "D10", "D11", "D12", "D13", "D14", "D15", "D16",
}

var (
	failure  = regexp.MustCompile(`(?m)^\| ([A-Z][0-9]+) \|(.*)\|$`)
	testName = regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")
)

// TestResilience_PageNamesTestsThatExist keeps the page of failures true: each row names tests that are there, or says that
// it is open.
func TestResilience_PageNamesTestsThatExist(t *testing.T) {
	declared := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9_]+)\(`)
	for _, f := range tree(t) {
		if !f.test {
			continue
		}
		for _, found := range function.FindAllStringSubmatch(f.text, -1) {
			declared[found[1]] = true
		}
	}
	rows := map[string]bool{}
	for _, p := range pages(t) {
		if p.path != "docs/resilience.md" {
			continue
		}
		for _, row := range failure.FindAllStringSubmatch(p.text, -1) {
			id, text := row[1], row[2]
			if rows[id] {
				t.Errorf("the row %s is there twice", id)
			}
			rows[id] = true
			names := testName.FindAllStringSubmatch(text, -1)
			if len(names) == 0 && !strings.Contains(strings.ToLower(text), "open:") {
				t.Errorf("the row %s names no test and does not say that it is open", id)
			}
			for _, name := range names {
				if !declared[name[1]] {
					t.Errorf("the row %s names %s, which is not there", id, name[1])
				}
			}
		}
	}
	for _, id := range demanded {
		if !rows[id] {
			t.Errorf("docs/resilience.md has no row %s", id)
		}
	}
}
