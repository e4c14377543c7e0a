// Package house holds the rules of the house as tests: who may import whom and why
// (imports_test.go), what every file and package owes its reader (files_test.go), and that the
// documents speak of things that exist (docs_test.go). Start at the table in imports_test.go; a new
// package needs a row there. Nobody imports this package.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// module is our import path; root is its folder, seen from this package.
const (
	module = "github.com/bluelink2mqtt/bluelink2mqtt"
	root   = "../.."
)

// goFile is one parsed Go file of the module.
type goFile struct {
	path string // from the root, with slashes: internal/bridge/lane.go
	test bool
	fset *token.FileSet
	ast  *ast.File
	text string
}

// dir is the folder of the file, which is also the import path of its package below the module.
func (f goFile) dir() string { return filepath.ToSlash(filepath.Dir(f.path)) }

// at gives a position as path:line.
func (f goFile) line(n ast.Node) int { return f.fset.Position(n.Pos()).Line }

// goFiles parses the tree once for all rules. The tools' own module is another house.
var goFiles = sync.OnceValues(func() ([]goFile, error) {
	var files []goFile
	err := walk(func(path string) error {
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, goFile{
			path: path, test: strings.HasSuffix(path, "_test.go"), fset: fset, ast: tree, text: string(text),
		})
		return nil
	})
	return files, err
})

// walk visits every file that belongs to the project, with its path from the root.
func walk(visit func(path string) error) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || slices.Contains([]string{"bin", "dist", "node_modules", "testdata", "tools"}, name)) {
				return filepath.SkipDir
			}
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return visit(filepath.ToSlash(relative))
	})
}

// tree gives the parsed files, or fails the test.
func tree(t *testing.T) []goFile {
	t.Helper()
	files, err := goFiles()
	if err != nil {
		t.Fatalf("read the source tree: %v", err)
	}
	if len(files) == 0 {
		t.Fatal("read the source tree: no Go file found")
	}
	return files
}

// packages groups the files by folder.
func packages(t *testing.T) map[string][]goFile {
	t.Helper()
	byDir := map[string][]goFile{}
	for _, f := range tree(t) {
		byDir[f.dir()] = append(byDir[f.dir()], f)
	}
	return byDir
}
