package vehicle

// Lock locks all doors.
type Lock struct{}

// Unlock unlocks all doors.
type Unlock struct{}

// Spec is the command's row in the catalogue.
func (Lock) Spec() *Spec { return lockSpec }
func (Lock) command()    {}

// Spec is the command's row in the catalogue.
func (Unlock) Spec() *Spec { return unlockSpec }
func (Unlock) command()    {}

var (
	lockSpec = toggle("lock", "lock", "lock the doors", lockLimit, []string{"lock"},
		func() Command { return Lock{} }, shows(Locked, true))
	unlockSpec = toggle("unlock", "lock", "unlock the doors", lockLimit, []string{"unlock"},
		func() Command { return Unlock{} }, shows(Locked, false))
)
