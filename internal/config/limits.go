package config

import "time"

// Limits are the numbers that keep one failing part from taking its neighbours along.
type Limits struct {
	Enabled  bool     `yaml:"enabled" doc:"Hold refreshes on command to a number a day and a time apart. Off by default with cloud_url"`
	Breaker  Breaker  `yaml:"breaker" doc:"Circuit breaker of each account: after some failures in a row nothing is sent for a while, then one probe"`
	Bulkhead Bulkhead `yaml:"bulkhead" doc:"Operations in flight; reads, wakes and commands are counted apart, and what is too much waits"`
	Deadline Deadline `yaml:"deadline" doc:"Longest duration of an operation, all its calls together"`
	Lane     Lane     `yaml:"lane" doc:"The lane of each car, in which its commands wait for each other"`
}

// Breaker is the circuit breaker of an account, reads and commands apart.
type Breaker struct {
	Reads    int           `yaml:"reads" min:"1" max:"1000" doc:"Failed reads in a row that open it for reads"`
	Commands int           `yaml:"commands" min:"1" max:"1000" doc:"Failed commands in a row that open it for commands"`
	Open     time.Duration `yaml:"open" min:"1s" max:"24h" doc:"Time until the probe"`
}

// Bulkhead bounds what is in flight at the same time.
type Bulkhead struct {
	Account int `yaml:"account" min:"1" max:"10000" doc:"Operations of one kind for one account"`
	Process int `yaml:"process" min:"1" max:"100000" doc:"Operations of one kind for all accounts together"`
}

// Deadline bounds operations; each call within has a shorter one of its own.
type Deadline struct {
	Login  time.Duration `yaml:"login" min:"1s" max:"1h" doc:"Signing in"`
	List   time.Duration `yaml:"list" min:"1s" max:"1h" doc:"Listing the cars of an account"`
	Cached time.Duration `yaml:"cached" min:"1s" max:"1h" doc:"Reading what the cloud knows of a car"`
	Force  time.Duration `yaml:"force" min:"1s" max:"1h" doc:"Waking a car and waiting for its report"`
}

// Lane is the lane of a car.
type Lane struct {
	Inbox int `yaml:"inbox" min:"1" max:"100000" doc:"Commands that may wait for a car; more are answered overloaded"`
}
