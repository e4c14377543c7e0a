package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"os"
	"time"
)

// maxBody bounds a command's payload.
const maxBody = 64 << 10

// Serve answers on the socket until ctx ends. The socket is the owner's only; one that a killed process left is replaced,
// which is safe because the store's lock is held.
func Serve(ctx context.Context, path string, service Service) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace the old control socket: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("listen on the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(fmt.Errorf("protect the control socket: %w", err), listener.Close())
	}
	server := &http.Server{
		Handler: handler(service), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve the control socket: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(stop); err != nil {
		_ = server.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the control socket: %w", err)
	}
	return nil
}

func handler(s Service) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /vehicles", func(w http.ResponseWriter, r *http.Request) {
		answer(w)(s.Vehicles(r.Context()))
	})
	mux.HandleFunc("GET /vehicles/{ref}", func(w http.ResponseWriter, r *http.Request) {
		answer(w)(s.State(r.Context(), r.PathValue("ref")))
	})
	mux.HandleFunc("POST /vehicles/{ref}/commands/{command}", func(w http.ResponseWriter, r *http.Request) {
		payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			answer(w)(nil, fmt.Errorf("read the command: %w", err))
			return
		}
		// When the other side goes away, the command goes on.
		stream(w, s.Send(r.Context(), r.PathValue("ref"), r.PathValue("command"), payload))
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		var request LoginRequest
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		decoder.DisallowUnknownFields()
		if decoder.Decode(&request) != nil {
			answer(w)(nil, errors.New("the request to sign in cannot be read")) // which holds secrets
			return
		}
		stream(w, s.Login(r.Context(), request))
	})
	mux.HandleFunc("POST /refresh-token", func(w http.ResponseWriter, r *http.Request) {
		answer(w)(s.RefreshToken(r.Context(), r.URL.Query().Get("account")))
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		answer(w)(s.Logout(r.Context(), query.Get("account"), query.Get("device") == "true"))
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		answer(w)(s.Health(r.Context()))
	})
	return mux
}

// stream writes steps as they come, until the other side goes away.
func stream[T any](w http.ResponseWriter, steps iter.Seq2[T, error]) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	flusher, out := http.NewResponseController(w), json.NewEncoder(w)
	for step, err := range steps {
		l := line[T]{Step: &step}
		if err != nil {
			l = line[T]{Error: err.Error()}
		}
		if out.Encode(l) != nil || flusher.Flush() != nil {
			return
		}
	}
}

// answer writes a result or its error.
func answer(w http.ResponseWriter) func(any, error) {
	return func(result any, err error) {
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			result = line[any]{Error: err.Error()}
		}
		_ = json.NewEncoder(w).Encode(result) // only a client that went away makes it fail
	}
}
