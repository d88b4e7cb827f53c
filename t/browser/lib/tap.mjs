// SPDX-License-Identifier: Apache-2.0
// TAP for the browser tests: each test stands alone, and the last one reads httpd's error log.

import { readFileSync } from 'node:fs';
import { RUN, plain } from '../../../demo/lib/browser.mjs';

let count = 0;

export async function test(name, work) {
  count += 1;
  try {
    await work();
    console.log(`ok ${count} - ${name}`);
  } catch (error) {
    console.log(`not ok ${count} - ${name}`);
    console.log(plain(String(error.stack ?? error)).replace(/^/gm, '# '));
    process.exitCode = 1;
  }
}

export function errorLog() {
  return readFileSync(`${RUN}/log/error.log`, 'utf8').split('\n').filter(Boolean);
}

/** The tests of this file have caused these warnings, by log id, all of them and no others. */
export async function finish(...expectedIds) {
  await test('httpd logged what was expected and nothing else', () => {
    const bad = errorLog().filter((line) => /\[\w*:(emerg|alert|crit|error|warn)\]/.test(line));
    const unexpected = bad.filter((line) => !expectedIds.some((id) => line.includes(` ${id}: `)));
    if (unexpected.length > 0) throw new Error(unexpected.join('\n'));
    const missing = expectedIds.filter((id) => !bad.some((line) => line.includes(` ${id}: `)));
    if (missing.length > 0) throw new Error(`not in the log: ${missing}`);
  });
  end();
}

/** For a file whose log somebody else reads. */
export function end() {
  console.log(`1..${count}`);
}
