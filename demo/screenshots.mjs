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
const [alone] = await Promise.all([
  workstation.waitForEvent('page'), chart.getByRole('link', { name: 'in a new window' }).click(),
]);
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

await browser.close();
