// SPDX-License-Identifier: Apache-2.0
// A clinician at the demo: Chromium, the EHR's pages, the study in its embedded window.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

export const APP = process.env.DEMO_APP;
export const CARD = process.env.DEMO_CARD;
export const EHR = process.env.DEMO_EHR;
export const CLINIC = process.env.DEMO_CLINIC;
export const RUN = process.env.DEMO_RUN;

const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export async function openBrowser(...flags) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [...quiet, ...flags],
  });
}

/** One workstation: its windows share cookies. */
export async function openWorkstation(browser, viewport = { width: 1280, height: 900 }) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport });
  context.setDefaultTimeout(15_000);
  return context;
}

/** A browser with settings of its own, as its user made them; it is no private window. */
export async function openProfile(settings, viewport = { width: 1280, height: 900 }, ...flags) {
  const dir = mkdtempSync(`${RUN}/profile.`);
  mkdirSync(`${dir}/Default`);
  writeFileSync(`${dir}/Default/Preferences`, JSON.stringify(settings));
  const context = await chromium.launchPersistentContext(dir, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...quiet, ...flags], ignoreHTTPSErrors: true, viewport,
  });
  context.setDefaultTimeout(15_000);
  return context;
}

/** Bends an EHR, asks it for a launch, or reads what it was sent. */
export async function control(method, path, body, ehr = EHR) {
  const { port, host, hostname, pathname } = new URL(ehr);
  const options = { host: '127.0.0.1', port, method, path: `${pathname.replace(/\/$/, '')}/control/${path}`, servername: hostname,
    headers: { host, 'content-type': 'application/json' }, ca: readFileSync(`${RUN}/tls/cert.pem`) };
  return new Promise((done, failed) => {
    const call = request(options, async (answer) => {
      const text = (await answer.toArray()).join('');
      if (answer.statusCode < 300) done(text ? JSON.parse(text) : null);
      else failed(new Error(`${method} /control/${path}: ${answer.statusCode} ${text}`));
    });
    call.on('error', failed);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** "Luna McCullough" is filed as "McCullough, Luna". */
export function filed(patient) {
  return patient.split(' ').reverse().join(', ');
}

/** A new window on the EHR, with this user at this patient's chart. */
export async function openChart(workstation, user, patient, ehr = EHR) {
  const page = await workstation.newPage();
  await page.goto(`${ehr}/`);
  await page.getByRole('link', { name: user }).click();
  await page.getByRole('link', { name: filed(patient) }).click();
  await page.getByRole('button', { name: /^Open / }).first().waitFor();
  return page;
}

/** Clicks an app's button; what comes is the embedded window, whatever it shows by then. */
export async function openApp(page, name = 'Asthma in Adults') {
  await page.getByRole('button', { name: `Open ${name}` }).click();
  return embedded(page);
}

/** The app in a window of its own. */
export async function openWindow(chart, name = 'Asthma in Adults') {
  const [page] = await Promise.all([
    chart.context().waitForEvent('page'), chart.getByRole('link', { name: `Open ${name} in a new window` }).click(),
  ]);
  return page;
}

/** A window on the EHR's site, filled by a frame with this URL, for what its own pages have no button for.
    The EHR answers under any name, so that `ehr` can be a site that nobody has allowed to embed us. */
export async function embed(workstation, url, ehr = EHR) {
  const page = await workstation.newPage();
  await page.goto(`${ehr}/`);
  await page.evaluate((src) => {
    const frame = document.createElement('iframe');
    Object.assign(frame.style, { position: 'fixed', inset: '0', width: '100%', height: '100%', border: '0', background: '#fff' });
    const loaded = new Promise((done) => { frame.onload = done; });
    frame.src = src;
    document.body.append(frame);
    return loaded;
  }, url);
  return page;
}

export function embedded(page) {
  return page.locator('iframe').contentFrame();
}

/** The embedded window as a Frame, for what a locator cannot do: its URL, reload, history. */
export async function frameOf(page) {
  const element = await page.locator('iframe').elementHandle();
  return element.contentFrame();
}

export async function logIn(app, user) {
  await app.locator('input[name=user]').fill(user);
  await app.locator('input[name=password]').fill(`${user}-demo`);
  await app.getByRole('button', { name: 'Log in' }).click();
}

export async function answerJoin(app, value) {
  await app.locator(`button[name=answer][value=${value}]`).click();
}

/** The first launch of a clinician, to the end: login at the study, and the module's question. */
export async function launchAndJoin(page, user) {
  const app = await openApp(page);
  await logIn(app, user);
  await answerJoin(app, 'yes');
  await app.locator('#record').waitFor();
  return app;
}

/** Whose record does the embedded window show, and as whom? */
export async function shown(app) {
  return {
    patient: await app.locator('#patient-name').innerText(),
    user: await app.locator('#user').innerText(),
  };
}

/** What the record shows of the EHR's data: how many tests and results, and the names in each list. */
export async function chart(app) {
  await app.locator('#chart').waitFor();
  const problem = app.locator('#chart-problem');
  if (await problem.count()) throw new Error(await problem.innerText());
  const results = async (title) => {
    const heading = await app.locator('#chart').getByRole('heading', { name: title }).innerText();
    return Number(heading.match(/(\d+) results/)[1]);
  };
  const names = (id) => app.locator(`#${id} > ul > li > b`).allInnerTexts();
  return {
    labs: await results('Laboratory'), vitals: await results('Vital signs'),
    conditions: await names('conditions'), medications: await names('medications'), allergies: await names('allergies'),
  };
}

/** Asks again until there is what is waited for, for ten seconds at most; what came last. */
export async function until(ask, isThere) {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await ask();
    if (isThere(found) || Date.now() > deadline) return found;
    await new Promise((done) => { setTimeout(done, 100); });
  }
}

/** Asks the demo's database, as its owner; one object for each row. */
export async function rows(sql) {
  const { stdout } = await promisify(execFile)('psql', ['-qtAX', '-v', 'ON_ERROR_STOP=1',
    '-d', `host=${RUN}/pgsocket user=postgres dbname=smartlaunch`,
    '-c', `SELECT coalesce(json_agg(row), '[]') FROM (${sql}) AS row`]);
  return JSON.parse(stdout);
}

/** The study's records, as they are stored. */
export async function studyData() {
  return JSON.parse(readFileSync(`${RUN}/study/study.json`));
}

/** What smartlaunchctl says of the running demo, with --json among the words. */
export async function smartlaunchctl(...words) {
  const { stdout } = await promisify(execFile)(process.env.DEMO_CTL, ['-f', `${RUN}/conf/httpd.conf`, ...words]);
  return JSON.parse(stdout);
}

/** Reloads the embedded window alone; a reload of the EHR's page would launch again. */
export async function reload(page) {
  const frame = await frameOf(page);
  const loaded = frame.waitForNavigation();
  await frame.evaluate(() => location.reload());
  await loaded;
}

/** A message of the browser driver without its colours. */
export function plain(message) {
  return message.replace(/\x1b\[\d*m/g, '');
}
