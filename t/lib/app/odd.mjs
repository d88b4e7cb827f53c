// SPDX-License-Identifier: Apache-2.0
// Servers that answer as a test says, right or wrong, and remember what reached them. The argument is
// JSON: {name: {cert, key, max, plain}}, one listener each. Control, over plain HTTP: PUT /routes
// {path: answer or null} (they are added), GET /log, DELETE /log, POST /release.
//
// An answer: {status, headers, body, base64 (bytes, in place of the body), repeat (the body so many times),
// delay_ms, held (until /release, after which no more are), drip_ms, hang, close, raw (bytes on the wire in place of a whole answer), echo (a challenge that
// comes as Redox sends them is sent back: true, "GET" by that method only, "wrong" with another one)}.
import http from 'node:http';
import https from 'node:https';
import { readFileSync } from 'node:fs';

const wanted = JSON.parse(process.argv[2]);
const routes = new Map();
let log = [];
const held = [];
const fresh = () => Object.fromEntries(Object.keys(wanted).map((name) => [name, 0]));
let connections = fresh();
const sleep = (ms) => new Promise((done) => { setTimeout(done, ms); });

async function drip(res, text, ms) {
  for (const byte of Buffer.from(text)) {
    if (res.destroyed) return;
    res.write(Buffer.from([byte]));
    await sleep(ms);
  }
  res.end();
}

function challengeOf({ method, query, body }, echo) {
  if (!echo || (echo === 'GET' && method !== 'GET')) return null;
  let challenge = new URLSearchParams(query).get('challenge');
  try { challenge ??= JSON.parse(body).challenge; } catch { /* no JSON */ }
  return challenge && echo === 'wrong' ? `${challenge.slice(1)}x` : challenge;
}

async function answer(res, route, asked) {
  const challenge = challengeOf(asked, route.echo);
  if (challenge) {
    res.end(`{"challenge": "${challenge}"}`);
    return;
  }
  if (route.delay_ms) await sleep(route.delay_ms);
  if (route.held) await new Promise((letGo) => { held.push(letGo); });
  if (route.hang) return;
  if (route.close) {
    res.socket.destroy();
    return;
  }
  if (route.raw) {
    res.socket.end(route.raw);
    return;
  }
  const text = route.base64 ? Buffer.from(route.base64, 'base64') : (route.body ?? '').repeat(route.repeat ?? 1);
  res.writeHead(route.status ?? 200, { 'Content-Type': 'application/json', ...route.headers });
  if (route.drip_ms) await drip(res, text, route.drip_ms);
  else res.end(text);
}

function handler(name) {
  return (req, res) => {
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      const [path, query = ''] = req.url.split('?');
      const asked = {
        listener: name, method: req.method, path, query, headers: req.headers, body: Buffer.concat(chunks).toString(),
      };
      log.push(asked);
      answer(res, routes.get(path) ?? { status: 404 }, asked);
    });
  };
}

function make(name, { cert, key, max, plain }) {
  if (plain) return http.createServer(handler(name));
  const tls = { cert: readFileSync(cert), key: readFileSync(key) };
  if (max) Object.assign(tls, { minVersion: 'TLSv1', maxVersion: max, ciphers: 'DEFAULT@SECLEVEL=0' });
  return https.createServer(tls, handler(name));
}

function release() {
  for (const route of routes.values()) delete route.held;
  for (const letGo of held.splice(0)) letGo();
}

const listen = (server, port, address) => new Promise((done, fail) => {
  server.once('error', fail);
  server.listen(port, address, () => done(server.address().port));
});

async function listenOn(name, options) {
  const count = (server) => server.on('connection', () => { connections[name] += 1; });
  const port = await listen(count(make(name, options)), 0, '127.0.0.1');
  await listen(count(make(name, options)), port, '::1').catch(() => {});
  return port;
}

const control = http.createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const shown = JSON.stringify({ requests: log, connections });
    if (req.method === 'PUT') {
      for (const [path, route] of Object.entries(JSON.parse(Buffer.concat(chunks).toString()))) routes.set(path, route);
    }
    if (req.method === 'POST') release();
    if (req.method === 'DELETE') [log, connections] = [[], fresh()];
    res.end(shown);
  });
});

const ports = {};
for (const [name, options] of Object.entries(wanted)) ports[name] = await listenOn(name, options);
ports.control = await listen(control, 0, '127.0.0.1');
console.log(JSON.stringify({ ready: true, ports }));
process.on('SIGTERM', () => process.exit(0));
