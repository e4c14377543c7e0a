package answer

import (
	"net/http"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Outcome is what a cloud's code for a failure means; each family has tables of them.
type Outcome struct {
	Err    error          // a sentinel of bluelink, or one that wraps it
	Reason vehicle.Reason // where the sentinel's own is too coarse
	Wait   time.Duration  // at least this long before another try
}

// Unlisted is the outcome of a code that no page knows, in an answer of this status.
func Unlisted(status int) Outcome {
	if status >= 500 {
		return Outcome{Err: bluelink.ErrUnavailable}
	}
	return Outcome{Err: bluelink.ErrBadResponse}
}

// Fail makes the error of it, with code and text as the cloud says them, fit to be shown, and with the longer of its own wait
// and the header's.
func (o Outcome) Fail(code, text string, header http.Header) *bluelink.Error {
	return &bluelink.Error{Code: Brief(code), Text: Brief(text), Reason: o.Reason, Err: o.Err, RetryAfter: max(o.Wait, RetryAfter(header))}
}
