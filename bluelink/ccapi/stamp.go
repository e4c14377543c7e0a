package ccapi

import (
	"encoding/base64"
	"strconv"
	"time"
)

// stamp shows that a request comes from the app: application id and Unix seconds, veiled with the brand's key
// (docs/protocol/europe.md §1.4; the app itself was seen to use seconds). It is made anew for each request.
func (p *profile) stamp(now time.Time) string {
	text := strconv.AppendInt([]byte(p.appID+":"), now.Unix(), 10)
	text = text[:min(len(text), len(p.cfb))]
	for i := range text {
		text[i] ^= p.cfb[i]
	}
	return base64.StdEncoding.EncodeToString(text)
}

// stampKey reads the key of a row.
func stampKey(text string) []byte {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		panic("ccapi: stamp key: " + err.Error()) // a slip in the table
	}
	return key
}
