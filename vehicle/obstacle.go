package vehicle

import "strings"

// Obstacle says what in a car's state is likely to be why it refused a command; empty when the state does not tell. The
// clouds pass on no more than that it refused.
func Obstacle(c Command, s State) string {
	var found []string
	for _, p := range stands(c) {
		if on, known := p.Of(s); known && on {
			found = append(found, p.Meaning)
		}
	}
	if _, charges := c.(ChargeStart); charges {
		if plugged, known := PluggedIn.Of(s); known && !plugged {
			found = append(found, "no plug is in")
		}
		soc, known := SoC.Of(s)
		if limit, limited := LimitAC.Of(s); known && limited && soc >= limit {
			found = append(found, "the battery is charged to its AC limit")
		}
	}
	return strings.Join(found, ", ")
}

// stands is what stands in the way of a command while it is so.
func stands(c Command) []Point[bool] {
	switch c.(type) {
	case Lock, ClimateStart:
		return []Point[bool]{DoorFrontLeft, DoorFrontRight, DoorBackLeft, DoorBackRight, Trunk, Hood, EngineRunning}
	case CloseChargePort:
		return []Point[bool]{PluggedIn, EngineRunning}
	case Unlock, OpenChargePort, Windows, Hazard, ValetOn, ValetOff:
		return []Point[bool]{EngineRunning}
	}
	return nil
}
