// SPDX-License-Identifier: Apache-2.0
// The Clinical Data Pull, step by step: from the chart into the study, with a person in between. Part of once.mjs.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as b from './lib/browser.mjs';

const PATIENT = 'Morris Lockman';
const RECORD = '1005';
const MRN = 'MRN-10075';
const BASELINE = 'baseline_arm_1';
const LAST = 'month_12_arm_1';
const FIELDS = 40; // 16 of the person, and 12 at each of two visits
const LATER = 8; // those that were measured around the date of the third visit

const held = (sql) => b.rows(`SELECT ${sql} AS found FROM smartlaunch.cdp_value`).then(([{ found }]) => found);
const inStudy = async (event, field) => (await b.studyData())[RECORD].events[event]?.[field];
const group = (app, label) => app.getByRole('group', { name: label, exact: true }).first();
const visit = (app, name) => app.getByRole('navigation', { name: 'Visits' }).getByRole('link', { name }).click();
const badge = (app, text) => app.locator('#pull a').filter({ hasText: text }).waitFor();

/** Everything that PostgreSQL has, as a thief would read it, must not have any of these. */
async function nothingInClear(texts) {
  const { stdout } = await promisify(execFile)('pg_dump', ['-d', `host=${b.RUN}/pgsocket user=postgres dbname=smartlaunch`, '--data-only'],
    { maxBuffer: 1 << 28 });
  assert.match(stdout, /COPY smartlaunch\.cdp_value/);
  for (const text of texts) {
    assert.ok(!stdout.includes(text), `the database has ${text} in clear`);
    assert.ok(!stdout.includes(Buffer.from(text).toString('hex')), `the database has ${text} in clear, as bytes`);
  }
}

/** The medical record number, the question, and yes. */
async function fetched(step, page, app) {
  await step(`she types the medical record number ${MRN}: is this the patient?`, async () => {
    await app.locator('#pull input[name=mrn]').fill(MRN);
    await app.getByRole('button', { name: 'Fetch from the EHR' }).click();
    await app.getByRole('heading', { name: 'Is this the patient?' }).waitFor();
    const shown = await app.locator('main').innerText();
    for (const text of ['Morris', 'Lockman', '1970-12-24', 'Worcester']) assert.ok(shown.includes(text), `${text} in ${shown}`);
  });
  await step('nothing is stored yet, and the number stands in no address', async () => {
    assert.equal(await held('count(*)::int'), 0);
    assert.deepEqual(page.frames().filter((frame) => frame.url().includes('10075')), []);
  });
  await step(`yes: ${FIELDS} new items`, async () => {
    await app.getByRole('button', { name: 'Yes, fetch the values' }).click();
    await app.getByRole('heading', { name: `Record ${RECORD}` }).waitFor();
    assert.match(await app.locator('main').innerText(), new RegExp(`\\b${FIELDS} new items`));
  });
}

async function waiting(step, page, app) {
  await step('the study has none of them so far', async () => assert.equal(await inStudy(BASELINE, 'first_name'), undefined));
  await step('… and the database none in clear', () => nothingInClear(['Lockman', 'Worcester', 'Massachusetts', '555-172-1610', MRN, '82.1', 'Budesonide']));
  await step('it says who read what, about whom: alice, for the project', async () => {
    const read = await b.until(() => b.rows("SELECT DISTINCT app_user, via, status FROM smartlaunch.fhir_access WHERE caller = 'cdp:asthma'"),
      (rows) => rows.length > 0);
    assert.deepEqual(read, [{ app_user: 'alice', via: 'session', status: 200 }]);
  });
  await step(`the record's page in the study says "${FIELDS} new items", and leads to them`, async () => {
    await app.getByRole('link', { name: 'To the study' }).click();
    await badge(app, `${FIELDS} new items from the EHR`);
    await app.locator('#pull a').click();
    await app.getByRole('heading', { name: `Record ${RECORD}` }).waitFor();
  });
}

async function decided(step, app) {
  await step('of three weights that of the day of the visit is chosen for her; she takes another', async () => {
    const weight = group(app, 'Weight');
    assert.ok(await weight.getByRole('radio', { name: /^81\.6 kg/ }).isChecked());
    await weight.getByRole('radio', { name: /^81\.9 kg/ }).check();
  });
  await step('one in pounds is shown with the reason why it cannot be right', async () => {
    assert.match(await group(app, 'Weight').innerText(), /180[^]*(?:Please look|Cannot be saved)/);
    assert.equal(await group(app, 'Weight').getByText('8.16').count(), 0);
  });
  await step('she excludes one heart rate', () => group(app, 'Heart rate').getByRole('checkbox', { name: 'Exclude: 79' }).check());
  await step(`Save: ${FIELDS} values`, async () => {
    await app.getByRole('button', { name: 'Save' }).click();
    await app.getByText(`${FIELDS} values saved.`).waitFor();
    assert.match(await app.locator('main').innerText(), /1 value excluded/);
  });
  await step('the values stand in the study', async () => {
    const { events } = (await b.until(b.studyData, (data) => data[RECORD].events[BASELINE].first_name))[RECORD];
    const { first_name: first, last_name: last, dob, weight, race___2106_3: white, ethnicity, spo2 } = events[BASELINE];
    assert.deepEqual([first, last, dob, weight, white, ethnicity, spo2], ['Morris', 'Lockman', '1970-12-24', '81.9', '1', '2186-5', '95']);
    assert.match(events[BASELINE].problem_list, /Asthma/);
    assert.equal(events.month_6_arm_1.crp, '4.8');
  });
}

async function stays(step, page, app) {
  await step('… and on the page of its record', async () => {
    await app.getByRole('link', { name: 'To the study' }).click();
    await badge(app, 'No new items from the EHR');
    assert.equal(await app.locator('input[name=weight]').inputValue(), '81.9');
    assert.equal(await app.locator('input[name=race___2106_3]').isChecked(), true);
  });
  await step('fetched again, it brings nothing', async () => {
    const before = await held('count(*)::int');
    await app.locator('#pull a').click();
    await app.getByRole('button', { name: 'Fetch again' }).click();
    await app.getByText('Fetched: nothing in the chart has changed.').waitFor();
    assert.equal(await held('count(*)::int'), before);
  });
  await step('what is decided is not kept', async () => assert.equal(await held("count(*) FILTER (WHERE state IN ('saved', 'passed') AND value_sealed IS NOT NULL)::int"), 0));
}

/** Without the EHR's window: the study in an ordinary browser, with the sign-in that alice has at the EHR. */
async function fromTheStudy(step, browser) {
  const workstation = await b.openWorkstation(browser);
  const page = await workstation.newPage();
  await step('alice at her own desk logs in to the study, without any EHR', async () => {
    await page.goto(`${b.APP}/study/`);
    await b.logIn(page, 'alice');
    await page.getByRole('link', { name: RECORD }).click();
    await badge(page, 'No new items');
  });
  await step('she writes down the date of another visit', async () => {
    await visit(page, '12 months');
    await page.locator('input[name=visit_date]').fill('2025-03-24');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('status').waitFor();
  });
  await step(`fetched again, by her stored sign-in: ${LATER} new items`, async () => {
    await page.locator('#pull a').filter({ hasText: 'No new items' }).click();
    await page.getByRole('button', { name: 'Fetch again' }).click();
    await page.getByText(`${LATER} new items`).first().waitFor();
    assert.equal(await inStudy(LAST, 'weight'), undefined);
  });
  await step('Save, and they are in the study', async () => {
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText(`${LATER} values saved.`).waitFor();
    assert.equal((await b.until(() => inStudy(LAST, 'weight'), Boolean)), '81.2');
  });
  await workstation.close();
}

export async function pull(workstation, step) {
  console.log('The Clinical Data Pull: from the chart into the study');
  const page = await step(`dr-smith opens the chart of ${PATIENT}, and the study in it`, () => b.openChart(workstation, 'dr-smith', PATIENT));
  const app = await b.openApp(page);
  await app.locator('#record').waitFor();
  await fetched(step, page, app);
  await waiting(step, page, app);
  await decided(step, app);
  await stays(step, page, app);
  await fromTheStudy(step, workstation.browser());
  await page.close();
}
