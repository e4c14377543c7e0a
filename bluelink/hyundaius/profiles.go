package hyundaius

import "github.com/bluelink2mqtt/bluelink2mqtt/vehicle"

// The cloud, which is the same for both brands (§1). The two bases differ in the order of their words.
const (
	host         = "api.telematics.hyundaiusa.com"
	loginBase    = "https://" + host + "/v2/ac/"
	apiBase      = "https://" + host + "/ac/v2/"
	clientID     = "m66129Bb-em93-SPAHYN-bZ91-am4540zp19920"
	clientSecret = "v558o935-6nne-423i-baa8"
)

// usualIndicator is the brandIndicator of a car whose list entry names none, of Genesis too (§1.3: both H and G are reported
// to work).
const usualIndicator = "H"

// Serves tells whether a brand's cloud in a region can be signed in to.
func Serves(region vehicle.Region, brand vehicle.Brand) bool {
	return region == vehicle.USA && (brand == vehicle.Hyundai || brand == vehicle.Genesis)
}
