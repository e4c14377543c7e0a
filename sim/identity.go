package sim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
)

// digest is the root of everything that must be the same in each run: it depends on
// nothing but its words.
func digest(words ...any) [32]byte {
	return sha256.Sum256(fmt.Appendln(nil, words...))
}

// roll gives a number that depends only on its words, evenly spread over the range of
// uint64.
func roll(words ...any) uint64 {
	sum := digest(words...)
	return binary.BigEndian.Uint64(sum[:8])
}

// fixedUUID gives the version 4 UUID that belongs to its words.
func fixedUUID(words ...any) string {
	sum := digest(words...)
	return formatUUID([16]byte(sum[:16]))
}

// vehicleID is how the cloud calls a car: in a form of its own in America, a UUID
// elsewhere. The words decide it, the index keeps short ones apart.
func (c *cloud) vehicleID(index int, vin string, words ...any) string {
	n := roll(words...)
	switch {
	case c.region == "us" && c.brand == "kia":
		return fmt.Sprintf("%03d%05d", 100+n%900, index) // docs/protocol/usa-kia.md §3
	case c.region == "us":
		return fmt.Sprintf("H%011dV%s", n%100_000_000, vin) // docs/protocol/usa-hyundai-genesis.md §3
	case c.region == "ca":
		// Any base64 alphabet was seen; one without a slash fits into the paths of views
		// (docs/protocol/canada.md §1.2).
		sum := digest(words...)
		return strings.ReplaceAll(base64.StdEncoding.EncodeToString(sum[:13]), "/", "_")
	default:
		return fixedUUID(words...)
	}
}

// freshUUID gives a UUID that nobody had before. Message ids, device ids and tokens
// come from here; their strength does not matter in a simulated cloud, their speed
// does.
func freshUUID() string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], rand.Uint64())
	binary.BigEndian.PutUint64(raw[8:], rand.Uint64())
	return formatUUID(raw)
}

func formatUUID(raw [16]byte) string {
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:], raw[0:4])
	text[8] = '-'
	hex.Encode(text[9:], raw[4:6])
	text[13] = '-'
	hex.Encode(text[14:], raw[6:8])
	text[18] = '-'
	hex.Encode(text[19:], raw[8:10])
	text[23] = '-'
	hex.Encode(text[24:], raw[10:16])
	return string(text[:])
}

// freshText gives n characters of [a-zA-Z0-9] that nobody had before.
func freshText(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	text := make([]byte, n)
	for i := range text {
		text[i] = letters[rand.IntN(len(letters))]
	}
	return string(text)
}

const upperLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// upperText spells 24 characters of [A-Z0-9] that belong to its words.
func upperText(words ...any) string {
	sum := digest(words...)
	text := make([]byte, 24)
	for i := range text {
		text[i] = upperLetters[int(sum[i])%len(upperLetters)]
	}
	return string(text)
}

// vin builds a chassis number of the maker with a valid check digit (ISO 3779, as
// North America computes it); wmi has three characters, serial at most six digits.
func vin(wmi string, year int, words ...any) string {
	const letters = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789" // without I, O, Q
	const years = "ABCDEFGHJKLMNPRSTVWXY123456789"      // 2010 = A
	sum := digest(words...)
	var text strings.Builder
	text.WriteString(wmi)
	for _, b := range sum[:5] {
		text.WriteByte(letters[int(b)%len(letters)])
	}
	text.WriteByte('0') // the check digit's place
	text.WriteByte(years[((year-2010)%len(years)+len(years))%len(years)])
	text.WriteByte(letters[int(sum[5])%len(letters)])
	fmt.Fprintf(&text, "%06d", binary.BigEndian.Uint32(sum[6:10])%1_000_000)
	raw := []byte(text.String())
	raw[8] = vinCheckDigit(raw)
	return string(raw)
}

// vinCheckDigit computes the ninth character of a 17-character chassis number.
func vinCheckDigit(vin []byte) byte {
	weights := [17]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}
	const values = "0123456789.ABCDEFGH..JKLMN.P.R..STUVWXYZ"
	sum := 0
	for i, b := range vin {
		sum += strings.IndexByte(values, b) % 10 * weights[i]
	}
	if sum%11 == 10 {
		return 'X'
	}
	return byte('0' + sum%11)
}
