package ccapi

var china = dialect{format: format{zone: zone("Asia/Shanghai"), flatStatus: "status", odometerInside: true, rules: flatRules, lowestAir: 14, highestAir: 29.5}}
