// SPDX-License-Identifier: Apache-2.0
// What Allergy Card looks like.

const escape = (text) => String(text ?? '').replace(/[&<>"']/g, (it) => `&#${it.charCodeAt()};`);

const style = `
  body { margin: 0; background: #eef4ee; color: #1c2b20; font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
  main { box-sizing: border-box; width: min(30rem, 100% - 1.5rem); margin: 1.5rem auto; padding: 1.2rem 1.4rem;
    background: #fff; border: 1px solid #c4d6c7; border-top: .5rem solid #2e7d4f; border-radius: .5rem; }
  h1 { margin: 0; font-size: 1.4rem; } h2 { margin: 1.2rem 0 .3rem; font-size: 1.05rem; }
  p { margin: .2rem 0; color: #4d5f52; } ul { margin: 0; padding: 0; list-style: none; }
  li { padding: .45rem 0; border-top: 1px solid #dfe9e1; } small { display: block; color: #4d5f52; }
  em { padding: 0 .5rem; border-radius: .7rem; background: #fde8e8; color: #8c1d1d; font-style: normal; font-size: .8rem; }
  footer { margin-top: 1.2rem; color: #4d5f52; font-size: .85rem; }`;

export const headers = {
  'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
};

const layout = (main) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Allergy Card</title><style>${style}</style></head><body><main id="card">${main}</main></body></html>`;

export const message = (text) => layout(`<h1>Allergy Card</h1><p>${escape(text)}</p>`);

const line = ({ code, criticality, reaction }) => `<li><b>${escape(code?.text)}</b>
  ${criticality === 'high' ? '<em>severe</em>' : ''}<small>${escape(reaction?.[0]?.manifestation?.[0]?.text)}</small></li>`;

/** FHIR's Patient and AllergyIntolerances. */
export const card = (patient, allergies, user) => layout(`
  <h1 id="patient-name">${escape(patient.name[0].given.join(' '))} ${escape(patient.name[0].family)}</h1>
  <p>Born ${escape(patient.birthDate)}, ${escape(patient.gender)}, ${escape(patient.identifier?.[0]?.value)}</p>
  <h2>Allergies</h2><ul id="allergies">${allergies.map(line).join('') || '<li>None recorded.</li>'}</ul>
  <footer>Allergy Card – opened from the chart by <span id="user">${escape(user)}</span></footer>`);
