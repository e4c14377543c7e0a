package sim

// Account is what somebody needs to sign in to a simulated cloud.
type Account struct {
	Region   string `json:"region"`
	Brand    string `json:"brand"`
	Email    string `json:"email"`
	Password string `json:"password"`
	PIN      string `json:"pin"`
	// RefreshToken is the one that the account's owner has: for Kia in the USA the token
	// by which a device is remembered, good for any; in Canada there is none to use.
	RefreshToken string `json:"refresh_token"`
	OTP          string `json:"otp"`
	Vehicles     int    `json:"vehicles"`
	// Hosts are the names that the account's cloud answers on.
	Hosts []string `json:"hosts"`
}

// Vehicle is what somebody needs to ask for a simulated car.
type Vehicle struct {
	ID       string `json:"id"`
	VIN      string `json:"vin"`
	Region   string `json:"region"`
	Brand    string `json:"brand"`
	Model    string `json:"model"`
	Year     int    `json:"year"`
	Protocol string `json:"protocol"` // "flat" or "ccs2"
	Engine   string `json:"engine"`   // "EV", "PHEV", "HEV" or "ICE"
}

// Accounts lists the accounts, one in each region and brand.
func (s *Sim) Accounts() []Account {
	var list []Account
	for _, c := range s.clouds {
		list = append(list, Account{
			Region: c.region, Brand: c.brand, Email: c.email, Password: Password, PIN: PIN,
			RefreshToken: c.account.refreshToken(), OTP: OTP, Vehicles: len(c.cars), Hosts: c.hosts,
		})
	}
	return list
}

// Vehicles lists all cars, account by account, in the order of the vehicle lists.
func (s *Sim) Vehicles() []Vehicle {
	var list []Vehicle
	for _, c := range s.clouds {
		for _, v := range c.cars {
			list = append(list, v.describe())
		}
	}
	return list
}

func (v *car) describe() Vehicle {
	return Vehicle{
		ID: v.id, VIN: v.vin, Region: v.cloud.region, Brand: v.cloud.brand, Model: v.model.name, Year: v.year,
		Protocol: v.protocol(), Engine: v.model.engine.String(),
	}
}
