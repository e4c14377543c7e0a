package bridge

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"sync"
)

// parts are what an announcement named. The store keeps them packed: of ten thousand cars with two hundred each, which are
// nearly the same for all, they would otherwise be most of what lies there.
type parts []string

// mostParts bounds what is read back, in bytes.
const mostParts = 1 << 20

// packers are kept, since each takes half a megabyte to make.
var packers = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // fails for a level that does not exist only
	return w
}}

// MarshalText packs them.
func (p parts) MarshalText() ([]byte, error) {
	var packed bytes.Buffer
	text := base64.NewEncoder(base64.RawStdEncoding, &packed)
	w, _ := packers.Get().(*flate.Writer)
	defer packers.Put(w)
	w.Reset(text)
	for _, part := range p {
		if _, err := io.WriteString(w, part+"\n"); err != nil {
			return nil, fmt.Errorf("pack: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if err := text.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return packed.Bytes(), nil
}

// UnmarshalText unpacks them.
func (p *parts) UnmarshalText(text []byte) error {
	packed := base64.NewDecoder(base64.RawStdEncoding, bytes.NewReader(text))
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(packed), mostParts))
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	*p = strings.Fields(string(plain))
	return nil
}
