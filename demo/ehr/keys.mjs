// SPDX-License-Identifier: Apache-2.0
// The EHR's signing keys and what they sign. oidc-provider makes the claims of an id_token; the
// signature is made here, so that tests can rotate keys and bend tokens while the server runs.

import {
  createHash, createHmac, createPublicKey, generateKeyPair, sign as signBytes,
} from 'node:crypto';
import { promisify } from 'node:util';
import { patchObject } from './http.mjs';

const newPair = promisify(generateKeyPair);
const kinds = {
  RS256: { hash: 'sha256', make: () => newPair('rsa', { modulusLength: 2048 }) },
  RS384: { hash: 'sha384', make: () => newPair('rsa', { modulusLength: 2048 }) },
  ES256: { hash: 'sha256', make: () => newPair('ec', { namedCurve: 'P-256' }) },
  ES384: { hash: 'sha384', make: () => newPair('ec', { namedCurve: 'P-384' }) },
};
export const algorithms = Object.keys(kinds);

const base64url = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

async function newKey(alg, publishAt = Date.now()) {
  const { privateKey } = await kinds[alg].make();
  const publicKey = createPublicKey(privateKey);
  const jwk = publicKey.export({ format: 'jwk' });
  const kid = createHash('sha256').update(JSON.stringify(jwk)).digest('base64url').slice(0, 16);
  return { alg, kid, privateKey, publicKey, publishAt, jwk: { ...jwk, kid, alg, use: 'sig' } };
}

function signature(data, alg, privateKey) {
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' };
  return signBytes(kinds[alg].hash, Buffer.from(data), key).toString('base64url');
}

export function decodeClaims(jwt) {
  return JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));
}

// OpenID Connect Core 3.1.3.6: the left half of the hash of the access token.
export function accessTokenHash(token, alg) {
  const digest = createHash(kinds[alg].hash).update(token).digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}

export class Keys {
  #current = new Map(); // alg -> promise of the key that signs
  #retired = []; // still published, but signing nothing any more

  // A key is made when its algorithm is first wanted: most runs never need more than RS256.
  key(alg) {
    if (!this.#current.has(alg)) this.#current.set(alg, newKey(alg));
    return this.#current.get(alg);
  }

  async jwks() {
    const now = Date.now();
    const keys = [...this.#retired, ...await Promise.all(this.#current.values())];
    return { keys: keys.filter((key) => key.publishAt <= now).map((key) => key.jwk) };
  }

  async rotate({ keep_old: keepOld = false, publish_delay_ms: delay = 0 } = {}) {
    const old = await Promise.all(this.#current.values());
    this.#retired = keepOld ? [...this.#retired, ...old] : [];
    for (const { alg } of old) this.#current.set(alg, newKey(alg, Date.now() + delay));
    const fresh = await Promise.all(this.#current.values());
    return { keys: fresh.map(({ alg, kid }) => ({ alg, kid })) };
  }

  async privateJwk(alg) {
    const { kid, privateKey } = await this.key(alg);
    return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
  }

  // `bend` is the body of PUT /control/id_token, see README.md.
  async sign(claims, alg, bend = {}) {
    const key = await this.key(alg);
    const headAlg = { none: 'none', 'hs256-public': 'HS256' }[bend.sign] ?? alg;
    const kid = bend.no_kid ? {} : { kid: key.kid };
    const header = patchObject({ alg: headAlg, typ: 'JWT', ...kid }, bend.header);
    const data = `${base64url(header)}.${base64url(patchObject(claims, bend.claims))}`;

    switch (bend.sign) {
      case 'none':
      case 'strip':
        return `${data}.`;
      case 'other-key':
        return `${data}.${signature(data, alg, (await newKey(alg)).privateKey)}`;
      case 'hs256-public': {
        const secret = key.publicKey.export({ type: 'spki', format: 'pem' });
        return `${data}.${createHmac('sha256', secret).update(data).digest('base64url')}`;
      }
      default:
        return `${data}.${signature(data, alg, key.privateKey)}`;
    }
  }
}
