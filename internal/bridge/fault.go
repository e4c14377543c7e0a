package bridge

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// errFault is what an operation ends with that hit a fault of ours.
var errFault = errors.New("a fault of this program; its log tells where, please report it")

// contain does one piece of work. A fault of ours in it, which strange data may hit, costs that piece and not the process
// with all its cars; it is logged, counted and returned.
func (b *Bridge) contain(ctx context.Context, part string, work func()) (fault error) {
	defer func() {
		if cause := recover(); cause != nil {
			fault = errFault
			b.metrics.faults.WithLabelValues(part).Inc()
			b.log.ErrorContext(ctx, "panic in an operation; please report it", "part", part, "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
		}
	}()
	work()
	return nil
}
