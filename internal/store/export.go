package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// An export is text: a head, then each entry, one JSON object a line. It goes from one store into another, of another
// machine, engine or key; revisions do not go along.

// head is the first line of an export.
type head struct {
	Export  string    `json:"export"` // exportName
	Schema  int       `json:"schema"`
	At      time.Time `json:"at"`
	Secrets bool      `json:"secrets"` // nothing was held back
}

const exportName = "bluelink2mqtt store"

// exportLine is one entry: its value as JSON where it is JSON, else in base64; or why there is none.
type exportLine struct {
	Key    string          `json:"key"`
	Value  json.RawMessage `json:"value,omitempty"`
	Base64 *[]byte         `json:"base64,omitempty"`
	Left   string          `json:"left_out,omitempty"` // "secret" or "damaged"
}

// Exported counts the entries of an export.
type Exported struct {
	Written  int
	HeldBack int // without their values, since they hold secrets
	Damaged  int // without their values, since they cannot be read any more
}

// Export writes all of s to out. The value of a key for which open answers false is held back.
func Export(ctx context.Context, s Store, out io.Writer, open func(key string) bool) (n Exported, err error) {
	var lines []exportLine
	for entry, err := range s.Range(ctx, "") {
		line := exportLine{Key: entry.Key}
		switch {
		case errors.As(err, new(*DamagedError)) && entry.Key != "":
			line.Left = "damaged"
			n.Damaged++
		case err != nil:
			return n, fmt.Errorf("export: %w", err)
		case !open(entry.Key):
			line.Left = "secret"
			n.HeldBack++
		default:
			if isCompact(entry.Value) {
				line.Value = entry.Value
			} else {
				value := append([]byte{}, entry.Value...)
				line.Base64 = &value
			}
			n.Written++
		}
		lines = append(lines, line)
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	err = encoder.Encode(head{Export: exportName, Schema: Schema, At: time.Now().UTC().Truncate(time.Second), Secrets: n.HeldBack == 0})
	for _, line := range lines {
		if err == nil {
			err = encoder.Encode(line)
		}
	}
	if err != nil {
		return n, fmt.Errorf("export: %w", err)
	}
	return n, nil
}

// isCompact tells whether value is JSON that comes back byte for byte: without spaces between its tokens.
func isCompact(value []byte) bool {
	var compact bytes.Buffer
	return json.Compact(&compact, value) == nil && bytes.Equal(compact.Bytes(), value)
}

// ErrFilled says that an import would meet what is in the store already.
var ErrFilled = errors.New("the store is not empty")

// Imported counts the entries of an import.
type Imported struct {
	Written int
	LeftOut int // had no value in the export
}

// Import writes an export into s, in one transaction where the engine can. A store that holds something is refused with
// [ErrFilled], unless overwrite is set; what the export does not name stays then.
func Import(ctx context.Context, s Store, in io.Reader, overwrite bool) (n Imported, err error) {
	ops, left, err := readExport(in)
	if err != nil {
		return n, fmt.Errorf("import: %w", err)
	}
	if !overwrite {
		for _, err := range s.Range(ctx, "") {
			if err == nil || errors.As(err, new(*DamagedError)) {
				err = ErrFilled
			}
			return n, fmt.Errorf("import: %w", err)
		}
	}
	_, err = s.Apply(ctx, ops...)
	if errors.Is(err, errors.ErrUnsupported) {
		for _, op := range ops {
			if _, err = s.Apply(ctx, op); err != nil {
				break
			}
		}
	}
	if err != nil {
		return n, fmt.Errorf("import: %w", err)
	}
	return Imported{Written: len(ops), LeftOut: left}, nil
}

// readExport reads and checks all of an export before anything is written.
func readExport(in io.Reader) (ops []Op, left int, err error) {
	lines := json.NewDecoder(in)
	lines.DisallowUnknownFields()
	var h head
	if err := lines.Decode(&h); err != nil || h.Export != exportName {
		return nil, 0, errors.Join(errors.New("line 1: this is no export of a store"), err)
	}
	if h.Schema > Schema+1 {
		return nil, 0, fmt.Errorf("line 1: the export has schema %d, this release knows %d and reads at most %d: use a newer release", h.Schema, Schema, Schema+1)
	}
	for n := 2; ; n++ {
		var line exportLine
		err := lines.Decode(&line)
		switch {
		case errors.Is(err, io.EOF):
			return ops, left, checkOps(ops)
		case err != nil:
			return nil, 0, fmt.Errorf("line %d: %w", n, err)
		case CheckKey(line.Key) != nil:
			return nil, 0, fmt.Errorf("line %d: %w", n, CheckKey(line.Key))
		case line.Key == sealKey:
			return nil, 0, fmt.Errorf("line %d: %s belongs to another store", n, line.Key)
		case line.Left != "":
			left++
		case line.Value != nil:
			ops = append(ops, PutOp(line.Key, line.Value, AnyRevision))
		case line.Base64 != nil:
			ops = append(ops, PutOp(line.Key, *line.Base64, AnyRevision))
		default:
			return nil, 0, fmt.Errorf("line %d: %s has no value", n, line.Key)
		}
	}
}

// Listed is an entry without its value.
type Listed struct {
	Key      string `json:"key"`
	Size     int    `json:"size"` // bytes
	Revision uint64 `json:"revision"`
	Damaged  bool   `json:"damaged,omitempty"` // cannot be read any more; size and revision are unknown
}

// List gives all entries in the order of their keys, without their values.
func List(ctx context.Context, s Store) ([]Listed, error) {
	var all []Listed
	for entry, err := range s.Range(ctx, "") {
		damaged := errors.As(err, new(*DamagedError)) && entry.Key != ""
		if err != nil && !damaged {
			return nil, fmt.Errorf("list: %w", err)
		}
		all = append(all, Listed{Key: entry.Key, Size: len(entry.Value), Revision: entry.Revision, Damaged: damaged})
	}
	return all, nil
}
