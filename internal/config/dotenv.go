package config

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"
)

// DotEnv is the file in the working directory whose variables count as environment, but weaker.
const DotEnv = ".env"

// variable is a name and its value in the environment or in a .env file.
type variable struct {
	name, value string
	origin      Origin
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// parseDotEnv reads NAME=value lines, as the service that this one replaces did: "export" may come first; # begins a
// comment at a line's start and after a space; a value in single quotes is taken as it stands, in double quotes \n, \t,
// \", \\ and so on are read, and both may hold several lines. Of a name that comes twice the last one counts. ${NAME} is
// not expanded.
func parseDotEnv(f *findings, source, text string) []variable {
	var all []variable
	lines := map[string]int{}
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	for line := 1; text != ""; {
		at := Origin{Source: source, Line: line, layer: fromDotEnv}
		statement, rest, _ := strings.Cut(text, "\n")
		trimmed := strings.TrimSpace(statement)
		if trimmed == "" || trimmed[0] == '#' {
			text, line = rest, line+1
			continue
		}
		name, value, ok := strings.Cut(text, "=")
		name = strings.TrimSpace(name)
		if exported, cut := strings.CutPrefix(name, "export"); cut && exported != strings.TrimLeft(exported, " \t") {
			name = strings.TrimSpace(exported)
		}
		if !ok || !variableName.MatchString(name) {
			f.problem(at, "should be NAME=value; NAME has letters, digits and _ only")
			text, line = rest, line+1
			continue
		}
		at.Name = name
		read, rest, err := readValue(value)
		line += strings.Count(text[:len(text)-len(rest)], "\n")
		text = rest
		if err != nil {
			f.problem(at, "%v", err)
			continue
		}
		if first, twice := lines[name]; twice {
			f.warn(at, "stands here twice, first on line %d; this one counts", first)
		}
		lines[name] = at.Line
		if strings.Contains(read, "${") {
			f.warn(at, "${…} is taken as it stands: variables are not expanded here")
		}
		all = append(all, variable{name, read, at})
	}
	return all
}

// readValue reads what follows the equals sign and returns the text after its line.
func readValue(text string) (value, rest string, err error) {
	unquoted := text
	text = strings.TrimLeft(text, " \t")
	if text == "" || text[0] != '"' && text[0] != '\'' {
		value, rest, _ = strings.Cut(unquoted, "\n")
		return bare(value), rest, nil
	}
	quote := text[0]
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			after, rest, _ := strings.Cut(text[i+1:], "\n")
			if after = strings.TrimSpace(after); after != "" && after[0] != '#' {
				return "", rest, errors.New("something follows the closing quote: use the other kind of quotes, or put \\ before a quote within")
			}
			return out.String(), rest, nil
		case c == '\\' && i+1 < len(text):
			i++
			out.WriteString(unescape(quote, text[i]))
		default:
			out.WriteByte(c)
		}
	}
	_, rest, _ = strings.Cut(text, "\n")
	return "", rest, errors.New("the closing quote is missing")
}

// bare ends an unquoted value at a comment. A # without a space before it belongs to the value.
func bare(value string) string {
	for i := 1; i < len(value); i++ {
		if value[i] == '#' && (value[i-1] == ' ' || value[i-1] == '\t') {
			value = value[:i]
			break
		}
	}
	return strings.TrimSpace(value)
}

// unescape is what \c stands for; within single quotes only the quote and the backslash can be escaped.
func unescape(quote, c byte) string {
	if c == '\\' || c == quote {
		return string(rune(c))
	}
	if quote == '"' {
		switch c {
		case 'n':
			return "\n"
		case 'r':
			return "\r"
		case 't':
			return "\t"
		case '\'':
			return "'"
		}
	}
	if c < utf8.RuneSelf {
		return `\` + string(rune(c))
	}
	return `\` + string([]byte{c})
}
