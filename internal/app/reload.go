package app

import (
	"slices"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
)

// Reload applies what of a new configuration can change while the program runs, and says what needs a restart. One
// goroutine calls it.
func (a *App) Reload(c *config.Config) {
	hideSecrets(c)
	applied := slices.DeleteFunc(a.applied.Changed(c), func(key string) bool { return !a.livesOn(key) })
	waiting := slices.DeleteFunc(a.config.Changed(c), a.livesOn)
	a.applied = c
	within := func(section string) bool {
		return slices.ContainsFunc(applied, func(key string) bool { return strings.HasPrefix(key, section) })
	}
	if within("refresh.") {
		a.SetPace(c.Refresh)
	}
	if within("permissions.") || within("presets") {
		rules := permissions(c)
		rules.ReadOnly = rules.ReadOnly || a.config.Permissions.ReadOnly // see livesOn
		a.bridge.SetRules(rules, presets(c))
	}
	if a.options.Level != nil {
		a.options.Level.Set(c.Log.Level)
	}
	a.log.Info("configuration read again", "applied", applied)
	if len(waiting) > 0 {
		a.log.Warn("changes in the configuration that need a restart", "keys", waiting)
	}
}

// livesOn tells whether a new value of the key applies without a restart. Who began read-only has no PIN and listens to
// no commands.
func (a *App) livesOn(key string) bool {
	switch key {
	case "presets", "permissions.allow", "permissions.unlock_per_hour":
		return true
	case "permissions.read_only":
		return !a.config.Permissions.ReadOnly
	case "log.level":
		return a.options.Level != nil
	}
	return strings.HasPrefix(key, "refresh.") // initial says what happens at a start anyway
}
