// SPDX-License-Identifier: Apache-2.0
// What SMART App Launch adds to OpenID Connect: launch codes, launch context, the discovery document.

import { randomBytes } from 'node:crypto';
import { algorithms } from './keys.mjs';
import { patchObject } from './http.mjs';

const odd = ['+', '/', '=', '%', '&', 'é', 'ß', '語'];

// Characters that a client must carry unchanged through two URLs, mixed into an unguessable value.
function launchCode(length = 43, isOdd = false) {
  const characters = [...randomBytes(Math.max(length, 22)).toString('base64url')].slice(0, Math.max(length, 22));
  if (isOdd) characters.forEach((_, i) => { if (i % 5 === 4) characters[i] = odd[(i / 5 | 0) % odd.length]; });
  return characters.join('');
}

export class Launches {
  #open = new Map();

  // `patient` and `encounter` are FHIR ids; `extra` is merged into the token response (null removes).
  create({ user, patient, encounter, intent, length, odd: isOdd, refuse = false, extra = {}, ttl = 300 }) {
    const code = launchCode(length, isOdd);
    const context = { patient, encounter, intent, extra };
    this.#open.set(code, { user, refuse, context, expiresAt: Date.now() + ttl * 1000 });
    return code;
  }

  // A launch code serves once, whatever comes of it.
  take(code) {
    const launch = this.#open.get(code);
    this.#open.delete(code);
    return launch && launch.expiresAt > Date.now() ? launch : undefined;
  }

  clear() {
    this.#open.clear();
  }
}

// The members of the token response that tell the app what is open in the EHR.
export function contextMembers(context, { tenant, styleUrl }) {
  const { patient, encounter, intent, extra } = context;
  const members = { need_patient_banner: true, smart_style_url: styleUrl, tenant };
  if (patient) members.patient = patient;
  if (encounter) members.encounter = encounter;
  if (intent) members.intent = intent;
  return patchObject(members, extra);
}

export function openidConfiguration(urls, settings) {
  return {
    issuer: urls.issuer,
    authorization_endpoint: `${urls.issuer}/authorize`,
    token_endpoint: `${urls.issuer}/token`,
    jwks_uri: `${urls.issuer}/jwks`,
    revocation_endpoint: `${urls.issuer}/revoke`,
    introspection_endpoint: `${urls.issuer}/introspect`,
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    ...settings.assertion_algs && { token_endpoint_auth_signing_alg_values_supported: settings.assertion_algs },
    ...settings.pkce !== 'refused' && { code_challenge_methods_supported: ['S256'] },
    scopes_supported: ['openid', 'fhirUser', 'launch', 'launch/patient', 'offline_access', 'patient/*.rs', 'user/*.rs', 'system/*.rs'],
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'fhirUser', 'preferred_username', 'name'],
    ...settings.issuer_param && { authorization_response_iss_parameter_supported: true },
  };
}

export function smartConfiguration(urls, settings) {
  const { subject_types_supported: _, claims_supported: __, ...shared } = openidConfiguration(urls, settings);
  return {
    ...shared,
    capabilities: [
      'launch-ehr', 'launch-standalone', 'authorize-post', 'client-public', 'client-confidential-symmetric',
      'client-confidential-asymmetric', 'sso-openid-connect', 'context-banner', 'context-style',
      'context-ehr-patient', 'context-ehr-encounter', 'context-standalone-patient', 'permission-offline',
      'permission-online', 'permission-patient', 'permission-user', 'permission-v1', 'permission-v2',
    ],
  };
}

export const smartStyle = {
  color_background: '#f5f7f9',
  color_error: '#b3261e',
  color_highlight: '#1f6f78',
  color_modal_backdrop: '',
  color_success: '#2e7d4f',
  color_text: '#1d2b36',
  dim_border_radius: '8px',
  dim_font_size: '15px',
  dim_spacing_size: '16px',
  font_family_body: 'system-ui, sans-serif',
  font_family_heading: 'system-ui, sans-serif',
};
