package bridge

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// lanes is the list of all lanes, by the names that people and topics use.
type lanes struct {
	mu     sync.RWMutex // guards what follows
	name   map[string]*lane
	id     map[vehicle.ID]*lane
	sorted []*lane // by name
}

func newLanes() *lanes {
	return &lanes{name: map[string]*lane{}, id: map[vehicle.ID]*lane{}}
}

// add enters a lane, unless another one has its car or its name, which it then returns.
func (ls *lanes) add(l *lane) (other *lane) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if other := ls.id[l.id]; other != nil {
		return other
	}
	if other := ls.name[l.name]; other != nil {
		return other
	}
	ls.id[l.id], ls.name[l.name] = l, l
	at, _ := slices.BinarySearchFunc(ls.sorted, l.name, func(l *lane, name string) int { return strings.Compare(l.name, name) })
	ls.sorted = slices.Insert(ls.sorted, at, l)
	return nil
}

// remove takes a lane out: nobody finds it any more.
func (ls *lanes) remove(l *lane) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	delete(ls.id, l.id)
	delete(ls.name, l.name)
	ls.sorted = slices.DeleteFunc(ls.sorted, func(other *lane) bool { return other == l })
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

// all gives the lanes by name, in a list of the caller's own.
func (ls *lanes) all() []*lane {
	ls.mu.RLock()
	defer ls.mu.RUnlock()
	return slices.Clone(ls.sorted)
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
		v := l.shelf.car().Vehicle
		for _, word := range []string{l.name, v.CloudID, v.VIN.Full(), string(l.id)} {
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
		return nil, fmt.Errorf("%w as %.64q; `vehicles` lists them", errNoVehicle, ref)
	}
	return nil, fmt.Errorf("%.64q fits %d cars; give more of it", ref, len(endings))
}
