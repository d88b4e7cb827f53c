// SPDX-License-Identifier: Apache-2.0
// How a client with a key proves who it is (private_key_jwt, SMART client-confidential-asymmetric). As
// strict as the strictest real server, so that an app that passes here passes there.

import { createPublicKey, verify } from 'node:crypto';
import https from 'node:https';
import http from 'node:http';

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const kinds = { RS384: 'RSA', ES384: 'EC' };
export const assertionAlgorithms = Object.keys(kinds);
const maxLife = 300; // seconds that an assertion may have ahead

const decode = (part) => JSON.parse(Buffer.from(part, 'base64url'));
const isText = (value) => typeof value === 'string' && value !== '';

export class Assertions {
  #seen = new Map(); // client id and jti -> when it may be forgotten
  #keySets = new Map(); // jwks_uri -> keys, as they were when last fetched

  constructor(ehr) {
    this.ehr = ehr;
  }

  // Looks at the client assertion of a form; `audiences` are the URLs that it may be made for. What was in
  // it, and as `failure` the first thing that is wrong with it, if any; undefined where none is due.
  async check(form, audiences) {
    const due = this.#client(form.client_id)?.token_endpoint_auth_method === 'private_key_jwt';
    if (form.client_assertion === undefined && form.client_assertion_type === undefined) {
      return due ? { failure: 'client_assertion is missing' } : undefined;
    }
    const parts = isText(form.client_assertion) ? form.client_assertion.split('.') : [];
    try {
      const [header, claims] = [decode(parts[0]), decode(parts[1])];
      const seen = { client_id: claims.sub, header, claims };
      const failure = parts.length === 3 ? await this.#failure(form, seen, parts, audiences) : 'not a JWT';
      return { ...seen, failure: failure ?? null };
    } catch {
      return { failure: 'not a JWT' };
    }
  }

  #client(id) {
    return isText(id) ? this.ehr.clients.get(id) : undefined;
  }

  async #failure(form, { header, claims }, parts, audiences) {
    const client = this.#client(claims.sub);
    if (form.client_assertion_type !== assertionType) return 'client_assertion_type is wrong';
    if (client?.token_endpoint_auth_method !== 'private_key_jwt') return 'sub: no client with a key';
    if (form.client_id !== undefined && form.client_id !== claims.sub) return 'client_id is another than sub';
    return this.#headerFailure(header, client) ?? await this.#signatureFailure(header, client, parts)
      ?? claimsFailure(claims, audiences) ?? this.#replayFailure(claims);
  }

  #headerFailure({ alg, typ, kid, jku }, client) {
    const known = this.ehr.settings.assertion_algs ?? assertionAlgorithms;
    if (typ !== 'JWT') return 'typ is not JWT';
    if (!known.includes(alg)) return `alg ${alg} is not supported`;
    if (!isText(kid)) return 'kid is missing';
    if (jku !== undefined && jku !== client.jwks_uri) return 'jku is not the registered jwks_uri';
    return undefined;
  }

  async #signatureFailure({ alg, kid }, client, [head, payload, signature]) {
    const fits = (key) => key.kid === kid && key.kty === kinds[alg] && (key.alg ?? alg) === alg;
    let found = (await this.#keys(client, false)).filter(fits);
    if (!found.length && client.jwks_uri) found = (await this.#keys(client, true)).filter(fits);
    if (found.length !== 1) return `kid: ${found.length || 'no'} key of the client has it`;
    const key = { key: createPublicKey({ key: found[0], format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
    const isRight = verify('sha384', Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, 'base64url'));
    return isRight ? undefined : 'the signature is wrong';
  }

  // A jwks_uri is read once, and again when a key is not in what was read.
  async #keys({ jwks, jwks_uri: uri }, again) {
    if (!uri) return jwks?.keys ?? [];
    if (again || !this.#keySets.has(uri)) this.#keySets.set(uri, (await fetchJson(uri).catch(() => ({}))).keys ?? []);
    return this.#keySets.get(uri);
  }

  #replayFailure({ sub, jti, exp }) {
    const now = Date.now() / 1000;
    for (const [id, end] of this.#seen) if (end < now) this.#seen.delete(id);
    const id = JSON.stringify([sub, jti]);
    if (this.#seen.has(id)) return 'jti was used before';
    this.#seen.set(id, exp);
    return undefined;
  }
}

function claimsFailure({ iss, sub, aud, exp, iat, nbf, jti }, audiences) {
  const now = Math.floor(Date.now() / 1000);
  if (iss !== sub) return 'iss is not sub';
  if (typeof aud !== 'string') return 'aud is not a string';
  if (!audiences.includes(aud)) return `aud is not ${audiences[0]}`;
  if (!Number.isInteger(exp)) return 'exp is not a whole number';
  if (exp <= now) return 'exp is past';
  if (exp > now + maxLife) return `exp is more than ${maxLife} s ahead`;
  if (iat !== undefined && !(Number.isInteger(iat) && iat <= now)) return 'iat is in the future';
  if (nbf !== undefined && !(nbf <= now)) return 'nbf is in the future';
  return isText(jti) ? undefined : 'jti is missing';
}

// GET, wherever it is. Names below localhost are ourselves, whether the machine knows that or not, and have
// certificates of their own making.
function fetchJson(address) {
  const url = new URL(address);
  const isLocal = /^(.+\.)?localhost$|^127\.0\.0\.1$/.test(url.hostname);
  const options = { rejectUnauthorized: !isLocal, timeout: 5000, headers: { Accept: 'application/json', Host: url.host } };
  if (isLocal) Object.assign(options, { hostname: '127.0.0.1', port: url.port, path: url.pathname + url.search });
  return new Promise((done, fail) => {
    const scheme = url.protocol === 'https:' ? https : http;
    const call = scheme.get(...isLocal ? [{ ...options, servername: url.hostname }] : [url, options], async (answer) => {
      try {
        done(JSON.parse(Buffer.concat(await answer.toArray())));
      } catch (error) {
        fail(error);
      }
    });
    call.on('timeout', () => call.destroy(new Error('time-out')));
    call.on('error', fail);
  });
}
