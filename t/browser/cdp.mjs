// SPDX-License-Identifier: Apache-2.0
// Study staff at the screens of the Clinical Data Pull: see cdp.t.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import * as b from '../../demo/lib/browser.mjs';
import { end, test } from './lib/tap.mjs';

const axe = readFileSync(createRequire(new URL('../../demo/package.json', import.meta.url)).resolve('axe-core/axe.min.js'), 'utf8');
const WIDTHS = { wide: 1280, narrow: 360 };
const MRN = 'MRN-10021';
const shots = process.env.SL_SHOTS;

const browser = await b.openBrowser();
const complaints = [];

function listen(page) {
  page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
  page.on('pageerror', (error) => complaints.push(String(error)));
}

/** What axe-core finds wrong on this page, each in one line. */
async function violations(frame) {
  await frame.evaluate(axe);
  return frame.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations', 'passes'] })
    .then(({ passes, violations: all }) => (passes.length < 10 ? ['too little was looked at'] : []).concat(all.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`))));
}

/** At both widths: no violation, nothing beside the screen, a title, one heading, a language. */
async function judge(page, name, shot) {
  for (const [size, width] of Object.entries(WIDTHS)) {
    await page.setViewportSize({ width, height: 800 });
    assert.deepEqual(await violations(page), [], `${name}, ${width} px`);
    const seen = await page.evaluate(() => ({
      over: document.documentElement.scrollWidth - window.innerWidth, title: document.title.length > 0,
      h1: document.querySelectorAll('h1').length, lang: document.documentElement.lang, scripts: document.scripts.length,
    }));
    assert.deepEqual({ ...seen, over: Math.max(seen.over, 0) }, { over: 0, title: true, h1: 1, lang: 'en', scripts: 0 }, `${name}, ${width} px`);
    if (shots && shot) await page.screenshot({ path: `${shots}/cdp-${shot}-${size}.png`, fullPage: true });
  }
  await page.setViewportSize({ width: WIDTHS.wide, height: 800 });
}

/** Tab until what `matches` (a function in the page) has the focus; it can be seen that it has. */
async function tabTo(page, frame, matches, argument) {
  for (let i = 0; i < 150; i += 1) {
    await page.keyboard.press('Tab');
    const seen = await frame.evaluate(([text, wanted]) => {
      const at = document.activeElement;
      const style = getComputedStyle(at);
      return { at: at.matches(text) && (!wanted || at.textContent.includes(wanted) || at.closest('label')?.textContent.includes(wanted)), outline: style.outlineStyle, width: parseFloat(style.outlineWidth), body: at === document.body };
    }, [matches, argument]);
    if (seen.at) {
      assert.ok(seen.outline !== 'none' && seen.width >= 2, `the focus on ${matches} can be seen`);
      return;
    }
  }
  assert.fail(`no ${matches} ${argument ?? ''} by the Tab key`);
}

/** Whoever has a heading, is it this one? */
async function arrives(frame, heading) {
  await frame.waitForFunction((text) => document.querySelector('h1')?.textContent.includes(text), heading);
}

// In the EHR's frame, by keyboard

const workstation = await b.openWorkstation(browser);
const chart = await b.openChart(workstation, 'dr-smith', 'Luna McCullough');
listen(chart);
let frame;

await test('L7 in the frame of the EHR the project opens', async () => {
  await b.openApp(chart, process.env.SL_TEST_APP);
  frame = await b.frameOf(chart);
  await frame.waitForURL(/smart_launch=/);
  const handle = new URL(frame.url()).searchParams.get('smart_launch');
  await Promise.all([frame.waitForURL(/\/cdp\/study\//), frame.evaluate((to) => { location.href = to; }, `/cdp/study/?smart_launch=${handle}`)]);
  await arrives(frame, 'study');
});

await test('the first Tab leads past what stands above', async () => {
  for (let i = 0; i < 50 && await frame.evaluate(() => document.activeElement === document.body); i += 1) await chart.keyboard.press('Tab');
  assert.equal(await frame.evaluate(() => document.activeElement.className), 'skip');
  await chart.keyboard.press('Enter');
  await frame.waitForFunction(() => document.activeElement.id === 'main');
});

await test('C3 by keyboard: record and number, and is this the patient?', async () => {
  await tabTo(chart, frame, '#record');
  await chart.keyboard.type('1');
  await chart.keyboard.press('Tab');
  await chart.keyboard.type(MRN);
  await chart.keyboard.press('Enter');
  await arrives(frame, 'Is this the patient?');
  assert.match(await frame.locator('table').innerText(), /Luna[\s\S]*McCullough/);
  assert.ok(!frame.url().includes(MRN), 'the number is in no address');
  assert.deepEqual(await violations(frame), []);
});

await test('C4 by keyboard: yes, and there is something to decide', async () => {
  await tabTo(chart, frame, 'button.main', 'Yes');
  await chart.keyboard.press('Enter');
  await arrives(frame, 'Record 1');
  assert.match(await frame.locator('main').innerText(), /7 new items/);
  assert.deepEqual(await violations(frame), []);
});

await test('C8 H4 by keyboard: another weight, one name excluded, Save', async () => {
  const weight = frame.locator('fieldset', { hasText: 'Body weight' }).first();
  assert.equal(await weight.locator('input:checked').evaluate((input) => input.closest('label').innerText.includes('66.8')), true, 'MAX is ticked');
  await tabTo(chart, frame, 'input[name=exclude]', 'Exclude'); // of the first name
  await tabTo(chart, frame, 'input[name=exclude]', 'Exclude'); // of the last name
  await chart.keyboard.press('Space');
  await tabTo(chart, frame, 'input[type=radio]', '66.8');
  await chart.keyboard.press('ArrowUp');
  assert.equal(await weight.locator('input:checked').evaluate((input) => input.closest('label').innerText.includes('66.2')), true);
  await tabTo(chart, frame, 'button.main', 'Save');
  await chart.keyboard.press('Enter');
  await frame.waitForURL(/saved=5/);
  assert.match(await frame.locator('[role=status]').innerText(), /5 values saved\. 1 value excluded\./);
  assert.deepEqual(await violations(frame), []);
});

await test('what was excluded is there to be opened, by keyboard, too', async () => {
  await tabTo(chart, frame, 'summary', '1 excluded');
  await chart.keyboard.press('Enter');
  await tabTo(chart, frame, 'input[name=include]', 'Offer again');
});
await workstation.close();

// In a window of its own

const desk = await b.openWorkstation(browser);
const page = await desk.newPage();
listen(page);
const open = (path) => page.goto(`${b.APP}${path}`);

async function find(record, mrn) {
  await open('/cdp/study/');
  await page.getByLabel('Record', { exact: true }).fill(record);
  await page.getByLabel('Medical record number').fill(mrn);
  await page.getByRole('button', { name: 'Look for the patient' }).click();
}

await test('T5 in an ordinary browser, after the application\'s own login', async () => {
  await page.goto(process.env.SL_TEST_LOGIN);
  await arrives(page, 'Your projects');
  await judge(page, 'the projects', 'projects');
  await page.getByRole('link', { name: 'study', exact: true }).click();
  await arrives(page, 'study');
  assert.match(await page.locator('.note').first().innerText(), /not signed in to the EHR/);
  await judge(page, 'the project before a sign-in', 'start');
});

await test('T5 C5 who is not signed in to the EHR finds nobody, and is told where to sign in', async () => {
  await find('2', MRN);
  await arrives(page, 'Please sign in to the EHR');
  await judge(page, 'no sign-in', 'signin');
  await page.getByRole('link', { name: 'Back' }).click();
  await arrives(page, 'study');
});

await test('L9 a standalone launch by its link, and back at the project', async () => {
  await page.getByRole('link', { name: 'Sign in to the EHR' }).click();
  await page.getByRole('button', { name: /Yes/ }).click();
  await page.waitForURL(/\/cdp\/study\//);
  assert.match(await page.locator('main').innerText(), /You are signed in to the EHR/);
});

await test('each screen on its way to a saved value', async () => {
  await find('2', MRN);
  await arrives(page, 'Is this the patient?');
  await judge(page, 'is this the patient', 'preview');
  await page.getByRole('button', { name: /Yes/ }).click();
  await arrives(page, 'Record 2');
  await judge(page, 'the sheet', 'sheet');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.waitForURL(/saved=\d/);
  await judge(page, 'after Save', 'saved');
  await page.getByRole('link', { name: 'Who did what' }).click();
  await arrives(page, 'who did what');
  await judge(page, 'the log', 'log');
});

await test('C12 another number for a record that has one: what would go is said before', async () => {
  await find('2', 'MRN-10034');
  await arrives(page, 'Is this the patient?');
  assert.match(await page.locator('.note').innerText(), /another medical record number/);
  await judge(page, 'another patient', 'other-patient');
});

await test('H5 what the application refuses', async () => {
  await find('3', MRN);
  await page.getByRole('button', { name: /Yes/ }).click();
  await arrives(page, 'Record 3');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.waitForURL(/saved=\d/);
  assert.match(await page.locator('main').innerText(), /locked/);
  await judge(page, 'a refusal', 'refused');
});

await test('H3 two windows on one record: the second Save finds it changed, and saves nothing', async () => {
  await find('5', MRN);
  await page.getByRole('button', { name: /Yes/ }).click();
  await arrives(page, 'Record 5');
  const other = await desk.newPage();
  listen(other);
  await other.goto(page.url());
  await other.getByRole('button', { name: 'Save' }).click();
  await other.waitForURL(/saved=\d/);
  await other.close();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('[role=alert]').waitFor();
  assert.match(await page.locator('[role=alert]').innerText(), /has changed since you opened it: carol, saved, .*Nothing of yours was saved/s);
  await judge(page, 'a conflict', 'conflict');
});

await test('C5 a number that nobody has', async () => {
  await find('4', 'MRN-99999');
  await arrives(page, 'No such patient');
  await judge(page, 'no such patient', 'nobody');
});

await test('the project with records, and its pages that are not there', async () => {
  await open('/cdp/study/');
  await arrives(page, 'study');
  await judge(page, 'the project', 'project');
  await open('/cdp/study/4/nothing');
  assert.deepEqual(await violations(page), []);
});

await test('C1 who has no right in the project is told so', async () => {
  const others = await b.openWorkstation(browser);
  const dave = await others.newPage();
  listen(dave);
  await dave.goto(process.env.SL_TEST_LOGIN_DAVE);
  await arrives(dave, 'Your projects');
  await judge(dave, 'no projects', 'no-projects');
  assert.equal((await dave.goto(`${b.APP}/cdp/study/`)).status(), 403);
  await judge(dave, 'no access to the project', 'no-access');
  await others.close();
});

await test('no screen broke its own policy, or asked for a script', () => {
  // a status of 4xx is what some of these screens have
  assert.deepEqual(complaints.filter((text) => !/status of 40\d/.test(text)), []);
});

await browser.close();
end();
