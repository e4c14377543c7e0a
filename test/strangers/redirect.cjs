// Sends every TLS connection of this Node process to the simulated clouds instead: node --require ./redirect.cjs.
//
// Whatever a client uses (http agents, got, undici), a call to https:// ends in tls.connect; what comes back here is a
// plain connection to the simulator, which claims to be secured. Nothing else changes: the Host header, paths, cookies
// and redirects are those that the client would have sent (docs/protocol/strangers.md).
'use strict';

const net = require('node:net');
const tls = require('node:tls');

const { hostname, port } = new URL(process.env.SIMULATOR);

tls.connect = (...args) => {
  const options = args.find((arg) => arg && typeof arg === 'object') || {};
  const callback = args.find((arg) => typeof arg === 'function');
  const socket = net.connect({ host: hostname, port: Number(port) });
  Object.assign(socket, { encrypted: true, authorized: true, alpnProtocol: false, servername: options.servername });
  socket.getPeerCertificate = () => ({});
  socket.once('connect', () => socket.emit('secureConnect'));
  if (callback) socket.once('secureConnect', callback);
  return socket;
};
