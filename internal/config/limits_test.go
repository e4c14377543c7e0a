package config

import (
	"strings"
	"testing"
)

// TestLimits_WakesBeyondWhatABatteryBearsNeedTheOverride is C6.
func TestLimits_WakesBeyondWhatABatteryBearsNeedTheOverride(t *testing.T) {
	const account = "accounts: [{region: eu, brand: kia, username: a@example.com, password: secret}]\n"
	for _, test := range []struct {
		limits string
		wrong  string
	}{
		{"{wakes: {per_day: 24, automatic: {per_day: 6}}}", ""},
		{"{wakes: {automatic: {per_day: 100}}}", "limits.wakes.automatic.per_day"},
		{"{wakes: {automatic: {per_day: 7}}}", "limits.wakes.override"},
		{"{wakes: {per_day: 25}}", "limits.wakes.per_day"},
		{"{wakes: {per_day: 100, automatic: {per_day: 24}, override: true}}", ""},
		{"{wakes: {automatic: {per_day: 1001}, override: true}}", "limits.wakes.automatic.per_day"},
		{"{wakes: {spacing: off, automatic: {per_day: 0}}}", ""},
	} {
		c, _, err := Load(in(t, map[string]string{LocalFile: account + "limits: " + test.limits + "\n"}))
		switch {
		case test.wrong == "" && err != nil:
			t.Errorf("%s: %v", test.limits, err)
		case test.wrong == "" && c.Limits.Reserve != 25:
			t.Errorf("%s: reserve %d", test.limits, c.Limits.Reserve)
		case test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)):
			t.Errorf("%s: %v, want a problem with %s", test.limits, err, test.wrong)
		}
	}
}

func TestDefault_WakesNoCarByItself(t *testing.T) {
	if n := Default().Limits.Wakes.Automatic.PerDay; n != 0 {
		t.Errorf("%d automatic wakes a day by default", n)
	}
}
