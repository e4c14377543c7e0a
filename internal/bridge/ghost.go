package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// What a broker keeps of a car that is gone, or of a base topic that is another one now, would stay for ever, and look
// alive. So the store keeps what was announced and below which names, and every ending of a topic that any release has
// retained below a car's name.

// retainedKey is where those endings stand.
const retainedKey = announcedPrefix + "retained"

// endings are all that may be retained below a car's name: by this release, and by those before it.
func (h *heralding) endings(table *topic.Table) []string {
	now := table.Retained()
	ctx, cancel := context.WithTimeout(h.life, saveWithin)
	defer cancel()
	var before []string
	entry, err := h.store.Get(ctx, retainedKey)
	if err == nil {
		err = json.Unmarshal(entry.Value, &before)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		h.log.Warn("the topics of earlier releases cannot be read; one of them may be left behind", "error", err)
	}
	all := slices.Concat(now, before)
	slices.Sort(all)
	if all = slices.Compact(all); len(all) > len(before) {
		value, err := json.Marshal(all)
		if err == nil {
			_, err = h.store.Put(ctx, retainedKey, value, store.AnyRevision)
		}
		if err != nil {
			h.log.Warn("the names of retained topics cannot be written", "error", err)
		}
	}
	return all
}

// clear empties a retained topic.
func (b *Bridge) clear(topics ...string) {
	for _, t := range topics {
		b.outbox.Publish(Publication{Topic: t, Retain: true})
	}
}

// clearCar empties what a car has left below a base and a name, unless another car has that name now. Of a car that lives
// there it empties the bare values that it does not tell any more.
func (b *Bridge) clearCar(ghost announced) {
	tree, err := topic.NewTree(ghost.Base)
	if err != nil || !topic.ValidCloudID(ghost.Name) {
		return // it is no record of ours
	}
	b.clearTrack(ghost.Track)
	_, err = b.lanes.byName(ghost.Name)
	lives := err == nil && ghost.Base == b.tree.Base()
	if lives && ghost.Places && !b.heralding.place {
		for _, ending := range topic.Places() {
			b.clear(tree.Car(ghost.Name).Topic(ending))
		}
	}
	if lives && (b.options.Mirror || !ghost.Mirror) {
		return
	}
	b.log.Info("clearing what a car has left on the broker", "base", ghost.Base, "vehicle", ghost.Name, "only_mirror", lives)
	for _, ending := range b.endings() {
		if !lives {
			b.clear(tree.Car(ghost.Name).Topic(ending))
		}
		if ghost.Mirror {
			b.clear(tree.Car(ghost.Name).Topic(topic.Mirrored(ending)))
		}
	}
}

// clearHouse empties what the bridge has left below another base.
func (b *Bridge) clearHouse(ghost *announced) {
	if ghost == nil || ghost.Base == b.tree.Base() {
		return
	}
	if tree, err := topic.NewTree(ghost.Base); err == nil {
		b.clear(tree.BridgeState(), tree.BridgeInfo(), tree.BridgeHealth())
	}
}

// clearAccount empties what an account has left.
func (b *Bridge) clearAccount(ghost *announced) {
	if ghost == nil {
		return
	}
	if tree, err := topic.NewTree(ghost.Base); err == nil {
		b.clear(tree.AccountState(ghost.Name), tree.AccountCode(ghost.Name))
	}
}

// sweep clears what cars and accounts have left that are not here any more. A car is gone when every account has named its
// cars and it is not among them.
func (b *Bridge) sweep(ctx context.Context) {
	h := b.heralding
	connection := b.connections.Load()
	if !h.up.Load() {
		return
	}
	listed := b.listed()
	var gone []string
	for entry, err := range b.options.Store.Range(ctx, announcedPrefix) {
		var record announced
		if err != nil || json.Unmarshal(entry.Value, &record) != nil {
			continue // it is read again, and complained of, when its device is announced
		}
		if id, car := strings.CutPrefix(entry.Key, announcedCar); car && listed && b.lanes.byID(vehicle.ID(id)) == nil {
			b.clearCar(record)
		} else if name, account := strings.CutPrefix(entry.Key, announcedAccount); account && !b.hasAccount(name) {
			b.clearAccount(&record)
		} else {
			continue
		}
		for t := range record.Topics {
			b.clear(t)
		}
		gone = append(gone, entry.Key)
	}
	if len(gone) == 0 {
		return
	}
	if err := b.outbox.Drained(ctx); err != nil || !h.up.Load() || b.connections.Load() != connection {
		return // it may not have arrived; the next connection brings another sweep
	}
	for _, key := range gone {
		if id, car := strings.CutPrefix(key, announcedCar); car && b.lanes.byID(vehicle.ID(id)) != nil {
			continue // it has just come back, and is announced anew
		}
		h.write(key, nil)
	}
}

func (b *Bridge) hasAccount(name string) bool {
	return slices.ContainsFunc(b.accounts, func(a *account) bool { return a.Name == name })
}
