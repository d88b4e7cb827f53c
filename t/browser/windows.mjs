// SPDX-License-Identifier: Apache-2.0
// Two patients in two windows of one browser, in an app that knows nothing of it: they never mix.

import assert from 'node:assert/strict';
import * as b from '../../demo/lib/browser.mjs';
import { finish, test } from './lib/tap.mjs';

const A = { name: 'Luna McCullough', record: '1001' };
const B = { name: 'Johnnie Hermiston', record: '1002' };

const browser = await b.openBrowser();
const workstation = await b.openWorkstation(browser);
const one = {};
const two = {};

async function stillShows(window, patient) {
  await window.app.locator('#record').waitFor();
  assert.deepEqual(await b.shown(window.app), { patient: patient.name, user: 'alice' });
  assert.equal(await window.app.locator('h1').innerText(), `Record ${patient.record}`);
}

/** Goes to a URL as if typed into the frame: no Referer, no handle but what the URL has. */
async function typeIn(window, url) {
  const [answer] = await Promise.all([
    window.page.waitForResponse((response) => response.url() === url),
    b.frameOf(window.page).then((frame) => frame.goto(url)),
  ]);
  return answer;
}

await test('launch patient A, then patient B in a second window', async () => {
  one.page = await b.openChart(workstation, 'dr-smith', A.name);
  one.app = await b.launchAndJoin(one.page, 'alice');
  one.url = (await b.frameOf(one.page)).url();
  two.page = await b.openChart(workstation, 'dr-smith', B.name);
  two.app = await b.openApp(two.page);
  await stillShows(two, B);
});

await test('window A reloaded is still A', async () => {
  await one.page.bringToFront(); // a window behind another is slow to react
  await b.reload(one.page);
  await stillShows(one, A);
});

await test('clicking on in A stays A, click after click', async () => {
  for (let round = 0; round < 3; round += 1) {
    await one.app.getByRole('link', { name: 'Records' }).click();
    await one.app.locator('#records').waitFor();
    await one.app.getByRole('link', { name: A.record }).click();
    await stillShows(one, A);
  }
});

await test("A's list offers no way to B's record", async () => {
  await one.app.getByRole('link', { name: 'Records' }).click();
  await one.app.locator('#records').waitFor();
  assert.equal(await one.app.getByRole('link', { name: B.record, exact: true }).count(), 0);
  await one.app.getByRole('link', { name: A.record }).click();
  await stillShows(one, A);
});

await test('a form posted in A is saved for A and goes on as A', async () => {
  await one.app.locator('textarea[name=note]').fill('Written in window A');
  await one.app.getByRole('button', { name: 'Save' }).click();
  await one.app.getByRole('status').waitFor();
  await stillShows(one, A);
  assert.equal(await one.app.locator('textarea[name=note]').inputValue(), 'Written in window A');
});

await test('B, reloaded after that, is B and has nothing of it', async () => {
  await b.reload(two.page);
  await stillShows(two, B);
  assert.equal(await two.app.locator('textarea[name=note]').inputValue(), '');
});

await test("a script's fetch in A belongs to A, in B to B", async () => {
  for (const [window, patient] of [[one, A], [two, B]]) {
    const frame = await b.frameOf(window.page);
    const text = await frame.evaluate(() => fetch('./').then((answer) => answer.text()));
    assert.ok(text.includes(`<strong id="patient-name">${patient.name}</strong>`), `not the page of ${patient.name}`);
  }
});

await test('a URL without a handle: nobody guesses, the chooser comes and its links lead right', async () => {
  const answer = await typeIn(one, `${b.APP}/study/`);
  assert.equal(answer.status(), 409);
  const links = one.app.locator('a[href*="smart_launch="]');
  assert.equal(await links.count(), 2);
  assert.equal(await one.app.locator('#patient-name').count(), 0);
  const seen = new Set();
  for (const index of [0, 1]) {
    await typeIn(one, `${b.APP}/study/`);
    await links.nth(index).press('Enter');
    await one.app.locator('#record').waitFor();
    seen.add((await b.shown(one.app)).patient);
  }
  assert.deepEqual([...seen].sort(), [A.name, B.name].sort());
});

await test('scripts of the origin can neither read the chooser nor ask for what it says', async () => {
  await typeIn(one, `${b.APP}/study/`);
  assert.equal(await (await b.frameOf(one.page)).evaluate(() => globalThis.origin), 'null');
  await typeIn(one, one.url);
  const frame = await b.frameOf(one.page);
  const [status, text] = await frame.evaluate(() => fetch('./', { referrerPolicy: 'no-referrer' })
    .then(async (answer) => [answer.status, await answer.text()]));
  assert.equal(status, 409);
  assert.equal(JSON.parse(text).error, 'ambiguous_launch');
  assert.doesNotMatch(text, /luna|johnnie|smart_launch/i);
});

await test('CTX-10 a link from the window of A to a page of B: asked before anything changes', async () => {
  await typeIn(one, one.url);
  await stillShows(one, A);
  const frame = await b.frameOf(one.page);
  const target = (await b.frameOf(two.page)).url();
  for (const [choice, patient] of [['Stay', A], ['Change', B]]) {
    await frame.evaluate((url) => {
      const link = document.createElement('a');
      link.href = url;
      document.body.append(link);
      link.click();
    }, target);
    await one.app.getByRole('heading', { name: 'Change the patient?' }).waitFor();
    assert.equal(await one.app.locator('#patient-name').count(), 0);
    await one.app.getByRole('link', { name: choice }).press('Enter');
    await stillShows(one, patient);
  }
  await typeIn(one, one.url);
  await stillShows(one, A);
});

await test('a form post that names no launch: 409, nothing is saved', async () => {
  await b.reload(two.page);
  await stillShows(two, B);
  const frame = await b.frameOf(two.page);
  const answered = two.page.waitForResponse((response) => response.request().method() === 'POST');
  await frame.evaluate(() => {
    const form = document.querySelector('textarea[name=note]').form;
    const policy = document.createElement('meta');
    policy.name = 'referrer';
    policy.content = 'no-referrer';
    document.head.append(policy);
    form.elements.note.value = 'Saved for whom?';
    form.submit();
  });
  assert.equal((await answered).status(), 409);
  const fresh = await b.openChart(workstation, 'dr-smith', B.name);
  const app = await b.openApp(fresh);
  await app.locator('#record').waitFor();
  assert.equal(await app.locator('textarea[name=note]').inputValue(), '');
  await fresh.close();
});

await test('a handle in another browser opens nothing', async () => {
  const [handle] = (await b.frameOf(one.page)).url().match(/smart_launch=[^&#]+/) ?? assert.fail('no handle in the URL');
  const other = await b.openWorkstation(browser);
  const page = await b.embed(other, `${b.APP}/study/?${handle}`);
  const app = b.embedded(page);
  await app.locator('h1').waitFor();
  assert.equal(await app.locator('#patient-name').count(), 0);
  assert.doesNotMatch(await app.locator('body').innerText(), new RegExp(`${A.name}|${B.name}`));
  await other.close();
});

await browser.close();
await finish('SL2531', 'SL2533');
