// Uses the npm package bluelinky, unchanged, as a program of its owner would: sign in, list, read, command. Each step is
// one line of JSON on the standard output; the Go test beside this file reads them.
//
//   SIMULATOR=http://127.0.0.1:8089 NODE_PATH=…/node_modules node --require ./redirect.cjs bluelinky.cjs au-hyundai
'use strict';

const http = require('node:http');
const { BlueLinky } = require('bluelinky');

// What the client is told, by the name of the account that it is for: region and brand as the simulator calls them.
const accounts = {
  'eu-hyundai': { region: 'EU', language: 'en' },
  'eu-kia': { region: 'EU', language: 'de' },
  'au-hyundai': { region: 'AU' },
  'au-kia': { region: 'AU' },
  'cn-hyundai': { region: 'CN' },
  'cn-kia': { region: 'CN' },
  'us-hyundai': { region: 'US' },
  'ca-hyundai': { region: 'CA' },
  'ca-kia': { region: 'CA' },
};

// The USA starts engines only: a car with a tank, and a plug to have a charge to read.
const engines = { 'us-hyundai': 'PHEV' };

// What is done with the car, in this order, and what the car must then be like; before is set by hand first. A step
// gives what the client made of the answer.
const reads = [
  { step: 'cached', run: (car) => car.status({ refresh: false, parsed: true }) },
  { step: 'forced', run: (car) => car.status({ refresh: true, parsed: true }) },
  { step: 'location', run: (car) => car.location() },
];
const more = [
  { step: 'full', run: (car) => car.fullStatus({ refresh: true, parsed: true }) },
  { step: 'odometer', run: (car) => car.odometer() },
];
const commands = [
  { step: 'unlock', run: (car) => car.unlock(), truth: { locked: false } },
  { step: 'lock', run: (car) => car.lock(), truth: { locked: true } },
  {
    step: 'start climate',
    run: (car) => car.start({ hvac: true, duration: 5, temperature: 22, defrost: true, heatedFeatures: false, unit: 'C' }),
    truth: { climate: true, climate_celsius: 22, defrost: true },
  },
  { step: 'stop climate', run: (car) => car.stop(), truth: { climate: false } },
];
const charging = [
  { step: 'stop charge', before: { plug: 'ac', soc_percent: 40, charging: true }, run: (car) => car.stopCharge(), truth: { charging: false } },
  { step: 'start charge', run: (car) => car.startCharge(), truth: { charging: true } },
  { step: 'set limits', run: (car) => car.setChargeTargets({ fast: 70, slow: 60 }), truth: { charge_limit_dc: 70, charge_limit_ac: 60 } },
];
const ccapi = [...reads, ...more, ...commands, ...charging, { step: 'get limits', run: (car) => car.getChargeTargets() }];
// The USA: degrees Fahrenheit, and nothing about charging that would leave the client.
const american = [
  ...reads, more[1], commands[0], commands[1],
  {
    step: 'start climate',
    run: (car) => car.start({ hvac: true, duration: 5, temperature: 72, defrost: true, heatedFeatures: false, unit: 'F' }),
    truth: { climate: true, climate_celsius: 22.2, defrost: true },
  },
  commands[3],
];
// Canada: the place comes as the cloud gives it, and temperatures count from another end than the car's.
const canadian = [
  reads[0], reads[1],
  { step: 'location', run: async (car) => { const { coord } = await car.location(); return { latitude: coord.lat, longitude: coord.lon }; } },
  more[1], commands[0], commands[1],
  { ...commands[2], truth: { climate: true, defrost: true } },
  commands[3],
  ...charging,
  { step: 'lights', run: (car) => car.lights(true), truth: { hazard_lights: true } },
];
const steps = {
  'us-hyundai': american,
  'ca-hyundai': canadian, 'ca-kia': canadian,
  'eu-hyundai': ccapi, 'eu-kia': ccapi,
  'au-hyundai': ccapi, 'au-kia': ccapi,
  'cn-hyundai': ccapi, 'cn-kia': ccapi,
};

// view asks the simulator itself, on the plain connection that nobody redirects.
function view(method, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(process.env.SIMULATOR + '/_sim/' + path, { method }, (response) => {
      let text = '';
      response.on('data', (part) => (text += part));
      response.on('end', () => (response.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(text))));
    });
    request.on('error', reject);
    request.end(body && JSON.stringify(body));
  });
}

// becomes waits until the car is like that, as it takes its time for a command.
async function becomes(id, truth) {
  for (let tries = 0; ; tries++) {
    const now = (await view('GET', 'vehicles/' + id)).truth;
    const wrong = Object.keys(truth).filter((key) => now[key] !== truth[key]);
    if (wrong.length === 0) return;
    if (tries === 100) throw new Error('the car did not change: ' + wrong.map((key) => `${key} is ${now[key]}`).join(', '));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const say = (step, result) => console.log(JSON.stringify({ step, ...result }));

async function step(name, run) {
  try {
    const answer = await run();
    say(name, { ok: true, answer });
    return answer;
  } catch (error) {
    say(name, { ok: false, error: String((error && error.message) || error) });
    process.exit(1);
  }
}

async function main(name) {
  const [region, brand] = name.split('-');
  const fleet = (await view('GET', 'vehicles')).filter((car) => car.region === region && car.brand === brand);
  // The client knows the flat protocol only.
  const chosen = fleet.find((car) => car.engine === (engines[name] || 'EV') && car.protocol !== 'ccs2') || fleet[0];
  const client = new BlueLinky({ brand, username: 'demo@example.com', password: 'demo', pin: '1234', autoLogin: false, ...accounts[name] });
  let failure;
  client.on('error', (error) => (failure = error));
  await step('login', async () => {
    const answer = await client.login();
    if (failure) throw failure;
    return answer;
  });
  await step('list', async () => client.cachedVehicles.map((car) => ({ id: car.id(), vin: car.vin(), name: car.nickname() })));
  const car = client.getVehicle(chosen.vin);
  for (const { step: what, before, run, truth } of steps[name]) {
    if (before) await view('POST', 'vehicles/' + chosen.id, before);
    await step(what, async () => {
      const answer = await run(car);
      if (truth) await becomes(chosen.id, truth);
      return answer;
    });
  }
}

main(process.argv[2]);
