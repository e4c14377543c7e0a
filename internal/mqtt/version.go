package mqtt

import (
	"errors"
	"io"
	"syscall"
	"time"
)

// Version is a version of MQTT.
type Version string

// The versions that are spoken. AnyVersion is 5 where the broker speaks it, else 3.1.1.
const (
	AnyVersion Version = ""
	Version5   Version = "5"
	Version311 Version = "3.1.1"
)

// versionLasts is how long a broker's answer is believed while nothing contradicts it. Brokers are replaced by newer ones;
// to ask again costs one connection that is refused.
const versionLasts = 24 * time.Hour

// versions is which version of MQTT each server speaks, as far as it has told. A server is asked in version 5. When it
// answers that it does not know it, that is believed for versionLasts. Some brokers, and everything that stands before a
// broker that still starts, close the connection instead of answering: 3.1.1 is then tried at once, and when it works, 5
// is tried again at the next connection. Nothing is kept beyond the process: a start asks once, which takes no longer
// than a connection.
//
// It is used on the goroutine of the connection manager only.
type versions struct {
	wanted Version // by the user
	known  map[string]answered
	doubt  map[string]bool // servers that closed the connection when they were asked in version 5
}

type answered struct {
	version Version
	at      time.Time
}

func newVersions(wanted Version) versions {
	return versions{wanted: wanted, known: make(map[string]answered), doubt: make(map[string]bool)}
}

// of is the version for the next attempt at a server.
func (v *versions) of(server string) Version {
	if v.wanted != AnyVersion {
		return v.wanted
	}
	if known, ok := v.known[server]; ok && time.Since(known.at) < versionLasts {
		return known.version
	}
	if v.doubt[server] {
		return Version311
	}
	return Version5
}

// connected notes that a server was spoken to, and reports whether that rests on a guess.
func (v *versions) connected(server string, spoken Version) (guessed bool) {
	guessed = v.doubt[server]
	delete(v.doubt, server)
	if !guessed && v.known[server].version != spoken {
		v.known[server] = answered{spoken, time.Now()}
	}
	return guessed
}

// failed notes an attempt that failed and reports whether the server shall be asked in the other version at once.
func (v *versions) failed(server string, spoken Version, failure *Error, answer []byte) (again bool) {
	if v.wanted != AnyVersion {
		return false
	}
	if spoken == Version311 {
		delete(v.doubt, server)
		return false
	}
	switch {
	case errors.Is(failure, ErrProtocol):
		v.known[server] = answered{Version311, time.Now()}
		return true
	case v.known[server].version == Version5:
		return false
	case len(answer) == 0 && errors.Is(failure, ErrUnreachable) && hungUp(failure):
		v.doubt[server] = true
		return true
	}
	return false
}

// hungUp reports whether the other side closed the connection.
func hungUp(err error) bool {
	for _, closed := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, closed) {
			return true
		}
	}
	return false
}
