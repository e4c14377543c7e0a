package sim

import "time"

// face is one maker's cloud in one region as its clients see it: the hosts it answers
// on. A further region is a row of faces and a file with its builder.
type face struct {
	region, brand string
	// wmi begins the VINs of the brand's cars in this region.
	wmi string
	// models are the kinds of cars of the account, in the order of its vehicle list.
	models []model
	// home is where they live.
	home place
	// build returns the routes of each host; it keeps the cloud it was given.
	build func(*cloud) map[string]*router
}

// faces is the table of all simulated clouds.
var faces = []face{
	{"eu", "hyundai", "KMH", europeanHyundai, place{52.5200, 13.4050, berlin}, europeHyundai.build}, // Berlin
	{"eu", "kia", "KNA", europeanKia, place{48.1374, 11.5755, berlin}, europeKia.build},             // Munich
	{"eu", "genesis", "KMT", europeanGenesis, place{53.5511, 9.9937, berlin}, europeGenesis.build},  // Hamburg
	{"us", "hyundai", "KM8", americanHyundai, losAngeles, buildHyundaiUS},
	{"us", "genesis", "KMU", americanGenesis, austin, buildHyundaiUS},
	{"us", "kia", "5XY", americanKia, oakland, buildKiaUS},
	{"ca", "hyundai", "KM8", canadianHyundai, montreal, canadaHyundai.build},
	{"ca", "kia", "KND", canadianKia, toronto, canadaKia.build},
	{"ca", "genesis", "KMT", canadianGenesis, vancouver, canadaGenesis.build},

	{"au", "hyundai", "KMH", australianHyundai, place{-33.8688, 151.2093, sydney}, australiaHyundai.buildAustralia},          // Sydney
	{"au", "kia", "KNA", australianKia, place{-37.8136, 144.9631, zone("Australia/Melbourne")}, australiaKia.buildAustralia}, // Melbourne
	{"nz", "kia", "KNA", australianKia, place{-36.8485, 174.7633, zone("Pacific/Auckland")}, newZealandKia.buildAustralia},   // Auckland
	{"in", "hyundai", "MAL", indianHyundai, place{19.0760, 72.8777, kolkata}, indiaHyundai.build},                            // Mumbai
	{"in", "kia", "MZB", indianKia, place{28.6139, 77.2090, kolkata}, indiaKia.build},                                        // Delhi
	{"cn", "hyundai", "LBE", chineseHyundai, place{39.9042, 116.4074, shanghai}, chinaHyundai.build},                         // Beijing
	{"cn", "kia", "LJD", chineseKia, place{31.2304, 121.4737, shanghai}, chinaKia.build},                                     // Shanghai
	{"br", "hyundai", "9BH", brazilianHyundai, place{-23.5505, -46.6333, brasilia}, brazilHyundai.buildBrazil},               // São Paulo
}

// Regions lists the regions that are served, by their two letters.
func Regions() []string {
	var list []string
	for _, f := range faces {
		if len(list) == 0 || list[len(list)-1] != f.region {
			list = append(list, f.region)
		}
	}
	return list
}

// The account that exists in every cloud.
const (
	Email    = "demo@example.com"
	Password = "demo"
	PIN      = "1234"
	OTP      = "123456"
)

// cloud is what stands behind a face: one account and its cars.
type cloud struct {
	face
	sim     *Sim
	account *account
	email   string // of the account; Email unless the face needs another
	ccapi   *ccapi // nil for a cloud of another family
	// commandTakes is how long a car takes to carry out a command, at least and at most.
	commandTakes [2]time.Duration
	// answerTakes is the same for a car that is asked while the client waits.
	answerTakes [2]time.Duration
	// discreet clouds do not learn what a command has changed until the car is woken.
	discreet bool
	// render writes what a car told the cloud, where that is not the flat form.
	render func(*report) []byte
	// forget drops what the face itself remembers of its clients; nil when all of it is
	// in the account.
	forget func()

	cars []*car          // in the order of the vehicle list
	byID map[string]*car // never changes after New

	hosts []string // that it answers on, sorted
}

// wireZone is the zone of the local times that clients are told.
func (c *cloud) wireZone() *time.Location {
	if c.ccapi != nil {
		return c.ccapi.zone
	}
	return c.home.zone
}

func (c *cloud) add(v *car) {
	c.cars = append(c.cars, v)
	c.byID[v.id] = v
}
