package config

import (
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// text writes a value of the key as it stands in a file; secrets and VINs are masked.
func (k *Key) text(value reflect.Value) string {
	switch v := value.Interface().(type) {
	case time.Duration:
		if v == 0 && k.Off {
			return "off"
		}
		return formatDuration(v)
	case slog.Level:
		return strings.ToLower(v.String())
	case redact.Secret:
		return quoted(v.String())
	case vehicle.Region:
		return v.String()
	case vehicle.Brand:
		return v.String()
	case vehicle.VIN:
		return quoted(v.String())
	case []vehicle.VIN:
		var texts []string
		for _, vin := range v {
			texts = append(texts, vin.String())
		}
		return "[" + strings.Join(texts, ", ") + "]"
	case []string:
		texts := make([]string, len(v))
		for i, text := range v {
			texts[i] = quoted(text)
			if strings.ContainsAny(text, ",[]{}") && texts[i] == text {
				texts[i] = strconv.Quote(text) // within brackets these mean something
			}
		}
		return "[" + strings.Join(texts, ", ") + "]"
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	default:
		return quoted(value.String())
	}
}

// quoted writes a text so that YAML reads it as this text.
func quoted(text string) string {
	out, err := yaml.Marshal(text)
	if err != nil || strings.Count(string(out), "\n") > 1 {
		return strconv.Quote(text)
	}
	return strings.TrimSuffix(string(out), "\n")
}

// Default is the text of the key's default, "" for a key in a list.
func (k *Key) Default() string {
	switch {
	case k.Section || k.inList():
		return ""
	case k.File:
		return quoted("")
	}
	return k.text(k.field(Default(), 0))
}

// Variables are the names of the key in the environment, the old service's first, since it wins. In a list 0 stands for
// the entry's number.
func (k *Key) Variables() []string {
	if k.Section {
		return nil
	}
	var all []string
	path, suffix := k.Path, ""
	if k.File {
		path, suffix = strings.TrimSuffix(path, fileSuffix), strings.ToUpper(fileSuffix)
	}
	if old := oldNameOf(path); old != "" {
		all = append(all, old+suffix)
	}
	return append(all, k.Variable())
}
