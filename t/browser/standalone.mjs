// SPDX-License-Identifier: Apache-2.0
// Standalone launch: from a page of the app to the EHR and back to it, and what stands in the way of a
// link on another site.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import * as b from '../../demo/lib/browser.mjs';
import { errorLog, finish, test } from './lib/tap.mjs';

const START = `${b.APP}/smart/start?ehr=hospital&return=${encodeURIComponent('/study/records.php?from=here')}`;
const browser = await b.openBrowser();

/** Every page of ours at 360 px and wide; $SL_SHOTS is a folder for those who want to look. */
async function isReadable(page, name) {
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 700 });
    const [scroll, client] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(scroll <= client, `${name} scrolls sideways at ${width} px: ${scroll} > ${client}`);
    assert.equal(await page.locator('script').count(), 0);
    assert.equal(await page.locator('h1').count(), 1);
    if (process.env.SL_SHOTS) {
      mkdirSync(process.env.SL_SHOTS, { recursive: true });
      await page.screenshot({ path: `${process.env.SL_SHOTS}/${name}-${width}.png`, fullPage: true });
    }
  }
}

async function logInAtEhr(page, user, patient) {
  await page.locator('input[name=user]').fill(user);
  await page.locator('input[name=password]').fill(`${user.split('-')[1]}-demo`);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('button', { name: b.filed(patient) }).click();
}

async function backAtTheStudy(page) {
  await page.waitForURL((url) => url.pathname === '/study/records.php' && url.searchParams.get('from') === 'here' && url.searchParams.has('smart_launch'));
  await page.goto(page.url().replace('records.php', ''));
  await page.locator('#record').waitFor();
}

/** Somebody at work in the app, not in any chart. */
async function atWork(user) {
  const page = await (await b.openWorkstation(browser)).newPage();
  await page.goto(`${b.APP}/study/`);
  await b.logIn(page, user);
  await page.locator('#records').waitFor();
  return page;
}

const alice = await atWork('alice');

await test('LCH-4 a link on a page of the app leads to the EHR at once, and back to the page', async () => {
  await alice.evaluate((url) => { location.href = url; }, START);
  await logInAtEhr(alice, 'dr-smith', 'Luna McCullough');
  await alice.locator('button[name=answer][value=yes]').waitFor();
  assert.match(await alice.locator('body').innerText(), /You logged in to hospital as dr-smith, and to this application as alice\./);
  await isReadable(alice, 'join');
  await b.answerJoin(alice, 'yes');
  await backAtTheStudy(alice);
  assert.deepEqual(await b.shown(alice), { patient: 'Luna McCullough', user: 'alice' });
});

await test('LCH-4 the second time nothing is asked', async () => {
  await alice.evaluate((url) => { location.href = url; }, START);
  await logInAtEhr(alice, 'dr-smith', 'Johnnie Hermiston');
  await backAtTheStudy(alice);
  assert.deepEqual(await b.shown(alice), { patient: 'Johnnie Hermiston', user: 'alice' });
});

await test('CTX-10 the window before goes on with its own patient', async () => {
  assert.deepEqual(await b.rows("SELECT count(*)::int AS n FROM smartlaunch.launch WHERE kind = 'standalone' AND state = 'live'"), [{ n: 2 }]);
  await alice.goto(`${b.APP}/study/`);
  assert.match(await alice.locator('h1').innerText(), /Which patient\?/);
  await alice.getByRole('link', { name: /Go on with/ }).last().click();
  assert.deepEqual(await b.shown(alice), { patient: 'Luna McCullough', user: 'alice' });
});

await test('design 12 a link on another site: a page with one button, and nothing begins before it is pressed', async () => {
  const page = await atWork('bob');
  const count = await b.rows('SELECT count(*) FROM smartlaunch.launch');
  await page.goto(`${b.EHR}/`);
  await page.evaluate((url) => { location.href = url; }, START);
  await page.getByRole('button', { name: 'Log in at hospital' }).waitFor();
  assert.deepEqual(await b.rows('SELECT count(*) FROM smartlaunch.launch'), count);
  await isReadable(page, 'start');
  await page.getByRole('button', { name: 'Log in at hospital' }).click();
  await logInAtEhr(page, 'dr-jones', 'Luna McCullough');
  await b.answerJoin(page, 'yes');
  await backAtTheStudy(page);
  assert.deepEqual(await b.shown(page), { patient: 'Luna McCullough', user: 'bob' });
});

await test('LCH-4 typed into the address bar it is the same page', async () => {
  const page = await atWork('alice');
  await page.goto(START);
  await page.getByRole('button', { name: 'Log in at hospital' }).click();
  await page.locator('input[name=user]').waitFor();
  assert.match(page.url(), new RegExp(`^${b.EHR}/`));
});

await test('when it has ended, the page leads back to the beginning', async () => {
  await b.rows("SELECT smartlaunch.revoke_launch(id, 'test') FROM smartlaunch.launch WHERE kind = 'standalone' AND state = 'live'");
  const url = alice.url();
  await b.until(() => alice.goto(url), (answer) => answer.status() === 401);
  await isReadable(alice, 'again');
  assert.doesNotMatch(await alice.locator('body').innerText(), /chart/);
  await alice.getByRole('link', { name: 'Log in again' }).click();
  await logInAtEhr(alice, 'dr-smith', 'Luna McCullough');
  await alice.locator('#record, #records').first().waitFor();
  assert.deepEqual(await b.shown(alice), { patient: 'Luna McCullough', user: 'alice' });
});

await test('AZR-13 a way back that leads elsewhere is refused, on a page that says so', async () => {
  const page = await atWork('alice');
  const answer = await page.goto(`${b.APP}/smart/start?ehr=hospital&return=${encodeURIComponent('//evil.example/')}`);
  assert.equal(answer.status(), 400);
  await isReadable(page, 'refused');
  const other = await page.goto(`${b.APP}/smart/start?ehr=clinic`);
  assert.equal(other.status(), 403);
  await isReadable(page, 'no-standalone');
});

await test('SEC-5 no address of ours with its query is in a log', () => {
  assert.deepEqual(errorLog().filter((line) => /return=|smart_launch=/.test(line)), []);
});

await browser.close();
await finish('SL2531', 'SL2961', 'SL2962');
