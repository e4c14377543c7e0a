package mqtt

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
)

// filtersAtOnce is how many topic filters one SUBSCRIBE carries; hosted brokers accept no more.
const filtersAtOnce = 8

// Subscribe adds topic filters, now if there is a connection and on each later one. The error names
// filters that the broker refused; a lost connection is none, as the next one subscribes again.
func (c *Client) Subscribe(ctx context.Context, filters ...string) error {
	for _, filter := range filters {
		if err := checkFilter(filter); err != nil {
			return err
		}
	}
	c.mu.Lock()
	for _, filter := range filters {
		if !slices.Contains(c.filters, filter) {
			c.filters = append(c.filters, filter)
		}
	}
	manager := c.manager
	c.mu.Unlock()
	if manager == nil {
		return nil
	}
	refused, err := c.subscribe(ctx, manager, filters)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("subscribe: %w", context.Cause(ctx))
	}
	if len(refused) > 0 {
		return fmt.Errorf("subscribe to %s: %w", strings.Join(refused, ", "), ErrRefused)
	}
	return nil
}

// Unsubscribe takes topic filters away again.
func (c *Client) Unsubscribe(ctx context.Context, filters ...string) error {
	c.mu.Lock()
	c.filters = slices.DeleteFunc(c.filters, func(f string) bool { return slices.Contains(filters, f) })
	manager := c.manager
	c.mu.Unlock()
	if manager == nil {
		return nil
	}
	for chunk := range slices.Chunk(filters, filtersAtOnce) {
		if _, err := manager.Unsubscribe(ctx, &paho.Unsubscribe{Topics: chunk}); err != nil && ctx.Err() != nil {
			return fmt.Errorf("unsubscribe: %w", context.Cause(ctx))
		}
	}
	return nil
}

// subscribe asks the broker for filters and returns those it refused. The error means that the broker
// gave no answer.
func (c *Client) subscribe(ctx context.Context, manager *autopaho.ConnectionManager, filters []string) (refused []string, err error) {
	if c.session.info().WildcardsAllowed {
		filters = c.uncovered(filters)
	} else {
		for _, filter := range filters {
			if wild(filter) {
				refused = append(refused, filter)
			}
		}
		filters = slices.DeleteFunc(slices.Clone(filters), wild)
	}
	for chunk := range slices.Chunk(filters, filtersAtOnce) {
		request := &paho.Subscribe{}
		for _, filter := range chunk {
			request.Subscriptions = append(request.Subscriptions,
				paho.SubscribeOptions{Topic: filter, QoS: 1, RetainHandling: 0, RetainAsPublished: !slices.Contains(c.opts.Moments, filter)})
		}
		answer, err := manager.Subscribe(ctx, request)
		switch {
		case err == nil:
		case answer == nil:
			return refused, err
		default:
			for i, reason := range answer.Reasons {
				if reason >= 0x80 && i < len(chunk) {
					refused = append(refused, chunk[i])
				}
			}
		}
	}
	return refused, nil
}

func wild(filter string) bool { return strings.ContainsAny(filter, "+#") }

// uncovered leaves out single topics that a filter with wildcards matches too: a broker may deliver once for each.
func (c *Client) uncovered(filters []string) []string {
	c.mu.Lock()
	broad := slices.DeleteFunc(slices.Clone(c.filters), func(filter string) bool { return !wild(filter) })
	c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(filters), func(topic string) bool {
		return !wild(topic) && slices.ContainsFunc(broad, func(filter string) bool { return Matches(filter, topic) })
	})
}

// Matches tells whether a topic filter matches a topic. Topics that begin with $ are matched by no wildcard at their
// beginning.
func Matches(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && wild(filter[:min(1, len(filter))]) {
		return false
	}
	for {
		want, restOfFilter, moreFilter := strings.Cut(filter, "/")
		level, restOfTopic, moreTopic := strings.Cut(topic, "/")
		switch {
		case want == "#":
			return true
		case want != "+" && want != level:
			return false
		case !moreFilter || !moreTopic:
			return moreFilter == moreTopic || restOfFilter == "#"
		}
		filter, topic = restOfFilter, restOfTopic
	}
}
