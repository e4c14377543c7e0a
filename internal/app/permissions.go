package app

import (
	"slices"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/clouds"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// permissions are what the bridge may do, in its words.
func permissions(c *config.Config) bridge.Permissions {
	p := c.Permissions
	return bridge.Permissions{ReadOnly: p.ReadOnly, Allow: p.Allow, UnlockPerHour: p.UnlockPerHour}
}

func presets(c *config.Config) map[string][]vehicle.Command {
	presets := map[string][]vehicle.Command{}
	for _, p := range c.Presets {
		presets[p.Name] = p.Steps()
	}
	return presets
}

// pin is what an account's cloud gets to know of its PIN: nothing where nothing is to be commanded, so that no request
// with a command can even be built.
func (a *App) pin(ac config.Account) string {
	if a.config.Permissions.ReadOnly {
		return ""
	}
	return ac.PIN.Reveal()
}

// mute is why an account takes no commands, whatever is permitted; empty when it does.
func mute(ac config.Account) vehicle.Reason {
	if ac.PIN.IsZero() && clouds.NeedsPIN(ac.Region, ac.Brand) {
		return vehicle.PINRequired
	}
	return ""
}

// subscriptions are what is asked of the broker: commands only where one could be carried out.
func (a *App) subscriptions(tree topic.Tree) []string {
	commands := false
	for _, ac := range a.config.Accounts {
		commands = commands || !a.config.Permissions.ReadOnly && mute(ac) == ""
	}
	filters := tree.ReadFilters()
	if commands {
		filters = []string{tree.CommandFilter()}
	}
	filters = append(filters, tree.RetryFilter())
	if a.config.HomeAssistant.Enabled {
		filters = append(filters, a.config.HomeAssistant.Status())
	}
	for _, session := range a.sessions {
		if session.SendsCodes() {
			return append(filters, tree.CodeFilter())
		}
	}
	return filters
}

// features are what is switched on, for the bridge's info.
func (a *App) features() []string {
	features := []string{}
	for name, on := range map[string]bool{
		"embedded_broker": a.broker != nil, "home_assistant": a.config.HomeAssistant.Enabled, "read_only": a.config.Permissions.ReadOnly, "scheduled_reads": a.config.Refresh.Interval != 0,
		"simulated_cloud": a.config.CloudURL != "", "web_server": a.config.HTTP.Listen != "",
	} {
		if on {
			features = append(features, name)
		}
	}
	slices.Sort(features)
	return features
}
