package sim

// replay is a recorded payload that a car answers with.
type replay struct{ file string }

func (r *replay) parked(*report) reply { return refusedNoData.reply() }
func (r *replay) live(*report) reply   { return refusedNoData.reply() }

func (s *Sim) addReplay(string) error { return nil }
func (r *report) status() []byte      { return r.flatStatus() }
