// SPDX-License-Identifier: Apache-2.0
// The apps registered here, and how they prove who they are.

import { createHash, randomBytes } from 'node:crypto';
import { algorithms } from './keys.mjs';

const methods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'];
const hashed = (secret) => createHash('sha256').update(secret).digest('hex');
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function checked(client) {
  const fail = (text) => { throw Object.assign(new Error(`client ${client?.client_id}: ${text}`), { status: 400 }); };
  if (typeof client?.client_id !== 'string') fail('client_id is missing');
  const method = client.token_endpoint_auth_method ?? (client.client_secret ? 'client_secret_basic' : 'none');
  if (!methods.includes(method)) fail(`unknown token_endpoint_auth_method ${method}`);
  if (method.startsWith('client_secret') && !client.client_secret) fail('client_secret is missing');
  if (method === 'private_key_jwt' && !client.jwks === !client.jwks_uri) fail('either jwks or jwks_uri is needed');
  const alg = client.id_token_signed_response_alg ?? 'RS256';
  if (!algorithms.includes(alg)) fail(`unknown id_token_signed_response_alg ${alg}`);
  return { ...client, token_endpoint_auth_method: method, id_token_signed_response_alg: alg };
}

export class Clients {
  #byId = new Map();
  #innerSecret = randomBytes(32).toString('hex'); // what oidc-provider takes for a checked assertion

  constructor(initial = []) {
    this.initial = initial;
    this.reset();
  }

  set(list) {
    for (const client of [list].flat().map(checked)) this.#byId.set(client.client_id, client);
  }

  get(id) {
    return this.#byId.get(id);
  }

  list() {
    return [...this.#byId.values()].map(({ client_secret: _, ...shown }) => shown);
  }

  reset() {
    this.#byId.clear();
    this.set(this.initial);
  }

  // What oidc-provider knows of a client. It takes only plain ASCII secrets, so it gets their hash. A client
  // with a key has a secret there that only we know: its assertions are checked before (gate.mjs).
  metadata(id) {
    const client = this.get(id);
    if (!client) return undefined;
    const { token_endpoint_auth_method: method, client_secret: secret, redirect_uris: uris = [] } = client;
    const hasKey = method === 'private_key_jwt';
    return {
      client_id: id,
      client_name: client.client_name ?? id,
      redirect_uris: uris,
      token_endpoint_auth_method: hasKey ? 'client_secret_post' : method,
      response_types: uris.length ? ['code'] : [],
      grant_types: [
        ...uris.length ? ['authorization_code', 'refresh_token'] : [], ...hasKey ? ['client_credentials'] : [],
      ],
      ...method !== 'none' && { client_secret: hashed(hasKey ? this.#innerSecret : secret) },
    };
  }

  // A form whose assertion was found right, as oidc-provider takes it.
  withInnerSecret(body, id) {
    const params = new URLSearchParams(body.toString());
    params.delete('client_assertion');
    params.delete('client_assertion_type');
    params.set('client_id', id);
    params.set('client_secret', this.#innerSecret);
    return Buffer.from(params.toString());
  }

  // SMART (and Epic) put id and secret into HTTP Basic as they are; RFC 6749 section 2.3.1 form-encodes
  // them first, and so expects oidc-provider. Here the first is the rule, the second a client's option.
  translateBasic(header) {
    const encoded = /^Basic (.*)$/.exec(header ?? '')?.[1];
    if (encoded === undefined) return header;
    if (!base64.test(encoded)) return 'Basic !';
    const text = Buffer.from(encoded, 'base64').toString();
    const colon = text.indexOf(':');
    if (colon < 0) return 'Basic !';
    let [id, secret] = [text.slice(0, colon), text.slice(colon + 1)];
    const decoded = formDecode(id);
    if (this.get(decoded)?.basic === 'form') [id, secret] = [decoded, formDecode(secret)];
    return `Basic ${Buffer.from(`${encodeURIComponent(id)}:${hashed(secret ?? '')}`).toString('base64')}`;
  }

  translateBody(body) {
    const params = new URLSearchParams(body.toString());
    if (!params.has('client_secret')) return body;
    params.set('client_secret', hashed(params.get('client_secret')));
    return Buffer.from(params.toString());
  }
}

function formDecode(text) {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
