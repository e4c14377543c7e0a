package bridge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// lanes is the list of all lanes, by the names that people and topics use.
type lanes struct {
	mu   sync.RWMutex // guards what follows
	name map[string]*lane
	id   map[vehicle.ID]*lane
}

func newLanes() *lanes {
	return &lanes{name: map[string]*lane{}, id: map[vehicle.ID]*lane{}}
}

// add enters a lane; false when the car has one already.
func (ls *lanes) add(l *lane) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.id[l.car.ID] != nil || ls.name[l.name] != nil {
		return false
	}
	ls.id[l.car.ID], ls.name[l.name] = l, l
	return true
}

func (ls *lanes) byID(id vehicle.ID) *lane {
	ls.mu.RLock()
	defer ls.mu.RUnlock()
	return ls.id[id]
}

func (ls *lanes) byName(name string) (*lane, error) {
	ls.mu.RLock()
	defer ls.mu.RUnlock()
	if l, ok := ls.name[name]; ok {
		return l, nil
	}
	return nil, fmt.Errorf("%w as %.64q", errNoVehicle, name)
}

// all gives the lanes by name.
func (ls *lanes) all() []*lane {
	ls.mu.RLock()
	defer ls.mu.RUnlock()
	return slices.SortedFunc(maps.Values(ls.name), func(a, b *lane) int { return strings.Compare(a.name, b.name) })
}

// find looks a car up by what a person types: its name, its cloud's id, its VIN, its ID, or an ending of any of them that
// only one car has.
func (ls *lanes) find(ref string) (*lane, error) {
	if l, err := ls.byName(ref); err == nil {
		return l, nil
	}
	var endings []*lane
	wanted := strings.ToLower(ref)
	for _, l := range ls.all() {
		for _, word := range []string{l.name, l.car.CloudID, l.car.VIN.Full(), string(l.car.ID)} {
			word = strings.ToLower(word)
			if word == wanted && word != "" {
				return l, nil
			}
			if len(wanted) >= 3 && strings.HasSuffix(word, wanted) && !slices.Contains(endings, l) {
				endings = append(endings, l)
			}
		}
	}
	switch len(endings) {
	case 1:
		return endings[0], nil
	case 0:
		return nil, fmt.Errorf("%w as %q; `vehicles` lists them", errNoVehicle, ref)
	}
	return nil, fmt.Errorf("%q fits %d cars; give more of it", ref, len(endings))
}
