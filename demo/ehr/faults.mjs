// SPDX-License-Identifier: Apache-2.0
// Bad days on request: PUT /control/faults makes an endpoint slow, broken or silent. See README.md.

import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { patchObject, send, sleep } from './http.mjs';

export const points = [
  'discovery', 'openid', 'authorize', 'token', 'refresh', 'system', 'revoke', 'introspect', 'jwks', 'fhir',
];
const grants = { refresh_token: 'refresh', client_credentials: 'system' };

// The name of the point a request goes to; `path` is relative to the EHR's base URL.
export function pointOf(path, body) {
  if (path === '/fhir/.well-known/smart-configuration') return 'discovery';
  if (path.endsWith('/.well-known/openid-configuration')) return 'openid';
  if (path === '/auth/authorize') return 'authorize';
  if (path === '/auth/jwks') return 'jwks';
  if (path === '/fhir' || path.startsWith('/fhir/')) return 'fhir';
  if (path === '/auth/revoke') return 'revoke';
  if (path === '/auth/introspect') return 'introspect';
  if (path !== '/auth/token') return undefined;
  return grants[new URLSearchParams(body.toString()).get('grant_type')] ?? 'token';
}

// The resource type of a request to the FHIR server: its point may be one of its own, "fhir:Observation".
const typeOf = (path) => /^\/fhir\/([A-Z]\w*)/.exec(path)?.[1];

export class Faults {
  #byPoint = {};

  #letGo = []; // one for each request that is held

  get() {
    return this.#byPoint;
  }

  set(changes) {
    const unknown = Object.keys(changes).filter((point) => !points.includes(point) && !/^fhir:[A-Z]\w*$/.test(point));
    if (unknown.length) throw Object.assign(new Error(`unknown point: ${unknown}`), { status: 400 });
    this.#byPoint = patchObject(this.#byPoint, structuredClone(changes));
  }

  clear() {
    this.#byPoint = {};
    this.release();
  }

  // Requests that are held go on, whether their client still waits or not, and no more are held.
  release() {
    for (const fault of Object.values(this.#byPoint)) delete fault.held;
    for (const letGo of this.#letGo.splice(0)) letGo();
  }

  // Resolves at once for the first `held_after` of them.
  held(fault) {
    if (fault.held_after > 0) {
      fault.held_after -= 1;
      return undefined;
    }
    return new Promise((letGo) => { this.#letGo.push(letGo); });
  }

  // The fault that this request meets, if any; `bearer` is the access token it came with.
  take(path, body, bearer) {
    const own = `fhir:${typeOf(path)}`;
    const point = this.#byPoint[own] ? own : pointOf(path, body);
    const fault = this.#byPoint[point];
    if (!fault || (fault.token !== undefined && fault.token !== bearer)) return undefined;
    if (fault.after > 0) {
      fault.after -= 1;
      return undefined;
    }
    if (fault.times !== undefined) {
      fault.times -= 1;
      if (fault.times <= 0) delete this.#byPoint[point];
    }
    return fault;
  }
}

// Runs `answer` (which writes the true answer to `res`) under a fault; `base` is the FHIR base URL, `faults` holds.
export async function withFault(fault, {
  req, res, answer, base, faults,
}) {
  if (fault.close === 'before') return void req.socket.destroy();
  if (fault.delay_ms) await sleep(fault.delay_ms);
  if (fault.held) await faults.held(fault);
  if (fault.hang) return undefined;
  if (fault.early_hints) res.writeEarlyHints(fault.early_hints);
  if (fault.bundle) return sendBundle(res, fault, base);
  if (fault.observations) return sendObservations(req, res, fault.observations, base);
  if (lacks(req, fault.require)) return sendRefused(res, 'required', `this search needs ${fault.require}`);
  if (has(req, fault.refuse)) return sendRefused(res, 'not-supported', `this search does not take ${fault.refuse}`);

  const replaced = ['status', 'body', 'redirect'].some((member) => fault[member] !== undefined) && !fault.patch;
  const original = replaced ? Buffer.from(fault.body ?? '') : await capture(res, answer);
  if (fault.close === 'after') return void req.socket.destroy();
  if (fault.redirect !== undefined) res.setHeader('Location', fault.redirect);
  if (fault.redirect !== undefined) res.statusCode = 307;
  if (fault.status !== undefined) res.statusCode = fault.status;
  if (fault.params) overrideRedirect(res, fault.params);
  return deliver(res, shape(res, original, fault), fault);
}

// Lets `answer` write to `res`, but holds the body back and returns it.
async function capture(res, answer) {
  const { write, end } = res;
  const chunks = [];
  const body = new Promise((done) => {
    res.write = (chunk) => chunks.push(Buffer.from(chunk)) > 0;
    res.end = (chunk) => {
      if (chunk) chunks.push(Buffer.from(chunk));
      Object.assign(res, { write, end });
      done(Buffer.concat(chunks));
      return res;
    };
  });
  await answer();
  return body;
}

export function overrideRedirect(res, params) {
  const location = res.getHeader('Location');
  if (!location) return;
  const url = new URL(location, 'http://relative.invalid');
  for (const [name, value] of Object.entries(params)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  res.setHeader('Location', url.href.replace('http://relative.invalid', ''));
}

function shape(res, original, fault) {
  let body = original;
  if (fault.patch) body = Buffer.from(JSON.stringify(patchObject(JSON.parse(body), fault.patch)));
  if (fault.big) body = padded(body, fault.big);
  if (fault.content_type !== undefined) res.setHeader('Content-Type', fault.content_type);
  else if (!res.getHeader('Content-Type') && body.length) res.setHeader('Content-Type', 'application/json');
  for (const [name, value] of Object.entries(fault.headers ?? {})) res.setHeader(name, value);
  if (fault.escape_slashes) body = Buffer.from(body.toString().replaceAll('/', '\\/'));
  if (!fault.gzip) return body;
  res.setHeader('Content-Encoding', 'gzip');
  return gzipSync(body);
}

// The true JSON answer, made `size` bytes long by one more member at its end.
function padded(body, size) {
  const value = JSON.parse(body.length ? body : '{}');
  const bare = Buffer.byteLength(JSON.stringify({ ...value, padding: '' }));
  return Buffer.from(JSON.stringify({ ...value, padding: 'x'.repeat(Math.max(0, size - bare)) }));
}

async function deliver(res, body, fault) {
  const half = body.subarray(0, Math.floor(body.length / 2));
  if (fault.content_length !== null) res.setHeader('Content-Length', fault.content_length ?? body.length);
  else res.removeHeader('Content-Length');
  if (fault.truncate) return void res.write(half, () => res.socket?.destroy());
  if (fault.stall) return void res.write(half);
  if (fault.content_length > body.length) return void res.write(body, () => res.socket?.end());
  if (fault.drip_ms) {
    for (const byte of body) {
      if (res.destroyed) return;
      res.write(Buffer.from([byte]));
      await sleep(fault.drip_ms);
    }
  }
  res.end(fault.drip_ms ? undefined : body);
}

const queryOf = (req) => new URL(req.url, 'http://relative.invalid').searchParams;
const lacks = (req, names = []) => names.some((name) => !queryOf(req).has(name));
const has = (req, names = []) => names.some((name) => queryOf(req).has(name));

function sendRefused(res, code, text) {
  const issue = [{ severity: 'error', code, diagnostics: text }];
  send(res, 400, 'application/fhir+json', JSON.stringify({ resourceType: 'OperationOutcome', issue }));
}

// One page of a long chart, made when it is asked for: whatever the search says, all results of one test.
function sendObservations(req, res, wanted, base) {
  const {
    total = 20000, page: size = 100, patient = 'luna-mccullough', loinc = '718-7', first = '2024-01-01T00:00:00Z', minutes = 10,
  } = wanted;
  const query = queryOf(req);
  const page = Number(query.get('_page') ?? 0);
  const entry = Array.from({ length: Math.max(0, Math.min(size, total - page * size)) }, (_, k) => {
    const i = page * size + k;
    const resource = {
      resourceType: 'Observation',
      id: `long-${i}`,
      status: 'final',
      code: { coding: [{ system: 'http://loinc.org', code: loinc }] },
      subject: { reference: `Patient/${patient}` },
      effectiveDateTime: new Date(Date.parse(first) + i * minutes * 60000).toISOString(),
      valueQuantity: { value: 10 + i / 1000, unit: 'g/dL', system: 'http://unitsofmeasure.org', code: 'g/dL' },
    };
    return { fullUrl: `${base}/Observation/${resource.id}`, resource, search: { mode: 'match' } };
  });
  query.set('_page', page + 1);
  const link = (page + 1) * size < total ? [{ relation: 'next', url: `${base}/Observation?${query}` }] : [];
  send(res, 200, 'application/fhir+json', JSON.stringify({ resourceType: 'Bundle', type: 'searchset', total, link, entry }));
}

// A Bundle of about `bytes`, made while it is sent, never held as a whole. All entries have the same length.
async function sendBundle(res, fault, base) {
  const { bytes = 1e8, entry_bytes: size = 1024, patient = 'big' } = fault.bundle;
  const entry = (i) => {
    const id = `big-${String(i).padStart(8, '0')}`;
    const resource = { resourceType: 'Observation', id, subject: { reference: `${base}/Patient/${patient}` }, note: [{ text: '' }] };
    const text = JSON.stringify({ fullUrl: `${base}/Observation/${id}`, resource });
    return text.replace('"text":""', `"text":"${'x'.repeat(Math.max(0, size - text.length))}"`);
  };
  const count = Math.max(1, Math.floor(bytes / (entry(0).length + 1)));
  const head = `{"resourceType":"Bundle","type":"searchset","total":${count},"entry":[`;
  res.statusCode = 200;
  res.setHeader('Content-Type', fault.content_type ?? 'application/fhir+json');
  for (const [name, value] of Object.entries(fault.headers ?? {})) res.setHeader(name, value);
  const length = head.length + count * (entry(0).length + 1) - 1 + 2;
  if (fault.content_length !== null) res.setHeader('Content-Length', length);
  res.write(head);
  for (let i = 0; i < count; i += 64) {
    const some = Array.from({ length: Math.min(64, count - i) }, (_, k) => entry(i + k)).join(',');
    if (res.destroyed) return;
    if (!res.write(i ? `,${some}` : some)) await Promise.race([once(res, 'drain'), once(res, 'close')]);
  }
  res.end(']}');
}
