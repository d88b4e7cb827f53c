// SPDX-License-Identifier: Apache-2.0
// /control/*: how tests bend this EHR and read what it was sent. The calls are listed in README.md.

import { sendJson } from './http.mjs';
import { algorithms } from './keys.mjs';
import { defaultSettings } from './oauth.mjs';

const bad = (text) => Object.assign(new Error(text), { status: 400 });

const calls = {
  'POST /launch': (ehr, body) => ehr.launch(body),

  'GET /log': (ehr, body, query) => ehr.log.filter((entry) => entry.path.startsWith(query.get('path') ?? '')),
  'DELETE /log': (ehr) => { ehr.log.length = 0; },

  'GET /counts': (ehr) => ehr.counts(),
  'DELETE /counts': (ehr) => ehr.oauth.forgetCounts(),
  'POST /end': (ehr, body) => ehr.oauth.end(body.what ?? 'access'),
  'GET /faults': (ehr) => ehr.faults.get(),
  'PUT /faults': (ehr, body) => { ehr.faults.set(body); return ehr.faults.get(); },
  'DELETE /faults': (ehr) => ehr.faults.clear(),
  'POST /release': (ehr) => ehr.faults.release(),

  'GET /id_token': (ehr) => ehr.bend,
  'PUT /id_token': (ehr, body) => {
    const known = ['claims', 'header', 'sign', 'alg', 'no_kid', 'omit'];
    const unknown = Object.keys(body).filter((member) => !known.includes(member));
    if (unknown.length) throw bad(`unknown member: ${unknown}`);
    const signs = ['normal', 'other-key', 'none', 'hs256-public', 'strip'];
    if (body.sign !== undefined && !signs.includes(body.sign)) throw bad(`unknown sign: ${body.sign}`);
    if (body.alg !== undefined && !algorithms.includes(body.alg)) throw bad(`unknown alg: ${body.alg}`);
    ehr.bend = body;
  },
  'DELETE /id_token': (ehr) => { ehr.bend = {}; },

  'POST /rotate': (ehr, body) => ehr.keys.rotate(body),

  'GET /clients': (ehr) => ehr.clients.list(),
  'PUT /clients': (ehr, body) => { ehr.clients.set(body); return ehr.clients.list(); },

  'GET /settings': (ehr) => ehr.settings,
  'PUT /settings': (ehr, body) => {
    const unknown = Object.keys(body).filter((member) => !(member in defaultSettings));
    if (unknown.length) throw bad(`unknown setting: ${unknown}`);
    ehr.settings = { ...ehr.settings, ...body };
    return ehr.settings;
  },

  'POST /reset': (ehr) => ehr.reset(),
};

// `rest` is the path after /control.
export async function handleControl(ehr, req, res, { rest, query, body }) {
  // No page of another site may steer this through a browser on the same machine.
  if (!['none', 'same-origin', undefined].includes(req.headers['sec-fetch-site'])) {
    return sendJson(res, 403, { error: 'not for web pages' });
  }
  const call = calls[`${req.method} ${rest}`];
  if (!call) return sendJson(res, 404, { error: 'no such call', calls: Object.keys(calls) });
  try {
    const result = await call(ehr, body.length ? JSON.parse(body) : {}, query);
    return sendJson(res, 200, result ?? { ok: true });
  } catch (error) {
    if (!error.status && !(error instanceof SyntaxError)) throw error;
    return sendJson(res, error.status ?? 400, { error: error.message });
  }
}
