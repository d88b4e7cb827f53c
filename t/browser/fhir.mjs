// SPDX-License-Identifier: Apache-2.0
// A page of the app reads FHIR by a script (FHR-10): same origin, the browser's cookie, the launch of its window.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as b from '../../demo/lib/browser.mjs';
import { finish, test } from './lib/tap.mjs';

const A = { name: 'Luna McCullough', id: 'luna-mccullough' };
const B = { name: 'Johnnie Hermiston', id: 'johnnie-hermiston' };
const GATEWAY = `${b.APP}/ehr/hospital`;

const browser = await b.openBrowser();
const workstation = await b.openWorkstation(browser);
const one = {};
const two = {};

/** A script's fetch in the window's page: what it got. */
async function fetched(window, url, options = {}) {
  const frame = await b.frameOf(window.page);
  return frame.evaluate(async ([where, how]) => {
    const answer = await fetch(where, how);
    const text = await answer.text();
    let json = null;
    try { json = JSON.parse(text); } catch { /* a page */ }
    return { status: answer.status, headers: Object.fromEntries(answer.headers), json };
  }, [url, options]);
}

/** What the FHIR server was asked since the last time, apart from discovery. */
async function asked() {
  const log = await b.control('GET', 'log?path=/fhir/');
  await b.control('DELETE', 'log');
  return log.filter(({ path }) => !path.includes('.well-known'));
}

/** Reads of A's resource that httpd refused, in its access log. */
const refusals = () => readFileSync(`${b.RUN}/log/access.log`, 'utf8').split('\n')
  .filter((line) => line.includes(`"GET /ehr/hospital/Patient/${A.id}" 401`));

function isRefused(answer, status) {
  assert.equal(answer.status, status);
  assert.equal(answer.json?.resourceType, 'OperationOutcome');
}

await test('launch patient A, then patient B in a second window', async () => {
  one.page = await b.openChart(workstation, 'dr-smith', A.name);
  one.app = await b.launchAndJoin(one.page, 'alice');
  one.handle = new URL((await b.frameOf(one.page)).url()).searchParams.get('smart_launch');
  assert.match(one.handle ?? '', /^\S+$/);
  two.page = await b.openChart(workstation, 'dr-smith', B.name);
  two.app = await b.openApp(two.page);
  await two.app.locator('#record').waitFor();
  await asked();
});

await test("FHR-10 a script in A's page reads A, one in B's page reads B", async () => {
  for (const [window, patient] of [[one, A], [two, B], [one, A]]) {
    const answer = await fetched(window, `/ehr/hospital/Patient/${patient.id}`);
    assert.equal(answer.status, 200);
    assert.equal(answer.json.id, patient.id);
    assert.match(answer.headers['cache-control'], /no-store/);
  }
  assert.equal((await asked()).length, 3);
});

await test("FHR-10 neither reads the other's patient, and the EHR is not asked", async () => {
  isRefused(await fetched(one, `/ehr/hospital/Patient/${B.id}`), 403);
  isRefused(await fetched(two, `/ehr/hospital/Condition?patient=${A.id}`), 403);
  assert.deepEqual(await asked(), []);
});

await test('FHR-5 it follows next to the last page', async () => {
  const ids = new Set();
  let url = `/ehr/hospital/Observation?patient=${A.id}&category=laboratory`;
  let pages = 0;
  for (; url; pages += 1) {
    const { status, json } = await fetched(one, url);
    assert.equal(status, 200);
    for (const { fullUrl, resource } of json.entry) {
      assert.equal(fullUrl, `${GATEWAY}/Observation/${resource.id}`);
      ids.add(resource.id);
    }
    url = json.link.find(({ relation }) => relation === 'next')?.url;
    if (url) assert.ok(url.startsWith(`${GATEWAY}/Observation?`), url);
  }
  assert.deepEqual([pages, ids.size], [5, 91]);
});

await test('FHR-1, FHR-8 the EHR gets the token and nothing that is between the browser and us', async () => {
  const requests = await asked();
  assert.equal(requests.length, 5);
  for (const { headers, raw_headers: raw } of requests) {
    assert.match(headers.authorization, /^Bearer \S+$/);
    assert.equal(raw.filter((name) => name.toLowerCase() === 'authorization').length, 1);
    assert.deepEqual(Object.keys(headers).filter((name) => /^(cookie|referer|origin|sec-|smart)/.test(name)), []);
  }
});

await test('FHR-10 it writes, and learns where the new resource is', async () => {
  const body = { resourceType: 'Observation', status: 'final', code: { text: 'ACT score' }, valueInteger: 21,
    subject: { reference: `Patient/${A.id}` } };
  const answer = await fetched(one, '/ehr/hospital/Observation', {
    method: 'POST', headers: { 'content-type': 'application/fhir+json' }, body: JSON.stringify(body),
  });
  assert.equal(answer.status, 201);
  assert.ok(answer.headers.location.startsWith(`${GATEWAY}/Observation/`), answer.headers.location);
  const read = await fetched(one, answer.headers.location);
  assert.equal(read.json.valueInteger, 21);
  await asked();
});

await test("FHR-10 a form of another site writes nothing, even with the browser's cookie", async () => {
  const outside = await b.openChart(workstation, 'dr-smith', A.name);
  const [answer] = await Promise.all([
    outside.waitForResponse((response) => response.url().startsWith(GATEWAY)),
    outside.evaluate(([action]) => {
      const frame = Object.assign(document.createElement('iframe'), { name: 'target' });
      const form = Object.assign(document.createElement('form'), { method: 'post', action, target: 'target' });
      document.body.append(frame, form);
      HTMLFormElement.prototype.submit.call(form);
    }, [`${GATEWAY}/Observation`]),
  ]);
  assert.equal(answer.status(), 403);
  const sent = await answer.request().allHeaders();
  assert.equal(sent['sec-fetch-site'], 'cross-site');
  assert.match(sent.cookie ?? '', /__Host-smart=/);
  assert.deepEqual(await asked(), []);
  await outside.close();
});

await test('FHR-10 a script of another site reads nothing', async () => {
  const outside = await workstation.newPage();
  await outside.goto(`${b.EHR}/fhir/metadata`); // of that site, without a policy that forbids the attempt
  await asked();
  const before = refusals().length;
  await outside.evaluate((url) => fetch(url, { mode: 'no-cors', credentials: 'include' }).then(() => 1, () => 0),
    `${GATEWAY}/Patient/${A.id}`);
  await b.until(refusals, (lines) => lines.length > before);
  assert.equal(refusals().length, before + 1);
  assert.deepEqual(await asked(), []);
  await outside.close();
});

await test("FHR-10 a frame of another site shows nothing, even with the browser's cookie and the launch's handle", async () => {
  for (const query of ['', `?smart_launch=${one.handle}`]) {
    const url = `${GATEWAY}/Patient/${A.id}${query}`;
    const arrives = workstation.waitForEvent('response', (response) => response.url() === url);
    const outside = await b.embed(workstation, url);
    const answer = await arrives;
    assert.equal(answer.status(), 401);
    const sent = await answer.request().allHeaders();
    assert.equal(sent['sec-fetch-site'], 'cross-site');
    assert.match(sent.cookie ?? '', /__Host-smart=/);
    await outside.close();
  }
  assert.deepEqual(await asked(), []);
});

await test('a session id that comes from a browser is refused', async () => {
  isRefused(await fetched(one, `/ehr/hospital/Patient/${A.id}`, { headers: { 'Smart-Session': 'x'.repeat(32) } }), 403);
  assert.deepEqual(await asked(), []);
});

await test('FHR-10 somebody without a launch who opens such an address gets a page that says what to do', async () => {
  const page = await workstation.newPage();
  const answer = await page.goto(`${GATEWAY}/Patient/${A.id}`);
  assert.equal(answer.status(), 401);
  assert.match(answer.headers()['content-type'], /^text\/html/);
  assert.match(await page.locator('body').innerText(), /chart/);
  await page.close();
});

await test('after a logout the script is told to launch again', async () => {
  await two.app.getByRole('button', { name: 'Log out' }).click();
  await two.app.getByRole('heading', { name: 'You are logged out' }).waitFor();
  await asked();
  const answer = await fetched(two, `/ehr/hospital/Patient/${B.id}`);
  isRefused(answer, 401);
  assert.match(answer.headers['www-authenticate'], /^Smart .*relaunch/);
  assert.deepEqual(await asked(), []);
});

await browser.close();
await finish('SL2601', 'SL2606', 'SL5808', 'SL5807', 'SL2531');
