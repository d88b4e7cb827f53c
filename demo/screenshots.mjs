// SPDX-License-Identifier: Apache-2.0
// Writes docs/img/*.png: what people see, each wide and at 360 px.

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as b from './lib/browser.mjs';

const SIZES = { wide: { width: 1280, height: 900 }, narrow: { width: 360, height: 780 } };
const folder = fileURLToPath(new URL('../docs/img/', import.meta.url));
mkdirSync(folder, { recursive: true });

async function take(page, name) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    await page.screenshot({ path: `${folder}${name}-${size}.png`, fullPage: true });
  }
  await page.setViewportSize(SIZES.wide);
  console.log(`  ✓ docs/img/${name}-{${Object.keys(SIZES)}}.png`);
}

const browser = await b.openBrowser();
const workstation = await b.openWorkstation(browser, SIZES.wide);

const first = await b.openChart(workstation, 'dr-smith', 'Luna McCullough');
const app = await b.openApp(first);
await b.logIn(app, 'alice');
await app.locator('button[name=answer][value=yes]').waitFor();
await take(first, 'link');
await b.answerJoin(app, 'yes');
await app.locator('#record').waitFor();
await take(first, 'ehr-with-app');

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
