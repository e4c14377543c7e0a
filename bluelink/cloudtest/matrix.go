package cloudtest

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// replayed is what of a service's operations was replayed, and with which cars.
type replayed struct {
	service string
	cells   map[string]*cell
}

// cell is one operation: which engines have it, and which were seen without it.
type cell struct{ with, without []string }

func newReplayed(service string) *replayed { return &replayed{service, map[string]*cell{}} }

// add says that an operation was replayed.
func (r *replayed) add(operation, engine string) { r.offer(operation, engine, true) }

// offer says whether a car with an engine has an operation.
func (r *replayed) offer(operation, engine string, has bool) {
	c := r.cells[operation]
	if c == nil {
		c = &cell{}
		r.cells[operation] = c
	}
	list := &c.without
	if has {
		list = &c.with
	}
	if !slices.Contains(*list, engine) {
		*list = append(*list, engine)
	}
}

// text is what the table says of an operation: yes for all cars, the engines of those that have it, or a dash.
func (r *replayed) text(operation string) string {
	c := r.cells[operation]
	switch {
	case c == nil || len(c.with) == 0:
		return "–"
	case len(c.without) == 0:
		return "yes"
	}
	engines := slices.Clone(c.with)
	slices.Sort(engines)
	return strings.Join(engines, " ")
}

// operationRows are the rows of the table.
func operationRows() []string {
	list := []string{"sign in", "one-time code", "renewal", "list", "cached", "forced", "smart"}
	for _, spec := range vehicle.Commands() {
		if !spec.Local && spec.Name != "refresh" {
			list = append(list, spec.Name)
		}
	}
	return list
}

const (
	tableBegin = "<!-- replayed: written by go test -p 1 ./bluelink/... -run Suite -update -->"
	tableEnd   = "<!-- /replayed -->"
)

// table is the table of README.md: a column for each service, or for several of a region that are alike.
type table struct {
	before, after string // the rest of the page
	services      []string
	cells         map[string]map[string]string // by service and operation
}

// Services are the columns of the table in a page, for the test that compares them with the clouds that can be opened.
func Services(page string) ([]string, error) {
	parsed, err := parseTable(page)
	return parsed.services, err
}

func parseTable(page string) (table, error) {
	before, rest, begun := strings.Cut(page, tableBegin)
	inside, after, ended := strings.Cut(rest, tableEnd)
	if !begun || !ended {
		return table{}, fmt.Errorf("the page has no %s … %s", tableBegin, tableEnd)
	}
	parsed := table{before: before, after: after, cells: map[string]map[string]string{}}
	var columns [][]string
	for i, line := range strings.Split(strings.TrimSpace(inside), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "|--") {
			continue
		}
		fields := strings.Split(strings.Trim(line, "|"), "|")
		for j := range fields {
			fields[j] = strings.TrimSpace(fields[j])
		}
		if i == 0 {
			for _, field := range fields[1:] {
				columns = append(columns, strings.Split(field, together))
			}
			parsed.services = slices.Concat(columns...)
			for _, service := range parsed.services {
				parsed.cells[service] = map[string]string{}
			}
			continue
		}
		for j, column := range columns[:min(len(columns), len(fields)-1)] {
			for _, service := range column {
				parsed.cells[service][fields[0]] = fields[j+1]
			}
		}
	}
	return parsed, nil
}

// put writes a column.
func (p *table) put(r *replayed) {
	if !slices.Contains(p.services, r.service) {
		p.services = append(p.services, r.service)
		slices.SortFunc(p.services, func(a, b string) int { return strings.Compare(turnedName(a), turnedName(b)) })
	}
	column := map[string]string{}
	for _, operation := range operationRows() {
		column[operation] = r.text(operation)
	}
	p.cells[r.service] = column
}

// turnedName orders services by region: "eu-kia".
func turnedName(service string) string {
	brand, region, _ := strings.Cut(service, "-")
	return region + "-" + brand
}

// together stands between the services that share a column.
const together = "<br>"

// columns are the services in their order; those of a region that are alike share one.
func (p *table) columns() (all [][]string) {
	for _, service := range p.services {
		if n := len(all); n > 0 {
			_, region, _ := strings.Cut(service, "-")
			_, before, _ := strings.Cut(all[n-1][0], "-")
			if region == before && maps.Equal(p.cells[service], p.cells[all[n-1][0]]) {
				all[n-1] = append(all[n-1], service)
				continue
			}
		}
		all = append(all, []string{service})
	}
	return all
}

func (p *table) String() string {
	columns := p.columns()
	var b strings.Builder
	b.WriteString(p.before + tableBegin + "\n|")
	for _, column := range columns {
		b.WriteString(" | " + strings.Join(column, together))
	}
	b.WriteString(" |\n" + strings.Repeat("|---", len(columns)+1) + "|\n")
	for _, operation := range operationRows() {
		b.WriteString("| " + operation)
		for _, column := range columns {
			b.WriteString(" | " + p.cells[column[0]][operation])
		}
		b.WriteString(" |\n")
	}
	b.WriteString(tableEnd + p.after)
	return b.String()
}

// compare holds README.md against what was replayed, or writes it anew when the test's package has a flag -update that is
// set. Packages must be updated one after the other.
func (r *replayed) compare(t *testing.T) {
	t.Helper()
	file := filepath.Join(root(t), "README.md")
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parseTable(string(page))
	if err != nil {
		t.Fatalf("README.md: %v", err)
	}
	if update := flag.Lookup("update"); update != nil && update.Value.String() == "true" {
		parsed.put(r)
		if err := os.WriteFile(file, []byte(parsed.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	said, listed := parsed.cells[r.service]
	if !listed {
		t.Errorf("README.md has no column %s: run the suite with -update", r.service)
		return
	}
	for _, operation := range operationRows() {
		if is := r.text(operation); said[operation] != is {
			t.Errorf("README.md says of %s at %s %q, replayed was %q: run the suite with -update", operation, r.service, said[operation], is)
		}
	}
}

// root is the folder of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}
