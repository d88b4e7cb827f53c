// SPDX-License-Identifier: Apache-2.0
// The EHR as a clinician sees it: who am I, my patients, a chart with the app in it. Plain HTML, links and
// forms; who is logged in stands in the URL, so that two windows can show two people.

import { patients } from './fhir.mjs';
import { redirect, send } from './http.mjs';
import { userByName, users } from './users.mjs';

export const pageHeaders = {
  'Cache-Control': 'no-store', 'Referrer-Policy': 'strict-origin-when-cross-origin', 'X-Content-Type-Options': 'nosniff',
};
// No form-action: the login form is answered by a redirect to the app.
export const loginPolicy = "default-src 'self'; style-src 'self'; img-src data:; base-uri 'none'";

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (value) => String(value ?? '').replace(/[&<>"']/g, (character) => escapes[character]);

// html`…${value}…` escapes values; what html`` or a list of it made goes in as it is.
class Html extends String {}
function html(strings, ...values) {
  const show = (value) => {
    if (Array.isArray(value)) return value.map(show).join('');
    if (value === false || value === undefined || value === null) return '';
    return value instanceof Html ? value : escape(value);
  };
  return new Html(String.raw({ raw: strings }, ...values.map(show)));
}

function layout({ ehr, title, bar, main, script }) {
  return html`<!DOCTYPE html>
<html lang="en" class="look-${ehr.look}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · ${ehr.title}</title>
<link rel="stylesheet" href="${ehr.urls.css}">
<link rel="icon" href="data:,">
${script && html`<script src="${script}" defer></script>`}
</head>
<body>
<header class="bar">
<span class="brand">${ehr.title} <small>not for real patients</small></span>
${bar}
</header>
<main>
${main}
</main>
</body>
</html>
`.toString();
}

const initials = (user) => `${user.given[0]}${user.family[0]}`;
const sex = ({ gender }) => `${gender[0].toUpperCase()}${gender.slice(1)}`;
const longDate = (date) => new Date(`${date}T00:00:00Z`)
  .toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });

function age({ birthDate }) {
  const [now, then] = [new Date(), new Date(birthDate)];
  const before = now.getMonth() * 31 + now.getDate() < then.getUTCMonth() * 31 + then.getUTCDate();
  return now.getFullYear() - then.getUTCFullYear() - (before ? 1 : 0);
}

export function errorPage({ ehr, code, text }) {
  return layout({
    ehr,
    title: 'Not possible',
    main: html`<section class="card narrow"><h1>This did not work</h1><p>${text ?? 'The request was refused.'}</p>
<p class="quiet">Code: ${code}</p></section>`,
  });
}

export function loginPage({ ehr, client, problem }) {
  return layout({
    ehr,
    title: 'Log in',
    main: html`<form method="post" class="card narrow form">
<h1>Log in to ${ehr.title}</h1>
<p>The app <b>${client}</b> asks who you are.</p>
${problem && html`<p class="problem" role="alert">${problem}</p>`}
<label>User name <input name="user" autocomplete="username" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<div class="buttons"><button name="answer" value="login" class="primary">Log in</button>
<button name="answer" value="cancel" formnovalidate>Cancel</button></div>
<table class="accounts"><caption>Demo accounts</caption>
${users.map((user) => html`<tr><td>${user.name}</td><td><code>${user.password}</code></td></tr>`)}
</table>
</form>`,
  });
}

export function pickerPage({ ehr, client, user, patients: choice }) {
  return layout({
    ehr,
    title: 'Choose a patient',
    bar: html`<span class="me"><span class="face">${initials(user)}</span> ${user.display}</span>`,
    main: html`<form method="post" class="card narrow picker">
<h1>Which patient?</h1>
<p>The app <b>${client}</b> opens for the patient you choose.</p>
<ul>
${choice.map((it) => html`<li><button name="patient" value="${it.id}"><b>${it.family}, ${it.given}</b>
<small>${longDate(it.birthDate)} · ${sex(it)} · ${it.mrn}</small></button></li>`)}
</ul>
<button name="answer" value="cancel">Cancel</button>
</form>`,
  });
}

// OAuth 2.0 Form Post Response Mode: what the redirect would have carried, as a form that sends itself.
export function formPostPage({ ehr, action, fields }) {
  return layout({
    ehr,
    title: 'Back to the app',
    script: ehr.urls.formPost,
    main: html`<form method="post" action="${action}" class="card narrow">
<h1>Back to the app</h1>
${fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<button class="primary">Continue</button>
</form>`,
  });
}

function welcomePage(ehr) {
  return layout({
    ehr,
    title: 'Who are you?',
    main: html`<h1>Who is at work?</h1>
<ul class="people">
${users.map((user) => html`<li><a href="${ehr.urls.path}/${user.name}"><span class="face">${initials(user)}</span>
<span><b>${user.display}</b><small>${user.role}</small><small>${user.name}</small></span></a></li>`)}
</ul>`,
  });
}

const userBar = (ehr, user) => html`<nav><a href="${ehr.urls.path}/${user.name}">Patients</a>
<span class="me"><span class="face">${initials(user)}</span> ${user.display}</span>
<a href="${ehr.urls.path}/">Log out</a></nav>`;

function patientsPage(ehr, user) {
  return layout({
    ehr,
    title: 'Patients',
    bar: userBar(ehr, user),
    main: html`<h1>Patients</h1>
<table class="card patients">
<thead><tr><th>Name</th><th>Born</th><th>Sex</th><th>Record no.</th><th>FHIR id</th></tr></thead>
<tbody>
${patients.map((it) => html`<tr>
<td><a href="${ehr.urls.path}/${user.name}/${it.id}">${it.family}, ${it.given}</a></td>
<td>${longDate(it.birthDate)}</td><td>${sex(it)}</td><td>${it.mrn}</td><td><code>${it.id}</code></td></tr>`)}
</tbody>
</table>`,
  });
}

function facts(title, lines) {
  return html`<section class="card facts"><h2>${title}</h2>
${lines.length ? html`<ul>${lines.map((line) => html`<li><span>${line.text}</span><small>${line.date}</small></li>`)}</ul>`
    : html`<p class="quiet">Nothing recorded.</p>`}</section>`;
}

function summary(ehr, patient) {
  const lines = (type, member, text) => {
    const seen = new Map();
    for (const resource of ehr.fhir.about(patient.id, type, member)) {
      const name = text(resource)?.replace(/ \((disorder|procedure|finding|situation)\)$/, '');
      const date = String(resource[member]?.start ?? resource[member] ?? '').slice(0, 10);
      if (name && !seen.has(name)) seen.set(name, { text: name, date: date && longDate(date) });
    }
    return [...seen.values()].slice(0, 4);
  };
  return html`<div class="columns">
${facts('Problems', lines('Condition', 'onsetDateTime', (it) => it.code?.text))}
${facts('Medication', lines('MedicationRequest', 'authoredOn', (it) => it.medicationCodeableConcept?.text))}
${facts('Visits', lines('Encounter', 'period', (it) => it.type?.[0]?.text))}
</div>`;
}

// With `open` (the number of an app), the frame's URL makes a launch code of its own whenever the browser loads it.
function chartPage(ehr, user, patient, query) {
  const [refuse, chart] = [query.has('refuse'), `${ehr.urls.path}/${user.name}/${patient.id}`];
  const launch = (n) => `${chart}/launch?app=${n}${refuse ? '&refuse=1' : ''}`;
  const open = ehr.apps[query.get('open') - 1] && query.get('open');
  return layout({
    ehr,
    title: `${patient.given} ${patient.family}`,
    bar: userBar(ehr, user),
    main: html`<section class="banner" aria-label="Patient">
<h1>${patient.family}, ${patient.given}</h1>
<dl><div><dt>Born</dt><dd>${longDate(patient.birthDate)} (${age(patient)} y)</dd></div>
<div><dt>Sex</dt><dd>${sex(patient)}</dd></div><div><dt>Record no.</dt><dd>${patient.mrn}</dd></div>
<div><dt>FHIR id</dt><dd>${patient.id}</dd></div></dl>
</section>
<form method="get" action="${chart}" class="card opener">
${ehr.apps.map(({ name }, i) => html`<span><button class="primary" name="open" value="${i + 1}">Open ${name}</button>
<a href="${launch(i + 1)}" target="_blank" rel="noopener" aria-label="Open ${name} in a new window">in a new window</a></span>`)}
<label><input type="checkbox" name="refuse" value="1" ${refuse && html`checked`}> refuse (test)</label>
${open && html`<a class="close" href="${chart}">Close app</a>`}
</form>
${open ? html`<iframe class="app" title="${ehr.apps[open - 1].name}" src="${launch(open)}"></iframe>` : summary(ehr, patient)}`,
  });
}

function newestEncounter(ehr, patient) {
  return ehr.fhir.about(patient.id, 'Encounter', 'period')[0]?.id;
}

// `path` is relative to the EHR's base URL. Answers false when there is no such page.
export function handlePage(ehr, req, res, { path, query }) {
  const [, userName, patientId, action, ...more] = path.split('/');
  const user = userByName(userName);
  const patient = patients.find(({ id }) => id === patientId);
  const policy = `default-src 'self'; style-src 'self'; img-src data:; frame-src 'self' ${ehr.appOrigins.join(' ')}; base-uri 'none'`;
  const headers = { ...pageHeaders, 'Content-Security-Policy': policy };
  const show = (page) => send(res, 200, 'text/html; charset=utf-8', page, headers) ?? true;

  if (req.method !== 'GET' || more.length) return false;
  if (path === '/') return show(welcomePage(ehr));
  if (!user) return false;
  if (patientId === undefined) return show(patientsPage(ehr, user));
  if (!patient) return false;
  if (action === undefined) return show(chartPage(ehr, user, patient, query));
  if (action !== 'launch') return false;
  const launch = ehr.launch({
    user: user.name, patient: patient.id, encounter: newestEncounter(ehr, patient), refuse: query.has('refuse'),
    app: query.get('app'),
  });
  return redirect(res, launch.url) ?? true;
}
