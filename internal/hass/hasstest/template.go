package hasstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
)

// Render makes of a payload what Home Assistant would: value is the payload, value_json what it says as JSON. What Home
// Assistant would warn of in its log, such as a key that is not there, is an error.
func Render(template string, payload []byte) (string, error) {
	if template == "" {
		return string(payload), nil
	}
	vars := map[string]any{"value": string(payload)}
	if value, err := decode(payload); err == nil {
		vars["value_json"] = value
	}
	return render(template, vars)
}

// RenderCommand makes of a value what Home Assistant would send.
func RenderCommand(template string, value any) (string, error) {
	if template == "" {
		return text(value), nil
	}
	return render(template, map[string]any{"value": value})
}

func render(template string, vars map[string]any) (string, error) {
	all, err := parsed(template)
	if err != nil {
		return "", fmt.Errorf("template %q: %w", template, err)
	}
	var out strings.Builder
	for _, part := range all {
		if plain, ok := part.(string); ok {
			out.WriteString(plain)
			continue
		}
		value, err := part.(node).eval(vars)
		if err != nil {
			return "", fmt.Errorf("template %q: %w", template, err)
		}
		out.WriteString(text(value))
	}
	return strings.TrimSpace(out.String()), nil
}

// known are templates that were parsed, since each is rendered many times.
var known sync.Map

func parsed(template string) ([]any, error) {
	if all, ok := known.Load(template); ok {
		return all.([]any), nil
	}
	all, err := parts(template)
	if err == nil {
		known.Store(template, all)
	}
	return all, err
}

// decode reads JSON; whole numbers are int64, as Python tells them from others.
func decode(payload []byte) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(string(payload)))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return numbers(value), nil
}

func numbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = numbers(v[key])
		}
	}
	return value
}

// text is Python's str.
func text(value any) string {
	switch v := value.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e16 {
			return strconv.FormatFloat(v, 'f', 1, 64)
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	encoded, _ := json.Marshal(value)
	return string(encoded)
}

// truth is Python's bool.
func truth(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case int64:
		return v != 0
	case float64:
		return v != 0
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

func number(value any) (float64, bool) {
	switch v := value.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func (l literal) eval(map[string]any) (any, error) { return l.value, nil }

func (n name) eval(vars map[string]any) (any, error) {
	value, ok := vars[string(n)]
	if !ok {
		return nil, fmt.Errorf("%s is not defined", string(n))
	}
	return value, nil
}

func (l list) eval(vars map[string]any) (any, error) {
	all := make([]any, len(l))
	for i, item := range l {
		value, err := item.eval(vars)
		if err != nil {
			return nil, err
		}
		all[i] = value
	}
	return all, nil
}

func (d dict) eval(vars map[string]any) (any, error) {
	all := map[string]any{}
	for _, p := range d {
		key, err := p.key.eval(vars)
		if err != nil {
			return nil, err
		}
		if all[text(key)], err = p.value.eval(vars); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (a attr) eval(vars map[string]any) (any, error) {
	of, err := a.of.eval(vars)
	if err != nil {
		return nil, err
	}
	return member(of, a.key)
}

func member(of any, key string) (any, error) {
	members, ok := of.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s has no %s", text(of), key)
	}
	value, ok := members[key]
	if !ok {
		return nil, fmt.Errorf("there is no %s", key)
	}
	return value, nil
}

func (i index) eval(vars map[string]any) (any, error) {
	of, err := i.of.eval(vars)
	if err != nil {
		return nil, err
	}
	at, err := i.at.eval(vars)
	if err != nil {
		return nil, err
	}
	if items, ok := of.([]any); ok {
		n, whole := at.(int64)
		if !whole || n < 0 || int(n) >= len(items) {
			return nil, fmt.Errorf("there is no item %s", text(at))
		}
		return items[n], nil
	}
	return member(of, text(at))
}

func (u upTo) eval(vars map[string]any) (any, error) {
	of, err := u.of.eval(vars)
	if err != nil {
		return nil, err
	}
	end, err := u.end.eval(vars)
	if err != nil {
		return nil, err
	}
	word, ok := of.(string)
	n, whole := end.(int64)
	if !ok || !whole {
		return nil, errors.New("only a text can be cut, at a number")
	}
	runes := []rune(word)
	return string(runes[:min(int(n), len(runes))]), nil
}

func (u unary) eval(vars map[string]any) (any, error) {
	x, err := u.x.eval(vars)
	if err != nil {
		return nil, err
	}
	switch u.op {
	case "not":
		return !truth(x), nil
	case "is none":
		return x == nil, nil
	}
	return x != nil, nil
}

func (b binary) eval(vars map[string]any) (any, error) {
	x, err := b.a.eval(vars)
	if err != nil {
		return nil, err
	}
	if b.op == "or" && truth(x) || b.op == "and" && !truth(x) {
		return x, nil
	}
	y, err := b.b.eval(vars)
	if err != nil {
		return nil, err
	}
	switch b.op {
	case "or", "and":
		return y, nil
	case "~":
		return text(x) + text(y), nil
	case "==", "!=":
		m, both := number(x)
		n, too := number(y)
		same := both && too && m == n || !(both && too) && text(x) == text(y)
		return same == (b.op == "=="), nil
	case "in":
		items, ok := y.([]any)
		if !ok {
			return nil, errors.New("in needs a list")
		}
		for _, item := range items {
			if text(item) == text(x) {
				return true, nil
			}
		}
		return false, nil
	}
	m, ok := number(x)
	n, too := number(y)
	if !ok || !too {
		return nil, fmt.Errorf("%s %s %s: no numbers", text(x), b.op, text(y))
	}
	switch b.op {
	case "+":
		return m + n, nil
	case "-":
		return m - n, nil
	case "*":
		return m * n, nil
	}
	return m / n, nil
}

func (e either) eval(vars map[string]any) (any, error) {
	test, err := e.test.eval(vars)
	if err != nil {
		return nil, err
	}
	if truth(test) {
		return e.then.eval(vars)
	}
	return e.otherwise.eval(vars)
}

func (f filter) eval(vars map[string]any) (any, error) {
	x, err := f.x.eval(vars)
	if err != nil {
		return nil, err
	}
	var args []any
	for _, a := range f.args {
		arg, err := a.eval(vars)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	switch {
	case f.name == "tojson" && len(args) == 0:
		encoded, err := json.Marshal(x)
		return string(encoded), err
	case f.name == "round" && len(args) == 1:
		n, ok := number(x)
		places, whole := args[0].(int64)
		if !ok || !whole {
			return nil, fmt.Errorf("%s cannot be rounded", text(x))
		}
		power := math.Pow10(int(places))
		return math.Round(n*power) / power, nil
	case f.name == "join" && len(args) == 1:
		items, ok := x.([]any)
		if !ok {
			return nil, fmt.Errorf("%s cannot be joined", text(x))
		}
		words := make([]string, len(items))
		for i, item := range items {
			words[i] = text(item)
		}
		return strings.Join(words, text(args[0])), nil
	}
	return nil, fmt.Errorf("the filter %s is not understood", f.name)
}
