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
    'launch-url': { type: 'string', default: 'https://app.localhost:8443/smart' },
    'app-name': { type: 'string', default: 'Study app' },
    app: { type: 'string', multiple: true, default: [] },
    clients: { type: 'string' },
    title: { type: 'string', default: 'Sandbox EHR' },
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

// "a,b" or "clinic:City Clinic:clinic.localhost": name, what people read, host of its pages.
const tenantOf = (text, i) => {
  const [name, title = options.title, host = options.host] = text.split(':');
  return { name, title, host, path: `/t/${name}`, look: i + 1 };
};

async function makeTenants() {
  const app = { name: options['app-name'], launchUrl: options['launch-url'] };
  const more = options.app.map((text) => text.split(/=(.*)/s)).map(([name, launchUrl]) => ({ name, launchUrl }));
  const clients = options.clients ? JSON.parse(readFileSync(options.clients)) : [];
  const fhirOrigin = (host) => originAt(options['fhir-host'] ?? host);
  const main = { name: 'sandbox', title: options.title, host: options.host, apps: [app, ...more] };
  const all = [main, ...(options.tenants?.split(',') ?? []).map(tenantOf)];
  return Promise.all(all.map(({ host, ...rest }) => new Ehr({
    apps: [app], ...rest, origin: originAt(host), fhirOrigin: fhirOrigin(host), clients,
  }).start()));
}

const port = await listen(makeServer(handler), Number(options.port), '127.0.0.1');
listen(makeServer(handler), port, '::1').catch(() => {}); // machines without IPv6 do without

process.on('SIGTERM', () => process.exit(0));
process.on('SIGINT', () => process.exit(0));

const originAt = (host) => `${options['plain-http'] ? 'http' : 'https'}://${host}:${port}`;
tenants = makeTenants();
const [main, ...others] = await tenants;
if (options.search) prepareSearch();
const describe = ({ urls }) => ({ base: urls.base, fhir: urls.fhir, issuer: urls.issuer, control: `${urls.base}/control` });
console.log(JSON.stringify({
  ready: true, port, ...describe(main), tenants: Object.fromEntries(others.map((ehr) => [ehr.name, describe(ehr)])),
}));
