package hasstest

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// A template is texts and expressions in turn. The expressions are the part of Jinja that our messages use: a template
// beyond that is an error here, which keeps them simple.

// node is an expression.
type node interface {
	eval(vars map[string]any) (any, error)
}

type (
	literal struct{ value any }
	name    string
	list    []node
	dict    []pair
	pair    struct{ key, value node }
	attr    struct {
		of  node
		key string
	}
	index struct{ of, at node }
	upTo  struct{ of, end node } // of[:end]
	unary struct {
		op string
		x  node
	}
	binary struct {
		op   string
		a, b node
	}
	either struct{ then, test, otherwise node }
	filter struct {
		x    node
		name string
		args []node
	}
)

// parts cuts a template into texts and expressions: nodes and strings.
func parts(template string) (all []any, err error) {
	for template != "" {
		text, rest, found := strings.Cut(template, "{{")
		if text != "" {
			if strings.Contains(text, "{%") || strings.Contains(text, "}}") {
				return nil, fmt.Errorf("statements are not understood: %q", text)
			}
			all = append(all, text)
		}
		if !found {
			return all, nil
		}
		inner, after, closed := cutExpression(rest)
		if !closed {
			return nil, fmt.Errorf("an expression does not end: %q", rest)
		}
		p := &parser{}
		if p.tokens, err = tokens(inner); err != nil {
			return nil, err
		}
		n, err := p.ternary()
		if err != nil {
			return nil, fmt.Errorf("%q: %w", inner, err)
		}
		if p.at < len(p.tokens) {
			return nil, fmt.Errorf("%q: %q is not understood here", inner, p.tokens[p.at].text)
		}
		all = append(all, n)
		template = after
	}
	return all, nil
}

// cutExpression finds the end of an expression: braces of dictionaries and texts do not end it.
func cutExpression(text string) (inner, after string, closed bool) {
	depth, quote := 0, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == '}' && strings.HasPrefix(text[i:], "}}"):
			return text[:i], text[i+2:], true
		}
	}
	return "", "", false
}

type token struct {
	text string
	kind byte // 'n' number, 's' text, 'w' word, 'o' operator
}

func tokens(text string) (all []token, err error) {
	for i := 0; i < len(text); {
		c := rune(text[i])
		switch {
		case unicode.IsSpace(c):
			i++
		case c == '\'' || c == '"':
			end := strings.IndexByte(text[i+1:], byte(c))
			if end < 0 {
				return nil, fmt.Errorf("%q: a text does not end", text)
			}
			all = append(all, token{text[i+1 : i+1+end], 's'})
			i += end + 2
		case unicode.IsDigit(c):
			end := i
			for end < len(text) && (unicode.IsDigit(rune(text[end])) || text[end] == '.') {
				end++
			}
			all = append(all, token{text[i:end], 'n'})
			i = end
		case unicode.IsLetter(c) || c == '_':
			end := i
			for end < len(text) && (unicode.IsLetter(rune(text[end])) || unicode.IsDigit(rune(text[end])) || text[end] == '_') {
				end++
			}
			all = append(all, token{text[i:end], 'w'})
			i = end
		default:
			width := 1
			if i+1 < len(text) && (text[i:i+2] == "==" || text[i:i+2] == "!=") {
				width = 2
			}
			if !strings.ContainsAny(text[i:i+1], "()[]{}.,:|~+-*/=!") {
				return nil, fmt.Errorf("%q: %q is not understood", text, text[i])
			}
			all = append(all, token{text[i : i+width], 'o'})
			i += width
		}
	}
	return all, nil
}

type parser struct {
	tokens []token
	at     int
}

func (p *parser) peek(texts ...string) bool {
	if p.at >= len(p.tokens) || p.tokens[p.at].kind == 's' {
		return false
	}
	for _, text := range texts {
		if p.tokens[p.at].text == text {
			return true
		}
	}
	return false
}

func (p *parser) take(text string) bool {
	if p.peek(text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) want(text string) error {
	if !p.take(text) {
		return fmt.Errorf("%s is missing", text)
	}
	return nil
}

// ternary is a if b else c.
func (p *parser) ternary() (node, error) {
	then, err := p.or()
	if err != nil || !p.take("if") {
		return then, err
	}
	test, err := p.or()
	if err != nil {
		return nil, err
	}
	if err := p.want("else"); err != nil {
		return nil, err
	}
	otherwise, err := p.ternary()
	return either{then, test, otherwise}, err
}

// level parses operators of one rank, from left to right.
func (p *parser) level(next func() (node, error), operators ...string) (node, error) {
	a, err := next()
	for err == nil && p.peek(operators...) {
		op := p.tokens[p.at].text
		p.at++
		var b node
		b, err = next()
		a = binary{op, a, b}
	}
	return a, err
}

func (p *parser) or() (node, error)  { return p.level(p.and, "or") }
func (p *parser) and() (node, error) { return p.level(p.not, "and") }

func (p *parser) not() (node, error) {
	if p.take("not") {
		x, err := p.not()
		return unary{"not", x}, err
	}
	return p.comparison()
}

func (p *parser) comparison() (node, error) {
	a, err := p.level(p.sum, "==", "!=", "in")
	if err != nil || !p.take("is") {
		return a, err
	}
	op := "is none"
	if p.take("not") {
		op = "is not none"
	}
	if !p.take("none") {
		return nil, fmt.Errorf("only none can be asked for with is")
	}
	return unary{op, a}, nil
}

func (p *parser) sum() (node, error)     { return p.level(p.product, "+", "-", "~") }
func (p *parser) product() (node, error) { return p.level(p.filtered, "*", "/") }

func (p *parser) filtered() (node, error) {
	x, err := p.postfix()
	for err == nil && p.take("|") {
		if p.at >= len(p.tokens) {
			return nil, fmt.Errorf("a filter is missing")
		}
		f := filter{x: x, name: p.tokens[p.at].text}
		p.at++
		if p.take("(") {
			f.args, err = p.items(")")
		}
		x = f
	}
	return x, err
}

func (p *parser) items(end string) (all []node, err error) {
	for !p.take(end) {
		item, err := p.ternary()
		if err != nil {
			return nil, err
		}
		all = append(all, item)
		if !p.take(",") && !p.peek(end) {
			return nil, fmt.Errorf("%s is missing", end)
		}
	}
	return all, nil
}

func (p *parser) postfix() (node, error) {
	x, err := p.primary()
	for err == nil {
		switch {
		case p.take("."):
			if p.at >= len(p.tokens) || p.tokens[p.at].kind != 'w' {
				return nil, fmt.Errorf("a key is missing after the dot")
			}
			x = attr{x, p.tokens[p.at].text}
			p.at++
		case p.take("["):
			slice := p.take(":")
			var at node
			if at, err = p.ternary(); err != nil {
				return nil, err
			}
			if err := p.want("]"); err != nil {
				return nil, err
			}
			if slice {
				x = upTo{x, at}
			} else {
				x = index{x, at}
			}
		default:
			return x, nil
		}
	}
	return x, err
}

func (p *parser) primary() (node, error) {
	if p.at >= len(p.tokens) {
		return nil, fmt.Errorf("something is missing at the end")
	}
	t := p.tokens[p.at]
	p.at++
	switch {
	case t.kind == 's':
		return literal{t.text}, nil
	case t.kind == 'n':
		if n, err := strconv.ParseInt(t.text, 10, 64); err == nil {
			return literal{n}, nil
		}
		f, err := strconv.ParseFloat(t.text, 64)
		return literal{f}, err
	case t.text == "(":
		x, err := p.ternary()
		if err != nil {
			return nil, err
		}
		return x, p.want(")")
	case t.text == "[":
		items, err := p.items("]")
		return list(items), err
	case t.text == "{":
		return p.dict()
	case t.kind == 'w':
		switch t.text {
		case "None", "none":
			return literal{nil}, nil
		case "true", "True":
			return literal{true}, nil
		case "false", "False":
			return literal{false}, nil
		}
		return name(t.text), nil
	}
	return nil, fmt.Errorf("%q is not understood", t.text)
}

func (p *parser) dict() (node, error) {
	var d dict
	for !p.take("}") {
		key, err := p.primary()
		if err != nil {
			return nil, err
		}
		if err := p.want(":"); err != nil {
			return nil, err
		}
		value, err := p.ternary()
		if err != nil {
			return nil, err
		}
		d = append(d, pair{key, value})
		if !p.take(",") && !p.peek("}") {
			return nil, fmt.Errorf("} is missing")
		}
	}
	return d, nil
}
