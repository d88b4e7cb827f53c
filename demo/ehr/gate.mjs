// SPDX-License-Identifier: Apache-2.0
// What stands before oidc-provider at /token, /revoke and /introspect: the proofs and the house rules that
// it does not know, or that real EHRs have and it has not.

import { Assertions } from './assertion.mjs';
import { formToObject } from './http.mjs';

export const clientEndpoints = ['/token', '/revoke', '/introspect'];

export class Gate {
  #assertions;
  #renewed = new Map(); // grant id -> when it was last refreshed

  constructor(ehr, provider) {
    this.ehr = ehr;
    this.provider = provider;
    this.#assertions = new Assertions(ehr);
  }

  // `{ body }` to be given to the provider, or a `refusal`: status, error, description, headers.
  // What a client assertion was found to be is noted in `entry`, the request's line in the log.
  async pass({ rest, body, entry }) {
    const form = formToObject(body.toString());
    const token = `${this.ehr.urls.issuer}/token`;
    const audiences = rest === '/token' ? [token] : [token, `${this.ehr.urls.issuer}${rest}`];
    const proof = await this.#assertions.check(form, audiences);
    if (proof) entry.assertion = proof;
    if (proof?.failure) return { refusal: [401, 'invalid_client', proof.failure] };
    const refusal = rest === '/token' && await this.#refusal(form);
    if (refusal) return { refusal };
    return { body: proof ? this.ehr.clients.withInnerSecret(body, proof.client_id) : body };
  }

  async #refusal(form) {
    const { client_id_in_body: demanded } = this.ehr.settings;
    const isRefresh = form.grant_type === 'refresh_token';
    if (form.client_id === undefined && (demanded === true || (demanded === 'refresh' && isRefresh))) {
      return [400, 'invalid_request', 'client_id is missing in the body'];
    }
    if (isRefresh) return this.#tooSoon(form.refresh_token);
    return form.grant_type === 'client_credentials' ? systemRefusal(form) : undefined;
  }

  // Some EHRs let an app refresh once a minute.
  async #tooSoon(refreshToken) {
    const interval = this.ehr.settings.refresh_min_interval;
    const grant = interval > 0 && typeof refreshToken === 'string'
      && (await this.provider.RefreshToken.find(refreshToken))?.grantId;
    if (!grant) return undefined;
    const wait = Math.ceil((this.#renewed.get(grant) ?? -Infinity) + interval - Date.now() / 1000);
    if (wait > 0) return [429, 'temporarily_unavailable', `refresh again in ${wait} s`, { 'Retry-After': String(wait) }];
    this.#renewed.set(grant, Date.now() / 1000);
    return undefined;
  }
}

// SMART backend services: with a key, and for system scopes only.
function systemRefusal({ scope, client_assertion: assertion }) {
  if (assertion === undefined) return [400, 'unauthorized_client', 'a backend service proves itself by a key'];
  const scopes = String(scope ?? '').split(' ').filter(Boolean);
  const wrong = scopes.find((it) => !it.startsWith('system/'));
  if (!scopes.length) return [400, 'invalid_scope', 'scope is missing'];
  return wrong && [400, 'invalid_scope', `${wrong} is not for a backend service`];
}
