package store_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

// Read, change, put if nobody was faster: how a counter is kept without a lock.
func ExampleStore() {
	ctx := context.Background()
	s := store.NewMemory()
	defer func() { _ = s.Close() }()

	book := func() error {
		for {
			entry, err := s.Get(ctx, "account/a/ledger")
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			// Of an absent key, the entry is empty and its revision is store.Absent.
			_, err = s.Put(ctx, "account/a/ledger", append(entry.Value, '|'), entry.Revision)
			if !errors.Is(err, store.ErrConflict) {
				return err
			}
		}
	}
	for range 3 {
		if err := book(); err != nil {
			fmt.Println(err)
		}
	}
	entry, err := s.Get(ctx, "account/a/ledger")
	fmt.Printf("%s at revision %d, %v\n", entry.Value, entry.Revision, err)
	// Output: ||| at revision 3, <nil>
}
