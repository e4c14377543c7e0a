package sim

import (
	"sync"
	"time"
)

// clock tells three times apart.
//
// Wall time is time.Now and the time that every report carries: a client compares it
// with its own clock. Cloud time is wall time plus what was skipped by Advance; tokens
// and quotas age by it. Car time runs at scale times wall time and skips along too;
// physics happen in it.
type clock struct {
	scale float64

	mu      sync.RWMutex
	anchors []anchor      // ascending; the first is the start, each skip adds one
	skipped time.Duration // sum of all Advance calls
}

// anchor says that at this wall time it was this car time.
type anchor struct{ wall, car time.Time }

func newClock(scale float64, start time.Time) *clock {
	start = start.Round(0)
	return &clock{scale: scale, anchors: []anchor{{start, start}}}
}

// start is the moment at which cars and clouds came to life.
func (c *clock) start() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.anchors[0].car
}

// advance skips d of cloud and car time at once; false when that would be too much.
func (c *clock) advance(now time.Time, d time.Duration) bool {
	now = now.Round(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.skipped+d > maxSkipped {
		return false
	}
	last := c.anchors[len(c.anchors)-1]
	c.anchors = append(c.anchors, anchor{now, c.scaled(last, now).Add(d)})
	c.skipped += d
	return true
}

// cloudTime converts wall time to the time by which tokens and quotas age.
func (c *clock) cloudTime(wall time.Time) time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return wall.Round(0).Add(c.skipped)
}

// carTime converts wall time to car time.
func (c *clock) carTime(wall time.Time) time.Time {
	wall = wall.Round(0)
	c.mu.RLock()
	defer c.mu.RUnlock()
	for i := len(c.anchors) - 1; i > 0; i-- {
		if !wall.Before(c.anchors[i].wall) {
			return c.scaled(c.anchors[i], wall)
		}
	}
	return c.scaled(c.anchors[0], wall)
}

// wallTime converts a moment of car time to the wall time at which it was reported.
// What lies before the start happened at natural speed; what was skipped happened at
// the moment of the skip.
func (c *clock) wallTime(car time.Time) time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if car.Before(c.anchors[0].car) {
		return c.anchors[0].wall.Add(car.Sub(c.anchors[0].car))
	}
	i := len(c.anchors) - 1
	for i > 0 && car.Before(c.anchors[i].car) {
		i--
	}
	wall := c.anchors[i].wall.Add(time.Duration(float64(car.Sub(c.anchors[i].car)) / c.scale))
	if i+1 < len(c.anchors) && wall.After(c.anchors[i+1].wall) {
		return c.anchors[i+1].wall
	}
	return wall
}

func (c *clock) scaled(a anchor, wall time.Time) time.Time {
	return a.car.Add(time.Duration(float64(wall.Sub(a.wall)) * c.scale))
}

// restart begins again at now as if nothing had been.
func (c *clock) restart(now time.Time) {
	now = now.Round(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.anchors = []anchor{{now, now}}
	c.skipped = 0
}
