package sim

import (
	"strings"
	"testing"
	"testing/synctest"
)

// Each fault answers in every region of Europe's family in the form that the region's page
// has (docs/protocol/australia-newzealand.md §8, india.md §8, china.md §8, brazil.md §8),
// and all is well when it is switched off.
func TestFaults_EachRegionInItsOwnForm(t *testing.T) {
	const (
		list   = "GET API/api/v1/spa/vehicles\n+ ACCOUNT access\n"
		wake   = "GET API/api/v1/spa/vehicles/${ACCOUNT.car1}WAKE\n+ ACCOUNT access\n"
		cached = "GET API/api/v1/spa/vehicles/${ACCOUNT.car1}CACHED\n+ ACCOUNT access\n"
		signin = "POST API/api/v1/user/signin\nCookie: ${cookies}\n| {\"email\":\"demo@example.com\",\"password\":\"demo\"}\n"
		begin  = "GET API/api/v1/user/oauth2/authorize?response_type=code&client_id=CLIENT&redirect_uri=BACK\n"
	)
	for account, region := range map[string]struct{ wake, cached, back, wrong, device string }{
		"au-hyundai": {"/ccs2/carstatus", "/ccs2/carstatus/latest", "", "< 401\n< .errCode = \"4010\"", "Invalid deviceId"},
		"nz-kia":     {"/ccs2/carstatus", "/ccs2/carstatus/latest", "", "< 401\n< .errCode = \"4010\"", "Invalid deviceId"},
		"in-kia":     {"/status", "/status/latest", "", "< 401\n< .errCode = \"4010\"", "Invalid deviceId"},
		"cn-hyundai": {"/location", "/status/latest", "https://uars-h.hmgmobility.com.cn/join/ccsp/loginCallback.do", "< 401\n< .errCode = \"4010\"", "deviceId is not exist"},
		"br-hyundai": {"/ccs2/carstatus", "/ccs2/carstatus/latest", "", "< 400\n< .errCode = 4003", "Invalid deviceId"},
	} {
		client := pageClients[account]
		if region.back == "" {
			region.back = client[2] + "/api/v1/user/oauth2/redirect"
		}
		fill := strings.NewReplacer("API", client[2], "ACCOUNT", account, "WAKE", region.wake, "CACHED", region.cached, "CLIENT", client[0],
			"BACK", region.back, "WRONG", region.wrong, "DEVICE", region.device)
		for _, tc := range []struct{ fault, call, want string }{
			{"quota", list, "< 509\n< .retCode = \"F\"\n< .resCode = \"5091\""},
			{"quota", cached, "< 509\n< .resCode = \"5091\""},
			{"duplicate", wake, "< 400\n< .resCode = \"4004\""},
			{"busy", wake, "< 503\n< .resCode = \"5031\""},
			{"unreachable", wake, "< 408\n< .resCode = \"4081\""},
			{"low-battery", wake, "< 400\n< .resCode = \"4007\""},
			{"unsupported", wake, "< 400\n< .resCode = \"4005\"\n< .resMsg : text"},
			{"no-data", cached, "< 592\n< .resCode = \"5921\""},
			{"code=9999", cached, "< 400\n< .resCode = \"9999\""},
			{"code=4017", list, "< 401\n< .resCode = \"4017\""},
			{"code=7501", list, "< 400\n< .resCode = \"7501\"\n< .resMsg = \"Received unexpected statusCode\""},
			{"expired-token", list, "< 401\n< .error = \"Key not authorized: Token is expired\""},
			{"invalid-device", list, "< 400\n< .resCode = \"4002\"\n< .resMsg ~ DEVICE"},
			{"blocked", begin, "< 403\n< body ~ <html>"},
			{"blocked", signin, "< 403\n< body ~ <html>"},
			{"credentials", signin, "WRONG"},
			{"credentials=error", signin, "< 400\n< .errCode = \"4003\""},
			{"consent", signin, "< 200\n< .step = 4\n< .redirectUrl = absent"},
			{"step=9", signin, "< 200\n< .step = 9"},
			{"step=5/400", signin, "< 400\n< .step = 5"},
		} {
			t.Run(account+" "+tc.fault, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := &player{t: t, vars: map[string]string{}}
					p.world(Options{Seed: 1, Parked: true, Cars: 1, Regions: []string{account[:2]}})
					p.login(account)
					p.play(fill.Replace(begin + "< 302\n< cookies -> cookies\n@ fault " + tc.fault + ",count=1\n" + tc.call + tc.want))
					p.login(account) // a new device and token, where they were spoiled
					p.play(fill.Replace("@ wait 1m\n" + list + "< 200\n" + wake + "< 200\n"))
					if faults := p.sim.Faults(); len(faults) != 1 || faults[0].Struck != 1 {
						t.Errorf("the list says %+v", faults)
					}
				})
			})
		}
	}
}

// How a command ends is told in the records of each region, which say it with the same
// words.
func TestFaults_HowCommandsEndInOtherRegions(t *testing.T) {
	for account, door := range map[string]string{
		"au-kia":     "POST API/api/v1/spa/vehicles/${ACCOUNT.car2}/control/door\n+ ACCOUNT access\n",
		"in-hyundai": "POST API/api/v1/spa/vehicles/${ACCOUNT.car2}/control/door\n+ ACCOUNT access\n",
		"cn-kia":     "POST API/api/v1/spa/vehicles/${ACCOUNT.car2}/control/door\n+ ACCOUNT access\n",
		"br-hyundai": "POST API/api/v2/spa/vehicles/${ACCOUNT.car2}/control/door\n+ ACCOUNT control\n",
	} {
		for arg, want := range map[string]string{
			"fail": `.resMsg.0.result = "fail"`, "non-response": `.resMsg.0.result = "non-response"`,
			"pending": ".resMsg.0.result = null", "unrecorded": ".resMsg = []",
		} {
			t.Run(account+" "+arg, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := &player{t: t, vars: map[string]string{}}
					p.world(Options{Seed: 1, Parked: true, Cars: 2})
					p.login(account)
					p.play(strings.NewReplacer("API", pageClients[account][2], "ACCOUNT", account).Replace("@ fault action=" + arg + "\n" + door +
						"| {\"action\":\"open\",\"deviceId\":\"${device}\"}\n< 200\n@ wait 2m\n" +
						"GET API/api/v1/spa/notifications/${ACCOUNT.car2}/records\n+ ACCOUNT access\n< " + want))
				})
			})
		}
	}
}
