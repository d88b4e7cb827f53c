// SPDX-License-Identifier: Apache-2.0
// An app that holds a study's project, for tests: REDCap's public API at /api/ (as its documentation
// and its users describe it), the signed JSON of SmartCDPDeliver http at /signed, and the service of
// SmartCDPAccess at /access. The argument is JSON: {project, port, token, secret,
// tls: {cert, key}}.
//
// Control, on a port of its own: GET and PUT /state (members are replaced), PUT /faults ([…], one is
// used up by each request to `path`), GET and DELETE /log, PUT /listening (true or false),
// POST /release.
//
// A fault: {path, when: {parameter: value}, times, status, body, type, headers, delay_ms, hang, close,
// held (until /release, after which no more are),
// lost (the work is done, the line breaks), works (with hang: the work is done before)}.
import http from 'node:http';
import https from 'node:https';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';

const options = JSON.parse(process.argv[2]);
const state = { access: '1', ...options.project };
state.records ??= {};
state.locked ??= [];
let faults = [];
let log = [];
const held = [];
const seen = new Map();
const sleep = (ms) => new Promise((done) => { setTimeout(done, ms); });

class Refusal extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

const metadataOf = (name) => state.metadata.find((field) => field.field_name === name);
const idField = () => state.metadata[0].field_name;
const isLongitudinal = () => (state.events ?? []).length > 0;
const repeats = (event, form) => (state.repeating ?? []).find((one) => (one.event_name ?? '') === event
  && ['', form].includes(one.form_name ?? ''));
const choicesOf = (field) => (field.select_choices_or_calculations ?? '').split('|')
  .map((choice) => choice.split(',')[0].trim()).filter((code) => code !== '');
const boxOf = (name, code) => `${name}___${code.toLowerCase().replace(/[^a-z0-9]/g, '_')}`;
const rowKey = (event, form, instance) => JSON.stringify([event, form, instance]);

// The project's field behind a column, and the code where it is a checkbox.
function columnOf(column) {
  const field = metadataOf(column);
  if (field) return { field };
  const box = metadataOf(column.split('___')[0]);
  const code = box && choicesOf(box).find((one) => boxOf(box.field_name, one) === column);
  return code === undefined ? null : { field: box, code };
}

const formats = {
  date_ymd: /^\d{4}-\d\d-\d\d$/,
  datetime_ymd: /^\d{4}-\d\d-\d\d \d\d:\d\d$/,
  datetime_seconds_ymd: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/,
  integer: /^-?\d+$/,
  number: /^-?\d*\.?\d+$/,
  email: /^\S+@\S+\.\S+$/,
};

// Why a value cannot be written; '' if it can.
function faultOf(field, value) {
  const validation = (field.text_validation_type_or_show_slider_number ?? '').replace(/_(?:dmy|mdy)$/, '_ymd');
  if (['calc', 'file', 'descriptive'].includes(field.field_type)) return 'This is a field that cannot be imported.';
  if (['radio', 'dropdown'].includes(field.field_type) && !choicesOf(field).includes(value)) {
    return `The value is not a valid category for ${field.field_name}`;
  }
  if (['yesno', 'truefalse', 'checkbox'].includes(field.field_type) && !['0', '1'].includes(value)) {
    return `The value is not a valid category for ${field.field_name}`;
  }
  if (formats[validation] && !formats[validation].test(value)) {
    return 'The value you provided could not be validated because it does not follow the expected format. Please try again.';
  }
  const { text_validation_min: min, text_validation_max: max } = field;
  const asNumber = ['integer', 'number'].includes(validation);
  if ((min && (asNumber ? Number(value) < Number(min) : value < min))
    || (max && (asNumber ? Number(value) > Number(max) : value > max))) {
    return 'The value you provided is outside the suggested range.';
  }
  return '';
}

function placeOf(event, field, instrument, instance) {
  if (isLongitudinal() && !state.events.includes(event)) return { fault: 'This event does not exist.' };
  if (isLongitudinal() && state.forms && !state.forms.some((one) => one.unique_event_name === event && one.form === field.form_name)) {
    return { fault: `This field ('${field.field_name}') exists on an instrument that is not designated for the event named '${event}'.` };
  }
  const rule = repeats(event, field.form_name);
  const form = rule ? rule.form_name ?? '' : '';
  if (!rule !== !instance || form !== instrument) return { fault: 'This field is on an instrument that repeats otherwise.' };
  return { key: rowKey(event, form, instance ? Number(instance) : 0) };
}

const LOCKED = 'This field is located on a form that is locked. You must first unlock this form for this record.';
const isLocked = (record, event, form, instance) => state.locked.some((one) => one.record === record
  && (one.form ?? form) === form && (one.event ?? event) === event && (one.instance ?? instance) === instance);

// What writing would do: faults as [record, column, value, reason], and writes as functions.
function planned(record, row) {
  const plan = { faults: [], writes: [] };
  const event = row.redcap_event_name ?? '';
  const instrument = row.redcap_repeat_instrument ?? '';
  const instance = Number(row.redcap_repeat_instance || 0);
  for (const [column, raw] of Object.entries(row)) {
    if (column === idField() || /^redcap_(?:event_name|repeat_instrument|repeat_instance)$/.test(column)) continue;
    const value = String(raw);
    if (value === '') continue;
    const known = columnOf(column);
    if (!known || (known.field.field_type === 'checkbox') !== (known.code !== undefined)) {
      throw new Refusal(400, `The following fields were not found in the project as real data fields: ${column}`);
    }
    const place = placeOf(event, known.field, instrument, instance);
    const fault = isLocked(record, event, known.field.form_name, instance) ? LOCKED : place.fault || faultOf(known.field, value);
    if (fault) plan.faults.push([record, column, value, fault]);
    else plan.writes.push(() => {
      state.records[record] ??= {};
      (state.records[record][place.key] ??= {})[column] = value;
    });
  }
  return plan;
}

function write(rows, vague) {
  const plans = rows.map((row) => {
    if (row[idField()] === undefined || row[idField()] === '') throw new Refusal(400, 'The record ID field is missing.');
    return planned(String(row[idField()]), row);
  });
  const wrong = plans.flatMap((plan) => plan.faults);
  if (wrong.length > 0) {
    const cell = (text) => `"${text.replaceAll('"', '""')}"`;
    throw new Refusal(400, vague ? 'The data could not be imported.' : wrong.map((line) => line.map(cell).join(',')).join('\n'));
  }
  plans.forEach((plan) => plan.writes.forEach((one) => one()));
  return { count: new Set(rows.map((row) => String(row[idField()]))).size };
}

const listOf = (form, name) => [...form.entries()].filter(([key]) => key === name || key.startsWith(`${name}[`))
  .flatMap(([, value]) => value.split(','));

function exported(form) {
  const fields = listOf(form, 'fields');
  const unknown = fields.filter((name) => !metadataOf(name));
  if (unknown.length > 0) throw new Refusal(400, `The following values in the parameter "fields" are not valid: '${unknown.join("', '")}'`);
  const wanted = fields.length > 0 ? fields : state.metadata.map((field) => field.field_name);
  const events = listOf(form, 'events');
  const records = listOf(form, 'records');
  const columns = wanted.flatMap((name) => (metadataOf(name).field_type === 'checkbox'
    ? choicesOf(metadataOf(name)).map((code) => boxOf(name, code)) : [name]));
  const rows = [];
  for (const [record, held] of Object.entries(state.records)) {
    if (records.length > 0 && !records.includes(record)) continue;
    for (const [key, values] of Object.entries(held)) {
      const [event, instrument, instance] = JSON.parse(key);
      if (events.length > 0 && !events.includes(event)) continue;
      const row = { [idField()]: record };
      if (isLongitudinal()) row.redcap_event_name = event;
      if ((state.repeating ?? []).length > 0) {
        row.redcap_repeat_instrument = instrument;
        row.redcap_repeat_instance = instance || '';
      }
      for (const column of columns) {
        if (column !== idField()) row[column] = values[column] ?? (column.includes('___') ? '0' : '');
      }
      rows.push(row);
    }
  }
  return rows;
}

function api(form) {
  if (form.get('token') !== options.token) throw new Refusal(403, 'You do not have permissions to use the API');
  if (form.get('format') !== 'json' || form.get('returnFormat') !== 'json') throw new Refusal(400, 'This one speaks JSON.');
  const classic = (what) => new Refusal(400, `You cannot export ${what} for classic projects`);
  switch (form.get('content')) {
    case 'version': return '14.0.0';
    case 'metadata': return state.metadata;
    case 'event':
      if (!isLongitudinal()) throw classic('events');
      return state.events.map((name) => ({ event_name: name, arm_num: 1, unique_event_name: name }));
    case 'formEventMapping':
      if (!isLongitudinal()) throw classic('form-event mappings');
      return state.forms;
    case 'repeatingFormsEvents':
      if ((state.repeating ?? []).length === 0) {
        throw new Refusal(400, 'You cannot export repeating instruments and events because the project does not contain any repeating instruments and events');
      }
      return state.repeating;
    case 'record':
      if (form.get('type') !== 'flat') throw new Refusal(400, 'This one is flat.');
      if (form.get('action') !== 'import') return exported(form);
      if (form.get('overwriteBehavior') !== 'normal' || form.get('dateFormat') !== 'YMD'
        || form.get('returnContent') !== 'count' || form.get('forceAutoNumber') !== 'false') {
        throw new Refusal(400, 'Not as agreed.');
      }
      return write(JSON.parse(form.get('data')), state.vague);
    default: throw new Refusal(400, 'The value of the parameter "content" is not valid');
  }
}

function verify(body, header) {
  const [, t, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header ?? '') ?? [];
  if (!mac || Math.abs(Date.now() / 1000 - Number(t)) > 300) throw new Refusal(401, 'no fresh signature');
  const own = createHmac('sha256', options.secret).update(`${t}.${body}`).digest();
  if (!timingSafeEqual(own, Buffer.from(mac, 'hex'))) throw new Refusal(401, 'a wrong signature');
}

function signed(body, headers) {
  verify(body, headers['smart-signature']);
  const message = JSON.parse(body);
  if (seen.has(message.key)) return { again: true };
  const row = { ...message.values, [idField()]: message.record };
  if (message.event) row.redcap_event_name = message.event;
  if (message.instance) {
    row.redcap_repeat_instance = message.instance;
    row.redcap_repeat_instrument = repeats(message.event, metadataOf(Object.keys(message.values)[0])?.form_name)?.form_name ?? '';
  }
  const plan = planned(message.record, row);
  if (plan.faults.length > 0) {
    const reason = plan.faults[0][3];
    throw new Refusal(reason === LOCKED ? 423 : 422, reason);
  }
  plan.writes.forEach((one) => one());
  seen.set(message.key, message);
  return { ok: true };
}

function work(path, body, form, headers) {
  if (path === '/api/') return api(form);
  if (path === '/signed') return signed(body, headers);
  if (path === '/access') return { text: state.access };
  throw new Refusal(404, 'not here');
}

function answerOf(path, body, form, headers) {
  try {
    const json = work(path, body, form, headers);
    if (json.text !== undefined) return { status: 200, type: 'text/plain', text: json.text };
    return { status: 200, text: JSON.stringify(json) };
  } catch (e) {
    if (!(e instanceof Refusal)) return { status: 500, text: JSON.stringify({ error: `${e.stack}` }) };
    return { status: e.status, text: JSON.stringify({ error: e.message }) };
  }
}

function faultFor(path, form) {
  const at = faults.findIndex((one) => one.path === path
    && Object.entries(one.when ?? {}).every(([name, value]) => form.get(name) === value));
  if (at < 0) return {};
  const fault = faults[at];
  if (fault.times !== undefined && --fault.times <= 0) faults.splice(at, 1);
  return fault;
}

async function respond(req, res, body) {
  const path = new URL(req.url, 'http://x').pathname;
  const form = new URLSearchParams(path === '/signed' ? '' : body);
  const entry = { path, url: req.url, method: req.method, headers: req.headers, body: path === '/signed' ? body : '',
    form: Object.fromEntries(form), at: Date.now() };
  delete entry.form.token;
  entry.hasToken = form.has('token');
  log.push(entry);
  const fault = faultFor(path, form);
  if (fault.works) entry.status = answerOf(path, body, form, req.headers).status;
  if (fault.hang) return;
  if (fault.delay_ms) await sleep(fault.delay_ms);
  if (fault.held) await new Promise((letGo) => { held.push(letGo); });
  if (fault.close) { entry.status = 0; res.socket.destroy(); return; }
  if (fault.status) {
    entry.status = fault.status;
    res.writeHead(fault.status, { 'Content-Type': fault.type ?? 'application/json', ...fault.headers });
    res.end(fault.body ?? '');
    return;
  }
  const { status, text, type } = answerOf(path, body, form, req.headers);
  entry.status = status;
  entry.answer = text.length > 2000 ? '…' : text;
  if (fault.lost) { res.socket.destroy(); return; }
  res.writeHead(status, { 'Content-Type': type ?? 'application/json; charset=utf-8' });
  res.end(text);
}

const read = async (req) => {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
};
const handle = async (req, res) => respond(req, res, await read(req));
const app = options.tls
  ? https.createServer({ cert: readFileSync(options.tls.cert), key: readFileSync(options.tls.key) }, handle)
  : http.createServer(handle);

async function listening(wanted) {
  if (wanted === app.listening) return;
  if (!wanted) {
    app.closeAllConnections();
    await new Promise((done) => { app.close(done); });
    return;
  }
  await new Promise((done, failed) => { app.once('error', failed).listen(options.port, '127.0.0.1', done); });
}

function release() {
  for (const fault of faults) delete fault.held;
  for (const letGo of held.splice(0)) letGo();
}

const control = http.createServer(async (req, res) => {
  const text = await read(req);
  const json = text === '' ? null : JSON.parse(text);
  const what = `${req.method} ${req.url}`;
  if (what === 'PUT /state') Object.assign(state, json);
  if (what === 'PUT /faults') faults = json;
  if (what === 'PUT /listening') await listening(json.it);
  if (what === 'POST /release') release();
  const out = what === 'GET /log' ? log : { state, seen: [...seen.values()] };
  if (what === 'DELETE /log') log = [];
  res.writeHead(200, { 'Content-Type': 'application/json' });
  res.end(JSON.stringify(out));
});
await listening(true);
control.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ control: control.address().port }));
});
