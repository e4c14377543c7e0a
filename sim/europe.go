package sim

import (
	"crypto/rand"
	"crypto/rsa"
	"net/url"
	"strings"
	"sync"
)

// europe is the European cloud of one brand: vehicle API ("ccapi"), identity provider
// ("IDP") and OneApp backend ("CCI"), with the constants of docs/protocol/europe.md §1.1.
type europe struct {
	brand       string
	apiHost     string // without port, as hosts are matched
	apiPort     string
	idpHost     string
	cciHost     string
	oneAppHost  string
	serviceID   string // the OAuth client of the vehicle API
	secret      string
	appIDs      []string // the first is today's
	stampKey    string   // 50 bytes
	oneAppID    string   // the OAuth client of the OneApp login
	cciClientID string

	cloud *cloud
	key   func() *rsa.PrivateKey // for passwords; made at first use
}

var (
	europeKia = europe{
		brand:   "kia",
		apiHost: "prd.eu-ccapi.kia.com", apiPort: "8080",
		idpHost: "idpconnect-eu.kia.com", cciHost: "cci-api-eu.kia.com", oneAppHost: "oneapp.kia.com",
		serviceID: "fdc85c00-0a2f-4c64-bcb4-2cfb1500730a", secret: "secret",
		appIDs:   []string{"a2b8469b-30a3-4361-8e13-6fceea8fbe74"},
		stampKey: mustDecodeKey("wLTVxwidmH8CfJYBWSnHD6E0huk0ozdiuygB4hLkM5XCgzAL1Dk5sE36d/bx5PFMbZs="),
		oneAppID: "01b36c86-79e8-486c-8009-15f2ad88d670", cciClientID: "com.kia.oneapp.eu",
	}
	europeHyundai = europe{
		brand:   "hyundai",
		apiHost: "prd.eu-ccapi.hyundai.com", apiPort: "8080",
		idpHost: "idpconnect-eu.hyundai.com", cciHost: "cci-api-eu.hyundai.com", oneAppHost: "oneapp.hyundai.com",
		serviceID: "6d477c38-3ca4-4cf3-9557-2a1929a94654", secret: "KUy49XxPzLpLuoK0xhBC77W6VXhmtQR9iQhmIFjjoY4IpxsV",
		// The second id is still sent by one client (docs/protocol/europe.md §10.3).
		appIDs:   []string{"014d2225-8495-4735-812d-2616334fd15d", "1eba27d2-9a5b-4eba-8ec7-97eb6c62fb51"},
		stampKey: mustDecodeKey("RFtoRq/vDXJmRndoZaZQyfOot7OrIqGVFj96iY2WL3yyH5Z/pUvlUhqmCxD2t+D65SQ="),
		oneAppID: "4f4953b5-02e1-4dbc-8599-87e983ee1be5", cciClientID: "com.hyundai.oneapp.eu",
	}
	europeGenesis = europe{
		brand:   "genesis",
		apiHost: "prd-eu-ccapi.genesis.com", apiPort: "443",
		idpHost: "idpconnect-eu.genesis.com", cciHost: "cci-api-eu.genesis.com", oneAppHost: "oneapp.genesis.com",
		serviceID: "3020afa2-30ff-412a-aa51-d28fbe901e10", secret: "FKDdlef2ffdleFEweELFKERiLER2FED21sDdwdgQz6hFESE3",
		appIDs:   []string{"f11f2b86-e0e7-4851-90df-5600b01d8b70"},
		stampKey: mustDecodeKey("RFtoRq/vDXJmRndoZaZQyYo3/qFLtVReW8P7utRPcc0ZxOzOELm9mexvviBk/qqIp4A="),
		oneAppID: "50e3b8b0-ced5-43b7-8a42-f86ac92fe50e", cciClientID: "com.genesis.oneapp.eu",
	}
)

// build joins the row to its cloud and returns its hosts.
func (e europe) build(c *cloud) map[string]*router {
	e.cloud = c
	e.key = passwordKey
	return map[string]*router{
		e.apiHost:    newRouter(c, e.apiHost, &e, e.apiEndpoints()),
		e.idpHost:    newRouter(c, e.idpHost, &e, e.idpEndpoints()),
		e.cciHost:    newRouter(c, e.cciHost, &e, e.cciEndpoints()),
		e.oneAppHost: newRouter(c, e.oneAppHost, &e, e.oneAppEndpoints()),
	}
}

// passwordKey makes the RSA key of the sign-in pages. It takes a moment, so one key
// serves all brands of the process and is made when the first client asks.
var passwordKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("sim: make an RSA key: " + err.Error()) // only when the system has no randomness
	}
	return key
})

func (e *europe) apiURL(path string) string { return "https://" + e.apiHost + ":" + e.apiPort + path }
func (e *europe) idpURL(path string) string { return "https://" + e.idpHost + path }
func (e *europe) oneAppRedirect() string    { return "https://" + e.oneAppHost + "/redirect" }

// clientKnown reports whether an OAuth client may sign in at the IDP and be sent back to
// an address: the OneApp client to its own only, the older one to any of several that
// clients use (docs/protocol/europe.md §1.1, §10.5).
func (e *europe) clientKnown(id, redirectURI string) bool {
	return id == e.oneAppID && redirectURI == e.oneAppRedirect() || id == e.serviceID && strings.HasPrefix(redirectURI, "https://")
}

// form reads a form-encoded body; what cannot be read is empty.
func (c *call) form() url.Values {
	values, err := url.ParseQuery(string(c.body))
	if err != nil {
		return url.Values{}
	}
	return values
}
