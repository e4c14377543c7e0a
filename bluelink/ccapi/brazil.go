package ccapi

import "time"

var brazil = dialect{format: format{zone: time.FixedZone("-03", -3*60*60), oneClock: true}}
