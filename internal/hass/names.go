package hass

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed names/*.json
var nameFiles embed.FS

// names are those of entities, by their keys, in one language.
type names map[string]string

// Languages are those that names are there in.
func Languages() []string {
	files, err := nameFiles.ReadDir("names")
	if err != nil {
		panic(fmt.Sprintf("hass: %v", err)) // they are part of the program
	}
	var all []string
	for _, file := range files {
		all = append(all, strings.TrimSuffix(file.Name(), ".json"))
	}
	return all
}

func readNames(language string) (names, error) {
	if !slices.Contains(Languages(), language) {
		return nil, fmt.Errorf("hass: language %.16q is none of %s", language, strings.Join(Languages(), ", "))
	}
	text, err := nameFiles.ReadFile("names/" + language + ".json")
	if err != nil {
		return nil, fmt.Errorf("hass: %w", err)
	}
	var n names
	if err := json.Unmarshal(text, &n); err != nil {
		return nil, fmt.Errorf("hass: names/%s.json: %w", language, err)
	}
	return n, nil
}
