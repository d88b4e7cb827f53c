// SPDX-License-Identifier: Apache-2.0
// One EHR (one tenant): its parts, its URLs, and which part answers a request.

import { readFileSync } from 'node:fs';
import { Clients } from './clients.mjs';
import { handleControl } from './control.mjs';
import { Faults, withFault } from './faults.mjs';
import { FhirServer } from './fhir.mjs';
import { bearerOf, formToObject, send, sendJson } from './http.mjs';
import { Keys } from './keys.mjs';
import { AuthorizationServer, defaultSettings } from './oauth.mjs';
import { errorPage, handlePage, pageHeaders } from './pages.mjs';
import {
  Launches, openidConfiguration, smartConfiguration, smartStyle,
} from './smart.mjs';
import { userByName } from './users.mjs';

const css = readFileSync(new URL('style.css', import.meta.url));
const formPost = "document.forms[0].submit();\n";

function urlsOf(origin, fhirOrigin, path) {
  const base = `${origin}${path}`;
  return {
    base,
    path, // '' or '/t/<tenant>'
    host: new URL(origin).host,
    fhir: `${fhirOrigin}${path}/fhir`,
    issuer: `${base}/auth`, // not the FHIR base, as at most real EHRs
    style: `${base}/smart-style.json`,
    css: `${path}/style.css`,
    formPost: `${path}/form-post.js`,
  };
}

export class Ehr {
  constructor({ name, title, look = 0, origin, fhirOrigin, path = '', apps, clients }) {
    this.name = name;
    this.title = title; // what people read
    this.look = look; // which of the colours in style.css
    this.apps = apps; // of { name, launchUrl }
    this.appOrigins = [...new Set(apps.map(({ launchUrl }) => new URL(launchUrl).origin))];
    this.urls = urlsOf(origin, fhirOrigin, path);
    this.clients = new Clients(clients.filter((client) => [undefined, name].includes(client.ehr)));
    this.keys = new Keys();
    this.launches = new Launches();
    this.faults = new Faults();
    this.settings = { ...defaultSettings };
    this.bend = {}; // how id_tokens are bent
    this.log = [];
    this.connections = new WeakMap(); // socket -> its number
    this.oauth = new AuthorizationServer(this);
    this.fhir = new FhirServer({ base: this.urls.fhir, findToken: (bearer) => this.oauth.findToken(bearer) });
  }

  async start() {
    await Promise.all([this.oauth.start(), this.fhir.start()]);
    return this;
  }

  // A launch as the EHR's own page starts it: a code, and the URL that opens the app.
  // `app`: the number of the app, 1 if none is said; `slash`: the FHIR base is called with a slash at its end, as some EHRs do.
  launch({
    user: name, slash = false, app, ...rest
  }) {
    const user = userByName(name ?? 'dr-smith');
    if (!user) throw Object.assign(new Error(`no such user: ${name}`), { status: 400 });
    const launch = this.launches.create({ user, ...rest });
    const url = new URL((this.apps[(app ?? 1) - 1] ?? this.apps[0]).launchUrl);
    const iss = slash ? `${this.urls.fhir}/` : this.urls.fhir;
    url.searchParams.set('iss', iss);
    url.searchParams.set('launch', launch);
    return { launch, iss, url: url.href };
  }

  // What tests count: refreshes that were made, refresh tokens that came again after that, and how often
  // each access token came to the FHIR server since the log was emptied.
  counts() {
    const bearers = {};
    for (const { path, headers } of this.log) {
      const bearer = path.startsWith('/fhir') && bearerOf(headers);
      if (bearer) bearers[bearer] = (bearers[bearer] ?? 0) + 1;
    }
    return { ...this.oauth.counts, bearers };
  }

  // Everything as at the start, but keys stay and so do tokens.
  async reset() {
    this.log.length = 0;
    this.faults.clear();
    this.oauth.forgetCounts();
    this.launches.clear();
    this.clients.reset();
    this.settings = { ...defaultSettings };
    this.bend = {};
    await this.fhir.start();
  }

  // `path` is relative to our base URL, `search` the raw query.
  async handle(req, res, { path, search, body }) {
    const query = new URLSearchParams(search);
    if (path.startsWith('/control/')) {
      return handleControl(this, req, res, { rest: path.slice('/control'.length), query, body });
    }
    if (path === '/style.css') return send(res, 200, 'text/css', css, { 'Cache-Control': 'no-cache' });
    if (path === '/form-post.js') return send(res, 200, 'text/javascript', formPost);
    if (!/^\/(auth|fhir|smart-style\.json)(\/|$)/.test(path)) return this.#page(req, res, { path, query });

    const entry = this.#record(req, res, { path, search, body });
    const fault = this.faults.take(path, body, bearerOf(req.headers));
    for (const name of fault?.ignore ?? []) query.delete(name);
    const answer = () => this.#answer(req, res, { path, search: fault?.ignore ? `${query}` : search, body, entry });
    const { urls, faults } = this;
    return fault ? withFault(fault, { req, res, answer, base: urls.fhir, faults }) : answer();
  }

  #answer(req, res, { path, search: query, body, entry }) {
    const { urls, settings } = this;
    if (path === '/fhir/.well-known/smart-configuration') {
      return sendJson(res, 200, smartConfiguration(urls, settings));
    }
    if (/^\/(fhir|auth)\/\.well-known\/openid-configuration$/.test(path)) {
      return sendJson(res, 200, openidConfiguration(urls, settings));
    }
    if (path === '/auth/jwks') return this.keys.jwks().then((jwks) => sendJson(res, 200, jwks));
    if (path === '/smart-style.json') return sendJson(res, 200, smartStyle);
    const rest = path.replace(/^\/(auth|fhir)/, '');
    return (path.startsWith('/auth') ? this.oauth : this.fhir).handle(req, res, { rest, query, body, entry });
  }

  #page(req, res, { path, query }) {
    if (handlePage(this, req, res, { path, query })) return;
    const page = errorPage({ ehr: this, code: 404, text: 'There is no such page.' });
    send(res, 404, 'text/html; charset=utf-8', page, pageHeaders);
  }

  #record(req, res, { path, search, body }) {
    const text = body.toString();
    const isForm = req.headers['content-type']?.startsWith('application/x-www-form-urlencoded');
    const entry = {
      n: this.log.length + 1,
      at: new Date().toISOString(),
      connection: this.#connection(req.socket),
      method: req.method,
      path,
      url: req.url,
      query: formToObject(search),
      headers: req.headers,
      raw_headers: req.rawHeaders,
      body: text,
      ...isForm && { form: formToObject(text) },
      status: null, // stays null when no answer was sent
    };
    this.log.push(entry);
    res.once('finish', () => { entry.status = res.statusCode; });
    return entry;
  }

  // Requests on one connection have one number.
  #connection(socket) {
    if (!this.connections.has(socket)) {
      this.connected = (this.connected ?? 0) + 1;
      this.connections.set(socket, this.connected);
    }
    return this.connections.get(socket);
  }
}
