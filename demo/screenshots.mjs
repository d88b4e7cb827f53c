// SPDX-License-Identifier: Apache-2.0
// Writes docs/img/*.png: what people see, each wide and at 360 px.

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as b from './lib/browser.mjs';

const WIDTHS = { wide: 1280, narrow: 360 };
const folder = fileURLToPath(new URL('../docs/img/', import.meta.url));
mkdirSync(folder, { recursive: true });

async function take(page, name, height = 680) {
  await page.mouse.move(0, 0);
  for (const [size, width] of Object.entries(WIDTHS)) {
    await page.setViewportSize({ width, height });
    await page.screenshot({ path: `${folder}${name}-${size}.png`, fullPage: true });
  }
  await page.setViewportSize({ width: WIDTHS.wide, height });
  console.log(`  ✓ docs/img/${name}-{${Object.keys(WIDTHS)}}.png`);
}

const browser = await b.openBrowser();
const workstation = await b.openWorkstation(browser);

const first = await b.openChart(workstation, 'dr-smith', 'Luna McCullough');
const app = await b.openApp(first);
await b.logIn(app, 'alice');
await app.locator('button[name=answer][value=yes]').waitFor();
await take(first, 'link');
await b.answerJoin(app, 'yes');
await app.locator('#record').waitFor();
await take(first, 'ehr-with-app', 820);

const chart = await b.openChart(workstation, 'dr-smith', 'Luna McCullough');
const alone = await b.openWindow(chart);
await alone.locator('#labs').waitFor();
await take(alone, 'record');
await alone.close();
await chart.close();

const second = await b.openChart(workstation, 'dr-smith', 'Johnnie Hermiston');
const other = await b.openApp(second);
await other.locator('#record').waitFor();
await (await b.frameOf(second)).goto(`${b.APP}/study/`);
await other.locator('a[href*="smart_launch="]').first().waitFor();
await take(second, 'chooser');

const refused = await b.control('POST', 'launch', { user: 'dr-smith', patient: 'luna-mccullough', refuse: true });
await (await b.frameOf(second)).goto(refused.url);
await other.locator('h1').waitFor();
await take(second, 'failure');

const atClinic = await b.openChart(workstation, 'dr-smith', 'Ingrid Sørensen', b.CLINIC);
await b.launchAndJoin(atClinic, 'alice');
await take(atClinic, 'second-ehr', 820);

const card = await b.openChart(workstation, 'dr-smith', 'Johnnie Hermiston');
await (await b.openApp(card, 'Allergy Card')).locator('#allergies').waitFor();
await take(card, 'second-app', 820);

const study = await (await b.openWorkstation(browser)).newPage();
await study.goto(`${b.APP}/study/`);
await b.logIn(study, 'alice');
await study.locator('#records').waitFor();
await take(study, 'connect');
await study.getByRole('link', { name: 'Connect to Hospital EHR' }).click();
await study.locator('input[name=user]').fill('dr-smith');
await study.locator('input[name=password]').fill('smith-demo');
await study.getByRole('button', { name: 'Log in' }).click();
await study.locator('button[name=patient]').first().waitFor();
await take(study, 'patient-picker');

await browser.close();
