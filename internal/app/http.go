package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// serveHTTP answers /metrics, /healthz and /readyz until ctx ends.
func (a *App) serveHTTP(ctx context.Context) error {
	address := a.config.HTTP.Listen
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; choose another address with http.listen or --http-listen", address, err)
	}
	a.log.Info("web server listens", "address", listener.Addr().String())
	server := &http.Server{Handler: a.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(stop); err != nil {
		_ = server.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Handler is the web server's handler.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{Registry: a.registry}))
	mux.HandleFunc("GET /healthz", verdict(a.bridge.Healthy))
	mux.HandleFunc("GET /readyz", verdict(a.Ready))
	return mux
}

// verdict answers 200 ok, or 503 and what is wrong.
func verdict(ask func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := ask(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = fmt.Fprintln(w, err)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	}
}

// Ready tells what keeps the program from doing its work: no broker, no cars, an account that waits for a person.
func (a *App) Ready() error {
	err := a.bridge.Ready()
	if a.mqtt == nil {
		return err
	}
	if s := a.mqtt.Stats(); !s.Connected {
		broker := errors.New("the broker is not connected")
		if s.LastError != nil {
			broker = fmt.Errorf("the broker is not connected: %w", s.LastError)
		}
		err = errors.Join(broker, err)
	}
	return err
}
