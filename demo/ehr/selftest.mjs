// SPDX-License-Identifier: Apache-2.0
// node --test selftest.mjs: starts the sandbox over plain HTTP and walks through launches as an app would.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, verify,
} from 'node:crypto';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, beforeEach, test } from 'node:test';

const redirectUri = 'https://app.localhost:8443/smart';
const secret = 's%/+3:é&x';
const clients = [
  { client_id: 'raw', client_secret: secret, redirect_uris: [redirectUri] },
  { client_id: 'form', client_secret: secret, basic: 'form', redirect_uris: [redirectUri] },
  { client_id: 'post', client_secret: secret, token_endpoint_auth_method: 'client_secret_post', redirect_uris: [redirectUri] },
  { client_id: 'public', token_endpoint_auth_method: 'none', redirect_uris: [redirectUri] },
  { client_id: 'only-b', ehr: 'b', client_secret: secret },
  { client_id: 'es384', client_secret: secret, id_token_signed_response_alg: 'ES384', redirect_uris: [redirectUri] },
];
const scope = 'launch openid fhirUser offline_access patient/*.rs';
const folder = mkdtempSync(path.join(tmpdir(), 'sandbox-ehr-'));
let server;
let ehr;

// Names below .localhost are not resolved everywhere; the server answers under any Host.
const at = (url) => url.replace(/(ehr|clinic)\.localhost/, '127.0.0.1');
const get = (url, options) => fetch(at(url), { redirect: 'manual', ...options });
const decode = (part) => JSON.parse(Buffer.from(part, 'base64url'));
const basic = (id, password) => ({ authorization: `Basic ${Buffer.from(`${id}:${password}`).toString('base64')}` });

async function control(method, call, body, of = ehr) {
  const answer = await get(`${of.control}${call}`, { method, body: body && JSON.stringify(body) });
  assert.equal(answer.status, 200, `${method} ${call}`);
  return answer.json();
}

async function authorize({ client = 'raw', launch, of = ehr, asked = scope, change = {} }) {
  const verifier = randomBytes(32).toString('base64url');
  const params = {
    response_type: 'code', client_id: client, redirect_uri: redirectUri, scope: asked, state: 'st4te', aud: of.fhir,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
    ...launch && { launch }, ...change,
  };
  const answer = await get(`${of.issuer}/authorize?${new URLSearchParams(params)}`);
  const location = answer.headers.get('location');
  return { answer, verifier, location: location && new URL(location) };
}

function tokenRequest({ of = ehr, headers = basic('raw', secret), ...params }) {
  return get(`${of.issuer}/token`, { method: 'POST', headers, body: new URLSearchParams(params) });
}

async function exchange({ location, verifier, ...rest }) {
  const code = location.searchParams.get('code');
  assert.ok(code, location.href);
  return tokenRequest({ grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier, ...rest });
}

async function launchedTokens(launchOptions = {}, { client = 'raw', ...rest } = {}) {
  const { launch } = await control('POST', '/launch', launchOptions);
  const done = await authorize({ client, launch });
  const answer = await exchange({ ...done, ...rest });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

before(async () => {
  writeFileSync(path.join(folder, 'clients.json'), JSON.stringify(clients));
  server = spawn(process.execPath, [
    new URL('server.mjs', import.meta.url).pathname, '--plain-http', '--port', '0', '--app', 'Second app=https://second.localhost:8443/smart', '--tenants', 'a,b:City Clinic:clinic.localhost',
    '--clients', path.join(folder, 'clients.json'),
  ], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface(server.stdout)) {
    ehr = JSON.parse(line);
    break;
  }
});
beforeEach(() => control('POST', '/reset'));
after(() => {
  server.kill();
  rmSync(folder, { recursive: true });
});

test('discovery names an issuer that is not the FHIR base', async () => {
  const smart = await (await get(`${ehr.fhir}/.well-known/smart-configuration`)).json();
  assert.equal(smart.issuer, ehr.issuer);
  assert.deepEqual(smart.code_challenge_methods_supported, ['S256']);
  for (const base of [ehr.fhir, ehr.issuer]) {
    const openid = await (await get(`${base}/.well-known/openid-configuration`)).json();
    assert.equal(openid.issuer, ehr.issuer);
    assert.equal(openid.token_endpoint, smart.token_endpoint);
  }
});

test('a launch without cookies: code, tokens, context, id_token, FHIR', async () => {
  const { launch } = await control('POST', '/launch', { user: 'dr-jones', patient: 'omar-haddad', encounter: 'e1', intent: 'enrol' });
  const done = await authorize({ launch });
  assert.equal(done.answer.status, 303);
  assert.equal(`${done.location.origin}${done.location.pathname}`, redirectUri);
  assert.equal(done.location.searchParams.get('state'), 'st4te');
  assert.equal(done.location.searchParams.get('iss'), ehr.issuer);

  const tokens = await (await exchange(done)).json();
  assert.deepEqual(tokens.scope.split(' ').sort(), scope.split(' ').sort());
  assert.equal(tokens.patient, 'omar-haddad');
  assert.equal(tokens.encounter, 'e1');
  assert.equal(tokens.intent, 'enrol');
  assert.equal(tokens.need_patient_banner, true);
  assert.ok(tokens.refresh_token);

  const [header, payload, signature] = tokens.id_token.split('.');
  const { keys } = await (await get(`${ehr.issuer}/jwks`)).json();
  const key = createPublicKey({ key: keys.find(({ kid }) => kid === decode(header).kid), format: 'jwk' });
  assert.ok(verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url')));
  const claims = decode(payload);
  assert.equal(claims.iss, ehr.issuer);
  assert.equal(claims.aud, 'raw');
  assert.equal(claims.preferred_username, 'dr-jones');
  assert.equal(claims.fhirUser, `${ehr.fhir}/Practitioner/pract-jones`);

  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const patient = await (await get(`${ehr.fhir}/Patient/omar-haddad`, { headers })).json();
  assert.equal(patient.name[0].family, 'Haddad');
  const page = await (await get(`${ehr.fhir}/Observation?patient=omar-haddad&_count=5`, { headers })).json();
  assert.equal(page.entry.length, 5);
  assert.ok(page.total > 5);
  const next = page.link.find(({ relation }) => relation === 'next').url;
  assert.ok(next.startsWith(`${ehr.fhir}/Observation?`));
  const second = await (await get(next, { headers })).json();
  assert.notEqual(second.entry[0].resource.id, page.entry[0].resource.id);
  const posted = await get(`${ehr.fhir}/Patient/_search`, { method: 'POST', headers, body: new URLSearchParams({ name: 'luna' }) });
  assert.equal((await posted.json()).entry[0].resource.id, 'luna-mccullough');
  const absolute = encodeURIComponent(`${ehr.fhir}/Patient/omar-haddad`);
  assert.ok((await (await get(`${ehr.fhir}/Condition?subject=${absolute}`, { headers })).json()).total > 0);
});

test('a launch without a patient, and one with odd members', async () => {
  assert.equal((await launchedTokens()).patient, undefined);
  const extra = { need_patient_banner: null, fhirContext: [{ reference: 'ImagingStudy/1' }], patient: 'x\r\ny' };
  const tokens = await launchedTokens({ patient: 'omar-haddad', extra });
  assert.equal(tokens.need_patient_banner, undefined);
  assert.deepEqual(tokens.fhirContext, extra.fhirContext);
  assert.equal(tokens.patient, extra.patient);
});

test('FHIR refuses a request without a token, and one with an expired token', async () => {
  assert.equal((await get(`${ehr.fhir}/Patient`)).status, 401);
  assert.equal((await get(`${ehr.fhir}/metadata`)).status, 200);
  await control('PUT', '/settings', { expires_in: 1 });
  const { access_token: token } = await launchedTokens();
  const headers = { authorization: `Bearer ${token}` };
  const deadline = Date.now() + 5000;
  let status = 0;
  while (status !== 401 && Date.now() < deadline) ({ status } = await get(`${ehr.fhir}/Patient/omar-haddad`, { headers }));
  assert.equal(status, 401);
});

test('a launch code serves once, and only its own EHR', async () => {
  const { launch } = await control('POST', '/launch', {});
  assert.ok((await authorize({ launch, of: { ...ehr.tenants.a } })).location.searchParams.get('error'));
  assert.ok((await authorize({ launch })).location.searchParams.get('code'));
  assert.equal((await authorize({ launch })).location.searchParams.get('error'), 'invalid_request');
});

test('long and odd launch codes come through', async () => {
  const { launch, url } = await control('POST', '/launch', { length: 4096, odd: true });
  assert.equal([...launch].length, 4096);
  assert.match(launch, /[+][^]*[/][^]*=[^]*%[^]*&[^]*é/);
  assert.equal(new URL(url).searchParams.get('launch'), launch);
  assert.ok((await authorize({ launch })).location.searchParams.get('code'));
});

test('a wrong aud is an error page, a refusal goes back to the app', async () => {
  const { launch } = await control('POST', '/launch', { refuse: true });
  const wrong = await authorize({ launch, change: { aud: `${ehr.fhir}/` } });
  assert.equal(wrong.answer.status, 400);
  assert.equal(wrong.location, null);
  assert.equal((await authorize({ launch })).location.searchParams.get('error'), 'access_denied');
});

test('PKCE is asked for and checked; a code serves once', async () => {
  const { launch } = await control('POST', '/launch', {});
  const bare = await authorize({ launch, change: { code_challenge: '', code_challenge_method: '' } });
  assert.equal(bare.location.searchParams.get('error'), 'invalid_request');
  const done = await authorize({ launch });
  assert.equal((await exchange({ ...done, verifier: 'x'.repeat(43) })).status, 400);
  assert.equal((await exchange(done)).status, 200);
  assert.equal((await exchange(done)).status, 400);
});

test('client authentication: raw and form Basic, post, public', async () => {
  const encoded = (text) => new URLSearchParams({ x: text }).toString().slice(2);
  await launchedTokens({}, { client: 'form', headers: basic('form', encoded(secret)) });
  await launchedTokens({}, { client: 'post', headers: {}, client_id: 'post', client_secret: secret });
  await launchedTokens({}, { client: 'public', headers: {}, client_id: 'public' });
  for (const headers of [basic('raw', encoded(secret)), basic('raw', 'wrong'), basic('form', secret), {}]) {
    const answer = await tokenRequest({ headers, grant_type: 'refresh_token', refresh_token: 'x' });
    assert.ok([400, 401].includes(answer.status));
    assert.match((await answer.json()).error, /^invalid_(client|request)$/);
  }
});

test('refresh tokens rotate, and a second use ends the grant', async () => {
  const first = await launchedTokens({ patient: 'omar-haddad' });
  const renew = (token) => tokenRequest({ grant_type: 'refresh_token', refresh_token: token });
  const second = await (await renew(first.refresh_token)).json();
  assert.equal(second.patient, 'omar-haddad');
  assert.notEqual(second.refresh_token, first.refresh_token);
  const headers = { authorization: `Bearer ${second.access_token}` };
  assert.equal((await get(`${ehr.fhir}/Patient/omar-haddad`, { headers })).status, 200);
  assert.equal((await renew(first.refresh_token)).status, 400);
  assert.equal((await renew(second.refresh_token)).status, 400);
  assert.equal((await get(`${ehr.fhir}/Patient/omar-haddad`, { headers })).status, 401);
});

test('settings: no refresh token, other scope, JWT and long tokens, long code, no iss', async () => {
  await control('PUT', '/settings', { refresh: false, scope: 'launch openid', opaque: false, token_length: 9000, code_length: 4096, issuer_param: false });
  const { launch } = await control('POST', '/launch', {});
  const done = await authorize({ launch });
  assert.equal(done.location.searchParams.get('iss'), null);
  assert.equal(done.location.searchParams.get('code').length, 4096);
  const tokens = await (await exchange(done)).json();
  assert.equal(tokens.refresh_token, undefined);
  assert.equal(tokens.scope, 'launch openid');
  assert.equal(decode(tokens.access_token.split('.')[1]).aud, ehr.fhir);
  assert.ok(tokens.access_token.length > 9000);
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  assert.equal((await get(`${ehr.fhir}/Patient`, { headers })).status, 200);
});

test('authorize by POST', async () => {
  const { launch } = await control('POST', '/launch', { odd: true });
  const { verifier, location: unused } = await authorize({ launch: undefined });
  assert.ok(unused.searchParams.get('error'));
  const body = new URLSearchParams({
    response_type: 'code', client_id: 'raw', redirect_uri: redirectUri, scope, state: 's', aud: ehr.fhir, launch,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
  });
  const answer = await get(`${ehr.issuer}/authorize`, { method: 'POST', body });
  const tokens = await exchange({ location: new URL(answer.headers.get('location')), verifier });
  assert.equal(tokens.status, 200);
});

// A client with a key, and the assertions it makes; `change` bends one.
const pairs = { ES384: ['ec', { namedCurve: 'P-384' }], RS384: ['rsa', { modulusLength: 2048 }] };
function keyedClient(id, alg = 'ES384', kid = 'k1') {
  const { privateKey, publicKey } = generateKeyPairSync(...pairs[alg]);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' },
    assertion({ header, claims, signer = privateKey, type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' } = {}) {
      const now = Math.floor(Date.now() / 1000);
      const data = `${part({ alg, typ: 'JWT', kid, ...header })}.${part({
        iss: id, sub: id, aud: `${ehr.issuer}/token`, iat: now, exp: now + 240, jti: randomBytes(16).toString('hex'), ...claims,
      })}`;
      const signature = sign('sha384', Buffer.from(data), { key: signer, dsaEncoding: 'ieee-p1363' }).toString('base64url');
      return { client_assertion_type: type, client_assertion: `${data}.${signature}` };
    },
  };
}

const register = (client_id, rest) => control('PUT', '/clients', [{
  client_id, token_endpoint_auth_method: 'private_key_jwt', redirect_uris: [redirectUri], ...rest,
}]);

const asSystem = (proof, asked = 'system/*.rs') => tokenRequest({
  headers: {}, grant_type: 'client_credentials', scope: asked, ...proof,
});

test('private_key_jwt: a backend service gets a token for every patient', async () => {
  const { jwk, assertion } = keyedClient('backend');
  await register('backend', { jwks: { keys: [jwk] }, redirect_uris: undefined });
  const tokens = await (await asSystem(assertion())).json();
  assert.equal(tokens.scope, 'system/*.rs', JSON.stringify(tokens));
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  assert.equal((await get(`${ehr.fhir}/Patient`, { headers })).status, 200);
  assert.equal((await get(`${ehr.fhir}/Patient/omar-haddad`, { headers })).status, 200);
  for (const [asked, error] of [['system/*.rs user/*.rs', 'invalid_scope'], ['', 'invalid_scope']]) {
    assert.equal((await (await asSystem(assertion(), asked)).json()).error, error);
  }
  const bySecret = await tokenRequest({ grant_type: 'client_credentials', scope: 'system/*.rs' });
  assert.equal((await bySecret.json()).error, 'unauthorized_client');
});

test('private_key_jwt: launch, refresh, introspect and revoke', async () => {
  const { jwk, assertion } = keyedClient('keyed', 'RS384');
  await register('keyed', { jwks: { keys: [jwk] } });
  const tokens = await launchedTokens({}, { client: 'keyed', headers: {}, ...assertion() });
  const renewed = await tokenRequest({ headers: {}, grant_type: 'refresh_token', refresh_token: tokens.refresh_token, ...assertion() });
  const { access_token: token, refresh_token: refreshToken } = await renewed.json();
  const about = (rest, params) => get(`${ehr.issuer}/${rest}`, { method: 'POST', body: new URLSearchParams({ ...params, ...assertion() }) });
  assert.equal((await (await about('introspect', { token })).json()).active, true);
  assert.equal((await about('revoke', { token: refreshToken })).status, 200);
  assert.equal((await (await about('introspect', { token })).json()).active, false);
  const unproven = { headers: {}, grant_type: 'refresh_token', client_id: 'keyed', refresh_token: refreshToken };
  assert.equal((await tokenRequest(unproven)).status, 401);
});

test('private_key_jwt: what is wrong with an assertion is refused, and told in the log', async () => {
  const { jwk, assertion } = keyedClient('strict');
  await register('strict', { jwks: { keys: [jwk] } });
  const now = Math.floor(Date.now() / 1000);
  const token = `${ehr.issuer}/token`;
  const used = assertion();
  assert.equal((await asSystem(used)).status, 200);
  const wrong = [
    [used, /jti was used/],
    [assertion({ claims: { aud: [token] } }), /aud is not a string/],
    [assertion({ claims: { aud: ehr.fhir } }), /aud is not/],
    [assertion({ claims: { exp: now + 330 } }), /exp is more/],
    [assertion({ claims: { exp: now } }), /exp is past/],
    [assertion({ claims: { exp: undefined } }), /exp/],
    [assertion({ claims: { iat: now + 60 } }), /iat/],
    [assertion({ claims: { nbf: now + 60 } }), /nbf/],
    [assertion({ claims: { jti: undefined } }), /jti is missing/],
    [assertion({ claims: { iss: 'other' } }), /iss/],
    [assertion({ claims: { sub: 'raw', iss: 'raw' } }), /sub/],
    [assertion({ header: { typ: 'client-authentication+jwt' } }), /typ/],
    [assertion({ header: { alg: 'ES256' } }), /alg/],
    [assertion({ header: { alg: 'none' } }), /alg/],
    [assertion({ header: { kid: 'k2' } }), /kid/],
    [assertion({ header: { kid: undefined } }), /kid/],
    [assertion({ header: { jku: 'https://other.example/' } }), /jku/],
    [assertion({ signer: generateKeyPairSync(...pairs.ES384).privateKey }), /signature/],
    [assertion({ type: 'x' }), /type/],
    [{ ...assertion(), client_id: 'raw' }, /client_id/],
    [{ client_assertion: 'x.y', client_assertion_type: 'z' }, /not a JWT/],
    [{ client_id: 'strict' }, /missing/],
  ];
  for (const [proof, text] of wrong) {
    const answer = await asSystem(proof);
    assert.deepEqual([answer.status, (await answer.json()).error], [401, 'invalid_client'], String(text));
    assert.match((await control('GET', '/log?path=/auth/token')).at(-1).assertion.failure, text);
  }
  const log = await control('GET', '/log?path=/auth/token');
  assert.deepEqual([log[0].assertion.failure, log[0].assertion.client_id, log[0].assertion.header.kid], [null, 'strict', 'k1']);
});

test('private_key_jwt: keys behind a jwks_uri, a rollover, and which algorithms', async () => {
  const [first, second] = [keyedClient('uri', 'ES384', 'k1'), keyedClient('uri', 'RS384', 'k2')];
  let [published, reads] = [[first.jwk], 0];
  const site = createServer((req, res) => {
    reads += 1;
    res.end(JSON.stringify({ keys: published }));
  });
  await new Promise((done) => { site.listen(0, '127.0.0.1', done); });
  try {
    await register('uri', { jwks_uri: `http://app.localhost:${site.address().port}/jwks.json` });
    assert.equal((await asSystem(first.assertion())).status, 200);
    assert.equal((await asSystem(first.assertion())).status, 200);
    assert.equal(reads, 1);
    assert.equal((await asSystem(second.assertion())).status, 401);
    published = [first.jwk, second.jwk];
    assert.equal((await asSystem(second.assertion())).status, 200);
    assert.equal(reads, 3);

    await control('PUT', '/settings', { assertion_algs: ['RS384'] });
    const smart = await (await get(`${ehr.fhir}/.well-known/smart-configuration`)).json();
    assert.deepEqual(smart.token_endpoint_auth_signing_alg_values_supported, ['RS384']);
    assert.deepEqual([(await asSystem(first.assertion())).status, (await asSystem(second.assertion())).status], [401, 200]);
  } finally {
    site.close();
  }
});

const about = (endpoint, token, headers = basic('raw', secret)) => get(`${ehr.issuer}/${endpoint}`, {
  method: 'POST', headers, body: new URLSearchParams({ token }),
});

test('revoke and introspect', async () => {
  const tokens = await launchedTokens({ patient: 'omar-haddad' });
  const active = await (await about('introspect', tokens.access_token)).json();
  assert.equal(active.active, true);
  assert.deepEqual([active.patient, active.client_id, active.scope.includes('launch')], ['omar-haddad', 'raw', true]);
  assert.ok(active.exp > Date.now() / 1000);
  assert.equal((await about('introspect', tokens.access_token, basic('raw', 'wrong'))).status, 401);
  assert.equal((await (await about('introspect', 'unknown')).json()).active, false);

  assert.equal((await about('revoke', 'unknown')).status, 200);
  assert.equal((await about('revoke', tokens.access_token)).status, 200);
  assert.equal((await fhirGet(tokens.access_token, '/Patient/omar-haddad')).status, 401);
  const second = await (await refresh(tokens.refresh_token)).json();
  assert.equal((await about('revoke', second.refresh_token)).status, 200);
  assert.equal((await fhirGet(second.access_token, '/Patient/omar-haddad')).status, 401);
  assert.equal((await refresh(second.refresh_token)).status, 400);
  const log = await control('GET', '/log?path=/auth/revoke');
  assert.deepEqual(log.map(({ form, status }) => [form.token, status]),
    [['unknown', 200], [tokens.access_token, 200], [second.refresh_token, 200]]);

  const third = await launchedTokens();
  await control('POST', '/end', { what: 'access' });
  assert.equal((await (await about('introspect', third.access_token)).json()).active, false);
  await control('PUT', '/faults', { revoke: { status: 400, body: '{"error":"unsupported_token_type"}' }, introspect: { patch: { exp: null } } });
  assert.equal((await about('revoke', third.refresh_token)).status, 400);
  const { exp, active: isActive } = await (await about('introspect', third.refresh_token)).json();
  assert.deepEqual([exp, isActive], [undefined, true]);
});

test('settings of other vendors: aud, PKCE, client_id, refresh', async () => {
  const settings = (value) => control('PUT', '/settings', value);
  const tried = async (change) => authorize({ launch: (await control('POST', '/launch', {})).launch, change });
  await settings({ aud: 'none' });
  assert.equal((await tried({})).answer.status, 400);
  const { launch } = await control('POST', '/launch', {});
  const bare = new URLSearchParams({
    response_type: 'code', client_id: 'raw', redirect_uri: redirectUri, scope, state: 's', launch, code_challenge: 'x'.repeat(43), code_challenge_method: 'S256',
  });
  assert.match((await get(`${ehr.issuer}/authorize?${bare}`)).headers.get('location'), /[?&]code=/);
  await settings({ aud: 'exact', pkce: 'refused' });
  assert.equal((await tried({})).location.searchParams.get('error'), 'invalid_request');
  await settings({ pkce: 'required' });
  assert.equal((await control('POST', '/launch', { slash: true })).iss, `${ehr.fhir}/`);
  assert.equal((await tried({ aud: `${ehr.fhir}/` })).answer.status, 400);

  const tokens = await launchedTokens();
  await settings({ client_id_in_body: 'refresh' });
  assert.equal((await refresh(tokens.refresh_token)).status, 400);
  const withId = (token) => tokenRequest({ grant_type: 'refresh_token', refresh_token: token, client_id: 'raw' });
  const second = await (await withId(tokens.refresh_token)).json();
  await settings({ client_id_in_body: false, refresh_min_interval: 60 });
  const third = await (await refresh(second.refresh_token)).json();
  const throttled = await refresh(third.refresh_token);
  assert.deepEqual([throttled.status, throttled.headers.get('retry-after')], [429, '60']);
  await settings({ refresh_min_interval: 0, refused_refresh_status: 403 });
  assert.equal((await refresh(third.refresh_token)).status, 200);
  const refused = await refresh(third.refresh_token);
  assert.deepEqual([refused.status, (await refused.json()).error], [403, 'invalid_grant']);
});

test('form_post: the code comes in a form that the browser sends', async () => {
  await control('PUT', '/settings', { response_mode: 'form_post' });
  const { launch } = await control('POST', '/launch', {});
  const { answer, verifier, location } = await authorize({ launch });
  assert.deepEqual([answer.status, location], [200, null]);
  const page = await answer.text();
  assert.match(page, new RegExp(`<form method="post" action="${redirectUri}"`));
  const fields = Object.fromEntries([...page.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]));
  assert.deepEqual([fields.state, fields.iss], ['st4te', ehr.issuer]);
  assert.equal((await exchange({ location: new URL(`${redirectUri}?code=${fields.code}`), verifier })).status, 200);
  assert.equal((await get(`${ehr.base}/form-post.js`)).status, 200);
});

test('a standalone launch without a page, for tests', async () => {
  await control('PUT', '/settings', { standalone: { user: 'nurse-lee', patient: 'omar-haddad' } });
  const from = async (asked) => (await exchange(await authorize({ asked }))).json();
  const tokens = await from('openid fhirUser launch/patient patient/*.rs');
  assert.equal(tokens.patient, 'omar-haddad');
  assert.equal(decode(tokens.id_token.split('.')[1]).preferred_username, 'nurse-lee');
  assert.equal((await from('openid fhirUser user/*.rs')).patient, undefined);
  await control('PUT', '/settings', { standalone: { refuse: true } });
  assert.equal((await authorize({ asked: 'openid' })).location.searchParams.get('error'), 'access_denied');
});

test('bent id_tokens and rotated keys', async () => {
  const bent = async (bend) => {
    await control('PUT', '/id_token', bend);
    return (await launchedTokens()).id_token;
  };
  assert.equal(decode((await bent({ claims: { aud: 'other', sub: null } })).split('.')[1]).aud, 'other');
  assert.match(await bent({ sign: 'none' }), /\.$/);
  assert.equal(decode((await bent({ sign: 'none' })).split('.')[0]).alg, 'none');
  assert.equal(decode((await bent({ sign: 'hs256-public' })).split('.')[0]).alg, 'HS256');
  assert.equal(decode((await bent({ no_kid: true, alg: 'ES256' })).split('.')[0]).kid, undefined);
  assert.equal(await bent({ omit: true }), undefined);
  await control('DELETE', '/id_token');
  assert.equal(decode((await launchedTokens({}, { client: 'es384', headers: basic('es384', secret) })).id_token.split('.')[0]).alg, 'ES384');

  const kids = async () => (await (await get(`${ehr.issuer}/jwks`)).json()).keys.map(({ kid }) => kid);
  const old = await kids();
  const { keys: [{ kid }] } = await control('POST', '/rotate', { keep_old: true });
  assert.ok((await kids()).includes(kid) && (await kids()).includes(old[0]));
  const late = await control('POST', '/rotate', { keep_old: false, publish_delay_ms: 60000 });
  assert.equal((await kids()).length, 0);
  assert.equal(decode((await launchedTokens()).id_token.split('.')[0]).kid, late.keys[0].kid);
});

test('faults', async () => {
  const fault = (value) => control('PUT', '/faults', value);
  const discovery = () => get(`${ehr.fhir}/.well-known/smart-configuration`);
  await fault({ discovery: { status: 503, body: '<p>no</p>', content_type: 'text/html', headers: { 'Retry-After': '7' }, times: 1 } });
  const answer = await discovery();
  assert.deepEqual([answer.status, answer.headers.get('retry-after'), await answer.text()], [503, '7', '<p>no</p>']);
  assert.equal((await discovery()).status, 200);
  await fault({ discovery: { patch: { issuer: 'https://other.example', token_endpoint: null } } });
  const patched = await (await discovery()).json();
  assert.deepEqual([patched.issuer, patched.token_endpoint], ['https://other.example', undefined]);
  await fault({ discovery: { redirect: 'https://other.example/' } });
  assert.equal((await discovery()).status, 307);
  await fault({ discovery: { big: 300000 } });
  assert.equal((await (await discovery()).text()).length, 300000);
  for (const broken of [{ close: 'before' }, { close: 'after' }, { truncate: true }]) {
    await fault({ discovery: broken });
    await assert.rejects(async () => (await discovery()).text());
  }
  await fault({ discovery: { hang: true } });
  await assert.rejects(get(`${ehr.fhir}/.well-known/smart-configuration`, { signal: AbortSignal.timeout(200) }));
  await fault({ discovery: { drip_ms: 1, status: 200, body: '{"slow":1}' } });
  assert.deepEqual(await (await discovery()).json(), { slow: 1 });
  await control('DELETE', '/faults');
  for (const letGo of [['POST', '/release'], ['DELETE', '/faults']]) {
    await control('DELETE', '/log');
    await fault({ discovery: { held: true } });
    let answered = false;
    const two = [discovery(), discovery()].map((one) => one.finally(() => { answered = true; }));
    while ((await control('GET', '/log')).length < 2);
    assert.equal(answered, false);
    await control(...letGo);
    for (const one of [...two, discovery()]) assert.equal((await one).status, 200);
  }
  await fault({ discovery: { held: true, held_after: 1, status: 418, body: '' } });
  assert.equal((await discovery()).status, 418);
  await assert.rejects(get(`${ehr.fhir}/.well-known/smart-configuration`, { signal: AbortSignal.timeout(200) }));
  await control('DELETE', '/faults');

  await fault({ authorize: { params: { iss: 'https://evil.example', state: null } } });
  const { launch } = await control('POST', '/launch', {});
  const done = await authorize({ launch });
  assert.equal(done.location.searchParams.get('iss'), 'https://evil.example');
  assert.equal(done.location.searchParams.get('state'), null);
  await fault({ authorize: null, token: { patch: { token_type: null, expires_in: '3600' } }, refresh: { status: 500 } });
  const tokens = await (await exchange(done)).json();
  assert.deepEqual([tokens.token_type, tokens.expires_in], [undefined, '3600']);
  assert.equal((await tokenRequest({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token })).status, 500);
});

const fhirGet = (token, rest, headers = {}) => get(`${ehr.fhir}${rest}`, { headers: { authorization: `Bearer ${token}`, ...headers } });
const refresh = (token) => tokenRequest({ grant_type: 'refresh_token', refresh_token: token });

test('a chart pages to its end, and every resource comes once', async () => {
  const { access_token: token } = await launchedTokens();
  const ids = [];
  let pages = 0;
  let url = `${ehr.fhir}/Observation?patient=omar-haddad&category=laboratory&_sort=-date`;
  while (url) {
    const page = await (await get(url, { headers: { authorization: `Bearer ${token}` } })).json();
    ids.push(...page.entry.map(({ resource }) => resource.id));
    url = page.link.find(({ relation }) => relation === 'next')?.url;
    pages += 1;
  }
  assert.ok(pages >= 3, `${pages} pages`);
  assert.equal(new Set(ids).size, ids.length);
  for (const type of ['Condition', 'MedicationRequest', 'AllergyIntolerance']) {
    assert.ok((await (await fhirGet(token, `/${type}?patient=omar-haddad`)).json()).total > 0, type);
  }
});

test('HEAD, ETag and If-None-Match', async () => {
  const { access_token: token } = await launchedTokens();
  const read = await fhirGet(token, '/Patient/omar-haddad');
  const tag = read.headers.get('etag');
  assert.match(tag, /^W\/"/);
  assert.equal((await fhirGet(token, '/Patient/omar-haddad', { 'if-none-match': tag })).status, 304);
  const head = await get(`${ehr.fhir}/Patient/omar-haddad`, { method: 'HEAD', headers: { authorization: `Bearer ${token}` } });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get('content-length'), String(Buffer.byteLength(await read.text())));
  assert.equal(await head.text(), '');
});

test('counts: refreshes, refresh tokens that come again, bearers', async () => {
  const tokens = await launchedTokens();
  await control('PUT', '/faults', { refresh: { status: 503, times: 1 } });
  assert.equal((await refresh(tokens.refresh_token)).status, 503);
  assert.deepEqual(await control('GET', '/counts'), { refreshes: 0, reused: 0, bearers: {} });
  const second = await (await refresh(tokens.refresh_token)).json();
  await fhirGet(second.access_token, '/Patient/omar-haddad');
  await fhirGet(second.access_token, '/Patient/omar-haddad');
  assert.deepEqual(await control('GET', '/counts'), { refreshes: 1, reused: 0, bearers: { [second.access_token]: 2 } });
  assert.equal((await refresh(tokens.refresh_token)).status, 400);
  assert.equal((await control('GET', '/counts')).reused, 1);
  await control('DELETE', '/counts');
  assert.deepEqual((await control('GET', '/counts')).reused, 0);
});

test('access tokens end before their time, and grants with all that came of them', async () => {
  const tokens = await launchedTokens();
  await control('POST', '/end', { what: 'access' });
  assert.equal((await fhirGet(tokens.access_token, '/Patient/omar-haddad')).status, 401);
  const second = await (await refresh(tokens.refresh_token)).json();
  assert.equal((await fhirGet(second.access_token, '/Patient/omar-haddad')).status, 200);
  await control('POST', '/end', { what: 'grants' });
  assert.equal((await fhirGet(second.access_token, '/Patient/omar-haddad')).status, 401);
  const refused = await refresh(second.refresh_token);
  assert.deepEqual([refused.status, (await refused.json()).error], [400, 'invalid_grant']);
});

test('faults of the FHIR server', async () => {
  const { access_token: token } = await launchedTokens();
  const { access_token: other } = await launchedTokens();
  const path = '/Patient/omar-haddad';
  const plain = await (await fhirGet(token, path)).text();
  const withFault = async (fault) => {
    await control('PUT', '/faults', { fhir: fault });
    return fhirGet(token, path);
  };
  await control('PUT', '/faults', { fhir: { status: 401, token: other, times: 1 } });
  assert.equal((await fhirGet(token, path)).status, 200);
  assert.equal((await fhirGet(other, path)).status, 401);
  assert.equal((await fhirGet(other, path)).status, 200);

  await control('PUT', '/faults', { fhir: { status: 401, after: 2, times: 1 } });
  const codes = [];
  for (let i = 0; i < 4; i += 1) codes.push((await fhirGet(token, path)).status);
  assert.deepEqual(codes, [200, 200, 401, 200]);

  const zipped = await withFault({ gzip: true });
  assert.equal(zipped.headers.get('content-encoding'), 'gzip');
  assert.equal(await zipped.text(), plain);
  const escaped = await (await withFault({ escape_slashes: true })).text();
  assert.ok(escaped.includes('http:\\/\\/'));
  assert.deepEqual(JSON.parse(escaped), JSON.parse(plain));
  const chunked = await withFault({ content_length: null });
  assert.equal(chunked.headers.get('content-length'), null);
  assert.equal(await chunked.text(), plain);
  await assert.rejects(withFault({ content_length: plain.length + 10 }).then((answer) => answer.text()));
  await control('PUT', '/faults', { fhir: { stall: true } });
  await assert.rejects(fetch(at(`${ehr.fhir}${path}`), {
    headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(300),
  }).then((answer) => answer.text()));
});

test('a Bundle of any size, made while it is sent', async () => {
  const { access_token: token } = await launchedTokens();
  await control('PUT', '/faults', { fhir: { bundle: { bytes: 3e6, patient: 'omar-haddad' } } });
  const answer = await fhirGet(token, '/Observation');
  const text = await answer.text();
  assert.equal(Number(answer.headers.get('content-length')), text.length);
  assert.ok(Math.abs(text.length - 3e6) < 3000, text.length);
  const bundle = JSON.parse(text);
  assert.equal(bundle.entry.length, bundle.total);
  assert.equal(bundle.entry.at(-1).resource.subject.reference, `${ehr.fhir}/Patient/omar-haddad`);
  await control('PUT', '/faults', { fhir: { bundle: { bytes: 1e5 }, content_length: null } });
  assert.equal((await fhirGet(token, '/Observation')).headers.get('content-length'), null);
});

test('searches that go wrong, for one type of resource', async () => {
  const { access_token: token } = await launchedTokens();
  const dated = '/Observation?patient=omar-haddad&code=http://loinc.org|718-7&date=ge2099-01-01';
  const search = async (path) => (await fhirGet(token, path)).json();
  assert.equal((await search(dated)).total, 0);
  await control('PUT', '/faults', { 'fhir:Observation': { ignore: ['date'] } });
  assert.equal((await search(dated)).total, 21);
  await control('PUT', '/faults', { 'fhir:Observation': { require: ['status'] } });
  const refused = await fhirGet(token, dated);
  assert.equal(refused.status, 400);
  assert.equal((await refused.json()).resourceType, 'OperationOutcome');
  assert.equal((await fhirGet(token, `${dated}&status=final`)).status, 200);
  await control('PUT', '/faults', { 'fhir:Observation': { refuse: ['date'] } });
  assert.equal((await fhirGet(token, dated)).status, 400);
  assert.equal((await fhirGet(token, dated.replace(/&date=.*/, ''))).status, 200);
  assert.equal((await fhirGet(token, '/Condition?patient=omar-haddad')).status, 200);

  await control('PUT', '/faults', { 'fhir:Observation': { observations: { total: 250, page: 100, minutes: 1 } } });
  const [ids, sizes] = [new Set(), []];
  for (let next = `${ehr.fhir}/Observation?patient=x`; next;) {
    const bundle = await search(next.slice(ehr.fhir.length));
    sizes.push(bundle.entry.length);
    for (const { resource } of bundle.entry) ids.add(resource.id);
    next = bundle.link.find(({ relation }) => relation === 'next')?.url;
  }
  assert.deepEqual([sizes, ids.size], [[100, 100, 50], 250]);
  await control('PUT', '/faults', { fhir: { status: 503 } });
  assert.equal((await fhirGet(token, '/Condition?patient=omar-haddad')).status, 503);
});

test('the log holds what was sent, as it was sent', async () => {
  await launchedTokens();
  const log = await control('GET', '/log?path=/auth/token');
  assert.equal(log.length, 1);
  assert.equal(log[0].headers.authorization, basic('raw', secret).authorization);
  assert.equal(log[0].form.grant_type, 'authorization_code');
  assert.equal(log[0].status, 200);
  assert.equal(typeof log[0].connection, 'number');
  await control('DELETE', '/log');
  assert.deepEqual(await control('GET', '/log'), []);
});

test('a standalone launch: login page, patient picker, cancel', async () => {
  const jar = new Map();
  // Set-Cookie lines come joined by commas: getSetCookie() is missing in Debian 12's Node.
  const keep = ({ headers }) => {
    for (const line of (headers.get('set-cookie') ?? '').split(/, (?=[^ ;=]+=)/)) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      const where = /; *path=([^;]+)/i.exec(line)?.[1];
      if (name) jar.set(`${where} ${name}`, { name, value, where });
    }
  };
  const visit = async (url, options = {}) => {
    const { pathname } = new URL(url, ehr.base);
    const cookie = [...jar.values()].filter(({ where }) => pathname.startsWith(where))
      .map(({ name, value }) => `${name}=${value}`).join('; ');
    const answer = await get(url, { ...options, headers: { cookie } });
    keep(answer);
    return answer;
  };
  const start = async () => {
    const { answer, verifier } = await authorize({ asked: 'openid fhirUser launch/patient patient/*.rs' });
    keep(answer);
    return { page: new URL(answer.headers.get('location'), ehr.base).href, verifier };
  };
  const { page, verifier } = await start();
  assert.doesNotMatch(await (await visit(page)).text(), /omar-haddad/);
  const wrong = await visit(page, { method: 'POST', body: new URLSearchParams({ user: 'nurse-lee', password: 'no' }) });
  assert.equal(wrong.status, 403);
  const nobody = await visit(page, { method: 'POST', body: new URLSearchParams({ patient: 'omar-haddad' }) });
  assert.match(await nobody.text(), /name="password"/);
  const known = await visit(page, { method: 'POST', body: new URLSearchParams({ user: 'nurse-lee', password: 'lee-demo' }) });
  assert.equal(new URL(known.headers.get('location'), page).href, page);
  assert.match(await (await visit(page)).text(), /<button name="patient" value="omar-haddad">/);
  const sent = await visit(page, { method: 'POST', body: new URLSearchParams({ patient: 'omar-haddad' }) });
  const back = await visit(sent.headers.get('location'));
  const tokens = await (await exchange({ location: new URL(back.headers.get('location')), verifier })).json();
  assert.equal(tokens.patient, 'omar-haddad');
  assert.equal(decode(tokens.id_token.split('.')[1]).preferred_username, 'nurse-lee');

  const [one, two] = [await start(), await start()];
  const done = async ({ page: where }, patient) => {
    const known = await visit(where, { method: 'POST', body: new URLSearchParams({ user: 'dr-smith', password: 'smith-demo' }) });
    const sent = await visit(new URL(known.headers.get('location'), where).href, { method: 'POST', body: new URLSearchParams({ patient }) });
    return new URL((await visit(sent.headers.get('location'))).headers.get('location'));
  };
  for (const [it, patient] of [[two, 'luna-mccullough'], [one, 'omar-haddad']]) {
    const answer = await exchange({ location: await done(it, patient), verifier: it.verifier });
    assert.equal((await answer.json()).patient, patient, 'two windows at once');
  }

  const again = await start();
  const cancelled = await visit(again.page, { method: 'POST', body: new URLSearchParams({ answer: 'cancel' }) });
  const refused = await visit(cancelled.headers.get('location'));
  assert.equal(new URL(refused.headers.get('location')).searchParams.get('error'), 'access_denied');
});

test('tenants have FHIR bases, logs and tokens of their own', async () => {
  const { a, b } = ehr.tenants;
  const { launch, iss } = await control('POST', '/launch', { patient: 'omar-haddad' }, a);
  assert.equal(iss, a.fhir);
  const done = await authorize({ launch, of: a });
  const { access_token: token } = await (await exchange({ ...done, of: a })).json();
  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await get(`${a.fhir}/Patient/omar-haddad`, { headers })).status, 200);
  assert.equal((await get(`${b.fhir}/Patient/omar-haddad`, { headers })).status, 401);
  const ids = async (of) => (await control('GET', '/clients', undefined, of)).map((client) => client.client_id);
  assert.deepEqual([(await ids(ehr)).includes('only-b'), (await ids(b)).includes('only-b')], [false, true]);
  assert.equal((await control('GET', '/log', undefined, b)).filter(({ path: it }) => it.startsWith('/auth')).length, 0);
});

test('a tenant has a name, looks and a host of its own', async () => {
  const { a, b } = ehr.tenants;
  assert.match(b.base, /^http:\/\/clinic\.localhost:\d+\/t\/b$/);
  assert.match(await (await get(`${b.base}/`)).text(), /class="look-2"[^]*City Clinic/);
  assert.match(await (await get(`${a.base}/`)).text(), /Sandbox EHR/);
});

test('clients can be added at run time', async () => {
  await control('PUT', '/clients', [{ client_id: 'new', client_secret: 'n', redirect_uris: [redirectUri] }]);
  await launchedTokens({}, { client: 'new', headers: basic('new', 'n') });
});

test('the EHR pages: users, patients, a chart with the app in a frame', async () => {
  const text = async (page) => (await get(`${ehr.base}${page}`)).text();
  assert.match(await text('/'), /Dr\. Susan Smith/);
  assert.match(await text('/dr-smith'), /O&#39;Connor, Thomas/);
  assert.match(await text('/dr-smith/omar-haddad?open=1'), /<iframe [^>]*src="\/dr-smith\/omar-haddad\/launch\?app=1"/);
  const opened = await get(`${ehr.base}/dr-smith/omar-haddad/launch`);
  const url = new URL(opened.headers.get('location'));
  assert.equal(url.origin + url.pathname, redirectUri);
  const done = await authorize({ launch: url.searchParams.get('launch') });
  assert.equal((await (await exchange(done)).json()).patient, 'omar-haddad');
  assert.equal((await get(`${ehr.base}/nobody`)).status, 404);

  assert.match(await text('/dr-smith/omar-haddad?open=2'), /<iframe [^>]*title="Second app"/);
  assert.doesNotMatch(await text('/dr-smith/omar-haddad?open=3'), /<iframe/);
  const other = await get(`${ehr.base}/dr-smith/omar-haddad/launch?app=2`);
  assert.match(other.headers.get('location'), /^https:\/\/second\.localhost:8443\/smart\?iss=/);
});
