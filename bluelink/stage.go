package bluelink

import (
	"context"
	"net/http"
	"time"
)

// Stage is one call of a sign-in, for a person who looks for the place where it fails. It holds no secret: of the address
// only host and path, and nothing of what was sent.
type Stage struct {
	Op     string // "sign in"
	Kind   CallKind
	Method string // of HTTP
	Host   string // as the cloud knows itself
	Path   string
	Status int           // of HTTP; 0 when there was no answer
	Took   time.Duration // 0 when the call was refused before it left
	Err    error         // classified; nil when the stage succeeded
}

type stagesKey struct{}

// WithStages has see told of each call that signs in, renews, registers a device or handles a one-time code. See is called
// on the goroutine that makes the call, and must not wait.
func WithStages(ctx context.Context, see func(Stage)) context.Context {
	return context.WithValue(ctx, stagesKey{}, see)
}

// stage tells whoever watches the sign-in how a call of it ended.
func (t *Transport) stage(ctx context.Context, call Call, request *http.Request, status int, took time.Duration, err error) {
	see, watched := ctx.Value(stagesKey{}).(func(Stage))
	if !watched || call.Kind == CallRead || call.Kind == CallWake || call.Kind == CallCommand {
		return
	}
	see(Stage{
		Op: call.Op, Kind: call.Kind, Method: request.Method, Host: request.URL.Host, Path: t.veil.Replace(request.URL.Path),
		Status: status, Took: took, Err: err,
	})
}
