package sim

// face is one maker's cloud in one region as its clients see it: the hosts it answers
// on. A further region is a row of faces and a file with its builder.
type face struct {
	region, brand string
	// wmi begins the VINs of the brand's cars in this region.
	wmi string
	// cars and home are the region's kinds of cars and where they live; zero where
	// garage and home have them by brand.
	cars []model
	home place
	// build returns the routes of each host; it keeps the cloud it was given.
	build func(*cloud) map[string]*router
}

// faces is the table of all simulated clouds.
var faces = []face{
	{region: "eu", brand: "hyundai", wmi: "KMH", build: europeHyundai.build},
	{region: "eu", brand: "kia", wmi: "KNA", build: europeKia.build},
	{region: "eu", brand: "genesis", wmi: "KMT", build: europeGenesis.build},
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
	sim           *Sim
	region, brand string
	home          place
	account       *account
	// forget drops what the face itself remembers of its clients; nil when all of it is
	// in the account.
	forget func()

	cars []*car          // in the order of the vehicle list
	byID map[string]*car // never changes after New
}

// models are the kinds of cars of an account, first things first.
func (f face) models() []model {
	if f.cars != nil {
		return f.cars
	}
	return garage[f.brand]
}

// lives says where the cars of an account are at home.
func (f face) lives() place {
	if f.home.zone != nil {
		return f.home
	}
	return home[f.brand]
}

func (c *cloud) add(v *car) {
	c.cars = append(c.cars, v)
	c.byID[v.id] = v
}
