package store_test

import (
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store/storetest"
)

func openBolt(t testing.TB, dir string, options store.BoltOptions) *store.Bolt {
	t.Helper()
	s, err := store.OpenBolt(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestBolt_FulfilsTheContract(t *testing.T) {
	storetest.Run(t, storetest.Version{
		Open: func(t testing.TB, dir string) store.Store {
			t.Helper()
			s, err := store.OpenBolt(dir, store.BoltOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		Durable: true,
	})
}
