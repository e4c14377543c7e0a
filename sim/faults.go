package sim

import "net/http"

type faultKind string

const (
	faultConsent       faultKind = "consent"
	faultCredentials   faultKind = "credentials"
	faultExpiredToken  faultKind = "expired-token"
	faultInvalidDevice faultKind = "invalid-device"
	faultUnreachable   faultKind = "unreachable"
)

type fault struct {
	kind faultKind
	arg  string
}
type faultBook struct{}

func (b *faultBook) init(uint64)                                {}
func (b *faultBook) serve(c *call, w http.ResponseWriter) reply { return c.handle(c) }
func (s *Sim) AddFault(text string) (int, error)                { return 0, nil }
func (c *call) acts(k faultKind) bool                           { return c.fault != nil && c.fault.kind == k }
