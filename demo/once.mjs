// SPDX-License-Identifier: Apache-2.0
// One clinician's morning, step by step, in a real browser: see the list of steps below.

import assert from 'node:assert/strict';
import * as b from './lib/browser.mjs';

const A = 'Luna McCullough';
const B = 'Johnnie Hermiston';

async function step(text, work) {
  try {
    const result = await work();
    console.log(`  ✓ ${text}`);
    return result;
  } catch (error) {
    console.log(`  ✗ ${text}`);
    throw error;
  }
}

async function shows(app, patient) {
  await app.locator('#record').waitFor();
  assert.equal(await app.locator('input[name=password]').count(), 0, 'there is a login page');
  assert.deepEqual(await b.shown(app), { patient, user: 'alice' });
}

/** The EHR's data in the record, to the last page of each list, and what was written down about reading them. */
async function charted(app) {
  await step('the record shows laboratory results and vital signs, to the last page', async () => {
    const { labs, vitals } = await b.chart(app);
    assert.ok(labs > 3 * 20 && vitals > 3 * 20, `${labs} and ${vitals} results`);
  });
  await step('… conditions, medications and allergies', async () => {
    const { conditions, medications, allergies } = await b.chart(app);
    assert.ok(conditions.includes('Asthma'), `conditions: ${conditions}`);
    assert.ok(medications.some((it) => /^Albuterol/.test(it)), `medications: ${medications}`);
    assert.deepEqual(allergies, ['Penicillin', 'Grass pollen']);
  });
  await step('the EHR was asked with the token that the study never saw', async () => {
    const asked = (await b.control('GET', 'log?path=/fhir/')).filter(({ path }) => !path.includes('.well-known'));
    assert.ok(asked.length >= 11, `${asked.length} requests`);
    for (const { headers } of asked) {
      assert.match(headers.authorization, /^Bearer \S+$/);
      assert.equal(headers['smart-session'], undefined);
    }
  });
  await step('the database says who read what, about whom', async () => {
    const wanted = ['AllergyIntolerance', 'Condition', 'MedicationRequest', 'Observation'];
    const read = await b.until(() => b.rows('SELECT app_user, patient, resource, status, count(*)::int AS calls'
      + ' FROM smartlaunch.fhir_access GROUP BY 1, 2, 3, 4 ORDER BY resource'), (found) => found.length === wanted.length);
    assert.deepEqual(read.map(({ resource }) => resource), wanted);
    for (const row of read) assert.deepEqual([row.app_user, row.patient, row.status], ['alice', 'luna-mccullough', 200]);
    assert.ok(read.find(({ resource }) => resource === 'Observation').calls >= 9);
  });
}

async function morning(workstation) {
  console.log('The first time');
  const first = await step(`dr-smith opens the chart of ${A} in the EHR`,
    () => b.openChart(workstation, 'dr-smith', A));
  const app = await step('she opens the study in the embedded window', () => b.openApp(first));
  await step('the study does not know her yet and shows its own login page',
    () => app.locator('input[name=password]').waitFor());
  await step('she logs in to the study as alice', () => b.logIn(app, 'alice'));
  await step('the module asks once: join dr-smith with alice?', async () => {
    const question = app.locator('body');
    await app.locator('button[name=answer][value=yes]').waitFor();
    assert.match(await question.innerText(), /dr-smith/);
    assert.match(await question.innerText(), /alice/);
  });
  await step('she says yes', () => b.answerJoin(app, 'yes'));
  await step(`the study shows the record of ${A}, as alice`, () => shows(app, A));

  console.log('What the EHR knows of her');
  await charted(app);

  console.log('The second time');
  await step(`${A} again, in a new window of the EHR: no login page`, async () => {
    const again = await b.openChart(workstation, 'dr-smith', A);
    await shows(await b.openApp(again), A);
    await again.close();
  });

  console.log('Two patients in two windows');
  const second = await step(`dr-smith opens the chart of ${B} in a second window`,
    () => b.openChart(workstation, 'dr-smith', B));
  const other = await b.openApp(second);
  await step(`the study shows the record of ${B} there, without a login page`, () => shows(other, B));
  await step(`the first window, reloaded, still shows ${A}`, async () => {
    await b.reload(first);
    await shows(app, A);
  });
  await step(`clicked on in the first window: still ${A}`, async () => {
    await app.getByRole('link', { name: 'Records' }).click();
    await app.locator('#records').waitFor();
    await app.getByRole('link', { name: 'Asthma in Adults' }).click();
    await shows(app, A);
  });
  await step(`a value saved in the first window is saved for ${A}`, async () => {
    await app.locator('input[name=act_score]').fill('23');
    await app.getByRole('button', { name: 'Save' }).click();
    await app.getByRole('status').waitFor();
    await shows(app, A);
    assert.equal(await app.locator('input[name=act_score]').inputValue(), '23');
  });
  await step(`the second window, reloaded, still shows ${B}`, async () => {
    await b.reload(second);
    await shows(other, B);
    assert.notEqual(await other.locator('input[name=act_score]').inputValue(), '23');
  });
}

const browser = await b.openBrowser();
const workstation = await b.openWorkstation(browser);
try {
  await morning(workstation);
  console.log('All went well.');
} catch (error) {
  console.error(`\n${b.plain(error.message)}`);
  for (const [i, page] of workstation.pages().entries()) {
    const text = await b.embedded(page).locator('body').innerText({ timeout: 1000 }).catch(() => 'nothing');
    console.error(`Embedded in window ${i + 1}:\n${text.replace(/^/gm, '  | ')}`);
    await page.screenshot({ path: `${b.RUN}/log/window-${i + 1}.png` }).catch(() => {});
  }
  console.error(`What the windows showed is in ${b.RUN}/log/window-*.png`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
