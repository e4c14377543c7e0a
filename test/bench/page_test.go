package bench

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// results is a whole run, as it is kept beside the page that is made of it.
type results struct {
	Date    string   `json:"date"`
	Long    bool     `json:"long"`
	Cores   int      `json:"cores"`
	CPU     string   `json:"cpu"`
	Memory  int      `json:"memory_gb"`
	Go      string   `json:"go"`
	System  string   `json:"system"`
	Numbers *numbers `json:"numbers"`
}

const (
	pageName    = "performance.md"
	plotFolder  = "performance"
	resultsName = "numbers.json"
)

// writePage writes the page, its plots and the numbers below the folder of documents.
func writePage(tb testing.TB, n *numbers) {
	tb.Helper()
	r := results{
		Date: time.Now().UTC().Format(time.DateOnly), Long: long, Cores: runtime.NumCPU(), CPU: processor(), Memory: installed(),
		Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Numbers: n,
	}
	if err := os.MkdirAll(filepath.Join(*docs, plotFolder), 0o750); err != nil {
		tb.Fatal(err)
	}
	kept, err := json.Marshal(r)
	if err != nil {
		tb.Fatal(err)
	}
	files := r.files()
	files[filepath.Join(plotFolder, resultsName)] = string(kept) + "\n"
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(*docs, name), []byte(content), 0o640); err != nil {
			tb.Fatal(err)
		}
	}
}

// processor is the kind of processor, in general terms.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	_, rest, _ := bytes.Cut(text, []byte("model name"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return strings.TrimSpace(strings.TrimLeft(string(line), "\t: "))
}

// installed is the machine's memory in GB.
func installed() int {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	kB, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return int(math.Round(float64(kB) * 1024 / 1e9))
}

// files is everything that is made of the numbers.
func (r *results) files() map[string]string {
	return map[string]string{
		pageName:                                   r.page(),
		filepath.Join(plotFolder, "answer.svg"):    r.answers(),
		filepath.Join(plotFolder, "refreshes.svg"): r.refreshes(),
		filepath.Join(plotFolder, "start.svg"):     r.starts(),
		filepath.Join(plotFolder, "memory.svg"):    r.memory(),
		filepath.Join(plotFolder, "growth.svg"):    r.growth(),
	}
}

func (r *results) page() string {
	var p strings.Builder
	n := r.Numbers
	length := "short, `make bench`; the full length is `make bench SOAK=1`"
	if r.Long {
		length = "full, `make bench SOAK=1`"
	}
	fmt.Fprintf(&p, `# Performance

Written by `+"`make bench`"+` (`+"`test/bench`"+`); do not edit. Measured %s on %d cores (%s, %d GB, %s, %s), length: %s.

The released program runs as a process of its own, the simulated clouds as another, Mosquitto as a third, and what asks for
refreshes and looks at the answers as a fourth: all of them share the cores. Cars have their full set of topics. Numbers are
medians over repetitions; what is compared is measured in turn. The Python service's numbers were measured with the same
simulated cloud, an external Mosquitto and 2 cores on another day; the ratio counts.

## Goals

| what | here | Python service | ratio | goal | reached |
|---|---|---|---|---|---|
`, r.Date, r.Cores, r.CPU, r.Memory, r.System, r.Go, length)
	var missed []goal
	for _, g := range goals(n) {
		service, ratio := "–", "–"
		if g.service != 0 {
			service, ratio = number(g.service)+" "+g.unit, "× "+number(g.ratio())
		}
		reached := "yes"
		if !g.reached() {
			reached = "**no**"
			missed = append(missed, g)
		}
		sign := "≤"
		if g.atLeast {
			sign = "≥"
		}
		fmt.Fprintf(&p, "| %s | %s | %s | %s | %s %s | %s |\n", g.what, strings.TrimSpace(number(g.value)+" "+g.unit), strings.TrimSpace(service), ratio,
			sign, strings.TrimSpace(number(g.limit)+" "+g.unit), reached)
	}
	p.WriteString("\n")
	for _, g := range missed {
		fmt.Fprintf(&p, "**%s**: %s\n\n", g.what, g.mend)
	}
	fmt.Fprintf(&p, `## Limits of this machine, in the same run

| what | here | for comparison |
|---|---|---|
| a message to the broker and back | %s ms | an answer of an idle car: %s ms |
| `+"`net/http`"+` alone making the four calls of a refresh | %s a second, %s µs of processor time | a whole refresh in which nothing changes: %s a second, %s µs; in which %s topics are published: %s a second, %s µs |
| the MQTT library alone, 256 callers | %s publications a second | this client: %s |
| this program saying its version | %s ms | first state from the store: %s ms |
| refreshes with the cloud as a function in the same process, without `+"`net/http`"+` on either side | %s a second | |

`, number(n.median("answer/echo_ms")), number(n.median("answer/0_others/ms")),
		number(n.median("refreshes/none/http_alone")), number(n.median("refreshes/none/http_alone_cpu_us")),
		number(n.median("refreshes/none/per_second")), number(n.median("refreshes/none/cpu_us")),
		number(n.median("refreshes/all/publications")), number(n.median("refreshes/all/per_second")), number(n.median("refreshes/all/cpu_us")),
		number(n.median("publish/library_alone")), number(n.median("publish/per_second")),
		number(n.median("start/version_ms")), number(n.median("start/stored_ms")), number(n.median("refreshes/inside/per_second")))
	p.WriteString(r.details())
	p.WriteString(r.further())
	return p.String()
}

// further is what came later than some kept numbers.
func (r *results) further() string {
	n := r.Numbers
	var p strings.Builder
	if n.has("wire/ms") {
		fmt.Fprintf(&p, `
## A command's way to the cloud

From PUBLISH until its request arrives at the simulated cloud, the journal on the disk in between, while 1,000 other cars are in
forced refreshes of %s: median %s ms, 90 %% within %s ms, 99 %% within %s ms.
`, wireForce, number(n.median("wire/ms")), number(quantile(n.all["wire/ms"], 0.9)), number(quantile(n.all["wire/ms"], 0.99)))
	}
	if n.has("start_100/all_ms") {
		fmt.Fprintf(&p, `
## A start with 100 cars

The first retained state after %s ms, all topics of all cars after %s ms, from the store of an earlier run.
`, number(n.median("start_100/first_ms")), number(n.median("start_100/all_ms")))
	}
	if n.has("announce/announced_s") {
		fmt.Fprintf(&p, `
## 10,000 cars announced to Home Assistant

From the start of the program, with all cars in its store and a broker that knows nothing: all discovery messages, %s kB a car,
have passed the broker after %s s and %s s of processor time, all that the cars report after %s s and %s s. The broker
(Mosquitto) then holds %s MB, the program %s MB.
`, number(n.median("announce/kB")), number(n.median("announce/announced_s")), number(n.median("announce/announced_cpu_s")),
			number(n.median("announce/told_s")), number(n.median("announce/told_cpu_s")), number(n.median("announce/broker_MB")), number(n.median("announce/MB")))
	}
	return p.String()
}

func (r *results) details() string {
	n := r.Numbers
	rounds := ""
	if !r.Long {
		rounds = " (of 10,000 cars two)"
	}
	var p strings.Builder
	fmt.Fprintf(&p, `## An idle car's answer while others are refreshed

From PUBLISH on the command topic to the terminal record of a cached refresh of four calls, while the others are in forced
refreshes of 2 s without pause, each begun at another moment, with a bulkhead wide enough for all of them.

| others | median | 90 %% | 99 %% |
|---|---|---|---|
`)
	for _, others := range []string{"0", "10", "1000"} {
		times := n.all["answer/"+others+"_others/ms"]
		fmt.Fprintf(&p, "| %s | %s ms | %s ms | %s ms |\n", others, number(median(times)), number(quantile(times, 0.9)), number(quantile(times, 0.99)))
	}
	fmt.Fprintf(&p, `
![Distribution of answer times](performance/answer.svg)

## Refreshes

Cached refreshes of four calls each (status, position, energy history of 30 days and of all time), asked for over MQTT, %d
under way; the cloud answers at once. Every refresh is answered by records on the result topic, and the topics that tell of
the refresh itself are published each time: %s publications when nothing changes, %s when everything that a person can touch
does. The processor time is that of the program alone.

![Refreshes a second](performance/refreshes.svg)

## Start

From before the process is made to the first retained state of a car at a subscriber, with tokens and cars of an earlier run
in the store; and to the first state that was read from the cloud anew.

| | median | slowest tenth |
|---|---|---|
| the program says its version and ends | %s ms | %s ms |
| first state, from the store | %s ms | %s ms |
| first state read anew | %s ms | %s ms |

![Times from start to state](performance/start.svg)

## Memory and growth

Resident set after ten refreshes of each car%s, limits as they come, log at level info. The resident set includes the pages of
the program itself (about 12 MB) and those of its database that were last used, which the system takes back when it needs
them.

| cars | accounts | memory | highest | processor time of a refresh |
|---|---|---|---|---|
`, atOnce, number(n.median("refreshes/none/publications")), number(n.median("refreshes/all/publications")),
		number(n.median("start/version_ms")), number(quantile(n.all["start/version_ms"], 0.9)),
		number(n.median("start/stored_ms")), number(quantile(n.all["start/stored_ms"], 0.9)),
		number(n.median("start/fresh_ms")), number(quantile(n.all["start/fresh_ms"], 0.9)), rounds)
	for _, size := range sizes {
		name := size.name()
		fmt.Fprintf(&p, "| %s | %s | %s MB | %s MB | %s µs |\n", number(float64(size.cars)), number(float64(size.accounts)),
			number(n.median(name+"/MB")), number(n.median(name+"/peak_MB")), number(n.median(name+"/cpu_us")))
	}
	p.WriteString(`
![Memory by number of cars](performance/memory.svg)

![Processor time of a refresh by number of cars](performance/growth.svg)
`)
	return p.String()
}

// answers is the cumulative distribution of answer times.
func (r *results) answers() string {
	p := plot{
		title: "Answer of an idle car while others are in forced refreshes of 2 s",
		x:     axis{label: "ms from PUBLISH to the terminal record", low: 0.5, high: 50, log: true, ticks: []float64{0.5, 1, 2, 5, 10, 20, 50}},
		y:     axis{label: "% answered within", low: 0, high: 100, ticks: []float64{0, 25, 50, 75, 90, 99}},
	}
	for _, others := range []string{"0", "10", "1000"} {
		times := slices.Sorted(slices.Values(r.Numbers.all["answer/"+others+"_others/ms"]))
		one := series{name: others + " others"}
		for percent := 1; percent <= 100; percent++ {
			at := quantile(times, float64(percent)/100)
			if at >= p.x.low && at <= p.x.high {
				one.points = append(one.points, point{at, float64(percent)})
			}
		}
		p.series = append(p.series, one)
	}
	return p.svg()
}

func (r *results) refreshes() string {
	n := r.Numbers
	rate := func(name string, colour int, key, cpu string) bar {
		return bar{name: name, value: n.median(key), note: number(n.median(key)) + "/s, " + number(n.median(cpu)) + " µs", colour: colour}
	}
	return bars("Refreshes of four calls a second, and processor time of one", []bar{
		{name: "Python service", value: 200, note: "200/s, 4,200 µs", colour: 4},
		rate("all topics change", 0, "refreshes/all/per_second", "refreshes/all/cpu_us"),
		rate("none changes", 0, "refreshes/none/per_second", "refreshes/none/cpu_us"),
		rate("the calls alone, by net/http", 1, "refreshes/none/http_alone", "refreshes/none/http_alone_cpu_us"),
	})
}

// starts shows each start as a dot.
func (r *results) starts() string {
	p := plot{
		title: "Time from start to state",
		x:     axis{label: "ms; one dot is one start", low: 0, high: 100, ticks: []float64{0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100}},
		y:     axis{low: 0, high: 4},
	}
	for i, row := range []struct{ name, key string }{
		{"says its version", "start/version_ms"}, {"first state, from the store", "start/stored_ms"}, {"first state read anew", "start/fresh_ms"},
	} {
		one := series{name: row.name, dots: true}
		for _, ms := range r.Numbers.all[row.key] {
			one.points = append(one.points, point{min(ms, p.x.high), float64(2-i) + 0.4})
		}
		p.series = append(p.series, one)
	}
	return p.svg()
}

func (r *results) memory() string {
	here := series{name: "here"}
	for _, size := range sizes {
		if size.accounts == 1 {
			here.points = append(here.points, point{float64(size.cars), r.Numbers.median(size.name() + "/MB")})
		}
	}
	return plot{
		title: "Memory after ten refreshes of each car", x: carsAxis(),
		y: axis{label: "MB", low: 10, high: 1000, log: true, ticks: []float64{10, 20, 50, 100, 200, 500, 1000}},
		series: []series{
			here,
			{name: "Python service", dots: true, points: []point{{1, 37}, {20, 38}, {500, 52}}},
			{name: "goals", dots: true, hollow: true, points: []point{{1, 25}, {20, 25}, {500, 45}, {10_000, 300}}},
		},
	}.svg()
}

func (r *results) growth() string {
	here, most := series{name: "here"}, 0.0
	for _, size := range sizes {
		if size.accounts == 1 && size.cars > 1 {
			at := point{float64(size.cars), r.Numbers.median(size.name() + "/cpu_us")}
			here.points, most = append(here.points, at), max(most, at.y)
		}
	}
	high := math.Ceil(most/250) * 250 * 1.2
	y := axis{label: "µs", low: 0, high: high}
	for tick := 0.0; tick <= high; tick += 250 {
		y.ticks = append(y.ticks, tick)
	}
	return plot{title: "Processor time of a refresh in which nothing changes", x: carsAxis(), y: y, series: []series{here}}.svg()
}

func carsAxis() axis {
	return axis{label: "cars", low: 1, high: 10_000, log: true, ticks: []float64{1, 10, 100, 1000, 10_000}}
}

// TestPage_SaysWhatTheNumbersSay holds page and plots to the numbers beside them, so that nobody edits them by hand.
func TestPage_SaysWhatTheNumbersSay(t *testing.T) {
	folder := filepath.Join("..", "..", "docs")
	text, err := os.ReadFile(filepath.Join(folder, plotFolder, resultsName))
	if err != nil {
		t.Fatal(err)
	}
	var r results
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	for name, want := range r.files() {
		path := filepath.Join(folder, name)
		got, err := os.ReadFile(path)
		switch {
		case *docs != "":
			if err := os.WriteFile(filepath.Join(*docs, name), []byte(want), 0o640); err != nil {
				t.Fatal(err)
			}
		case err != nil:
			t.Error(err)
		case string(got) != want:
			t.Errorf("%s says something else than the numbers; `make bench` writes all anew, `go test ./test/bench -run Page -docs ../../docs` the page alone", path)
		}
	}
}

func TestPlots_AreDrawnWithinTheirPicture(t *testing.T) {
	p := plot{
		title: "a < b & c", x: axis{low: 1, high: 1000, log: true, ticks: []float64{1, 10, 1000}}, y: axis{low: 0, high: 4, ticks: []float64{0, 4}},
		series: []series{{name: "<line>", points: []point{{1, 0}, {1000, 4}}}, {name: "dots", dots: true, hollow: true, points: []point{{10, 2}}}},
	}
	for _, picture := range []string{p.svg(), bars("a < b", []bar{{name: "none", value: 0}, {name: "most", value: 7, colour: 1}})} {
		decoder := xml.NewDecoder(strings.NewReader(picture))
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v in\n%s", err, picture)
			}
			element, _ := token.(xml.StartElement)
			for _, attribute := range element.Attr {
				at, err := strconv.ParseFloat(attribute.Value, 64)
				across := slices.Contains([]string{"x", "x1", "x2", "cx"}, attribute.Name.Local)
				down := slices.Contains([]string{"y", "y1", "y2", "cy"}, attribute.Name.Local)
				if (across || down) && (err != nil || math.IsNaN(at) || at < 0 || across && at > plotWidth || down && at > plotHeight) {
					t.Errorf("<%s> has %s=%q", element.Name.Local, attribute.Name.Local, attribute.Value)
				}
			}
		}
	}
}

func TestNumber_HasThreeDigitsThatCount(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 5: "5", 0.3812: "0.381", 12.34: "12.3", 19_500: "19,500", 1234.5: "1,230", 250: "250", 4_197_312: "4,200,000", 0.05: "0.05",
	} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %s, want %s", v, got, want)
		}
	}
}

func TestQuantile_InterpolatesBetweenNeighbours(t *testing.T) {
	values := []float64{4, 1, 3, 2}
	for q, want := range map[float64]float64{0: 1, 0.5: 2.5, 1: 4} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %v = %v, want %v", q, got, want)
		}
	}
	if !math.IsNaN(median(nil)) {
		t.Error("the median of nothing is a number")
	}
}
