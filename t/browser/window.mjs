// SPDX-License-Identifier: Apache-2.0
// Cookies in the EHR's frame as browsers have them: third-party cookies on, off, and none kept at
// all. Where none are kept: a page, a window of its own, the right clinician and patient.

import assert from 'node:assert/strict';
import * as b from '../../demo/lib/browser.mjs';
import { finish, test } from './lib/tap.mjs';

const A = 'Luna McCullough';
const B = 'Johnnie Hermiston';

/** What a user can set: third-party cookies on, off; and no cookies of the app in the EHR's pages. */
const ON = { profile: { cookie_controls_mode: 0 } };
const OFF = { profile: { cookie_controls_mode: 1 } };
const NONE = { profile: { content_settings: { exceptions: { cookies: { [`${b.APP},${b.EHR}`]: { setting: 2 } } } } } };

/** The page in the frame, and no other in its place. */
async function heading(app, name) {
  await app.getByRole('heading', { name }).waitFor();
}

/** Readable at this width, in a frame or a window: nothing is cut off, nothing scrolls sideways. */
async function isReadable(frame) {
  const [wide, seen, scripts] = await frame.evaluate(() => [document.documentElement.scrollWidth,
    document.documentElement.clientWidth, document.scripts.length]);
  assert.ok(wide <= seen, `scrolls sideways: ${wide} > ${seen}`);
  assert.equal(scripts, 0);
}

/** Clicks the page's link; what comes is a window of its own. */
async function openWindow(workstation, app, how = {}) {
  const opened = workstation.waitForEvent('page');
  await app.getByRole('link', { name: 'Open in a new window' }).click(how);
  const window = await opened;
  await window.waitForLoadState();
  return window;
}

async function picture(page, name) {
  if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/${name}.png`, fullPage: true });
}

async function linked(workstation, user, account, patient) {
  const page = await b.openChart(workstation, user, patient);
  const app = await b.openApp(page);
  return { page, app, account };
}

for (const [what, settings] of [['on', ON], ['off', OFF]]) {
  const workstation = await b.openProfile(settings);
  const alice = {};
  await test(`third-party cookies ${what}: our Partitioned cookie is kept, the launch runs in the frame`, async () => {
    const page = await b.openChart(workstation, 'dr-smith', A);
    const app = await b.openApp(page);
    await app.locator('input[name=password], #record').first().waitFor();
    if (await app.locator('input[name=password]').count()) {
      await b.logIn(app, 'alice');
      await b.answerJoin(app, 'yes');
    }
    await app.locator('#record').waitFor();
    assert.deepEqual(await b.shown(app), { patient: A, user: 'alice' });
    Object.assign(alice, { page, app });
    const ours = (await workstation.cookies()).filter(({ name }) => name === '__Host-smart');
    assert.equal(ours.length, 1);
    assert.equal(ours[0].sameSite, 'None');
    const probe = await (await b.frameOf(page)).evaluate(() => {
      document.cookie = 'probe=1; SameSite=None; Secure';
      return document.cookie.includes('probe=1');
    });
    assert.equal(probe, settings === ON, 'the setting is not what this test is about');
  });

  await test(`third-party cookies ${what}: a script's ticket takes the launch to a window of its own`, async () => {
    const frame = await b.frameOf(alice.page);
    const handle = new URL(frame.url()).searchParams.get('smart_launch');
    const opened = workstation.waitForEvent('page');
    const answer = await frame.evaluate(async (launch) => {
      const response = await fetch('/smart/window', { method: 'POST', headers: { 'Smart-Launch': launch } });
      const ticket = await response.json();
      window.open(ticket.url, '_blank', 'noopener');
      return ticket;
    }, handle);
    assert.equal(answer.expires_in, 30);
    const window = await opened;
    await window.locator('#record').waitFor();
    assert.deepEqual(await b.shown(window), { patient: A, user: 'alice' });
    assert.doesNotMatch(window.url(), /ticket/);
    await b.reload(alice.page);
    await heading(alice.app, 'The application is open in another window');
    assert.equal(await alice.app.locator('#patient-name').count(), 0);
    await window.getByRole('link', { name: 'Records' }).click();
    await window.locator('#records').waitFor();
    await window.reload();
    await window.locator('#records').waitFor();
    await window.close();
  });

  await test(`third-party cookies ${what}: a form's ticket, and a double click opens one window`, async () => {
    const page = await b.openChart(workstation, 'dr-smith', B);
    const app = await b.openApp(page);
    await app.locator('#record').waitFor();
    const frame = await b.frameOf(page);
    const asked = frame.waitForNavigation();
    await frame.evaluate(() => {
      const form = document.createElement('form');
      Object.assign(form, { method: 'post', action: '/smart/window' });
      document.body.append(form);
      form.submit();
    });
    await asked;
    await heading(app, 'Open in a new window');
    await isReadable(await b.frameOf(page));
    await picture(page, `window-${what}`);
    const before = workstation.pages().length;
    const window = await openWindow(workstation, app, { clickCount: 2, delay: 40 });
    await window.locator('#record').waitFor();
    assert.deepEqual(await b.shown(window), { patient: B, user: 'alice' });
    assert.equal(workstation.pages().length, before + 1);
    const [row] = await b.rows(`SELECT state FROM smartlaunch.launch WHERE stand_in_for IS NULL ORDER BY created_at DESC LIMIT 1`);
    assert.equal(row.state, 'live');
  });
  await workstation.close();
}

const narrow = await b.openProfile(NONE, { width: 360, height: 800 });
const window = {};

await test('no cookies kept in frames: the page says so, in words and at 360 px', async () => {
  const launch = await b.control('POST', 'launch', { user: 'dr-smith', patient: 'luna-mccullough' });
  window.page = await b.embed(narrow, launch.url);
  window.app = b.embedded(window.page);
  await heading(window.app, 'This browser keeps no cookies here');
  const frame = await b.frameOf(window.page);
  await isReadable(frame);
  assert.equal((await narrow.cookies()).filter(({ name }) => name === '__Host-smart').length, 0);
  await picture(window.page, 'blocked-360');
});

await test('no cookies kept in frames: a window of its own asks who it is, then has the right patient', async () => {
  window.own = await openWindow(narrow, window.app, { clickCount: 2, delay: 40 });
  await heading(window.own, 'You are now alice');
  await isReadable(window.own.mainFrame());
  await picture(window.own, 'held-360');
  await b.answerJoin(window.own, 'yes');
  await window.own.locator('#record').waitFor();
  assert.deepEqual(await b.shown(window.own), { patient: A, user: 'alice' });
  await window.own.reload();
  await window.own.locator('#record').waitFor();
});

await test('a ticket used twice ends the launch', async () => {
  const used = await window.app.getByRole('link', { name: 'Open in a new window' }).getAttribute('href');
  const again = await openWindow(narrow, window.app);
  await heading(again, 'This window was opened a second time');
  await isReadable(again.mainFrame());
  await picture(again, 'twice-360');
  assert.match(used, /ticket=/);
  const gone = await b.until(async () => {
    await window.own.reload();
    return window.own.locator('#patient-name').count();
  }, (count) => count === 0);
  assert.equal(gone, 0);
  await narrow.close();
});

const shared = await b.openProfile(NONE);

await test('no cookies kept in frames, the button in the chart: the right patient, no loops, no 403', async () => {
  const statuses = [];
  shared.on('response', (response) => { if (response.request().isNavigationRequest()) statuses.push(response.status()); });
  const { page, app } = await linked(shared, 'dr-smith', 'alice', A);
  await heading(app, 'This browser keeps no cookies here');
  await picture(page, 'blocked-wide');
  window.smith = await openWindow(shared, app);
  await b.answerJoin(window.smith, 'yes');
  await window.smith.locator('#record').waitFor();
  assert.deepEqual(await b.shown(window.smith), { patient: A, user: 'alice' });
  assert.deepEqual(statuses.filter((status) => status === 403 || status >= 500), []);
  assert.ok(statuses.length < 30, `${statuses}`);
});

await test('two clinicians one after the other on this workstation: the first one’s window ends', async () => {
  const { app } = await linked(shared, 'dr-jones', 'bob', B);
  await heading(app, 'This browser keeps no cookies here');
  const jones = await openWindow(shared, app);
  await heading(jones, 'You are now dr-jones');
  await jones.getByText('still open for somebody else').waitFor();
  await picture(jones, 'held-wide');
  await window.smith.reload();
  assert.deepEqual(await b.shown(window.smith), { patient: A, user: 'alice' });
  await b.answerJoin(jones, 'yes');
  await b.logIn(jones, 'bob');
  await b.answerJoin(jones, 'yes');
  await jones.locator('#record').waitFor();
  assert.deepEqual(await b.shown(jones), { patient: B, user: 'bob' });
  await window.smith.reload();
  await window.smith.getByText(/chart/).first().waitFor();
  assert.equal(await window.smith.locator('#patient-name, #user').count(), 0);
});

await shared.close();
await finish('SL2531', 'SL4305', 'SL4904');
