package sim

func (e *europe) commandEndpoints() []endpoint { return nil }

func (e *europe) records(c *call) reply { return spaAnswer([]byte("[]")) }
