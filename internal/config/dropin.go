package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// oldName is a variable of the service that this one replaces. Its names win over ours for the same key.
type oldName struct {
	name string
	path string // of our key; "" when the variable has no effect, as it had none there
	read func(text string) string
}

// dropIn are all variables of that service. Those of the account begin with HYUNDAI_.
var dropIn = []oldName{
	{name: "HYUNDAI_USERNAME", path: "accounts[].username"},
	{name: "HYUNDAI_PASSWORD", path: "accounts[].password"},
	{name: "HYUNDAI_PIN", path: "accounts[].pin"},
	{name: "HYUNDAI_REGION", path: "accounts[].region"},
	{name: "HYUNDAI_BRAND", path: "accounts[].brand"},
	{name: "HYUNDAI_VEHICLE_ID"},
	{name: "MQTT_BROKER_HOST", path: "mqtt.host"},
	{name: "MQTT_BROKER_PORT", path: "mqtt.port"},
	{name: "MQTT_USERNAME", path: "mqtt.username"},
	{name: "MQTT_PASSWORD", path: "mqtt.password"},
	{name: "MQTT_USE_TLS", path: "mqtt.tls.enabled"},
	{name: "MQTT_CLIENT_ID", path: "mqtt.client_id"},
	{name: "MQTT_QOS"},
	{name: "MQTT_BASE_TOPIC", path: "mqtt.base_topic"},
	{name: "LOG_LEVEL", path: "log.level"},
	{name: "INITIAL_REFRESH", path: "refresh.initial"},
	{name: "REFRESH_INTERVAL", path: "refresh.interval", read: minutes},
}

// dropInAccount is the name of the account that HYUNDAI_ variables describe.
const dropInAccount = "default"

// dropInReadyFile is where that service left its ready file.
const dropInReadyFile = "/tmp/service-ready"

// minutes reads REFRESH_INTERVAL: a number of minutes, or a duration.
func minutes(text string) string {
	if number, err := strconv.Atoi(strings.TrimSpace(text)); err == nil && number != 0 {
		return strconv.Itoa(number) + "m"
	}
	return text
}

// dropInVariables gives the settings of the old service's variables, and those of its account apart. A secret may come
// from a file here too: HYUNDAI_PASSWORD_FILE.
func dropInVariables(f *findings, variables []variable, dir string) (account, others []setting) {
	for _, v := range variables {
		if strings.TrimSpace(v.value) == "" {
			continue
		}
		known, file := findOldName(v.name)
		switch {
		case known == nil:
			warnTypo(f, v)
			continue
		case known.path == "":
			f.warn(v.origin, "is accepted without effect, as in the service before")
			continue
		}
		path, text := known.path, v.value
		if file {
			path += fileSuffix
		}
		if known.read != nil {
			text = known.read(text)
		}
		s := newSetting(keys().byPath[path], 0, text, v.origin, dir)
		if s.key.inList() {
			account = append(account, s)
		} else {
			others = append(others, s)
		}
	}
	return account, others
}

func findOldName(name string) (known *oldName, file bool) {
	for i := range dropIn {
		old := &dropIn[i]
		if old.name == name {
			return old, false
		}
		if old.name+"_FILE" == name && old.path != "" && keys().byPath[old.path].Secret {
			return old, true
		}
	}
	return nil, false
}

// warnTypo looks at variables that nobody knows. Others may use the same prefixes, so only a near miss is worth a word.
func warnTypo(f *findings, v variable) {
	if !strings.HasPrefix(v.name, "HYUNDAI_") && !strings.HasPrefix(v.name, "MQTT_") {
		return
	}
	var names []string
	for _, old := range dropIn {
		names = append(names, old.name)
	}
	if near := nearest(v.name, names); near != "" {
		f.warn(v.origin, "is not a known variable; did you mean %s?", near)
	}
}

// oldNameOf is the old service's variable of a key, "" when there is none.
func oldNameOf(path string) string {
	i := slices.IndexFunc(dropIn, func(o oldName) bool { return o.path == path })
	if i < 0 {
		return ""
	}
	return dropIn[i].name
}

// dropInAccountFrom makes the account that HYUNDAI_ variables describe, unless accounts are listed.
func (l *loader) dropInAccountFrom(settings []setting) {
	if len(settings) == 0 {
		return
	}
	if listed := l.config.origins["accounts[0]"]; len(l.config.Accounts) > 0 {
		var names []string
		for _, s := range settings {
			if !slices.Contains(names, s.origin.Name) {
				names = append(names, s.origin.Name)
			}
		}
		at := settings[0].origin
		at.Name = strings.Join(names, ", ")
		l.problem(at, "describe the only account, but accounts are listed (%s): keep one of the two", listed)
		return
	}
	account := newAccount()
	account.Name, account.Region, account.Brand = dropInAccount, vehicle.Europe, vehicle.Kia
	l.config.Accounts = []Account{account}
	at := settings[0].origin
	at.Line, at.Name = 0, ""
	l.config.origins["accounts[0]"] = at
	l.dropInAccount = true
	for _, s := range settings {
		l.apply(s)
	}
	if _, given := l.config.origins["accounts[0].brand"]; !given {
		at.Name = "HYUNDAI_BRAND"
		l.warn(at, "is not set: signing in as kia, as the service before did. Set it to hyundai, kia or genesis")
	}
}

// warnBrandNumber tells what a brand's number means, since the documents of the old service contradict its code.
func warnBrandNumber(f *findings, s setting) {
	if s.key.typ != brandType {
		return
	}
	text := strings.TrimSpace(s.items[0].text)
	if brand, err := vehicle.ParseBrand(text); err == nil && text != "" && text[0] >= '0' && text[0] <= '9' {
		f.warn(s.origin, "%s means %s: 1 is kia, 2 hyundai, 3 genesis, whatever the documents of the service before say. Write the name",
			text, brand)
	}
}

// missingHint says how a value of an account is given.
func (l *loader) missingHint(entry int, name string) string {
	if l.dropInAccount {
		return oldNameOf("accounts[]." + name)
	}
	return fmt.Sprintf("%sACCOUNTS_%d_%s", variablePrefix, entry, strings.ToUpper(name))
}
