package config

import (
	"regexp"
	"strings"
)

// HomeAssistant is what is told to Home Assistant.
type HomeAssistant struct {
	Enabled      bool   `yaml:"enabled" doc:"Announce everything to Home Assistant. When it is switched off, what was announced is taken back"`
	Prefix       string `yaml:"prefix" doc:"Home Assistant's discovery prefix"`
	StatusTopic  string `yaml:"status_topic" doc:"Topic on which Home Assistant says that it has started; empty for {prefix}/status, its own default"`
	Node         string `yaml:"node" doc:"A word that tells this instance from another one that announces the same cars, of a-z, A-Z, 0-9, _ and -; empty for the only one. Another word makes other entities"`
	Language     string `yaml:"language" oneof:"en de" doc:"Language of the names of entities"`
	Times        bool   `yaml:"times" doc:"Announce the times of schedules as entities that set them. Home Assistant has those since 2026.5; one that is older complains of their message in its log, and gets them as sensors when this is off"`
	SerialNumber bool   `yaml:"serial_number" doc:"Show cars' whole chassis numbers as serial numbers. Everybody who may read the broker can then read them"`
}

// Status is the topic on which Home Assistant says that it has started.
func (h HomeAssistant) Status() string {
	if h.StatusTopic != "" {
		return h.StatusTopic
	}
	return h.Prefix + "/status"
}

var nodeName = regexp.MustCompile(`^[a-zA-Z0-9_-]{0,64}$`)

func (l *loader) homeAssistant() {
	h := l.config.HomeAssistant
	l.plainTopic("homeassistant.prefix", h.Prefix)
	if h.StatusTopic != "" {
		l.plainTopic("homeassistant.status_topic", h.StatusTopic)
	}
	if !nodeName.MatchString(h.Node) {
		l.problem(l.at("homeassistant.node"), "%s is no node: up to 64 of a-z, A-Z, 0-9, _ and -", shown(h.Node))
	}
	if base := l.config.MQTT.BaseTopic; h.Enabled && (h.Prefix == base || strings.HasPrefix(h.Prefix, base+"/")) {
		l.problem(l.at("homeassistant.prefix"), "lies below mqtt.base_topic: the two must be apart")
	}
}
