// SPDX-License-Identifier: Apache-2.0
// The tests' app behind mod_proxy: answers with everything it was sent, as JSON. What it answers can
// be asked for in the parameter or header "answer" (see SL::Backend::answer). GET /_log lists the
// requests so far, DELETE /_log forgets them; POST /_release lets go of answers that are held.
import http from 'node:http';

let log = [];
const held = [];

function wanted(req) {
  const text = new URL(req.url, 'http://app').searchParams.get('answer') ?? req.headers['x-answer'];
  return text ? JSON.parse(text) : {};
}

function record(req, body) {
  const headers = [];
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    headers.push([req.rawHeaders[i], req.rawHeaders[i + 1]]);
  }
  const [path, ...query] = req.url.split('?');
  return {
    by: 'proxy', method: req.method, uri: req.url, path, query: query.join('?'),
    header_list: headers, headers: req.headers, cookies: req.headers.cookie ?? null, body,
  };
}

function reply(res, given, answer) {
  res.statusCode = answer.status ?? 200;
  const all = new Map([['Content-Type', ['application/json']]]);
  for (const [name, value] of answer.headers ?? []) {
    if (name.toLowerCase() === 'content-type') all.delete('Content-Type');
    all.set(name, [...(all.get(name) ?? []), value]);
  }
  for (const [name, values] of all) res.setHeader(name, values);
  res.end(answer.body ?? JSON.stringify(given));
}

const server = http.createServer({ maxHeaderSize: 131072 }, (req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    if (req.url === '/_log') {
      const body = JSON.stringify(log);
      if (req.method === 'DELETE') log = [];
      res.end(body);
      return;
    }
    if (req.url === '/_release') {
      for (const letGo of held.splice(0)) letGo();
      res.end();
      return;
    }
    const given = record(req, Buffer.concat(chunks).toString());
    const answer = wanted(req);
    log.push(given);
    if (answer.held) held.push(() => reply(res, given, answer));
    else setTimeout(() => reply(res, given, answer), answer.delay_ms ?? 0);
  });
});
server.keepAliveTimeout = 60000;
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  console.log(JSON.stringify({ ready: true, port: server.address().port }));
});
process.on('SIGTERM', () => process.exit(0));
