package house

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"
)

// longest is the number of lines after which one sentence hardly tells a file's purpose any more.
const longest = 600

func TestPackages_HaveExactlyOnePackageComment(t *testing.T) {
	for dir, files := range packages(t) {
		testsOnly := true
		for _, f := range files {
			testsOnly = testsOnly && f.test
		}
		var commented []string
		for _, f := range files {
			if f.ast.Doc == nil || f.test && !testsOnly {
				continue
			}
			commented = append(commented, f.path)
			want := "Package " + f.ast.Name.Name + " "
			if f.ast.Name.Name == "main" {
				want = "Command "
			}
			if !strings.HasPrefix(f.ast.Doc.Text(), want) {
				t.Errorf("%s: the package comment does not begin with %q", f.path, want)
			}
		}
		switch {
		case len(commented) == 0:
			t.Errorf("%s: no package comment: say what the room is for, where to start, who may import it", dir)
		case len(commented) > 1:
			t.Errorf("%s: several package comments: %s", dir, strings.Join(commented, ", "))
		}
	}
}

func TestFiles_StayReadable(t *testing.T) {
	for _, f := range tree(t) {
		if ast.IsGenerated(f.ast) {
			continue
		}
		if n := strings.Count(f.text, "\n"); n > longest {
			t.Errorf("%s has %d lines, more than %d: which two sentences describe it?", f.path, n, longest)
		}
	}
}

func TestFiles_LeaveNothingOpen(t *testing.T) {
	open := regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
	for _, f := range tree(t) {
		if f.dir() == "test/house" {
			continue // the words stand in the rule itself
		}
		for _, group := range f.ast.Comments {
			if word := open.FindString(group.Text()); word != "" {
				t.Errorf("%s:%d: %s: do it, or write down why not", f.path, f.line(group), word)
			}
		}
	}
}

// In virtual time too a test waits for a timer, so that nobody has to look whether the time is virtual.
func TestTests_NeverSleep(t *testing.T) {
	for _, f := range tree(t) {
		if !f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok || call.Sel.Name != "Sleep" {
				return true
			}
			if pkg, ok := call.X.(*ast.Ident); ok && pkg.Name == "time" {
				t.Errorf("%s:%d: time.Sleep: wait for the event, or let virtual time pass in a synctest bubble", f.path, f.line(call))
			}
			return true
		})
	}
}
