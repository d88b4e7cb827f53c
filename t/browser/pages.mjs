// SPDX-License-Identifier: Apache-2.0
// The pages that say what went wrong, in the narrow frame where they are read.

import assert from 'node:assert/strict';
import * as b from '../../demo/lib/browser.mjs';
import { errorLog, finish, test } from './lib/tap.mjs';

const ISS = `${b.EHR.replace('ehr.localhost', 'localhost')}/fhir`;
const browser = await b.openBrowser();
const workstation = await b.openWorkstation(browser, { width: 360, height: 800 });

async function shownInFrame(url) {
  const page = await b.embed(workstation, url);
  const frame = await b.frameOf(page);
  await frame.waitForLoadState();
  return { page, frame, text: await frame.locator('body').innerText() };
}

/** Readable at 360 px, without a script, with a reference that is in the log. */
async function isAGoodPage({ page, frame, text }) {
  const width = await frame.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(width[0] <= width[1], `scrolls sideways: ${width[0]} > ${width[1]}`);
  assert.equal(width[1], 360);
  assert.equal(await frame.locator('script').count(), 0);
  assert.equal(await frame.locator('h1').count(), 1);
  const reference = text.match(/reference:?\s+([\w-]{6,})/i)?.[1];
  assert.ok(reference, `no reference id in: ${text}`);
  assert.ok(errorLog().some((line) => line.includes(reference)), `reference ${reference} is not in the log`);
  await page.close();
}

const launchUrl = (iss, launch) => `${b.APP}/smart?${new URLSearchParams({ iss, launch })}`;
const aLaunch = (more = {}) => b.control('POST', 'launch', { user: 'dr-smith', patient: 'luna-mccullough', ...more });

await test('LCH-2 an EHR we do not know: a page in the frame', async () => {
  await isAGoodPage(await shownInFrame(launchUrl('https://unknown.example/fhir', 'x')));
});

await test('LCH-1 a launch without its code', async () => {
  await isAGoodPage(await shownInFrame(`${b.APP}/smart?iss=${encodeURIComponent(ISS)}`));
});

await test('CBK-2 an answer nobody waits for', async () => {
  await isAGoodPage(await shownInFrame(`${b.APP}/smart?code=abc&state=${'x'.repeat(43)}`));
});

await test('CBK-5 the EHR refused', async () => {
  await isAGoodPage(await shownInFrame((await aLaunch({ refuse: true })).url));
});

await test('TRS-5 the token endpoint fails', async () => {
  await b.control('PUT', 'faults', { token: { status: 500, body: '<h1>no</h1>', content_type: 'text/html' } });
  try {
    await isAGoodPage(await shownInFrame((await aLaunch()).url));
  } finally {
    await b.control('DELETE', 'faults');
  }
});

await test('what the URL says is never markup on the page', async () => {
  const { page, frame } = await shownInFrame(launchUrl('https://x.example/"><img src=x onerror=alert(1)>', '<b>x</b>'));
  assert.equal(await frame.locator('img, b').count(), 0);
  await page.close();
});

await test('the login page and the question fit into 360 px, too', async () => {
  const page = await b.embed(workstation, (await aLaunch()).url);
  const app = b.embedded(page);
  const frame = await b.frameOf(page);
  const fits = () => frame.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
  await app.locator('input[name=password]').waitFor();
  assert.ok(await fits(), 'the login page scrolls sideways');
  await b.logIn(app, 'alice');
  await app.locator('button[name=answer][value=yes]').waitFor();
  assert.ok(await fits(), 'the question scrolls sideways');
  await b.answerJoin(app, 'yes');
  await app.locator('#record').waitFor();
  assert.ok(await fits(), 'the record scrolls sideways');
});

await test('SEC-8 another site than the EHR’s cannot show a page of ours in a frame', async () => {
  const refused = [];
  workstation.on('console', (message) => refused.push(message.text()));
  const stranger = b.EHR.replace('ehr.localhost', 'localhost');
  const page = await b.embed(workstation, launchUrl('https://unknown.example/fhir', 'x'), stranger);
  assert.equal(refused.filter((text) => /^Framing .*frame-ancestors/s.test(text)).length, 1, refused.join('\n'));
  assert.doesNotMatch(await b.embedded(page).locator('body').innerText(), /health record/);
  await page.close();
});

await browser.close();
await finish('SL4101', 'SL2021', 'SL4313', 'SL4311', 'SL2136');
