// SPDX-License-Identifier: Apache-2.0
// The people who work in the sandbox hospital. `sub` is what an id_token calls them: opaque, as at a
// real EHR, and the same at every tenant (so tests can show that a sub alone names nobody).

export const users = [
  {
    name: 'dr-smith', password: 'smith-demo', sub: 'u-7f3a91c2e4', practitioner: 'pract-smith',
    display: 'Dr. Susan Smith', given: 'Susan', family: 'Smith', prefix: 'Dr.', role: 'Physician, pulmonology',
  },
  {
    name: 'dr-jones', password: 'jones-demo', sub: 'u-0c84d5b713', practitioner: 'pract-jones',
    display: 'Dr. Robert Jones', given: 'Robert', family: 'Jones', prefix: 'Dr.', role: 'Physician, internal medicine',
  },
  {
    name: 'nurse-lee', password: 'lee-demo', sub: 'u-e19b6260fa', practitioner: 'pract-lee',
    display: 'Kim Lee, RN', given: 'Kim', family: 'Lee', prefix: 'RN', role: 'Study nurse',
  },
];

export const userByName = (name) => users.find((user) => user.name === name);
export const userBySub = (sub) => users.find((user) => user.sub === sub);
