package hass

import (
	"encoding/json"
	"strings"
)

// appendText writes a JSON string. Most texts here need no care.
func appendText(dst []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(text) // a text cannot fail
			return append(dst, quoted...)
		}
	}
	return append(append(append(dst, '"'), text...), '"')
}

// letters are what Home Assistant makes of letters with marks in entity ids, for the languages of the cars' regions.
var letters = strings.NewReplacer(
	"ä", "a", "ö", "o", "ü", "u", "ß", "ss", "á", "a", "à", "a", "â", "a", "ã", "a", "å", "a", "æ", "ae", "ç", "c", "č", "c",
	"é", "e", "è", "e", "ê", "e", "ë", "e", "ě", "e", "í", "i", "ì", "i", "î", "i", "ï", "i", "ł", "l", "ñ", "n", "ó", "o",
	"ò", "o", "ô", "o", "õ", "o", "ø", "o", "œ", "oe", "ř", "r", "š", "s", "ś", "s", "ú", "u", "ù", "u", "û", "u", "ý", "y",
	"ž", "z", "ż", "z", "ź", "z",
)

// slug is a text as it may stand in an entity id: words of a-z and 0-9, joined by underscores.
func slug(text string) string {
	plain := letters.Replace(strings.ToLower(text))
	words := strings.FieldsFunc(plain, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "_")
}
