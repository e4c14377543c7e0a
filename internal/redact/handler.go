package redact

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
)

// NewHandler wraps next with the process's [Redactor]; see [Redactor.NewHandler].
func NewHandler(next slog.Handler) slog.Handler { return process.NewHandler(next) }

// NewHandler returns a handler that masks messages, and keys and values of attributes, before next sees them. A value
// is hidden whole when its key names a secret or a coordinate; otherwise its text is masked by [Redactor.Text]. Of a
// struct, map or other value that slog prints as a whole, its masked text takes the place when it holds a secret.
// Records without secrets reach next unchanged.
func (r *Redactor) NewHandler(next slog.Handler) slog.Handler {
	return &handler{redactor: r, next: next}
}

type handler struct {
	redactor *Redactor
	next     slog.Handler
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	masked, _ := h.redactor.attrs(attrs)
	return &handler{redactor: h.redactor, next: h.next.WithAttrs(masked)}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{redactor: h.redactor, next: h.next.WithGroup(h.redactor.Text(name))}
}

func (h *handler) Handle(ctx context.Context, record slog.Record) error {
	message := h.redactor.Text(record.Message)
	changed := message != record.Message
	if !changed {
		record.Attrs(func(attr slog.Attr) bool {
			_, changed = h.redactor.attr(attr)
			return !changed
		})
	}
	if changed {
		masked := slog.NewRecord(record.Time, record.Level, message, record.PC)
		record.Attrs(func(attr slog.Attr) bool {
			attr, _ = h.redactor.attr(attr)
			masked.AddAttrs(attr)
			return true
		})
		record = masked
	}
	return h.next.Handle(ctx, record)
}

// attrs masks a list; without secrets it returns the list itself.
func (r *Redactor) attrs(attrs []slog.Attr) ([]slog.Attr, bool) {
	var masked []slog.Attr
	for i, attr := range attrs {
		attr, changed := r.attr(attr)
		if !changed {
			continue
		}
		if masked == nil {
			masked = slices.Clone(attrs)
		}
		masked[i] = attr
	}
	if masked == nil {
		return attrs, false
	}
	return masked, true
}

// attr masks one attribute and reports whether that changed it.
func (r *Redactor) attr(attr slog.Attr) (slog.Attr, bool) {
	key := r.Text(attr.Key)
	value, changed := r.value(attr.Key, attr.Value)
	if !changed && key == attr.Key {
		return attr, false
	}
	return slog.Attr{Key: key, Value: value}, true
}

// value masks the value of key.
func (r *Redactor) value(key string, value slog.Value) (slog.Value, bool) {
	resolved := value.Resolve()
	// A LogValuer need not answer the same twice: what was looked at is what goes on.
	changed := value.Kind() == slog.KindLogValuer
	if hidden, ok := hide(meaningOf(key), resolved); ok {
		return hidden, true
	}
	switch resolved.Kind() {
	case slog.KindString:
		text := resolved.String()
		if masked := r.Text(text); masked != text {
			return slog.StringValue(masked), true
		}
	case slog.KindGroup:
		if masked, ok := r.attrs(resolved.Group()); ok {
			return slog.GroupValue(masked...), true
		}
	case slog.KindAny:
		if masked, ok := r.any(resolved.Any()); ok {
			return slog.StringValue(masked), true
		}
	default: // numbers and times
	}
	return resolved, changed
}

// hide returns what stands for value because of the meaning of its key.
func hide(m meaning, value slog.Value) (slog.Value, bool) {
	switch value.Kind() {
	case slog.KindBool, slog.KindDuration, slog.KindTime:
		return value, false // "has a PIN", "token expires"
	default:
	}
	text := ""
	switch m {
	case harmless:
		return value, false
	case code:
		if text = value.String(); !isCode(text) {
			return value, false
		}
	case vin:
		if text = value.String(); len(text) > 8 {
			return slog.StringValue(Mask + text[len(text)-4:]), true
		}
	case secret, header, coordinate:
	}
	if value.Kind() == slog.KindString && value.String() == "" || value.Kind() == slog.KindAny && value.Any() == nil {
		return value, false // an empty secret is worth knowing
	}
	return slog.StringValue(Mask), true
}

// any returns the masked text of a value that handlers print with fmt or as JSON, if there is something to mask.
func (r *Redactor) any(value any) (string, bool) {
	switch value := value.(type) {
	case nil, Secret:
		return "", false
	case error:
		text := fmt.Sprint(value) // which survives an Error method that does not expect its nil
		if masked := r.Text(text); masked != text {
			return masked, true
		}
		if _, ok := value.(json.Marshaler); !ok {
			return "", false
		}
	case []byte: // slog prints it as text, JSON as base64
		if text := string(value); r.Text(text) != text {
			return r.Text(text), true
		}
		return "", false
	}
	if kind := reflect.TypeOf(value).Kind(); kind <= reflect.Complex128 && kind != reflect.Invalid {
		if _, ok := value.(fmt.Stringer); !ok {
			return "", false // a number
		}
	}
	for _, text := range []string{asJSON(value), fmt.Sprintf("%+v", value)} {
		if masked := r.Text(text); masked != text {
			return masked, true
		}
	}
	return "", false
}

// asJSON returns value as slog's JSON handler would print it; "" when it cannot be.
func asJSON(value any) (text string) {
	defer func() {
		if recover() != nil { // a Marshaler that does not expect its nil
			text = ""
		}
	}()
	encoded, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(encoded)
}
