package hass

import (
	"encoding/json"
	"strings"
	"unicode"
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

// letters are what Home Assistant makes of letters with marks in entity ids. Those of presets are part of unique ids, which
// must never change: what comes to know more letters is [moreLetters].
var letters = strings.NewReplacer(
	"ä", "a", "ö", "o", "ü", "u", "ß", "ss", "á", "a", "à", "a", "â", "a", "ã", "a", "å", "a", "æ", "ae", "ç", "c", "č", "c",
	"é", "e", "è", "e", "ê", "e", "ë", "e", "ě", "e", "í", "i", "ì", "i", "î", "i", "ï", "i", "ł", "l", "ñ", "n", "ó", "o",
	"ò", "o", "ô", "o", "õ", "o", "ø", "o", "œ", "oe", "ř", "r", "š", "s", "ś", "s", "ú", "u", "ù", "u", "û", "u", "ý", "y",
	"ž", "z", "ż", "z", "ź", "z",
)

// moreLetters are those of the other European languages that are written in Latin letters. Of other scripts nothing is left.
var moreLetters = strings.NewReplacer(
	"ā", "a", "ă", "a", "ą", "a", "ǎ", "a", "ǻ", "a", "ȁ", "a", "ȃ", "a", "ạ", "a", "ǽ", "ae", "ć", "c", "ĉ", "c", "ċ", "c", "ď", "d", "đ", "d", "ð", "d",
	"ē", "e", "ĕ", "e", "ė", "e", "ę", "e", "ẽ", "e", "ĝ", "g", "ğ", "g", "ġ", "g", "ģ", "g", "ǧ", "g", "ĥ", "h", "ħ", "h",
	"ĩ", "i", "ī", "i", "ĭ", "i", "į", "i", "ı", "i", "ĳ", "ij", "ĵ", "j", "ķ", "k", "ĸ", "k", "ĺ", "l", "ļ", "l", "ľ", "l", "ŀ", "l",
	"ń", "n", "ņ", "n", "ň", "n", "ŋ", "ng", "ō", "o", "ŏ", "o", "ő", "o", "ǿ", "o", "ŕ", "r", "ŗ", "r", "ŝ", "s", "ş", "s", "ș", "s",
	"ţ", "t", "ť", "t", "ț", "t", "ŧ", "t", "þ", "th", "ũ", "u", "ū", "u", "ŭ", "u", "ů", "u", "ű", "u", "ų", "u",
	"ŵ", "w", "ẁ", "w", "ẃ", "w", "ẅ", "w", "ŷ", "y", "ÿ", "y", "ỳ", "y", "’", "", "‘", "", "´", "",
)

// slug is a text as it may stand in an entity id: words of a-z and 0-9, joined by underscores. It is empty for a text in
// letters that are not Latin.
func slug(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1 // a mark that stands behind its letter
		}
		return r
	}, strings.ToLower(text))
	return joined(moreLetters.Replace(letters.Replace(text)))
}

// presetSlug is a preset's name in the unique id of its button, which is as it was when fewer letters were known.
func presetSlug(name string) string { return joined(letters.Replace(strings.ToLower(name))) }

func joined(plain string) string {
	words := strings.FieldsFunc(plain, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "_")
}
