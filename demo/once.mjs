// SPDX-License-Identifier: Apache-2.0
// One clinician's morning at two hospitals, step by step, in a real browser.

import assert from 'node:assert/strict';
import * as b from './lib/browser.mjs';
import { pull } from './pull.mjs';

const A = 'Luna McCullough';
const B = 'Johnnie Hermiston';
const C = 'Ingrid Sørensen'; // at the clinic

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

async function firstTime(workstation) {
  console.log('The first time, at Hospital EHR');
  const chart = await step(`dr-smith opens the chart of ${A} in the EHR`,
    () => b.openChart(workstation, 'dr-smith', A));
  const app = await step('she opens the study in the embedded window', () => b.openApp(chart));
  await join(app);
  await step(`the study shows the record of ${A}, as alice`, () => shows(app, A));
  await step('the EHR was given our secret once, by the web server', async () => {
    const calls = await b.control('GET', 'log?path=/auth/token');
    assert.deepEqual(calls.map(({ status, headers }) => [status, headers.authorization.split(' ')[0]]), [[200, 'Basic']]);
  });
  return { page: chart, app };
}

/** The study's own login page, and the module's question. */
async function join(app) {
  await step('the study does not know her yet and shows its own login page',
    () => app.locator('input[name=password]').waitFor());
  await step('she logs in to the study as alice', () => b.logIn(app, 'alice'));
  await step('the module asks once: join dr-smith with alice?', async () => {
    await app.locator('button[name=answer][value=yes]').waitFor();
    const question = await app.locator('body').innerText();
    assert.match(question, /dr-smith/);
    assert.match(question, /alice/);
  });
  await step('she says yes', () => b.answerJoin(app, 'yes'));
}

async function secondTime(workstation) {
  console.log('The second time');
  await step(`${A} again, in a new window of the EHR: no login page`, async () => {
    const again = await b.openChart(workstation, 'dr-smith', A);
    await shows(await b.openApp(again), A);
    await again.close();
  });
}

/** Both windows are clicked in, reloaded, and written in, in turn. */
async function apart(first, second, [mine, theirs], score) {
  await step(`the first window, reloaded, still shows ${mine}`, async () => {
    await b.reload(first.page);
    await shows(first.app, mine);
  });
  await step(`clicked on in the first window: still ${mine}`, async () => {
    await first.app.getByRole('link', { name: 'Records' }).click();
    await first.app.locator('#records').waitFor();
    await first.app.getByRole('link', { name: 'Asthma in Adults' }).click();
    await shows(first.app, mine);
  });
  await step(`a value saved in the first window is saved for ${mine}`, async () => {
    await first.app.locator('input[name=act_score]').fill(score);
    await first.app.getByRole('button', { name: 'Save' }).click();
    await first.app.getByRole('status').waitFor();
    await shows(first.app, mine);
    assert.equal(await first.app.locator('input[name=act_score]').inputValue(), score);
  });
  await step(`the second window, reloaded, still shows ${theirs}`, async () => {
    await b.reload(second.page);
    await shows(second.app, theirs);
    assert.notEqual(await second.app.locator('input[name=act_score]').inputValue(), score);
  });
}

async function twoWindows(workstation, first) {
  console.log('Two patients in two windows');
  const page = await step(`dr-smith opens the chart of ${B} in a second window`,
    () => b.openChart(workstation, 'dr-smith', B));
  const app = await b.openApp(page);
  await step(`the study shows the record of ${B} there, without a login page`, () => shows(app, B));
  await apart(first, { page, app }, [A, B], '23');
  await page.close();
}

async function clinic(workstation, first) {
  console.log('A second EHR: City Clinic, which knows the study by a key');
  const page = await step(`dr-smith opens the chart of ${C} there`,
    () => b.openChart(workstation, 'dr-smith', C, b.CLINIC));
  const app = await b.openApp(page);
  await join(app);
  await step(`the study shows the record of ${C}, as alice`, () => shows(app, C));
  await step('the clinic read our public key, and our proof was right', async () => {
    const [token] = await b.control('GET', 'log?path=/auth/token', undefined, b.CLINIC);
    assert.deepEqual([token.status, token.assertion.failure, token.assertion.header.alg], [200, null, 'ES384']);
    assert.equal(token.headers.authorization, undefined);
    assert.equal(token.form.client_secret, undefined);
  });
  await apart({ page, app }, first, [C, A], '21');
  return { page, app };
}

async function standalone(workstation) {
  console.log('From the study to the EHR: the button');
  const page = await workstation.newPage();
  await step('alice logs in to the study, without any EHR', async () => {
    await page.goto(`${b.APP}/study/`);
    await b.logIn(page, 'alice');
    await page.locator('#records').waitFor();
  });
  await step('she clicks "Connect to Hospital EHR"', () => page.getByRole('link', { name: 'Connect to Hospital EHR' }).click());
  await step('she logs in to the EHR as dr-smith', async () => {
    await page.getByRole('heading', { name: 'Log in to Hospital EHR' }).waitFor();
    await page.locator('input[name=user]').fill('dr-smith');
    await page.locator('input[name=password]').fill('smith-demo');
    await page.getByRole('button', { name: 'Log in' }).click();
  });
  await step(`… and chooses ${B}`, () => page.getByRole('button', { name: b.filed(B) }).click());
  await step('she is back in the study, with this patient, and was not asked again', () => shows(page, B));
  await step('what the EHR knows is there, too', async () => assert.ok((await b.chart(page)).labs > 3 * 20));
  await page.close();
}

async function secondApp(workstation) {
  console.log('Another application: Allergy Card, told by a signed message');
  const page = await b.openChart(workstation, 'dr-smith', B);
  const app = await step('dr-smith opens it in the embedded window', () => b.openApp(page, 'Allergy Card'));
  await step(`it shows the allergies of ${B}, as dr-smith, without a login page`, async () => {
    await app.locator('#allergies').waitFor();
    assert.deepEqual(await b.shown(app), { patient: B, user: 'dr-smith' });
    assert.match(await app.locator('#allergies').innerText(), /Penicillin/);
  });
  await step('it read the EHR by the session in the message; the EHR saw the token, and no session', async () => {
    const [search] = await b.control('GET', 'log?path=/fhir/Patient/_search');
    assert.deepEqual([search.method, search.query, search.form], ['POST', {}, { _id: 'johnnie-hermiston' }]);
    assert.match(search.headers.authorization, /^Bearer \S+$/);
  });
  const second = await b.openChart(workstation, 'dr-smith', A);
  await step(`${A} in a second window of it`, async () => {
    const other = await b.openApp(second, 'Allergy Card');
    await other.locator('#allergies').waitFor();
    assert.deepEqual(await b.shown(other), { patient: A, user: 'dr-smith' });
  });
  await step(`the first window, reloaded, still shows ${B}`, async () => {
    await b.reload(page);
    assert.deepEqual(await b.shown(app), { patient: B, user: 'dr-smith' });
  });
  await second.close();
  await page.close();
}

async function logout({ page, app }) {
  console.log('The end');
  await step('she logs out of the study', async () => {
    await app.getByRole('button', { name: 'Log out' }).click();
    await app.getByRole('heading', { name: 'You are logged out' }).waitFor();
  });
  await step('the window, reloaded, says: open it from the chart again', async () => {
    await b.reload(page);
    await app.getByText(/chart/).first().waitFor();
    assert.equal(await app.locator('#patient-name').count(), 0);
  });
  await step('the EHR was told to forget the token', async () => {
    const told = await b.until(() => b.control('GET', 'log?path=/auth/revoke'), (calls) => calls.length > 0);
    assert.equal(told[0]?.status, 200);
    assert.equal(told[0].form.token_type_hint, 'refresh_token');
  });
}

async function administrator() {
  console.log('What the administrator sees');
  await step('"smartlaunchctl check" finds everything right', async () => {
    const { ok, findings } = await b.smartlaunchctl('check', '--json');
    assert.deepEqual(findings.filter(({ verdict }) => verdict !== 'ok'), []);
    assert.ok(ok && findings.length > 20);
  });
  await step('"smartlaunchctl link list" says who is who', async () => {
    const links = await b.smartlaunchctl('link', 'list', '--json');
    assert.deepEqual(links.map((it) => `${it.ehr_user} at ${it.ehr} is ${it.app_user}`).sort(),
      ['dr-smith at clinic is alice', 'dr-smith at hospital is alice']);
  });
}

async function morning(workstation) {
  const first = await firstTime(workstation);
  console.log('What the EHR knows of her');
  await charted(first.app);
  await secondTime(workstation);
  await twoWindows(workstation, first);
  await clinic(workstation, first);
  await standalone(workstation);
  await pull(workstation, step);
  await secondApp(workstation);
  await logout(first);
  await administrator();
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
