package store

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// lockName is the file in a store directory that its owner keeps locked. It is not the database file, as a database
// that is opened anew after a failed write must not come free for a moment.
const lockName = "bluelink2mqtt.lock"

// holder is what the owner of a directory writes about itself into the lock file, for the message of the next one.
type holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
	Name  string    `json:"name"`
}

// Lock is the ownership of a store directory by this process.
type Lock struct {
	file *os.File
}

// LockDir takes ownership of dir, which must exist. It does not wait: when another process owns dir, the error is an
// [*InUseError] with what that one wrote about itself. name is what to tell the next who asks ("bluelink2mqtt run").
//
// The lock is the operating system's, so it ends with the process however that ends; the file that stays behind is no
// obstacle. OpenBolt takes it by itself; call LockDir alone to own a directory without opening what is in it.
func LockDir(dir, name string) (*Lock, error) {
	path := filepath.Join(dir, lockName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock store directory: %w", explain(dir, err))
	}
	held, err := tryLock(file)
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock store directory: %w", explain(path, err))
	}
	if !held {
		err := inUse(dir, file)
		_ = file.Close()
		return nil, err
	}
	host, _ := os.Hostname()
	if err := writeHolder(file, holder{PID: os.Getpid(), Host: host, Since: time.Now().UTC().Truncate(time.Second), Name: name}); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock store directory: write who holds it: %w", explain(dir, err))
	}
	return &Lock{file: file}, nil
}

// Unlock gives the directory free. The file stays, empty: to remove it would race with the next owner.
func (l *Lock) Unlock() error {
	_ = l.file.Truncate(0) // only a message is lost
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("unlock store directory: %w", err)
	}
	return nil
}

func writeHolder(file *os.File, h holder) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err = file.WriteAt(append(text, '\n'), 0)
	return err
}

// inUse reads who holds dir. A text that is missing or half written only makes the message shorter.
func inUse(dir string, file *os.File) *InUseError {
	var h holder
	_ = json.NewDecoder(file).Decode(&h)
	return &InUseError{Dir: dir, PID: h.PID, Host: h.Host, Since: h.Since, Holder: h.Name}
}
