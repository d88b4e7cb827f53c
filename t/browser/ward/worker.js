// SPDX-License-Identifier: Apache-2.0
// As a worker: asks the application for its patient.
onmessage = async () => {
  const answer = await fetch('./?as=json&how=worker');
  postMessage([answer.status, await answer.json()]);
};
