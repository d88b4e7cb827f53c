// SPDX-License-Identifier: Apache-2.0
// One workstation, several people, an old application that keeps its user and patient in its session:
// who comes next never gets the session of who was there before.

import assert from 'node:assert/strict';
import * as b from '../../demo/lib/browser.mjs';
import { finish, test } from './lib/tap.mjs';
import { asked, click, frameIn, install, isOf, led, neverMixed, open, requests } from './lib/ward.mjs';

const A = { name: 'Luna McCullough', id: 'luna-mccullough' };
const B = { name: 'Johnnie Hermiston', id: 'johnnie-hermiston' };

install();
const browser = await b.openBrowser();
const workstation = await b.openWorkstation(browser);

/** The clinician opens the study at the patient's chart; what questions come, she answers with yes. */
async function launch(clinician, user, patient, { first = false, instead = false } = {}) {
  const window = { patient, user, page: await b.openChart(workstation, clinician, patient.name) };
  window.app = await b.openApp(window.page);
  if (instead) {
    await window.app.getByRole('heading', { name: /^You are now/ }).waitFor();
    await b.answerJoin(window.app, 'yes');
  }
  if (first) {
    await b.logIn(window.app, user);
    await b.answerJoin(window.app, 'yes');
  }
  await open(window);
  return window;
}

function sessionOf({ patient, user }) {
  return requests().filter((request) => request.patient === patient.id && request.user === user).at(-1).session;
}

/** Click, reload, post and fetch in a window whose launch has ended: a page that says so, and nothing of the app. */
async function isOver(window, who) {
  await window.page.bringToFront();
  const before = requests().length;
  const frame = await frameIn(window);
  const statuses = await asked(window, () => Promise.all(['?as=json', '?as=picture', '/ward/index.php?as=json']
    .map((url) => fetch(url).then(({ status }) => status))));
  assert.deepEqual(statuses, [401, 401, 401]);
  await Promise.all([frame.waitForNavigation(), frame.locator('#post button').click()]);
  await frame.getByText('not saved').first().waitFor();
  await Promise.all([frame.waitForNavigation(), frame.evaluate(() => history.back())]);
  await frame.locator('h1').waitFor();
  assert.equal(await frame.locator('#state').count(), 0);
  assert.doesNotMatch(await frame.locator('body').innerText(), who);
  assert.equal(requests().length, before, 'the application was asked for nothing');
}

async function cookiesOf(path) {
  return (await workstation.cookies(`${b.APP}${path}`)).filter(({ name }) => /\.[~!]/.test(name));
}

let alice, bob;

await test('CTX-10 a nurse opens the same patient twice: two sessions, one patient, and a request without a name is that patient’s', async () => {
  alice = [await launch('dr-smith', 'alice', A, { first: true })];
  const session = sessionOf(alice[0]);
  alice.push(await launch('dr-smith', 'alice', A));
  assert.notEqual(sessionOf(alice[1]), session);
  for (const window of [...alice, alice[0]]) {
    await window.page.bringToFront();
    isOf(window, await led(window, click('relative')), { how: 'relative' });
    isOf(window, await led(window, click('noreferrer')), { how: 'noreferrer' });
    isOf(window, await led(window, (frame) => frame.evaluate(() => history.back())), { how: 'relative' });
  }
});

await test('SEC-9 the second clinician, no logout before: the first one’s windows end, her session is never shown', async () => {
  const sessions = new Set(requests().map((request) => request.session));
  bob = await launch('dr-jones', 'bob', A, { first: true, instead: true });
  assert.ok(!sessions.has(sessionOf(bob)), 'a session of his own, for the same patient');
  for (const window of alice) await isOver(window, /alice|dr-smith/i);
  await bob.page.bringToFront();
  isOf(bob, await led(bob, click('path')), { how: 'path' });
});

await test('SEC-9 the cookies of the launches that ended are gone with the next answer', async () => {
  const left = await b.until(async () => {
    await led(bob, click('path'));
    return cookiesOf('/ward/');
  }, (cookies) => new Set(cookies.map(({ name }) => name.slice(-16))).size === 1);
  assert.deepEqual([...new Set(left.map(({ name }) => name.slice(0, -18)))].sort(), ['PHPSESSID', 'chart']);
  assert.equal(left.length, 2, JSON.stringify(left));
});

await test('SEC-9 he logs out in one of his windows: that one has ended, the other has its own session still', async () => {
  const other = await launch('dr-jones', 'bob', B);
  const ward = (await frameIn(other)).url();
  await Promise.all([(await frameIn(other)).waitForNavigation(), asked(other, () => { location.href = '/study/'; })]);
  await other.app.locator('#record').waitFor();
  await other.app.getByRole('button', { name: 'Log out' }).click();
  await other.app.getByRole('heading', { name: 'You are logged out' }).waitFor();
  await (await frameIn(other)).goto(ward);
  assert.equal(await other.app.locator('#state').count(), 0);
  assert.doesNotMatch(await other.app.locator('body').innerText(), /bob|dr-jones/i);
  await bob.page.bringToFront();
  isOf(bob, await led(bob, click('path')), { how: 'path' });
});

await test('SEC-9 the first one is back: a new session, her patient, nothing of his', async () => {
  const sessions = new Set(requests().map((request) => request.session));
  const window = await launch('dr-smith', 'alice', B, { instead: true });
  assert.ok(!sessions.has(sessionOf(window)));
  await isOver(bob, /bob|dr-jones/i);
  await window.page.bringToFront();
  isOf(window, await led(window, click('to-path')), { how: 'path' });
});

await test('LCH-6 the app’s own X-Frame-Options and frame-ancestors: the EHR may frame it, another site may not', async () => {
  const page = await b.openChart(workstation, 'dr-smith', A.name);
  const window = { patient: A, user: 'alice', page, app: await b.openApp(page) };
  await open(window);
  const url = (await frameIn(window)).url();
  const refused = [];
  workstation.on('console', (message) => refused.push(message.text()));
  const stranger = await b.embed(workstation, url, b.EHR.replace('ehr.localhost', 'localhost'));
  const framing = await b.until(() => refused.filter((text) => /^Framing .*frame-ancestors/s.test(text)), ({ length }) => length > 0);
  assert.equal(framing.length, 1, refused.join('\n'));
  assert.equal(await b.embedded(stranger).locator('#state').count(), 0);
});

await test('CTX-10 in all of that: one session of the app for each launch, and no request of two people or patients', () => {
  neverMixed(requests());
});

await browser.close();
await finish('SL2531');
