package redact

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// shortestKnown is the least length of a secret that is looked for: shorter ones would hide half of every text.
const shortestKnown = 4

// known is a set of secrets that finds its members in a text in one pass over it, however many they are.
//
// A member is found by its last four bytes (of tokens, the first are all alike): at each place of the text they are one
// number, and a bit that says whether any member ends so answers nearly always no.
type known struct {
	mu    sync.RWMutex          // guards what follows
	byEnd map[uint32][]*variant // by the last four bytes
	bits  []uint64              // a bit for each hash of last four bytes that occurs, a power of two of them
	size  int                   // number of variants
}

// variant is a secret as it may stand in a text: as it is, or escaped in one way or another.
type variant struct {
	text string
	refs int
	// alone: only digits, and few of them, as in a PIN. It counts as found only where it stands alone, since four
	// digits occur in many numbers.
	alone bool
}

// add puts secret in. Each add needs its own remove.
func (k *known) add(secret string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, text := range variants(secret) {
		end := lastFour(text)
		i := slices.IndexFunc(k.byEnd[end], func(v *variant) bool { return v.text == text })
		if i >= 0 {
			k.byEnd[end][i].refs++
			continue
		}
		if k.byEnd == nil {
			k.byEnd = make(map[uint32][]*variant)
		}
		k.byEnd[end] = append(k.byEnd[end], &variant{text: text, refs: 1, alone: isPIN(text)})
		k.size++
		k.mark(end)
	}
}

// remove takes secret out again, when nobody else has put it in.
func (k *known) remove(secret string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, text := range variants(secret) {
		end := lastFour(text)
		i := slices.IndexFunc(k.byEnd[end], func(v *variant) bool { return v.text == text })
		if i < 0 {
			continue
		}
		if v := k.byEnd[end][i]; v.refs > 1 {
			v.refs--
			continue
		}
		k.byEnd[end] = slices.Delete(k.byEnd[end], i, i+1)
		if len(k.byEnd[end]) == 0 {
			delete(k.byEnd, end) // its bit stays until the next growth; that costs time only
		}
		k.size--
	}
}

// mark sets the bit of end, with at least 32 bits for each variant.
func (k *known) mark(end uint32) {
	if len(k.bits)*2 < k.size || k.bits == nil {
		k.bits = make([]uint64, max(256, 2*len(k.bits)))
		for end := range k.byEnd {
			k.setBit(end)
		}
	}
	k.setBit(end)
}

func (k *known) setBit(end uint32) {
	word, bit := place(end, len(k.bits))
	k.bits[word] |= bit
}

// place returns which bit of words belongs to end.
func place(end uint32, words int) (word int, bit uint64) {
	hash := end * 0x9E3779B1 // Fibonacci hashing: the high bits depend on all of end
	hash ^= hash >> 15
	return int(hash>>6) & (words - 1), 1 << (hash & 63)
}

// find appends the places of members in s to spans.
func (k *known) find(s string, spans []span) []span {
	if len(s) < shortestKnown {
		return spans
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.size == 0 {
		return spans
	}
	end := uint32(0)
	for i := range len(s) {
		end = end<<8 | uint32(s[i])
		word, bit := place(end, len(k.bits))
		if k.bits[word]&bit == 0 || i+1 < shortestKnown {
			continue
		}
		for _, v := range k.byEnd[end] {
			if from := i + 1 - len(v.text); from >= 0 && s[from:i+1] == v.text && (!v.alone || standsAlone(s, from, i+1)) {
				spans = append(spans, span{from: from, to: i + 1})
			}
		}
	}
	return spans
}

func lastFour(s string) uint32 {
	s = s[len(s)-4:]
	return uint32(s[0])<<24 | uint32(s[1])<<16 | uint32(s[2])<<8 | uint32(s[3])
}

// variants returns secret as it is and as forms, queries, JSON and Go's quotes write it; nil when it is too short.
func variants(secret string) []string {
	if len(secret) < shortestKnown {
		return nil
	}
	texts := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), unquote(strconv.Quote(secret)), unquote(strconv.QuoteToASCII(secret))}
	if text, err := json.Marshal(secret); err == nil {
		texts = append(texts, unquote(string(text)))
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

func unquote(s string) string { return s[1 : len(s)-1] }

// isPIN reports whether secret could be a part of any number.
func isPIN(secret string) bool {
	return len(secret) < 8 && strings.Trim(secret, "0123456789") == ""
}

// standsAlone reports whether s[from:to], digits, is not a part of a longer word, number, date, time or address.
func standsAlone(s string, from, to int) bool {
	const joints = ".,:-/"
	if to < len(s) {
		next := s[to]
		if isAlphanumeric(next) || next == '_' || strings.IndexByte(joints, next) >= 0 && to+1 < len(s) && isDigit(s[to+1]) {
			return false
		}
	}
	if from == 0 {
		return true
	}
	previous := s[from-1]
	switch {
	case from >= 3 && s[from-3] == '%', from >= 2 && s[from-2] == '\\': // an escape: %221234%22, \n1234
		return true
	case isAlphanumeric(previous), previous == '_':
		return false
	}
	return strings.IndexByte(joints, previous) < 0 || from < 2 || !isDigit(s[from-2])
}
