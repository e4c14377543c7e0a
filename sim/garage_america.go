package sim

// The kinds of cars of the American accounts. Each list has one that burns fuel, as one
// client starts only such (docs/protocol/strangers.md), and the variants of status and
// commands that its page names.

// americanHyundai and americanGenesis have telematics of both generations, which take
// different climate bodies (docs/protocol/usa-hyundai-genesis.md §6.1).
var americanHyundai = []model{
	{name: "IONIQ 5", code: "IONIQ 5", engine: electric, generation: 3, capacityKWh: 84, acKW: 10.9, dcKW: 250, kWhPerKm: 0.19, sunroof: true},
	{name: "KONA ELECTRIC", code: "KONA ELECTRIC", engine: electric, generation: 2, capacityKWh: 64, acKW: 7.2, dcKW: 75, kWhPerKm: 0.16},
	{name: "TUCSON PLUG-IN HYBRID", code: "TUCSON", engine: plugIn, generation: 2, capacityKWh: 13.8, acKW: 7.2, kWhPerKm: 0.21, tankL: 42, lPer100Km: 6.7},
	{name: "SANTA FE", code: "SANTA FE", engine: petrol, generation: 2, tankL: 67, lPer100Km: 9.4, sunroof: true},
	{name: "TUCSON HYBRID", code: "TUCSON", engine: hybrid, generation: 3, tankL: 52, lPer100Km: 6.3},
}

var americanGenesis = []model{
	{name: "GV60", code: "GV60", engine: electric, generation: 2, capacityKWh: 77.4, acKW: 10.9, dcKW: 235, kWhPerKm: 0.2, sunroof: true},
	{name: "ELECTRIFIED GV70", code: "ELECTRIFIED GV70", engine: electric, generation: 3, capacityKWh: 77.4, acKW: 10.9, dcKW: 235, kWhPerKm: 0.21},
	{name: "GV70", code: "GV70", engine: petrol, generation: 2, tankL: 66, lPer100Km: 10.5, sunroof: true},
	{name: "G80", code: "G80", engine: petrol, generation: 3, tankL: 73, lPer100Km: 10.1},
}

// americanKia has a car without charge limits in its cached status and without heated
// seats, and one that keeps its climate to itself (docs/protocol/usa-kia.md §4.1, §6.1).
var americanKia = []model{
	{name: "EV6", code: "CV", engine: electric, generation: 3, capacityKWh: 77.4, acKW: 10.9, dcKW: 235, kWhPerKm: 0.18, sunroof: true},
	{name: "NIRO EV", code: "DEEV", engine: electric, generation: 2, older: true, year: 2020, capacityKWh: 64, acKW: 7.2, dcKW: 75, kWhPerKm: 0.16},
	{name: "SPORTAGE PLUG-IN HYBRID", code: "NQ5PHEV", engine: plugIn, generation: 3, capacityKWh: 13.8, acKW: 7.2, kWhPerKm: 0.21, tankL: 42, lPer100Km: 6.6},
	{name: "TELLURIDE", code: "ON", engine: petrol, generation: 3, tankL: 71, lPer100Km: 10.7, sunroof: true},
	{name: "SORENTO HYBRID", code: "MQ4HEV", engine: hybrid, generation: 3, tankL: 67, lPer100Km: 6.5},
	{name: "EV9", code: "MV", engine: electric, generation: 3, climateAsked: true, capacityKWh: 99.8, acKW: 10.9, dcKW: 210, kWhPerKm: 0.22, sunroof: true},
}

// The Canadian ones have a car of each table of temperatures and of each climate body
// (docs/protocol/canada.md §6.1, §6.4). One client tells an EV9 by its nickname.
var (
	canadianHyundai = []model{
		{name: "IONIQ 5", code: "NE", engine: electric, capacityKWh: 77.4, acKW: 10.9, dcKW: 235, kWhPerKm: 0.19, sunroof: true},
		{name: "KONA Electric", code: "OS", engine: electric, year: 2019, older: true, capacityKWh: 64, acKW: 7.2, dcKW: 75, kWhPerKm: 0.16},
		{name: "TUCSON PHEV", code: "NX4", engine: plugIn, capacityKWh: 13.8, acKW: 7.2, kWhPerKm: 0.21, tankL: 42, lPer100Km: 6.7},
		{name: "ELANTRA", code: "CN7", engine: petrol, tankL: 47, lPer100Km: 6.7},
		{name: "IONIQ 9", code: "ME", engine: electric, capacityKWh: 110, acKW: 10.9, dcKW: 230, kWhPerKm: 0.22, sunroof: true},
	}
	canadianKia = []model{
		{name: "EV6", code: "CV", engine: electric, capacityKWh: 77.4, acKW: 10.9, dcKW: 235, kWhPerKm: 0.18, sunroof: true},
		{name: "EV9", nickname: "EV9", code: "MV", engine: electric, capacityKWh: 99.8, acKW: 10.9, dcKW: 210, kWhPerKm: 0.22, sunroof: true},
		{name: "Sportage PHEV", code: "NQ5", engine: plugIn, capacityKWh: 13.8, acKW: 7.2, kWhPerKm: 0.21, tankL: 42, lPer100Km: 6.6},
		{name: "Forte", code: "BD", engine: petrol, tankL: 50, lPer100Km: 6.9},
		{name: "Niro EV", code: "DE", engine: electric, year: 2019, older: true, capacityKWh: 64, acKW: 7.2, dcKW: 75, kWhPerKm: 0.16},
	}
	canadianGenesis = []model{
		{name: "GV60", code: "JW", engine: electric, capacityKWh: 77.4, acKW: 10.9, dcKW: 235, kWhPerKm: 0.2, sunroof: true},
		{name: "Electrified GV70", code: "JK", engine: electric, capacityKWh: 77.4, acKW: 10.9, dcKW: 235, kWhPerKm: 0.21},
		{name: "GV80", code: "JX1", engine: petrol, tankL: 80, lPer100Km: 11.2, sunroof: true},
		{name: "G70", code: "IK", engine: petrol, year: 2019, older: true, tankL: 60, lPer100Km: 9.9},
	}
)
