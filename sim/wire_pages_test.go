package sim

import (
	"encoding/base64"
	"regexp"
	"strings"
)

// What the protocol pages print of the regions that share Europe's vehicle API, and the
// shortest sign-in of each; the player of wire_test.go fills them in.

// Stamp keys and application ids as docs/protocol/europe.md §1.1 and §1 of the other
// regions' pages print them, without a key where no call for a car needs a stamp; the
// simulator's own table is checked against them.
var pageStamps = map[string][2]string{
	"au-hyundai": {"nGDHng3k4Cg9gWV+C+A6Yk/ecDopUNTkGmDpr2qVKAQXx9bvY2/YLoHPfObliK32mZQ=", "f9ccfdac-a48d-4c57-bd32-9116963c24ed"},
	"au-kia":     {"SGGCDRvrzmRa2WTNFQPUaNfSFdtPklZ48xUuVckigYasxmeOQqVgCAC++YNrI1vVabI=", "4ad4dcde-be23-48a8-bc1c-91b94f5c06f8"},
	"nz-kia":     {"SGGCDRvrzmRa2WTNFQPUaC1OsnAhQgPgcQETEfbY8abEjR/ICXK0p+Rayw5tHCGyiUA=", "97745337-cac6-4a5b-afc3-e65ace81c994"},
	// The keys that were taken until August 2025.
	"au-hyundai-old": {"V60WkEmyRQaAfrBF1623/7QL62MjLVbCHdItGzQ1g5T/hkmKmMVTaMHv4cKGzgD3kfc=", "f9ccfdac-a48d-4c57-bd32-9116963c24ed"},
	"au-kia-old":     {"IDbMgWBXgic4MAyMgf5PFFRAdGX5O3IyC3uvN3scCs0gDpTFDuyvBorlAH9JMM2/hys=", "4ad4dcde-be23-48a8-bc1c-91b94f5c06f8"},

	"in-hyundai": {"", "5a27df80-4ca1-4154-8c09-6f4029d91cf7"},
	"in-kia":     {"", "00000000-69cd-4660-b75d-277ae15379dd"},
	"cn-hyundai": {"", "b09e4d17-c30c-40f1-a1ec-8ac11d6665cf"},
	"cn-kia":     {"", "5519a969-295f-4c5a-a27e-9d9fab2bd50c"},
	"br-hyundai": {"", "513a491a-0d7c-4d6a-ac03-a2df127d73b0"},

	"kia":     {"wLTVxwidmH8CfJYBWSnHD6E0huk0ozdiuygB4hLkM5XCgzAL1Dk5sE36d/bx5PFMbZs=", "a2b8469b-30a3-4361-8e13-6fceea8fbe74"},
	"hyundai": {"RFtoRq/vDXJmRndoZaZQyfOot7OrIqGVFj96iY2WL3yyH5Z/pUvlUhqmCxD2t+D65SQ=", "014d2225-8495-4735-812d-2616334fd15d"},
	"genesis": {"RFtoRq/vDXJmRndoZaZQyYo3/qFLtVReW8P7utRPcc0ZxOzOELm9mexvviBk/qqIp4A=", "f11f2b86-e0e7-4851-90df-5600b01d8b70"},
}

// pageClients are the OAuth client and secret of §1.1 and §1, and the API's address.
var pageClients = map[string][3]string{
	"au-hyundai": {"855c72df-dfd7-4230-ab03-67cbf902bb1c", "e6fbwHM32YNbhQl0pviaPp3rf4t3S6k91eceA3MJLdbdThCO", "https://au-apigw.ccs.hyundai.com.au:8080"},
	"au-kia":     {"8acb778a-b918-4a8d-8624-73a0beb64289", "7ScMMm6fEYXdiEPCxaPaQmgeYdlUrfwoh4AfXGOzYIS2Cu9T", "https://au-apigw.ccs.kia.com.au:8082"},
	"nz-kia":     {"4ab606a7-cea4-48a0-a216-ed9c14a4a38c", "0haFqXTkKktNKfzkxhZ0aku31i74g0yQFm5od2mz4LdI5mLY", "https://au-apigw.ccs.kia.com.au:8082"},
	"in-hyundai": {"e5b3f6d0-7f83-43c9-aff3-a254db7af368", "5JFOCr6C24OfOzlDqZp7EwqrkL0Ww04UaxcDiE6Ud3qI5SE4", "https://prd.in-ccapi.hyundai.connected-car.io:8080"},
	"in-kia":     {"d0fe4855-7527-4be0-ab6e-a481216c705d", "SHoTtXpyfbYmP3XjNA6BrtlDglypPWj920PtKBJPfleHEYpU", "https://prd.in-ccapi.kia.connected-car.io:8080"},
	"cn-hyundai": {"72b3d019-5bc7-443d-a437-08f307cf06e2", "secret", "https://prd.cn-ccapi.hyundai.com"},
	"cn-kia":     {"9d5df92a-06ae-435f-b459-8304f2efcc67", "tsXdkUg08Av2ZZzXOgWzJyxUT6yeSnNNQkXXPRdKWEANwl1p", "https://prd.cn-ccapi.kia.com"},
	"br-hyundai": {"03f7df9b-7626-4853-b7bd-ad1e8d722bd5", "yQz2bc6Cn8OovVOR7RDWwxTqVwWG3yKBYFDg0HsOXsyxyPlH", "https://br-ccapi.hyundai.com.br"},

	"kia":     {"fdc85c00-0a2f-4c64-bcb4-2cfb1500730a", "secret", "https://prd.eu-ccapi.kia.com:8080"},
	"hyundai": {"6d477c38-3ca4-4cf3-9557-2a1929a94654", "KUy49XxPzLpLuoK0xhBC77W6VXhmtQR9iQhmIFjjoY4IpxsV", "https://prd.eu-ccapi.hyundai.com:8080"},
	"genesis": {"3020afa2-30ff-412a-aa51-d28fbe901e10", "FKDdlef2ffdleFEweELFKERiLER2FED21sDdwdgQz6hFESE3", "https://prd-eu-ccapi.genesis.com:443"},
}

// headers sets H-auth of §1.5 on the request that is being collected.
func (p *player) headers(brand, token string) {
	if set, known := americanHeaders[brand]; known {
		set(p, token)
		return
	}
	if pageStamps[brand][0] == "" {
		defer p.request.Header.Del("Stamp") // no call of this region has one
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer ${" + token + "}", "ccsp-service-id": pageClients[brand][0], "ccsp-application-id": pageStamps[brand][1],
		"Stamp": "${" + brand + ".stamp}", "ccsp-device-id": "${device}", "Ccuccs2protocolsupport": "0", "User-Agent": "okhttp/3.12.0",
	} {
		p.request.Header.Set(name, p.expand(value))
	}
	if token == "control" {
		p.request.Header.Set("AuthorizationCCSP", "Bearer "+p.vars["control"])
	}
}

// login plays the shortest login there is (§2.1, §2.4, §2.7), and elsewhere that of
// docs/protocol/australia-newzealand.md §2, which India and Brazil share, or of
// docs/protocol/china.md §2.1.
func (p *player) login(brand string) {
	client := pageClients[brand]
	at := p.line
	script := europeanLogin
	switch region, _, elsewhere := strings.Cut(brand, "-"); {
	case region == "cn":
		script = chineseLogin
	case elsewhere:
		script = userLogin
	}
	basic := base64.StdEncoding.EncodeToString([]byte(client[0] + ":" + client[1]))
	p.play(strings.NewReplacer("BRAND", brand, "API", client[2], "CLIENT", client[0], "SECRET", client[1], "APP", pageStamps[brand][1], "BASIC", basic, "UARS", pageUARS[brand]).Replace(script))
	p.line = at
}

const europeanLogin = `
POST API/api/v1/spa/notifications/register
ccsp-application-id: APP
Stamp: ${BRAND.stamp}
| {"pushRegId":"00","pushType":"GCM","uuid":"a1b2c3d4-0000-4000-8000-aabbccddeeff"}
< .resMsg.deviceId -> device
POST https://idpconnect-eu.BRAND.com/auth/api/v2/user/oauth2/token
| grant_type=refresh_token&refresh_token=${BRAND.refresh}&client_id=CLIENT&client_secret=SECRET
< 200
< .access_token -> access
PUT API/api/v1/user/pin
Authorization: Bearer ${access}
| {"deviceId":"${device}","pin":"1234"}
< 200
< .controlToken -> control
`

const userLogin = `
POST API/api/v1/spa/notifications/register
ccsp-service-id: CLIENT
ccsp-application-id: APP
Stamp: ${BRAND.stamp}
| {"pushRegId":"00","pushType":"GCM","uuid":"a1b2c3d4-0000-4000-8000-aabbccddeeff"}
< 200
< .resMsg.deviceId -> device
GET API/api/v1/user/oauth2/authorize?response_type=code&client_id=CLIENT&redirect_uri=API/api/v1/user/oauth2/redirect&lang=en
< 302
< cookies -> cookies
POST API/api/v1/user/signin
Cookie: ${cookies}
| {"email":"demo@example.com","password":"demo"}
< 200
< .redirectUrl ~ ^API/api/v1/user/oauth2/redirect\?code=[A-Za-z0-9]+$
< .redirectUrl.code -> code
POST API/api/v1/user/oauth2/token
Authorization: Basic BASIC
Stamp: ${BRAND.stamp}
Content-Type: application/x-www-form-urlencoded
| grant_type=authorization_code&redirect_uri=API/api/v1/user/oauth2/redirect&code=${code}&client_id=CLIENT
< 200
< .token_type = "Bearer"
< .expires_in : int
< .refresh_token -> refreshed
< .access_token -> access
PUT API/api/v1/user/pin?token=
Authorization: Bearer ${access}
| {"deviceId":"${device}","pin":"1234"}
< 200
< .controlToken -> control
`

// pageUARS are the hosts of docs/protocol/china.md §1, and pageToken finds what their last
// page hands over.
var (
	pageUARS  = map[string]string{"cn-hyundai": "uars-h.hmgmobility.com.cn", "cn-kia": "uars-k.hmgmobility.com.cn"}
	pageToken = regexp.MustCompile(`"accessToken":"([^"]+)"`)
	// pageAction finds where a page's form is sent.
	pageAction = regexp.MustCompile(`action="([^"]+)"`)
)

const chineseLogin = `
GET API/api/v1/user/oauth2/authorize?response_type=code&client_id=CLIENT&redirect_uri=https://UARS%2Fjoin%2Fccsp%2FloginCallback.do&state=e30&lang=zh&scope=url.login
< 302
< cookies -> cookies
POST API/api/v1/user/signin
Cookie: ${cookies}
| {"email":"demo@example.com","password":"demo","mobileNum":""}
< 200
< .redirectUrl.code -> code
GET https://UARS/join/ccsp/loginCallback.do?code=${code}&state=e30
< 200
< body.accessToken -> access
POST API/api/v1/spa/notifications/register
ccsp-service-id: CLIENT
ccsp-application-id: APP
| {"providerDeviceId":"a1b2c3d4-0000-4000-8000-aabbccddeeff","pushRegId":"00","pushType":"APNS","uuid":"a1b2c3d4-0000-4000-8000-aabbccddeeff"}
< 200
< .resMsg.deviceId -> device
PUT API/api/v1/user/pin
Authorization: Bearer ${access}
| {"deviceId":"${device}","pin":"1234"}
< 200
< .controlToken -> control
`
