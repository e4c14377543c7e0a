package config

import (
	"net"
	"strconv"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
)

// MQTT is the connection to a broker.
type MQTT struct {
	URL      string        `yaml:"url" doc:"Address of the broker in one piece instead of host, port and tls.enabled: mqtt://, mqtts://, ws:// or wss://host:port/path"`
	Host     string        `yaml:"host" doc:"Name or address of the broker"`
	Port     int           `yaml:"port" min:"1" max:"65535" doc:"Its port; tls.enabled does not change it"`
	Username string        `yaml:"username" doc:"User name at the broker; empty for none"`
	Password redact.Secret `yaml:"password" doc:"Password at the broker"`
	TLS      TLS           `yaml:"tls" doc:"How the broker's certificate is checked"`

	Version        MQTTVersion    `yaml:"version" oneof:"auto 5 3.1.1" doc:"Version of MQTT; auto is 5 where the broker speaks it, else 3.1.1. In 3.1.1 there are no response topics, user properties and expiry, and only a stored command is recognised as retained"`
	MaxPacketSize  int            `yaml:"max_packet_size" min:"0" max:"268435455" doc:"Largest message that is published, in bytes; 0 for what the broker says. One that speaks 3.1.1 cannot say it and closes the connection at a larger one"`
	ClientID       string         `yaml:"client_id" doc:"MQTT client id; empty for a new one at each start, so that two instances never push each other out"`
	BaseTopic      string         `yaml:"base_topic" doc:"All topics begin with it; several levels are allowed"`
	KeepAlive      time.Duration  `yaml:"keepalive" min:"1s" max:"18h" doc:"Longest silence on the connection; a dead one is noticed within two of them"`
	Mirror         bool           `yaml:"mirror" doc:"Publish each value of the cars once more without its envelope, below {base}/{vehicle}/value/, for readers that know no JSON"`
	Location       LocationChoice `yaml:"location" oneof:"position zone off" doc:"What is told of where cars are: everything, the zone alone, or nothing"`
	RetainLocation bool           `yaml:"retain_location" doc:"Let the broker keep the cars' last positions. They are published either way"`
}

// MQTTVersion is a version of MQTT, or that the broker is to be asked.
type MQTTVersion string

// The versions of MQTT.
const (
	AutoMQTT MQTTVersion = "auto"
	MQTT5    MQTTVersion = "5"
	MQTT311  MQTTVersion = "3.1.1"
)

// LocationChoice is what is told of where cars are.
type LocationChoice string

// The choices of what is told.
const (
	TellPosition LocationChoice = "position"
	TellZone     LocationChoice = "zone"
	TellNothing  LocationChoice = "off"
)

// Server is the broker's URL, without user name and password.
func (m MQTT) Server() string {
	if m.URL != "" {
		return m.URL
	}
	scheme := "mqtt"
	if m.TLS.Enabled {
		scheme = "mqtts"
	}
	return scheme + "://" + net.JoinHostPort(m.Host, strconv.Itoa(m.Port))
}

// TLS says how the broker is recognised.
type TLS struct {
	Enabled    bool   `yaml:"enabled" doc:"Encrypt the connection; a url of mqtts:// or wss:// says so by itself"`
	CAFile     string `yaml:"ca_file" path:"true" doc:"PEM file of the only authorities that are trusted; empty for those of the system"`
	CertFile   string `yaml:"cert_file" path:"true" doc:"PEM file of a client certificate, together with key_file"`
	KeyFile    string `yaml:"key_file" path:"true" doc:"PEM file of the client certificate's key"`
	ServerName string `yaml:"server_name" doc:"Name in the broker's certificate, when it is not its host name"`
	Insecure   bool   `yaml:"insecure" doc:"Accept every certificate. Anybody in between can then read and command; each start warns"`
}

// Broker is the broker inside the program.
type Broker struct {
	Mode           BrokerMode    `yaml:"mode" oneof:"external embedded" doc:"external uses the broker of section mqtt; embedded starts one and uses that"`
	Listen         string        `yaml:"listen" doc:"host:port on which the embedded broker listens"`
	WebSocket      string        `yaml:"websocket" off:"true" doc:"host:port for MQTT over WebSocket; empty or off for none"`
	Username       string        `yaml:"username" doc:"User name that every client must send; empty for no check"`
	Password       redact.Secret `yaml:"password" doc:"Password that every client must send"`
	AllowAnonymous bool          `yaml:"allow_anonymous" doc:"Listen beyond this machine although clients need no password. Everybody on the network can then command the cars"`
}

// BrokerMode is which broker is used.
type BrokerMode string

// The modes of the broker: one that runs elsewhere, or one inside this program.
const (
	ExternalBroker BrokerMode = "external"
	EmbeddedBroker BrokerMode = "embedded"
)
