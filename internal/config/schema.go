package config

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// Schema is the JSON Schema of the configuration file, for editors and other programs.
//
// It is written from the same keys as everything else. A library that reflects over the struct would know neither their
// bounds nor their twins, and this needs no more lines than teaching it.
func Schema() ([]byte, error) {
	root := object("Configuration of bluelink2mqtt")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	sections := map[string]schema{"": root}
	for i := range keys().list {
		key := &keys().list[i]
		parent, name := "", key.Path
		if dot := strings.LastIndexByte(key.Path, '.'); dot >= 0 {
			parent, name = key.Path[:dot], key.Path[dot+1:]
		}
		node := key.schema()
		switch {
		case key.List:
			entry := object("")
			delete(entry, "description")
			entry["type"] = "object"
			node["items"] = entry
			sections[key.Path+"[]"] = entry
		case key.short != "":
			inner := node
			node = schema{"description": key.Doc, "anyOf": []any{inner, schema{"type": "string", "enum": keys().byPath[key.Path+"."+key.short].OneOf}}}
			delete(inner, "description")
			sections[key.Path] = inner
		case key.Section:
			sections[key.Path] = node
		}
		sections[parent]["properties"].(schema)[name] = node
	}
	return json.MarshalIndent(root, "", "  ")
}

// schema is one node of a JSON Schema.
type schema map[string]any

// object is a section. It may be empty: the defaults hold then.
func object(description string) schema {
	return schema{"type": []string{"object", "null"}, "description": description, "additionalProperties": false, "properties": schema{}}
}

// durationPattern is what parseDuration reads, but for its bounds.
const durationPattern = `^([0-9]+d|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$`

// schema says what the key accepts.
func (k *Key) schema() schema {
	node := schema{"description": k.Doc}
	switch {
	case k.List:
		node["type"] = []string{"array", "null"}
		return node
	case k.Section:
		return object(k.Doc)
	case k.typ == durationType:
		node["type"], node["pattern"] = "string", durationPattern
	case k.typ == vinsType:
		node["type"], node["items"] = []string{"array", "null"}, schema{"type": "string", "pattern": vinPattern}
	case k.typ == textsType:
		items := schema{"type": "string"}
		if k.Holds == holdsNames {
			items["enum"] = commandNames()
		}
		node["type"], node["items"] = []string{"array", "null"}, items
	case k.typ == vinType:
		node["type"], node["pattern"] = "string", vinPattern
	case k.typ == regionType, k.typ == brandType:
		node["anyOf"] = []any{schema{"type": "string", "enum": k.OneOf}, schema{"type": "integer", "minimum": 1, "maximum": len(k.OneOf)}}
	case len(k.OneOf) > 0:
		node["type"], node["enum"] = "string", k.OneOf
	case k.Secret:
		node["type"] = []string{"string", "integer"} // a PIN without quotes
	case k.typ.Kind() == reflect.Int:
		node["type"] = "integer"
		node["minimum"], _ = strconv.Atoi(k.Min)
		node["maximum"], _ = strconv.Atoi(k.Max)
	case k.typ.Kind() == reflect.Bool:
		node["type"] = "boolean"
	default:
		node["type"] = "string"
	}
	if k.Off {
		off := schema{"enum": []any{"off", "never", false, 0}}
		value := schema{"type": node["type"]}
		if pattern, ok := node["pattern"]; ok {
			value["pattern"] = pattern
		}
		node = schema{"description": k.Doc, "anyOf": []any{value, off}}
	}
	if !k.inList() && !k.Secret && !k.File {
		node["default"] = k.plainDefault()
	}
	return node
}

const vinPattern = `^[A-HJ-NPR-Za-hj-npr-z0-9]{17}$`

// plainDefault is the default as JSON has it.
func (k *Key) plainDefault() any {
	switch value := k.field(Default(), 0); value.Kind() {
	case reflect.Bool:
		return value.Bool()
	case reflect.Int:
		if k.typ.Kind() == reflect.Int && len(k.OneOf) == 0 {
			return value.Int()
		}
		return k.text(value)
	case reflect.String:
		return value.String()
	default:
		return k.text(value)
	}
}
