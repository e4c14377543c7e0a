package vehicle

// ActionID is the cloud's name for a command that it has accepted; its outcome can be asked for under it.
type ActionID string

// ActionStatus is how far the cloud says that a command has come.
type ActionStatus string

// The statuses (docs/protocol/vehicle-model.md §4.3). Success says that the car reported it done; only the car's state
// shows the effect. Unknown says that the cloud has no record, which is not a failure.
const (
	ActionPending ActionStatus = "pending"
	ActionSuccess ActionStatus = "success"
	ActionFailed  ActionStatus = "failed"
	ActionTimeout ActionStatus = "timeout" // the car did not answer
	ActionUnknown ActionStatus = "unknown"
)
