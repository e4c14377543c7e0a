package store

// OpenAs opens the store in dir as a release would that knows schema.
func OpenAs(dir string, schema int) (*Bolt, error) {
	return OpenBolt(dir, BoltOptions{schema: schema})
}
