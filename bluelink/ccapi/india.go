package ccapi

var india = dialect{format: format{zone: zone("Asia/Kolkata"), odometerInside: true, rules: flatRules, lowestAir: 14, highestAir: 29.5}}
