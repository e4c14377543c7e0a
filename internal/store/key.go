package store

import (
	"fmt"
	"strings"
)

// CheckKey reports, as an [ErrInvalid], why key is not a key.
func CheckKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("%w key: it is empty", ErrInvalid)
	case len(key) > MaxKeyLength:
		return fmt.Errorf("%w key %q…: %d bytes, at most %d are allowed", ErrInvalid, key[:32], len(key), MaxKeyLength)
	}
	segment := 0 // bytes in the present segment
	for i := range len(key) {
		switch c := key[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
			segment++
		case c != '/':
			return fmt.Errorf("%w key %q: only a-z, 0-9, '_', '.', '-' and '/' are allowed", ErrInvalid, key)
		case segment == 0:
			return fmt.Errorf("%w key %q: a segment is empty", ErrInvalid, key)
		default:
			segment = 0
		}
	}
	if segment == 0 {
		return fmt.Errorf("%w key %q: the last segment is empty", ErrInvalid, key)
	}
	return nil
}

// checkPrefix accepts "" and whole segments with their "/". A part of a segment is refused since subjects of NATS,
// on which the fleet's version rests, match whole tokens only.
func checkPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	whole, ok := strings.CutSuffix(prefix, "/")
	if !ok {
		return fmt.Errorf("%w prefix %q: it must end with '/'", ErrInvalid, prefix)
	}
	return CheckKey(whole)
}

// checkOps refuses a transaction that no version could make.
func checkOps(ops []Op) error {
	seen := make(map[string]struct{}, len(ops))
	for _, op := range ops {
		if err := CheckKey(op.Key); err != nil {
			return err
		}
		if !op.Delete && len(op.Value) > MaxValueSize+op.slack {
			return fmt.Errorf("%w value: %d bytes, at most %d are allowed", ErrInvalid, len(op.Value), MaxValueSize)
		}
		if _, twice := seen[op.Key]; twice {
			return fmt.Errorf("%w transaction: %s occurs twice", ErrInvalid, op.Key)
		}
		seen[op.Key] = struct{}{}
	}
	return nil
}
