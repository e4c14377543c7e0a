package ccapi

import (
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// profile is one row: what a brand's cloud in a region is called and what it wants to hear (docs/protocol/europe.md §1.1).
type profile struct {
	region vehicle.Region
	brand  vehicle.Brand
	*dialect

	api     string // host with port of the vehicle API; the port is part of the Host header
	service string // CCSP service id, which is also the OAuth client id of refresh tokens
	secret  string // of that client
	appID   string
	cfb     []byte // key of the stamp
	push    string // pushType of a device registration

	// Europe only: the OneApp's way to sign in.
	idp       string // host of the identity provider
	oneApp    string // OAuth client id of the password sign-in
	redirect  string // its redirect URI
	cci       string // host of the OneApp backend
	client    string // the app's package name there
	osVersion string
	notifier  string // client-notification-provider-type

	uars string // host of China's sign-in

	// ownRenewal marks the brand that renews refresh tokens at its vehicle API instead of the identity provider.
	ownRenewal bool
}

var profiles = []profile{
	{
		region: vehicle.Europe, brand: vehicle.Kia, dialect: &europe,
		api: "prd.eu-ccapi.kia.com:8080", service: "fdc85c00-0a2f-4c64-bcb4-2cfb1500730a", secret: "secret",
		appID: "a2b8469b-30a3-4361-8e13-6fceea8fbe74",
		cfb:   stampKey("wLTVxwidmH8CfJYBWSnHD6E0huk0ozdiuygB4hLkM5XCgzAL1Dk5sE36d/bx5PFMbZs="), push: "APNS",
		idp: "idpconnect-eu.kia.com", oneApp: "01b36c86-79e8-486c-8009-15f2ad88d670", redirect: "https://oneapp.kia.com/redirect",
		cci: "cci-api-eu.kia.com", client: "com.kia.oneapp.eu", osVersion: "27", notifier: "IOS_APPSTORE",
	},
	{
		region: vehicle.Europe, brand: vehicle.Hyundai, dialect: &europe,
		api: "prd.eu-ccapi.hyundai.com:8080", service: "6d477c38-3ca4-4cf3-9557-2a1929a94654",
		secret: "KUy49XxPzLpLuoK0xhBC77W6VXhmtQR9iQhmIFjjoY4IpxsV", appID: "014d2225-8495-4735-812d-2616334fd15d",
		cfb: stampKey("RFtoRq/vDXJmRndoZaZQyfOot7OrIqGVFj96iY2WL3yyH5Z/pUvlUhqmCxD2t+D65SQ="), push: "GCM",
		idp: "idpconnect-eu.hyundai.com", oneApp: "4f4953b5-02e1-4dbc-8599-87e983ee1be5", redirect: "https://oneapp.hyundai.com/redirect",
		cci: "cci-api-eu.hyundai.com", client: "com.hyundai.oneapp.eu", osVersion: "18.7", notifier: "APNS",
	},
	{
		region: vehicle.Europe, brand: vehicle.Genesis, dialect: &europe,
		api: "prd-eu-ccapi.genesis.com:443", service: "3020afa2-30ff-412a-aa51-d28fbe901e10",
		secret: "FKDdlef2ffdleFEweELFKERiLER2FED21sDdwdgQz6hFESE3", appID: "f11f2b86-e0e7-4851-90df-5600b01d8b70",
		cfb: stampKey("RFtoRq/vDXJmRndoZaZQyYo3/qFLtVReW8P7utRPcc0ZxOzOELm9mexvviBk/qqIp4A="), push: "GCM",
		idp: "idpconnect-eu.genesis.com", oneApp: "50e3b8b0-ced5-43b7-8a42-f86ac92fe50e", redirect: "https://oneapp.genesis.com/redirect",
		cci: "cci-api-eu.genesis.com", client: "com.genesis.oneapp.eu", osVersion: "18.7", notifier: "APNS",
		ownRenewal: true,
	},
	{
		region: vehicle.Australia, brand: vehicle.Hyundai, dialect: &australia,
		api: "au-apigw.ccs.hyundai.com.au:8080", service: "855c72df-dfd7-4230-ab03-67cbf902bb1c",
		secret: "e6fbwHM32YNbhQl0pviaPp3rf4t3S6k91eceA3MJLdbdThCO", appID: "f9ccfdac-a48d-4c57-bd32-9116963c24ed",
		cfb: stampKey("nGDHng3k4Cg9gWV+C+A6Yk/ecDopUNTkGmDpr2qVKAQXx9bvY2/YLoHPfObliK32mZQ="), push: "GCM",
	},
	{
		region: vehicle.Australia, brand: vehicle.Kia, dialect: &australia,
		api: "au-apigw.ccs.kia.com.au:8082", service: "8acb778a-b918-4a8d-8624-73a0beb64289",
		secret: "7ScMMm6fEYXdiEPCxaPaQmgeYdlUrfwoh4AfXGOzYIS2Cu9T", appID: "4ad4dcde-be23-48a8-bc1c-91b94f5c06f8",
		cfb: stampKey("SGGCDRvrzmRa2WTNFQPUaNfSFdtPklZ48xUuVckigYasxmeOQqVgCAC++YNrI1vVabI="), push: "GCM",
	},
	{
		region: vehicle.NewZealand, brand: vehicle.Kia, dialect: &australia,
		api: "au-apigw.ccs.kia.com.au:8082", service: "4ab606a7-cea4-48a0-a216-ed9c14a4a38c",
		secret: "0haFqXTkKktNKfzkxhZ0aku31i74g0yQFm5od2mz4LdI5mLY", appID: "97745337-cac6-4a5b-afc3-e65ace81c994",
		cfb: stampKey("SGGCDRvrzmRa2WTNFQPUaC1OsnAhQgPgcQETEfbY8abEjR/ICXK0p+Rayw5tHCGyiUA="), push: "GCM",
	},
	{
		region: vehicle.India, brand: vehicle.Hyundai, dialect: &india,
		api: "prd.in-ccapi.hyundai.connected-car.io:8080", service: "e5b3f6d0-7f83-43c9-aff3-a254db7af368",
		secret: "5JFOCr6C24OfOzlDqZp7EwqrkL0Ww04UaxcDiE6Ud3qI5SE4", appID: "5a27df80-4ca1-4154-8c09-6f4029d91cf7",
		cfb: stampKey("RFtoRq/vDXJmRndoZaZQyfOot7OrIqGVFj96iY2WL3yyH5Z/pUvlUhqmCxD2t+D65SQ="), push: "GCM",
	},
	{
		region: vehicle.India, brand: vehicle.Kia, dialect: &india,
		api: "prd.in-ccapi.kia.connected-car.io:8080", service: "d0fe4855-7527-4be0-ab6e-a481216c705d",
		secret: "SHoTtXpyfbYmP3XjNA6BrtlDglypPWj920PtKBJPfleHEYpU", appID: "00000000-69cd-4660-b75d-277ae15379dd",
		cfb: stampKey("pdfn/jCrrEcxH6Jnak/1O/DaD+HjVh0P6z/BHWNoUKQtT0aLcYwer8BxQOoiHXSyMtBV"), push: "APNS",
	},
	{
		region: vehicle.China, brand: vehicle.Hyundai, dialect: &china,
		api: "prd.cn-ccapi.hyundai.com", service: "72b3d019-5bc7-443d-a437-08f307cf06e2", appID: "b09e4d17-c30c-40f1-a1ec-8ac11d6665cf",
		push: "APNS", uars: "uars-h.hmgmobility.com.cn",
	},
	{
		region: vehicle.China, brand: vehicle.Kia, dialect: &china,
		api: "prd.cn-ccapi.kia.com", service: "9d5df92a-06ae-435f-b459-8304f2efcc67", appID: "5519a969-295f-4c5a-a27e-9d9fab2bd50c",
		push: "APNS", uars: "uars-k.hmgmobility.com.cn",
	},
	{
		region: vehicle.Brazil, brand: vehicle.Hyundai, dialect: &brazil,
		api: "br-ccapi.hyundai.com.br", service: "03f7df9b-7626-4853-b7bd-ad1e8d722bd5",
		secret: "yQz2bc6Cn8OovVOR7RDWwxTqVwWG3yKBYFDg0HsOXsyxyPlH", appID: "513a491a-0d7c-4d6a-ac03-a2df127d73b0", push: "APNS",
	},
}

// Serves tells whether a brand's cloud in a region can be signed in to.
func Serves(region vehicle.Region, brand vehicle.Brand) bool { return profileOf(region, brand) != nil }

func profileOf(region vehicle.Region, brand vehicle.Brand) *profile {
	for i := range profiles {
		if profiles[i].region == region && profiles[i].brand == brand {
			return &profiles[i]
		}
	}
	return nil
}

// language is the nearest that the cloud knows: by the first two letters, or the one for all others.
func (p *profile) language(wanted string) string {
	wanted = strings.ToLower(strings.TrimSpace(wanted))
	if len(wanted) > 2 {
		wanted = wanted[:2]
	}
	for _, known := range p.languages {
		if known == wanted {
			return known
		}
	}
	return p.languages[0]
}
