package main

import (
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
)

func TestPrint_JoinedErrorsStayInTheirLine(t *testing.T) {
	lines := describeOutcome("home", control.Outcome{State: "credentials_refused", Error: "our own limit is reached\nsigning in was asked for too often"})
	for _, line := range append(lines, yes(false, "account home waits\naccount away waits")) {
		if strings.Contains(line, "\n") {
			t.Errorf("not one line: %q", line)
		}
	}
}
