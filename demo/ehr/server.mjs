#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// The sandbox EHR's server: reads the command line, listens on loopback, finds the tenant of a request.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { parseArgs } from 'node:util';
import { Ehr } from './ehr.mjs';
import { prepareSearch } from './fhir.mjs';
import { readBody, sendJson } from './http.mjs';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '9443' },
    host: { type: 'string', default: 'ehr.localhost' },
    'fhir-host': { type: 'string' },
    cert: { type: 'string' },
    key: { type: 'string' },
    'plain-http': { type: 'boolean', default: false },
    search: { type: 'boolean', default: false },
    'app-origin': { type: 'string', default: 'https://app.localhost:8443' },
    'launch-url': { type: 'string', default: 'https://app.localhost:8443/smart' },
    'app-name': { type: 'string', default: 'Study app' },
    clients: { type: 'string' },
    tenants: { type: 'string' },
  },
});

function makeServer(handler) {
  const limits = { maxHeaderSize: 64 * 1024 }; // launch codes of some KiB travel in URLs
  if (options['plain-http']) return http.createServer(limits, handler);
  if (!options.cert || !options.key) {
    console.error('Please give --cert FILE and --key FILE (PEM), or --plain-http.');
    process.exit(2);
  }
  const tls = { cert: readFileSync(options.cert), key: readFileSync(options.key) };
  return https.createServer({ ...limits, ...tls }, handler);
}

function listen(server, port, address) {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(port, address, () => done(server.address().port));
  });
}

let tenants; // promise of all EHRs: they are made once we know our port

async function findEhr(path) {
  const [main, ...others] = await tenants;
  const ehr = others.find(({ urls }) => path.startsWith(`${urls.path}/`)) ?? main;
  return { ehr, path: path.slice(ehr.urls.path.length) };
}

async function handler(req, res) {
  const [fullPath, search = ''] = req.url.split(/\?(.*)/s);
  try {
    const body = await readBody(req);
    const { ehr, path } = await findEhr(fullPath);
    await ehr.handle(req, res, { path, search, body });
  } catch (error) {
    if (!error.status && error.code !== 'ECONNRESET') console.error(error);
    if (!res.headersSent && !res.destroyed) sendJson(res, error.status ?? 500, { error: error.message });
  }
}

async function makeTenants(origin, fhirOrigin) {
  const app = { name: options['app-name'], origin: options['app-origin'], launchUrl: options['launch-url'] };
  const clients = options.clients ? JSON.parse(readFileSync(options.clients)) : [];
  const names = options.tenants ? options.tenants.split(',') : [];
  const shared = { origin, fhirOrigin, app, clients };
  return Promise.all([
    new Ehr({ name: 'sandbox', ...shared }).start(),
    ...names.map((name) => new Ehr({ name, path: `/t/${name}`, ...shared }).start()),
  ]);
}

const port = await listen(makeServer(handler), Number(options.port), '127.0.0.1');
listen(makeServer(handler), port, '::1').catch(() => {}); // machines without IPv6 do without

process.on('SIGTERM', () => process.exit(0));
process.on('SIGINT', () => process.exit(0));

const originAt = (host) => `${options['plain-http'] ? 'http' : 'https'}://${host}:${port}`;
tenants = makeTenants(originAt(options.host), originAt(options['fhir-host'] ?? options.host));
const [main, ...others] = await tenants;
if (options.search) prepareSearch();
const describe = ({ urls }) => ({ base: urls.base, fhir: urls.fhir, issuer: urls.issuer, control: `${urls.base}/control` });
console.log(JSON.stringify({
  ready: true, port, ...describe(main), tenants: Object.fromEntries(others.map((ehr) => [ehr.name, describe(ehr)])),
}));
