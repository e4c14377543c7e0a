package vehicle

// rules are what a row of the catalogue says about its values beyond their range. Those about change hold a value against
// the last good one, so that none of them refuses the first that is reported.
type rules struct {
	zero zeroRule

	// gauge marks what a blank report shows as 0, all at once; vital marks the gauges that no car which still reports can
	// have at 0.
	gauge, vital bool

	// emptiesFrom is the highest value from which a car that does not drive is believed to fall to 0 at once; 0 is without
	// such a rule.
	emptiesFrom float64
	// sag is how far a value may fall while the car stands, climb how far it may rise at any time. Distances are in km.
	sag, climb pace
	// after is a flag: what turns off in the very report that turns this flag off is doubted.
	after *Datum
}

// judgeChange tells whether there is a rule about change.
func (r *rules) judgeChange() bool {
	return r.emptiesFrom > 0 || r.sag != pace{} || r.climb != pace{} || r.after != nil
}

// zeroRule says what a 0 is.
type zeroRule uint8

const (
	zeroIsValue    zeroRule = iota
	zeroIsNone              // the wire's way to say that there is no value
	bareZeroIsNone          // the same where it comes without unit
)

// zeroIsNone tells whether a value, which is 0, says nothing.
func (r *rules) zeroIsNone(reported any) bool {
	q, isQuantity := reported.(Quantity)
	return r.zero == zeroIsNone || r.zero == bareZeroIsNone && isQuantity && q.Unit == NoUnit
}

// pace bounds a change: by a step that may always be, and by what the hours between two reports add to it. The zero pace
// bounds nothing.
type pace struct{ step, perHour float64 }

func (p pace) allows(change, hours float64) bool {
	return p == pace{} || change <= p.step+p.perHour*hours
}

// The options of the rows.

func noZero(d *Datum)     { d.rules.zero = zeroIsNone }
func noBareZero(d *Datum) { d.rules.zero = bareZeroIsNone }
func gauge(d *Datum)      { d.rules.gauge = true }
func vital(d *Datum)      { d.rules.gauge, d.rules.vital = true, true }

func emptiesFrom(highest float64) option { return func(d *Datum) { d.rules.emptiesFrom = highest } }
func sags(most pace) option              { return func(d *Datum) { d.rules.sag = most } }
func climbs(most pace) option            { return func(d *Datum) { d.rules.climb = most } }
func staysAfter(flag Point[bool]) option { return func(d *Datum) { d.rules.after = flag.Datum } }
