// SPDX-License-Identifier: Apache-2.0
// Small helpers over node:http.

export async function readBody(req, limit = 4 * 1024 * 1024) {
  const chunks = [];
  let size = 0;
  for await (const chunk of req) {
    size += chunk.length;
    if (size > limit) throw Object.assign(new Error('request body too large'), { status: 413 });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

// Headers are set one by one (not by writeHead), so that faults.mjs can still change them at end().
export function send(res, status, type, body, headers = {}) {
  res.statusCode = status;
  res.setHeader('Content-Type', type);
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}

export function sendJson(res, status, value, headers = {}) {
  send(res, status, 'application/json', JSON.stringify(value), headers);
}

export function redirect(res, location, status = 303) {
  send(res, status, 'text/plain', '', { Location: location, 'Cache-Control': 'no-store' });
}

// "a=1&a=2&b=3" -> { a: ["1", "2"], b: "3" }
export function formToObject(text) {
  const result = {};
  for (const [name, value] of new URLSearchParams(text)) {
    result[name] = name in result ? [result[name], value].flat() : value;
  }
  return result;
}

export const bearerOf = (headers) => /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1];

// Members of `changes` replace those of `value`; null takes one away.
export function patchObject(value, changes = {}) {
  const result = { ...value };
  for (const [name, change] of Object.entries(changes)) {
    if (change === null) delete result[name];
    else result[name] = change;
  }
  return result;
}

export const sleep = (ms) => new Promise((done) => { setTimeout(done, ms); });
