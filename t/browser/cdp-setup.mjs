// SPDX-License-Identifier: Apache-2.0
// The setup of a study in Chromium: by keyboard alone, without a script, at 360 and at 1280 px, and as
// axe-core sees it. Prints a line of JSON for each test, for cdp-setup.t.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { openBrowser, plain } from '../../demo/lib/browser.mjs';

const AXE = readFileSync(new URL('../../demo/node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const WIDTHS = { wide: 1280, narrow: 360 };
const setup = `${process.env.CDP_DESK}setup`;
const browser = await openBrowser();
const context = await browser.newContext({
  ignoreHTTPSErrors: true, httpCredentials: { username: 'alice', password: 'secret' }, viewport: { width: 1280, height: 900 },
});
context.setDefaultTimeout(10_000);
const page = await context.newPage();
const trouble = [];
page.on('console', (line) => { if (line.type() === 'error' && !/status of 4\d\d/.test(line.text())) trouble.push(line.text()); });

async function test(name, work) {
  const told = { name, ok: true };
  try {
    await work();
  } catch (error) {
    Object.assign(told, { ok: false, text: plain(String(error.stack ?? error)) });
  }
  console.log(JSON.stringify(told));
}

/** Nothing that axe-core objects to, nothing that scrolls sideways, no script; and a picture of it. */
async function isGood(name, at = page) {
  for (const [size, width] of Object.entries(WIDTHS)) {
    await at.setViewportSize({ width, height: 900 });
    const [wants, has] = await at.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(wants <= has, `${name} at ${width} px scrolls sideways: ${wants} > ${has}`);
    await at.evaluate(AXE); // in the page, which runs no script of its own
    const { violations } = await at.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).slice(0, 3).join(' | ')}`), [], `${name} at ${width} px`);
    if (process.env.SL_SHOTS) {
      await at.screenshot({ path: `${process.env.SL_SHOTS}/${name}-${size}.png`, fullPage: true });
    }
  }
  assert.equal(await at.locator('script').count(), 0);
  await at.setViewportSize({ width: WIDTHS.wide, height: 900 });
}

/** Tab until this has the focus, which can be seen. */
async function tabTo(selector) {
  for (let i = 0; i < 200; i += 1) {
    await page.keyboard.press('Tab');
    const { here, ring } = await page.evaluate((wanted) => {
      const at = document.activeElement;
      return { here: at.matches(wanted), ring: getComputedStyle(at).outlineStyle };
    }, selector);
    if (here) {
      assert.notEqual(ring, 'none', `${selector} shows no focus`);
      return;
    }
  }
  assert.fail(`${selector} cannot be reached by the keyboard`);
}

/** Choose of the list that has the focus by typing the beginning of it. */
async function choose(text) {
  await page.keyboard.type(text);
}

/** What Enter does: another page. */
async function enter() {
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
}

const said = () => page.locator('[role=status]').innerText();

await test('C1 somebody without the right to set up sees a page that says so', async () => {
  const other = await browser.newContext({ ignoreHTTPSErrors: true, httpCredentials: { username: 'bob', password: 'secret' } });
  const his = await other.newPage();
  assert.equal((await his.goto(setup)).status(), 403);
  assert.match(await his.locator('h1').innerText(), /may not set up/);
  await isGood('cdp-setup-no-right', his);
  await other.close();
});

await test('C2 a new project, wide and narrow', async () => {
  await page.goto(setup);
  await isGood('cdp-setup-new');
});

await test('C2 settings, by keyboard alone', async () => {
  await page.goto(setup);
  await tabTo('select[name=target]');
  await choose('Mrn');
  await tabTo('input[name=days]');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('3.5');
  await tabTo('input[name=convert_gmt]');
  await page.keyboard.press('Space');
  await tabTo('select[name=preview]');
  await choose('First');
  await tabTo('select[name=preview]');
  await choose('Last');
  await tabTo('select[name=preview]');
  await choose('Date of b');
  await tabTo('form[action$="/setup/project"] button');
  await enter();
  assert.equal(await said(), 'The settings are saved.');
  assert.equal(await page.locator('input[name=days]').inputValue(), '3.5');
  assert.ok(await page.locator('input[name=convert_gmt]').isChecked());
  assert.equal(await page.locator('select[name=preview]').nth(2).inputValue(), 'birthDate');
});

await test('C2 search and a row, by keyboard alone', async () => {
  await tabTo('input[name=q]');
  await page.keyboard.type('weight');
  await tabTo('input[name=f]');
  await page.keyboard.type('weight');
  await enter();
  await tabTo('select[name=source]');
  await choose('Body weight');
  await tabTo('select[name=target]');
  await choose('Body');
  await isGood('cdp-setup-row');
  await tabTo('form[action$="/setup/row"] button.main');
  await enter();
  assert.match(await page.locator('.bad').innerText(), /date field/);
  await isGood('cdp-setup-wrong');
  await tabTo('select[name=temporal_field]');
  await choose('Visit date');
  await tabTo('select[name=preselect]');
  await choose('the highest');
  await tabTo('input[name=unit]');
  await page.keyboard.type('kg');
  await enter();
  assert.equal(await said(), 'The row is saved.');
  assert.match(await page.locator('tbody').first().innerText(), /Body weight[^]*body_weight[^]*3.5 days around visit_date, in kg[^]*the highest number/);
});

await test('C2 rows that cannot be used are named, and mended where they are', async () => {
  await page.goto(setup);
  await page.locator('summary').click();
  const head = 'external_source_field_name,is_record_identifier,field_name,temporal_field,preselect,event_name';
  const rows = ['id,1,mrn,,,event_1_arm_1', 'name-given,,first_name,,,event_1_arm_1', 'name-family,,last_name,,,event_1_arm_1',
    'birthDate,,date_of_birth,,,event_1_arm_1', '29463-7,,body_weight,,MAX,event_1_arm_1', 'active-problem-list,,problem_list,,,event_1_arm_1'];
  await page.locator('textarea').fill([head, ...rows].join('\n'));
  await page.getByRole('button', { name: 'Import' }).click();
  await page.getByRole('heading', { name: 'What has to be mended' }).waitFor();
  assert.match(await page.locator('table').first().innerText(), /5\s+date_of_birth[^]*6\s+29463-7/);
  await isGood('cdp-setup-import');
  const text = await page.locator('textarea').inputValue();
  await page.locator('textarea').fill(text.replace('date_of_birth', 'dob').replace(',,MAX', ',visit_date,MAX'));
  await page.getByRole('button', { name: 'Import' }).click();
  assert.equal(await said(), 'The mapping is imported.');
});

await test('C2 a file goes out and comes in', async () => {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export the mapping' }).click()]);
  assert.equal(download.suggestedFilename(), 'study-mapping.csv');
  await page.locator('summary').click();
  await page.locator('input[type=file]').setInputFiles(await download.path());
  await page.getByRole('button', { name: 'Import' }).click();
  assert.equal(await said(), 'The mapping is imported.');
});

await test('C1 a right is given and taken back', async () => {
  await page.getByRole('textbox', { name: /^User/ }).fill('carol');
  await page.getByRole('checkbox', { name: /^Set up/ }).check();
  await page.getByRole('button', { name: 'Give' }).click();
  assert.equal(await said(), 'The right is given.');
  await isGood('cdp-setup');
  await page.getByRole('button', { name: /^Take back from carol/ }).click();
  assert.equal(await said(), 'The right is taken back.');
});

await test('who has an old page open is told who has saved meanwhile, and saves nothing', async () => {
  await page.goto(setup);
  const other = await context.newPage();
  await other.goto(setup);
  for (const [at, days] of [[other, '5'], [page, '7']]) {
    await at.locator('input[name=days]').fill(days);
    await at.getByRole('button', { name: 'Save the settings' }).click();
    await at.locator('[role=status], [role=alert]').waitFor();
  }
  assert.match(await page.locator('[role=alert]').innerText(), /You have saved the mapping in another window, at .*Nothing of this page was saved/s);
  assert.equal(await page.locator('input[name=days]').inputValue(), '5');
  await isGood('cdp-setup-conflict');
  await other.close();
});

await test('a row is removed', async () => {
  await page.getByRole('link', { name: /^Change Body weight/ }).click();
  await page.getByRole('button', { name: 'Remove this row' }).click();
  assert.equal(await said(), 'The row is removed.');
  assert.equal(await page.getByRole('link', { name: /^Change Body weight/ }).count(), 0);
});

await test('the browser had nothing to complain of', async () => assert.deepEqual(trouble, []));
await browser.close();
