package hyundaius

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestClassify_HoldsTheTableOfThePage is §8, row by row, and what stands in no row.
func TestClassify_HoldsTheTableOfThePage(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		want   error
		reason vehicle.Reason
		wait   time.Duration
	}{
		{502, `{"errorCode":502,"errorSubCode":"IDM_401_1","systemName":"IDM","functionName":"customerLogin","errorMessage":"Incorrect username or password"}`, bluelink.ErrCredentials, vehicle.LoginRequired, 0},
		{502, `{"errorCode":"502","systemName":"IDM","functionName":"customerLogin"}`, bluelink.ErrCredentials, vehicle.LoginRequired, 0},
		{401, expired, bluelink.ErrSessionExpired, vehicle.LoginRequired, 0},
		{200, expired, bluelink.ErrSessionExpired, vehicle.LoginRequired, 0}, // the code goes before the status
		{403, `{"errorCode":"403","errorMessage":"x"}`, bluelink.ErrSessionExpired, vehicle.LoginRequired, 0},
		{401, ``, bluelink.ErrSessionExpired, vehicle.LoginRequired, 0},
		{400, noPIN, bluelink.ErrPINRequired, vehicle.PINRequired, 0},
		{400, `{"errorCode":400,"errorSubCode":"C400_1","errorMessage":"Parameter {password} field [Required] validation error."}`, bluelink.ErrClientRefused, vehicle.CloudChanged, 0},
		{403, `client_id required`, bluelink.ErrClientRefused, vehicle.CloudChanged, 0},
		{403, `{"errorCode":403,"errorMessage":"client_id required"}`, bluelink.ErrClientRefused, vehicle.CloudChanged, 0},
		{400, `{"errorCode":400,"isBlueLinkServicePinValid":"invalid","remainingAttemptCount":"3"}`, bluelink.ErrPIN, vehicle.PINWrong, 0},
		{200, `{"isBlueLinkServicePinValid":"invalid"}`, bluelink.ErrPIN, vehicle.PINWrong, 0},
		{502, `{"errorCode":502,"errorMessage":"Your PIN has been locked for 60 minutes"}`, bluelink.ErrPIN, vehicle.PINWrong, time.Hour},
		{502, `{"errorCode":502,"errorSubCode":"HT_534","systemName":"HATA","errorMessage":"You have exceeded the daily remote service request limit"}`, bluelink.ErrRateLimited, vehicle.CloudLimit, 0},
		{502, `{"errorCode":502,"errorSubCode":"HT_533","systemName":"HATA","errorMessage":"previous request is pending"}`, bluelink.ErrBusy, vehicle.VehicleBusy, time.Minute},
		{502, `{"errorCode":502,"errorSubCode":"HT_900","systemName":"HATA","errorMessage":"Not able to connect with your vehicle"}`, bluelink.ErrVehicleUnreachable, vehicle.VehicleUnreachable, 0},
		{502, `{"errorCode":502,"errorSubCode":"GEN","systemName":"BLODS","errorMessage":"Feature Status is OFF"}`, bluelink.ErrUnsupported, vehicle.Unsupported, 0},
		{502, `{"errorCode":502,"errorSubCode":"GEN","errorMessage":"Your vehicle does not support this feature."}`, bluelink.ErrUnsupported, vehicle.Unsupported, 0},
		{502, `{"errorCode":502,"errorSubCode":"GEN","systemName":"HATA","errorMessage":"We could not complete your request"}`, bluelink.ErrUnavailable, vehicle.CloudUnavailable, 0},
		{502, `{"errorCode":502,"errorSubCode":"HT_777","systemName":"HATA"}`, bluelink.ErrUnavailable, vehicle.CloudUnavailable, 0},
		{429, `{"errorCode":429}`, bluelink.ErrRateLimited, vehicle.CloudLimit, 0},
		{400, `{"errorCode":400,"errorSubCode":"XYZ"}`, bluelink.ErrBadResponse, vehicle.CloudChanged, 0},
		{400, `{"errorCode":"what"}`, bluelink.ErrBadResponse, vehicle.CloudChanged, 0},
		{404, `{}`, bluelink.ErrBadResponse, vehicle.CloudChanged, 0},
		{302, ``, bluelink.ErrBadResponse, vehicle.CloudChanged, 0},
		{403, `<html>`, bluelink.ErrBlocked, vehicle.LoginRequired, 0},
		{500, `<html>`, bluelink.ErrUnavailable, vehicle.CloudUnavailable, 0},
		{502, ``, bluelink.ErrUnavailable, vehicle.CloudUnavailable, 0},
		{200, `<html>`, bluelink.ErrBadResponse, vehicle.CloudChanged, 0},
		{200, ``, bluelink.ErrBadResponse, vehicle.CloudChanged, 0},
		{200, `[]`, bluelink.ErrBadResponse, vehicle.CloudChanged, 0},
		{200, `{}`, nil, "", 0},
		{200, `{"errorCode":0}`, nil, "", 0},
		{200, `{"errorCode":"200","errorMessage":"ok"}`, nil, "", 0},
	} {
		root, isJSON := leaf.Parse([]byte(test.body))
		err := classify(&request{kind: bluelink.CallRead}, bluelink.Answer{Status: test.status, Body: []byte(test.body)}, root, isJSON)
		if test.want == nil {
			if err != nil {
				t.Errorf("%d %s: %v", test.status, test.body, err)
			}
			continue
		}
		twice := fmt.Errorf("twice: %w", fmt.Errorf("wrapped: %w", err))
		if !errors.Is(twice, test.want) || bluelink.Reason(twice) != test.reason || bluelink.RetryAfter(twice) != test.wait {
			t.Errorf("%d %s: %v, reason %s, wait %s; want %v", test.status, test.body, err, bluelink.Reason(twice), bluelink.RetryAfter(twice), test.want)
		}
	}
}

// TestExpired_TokenIsRenewedOnceForAllOfARead ends the token in the middle of work (§2.3).
func TestExpired_TokenIsRenewedOnceForAllOfARead(t *testing.T) {
	w := newWorld(t)
	v := w.car()
	w.put(statusPath, reply{status: 401, body: expired})
	_, err := w.cloud.Cached(context.Background(), bluelink.Ask{Vehicle: v, Sparing: true})
	if got := w.paths(); !errors.Is(err, bluelink.ErrSessionExpired) || bluelink.Reason(err) != vehicle.CloudUnavailable || got != statusPath+", "+tokenPath+", "+statusPath {
		t.Errorf("%v after %s", err, got)
	}
}
