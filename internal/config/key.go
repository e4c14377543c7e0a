package config

import (
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Key is one value of the configuration, or one section, as all sources and documents name it.
type Key struct {
	Path string // mqtt.tls.ca_file; accounts[].username for a key of each list entry
	Doc  string // meaning, without a full stop at the end

	Section bool // holds keys; the fields below are empty
	List    bool // a section that is a list
	short   string

	OneOf    []string // the only values
	Min, Max string   // bounds, "" for none
	Off      bool     // "off" is a value
	Example  string   // in lists
	Holds    holds    // of a list of texts
	Secret   bool     // never printed

	// File marks the twin of a secret, whose value is the name of a file that holds it: password_file.
	File bool

	path  bool // a file name
	typ   reflect.Type
	index []int // of the field, from the root or from the list's entry
}

// The types of keys besides texts, numbers and switches.
var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[redact.Secret]()
	vinType      = reflect.TypeFor[vehicle.VIN]()
	vinsType     = reflect.TypeFor[[]vehicle.VIN]()
	textsType    = reflect.TypeFor[[]string]()
	regionType   = reflect.TypeFor[vehicle.Region]()
	brandType    = reflect.TypeFor[vehicle.Brand]()
	levelType    = reflect.TypeFor[slog.Level]()
)

const fileSuffix = "_file"

// Keys lists all keys and sections in the order of the struct.
func Keys() []Key { return slices.Clone(keys().list) }

// directory finds keys.
type directory struct {
	list   []Key
	byPath map[string]*Key
	byEnv  map[string]*Key // the variables of keys outside lists
}

// keys reads the struct once.
var keys = sync.OnceValue(func() *directory {
	d := &directory{byPath: map[string]*Key{}, byEnv: map[string]*Key{}}
	d.read(reflect.TypeFor[Config](), "", nil)
	for i := range d.list {
		key := &d.list[i]
		d.byPath[key.Path] = key
		if !key.Section && !key.inList() {
			d.byEnv[key.Variable()] = key
		}
	}
	return d
})

// wordsOf are the only values of a field. Those of regions stand in one table, which knows them all.
func wordsOf(field reflect.StructField) []string {
	if field.Type == regionType {
		return vehicle.RegionNames()
	}
	return strings.Fields(field.Tag.Get("oneof"))
}

func (d *directory) read(t reflect.Type, prefix string, index []int) {
	for i := range t.NumField() {
		field := t.Field(i)
		name := field.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		key := Key{
			Path:    prefix + name,
			Doc:     field.Tag.Get("doc"),
			short:   field.Tag.Get("short"),
			OneOf:   wordsOf(field),
			Min:     field.Tag.Get("min"),
			Max:     field.Tag.Get("max"),
			Off:     field.Tag.Get("off") != "",
			Example: field.Tag.Get("example"),
			Holds:   holds(field.Tag.Get("holds")),
			Secret:  field.Type == secretType,
			path:    field.Tag.Get("path") != "",
			typ:     field.Type,
			index:   append(slices.Clone(index), i),
		}
		switch {
		case key.Secret:
			d.list = append(d.list, key)
			key.Path += fileSuffix
			key.Doc = "File that holds " + name + "; one newline at its end does not count"
			key.Secret, key.File, key.path, key.Example = false, true, true, ""
			d.list = append(d.list, key)
		case field.Type.Kind() == reflect.Struct:
			key.Section = true
			d.list = append(d.list, key)
			d.read(field.Type, key.Path+".", key.index)
		case field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct:
			key.Section, key.List = true, true
			d.list = append(d.list, key)
			d.read(field.Type.Elem(), key.Path+"[].", nil)
		default:
			d.list = append(d.list, key)
		}
	}
}

// texts tells whether the value is a list of texts.
func (k *Key) texts() bool { return k.typ == vinsType || k.typ == textsType }

// inList reports whether the key belongs to each entry of a list.
func (k *Key) inList() bool { return strings.Contains(k.Path, "[].") }

// list is the path of the list that the key belongs to.
func (k *Key) list() string {
	list, _, _ := strings.Cut(k.Path, "[]")
	return list
}

// name is the last part of the path.
func (k *Key) name() string { return k.Path[strings.LastIndexByte(k.Path, '.')+1:] }

// Variable is the environment variable of the key. In a list 0 stands for the entry's number.
func (k *Key) Variable() string {
	return variablePrefix + strings.ToUpper(strings.NewReplacer("[].", "_0_", ".", "_").Replace(k.Path))
}

// Range says in words what the key accepts, "" when nothing limits it.
func (k *Key) Range() string {
	var text string
	switch {
	case len(k.OneOf) > 0:
		text = strings.Join(k.OneOf, ", ")
	case k.typ.Kind() == reflect.Bool:
		text = "true, false"
	case k.Min != "":
		text = k.Min + " to " + k.Max
	}
	if k.Off && text != "" {
		text = "off, " + text
	}
	return text
}

// Unit says what kind of value the key has: "duration", "host:port", "text", …
func (k *Key) Unit() string {
	switch {
	case k.Section:
		return ""
	case k.path:
		return "file name"
	case k.typ == durationType:
		return "duration"
	case k.typ == vinType:
		return "VIN"
	case k.typ == vinsType:
		return "list of VINs"
	case k.typ == textsType:
		return "list of " + k.Holds.many()
	case len(k.OneOf) > 0:
		return "word"
	case k.typ.Kind() == reflect.Int:
		return "number"
	case k.typ.Kind() == reflect.Bool:
		return "switch"
	case k.Secret:
		return "secret"
	default:
		return "text"
	}
}

// concrete puts an entry's number into the path: accounts[0].username.
func (k *Key) concrete(entry int) string {
	return strings.Replace(k.Path, "[]", "["+strconv.Itoa(entry)+"]", 1)
}

// field finds the key's place in c. For a key in a list the entry must exist.
func (k *Key) field(c *Config, entry int) reflect.Value {
	at := reflect.ValueOf(c).Elem()
	if k.inList() {
		at = at.FieldByIndex(keys().byPath[k.list()].index).Index(entry)
	}
	return at.FieldByIndex(k.index)
}

// concreteEntry names one entry of a list: accounts[0].
func (k *Key) concreteEntry(entry int) string { return k.Path + "[" + strconv.Itoa(entry) + "]" }
