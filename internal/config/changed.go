package config

import "reflect"

// Changed names the keys at which two configurations differ, in the order of the documents; a list counts as one key.
func (c *Config) Changed(other *Config) (changed []string) {
	for i := range keys().list {
		key := &keys().list[i]
		if key.File || key.inList() || key.Section && !key.List {
			continue
		}
		if !reflect.DeepEqual(key.field(c, 0).Interface(), key.field(other, 0).Interface()) {
			changed = append(changed, key.Path)
		}
	}
	return changed
}
