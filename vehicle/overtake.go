package vehicle

// Overtake is what is left to do when a newer command of the same kind comes before an older one was sent: the newer one,
// and what the older one alone asks for. Whole tells that nothing of the older one is left.
func Overtake(older, newer Command) (both Command, whole bool) {
	if change, is := newer.(ScheduleChange); is {
		before, _ := older.(ScheduleChange)
		merged := change.over(before)
		return merged, SameCommand(merged, change)
	}
	was, limits := older.(ChargeLimits)
	is, too := newer.(ChargeLimits)
	if !limits || !too {
		return newer, true
	}
	merged := ChargeLimits{AC: given(is.AC, was.AC), DC: given(is.DC, was.DC)}
	return merged, merged == is
}

// given is the first of two parameters that was given.
func given[T any](first, second Optional[T]) Optional[T] {
	if first.Given {
		return first
	}
	return second
}
