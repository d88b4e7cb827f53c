// SPDX-License-Identifier: Apache-2.0
// Allergy Card: a second application, told of each launch by a sign-on message, as Redox sends it. It has no login
// page and no credentials at the EHR: the session in the message opens the gateway.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { card, headers as html, message } from './page.mjs';

const { CARD_PORT: port, CARD_URL: site } = process.env;
const [secret, token] = ['CARD_SECRET', 'CARD_TOKEN'].map((file) => readFileSync(process.env[file], 'utf8').trim());
const [tickets, sessions, seen] = [new Map(), new Map(), new Set()];

const digest = (text) => createHash('sha256').update(text).digest();
const same = (a, b) => timingSafeEqual(digest(String(a)), digest(String(b)));
const decode = (part) => JSON.parse(Buffer.from(part, 'base64url'));

/** Is the message from our web server, for us, fresh, whole, and new? */
function isGenuine({ headers }, body) {
  const [head, claims, signature] = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(headers.authorization)?.slice(1) ?? [];
  const right = createHmac('sha256', secret).update(`${head}.${claims}`).digest('base64url');
  if (!same(headers['verification-token'], token) || !same(signature, right)) return false;
  const { aud, exp, jti, body_sha256: sum } = decode(claims);
  return decode(head).alg === 'HS256' && aud === 'allergy-card' && exp > Date.now() / 1000
    && sum === digest(body).toString('base64url') && !seen.has(jti) && Boolean(seen.add(jti));
}

function keep(map, value, seconds) {
  const id = randomBytes(24).toString('base64url');
  map.set(id, value);
  setTimeout(() => map.delete(id), seconds * 1000).unref();
  return id;
}

/** Whoever asks is the web server, not the browser: the Location, good for one visit, is all that goes on. */
function signOn(req, body) {
  const said = JSON.parse(body);
  if (said.challenge) return same(said['verification-token'], token) ? [200, {}, said.challenge] : [403];
  if (!isGenuine(req, body)) return [403];
  const { Meta, Patient, Person } = said;
  const launch = { id: Meta.SessionID, base: Meta.SessionBaseURL, patient: Patient.Identifiers[0].ID, user: Person.EHRUserName };
  return [302, { Location: `${site}/card/?ticket=${keep(tickets, launch, 60)}` }];
}

async function search({ id, base }, type, parameters) {
  const url = `${base}/${type}/_search?_redox_session=${id}`;
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(parameters) });
  if (!answer.ok) throw new Error(`${type}: the gateway says ${answer.status}`);
  return ((await answer.json()).entry ?? []).map(({ resource }) => resource);
}

async function page(req) {
  const ticket = new URL(req.url, site).searchParams.get('ticket');
  const launch = tickets.get(ticket) ?? sessions.get(/(?:^|; )card=([\w-]+)/.exec(req.headers.cookie)?.[1]);
  if (!launch || (ticket && !tickets.delete(ticket))) return [401, html, message('Please open this from the patient’s chart.')];
  if (ticket) return [303, { Location: '/card/', 'Set-Cookie': `card=${keep(sessions, launch, 43_200)}; Path=/card; HttpOnly; Secure` }];
  const [patient] = await search(launch, 'Patient', { _id: launch.patient });
  return [200, html, card(patient, await search(launch, 'AllergyIntolerance', { patient: launch.patient }), launch.user)];
}

createServer(async (req, res) => {
  const body = Buffer.concat(await req.toArray()).toString();
  const answer = req.url === '/signon' ? async () => signOn(req, body) : async () => page(req);
  const [status, headers = {}, text] = await answer().catch((error) => [502, html, message(error.message)]);
  res.writeHead(status, headers).end(text);
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
