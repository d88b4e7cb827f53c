// SPDX-License-Identifier: Apache-2.0
// The old application of ../ward beside the demo's, in the EHR's frame or a window of its own.

import assert from 'node:assert/strict';
import { chmodSync, cpSync, readFileSync } from 'node:fs';
import * as b from '../../../demo/lib/browser.mjs';

const WARD = `${b.RUN}/ward`;

/** Puts it where embedded.conf looks for it. */
export function install() {
  cpSync(new URL('../ward', import.meta.url), WARD, { recursive: true });
  chmodSync(WARD, 0o777);
}

/** What it was asked for, in order. */
export function requests() {
  return readFileSync(`${WARD}/log`, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
}

export async function last(how) {
  return b.until(() => requests().filter((request) => request.how === how).at(-1), Boolean);
}

/** The frame with the application, or the window that has it to itself. */
export async function frameIn(window) {
  return window.isOwn ? window.page.mainFrame() : b.frameOf(window.page);
}

/** What the page says of its session and cookies. */
export async function state(frame) {
  return JSON.parse(await frame.locator('#state').innerText());
}

/** The state of the page that an action leads to. */
export async function led(window, action) {
  const frame = await frameIn(window);
  await Promise.all([frame.waitForNavigation({ waitUntil: 'load' }), action(frame)]);
  await frame.locator('#state').waitFor();
  return state(frame);
}

export function click(id) {
  return (frame) => frame.locator(`#${id}`).click();
}

export function visit(how) {
  return (frame) => frame.evaluate((name) => { location.href = `/ward/?how=${name}`; }, how);
}

/** In the page: what `ask` comes to. */
export async function asked(window, ask, argument) {
  return (await frameIn(window)).evaluate(ask, argument);
}

/** The page or answer is of this window's user and patient, and has `more` beside. */
export function isOf(window, found, more = {}) {
  assert.deepEqual({ patient: found?.patient, user: found?.user }, { patient: window.patient.id, user: window.user });
  for (const [name, value] of Object.entries(more)) assert.deepEqual(found[name], value, name);
}

/** From the study, where the launch has ended up, to the ward. */
export async function open(window, how = 'first') {
  const app = window.isOwn ? window.page : window.app;
  await app.locator('#record').waitFor();
  assert.equal((await b.shown(app)).patient, window.patient.name);
  isOf(window, await led(window, visit(how)), { how });
}

/** Of all requests: a session belongs to one launch, its patient and user are the launch's, so is the cookie's. */
export function neverMixed(log) {
  const launches = new Map();
  assert.ok(log.length > 3, `${log.length} requests`);
  for (const { session, launch, launched, patient, user, remote, chart, uri } of log) {
    assert.equal(patient ?? null, launched ?? null, `${uri}: the session's patient is the launch's`);
    assert.equal(user ?? null, remote ?? null, `${uri}: so is its user`);
    assert.equal(chart ?? launched ?? null, launched ?? null, `${uri}: so is the cookie's patient`);
    if (!launch) continue;
    assert.equal(launches.get(session) ?? launch, launch, `${uri}: a session of two launches`);
    launches.set(session, launch);
  }
}
