package bluelink

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"sync"
)

// refusedPIN is under which name the tokens keep the fingerprint of a PIN that the cloud has refused.
const refusedPIN = "refusedPin"

// PINMemory is the account's token store, which keeps beside the tokens that the cloud has refused the PIN. Clouds count
// wrong PINs and lock the account (docs/protocol/europe.md §2.7), so that one is tried once and never again, a restart
// included, until it changes or a person signs in. A session that makes its tokens anew knows nothing of it.
type PINMemory struct {
	next        TokenStore
	fingerprint func(salt string) string // of the PIN

	mu     sync.Mutex // guards mark, and the order in which the store is written
	loaded bool
	mark   string // fingerprint of the refused PIN; empty for none
}

// NewPINMemory puts the memory before an account's token store; the session is to be given what it returns.
func NewPINMemory(account Account, next TokenStore) *PINMemory {
	return &PINMemory{next: next, fingerprint: func(salt string) string {
		// Four digits are soon guessed; the other credentials keep them from whoever finds the fingerprint.
		sum := sha256.Sum256([]byte(strings.Join([]string{salt, account.PIN, account.Username, account.Password, account.RefreshToken}, "\x00")))
		return salt + ":" + hex.EncodeToString(sum[:])
	}}
}

// Load gives the tokens without the mark.
func (p *PINMemory) Load(ctx context.Context) (Tokens, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.load(ctx)
}

func (p *PINMemory) load(ctx context.Context) (Tokens, error) {
	t, err := p.next.Load(ctx)
	if err != nil {
		return Tokens{}, err
	}
	p.mark, p.loaded = t.Extra[refusedPIN], true
	if p.mark != "" {
		t.Extra = maps.Clone(t.Extra)
		delete(t.Extra, refusedPIN)
	}
	return t, nil
}

// Save stores tokens with the mark.
func (p *PINMemory) Save(ctx context.Context, t Tokens) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.save(ctx, t)
}

func (p *PINMemory) save(ctx context.Context, t Tokens) error {
	if !p.loaded {
		if _, err := p.load(ctx); err != nil {
			return err
		}
	}
	if p.mark != "" {
		extra := map[string]string{refusedPIN: p.mark}
		maps.Copy(extra, t.Extra)
		t.Extra = extra
	}
	return p.next.Save(ctx, t)
}

// Refused tells whether the cloud has refused the PIN that the account now has.
func (p *PINMemory) Refused(ctx context.Context) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.loaded {
		if _, err := p.load(ctx); err != nil {
			return false, fmt.Errorf("load tokens: %w", err)
		}
	}
	salt, _, _ := strings.Cut(p.mark, ":")
	return p.mark != "" && p.fingerprint(salt) == p.mark, nil
}

// Refuse keeps that the cloud has refused the PIN.
func (p *PINMemory) Refuse(ctx context.Context) error { return p.set(ctx, p.fingerprint(rand.Text())) }

// Forgive lets the PIN be tried once more.
func (p *PINMemory) Forgive(ctx context.Context) error { return p.set(ctx, "") }

func (p *PINMemory) set(ctx context.Context, mark string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loaded && p.mark == mark {
		return nil
	}
	t, err := p.load(ctx)
	if err == nil && p.mark == mark {
		return nil
	}
	p.loaded = true
	if p.mark = mark; err == nil { // it counts for this process even if it cannot be stored
		err = p.save(ctx, t)
	}
	if err != nil {
		return fmt.Errorf("store tokens: %w", err)
	}
	return nil
}
