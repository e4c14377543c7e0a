// Gives one command as an MQTT v5 request by mqtt.js, and prints each answer as a line of JSON until the last one.
//
//	node mqttjs.cjs mqtt://127.0.0.1:1883 hyundai/CAR/commands/lock '{"action":"unlock","id":"x"}'
'use strict';
const mqtt = require('mqtt');
const [url, topic, payload] = process.argv.slice(2);

const replies = 'app/mqttjs';
const client = mqtt.connect(url, { protocolVersion: 5, reconnectPeriod: 0, connectTimeout: 10_000 });
let done = false;
const fail = (error) => {
  if (done) return; // Mosquitto may reset the connection at the goodbye
  console.error(String(error));
  process.exit(1);
};
client.on('error', fail);
setTimeout(() => fail('no last answer within a minute'), 60_000).unref();

client.on('connect', async () => {
  try {
    await client.subscribeAsync(replies, { qos: 1 });
    await client.publishAsync(topic, payload, {
      qos: 1,
      properties: { responseTopic: replies, correlationData: Buffer.from([0, 1, 254, 255]), messageExpiryInterval: 30 },
    });
  } catch (error) {
    fail(error);
  }
});
client.on('message', (_, message, packet) => {
  const record = JSON.parse(message.toString());
  const { correlationData, contentType } = packet.properties ?? {};
  console.log(JSON.stringify({ record, correlation: correlationData?.toString('hex'), contentType, retain: packet.retain, qos: packet.qos }));
  if (record.terminal) {
    done = true;
    client.end(false, {}, () => process.exit(0));
  }
});
