package topic

import (
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// ClimateMessages is how many messages [Table.Climate] makes.
const ClimateMessages = 2

// Climate tells what a car does not report of its climate control: the temperature of the next start, which is the one
// that is kept for it or else the one that the car reports, and the preset that was started last, null for none. at is our
// clock; values are those in the messages, which tell whether there is news.
func (t *Table) Climate(at time.Time, s vehicle.State, target vehicle.Optional[vehicle.Quantity], preset string) (messages [ClimateMessages]Message, values [ClimateMessages][]byte) {
	set := t.rows[t.byDatum[vehicle.AirTemperature.Datum][0]]
	value, unit := set.write(nil, set.units, s)
	if target.Given {
		q := target.Value
		for _, u := range []vehicle.Unit{vehicle.Celsius, vehicle.Fahrenheit} {
			if other, ok := q.In(u); ok && u.String() == unit {
				q = other
			}
		}
		value, unit = appendNumber(nil, q.Value, forms[vehicle.KindTemperature].decimals), q.Unit.String()
	}
	values = [ClimateMessages][]byte{value, appendNull(nil)}
	if preset != "" {
		values[1] = appendText(nil, preset)
	}
	messages[0] = Message{"status/climate/target", appendTail(append(appendHead(nil), value...), at, time.Time{}, unit), true}
	messages[1] = retained("status/climate/preset", at, values[1])
	return messages, values
}
