package house

import (
	"encoding/json"
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// page is one Markdown file.
type page struct {
	path string // from the root
	text string
}

// pages reads every Markdown file of the project.
func pages(t *testing.T) []page {
	t.Helper()
	var all []page
	err := walk(func(path string) error {
		if !strings.HasSuffix(path, ".md") {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		all = append(all, page{path, string(text)})
		return err
	})
	if err != nil {
		t.Fatalf("read the documents: %v", err)
	}
	return all
}

// protocol says whether the page describes a cloud: such pages cite files of other projects.
func (p page) protocol() bool { return strings.HasPrefix(p.path, "docs/protocol/") }

// prose is the page without its code blocks.
func (p page) prose() string {
	text, _ := split(p.text)
	return text
}

// split parts a page into prose and the lines of its shell blocks.
func split(text string) (prose string, shell []string) {
	var out strings.Builder
	fence, language := false, ""
	for line := range strings.Lines(text) {
		mark, opens := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case opens && !fence:
			fence, language = true, mark
		case opens:
			fence = false
		case !fence:
			out.WriteString(line)
		case slices.Contains([]string{"sh", "bash", "console", "shell"}, language):
			shell = append(shell, strings.TrimPrefix(strings.TrimSpace(line), "$ "))
		}
	}
	return out.String(), shell
}

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	code     = regexp.MustCompile("`([^`\n]+)`")
	heading  = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	citation = regexp.MustCompile(`docs/[a-z0-9/-]+\.md(?:,? (?:§|section )([0-9]+(?:\.[0-9]+)*))?`)
	filename = regexp.MustCompile(`^[A-Za-z0-9_./-]+\.(go|md|yml|yaml|sh|mod|json)$`)
	symbol   = regexp.MustCompile(`^([a-z][a-z0-9]*)\.([A-Z][A-Za-z0-9]*)(?:\.([A-Z][A-Za-z0-9]*))?(?:\(.*\))?$`)
)

func TestDocs_LinksResolve(t *testing.T) {
	for _, p := range pages(t) {
		for _, found := range link.FindAllStringSubmatch(p.prose(), -1) {
			target, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file := p.path
			if target != "" {
				file = path.Join(path.Dir(p.path), target)
			}
			text, err := os.ReadFile(filepath.Join(root, file))
			if _, statErr := os.Stat(filepath.Join(root, file)); statErr != nil {
				t.Errorf("%s: the link %q leads nowhere", p.path, found[1])
				continue
			}
			if anchor != "" && (err != nil || !slices.Contains(anchors(string(text)), anchor)) {
				t.Errorf("%s: the link %q names no heading of %s", p.path, found[1], file)
			}
		}
	}
}

// TestDocs_NamedFilesAndSymbolsExist reads what stands in backquotes: a path must be there, and
// pkg.Name, where pkg is a package of ours, must be declared.
func TestDocs_NamedFilesAndSymbolsExist(t *testing.T) {
	declared := declarations(t)
	files := map[string]bool{}
	if err := walk(func(path string) error { files[path] = true; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, p := range pages(t) {
		if p.protocol() {
			continue
		}
		for _, found := range code.FindAllStringSubmatch(p.prose(), -1) {
			word := found[1]
			if filename.MatchString(word) && strings.Contains(word, "/") && !strings.HasPrefix(word, "/") &&
				!strings.HasPrefix(word, "./") && !strings.HasPrefix(word, "../") {
				if _, err := os.Stat(filepath.Join(root, word)); err != nil && !files[path.Join(path.Dir(p.path), word)] {
					t.Errorf("%s names %s, which is not there", p.path, word)
				}
			}
			if part := symbol.FindStringSubmatch(word); part != nil {
				names, ours := declared[part[1]]
				if ours && !names[part[2]] {
					t.Errorf("%s names %s, which %s does not declare", p.path, word, part[1])
				} else if ours && part[3] != "" && !names[part[2]+"."+part[3]] {
					t.Errorf("%s names %s, but %s has no %s", p.path, word, part[2], part[3])
				}
			}
		}
	}
}

// TestDocs_CitedSectionsExist follows the citations in comments: docs/protocol/europe.md §2.3.
func TestDocs_CitedSectionsExist(t *testing.T) {
	headings := map[string]string{}
	for _, p := range pages(t) {
		headings[p.path] = p.text
	}
	for _, f := range tree(t) {
		if f.dir() == "test/house" {
			continue
		}
		for _, group := range f.ast.Comments {
			for _, found := range citation.FindAllStringSubmatch(strings.Join(strings.Fields(group.Text()), " "), -1) {
				file, _, _ := strings.Cut(found[0], ".md")
				text, there := headings[file+".md"]
				if !there {
					t.Errorf("%s:%d cites %s.md, which is not there", f.path, f.line(group), file)
					continue
				}
				if found[1] != "" && !hasSection(text, found[1]) {
					t.Errorf("%s:%d cites %s.md §%s, which has no such section", f.path, f.line(group), file, found[1])
				}
			}
		}
	}
}

// hasSection finds a heading by its number; §10.7 may also be the seventh point of a list in section 10.
func hasSection(text, number string) bool {
	opens := func(number string) *regexp.Regexp {
		return regexp.MustCompile(`(?m)^#+ ` + regexp.QuoteMeta(number) + `[. ]`)
	}
	if opens(number).MatchString(text) {
		return true
	}
	dot := strings.LastIndex(number, ".")
	if dot < 0 {
		return false
	}
	start := opens(number[:dot]).FindStringIndex(text)
	if start == nil {
		return false
	}
	body := text[start[1]:]
	if next := regexp.MustCompile(`(?m)^#`).FindStringIndex(body); next != nil {
		body = body[:next[0]]
	}
	return regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(number[dot+1:]) + `\. `).MatchString(body)
}

// TestDocs_CommandsExist checks the shell blocks: make targets, sub-commands with their flags, scripts.
func TestDocs_CommandsExist(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(string(makefile), -1) {
		targets[found[1]] = true
	}
	words := commandLine(t)

	for _, p := range pages(t) {
		if p.protocol() {
			continue
		}
		_, shell := split(p.text)
		for _, line := range shell {
			line, _, _ = strings.Cut(line, " # ")
			args := strings.Fields(line)
			for len(args) > 0 && strings.Contains(args[0], "=") {
				args = args[1:] // NAME=value before a command
			}
			if len(args) == 0 {
				continue
			}
			switch {
			case args[0] == "make":
				for _, target := range args[1:] {
					if !strings.ContainsAny(target, "=-") && !targets[target] {
						t.Errorf("%s: %q: the Makefile has no target %q", p.path, line, target)
					}
				}
			case len(args) > 2 && args[0] == "go" && args[1] == "run" && strings.HasPrefix(args[2], "./cmd/"):
				checkCommand(t, p, line, args[3:], words)
			case strings.HasSuffix(args[0], "bluelink2mqtt"):
				checkCommand(t, p, line, args[1:], words)
			case strings.HasPrefix(args[0], "scripts/"):
				if _, err := os.Stat(filepath.Join(root, args[0])); err != nil {
					t.Errorf("%s: %q: no such script", p.path, line)
				}
			}
		}
	}
}

// TestDockerfile_CallsWhatExists reads the argument lists of the image: health check and default command.
func TestDockerfile_CallsWhatExists(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	words := commandLine(t)
	calls := regexp.MustCompile(`(?m)CMD (\[.*\])$`).FindAllStringSubmatch(string(text), -1)
	if len(calls) != 2 {
		t.Fatalf("the Dockerfile has %d argument lists, want the health check's and the default command's", len(calls))
	}
	for _, call := range calls {
		var args []string
		if err := json.Unmarshal([]byte(call[1]), &args); err != nil {
			t.Errorf("Dockerfile: %s: %v", call[0], err)
			continue
		}
		if args[0] == "/bluelink2mqtt" {
			args = args[1:]
		}
		checkCommand(t, page{path: "Dockerfile"}, call[0], args, words)
	}
}

// checkCommand looks for the sub-command and the flags of one line among the words of the front door.
func checkCommand(t *testing.T, p page, line string, args []string, words map[string]bool) {
	t.Helper()
	sub := true
	for _, arg := range args {
		if flag, ok := strings.CutPrefix(arg, "--"); ok {
			name, _, _ := strings.Cut(flag, "=")
			if name != "" && name != "help" && !words[name] {
				t.Errorf("%s: %q: no flag --%s", p.path, line, name)
			}
			sub = false
			continue
		}
		if sub && !words[arg] {
			t.Errorf("%s: %q: no sub-command %q", p.path, line, arg)
		}
		sub = false // further words are arguments
	}
}

// commandLine collects the first words of all strings in cmd: cobra's Use lines and flag names are
// among them. It is a coarse sieve that needs no build and finds what was renamed or dropped.
func commandLine(t *testing.T) map[string]bool {
	t.Helper()
	words := map[string]bool{}
	for _, f := range tree(t) {
		if f.test || !strings.HasPrefix(f.path, "cmd/") && f.dir() != "internal/config" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
				if value, err := strconv.Unquote(text.Value); err == nil && value != "" {
					words[strings.Fields(value + " .")[0]] = true
				}
			}
			return true
		})
	}
	return words
}

// anchors gives the link names of a page's headings, as code hosts make them.
func anchors(text string) []string {
	var all []string
	for _, found := range heading.FindAllStringSubmatch(text, -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			default:
				return -1
			}
		}, strings.TrimSpace(found[1])))
	}
	return all
}

// declarations lists what each package of ours declares: Name, and Type.Method or Type.Field.
func declarations(t *testing.T) map[string]map[string]bool {
	t.Helper()
	all := map[string]map[string]bool{}
	for _, f := range tree(t) {
		if f.test {
			continue
		}
		names := all[f.ast.Name.Name]
		if names == nil {
			names = map[string]bool{}
			all[f.ast.Name.Name] = names
		}
		for _, decl := range f.ast.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					names[d.Name.Name] = true
				} else {
					names[receiver(d.Recv.List[0].Type)+"."+d.Name.Name] = true
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					declareSpec(names, spec)
				}
			}
		}
	}
	return all
}

// declareSpec adds the names of one type, constant or variable.
func declareSpec(names map[string]bool, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range s.Names {
			names[name.Name] = true
		}
	case *ast.TypeSpec:
		names[s.Name.Name] = true
		var members *ast.FieldList
		switch body := s.Type.(type) {
		case *ast.StructType:
			members = body.Fields
		case *ast.InterfaceType:
			members = body.Methods
		default:
			return
		}
		for _, member := range members.List {
			for _, name := range member.Names {
				names[s.Name.Name+"."+name.Name] = true
			}
		}
	}
}

// receiver names the type of a method.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	default:
		return ""
	}
}
