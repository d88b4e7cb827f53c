// SPDX-License-Identifier: Apache-2.0
// node --test selftest.mjs: which sign-on messages Allergy Card believes, and how often a ticket opens it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

const folder = mkdtempSync(path.join(tmpdir(), 'allergy-card-'));
const [secret, token] = ['a secret of the two of us, long enough', 'a-token'];
const reads = [];
const gateway = createServer(async (req, res) => {
  reads.push([req.method, req.url, Buffer.concat(await req.toArray()).toString()]);
  const resource = req.url.includes('/Patient/') ? { name: [{ given: ['<Ann>'], family: 'Example' }] } : { code: { text: 'Nuts' } };
  res.end(JSON.stringify({ entry: [{ resource }] }));
});
let server;
let at;

const listening = async (it) => {
  it.listen(0, '127.0.0.1');
  await once(it, 'listening');
  return it.address().port;
};

before(async () => {
  const [CARD_SECRET, CARD_TOKEN] = ['secret', 'token'].map((name) => path.join(folder, name));
  writeFileSync(CARD_SECRET, `${secret}\n`);
  writeFileSync(CARD_TOKEN, `${token}\n`);
  const probe = createServer();
  const CARD_PORT = await listening(probe);
  probe.close();
  await listening(gateway);
  server = spawn(process.execPath, [new URL('server.mjs', import.meta.url).pathname], {
    env: { ...process.env, CARD_PORT, CARD_URL: 'https://card.example', CARD_SECRET, CARD_TOKEN }, stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(server.stdout, 'data');
  at = `http://127.0.0.1:${CARD_PORT}`;
});
after(() => {
  server.kill();
  gateway.close();
  rmSync(folder, { recursive: true });
});

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function message({ body, claims, alg = 'HS256', key = secret, header = token } = {}) {
  const text = JSON.stringify({
    Meta: { SessionID: 'the-session', SessionBaseURL: `http://127.0.0.1:${gateway.address().port}/card-fhir/hospital` },
    Patient: { Identifiers: [{ ID: 'ann' }] }, Person: { EHRUserName: 'dr-smith' },
  });
  const now = Math.floor(Date.now() / 1000);
  const data = `${part({ alg, typ: 'JWT' })}.${part({
    aud: 'allergy-card', iat: now, exp: now + 60, jti: randomUUID(),
    body_sha256: createHash('sha256').update(text).digest('base64url'), ...claims,
  })}`;
  const signature = alg === 'none' ? '' : createHmac('sha256', key).update(data).digest('base64url');
  return {
    method: 'POST', body: body ?? text, redirect: 'manual',
    headers: { 'verification-token': header, authorization: `Bearer ${data}.${signature}`, 'content-type': 'application/json' },
  };
}

const signOn = (how) => fetch(`${at}/signon`, how);

test('a genuine message gets a ticket that opens the card once, in one browser', async () => {
  const { status, headers } = await signOn(message());
  assert.equal(status, 302);
  const { origin, pathname, search } = new URL(headers.get('location'));
  assert.deepEqual([origin, pathname], ['https://card.example', '/card/']);
  const opened = await fetch(`${at}/card/${search}`, { redirect: 'manual' });
  assert.deepEqual([opened.status, opened.headers.get('location')], [303, '/card/']);
  assert.equal((await fetch(`${at}/card/${search}`)).status, 401);
  const cookie = opened.headers.get('set-cookie').split(';')[0];
  const page = await fetch(`${at}/card/`, { headers: { cookie } });
  assert.match(await page.text(), /&#60;Ann&#62; Example[^]*Nuts[^]*dr-smith/);
  const base = '/card-fhir/hospital';
  assert.deepEqual(reads, [
    ['POST', `${base}/Patient/_search?_redox_session=the-session`, '_id=ann'],
    ['POST', `${base}/AllergyIntolerance/_search?_redox_session=the-session`, 'patient=ann'],
  ]);
  assert.equal((await fetch(`${at}/card/`, { headers: { cookie: 'card=x' } })).status, 401);
  assert.equal((await fetch(`${at}/card/`)).status, 401);
});

test('no other message is believed', async () => {
  const now = Math.floor(Date.now() / 1000);
  const wrong = {
    'another secret': { key: 'another' }, 'another token': { header: 'another' }, 'another body': { body: '{"Meta":{}}' },
    'for another app': { claims: { aud: 'other' } }, 'too old': { claims: { exp: now - 1 } }, unsigned: { alg: 'none' },
    'another algorithm': { alg: 'HS384' },
  };
  for (const [what, how] of Object.entries(wrong)) assert.equal((await signOn(message(how))).status, 403, what);
  const first = message();
  assert.deepEqual([(await signOn(first)).status, (await signOn(first)).status], [302, 403]);
  assert.equal((await fetch(`${at}/signon`)).status, 502);
});

test('the challenge is answered to who knows the token', async () => {
  const ask = async (known) => {
    const answer = await signOn({ method: 'POST', body: JSON.stringify({ 'verification-token': known, challenge: 'c-1' }) });
    return [answer.status, await answer.text()];
  };
  assert.deepEqual(await ask(token), [200, 'c-1']);
  assert.deepEqual(await ask('another'), [403, '']);
});
