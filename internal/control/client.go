package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// line is one answer on a stream.
type line[T any] struct {
	Step  *T     `json:"step,omitempty"`
	Error string `json:"error,omitempty"`
}

// Client asks a bridge over its socket.
type Client struct{ http *http.Client }

var _ Service = (*Client)(nil)

// Dial reaches the bridge that owns a store directory. It fails at once when none listens there.
func Dial(ctx context.Context, path string) (*Client, error) {
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("reach the bridge: %w", err)
	}
	_ = conn.Close()
	return &Client{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dialer.DialContext(ctx, "unix", path) },
	}}}, nil
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Vehicles asks for all cars.
func (c *Client) Vehicles(ctx context.Context) (list []Vehicle, err error) {
	err = c.call(ctx, http.MethodGet, "/vehicles", &list)
	return list, err
}

// State asks for one car.
func (c *Client) State(ctx context.Context, ref string) (state State, err error) {
	err = c.call(ctx, http.MethodGet, "/vehicles/"+url.PathEscape(ref), &state)
	return state, err
}

// Login asks to sign in now and yields the stages as they come.
func (c *Client) Login(ctx context.Context, r LoginRequest) iter.Seq2[LoginStep, error] {
	body, err := json.Marshal(r)
	if err != nil {
		return func(yield func(LoginStep, error) bool) { yield(LoginStep{}, fmt.Errorf("ask the bridge: %w", err)) }
	}
	return follow[LoginStep](ctx, c, "/login", body)
}

// RefreshToken asks for what an account's session is renewed with.
func (c *Client) RefreshToken(ctx context.Context, account string) (token string, err error) {
	err = c.call(ctx, http.MethodPost, "/refresh-token?account="+url.QueryEscape(account), &token)
	return token, err
}

// Logout asks to forget tokens.
func (c *Client) Logout(ctx context.Context, account string, device bool) (list []Account, err error) {
	query := url.Values{"account": {account}, "device": {strconv.FormatBool(device)}}
	err = c.call(ctx, http.MethodPost, "/logout?"+query.Encode(), &list)
	return list, err
}

// Health asks how the bridge stands.
func (c *Client) Health(ctx context.Context) (health Health, err error) {
	err = c.call(ctx, http.MethodGet, "/health", &health)
	return health, err
}

// Send gives a command and yields its steps as they come.
func (c *Client) Send(ctx context.Context, ref, command string, payload []byte) iter.Seq2[vehicle.Record, error] {
	return follow[vehicle.Record](ctx, c, "/vehicles/"+url.PathEscape(ref)+"/commands/"+url.PathEscape(command), payload)
}

// follow posts a request and yields the steps of its answer.
func follow[T any](ctx context.Context, c *Client, path string, payload []byte) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		body, err := c.open(ctx, http.MethodPost, path, bytes.NewReader(payload))
		if err != nil {
			yield(none, err)
			return
		}
		defer body.Close()
		steps := json.NewDecoder(body)
		for {
			var l line[T]
			err := steps.Decode(&l)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(none, fmt.Errorf("the bridge went away: %w", err))
				return
			case l.Error != "":
				yield(none, errors.New(l.Error))
				return
			case l.Step != nil && !yield(*l.Step, nil):
				return
			}
		}
	}
}

func (c *Client) call(ctx context.Context, method, path string, result any) error {
	body, err := c.open(ctx, method, path, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(result); err != nil {
		return fmt.Errorf("read the bridge's answer: %w", err)
	}
	return nil
}

func (c *Client) open(ctx context.Context, method, path string, payload io.Reader) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://bridge"+path, payload)
	if err != nil {
		return nil, fmt.Errorf("ask the bridge: %w", err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the bridge: %w", err)
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer response.Body.Close()
	var refusal line[any]
	if json.NewDecoder(io.LimitReader(response.Body, maxBody)).Decode(&refusal) != nil || refusal.Error == "" {
		return nil, fmt.Errorf("the bridge answered HTTP %d", response.StatusCode)
	}
	return nil, errors.New(refusal.Error)
}
