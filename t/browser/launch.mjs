// SPDX-License-Identifier: Apache-2.0
// The launch in a frame on another site: the whole way, its cookies and headers, and the back button.

import assert from 'node:assert/strict';
import * as b from '../../demo/lib/browser.mjs';
import { finish, test } from './lib/tap.mjs';

const A = 'Luna McCullough';

/** Every answer of the app's site that a window got, with the Set-Cookie lines in it. */
function recordAnswers(workstation) {
  const answers = [];
  workstation.on('response', (response) => {
    if (response.url().startsWith(b.APP)) answers.push(response);
  });
  return answers;
}

async function setCookies(answers) {
  const lists = await Promise.all(answers.map((answer) => answer.headerValues('set-cookie')));
  return lists.flat();
}

const attributes = (line) => line.split(';').slice(1).map((part) => part.trim());

/** The app's pages themselves: documents that httpd answered from /study/. */
const studyPages = (answers) => answers.filter((answer) => answer.status() === 200
  && answer.request().resourceType() === 'document' && answer.url().startsWith(`${b.APP}/study/`));

async function firstLaunch(browser, user, appUser) {
  const workstation = await b.openWorkstation(browser);
  const answers = recordAnswers(workstation);
  const page = await b.openChart(workstation, user, A);
  const app = await b.launchAndJoin(page, appUser);
  return { workstation, answers, page, app };
}

const browser = await b.openBrowser();
let run;

await test('SEC-1 first launch: login page, question, the right record, all in a frame on another site', async () => {
  run = await firstLaunch(browser, 'dr-smith', 'alice');
  assert.deepEqual(await b.shown(run.app), { patient: A, user: 'alice' });
});

await test('SEC-1 our cookie: __Host-, Secure, HttpOnly, SameSite=None, Partitioned, no Domain', async () => {
  const ours = (await setCookies(run.answers)).filter((line) => line.startsWith('__Host-smart='));
  assert.ok(ours.length > 0, 'no cookie of ours was set');
  for (const line of ours) {
    assert.deepEqual(attributes(line).map((part) => part.toLowerCase()).sort(),
      ['httponly', 'partitioned', 'path=/', 'samesite=none', 'secure']);
  }
});

await test("the app's session cookie is kept apart by launch and fit for a frame", async () => {
  const theirs = (await setCookies(run.answers)).filter((line) => line.includes('PHPSESSID'));
  assert.ok(theirs.length > 0, 'the app set no session cookie');
  for (const line of theirs) {
    assert.doesNotMatch(line, /^PHPSESSID=/, 'not marked with the launch');
    for (const wanted of ['SameSite=None', 'Secure', 'Partitioned']) assert.ok(attributes(line).includes(wanted), line);
  }
});

await test("the app's page may be framed by the EHR, keeps its Referer at home, and is stored nowhere", async () => {
  const pages = studyPages(run.answers);
  assert.ok(pages.length > 0);
  for (const answer of pages) {
    const headers = await answer.allHeaders();
    const ancestors = headers['content-security-policy'].match(/frame-ancestors ([^;]*)/)[1];
    assert.deepEqual(ancestors.trim().split(/\s+/).sort(), ["'self'", b.EHR].sort());
    assert.equal(headers['x-frame-options'], undefined);
    assert.equal(headers['referrer-policy'], 'same-origin');
    assert.match(headers['cache-control'], /no-store/);
    assert.equal(headers['smart-login'], undefined);
  }
});

await test('Smart-Login never reaches the browser', async () => {
  const seen = await Promise.all(run.answers.map((answer) => answer.headerValue('smart-login')));
  assert.deepEqual(seen.filter((value) => value !== null), []);
});

await test('second launch: no login page, no question', async () => {
  const page = await b.openChart(run.workstation, 'dr-smith', A);
  const app = await b.openApp(page);
  await app.locator('#record').waitFor();
  assert.deepEqual(await b.shown(app), { patient: A, user: 'alice' });
  run.second = { page, app };
});

await test('back button after the launch: still the record, no page of ours in between', async () => {
  const { page, app } = run.second;
  await app.getByRole('link', { name: 'Records' }).click();
  await app.locator('#records').waitFor();
  await (await b.frameOf(page)).evaluate(() => history.back());
  await app.locator('#record').waitFor();
  assert.deepEqual(await b.shown(app), { patient: A, user: 'alice' });
});

await test('CBK-9 the callback once more, from the same browser: the record again, no second token call', async () => {
  const { page, app } = run.second;
  const callback = run.answers.findLast((answer) => answer.url().includes('/smart?') && answer.url().includes('code='));
  const before = (await b.control('GET', 'log?path=/auth/token')).length;
  await (await b.frameOf(page)).goto(callback.url());
  await app.locator('#record').waitFor();
  assert.deepEqual(await b.shown(app), { patient: A, user: 'alice' });
  assert.equal((await b.control('GET', 'log?path=/auth/token')).length, before);
});

await test('in a window of its own instead of a frame: no login page either, and cookies that stay there', async () => {
  const chart = await b.openChart(run.workstation, 'dr-smith', A);
  const seen = run.answers.length;
  const page = await b.openWindow(chart);
  await page.locator('#record').waitFor();
  assert.deepEqual(await b.shown(page), { patient: A, user: 'alice' });
  const theirs = (await setCookies(run.answers.slice(seen))).filter((line) => line.includes('PHPSESSID'));
  assert.ok(theirs.length > 0, 'the app set no session cookie');
  for (const line of theirs) assert.ok(attributes(line).includes('SameSite=Lax'), line);
  await page.close();
  await chart.close();
});

await test('logging out of the study ends the launch', async () => {
  const { page, app } = run.second;
  await app.getByRole('button', { name: 'Log out' }).click();
  await app.getByRole('heading', { name: 'You are logged out' }).waitFor();
  await app.getByRole('link', { name: 'To the start page' }).click();
  await app.getByText(/chart/).first().waitFor();
  assert.equal(await app.locator('#patient-name').count(), 0);
  await page.close();
});
await browser.close();

await test('SEC-1 with third-party cookies phased out: the same first launch works', async () => {
  const strict = await b.openBrowser('--test-third-party-cookie-phaseout');
  try {
    const { app } = await firstLaunch(strict, 'dr-jones', 'bob');
    assert.deepEqual(await b.shown(app), { patient: A, user: 'bob' });
  } finally {
    await strict.close();
  }
});

await finish('SL2531');
