package config

import (
	"strings"
)

// suggestKey is the end of a sentence that names the key which is meant, or "" when none is near. The same name in
// another section comes first, then the nearest one in this section.
func suggestKey(prefix, name string) string {
	var siblings, elsewhere []string
	for _, key := range keys().list {
		rest, inside := strings.CutPrefix(key.Path, prefix)
		switch {
		case inside && !strings.ContainsAny(rest, ".["):
			siblings = append(siblings, key.Path)
		case strings.EqualFold(key.name(), name):
			elsewhere = append(elsewhere, key.Path)
		}
	}
	if len(elsewhere) > 0 {
		return "; did you mean " + strings.Join(elsewhere, " or ") + "?"
	}
	if near := nearest(prefix+name, siblings); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// nearest is the word of the list that takes the fewest typing errors to become the given one, if they are few.
func nearest(word string, list []string) string {
	best, least := "", 1+max(1, min(3, len(word[strings.LastIndexAny(word, "._")+1:])/2))
	for _, candidate := range list {
		if d := distance(strings.ToLower(word), strings.ToLower(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance counts typing errors: a letter too many, missing, wrong, or two in the wrong order.
func distance(a, b string) int {
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last = last, row
		row = make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			wrong := 1
			if a[i] == b[j] {
				wrong = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+wrong)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
