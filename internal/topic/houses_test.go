package topic

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestHouses_PagesForOthersNameTopicsThatExist reads what users of other programs are told to copy.
func TestHouses_PagesForOthersNameTopicsThatExist(t *testing.T) {
	var known []string
	for _, row := range NewTable(Options{}).Rows() {
		known = append(known, row.Suffix)
	}
	for _, spec := range vehicle.Commands() {
		known = append(known, "commands/"+spec.Topic)
	}
	car := Tree{"hyundai"}.Car("ioniq5")
	for _, topic := range []string{car.Availability(), car.Topic("status/error")} {
		known = append(known, strings.TrimPrefix(topic, "hyundai/ioniq5/"))
	}
	named := regexp.MustCompile(`hyundai/ioniq5/([a-zA-Z0-9_/]+)`)
	for _, page := range []string{"evcc.md", "openhab.md", "node-red-flow.json"} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		topics := named.FindAllStringSubmatch(string(text), -1)
		if len(topics) == 0 {
			t.Errorf("%s names no topic", page)
		}
		for _, found := range topics {
			suffix := strings.TrimSuffix(found[1], "/")
			if !slices.Contains(known, suffix) && suffix != "value" && !strings.HasPrefix(suffix, "value/") {
				t.Errorf("%s names %s, which is no topic", page, suffix)
			}
		}
	}
}
