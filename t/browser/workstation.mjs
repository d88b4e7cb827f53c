// SPDX-License-Identifier: Apache-2.0
// A shared workstation: two clinicians, one browser. Nobody works under the other's name.

import assert from 'node:assert/strict';
import * as b from '../../demo/lib/browser.mjs';
import { finish, test } from './lib/tap.mjs';

const A = 'Luna McCullough';
const B = 'Johnnie Hermiston';

const browser = await b.openBrowser();
const workstation = await b.openWorkstation(browser);
const smith = {};
const jones = {};

async function hasEnded(window) {
  await b.reload(window.page);
  await window.app.getByText(/chart/).first().waitFor();
  assert.equal(await window.app.locator('#patient-name').count(), 0);
  assert.equal(await window.app.locator('#user').count(), 0);
}

await test('"no" to the question stores nothing: the next launch asks again', async () => {
  smith.page = await b.openChart(workstation, 'dr-smith', A);
  smith.app = await b.openApp(smith.page);
  await b.logIn(smith.app, 'alice');
  await b.answerJoin(smith.app, 'no');
  await smith.app.locator('button[name=answer]').first().waitFor({ state: 'detached' });
  assert.equal(await smith.app.locator('#patient-name').count(), 0);
  smith.page = await b.openChart(workstation, 'dr-smith', A);
  smith.app = await b.launchAndJoin(smith.page, 'alice');
  assert.deepEqual(await b.shown(smith.app), { patient: A, user: 'alice' });
});

await test('another clinician, first time: "you are now dr-jones" comes first, and nothing has changed yet', async () => {
  jones.page = await b.openChart(workstation, 'dr-jones', B);
  jones.app = await b.openApp(jones.page);
  await jones.app.getByRole('heading', { name: 'You are now dr-jones' }).waitFor();
  assert.doesNotMatch(await jones.app.locator('body').innerText(), /alice|dr-smith/);
  await b.reload(smith.page);
  await smith.app.locator('#record').waitFor();
  assert.deepEqual(await b.shown(smith.app), { patient: A, user: 'alice' });
});

await test('going on, she gets the login page, and the first one’s window has ended', async () => {
  await b.answerJoin(jones.app, 'yes');
  await jones.app.locator('input[name=password]').waitFor();
  assert.equal(await jones.app.locator('#user').count(), 0);
  await hasEnded(smith);
});

await test('an account that is somebody else’s already is not given twice', async () => {
  await b.logIn(jones.app, 'alice');
  await jones.app.getByRole('heading', { name: 'These two accounts do not fit together' }).waitFor();
  assert.equal(await jones.app.locator('#user, button[name=answer]').count(), 0);
});

await test('joined as bob, she has her patient', async () => {
  jones.page = await b.openChart(workstation, 'dr-jones', B);
  jones.app = await b.launchAndJoin(jones.page, 'bob');
  assert.deepEqual(await b.shown(jones.app), { patient: B, user: 'bob' });
});

await test('the first one is back: "you are now alice" comes before her patient', async () => {
  smith.page = await b.openChart(workstation, 'dr-smith', A);
  smith.app = await b.openApp(smith.page);
  await smith.app.locator('button[name=answer][value=yes]').waitFor();
  assert.match(await smith.app.locator('body').innerText(), /alice/);
  assert.equal(await smith.app.locator('#patient-name').count(), 0);
});

await test('until she says so, nothing has changed for the other window', async () => {
  await b.reload(jones.page);
  await jones.app.locator('#record').waitFor();
  assert.deepEqual(await b.shown(jones.app), { patient: B, user: 'bob' });
});

await test('when she has, she is alice at her patient, and bob’s window has ended', async () => {
  await b.answerJoin(smith.app, 'yes');
  await smith.app.locator('#record').waitFor();
  assert.deepEqual(await b.shown(smith.app), { patient: A, user: 'alice' });
  await hasEnded(jones);
});

await browser.close();
await finish('SL2531', 'SL4501');
