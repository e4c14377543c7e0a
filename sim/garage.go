package sim

// The kinds of cars of an account in the order of its vehicle list: the first is an
// electric car that can do all that its region allows, the second an electric car that in
// Europe and Australia speaks the flat protocol only, as some clients know no other
// (docs/protocol/strangers.md). Longer lists begin again.

var europeanHyundai = []model{
	{name: "IONIQ 5", code: "NE", engine: electric, ccs2: true, capacityKWh: 77.4, acKW: 10.5, dcKW: 220, kWhPerKm: 0.178, sunroof: true},
	{name: "KONA Electric", code: "OS", engine: electric, capacityKWh: 64, acKW: 10.5, dcKW: 75, kWhPerKm: 0.152},
	{name: "TUCSON PHEV", code: "NX4", engine: plugIn, ccs2: true, capacityKWh: 13.8, acKW: 7.2, kWhPerKm: 0.21, tankL: 42, lPer100Km: 6.6, sunroof: true},
	{name: "i20", code: "BC3", engine: petrol, tankL: 40, lPer100Km: 5.4},
	{name: "SANTA FE HEV", code: "MX5", engine: hybrid, ccs2: true, tankL: 67, lPer100Km: 6.9},
	{name: "IONIQ 6", code: "CE", engine: electric, ccs2: true, capacityKWh: 77.4, acKW: 10.5, dcKW: 230, kWhPerKm: 0.151},
	{name: "IONIQ Electric", code: "AE", engine: electric, capacityKWh: 38.3, acKW: 7.2, dcKW: 44, kWhPerKm: 0.138},
	{name: "IONIQ PHEV", code: "AEP", engine: plugIn, capacityKWh: 8.9, acKW: 3.3, kWhPerKm: 0.16, tankL: 43, lPer100Km: 4.5},
	{name: "KONA", code: "SX2", engine: petrol, ccs2: true, tankL: 47, lPer100Km: 6.1},
	{name: "IONIQ Hybrid", code: "AEH", engine: hybrid, tankL: 45, lPer100Km: 4.2},
}

var europeanKia = []model{
	{name: "EV6", code: "CV", engine: electric, ccs2: true, capacityKWh: 77.4, acKW: 10.5, dcKW: 230, kWhPerKm: 0.172, sunroof: true},
	{name: "e-Niro", code: "DE", engine: electric, capacityKWh: 64, acKW: 10.5, dcKW: 75, kWhPerKm: 0.156},
	{name: "Sportage PHEV", code: "NQ5", engine: plugIn, ccs2: true, capacityKWh: 13.8, acKW: 7.2, kWhPerKm: 0.21, tankL: 42, lPer100Km: 6.4, sunroof: true},
	{name: "Ceed", code: "CD", engine: petrol, tankL: 50, lPer100Km: 5.8},
	{name: "Sorento HEV", code: "MQ4", engine: hybrid, ccs2: true, tankL: 67, lPer100Km: 6.7},
	{name: "EV9", code: "MV", engine: electric, ccs2: true, capacityKWh: 99.8, acKW: 10.5, dcKW: 210, kWhPerKm: 0.215, sunroof: true},
	{name: "e-Soul", code: "SK3", engine: electric, capacityKWh: 64, acKW: 7.2, dcKW: 75, kWhPerKm: 0.157},
	{name: "Niro PHEV", code: "DEP", engine: plugIn, capacityKWh: 8.9, acKW: 3.3, kWhPerKm: 0.17, tankL: 43, lPer100Km: 4.8},
	{name: "Sportage", code: "NQ5", engine: petrol, ccs2: true, tankL: 54, lPer100Km: 7.1},
	{name: "Niro Hybrid", code: "DEH", engine: hybrid, tankL: 45, lPer100Km: 4.6},
}

var europeanGenesis = []model{
	{name: "GV60", code: "JW", engine: electric, ccs2: true, capacityKWh: 77.4, acKW: 10.5, dcKW: 230, kWhPerKm: 0.19, sunroof: true},
	{name: "Electrified G80", code: "RG3", engine: electric, capacityKWh: 87.2, acKW: 10.5, dcKW: 187, kWhPerKm: 0.194},
	{name: "GV80 PHEV", code: "JX1", engine: plugIn, ccs2: true, capacityKWh: 20, acKW: 7.2, kWhPerKm: 0.24, tankL: 60, lPer100Km: 8.1, sunroof: true},
	{name: "G70", code: "IK", engine: petrol, tankL: 60, lPer100Km: 8.6},
	{name: "GV80", code: "JX1", engine: petrol, ccs2: true, tankL: 80, lPer100Km: 9.8},
	{name: "Electrified GV70", code: "JK", engine: electric, ccs2: true, capacityKWh: 77.4, acKW: 10.5, dcKW: 230, kWhPerKm: 0.2, sunroof: true},
}

var australianHyundai = []model{
	{name: "IONIQ 5", code: "NE", engine: electric, ccs2: true, capacityKWh: 77.4, acKW: 10.5, dcKW: 220, kWhPerKm: 0.178, sunroof: true},
	{name: "KONA Electric", code: "OS", engine: electric, capacityKWh: 64, acKW: 7.2, dcKW: 75, kWhPerKm: 0.152},
	{name: "SANTA FE Hybrid", code: "MX5", engine: hybrid, ccs2: true, tankL: 67, lPer100Km: 5.6},
	{name: "i30", code: "PD", engine: petrol, tankL: 50, lPer100Km: 7.4},
	{name: "IONIQ 6", code: "CE", engine: electric, ccs2: true, capacityKWh: 77.4, acKW: 10.5, dcKW: 230, kWhPerKm: 0.151},
	{name: "IONIQ PHEV", code: "AEP", engine: plugIn, capacityKWh: 8.9, acKW: 3.3, kWhPerKm: 0.16, tankL: 43, lPer100Km: 4.5},
}

var australianKia = []model{
	{name: "EV6", code: "CV", engine: electric, ccs2: true, capacityKWh: 77.4, acKW: 10.5, dcKW: 230, kWhPerKm: 0.172, sunroof: true},
	{name: "Niro EV", code: "DE", engine: electric, capacityKWh: 64, acKW: 7.2, dcKW: 75, kWhPerKm: 0.156},
	{name: "Sorento PHEV", code: "MQ4", engine: plugIn, ccs2: true, capacityKWh: 13.8, acKW: 7.2, kWhPerKm: 0.22, tankL: 67, lPer100Km: 6.9, sunroof: true},
	// Seen: its climate cannot be started (docs/protocol/australia-newzealand.md §8).
	{name: "Tasman", code: "TK", engine: petrol, tankL: 80, lPer100Km: 7.8, refuses: "/control/temperature"},
	{name: "EV5", code: "OV", engine: electric, ccs2: true, capacityKWh: 88.1, acKW: 11, dcKW: 140, kWhPerKm: 0.182},
	{name: "Niro PHEV", code: "DEP", engine: plugIn, capacityKWh: 8.9, acKW: 3.3, kWhPerKm: 0.17, tankL: 43, lPer100Km: 4.8},
	{name: "Cerato", code: "BD", engine: petrol, tankL: 50, lPer100Km: 7.4},
}

var indianHyundai = []model{
	{name: "CRETA Electric", code: "SU2e", engine: electric, capacityKWh: 51.4, acKW: 11, dcKW: 50, kWhPerKm: 0.141, sunroof: true},
	{name: "IONIQ 5", code: "NE", engine: electric, capacityKWh: 72.6, acKW: 10.5, dcKW: 220, kWhPerKm: 0.172, sunroof: true},
	{name: "EXTER", code: "AI3", engine: petrol, tankL: 37, lPer100Km: 5.6},
	{name: "CRETA", code: "SU2", engine: petrol, tankL: 50, lPer100Km: 6.3, sunroof: true},
	// None has been seen (docs/protocol/india.md §3); the list ends with what one would be.
	{name: "IONIQ 5 2026", code: "NE", engine: electric, ccs2: true, capacityKWh: 84, acKW: 10.5, dcKW: 260, kWhPerKm: 0.174, sunroof: true},
}

var indianKia = []model{
	{name: "EV6", code: "CV", engine: electric, capacityKWh: 77.4, acKW: 10.5, dcKW: 230, kWhPerKm: 0.172, sunroof: true},
	{name: "Carens EV", code: "KY", engine: electric, capacityKWh: 51.4, acKW: 11, dcKW: 100, kWhPerKm: 0.152},
	{name: "Seltos", code: "SP2i", engine: petrol, tankL: 50, lPer100Km: 6.2, sunroof: true},
	{name: "Sonet", code: "QYi", engine: petrol, tankL: 45, lPer100Km: 5.4},
	{name: "EV9", code: "MV", engine: electric, ccs2: true, capacityKWh: 99.8, acKW: 10.5, dcKW: 210, kWhPerKm: 0.215, sunroof: true},
}

// China's cars say nothing of CCS2 in the list, and none of them speaks it.
var chineseHyundai = []model{
	{name: "ELEXIO", code: "OE", engine: electric, capacityKWh: 88.1, acKW: 7, dcKW: 150, kWhPerKm: 0.139},
	{name: "Mistra EV", code: "DU2", engine: electric, capacityKWh: 56.5, acKW: 7, dcKW: 80, kWhPerKm: 0.128},
	{name: "Custo", code: "KUc", engine: petrol, tankL: 58, lPer100Km: 7.2, sunroof: true},
	{name: "Santa Fe Hybrid", code: "MX5c", engine: hybrid, tankL: 67, lPer100Km: 6.1},
}

var chineseKia = []model{
	{name: "EV5", code: "OV", engine: electric, capacityKWh: 88.1, acKW: 7, dcKW: 140, kWhPerKm: 0.139},
	{name: "EV6", code: "CV", engine: electric, capacityKWh: 77.4, acKW: 7, dcKW: 230, kWhPerKm: 0.166, sunroof: true},
	{name: "Sportage", code: "NQ5", engine: petrol, tankL: 54, lPer100Km: 7.1},
	{name: "K5", code: "DL3", engine: petrol, tankL: 60, lPer100Km: 6.4},
}

// Brazil's cars are read as CCS2 trees, whatever they say (docs/protocol/brazil.md §4).
var brazilianHyundai = []model{
	{name: "IONIQ 5", code: "NE", engine: electric, ccs2: true, capacityKWh: 77.4, acKW: 10.5, dcKW: 220, kWhPerKm: 0.178},
	{name: "KONA Electric", code: "SX2e", engine: electric, ccs2: true, capacityKWh: 64, acKW: 7.2, dcKW: 100, kWhPerKm: 0.152},
	{name: "CRETA", code: "SU2b", engine: petrol, ccs2: true, tankL: 50, lPer100Km: 8.1, sunroof: true},
	{name: "KONA Hybrid", code: "SX2h", engine: hybrid, ccs2: true, tankL: 38, lPer100Km: 5.1},
	{name: "HB20", code: "BI3", engine: petrol, ccs2: true, tankL: 50, lPer100Km: 7.3},
}
