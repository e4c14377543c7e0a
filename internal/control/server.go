package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
		flusher := http.NewResponseController(w)
		steps := json.NewEncoder(w)
		for record, err := range s.Send(r.Context(), r.PathValue("ref"), r.PathValue("command"), payload) {
			step := line{Record: &record}
			if err != nil {
				step = line{Error: err.Error()}
			}
			if steps.Encode(step) != nil || flusher.Flush() != nil {
				return // the other side went away; the command goes on
			}
		}
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		answer(w)(s.Login(r.Context(), r.URL.Query().Get("account")))
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

// answer writes a result or its error.
func answer(w http.ResponseWriter) func(any, error) {
	return func(result any, err error) {
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			result = line{Error: err.Error()}
		}
		_ = json.NewEncoder(w).Encode(result) // only a client that went away makes it fail
	}
}
