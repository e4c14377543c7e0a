package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

// openWithin bounds what is read and written when the store is opened.
const openWithin = 5 * time.Minute

// What is wrong with a store that is opened, for exit codes: its error wraps one of them.
var (
	ErrStoreKey    = errors.New("store.key does not fit")
	ErrStoreInUse  = errors.New("the store is in use")
	ErrStoreFilled = errors.New("the store is not empty")
)

// openStore opens the configured store for the life of the program.
func (a *App) openStore() (store.Store, error) {
	if a.options.Store != nil {
		return a.options.Store, nil
	}
	if a.options.Forgetful {
		memory := store.NewMemory()
		a.clean.add("close the store", memory.Close)
		return memory, nil
	}
	st, dir, err := openStore(context.Background(), a.config) // it ends by itself
	if err != nil {
		return nil, err
	}
	a.clean.add("close the store", st.Close)
	a.storeDir = dir
	if !a.options.Offline {
		for _, concern := range store.Concerns(dir, store.Here()) {
			a.log.Warn("what is kept is not safe where it is", "concern", concern)
		}
	}
	return st, nil
}

// StoreDir is the directory of the configured store.
func StoreDir(c *config.Config) (string, error) {
	if c.Store.Dir != "" {
		return c.Store.Dir, nil
	}
	dir, err := store.DefaultDir(store.Here())
	if err != nil {
		return "", fmt.Errorf("choose a store directory: %w", err)
	}
	return dir, nil
}

// openStore opens the configured store, sealed when there is a key.
func openStore(ctx context.Context, c *config.Config) (st store.Store, dir string, err error) {
	if dir, err = StoreDir(c); err != nil {
		return nil, "", err
	}
	file, err := store.OpenBolt(dir, store.BoltOptions{Holder: holder()})
	switch {
	case errors.As(err, new(*store.InUseError)):
		return nil, "", tagged{err, ErrStoreInUse}
	case err != nil:
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	st = file
	if key := c.Store.Key.Reveal(); key != "" {
		st, err = store.Seal(ctx, file, key, store.SealOptions{})
	} else {
		err = store.CheckUnsealed(ctx, file)
	}
	if err != nil {
		if errors.As(err, new(*store.KeyError)) {
			err = tagged{err, ErrStoreKey}
		}
		return nil, "", errors.Join(err, file.Close())
	}
	return st, dir, nil
}

// holder is what the next who wants the store is told about this process: "bluelink2mqtt run".
func holder() string {
	name := filepath.Base(os.Args[0])
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		name += " " + os.Args[1]
	}
	return name
}

// tagged is an error that reads as it is and counts as another too.
type tagged struct {
	error
	tag error
}

func (t tagged) Unwrap() []error { return []error{t.error, t.tag} }

// readable tells the values that hold no secret: calls and sign-ins that were counted. Whatever is not named here goes into an
// export only when secrets are asked for.
func readable(key string) bool {
	return strings.HasPrefix(key, "account/") && (strings.HasSuffix(key, "/ledger") || strings.HasSuffix(key, "/logins"))
}

// StoredKey is a key of the store, as "store list" shows it.
type StoredKey = store.Listed

// ListStore lists what the configured store holds. No bridge may run on it.
func ListStore(ctx context.Context, c *config.Config) (keys []StoredKey, err error) {
	err = withStore(ctx, c, func(st store.Store) error {
		keys, err = store.List(ctx, st)
		return err
	})
	return keys, err
}

// Exported counts what an export wrote.
type Exported = store.Exported

// ExportStore writes what the configured store holds, one JSON object a line. No bridge may run on it.
func ExportStore(ctx context.Context, c *config.Config, out io.Writer, secrets bool) (n Exported, err error) {
	err = withStore(ctx, c, func(st store.Store) error {
		n, err = store.Export(ctx, st, out, func(key string) bool { return secrets || readable(key) })
		return err
	})
	return n, err
}

// Imported counts what an import wrote.
type Imported = store.Imported

// ImportStore writes what ExportStore wrote into the configured store, all or nothing. No bridge may run on it. A store
// that holds something already is refused with ErrStoreFilled, unless overwrite is set: keys in the export then get the
// export's values, the others stay.
func ImportStore(ctx context.Context, c *config.Config, in io.Reader, overwrite bool) (n Imported, err error) {
	err = withStore(ctx, c, func(st store.Store) error {
		n, err = store.Import(ctx, st, in, overwrite)
		if errors.Is(err, store.ErrFilled) {
			return tagged{err, ErrStoreFilled}
		}
		return err
	})
	return n, err
}

func withStore(ctx context.Context, c *config.Config, do func(store.Store) error) error {
	hideSecrets(c)
	st, _, err := openStore(ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(do(st), st.Close())
}
