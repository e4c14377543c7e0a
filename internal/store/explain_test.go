package store

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
)

func TestExplain_NamesThePathTheCauseAndACure(t *testing.T) {
	for _, c := range []struct {
		err  error
		says string
	}{
		{syscall.ENOSPC, "is full: free some space"},
		{syscall.EDQUOT, "is full: free some space"},
		{errors.New("file resize error: " + syscall.ENOSPC.Error()), "is full: free some space"},
		{syscall.EROFS, "mount it writable"},
		{syscall.EACCES, "change its owner"},
		{syscall.EPERM, "change its owner"},
		{syscall.ENOTDIR, "is not a directory"},
		{syscall.ENOLCK, "choose a store directory on a local disk"},
		{syscall.EIO, "fails to read or write"},
		{errors.New("anything else"), "anything else"},
	} {
		got := explain("/the/path", fmt.Errorf("sync: %w", c.err))
		if !strings.Contains(got.Error(), c.says) || !strings.Contains(got.Error(), "/the/path") || !errors.Is(got, c.err) {
			t.Errorf("explain(%v) = %q, want it to say %q and to wrap its cause", c.err, got, c.says)
		}
	}
	if err := explain("/the/path", nil); err != nil {
		t.Errorf("explain(nil) = %v", err)
	}
}
