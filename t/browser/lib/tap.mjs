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

/** Warnings and worse that no test of this file has caused on purpose. */
export async function finish(...expectedIds) {
  await test('httpd logged nothing unexpected', () => {
    const bad = errorLog().filter((line) => /\[\w*:(emerg|alert|crit|error|warn)\]/.test(line)
      && !expectedIds.some((id) => line.includes(`${id}: `)));
    if (bad.length > 0) throw new Error(bad.join('\n'));
  });
  console.log(`1..${count}`);
}
