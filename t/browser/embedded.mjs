// SPDX-License-Identifier: Apache-2.0
// Old applications in the EHR's frame: they keep their patient in a session and in cookies, set no
// attribute for our sake, and know nothing of a second window. Whatever a user does in one window,
// every request is of that window's patient or of nobody.

import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import * as b from '../../demo/lib/browser.mjs';
import { finish, test } from './lib/tap.mjs';
import { asked, click, frameIn, install, isOf, last, led, neverMixed, open, requests, state, visit } from './lib/ward.mjs';

const A = { name: 'Luna McCullough', id: 'luna-mccullough' };
const B = { name: 'Johnnie Hermiston', id: 'johnnie-hermiston' };

install();

/** An application behind mod_proxy, with a session in its memory. */
const beds = { sessions: new Map(), log: [] };
const proxied = createServer((req, res) => {
  const cookies = new Map((req.headers.cookie ?? '').split('; ').map((pair) => pair.split('=')));
  const id = beds.sessions.has(cookies.get('bed')) ? cookies.get('bed') : `bed${beds.sessions.size}`;
  const session = beds.sessions.get(id) ?? { patient: req.headers['smart-patient'] };
  beds.sessions.set(id, session);
  beds.log.push({ session: id, patient: session.patient, launched: req.headers['smart-patient'], launch: req.headers['smart-launch'] });
  res.writeHead(200, { 'Set-Cookie': `bed=${id}; HttpOnly; SameSite=Strict`, 'Content-Type': 'text/html', 'X-Frame-Options': 'SAMEORIGIN' });
  res.end(`<pre id="state">${JSON.stringify({ patient: session.patient })}</pre><a href="/beds/next">Next</a>`);
});
await new Promise((done) => { proxied.listen(`${b.RUN}/beds.sock`, done); });
chmodSync(`${b.RUN}/beds.sock`, 0o666);

/** Downloads and service workers are asked for by a part of the browser that must trust the demo's certificate, too. */
const trust = ['--ignore-certificate-errors'];

/** One after the other, each in front: a window behind another is slow to react. */
async function inEach(windows, work) {
  for (const window of windows) {
    await window.page.bringToFront();
    await work(window);
  }
}

async function launchBoth(workstation, one, two) {
  one.page = await b.openChart(workstation, 'dr-smith', A.name);
  one.app = await b.openApp(one.page);
  await one.app.locator('input[name=password], #record').first().waitFor();
  if (await one.app.locator('input[name=password]').count()) {
    await b.logIn(one.app, 'alice');
    await b.answerJoin(one.app, 'yes');
  }
  await open(one);
  two.page = await b.openChart(workstation, 'dr-smith', B.name);
  two.app = await b.openApp(two.page);
  await open(two);
  await inEach([one, two, one], async (window) => {
    isOf(window, await led(window, (frame) => frame.evaluate(() => location.reload())), { chart: window.patient.id });
  });
}

/** Nobody guessed: this window's answer, or the question whose it is. */
function isOfOrAsked(window, [status, answer]) {
  if (status === 200) isOf(window, answer);
  else assert.deepEqual([status, answer.error], [409, 'ambiguous_launch']);
}

{
  const workstation = await b.openProfile({ profile: { cookie_controls_mode: 1 } }, undefined, ...trust);
  const one = { patient: A, user: 'alice' };
  const two = { patient: B, user: 'alice' };
  const each = (work) => inEach([one, two], work);
  const name = (text) => `CTX-10 ${text}`;

  await test(name('third-party cookies off: two patients in two windows of an old application'), () => launchBoth(workstation, one, two));

  await test(name('links of every kind'), () => each(async (window) => {
    for (const id of ['relative', 'path', 'absolute', 'net', 'dots']) isOf(window, await led(window, click(id)), { how: id });
  }));

  await test(name('redirects of every kind'), () => each(async (window) => {
    for (const id of ['relative', 'path', 'absolute', 'net', 'dots']) isOf(window, await led(window, click(`to-${id}`)), { how: id });
  }));

  await test(name('pages that go on by themselves'), () => each(async (window) => {
    for (const id of ['refresh', 'meta']) {
      const frame = await frameIn(window);
      await frame.locator(`#to-${id}`).click();
      await frame.waitForURL(new RegExp(`how=${id}.*smart_launch=`));
      isOf(window, await state(frame), { how: id });
    }
  }));

  await test(name('forms: GET, POST, a file, POST and redirect'), () => each(async (window) => {
    const fill = (id, fields) => async (frame) => {
      for (const [field, value] of Object.entries(fields)) await frame.locator(`#${id} [name=${field}]`).fill(value);
      await frame.locator(`#${id} button`).click();
    };
    isOf(window, await led(window, fill('get', {})), { how: 'get', method: 'GET' });
    isOf(window, await led(window, fill('post', { note: `of ${window.patient.id}, ünïcode & =` })),
      { how: 'post', method: 'POST', note: `of ${window.patient.id}, ünïcode & =` });
    isOf(window, await led(window, async (frame) => {
      await frame.locator('#upload [name=file]').setInputFiles({ name: 'a.bin', mimeType: 'text/plain', buffer: Buffer.alloc(70_000, window.patient.id) });
      await frame.locator('#upload button').click();
    }), { how: 'upload', method: 'POST', file: Buffer.alloc(70_000, window.patient.id).toString() });
    isOf(window, await led(window, fill('saved', { note: 'x' })), { how: 'relative', method: 'GET' });
  }));

  await test(name('reload, back and forward, each as often as one likes'), () => each(async (window) => {
    isOf(window, await led(window, click('path')), { how: 'path' });
    isOf(window, await led(window, click('relative')), { how: 'relative' });
    for (const [step, how] of [['back', 'path'], ['forward', 'relative'], ['back', 'path'], ['reload', 'path']]) {
      isOf(window, await led(window, (frame) => frame.evaluate((go) => { (go === 'reload' ? location : history)[go](); }, step)), { how });
    }
  }));

  await test(name('a picture, a file by link and by download'), () => each(async (window) => {
    const frame = await frameIn(window);
    assert.equal(await frame.locator('img').evaluate((img) => img.decode().then(() => img.naturalWidth)), window.patient.id.length);
    const [file] = await Promise.all([window.page.waitForEvent('download'), click('attachment')(frame)]);
    assert.equal(readFileSync(await file.path(), 'utf8'), `patient\n${window.patient.id}\n`);
    // For a link with `download` this browser sends no cookie from a frame, so there is no file.
    const [none] = await Promise.all([window.page.waitForEvent('download'), click('download')(frame)]);
    assert.ok(await none.failure());
    assert.equal(requests().filter(({ how }) => how === 'download').length, 0);
  }));

  await test(name('what scripts ask: fetch, XMLHttpRequest, POST, EventSource, beacon'), () => each(async (window) => {
    const answers = await asked(window, () => Promise.all([
      fetch('?as=json&how=fetch').then((answer) => answer.json()),
      fetch('/ward/?as=json&how=fetch2', { method: 'POST', body: new URLSearchParams({ note: 'x' }) }).then((answer) => answer.json()),
      new Promise((done) => {
        const xhr = new XMLHttpRequest();
        xhr.onload = () => done(JSON.parse(xhr.responseText));
        xhr.open('GET', `${location.origin}/ward/?as=json&how=xhr`);
        xhr.send();
      }),
      new Promise((done) => {
        const source = new EventSource('?as=events&how=events');
        source.onmessage = ({ data }) => { source.close(); done(JSON.parse(data)); };
      }),
    ]));
    answers.forEach((answer, index) => isOf(window, answer, { how: ['fetch', 'fetch2', 'xhr', 'events'][index] }));
    const how = `beacon-${window.patient.id}`;
    await asked(window, (beacon) => navigator.sendBeacon(`?as=json&how=${beacon}`), how);
    isOf(window, await last(how), { how });
  }));

  await test(name('frames in the frame, with a URL and without'), () => each(async (window) => {
    const inner = await asked(window, () => new Promise((done) => {
      const frame = document.createElement('iframe');
      frame.onload = () => done(frame.contentDocument.querySelector('#state').textContent);
      frame.src = '?how=inner';
      document.body.append(frame);
    }));
    isOf(window, JSON.parse(inner), { how: 'inner' });
    const drawn = await asked(window, () => new Promise((done) => {
      const frame = document.createElement('iframe');
      frame.onload = () => done(frame.contentDocument.querySelector('img').naturalWidth);
      frame.srcdoc = '<img src="/ward/?as=picture&how=srcdoc">';
      document.body.append(frame);
    }));
    assert.ok([0, window.patient.id.length].includes(drawn), `${drawn}`);
  }));

  await test(name('history.pushState: never another patient, after a reload neither'), () => each(async (window) => {
    isOf(window, await led(window, click('path')), { how: 'path' });
    const answer = await asked(window, async () => {
      history.pushState({}, '', '/ward/?how=pushed');
      const got = await fetch('?as=json&how=after-push');
      return [got.status, await got.json()];
    });
    isOfOrAsked(window, answer);
    const frame = await frameIn(window);
    await Promise.all([frame.waitForNavigation(), frame.evaluate(() => location.reload())]);
    await frame.locator('#state, h1').first().waitFor();
    if (await frame.locator('#state').count()) isOf(window, await state(frame));
    else assert.equal(await frame.locator('a[href*="smart_launch="]').count(), 2);
    isOf(window, await led(window, (at) => at.evaluate(() => history.back())), { how: 'path' });
  }));

  await test(name('a worker asks: this patient, or nobody guesses'), () => each(async (window) => {
    const [status, answer] = await asked(window, () => new Promise((done, failed) => {
      const worker = new Worker('/ward/worker.js');
      worker.onmessage = ({ data }) => done(data);
      worker.onerror = ({ message }) => failed(new Error(message));
      worker.postMessage('');
    }));
    isOfOrAsked(window, [status, answer]);
  }));

  await test(name('a cookie that a script sets is no word to the server in another window'), () => each(async (window) => {
    await asked(window, (id) => { document.cookie = `script=${id}; SameSite=None; Secure; Partitioned`; }, window.patient.id);
    await asked(window, (id) => { document.cookie = `chart=${id}; SameSite=None; Secure; Partitioned`; }, (window === one ? two : one).patient.id);
    isOf(window, await led(window, click('path')), { how: 'path', chart: window.patient.id, script: null });
  }));

  await test(name('a link without a Referer: nobody guesses, and its way back is right'), () => each(async (window) => {
    const frame = await frameIn(window);
    const [answer] = await Promise.all([frame.waitForNavigation({ waitUntil: 'load' }), frame.locator('#noreferrer').click()]);
    assert.equal(answer.status(), 409);
    assert.equal(await frame.locator('#state').count(), 0);
    isOf(window, await led(window, (at) => at.evaluate(() => history.back())), { how: 'path' });
  }));

  await test(name('an app behind mod_proxy has a session for each window, too'), async () => {
    await each(async (window) => {
      const found = await led(window, (frame) => frame.evaluate(() => { location.href = '/beds/'; }));
      assert.equal(found.patient, window.patient.id);
      assert.equal((await led(window, (frame) => frame.getByRole('link', { name: 'Next' }).click())).patient, window.patient.id);
    });
    await each(async (window) => isOf(window, await led(window, visit('back')), { how: 'back' }));
  });

  await test(name('a link to a new window: a cookie of the frame is none of the window, and no patient is guessed'), () => each(async (window) => {
    const frame = await frameIn(window);
    for (const id of ['blank', 'opener']) {
      const [opened] = await Promise.all([workstation.waitForEvent('page'), frame.locator(`#${id}`).click()]);
      await opened.waitForLoadState();
      if (await opened.locator('#state').count()) isOf(window, await state(opened), { how: id });
      else assert.match(await opened.locator('body').innerText(), /chart|launch/i);
      await opened.close();
    }
  }));

  await workstation.close();
}

{
  const workstation = await b.openProfile({ profile: { cookie_controls_mode: 0 } }, undefined, ...trust);
  const one = { patient: A, user: 'alice' };
  const two = { patient: B, user: 'alice' };

  await test('CTX-10 third-party cookies on: two patients in two windows of an old application', async () => {
    await launchBoth(workstation, one, two);
    await inEach([one, two, one], async (window) => {
      isOf(window, await led(window, click('to-absolute')), { how: 'absolute', chart: window.patient.id });
    });
  });

  await test('CTX-10 two windows of their own beside the frames: each has its patient', async () => {
    for (const [beside, window] of [[one, { patient: A, user: 'alice', isOwn: true }], [two, { patient: B, user: 'alice', isOwn: true }]]) {
      await beside.page.bringToFront();
      window.page = await b.openWindow(beside.page);
      await open(window);
      beside.own = window;
    }
    await inEach([one, one.own, two, two.own, one.own], async (window) => isOf(window, await led(window, click('relative')), { how: 'relative' }));
    const [file] = await Promise.all([one.own.page.waitForEvent('download'), one.own.page.locator('#download').click()]);
    assert.equal(readFileSync(await file.path(), 'utf8'), `patient\n${A.id}\n`, 'a link with `download`');
    for (const id of ['blank', 'opener']) {
      const [opened] = await Promise.all([workstation.waitForEvent('page'), one.own.page.locator(`#${id}`).click()]);
      await opened.locator('#state').waitFor();
      isOf(one.own, await state(opened.mainFrame()), { how: id });
      await opened.close();
    }
  });

  // A page that a service worker asks for looks like a script's request: it keeps its launch, but not in its URL.
  await test('CTX-10 a service worker in between: this patient, or nobody guesses', () => inEach([one.own, two.own, one.own], async (window) => {
    window.url ??= window.page.url();
    await asked(window, () => navigator.serviceWorker.register('/ward/service.js').then(() => navigator.serviceWorker.ready).then(() => true));
    await b.until(() => asked(window, () => navigator.serviceWorker.controller !== null), Boolean);
    isOfOrAsked(window, await asked(window, () => fetch('?as=json&how=through').then(async (got) => [got.status, await got.json()])));
    isOfOrAsked(window, await asked(window, () => fetch('?how=own').then(async (got) => [got.status, await got.json()])));
    isOf(window, await led(window, click('path')), { how: 'path' });
    await Promise.all([window.page.waitForNavigation(), window.page.locator('#relative').click()]);
    if (await window.page.locator('#state').count()) isOf(window, await state(window.page.mainFrame()));
    else assert.equal(JSON.parse(await window.page.locator('body').innerText()).error, 'ambiguous_launch');
    isOf(window, await led(window, () => window.page.goto(window.url)));
  }));

  await workstation.close();
}

await test('CTX-10 in all of that: one session of the app for each launch, and no request of two patients', () => {
  neverMixed(requests());
  neverMixed(beds.log);
});

proxied.close();
proxied.closeAllConnections();
await finish('SL2531', 'SL2533');
