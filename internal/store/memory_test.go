package store_test

import (
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store/storetest"
)

func TestMemory_FulfilsTheContract(t *testing.T) {
	storetest.Run(t, storetest.Version{
		Open: func(testing.TB, string) store.Store { return store.NewMemory() },
	})
}
