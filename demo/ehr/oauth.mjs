// SPDX-License-Identifier: Apache-2.0
// The authorization server: oidc-provider, with what SMART needs around it. A request is translated before
// the provider sees it (forProvider), its answer mended afterwards (#mendToken, #mendRedirect).

import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import Provider, { errors, interactionPolicy } from 'oidc-provider';
import { patients } from './fhir.mjs';
import { clientEndpoints, Gate } from './gate.mjs';
import {
  formToObject, redirect, send, sendJson,
} from './http.mjs';
import { accessTokenHash, decodeClaims } from './keys.mjs';
import { assertionAlgorithms } from './assertion.mjs';
import {
  errorPage, formPostPage, loginPage, loginPolicy, pageHeaders, pickerPage,
} from './pages.mjs';
import { contextMembers } from './smart.mjs';
import { memoryStore } from './store.mjs';
import { userByName, userBySub } from './users.mjs';

const scopes = [
  'openid', 'offline_access', 'online_access', 'launch', 'launch/patient', 'launch/encounter',
];

export const defaultSettings = {
  expires_in: 3600, // seconds an access token lives
  refresh: true, // issue refresh tokens for offline_access and online_access
  rotate_refresh: true, // a refresh token serves once; a second use ends the grant
  scope: null, // what is granted and said to be granted; null: what was asked for
  opaque: true, // access tokens are random; false: JWTs
  issuer_param: true, // RFC 9207: `iss` in the authorization response, and advertised
  aud: 'exact', // 'exact': `aud` must be the FHIR base; 'any': not looked at; 'none': must not be sent
  pkce: 'required', // 'optional'; 'refused': must not be sent
  response_mode: 'query', // 'form_post': the app gets its code by a POST, asked for or not
  standalone: null, // {user, patient, …} as POST /control/launch: who logs in where no chart is open; null: a page asks
  client_id_in_body: false, // 'refresh', or true (every token request): refused without it
  refresh_min_interval: 0, // seconds; a grant's next refresh before that is 429
  refused_refresh_status: 400, // of `invalid_grant` at a refresh; some say 403
  assertion_algs: assertionAlgorithms, // what client assertions may be signed with; null: does not tell
  code_length: 0, // authorization codes are made at least this long
  token_length: 0, // access tokens are made at least this long
};

// `ehr` is the tenant: urls, keys, clients, launches, settings, bend.
export class AuthorizationServer {
  #contexts = new Map(); // grant id -> launch context
  #issued = new Set(); // access tokens as oidc-provider knows them
  #ended = new Set(); // of these, those that the FHIR server takes no more
  #spent = new Set(); // refresh tokens that were exchanged for another

  constructor(ehr) {
    this.ehr = ehr;
    this.forgetCounts();
  }

  forgetCounts() {
    this.counts = { refreshes: 0, reused: 0 };
  }

  // Before their time: all access tokens issued so far, or all grants with everything that came of them.
  async end(what) {
    if (what === 'access') for (const token of this.#issued) this.#ended.add(token);
    else if (what === 'grants') await Promise.all([...this.#contexts.keys()].map((id) => this.provider.Grant.adapter.revokeByGrantId(id)));
    else throw Object.assign(new Error(`unknown: ${what}`), { status: 400 });
  }

  async start() {
    const { issuer } = this.ehr.urls;
    this.provider = new Provider(issuer, await this.#configuration());
    this.gate = new Gate(this.ehr, this.provider);
    this.provider.on('server_error', (ctx, error) => console.error(error));
    this.provider.use(async (ctx, next) => {
      await next();
      const route = ctx.oidc?.route;
      if (route === 'token' && ctx.body?.access_token) await this.#mendToken(ctx);
      if (route === 'introspection' && ctx.body?.active) this.#mendIntrospection(ctx);
      if (ctx.body?.error === 'invalid_grant' && ctx.oidc?.body?.grant_type === 'refresh_token') {
        ctx.status = this.ehr.settings.refused_refresh_status;
      }
      if (route === 'authorization' || route === 'resume') this.#mendRedirect(ctx);
    });
    this.callback = this.provider.callback();
    return this;
  }

  async #configuration() {
    const { ehr } = this;
    const { issuer, path } = ehr.urls;
    const cookie = { httpOnly: true, secure: issuer.startsWith('https:') };
    if (cookie.secure) cookie.sameSite = 'none'; // we are shown in frames
    return {
      adapter: memoryStore((id) => ehr.clients.metadata(id)),
      scopes,
      claims: { openid: ['sub', 'name', 'preferred_username'], fhirUser: ['fhirUser'], profile: ['fhirUser'] },
      conformIdTokenClaims: false,
      clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
      clientBasedCORS: () => false,
      clockTolerance: 0,
      cookies: { keys: [randomBytes(32).toString('hex')], long: { ...cookie, path: '/' }, short: cookie },
      extraParams: {
        aud: (ctx, aud) => {
          this.#checkAudience(aud);
          this.#checkChallenge(ctx.oidc.params.code_challenge);
        },
        launch: (ctx, code) => this.#openLaunch(ctx, code),
        resource: () => {}, // see withDefaults
      },
      features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        resourceIndicators: { enabled: false },
        introspection: { enabled: true, allowedPolicy: () => true },
        revocation: { enabled: true },
        rpInitiatedLogout: { enabled: false },
        userinfo: { enabled: false },
      },
      findAccount: (ctx, sub) => this.#account(sub),
      interactions: { policy: loginOnly(), url: (ctx, { uid }) => `${path}/auth/interaction/${uid}` },
      issueRefreshToken: (ctx, client, code) => ehr.settings.refresh
        && (code.scopes.has('offline_access') || code.scopes.has('online_access')),
      expiresWithSession: () => false,
      jwks: { keys: [await ehr.keys.privateJwk('RS256')] },
      loadExistingGrant: (ctx) => this.#grant(ctx),
      pkce: { methods: ['S256'], required: () => ehr.settings.pkce === 'required' },
      renderError: (ctx, out) => {
        ctx.type = 'html';
        ctx.body = errorPage({ ehr, code: out.error, text: out.error_description });
      },
      rotateRefreshToken: () => ehr.settings.rotate_refresh,
      routes: {
        authorization: '/authorize', token: '/token', jwks: '/jwks', revocation: '/revoke', introspection: '/introspect',
      },
      ttl: {
        AccessToken: () => ehr.settings.expires_in,
        AuthorizationCode: 60,
        ClientCredentials: () => ehr.settings.expires_in,
        Grant: 30 * 24 * 3600,
        IdToken: 3600,
        Interaction: 600,
        RefreshToken: 30 * 24 * 3600,
        Session: 600,
      },
    };
  }

  // SMART: `aud` tells where the token will be sent. A wrong one may be a trap, so no redirect follows.
  #checkAudience(aud) {
    const { settings, urls } = this.ehr;
    if (settings.aud === 'any' || aud === (settings.aud === 'none' ? undefined : urls.fhir)) return;
    const error = new errors.InvalidRequest(settings.aud === 'none' ? 'aud is not known here' : `aud must be ${urls.fhir}`);
    error.allow_redirect = false;
    throw error;
  }

  #checkChallenge(challenge) {
    if (this.ehr.settings.pkce === 'refused' && challenge !== undefined) {
      throw new errors.InvalidRequest('code_challenge is not known here');
    }
  }

  // A valid launch code comes from a user who is already at work in the EHR: no second login.
  #openLaunch(ctx, code) {
    const asked = ctx.oidc.params.scope?.split(' ') ?? [];
    if (code === undefined && asked.includes('launch')) throw new errors.InvalidRequest('scope "launch" needs a launch code');
    const launch = code === undefined ? this.#standalone(asked) : this.ehr.launches.take(code);
    if (code === undefined && !launch) return;
    if (!launch) throw new errors.InvalidRequest('the launch code is unknown, used or too old');
    if (launch.refuse) throw new errors.AccessDenied('the clinician refused to open the app');
    ctx.oidc.session.loginAccount({ accountId: launch.user.sub, transient: true });
    ctx.oidc.launch = launch;
  }

  // Without a chart, and where tests do not want a page: who the settings say.
  #standalone(asked) {
    const { standalone } = this.ehr.settings;
    if (!standalone) return undefined;
    const { patient, ...rest } = standalone;
    return this.ehr.launches.take(this.ehr.launch(asked.includes('launch/patient') ? standalone : rest).launch);
  }

  // Every authorization gets a grant of its own: two launches in one browser share nothing.
  async #grant(ctx) {
    const { Grant } = this.provider;
    const { params, account, client, launch, result } = ctx.oidc;
    const grant = new Grant({ accountId: account.accountId, clientId: client.clientId });
    grant.addOIDCScope(this.ehr.settings.scope ?? params.scope);
    this.#contexts.set(await grant.save(), launch?.context ?? { patient: result?.patient, extra: {} });
    return grant;
  }

  #account(sub) {
    const user = userBySub(sub);
    return user && {
      accountId: sub,
      claims: () => ({
        sub,
        name: user.display,
        preferred_username: user.name,
        fhirUser: `${this.ehr.urls.fhir}/Practitioner/${user.practitioner}`,
      }),
    };
  }

  async #mendToken(ctx) {
    const { keys, clients, bend, settings, urls, name } = this.ehr;
    const { entities, client } = ctx.oidc;
    const { body } = ctx;
    const context = this.#contexts.get(entities.AccessToken?.grantId);
    if (context) Object.assign(body, contextMembers(context, { tenant: name, styleUrl: urls.style }));
    if (entities.ClientCredentials) body.scope = ctx.oidc.body.scope;
    else if (settings.scope !== null) body.scope = settings.scope;
    this.#count(ctx.oidc.body, body);
    body.access_token = await this.#wrapToken(body, client.clientId);
    if (!body.id_token) return;
    if (bend.omit) {
      delete body.id_token;
      return;
    }
    const alg = bend.alg ?? clients.get(client.clientId).id_token_signed_response_alg;
    const claims = { ...decodeClaims(body.id_token), at_hash: accessTokenHash(body.access_token, alg) };
    body.id_token = await keys.sign(claims, alg, bend);
  }

  // SMART: what an app was told with its token, a resource server or the app is told here again.
  #mendIntrospection(ctx) {
    const { settings, urls, name } = this.ehr;
    const { AccessToken, RefreshToken } = ctx.oidc.entities;
    if (this.#ended.has(ctx.oidc.params.token)) {
      ctx.body = { active: false };
      return;
    }
    const context = this.#contexts.get((AccessToken ?? RefreshToken)?.grantId);
    if (!context) return;
    Object.assign(ctx.body, contextMembers(context, { tenant: name, styleUrl: urls.style }));
    if (settings.scope !== null) ctx.body.scope = settings.scope;
  }

  #count(asked, answer) {
    this.#issued.add(answer.access_token);
    if (asked.grant_type !== 'refresh_token') return;
    this.counts.refreshes += 1;
    if (answer.refresh_token !== asked.refresh_token) this.#spent.add(asked.refresh_token);
  }

  // oidc-provider's tokens are opaque and short. A longer one is "opaque~padding", a JWT carries it as jti.
  async #wrapToken({ access_token: token, expires_in: ttl, scope }, clientId) {
    const { keys, settings, urls } = this.ehr;
    const padding = 'x'.repeat(Math.max(0, settings.token_length - token.length - 1));
    if (settings.opaque) return padding ? `${token}~${padding}` : token;
    const now = Math.floor(Date.now() / 1000);
    return keys.sign({
      iss: urls.issuer, aud: urls.fhir, client_id: clientId, scope, iat: now, exp: now + ttl, jti: token, padding,
    }, 'RS256');
  }

  async findToken(presented) {
    const token = unwrapToken(presented);
    if (this.#ended.has(token)) return undefined;
    return await this.provider.AccessToken.find(token) ?? this.provider.ClientCredentials.find(token);
  }

  // `rest` is the path after /auth, `entry` this request's line in the log.
  async handle(req, res, { rest, query, body, entry }) {
    if (rest === '/token' && this.#spent.has(new URLSearchParams(body.toString()).get('refresh_token'))) {
      this.counts.reused += 1;
    }
    let passed = { body };
    if (clientEndpoints.includes(rest) && req.method === 'POST') passed = await this.gate.pass({ rest, body, entry });
    if (passed.refusal) {
      const [status, error, text, headers] = passed.refusal;
      return sendJson(res, status, { error, error_description: text }, { 'Cache-Control': 'no-store', ...headers });
    }
    const inner = forProvider(req, { rest, query, body: passed.body }, this.ehr);
    if (rest.startsWith('/interaction/')) return this.#interact(inner, res, body);
    return this.callback(inner, res);
  }

  // An app that was not opened from the EHR: the login page, and if the app asks for a patient, then the picker.
  async #interact(req, res, body) {
    const { params, result } = await this.provider.interactionDetails(req, res);
    const form = req.method === 'POST' ? formToObject(body.toString()) : {};
    const client = this.ehr.clients.get(params.client_id).client_name ?? params.client_id;
    const wantsPatient = params.scope.split(' ').includes('launch/patient');
    const page = (html, status = 200) => send(res, status, 'text/html; charset=utf-8', html, { ...pageHeaders, 'Content-Security-Policy': loginPolicy });
    const finish = (outcome) => this.provider.interactionFinished(req, res, outcome);

    if (form.answer === 'cancel') return finish({ error: 'access_denied', error_description: 'login cancelled' });
    const user = form.user === undefined ? userBySub(result?.login?.accountId) : userByName(form.user);
    const isRight = form.user === undefined || user?.password === form.password;
    if (!user || !isRight) {
      const problem = form.user === undefined ? undefined : 'User name or password is wrong.';
      return page(loginPage({ ehr: this.ehr, client, problem }), problem ? 403 : 200);
    }
    const login = { accountId: user.sub, remember: false };
    if (!wantsPatient || patients.some(({ id }) => id === form.patient)) return finish({ login, patient: form.patient });
    if (form.user === undefined) return page(pickerPage({ ehr: this.ehr, client, user, patients }));
    await this.provider.interactionResult(req, res, { login });
    return redirect(res, req.originalUrl);
  }

  #mendRedirect(ctx) {
    const { issuer_param: issuerParam, code_length: length } = this.ehr.settings;
    const location = ctx.response.get('Location');
    if (!location) return;
    const url = new URL(location, this.ehr.urls.issuer);
    const code = url.searchParams.get('code');
    if (!issuerParam) url.searchParams.delete('iss');
    if (code && length > code.length) url.searchParams.set('code', `${code}~`.padEnd(length, 'x'));
    ctx.set('Location', url.href);
    if (this.ehr.settings.response_mode === 'form_post' && url.searchParams.has('state')) this.#postBack(ctx, url);
  }

  #postBack(ctx, { origin, pathname, searchParams }) {
    ctx.remove('Location');
    ctx.status = 200;
    ctx.type = 'html';
    ctx.set('Content-Security-Policy', "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; base-uri 'none'");
    ctx.body = formPostPage({ ehr: this.ehr, action: `${origin}${pathname}`, fields: [...searchParams] });
  }
}

const unwrapToken = (token) => (
  token.split('.').length === 3 && !token.includes('~') ? decodeJti(token) : token.split('~')[0]
);

function decodeJti(token) {
  try {
    return String(decodeClaims(token).jti);
  } catch {
    return token;
  }
}

// The provider's own prompts, without asking for consent: the hospital has given it for its clinicians.
function loginOnly() {
  const policy = interactionPolicy.base();
  policy.get('consent').checks.clear();
  return policy;
}

// A request as oidc-provider wants it. It is a copy: the log keeps what was really sent.
function forProvider(req, { rest, query, body }, ehr) {
  const headers = { ...req.headers, host: ehr.urls.host };
  let [innerQuery, innerBody] = [query, body];
  if (rest.startsWith('/authorize')) headers.cookie = interactionCookies(headers.cookie);
  if (rest === '/authorize') {
    if (req.method === 'POST') innerBody = Buffer.from(withDefaults(body.toString(), ehr));
    else innerQuery = withDefaults(query, ehr);
  }
  if (clientEndpoints.includes(rest)) {
    if (headers.authorization) headers.authorization = ehr.clients.translateBasic(headers.authorization);
    innerBody = ehr.clients.translateBody(plainTokens(body));
  }
  delete headers['transfer-encoding'];
  headers['content-length'] = String(innerBody.length);
  const url = innerQuery ? `${rest}?${innerQuery}` : rest;
  return Object.assign(Readable.from(innerBody.length ? [innerBody] : []), {
    method: req.method, url, originalUrl: `${ehr.urls.path}/auth${url}`, headers, socket: req.socket, httpVersion: '1.1',
  });
}

// An earlier login never speaks for a new launch: only the cookies of the login pages count.
const interactionCookies = (header = '') => header.split(/; */).filter((it) => it.startsWith('_interaction')).join('; ');

// oidc-provider drops offline_access without prompt=consent, and scopes like patient/*.rs without a resource.
function withDefaults(encoded, ehr) {
  const prompt = new URLSearchParams(encoded).has('prompt') ? '' : '&prompt=consent';
  return `${encoded}${prompt}&resource=${encodeURIComponent(ehr.urls.fhir)}`;
}

// Takes away what `code_length` and `token_length` or `opaque` have added.
function plainTokens(body) {
  const params = new URLSearchParams(body.toString());
  const [code, token] = [params.get('code'), params.get('token')];
  if (!code?.includes('~') && !token) return body;
  if (code) params.set('code', code.split('~')[0]);
  if (token) params.set('token', unwrapToken(token));
  return Buffer.from(params.toString());
}
