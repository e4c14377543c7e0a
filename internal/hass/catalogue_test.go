package hass

import (
	"maps"
	"slices"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// all are the entities of all devices, whatever a car has.
func all(t *testing.T) []entity {
	t.Helper()
	tree, err := topic.NewTree("hyundai")
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(Options{Tree: tree, Table: topic.NewTable(topic.Options{}), Prefix: "homeassistant", Language: "en"})
	if err != nil {
		t.Fatal(err)
	}
	var list []entity
	for _, s := range h.rows {
		if s.datum != nil {
			list = append(list, dataEntity(s.datum, s.row, ""))
		}
	}
	list = append(list, slices.Collect(maps.Values(derivedWith(Options{})))...)
	list = append(list, told...)
	for _, c := range controls {
		list = append(list, oneOf(c, h))
	}
	list = append(list, bridgeEntities(tree)...)
	return append(list, accountEntities(tree, "default", true)...)
}

func TestCatalogue_EveryDataPointHasAnEntityOrAReason(t *testing.T) {
	entities := map[string]bool{}
	for _, e := range all(t) {
		entities[e.key] = true
	}
	for _, d := range vehicle.Catalogue() {
		why := withoutEntity[d]
		if d.Group == vehicle.GroupIdentity && d != vehicle.EngineType.Datum {
			why = "told once, as the car's info"
		}
		if entities[d.Key] == (why != "") {
			t.Errorf("%s has an entity: %v; why not: %q", d.Key, entities[d.Key], why)
		}
	}
	for d := range exceptions {
		if d.Group == vehicle.GroupIdentity || withoutEntity[d] != "" {
			t.Errorf("%s has words, but no entity", d.Key)
		}
	}
}

func TestNames_EveryEntityHasOneInEveryLanguage(t *testing.T) {
	keys := map[string]bool{"account": true}
	for _, e := range all(t) {
		keys[e.key] = true
	}
	for _, language := range Languages() {
		n, err := readNames(language)
		if err != nil {
			t.Fatal(err)
		}
		taken := map[string]string{}
		for key := range keys {
			if n[key] == "" {
				t.Errorf("%s: %s has no name", language, key)
			}
		}
		for key := range n {
			if !keys[key] {
				t.Errorf("%s: %s is the name of nothing", language, key)
			}
		}
		for _, e := range all(t)[:len(told)+150] { // of cars
			place := e.platform + " " + slug(n[e.key])
			if other, twice := taken[place]; twice && other != e.key {
				t.Errorf("%s: %s and %s are both called %q", language, e.key, other, n[e.key])
			}
			taken[place] = e.key
		}
	}
	if !slices.Equal(Languages(), []string{"de", "en"}) {
		t.Errorf("languages: %v; the configuration names them too", Languages())
	}
}

func TestKeys_AreUniqueOnADeviceForEachPlatform(t *testing.T) {
	taken := map[string]int{}
	for _, e := range all(t) {
		taken[e.key]++
	}
	for key, n := range taken {
		if n > 1 {
			t.Errorf("%d entities have the key %s", n, key)
		}
	}
}

func TestSlug_IsHomeAssistants(t *testing.T) {
	for text, want := range map[string]string{
		"Ioniq 5": "ioniq_5", "Tire pressure - all": "tire_pressure_all", "Mein Käfer (grün)": "mein_kafer_grun", "Škoda?": "skoda",
		"12V battery fault": "12v_battery_fault", "  ": "", "日本": "",
		"Můj vůz, ťuk ďas Ňu": "muj_vuz_tuk_das_nu", "Ąę ćń ŁÓDŹ": "ae_cn_lodz", "Hű, Őr": "hu_or", "Işık, ağaç, İzmir": "isik_agac_izmir",
		"Mașină ț ţ": "masina_t_t", "Āboliņš ģķļ": "abolins_gkl", "Eglė ųį": "egle_ui", "Þór Ðð": "thor_dd", "Đuro": "duro",
		"Anna’s": "annas", "S\u030ckoda": "skoda", "Νίκος 5": "5",
	} {
		if got := slug(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestDeviceSlug_IsNeverEmpty holds that no entity id begins with nothing, whatever letters a car's name is in.
func TestDeviceSlug_IsNeverEmpty(t *testing.T) {
	for want, v := range map[string]vehicle.Vehicle{
		"ioniq_5":          {Name: "爱妮", Model: "IONIQ 5"},
		"kia_0123456789ab": {Name: "Машина", Model: "Рио", Brand: vehicle.Kia, ID: "0123456789ab"},
		"ev6":              {Model: "EV6"},
	} {
		if got := deviceSlug(v); got != want {
			t.Errorf("%+v: %q, want %q", v, got, want)
		}
	}
}

// TestPresets_KeepTheirUniqueIDs although more letters are known by now than when they were made.
func TestPresets_KeepTheirUniqueIDs(t *testing.T) {
	for name, want := range map[string]struct{ key, ending string }{
		"Dům ráno": {"preset_d_m_rano", "dum_rano"},
		"冬":        {"preset_", "preset"},
		"warm":     {"preset_warm", "warm"},
	} {
		e := presetButton(Preset{Name: name})
		if _, ending := (&place{}).nameOf(&e); e.key != want.key || ending != want.ending {
			t.Errorf("%s has the key %s and an id that ends with %s, want %s and %s", name, e.key, ending, want.key, want.ending)
		}
	}
}

func oneOf(c control, h *Home) entity {
	if c.each != nil {
		return c.each(h, &Car{})
	}
	return c.build(h)
}
