package sim

// face is one maker's cloud in one region as its clients see it: the hosts it answers
// on. A further region is a row of faces and a file with its builder.
type face struct {
	region, brand string
	// wmi begins the VINs of the brand's cars in this region.
	wmi string
	// build returns the routes of each host; it keeps the cloud it was given.
	build func(*cloud) map[string]*router
}

// faces is the table of all simulated clouds.
var faces = []face{
	{"eu", "hyundai", "KMH", europeHyundai.build},
	{"eu", "kia", "KNA", europeKia.build},
	{"eu", "genesis", "KMT", europeGenesis.build},
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
	account       *account

	cars []*car          // in the order of the vehicle list
	byID map[string]*car // never changes after New
}

func (c *cloud) add(v *car) {
	c.cars = append(c.cars, v)
	c.byID[v.id] = v
}
