package sim

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSmoke(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	cl := &http.Client{Transport: s.RoundTripper()}
	do := func(method, url, body string, h ...string) string {
		r, _ := http.NewRequest(method, url, strings.NewReader(body))
		for i := 0; i < len(h); i += 2 {
			r.Header.Set(h[i], h[i+1])
		}
		resp, err := cl.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		fmt.Println(method, url, resp.StatusCode, string(b))
		return string(b)
	}
	st := makeStamp(europeKia.stampKey, europeKia.appIDs[0], fmt.Sprint(time.Now().Unix()))
	reg := do("POST", "https://prd.eu-ccapi.kia.com:8080/api/v1/spa/notifications/register", `{"pushRegId":"aa","pushType":"APNS","uuid":"x"}`, "Stamp", st, "ccsp-application-id", europeKia.appIDs[0])
	dev := strings.Split(strings.Split(reg, `"deviceId":"`)[1], `"`)[0]
	tok := do("POST", "https://idpconnect-eu.kia.com/auth/api/v2/user/oauth2/token", "grant_type=refresh_token&refresh_token="+s.clouds[1].account.refreshToken()+"&client_id="+europeKia.serviceID+"&client_secret=secret")
	at := strings.Split(strings.Split(tok, `"access_token":"`)[1], `"`)[0]
	h := []string{"Authorization", "Bearer " + at, "Stamp", st, "ccsp-application-id", europeKia.appIDs[0], "ccsp-device-id", dev, "Ccuccs2protocolsupport", "1"}
	do("GET", "https://prd.eu-ccapi.kia.com:8080/api/v1/spa/vehicles", "", h...)
	base := "https://prd.eu-ccapi.kia.com:8080/api/v1/spa/vehicles/"
	cars := s.clouds[1].cars
	do("GET", base+cars[0].id+"/ccs2/carstatus/latest", "", h...)
	do("GET", base+cars[1].id+"/status/latest", "", h...)
	do("GET", base+cars[2].id+"/ccs2/carstatus/latest", "", h...)
	do("GET", base+cars[3].id+"/status/latest", "", h...)
	do("GET", base+cars[3].id+"/location/park", "", h...)
	do("POST", base+cars[0].id+"/drvhistory", `{"periodTarget":0}`, h...)
	do("POST", base+cars[0].id+"/drvhistory", `{"periodTarget":1}`, h...)
	do("POST", base+cars[3].id+"/tripinfo", `{"tripPeriodType":0,"setTripMonth":"`+time.Now().Format("200601")+`"}`, h...)
	do("GET", base+cars[1].id+"/status", "", h...)
	do("GET", base+cars[0].id+"/ccs2/carstatus", "", h...)
	do("GET", base+cars[0].id+"/ccs2/carstatus", "", h...)
}
