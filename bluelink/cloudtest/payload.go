package cloudtest

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Payloads are payloads of a command as fronts take them: the plain one, one key at a time at every step of its range, and
// those that a family adds. What lists the values of a key whose range the catalogue does not know, such as a temperature;
// keys without a list are left out.
func Payloads(t *testing.T, spec *vehicle.Spec, what map[string][]string, more ...string) (all []string) {
	t.Helper()
	action := ""
	if len(spec.Words) > 0 {
		action = fmt.Sprintf(`"action":%q`, spec.Words[0])
	}
	add := func(members string) {
		both := strings.Trim(action+","+members, ",")
		all = append(all, "{"+both+"}")
	}
	if action != "" {
		add("")
	}
	for _, f := range spec.Fields {
		values := what[f.Key]
		switch {
		case values != nil:
		case f.Kind == vehicle.FieldFlag:
			values = []string{"true", "false"}
		case f.Kind == vehicle.FieldNumber && f.Step > 0:
			values = Steps(f.Min, f.Max, f.Step)
		}
		for _, value := range values {
			add(fmt.Sprintf(`%q:%s`, f.Key, value))
		}
	}
	for _, members := range more {
		add(members)
	}
	return all
}

// Steps are the numbers of a range, both ends included.
func Steps(from, to, step float64) (list []string) {
	for n := from; n <= to; n += step {
		list = append(list, fmt.Sprint(n))
	}
	return list
}

// Climates are starts in °F, with every way to warm the wheel, and with seats.
func Climates() (list []string) {
	for _, f := range Steps(57, 86, 1) {
		list = append(list, `"unit":"F","set_temp":`+f)
	}
	for heating := range 5 {
		for wheel := range 3 {
			list = append(list, fmt.Sprintf(`"heating":%d,"steering_wheel":%d`, heating, wheel))
		}
	}
	return append(list, `"set_temp":21.5,"duration":10,"defrost":true,"climate":true,"heating":4,"steering_wheel":2,`+
		`"front_left_seat":8,"front_right_seat":5,"rear_left_seat":6,"rear_right_seat":3`)
}

// Golden holds a page of text against a file of a package's testdata, which -update writes anew; the other files of its
// folder must belong to some page.
func Golden(t *testing.T, dir string, pages map[string]string) {
	t.Helper()
	update := false
	if given := flag.Lookup("update"); given != nil {
		update = given.Value.String() == "true"
	}
	for name, page := range pages {
		file := filepath.Join(dir, name)
		if update {
			if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(file, []byte(page), 0o644)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, want := strings.Split(page, "\n"), strings.Split(string(text), "\n")
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				t.Errorf("%s, line %d\n got %s\nwant %s", file, i+1, strings.Join(got[min(i, len(got)):min(i+1, len(got))], ""), strings.Join(want[min(i, len(want)):min(i+1, len(want))], ""))
				break
			}
		}
	}
	found, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, file := range found {
		if _, wanted := pages[filepath.Base(file)]; !wanted {
			t.Errorf("%s belongs to no page", file)
		}
	}
}

// Sent are the commands that reach a cloud.
func Sent() []*vehicle.Spec {
	return slices.DeleteFunc(slices.Clone(vehicle.Commands()), func(s *vehicle.Spec) bool { return s.Local || s.Name == "refresh" })
}
