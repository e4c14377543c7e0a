package guard_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/guard"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

// slow is a store whose writes wait until they are let go.
type slow struct {
	store.Store
	letGo chan struct{}
}

func (s *slow) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	<-s.letGo
	return s.Store.Put(ctx, key, value, revision)
}

// The receive path asks how an account stands; it must never wait for a memory card.
func TestLogins_WhoOnlyLooksNeverWaitsForTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &slow{store.NewMemory(), make(chan struct{})}
		g, err := guard.OpenLogins(t.Context(), guard.LoginOptions{
			Account: "home", Key: "account/home/logins", Store: disk, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		call := bluelink.Call{Account: "home", Kind: bluelink.CallLogin, Op: "sign in", Credentials: true}
		done := make(chan error, 1)
		go func() { done <- g.Before(t.Context(), call) }()
		synctest.Wait() // the attempt waits for the disk
		if next := g.Next(); !next.IsZero() {
			t.Errorf("before the attempt is booked the next one is at %v", next)
		}
		if n := g.Today()["login"]; n != 0 {
			t.Errorf("before it is booked it is counted: %d", n)
		}
		disk.letGo <- struct{}{}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n := g.Today()["login"]; n != 1 {
			t.Errorf("afterwards %d are counted", n)
		}
		close(disk.letGo)
		g.After(t.Context(), call, time.Second, &bluelink.Error{Op: "sign in", Left: true, Err: bluelink.ErrUnavailable})
		if next, want := g.Next(), time.Now().Add(time.Hour); !next.Equal(want) {
			t.Errorf("after a failure the next one is at %v, want %v", next, want)
		}
	})
}
