package sim

import (
	"slices"
	"strings"
	"testing"
)

// A world may be limited to some regions, of which it then has all hosts and cars and no
// others.
func TestNew_LimitsTheWorldToItsRegions(t *testing.T) {
	s := newSim(t, Options{Cars: 2, Regions: []string{"br", "nz"}})
	if got, want := s.Hosts(), []string{"au-apigw.ccs.kia.com.au", "br-ccapi.hyundai.com.br"}; !slices.Equal(got, want) {
		t.Errorf("hosts are %v, want %v", got, want)
	}
	if cars := s.Vehicles(); len(cars) != 4 || slices.ContainsFunc(cars, func(v Vehicle) bool { return v.Region != "br" && v.Region != "nz" }) {
		t.Errorf("cars are %+v", cars)
	}
	if _, err := New(Options{Regions: []string{"eu", "jp"}}); err == nil || !strings.Contains(err.Error(), `region "jp" is not served; served are eu`) {
		t.Errorf("an unknown region: %v", err)
	}
}

// VINs and ids depend on region, brand, index and seed, and on nothing else.
func TestNew_SameSeedSameCars(t *testing.T) {
	all, some := newSim(t, Options{Cars: 3, Seed: 5}), newSim(t, Options{Cars: 5, Seed: 5, Regions: []string{"in"}, Parked: true})
	other := newSim(t, Options{Cars: 3, Seed: 6})
	seen := map[string]bool{}
	for _, v := range all.Vehicles() {
		if seen[v.VIN] || seen[v.ID] {
			t.Errorf("two cars are %s or %s", v.VIN, v.ID)
		}
		seen[v.VIN], seen[v.ID] = true, true
		if v.Region == "in" && !slices.Contains(some.Vehicles(), v) {
			t.Errorf("%+v is another one in a smaller world", v)
		}
		if slices.Contains(other.Vehicles(), v) {
			t.Errorf("%+v is the same with another seed", v)
		}
	}
}
