// SPDX-License-Identifier: Apache-2.0
// What every patient here has besides or instead of what Synthea made up (which are children): asthma, its treatment, allergies, and laboratory
// results of the last five years. Made from the patient's id alone, so that it is the same at every start.

import { createHash } from 'node:crypto';

const VISITS = 20;
const coding = (system, code, text) => ({ coding: [{ system, code, display: text }], text });
const category = (kind, code) => [coding(`http://terminology.hl7.org/CodeSystem/${kind}`, code)];

// LOINC code, name, unit, UCUM code, normal range, and the lowest and highest value that a result here has.
const tests = [
  ['26449-9', 'Eosinophils', '10*3/uL', '10*3/uL', [0, 0.5], [0.08, 0.72]],
  ['19113-0', 'IgE, total', 'IU/mL', '[IU]/mL', [0, 100], [24, 310]],
  ['1988-5', 'C-reactive protein', 'mg/L', 'mg/L', [0, 5], [0.3, 7.5]],
  ['718-7', 'Hemoglobin', 'g/dL', 'g/dL', [12, 17], [11.8, 16.4]],
];

// A number from 0 to 1 that depends on nothing but its name.
const chance = (...name) => createHash('sha256').update(name.join('|')).digest().readUInt32BE() / 2 ** 32;

// The day of a visit, `quarters` three months before the last one.
function visitDay(patient, quarters) {
  const day = new Date(patient.lastVisit);
  day.setUTCMonth(day.getUTCMonth() - 3 * quarters);
  return day.toISOString().slice(0, 10);
}

function result(patient, visit, [loinc, name, unit, ucum, [low, high], [least, most]]) {
  const digits = most < 1 ? 2 : most < 100 ? 1 : 0;
  const value = Number((least + (most - least) * chance(patient.id, loinc, visit)).toFixed(digits));
  const code = value > high ? 'H' : value < low ? 'L' : 'N';
  const quantity = (number) => ({ value: number, unit, system: 'http://unitsofmeasure.org', code: ucum });
  return {
    resourceType: 'Observation',
    id: `${patient.id}-lab-${loinc}-${visit}`,
    status: 'final',
    category: category('observation-category', 'laboratory'),
    code: coding('http://loinc.org', loinc, name),
    subject: { reference: `Patient/${patient.id}` },
    effectiveDateTime: `${visitDay(patient, visit)}T08:30:00Z`,
    valueQuantity: quantity(value),
    interpretation: category('v3-ObservationInterpretation', code),
    referenceRange: [{ low: quantity(low), high: quantity(high) }],
  };
}

function condition(patient, n, snomed, text) {
  return {
    resourceType: 'Condition',
    id: `${patient.id}-condition-${n}`,
    clinicalStatus: category('condition-clinical', 'active')[0],
    verificationStatus: category('condition-ver-status', 'confirmed')[0],
    category: category('condition-category', 'problem-list-item'),
    code: coding('http://snomed.info/sct', snomed, text),
    subject: { reference: `Patient/${patient.id}` },
    onsetDateTime: visitDay(patient, VISITS + n),
  };
}

function medication(patient, n, text, dosage) {
  return {
    resourceType: 'MedicationRequest',
    id: `${patient.id}-medication-${n}`,
    status: 'active',
    intent: 'order',
    medicationCodeableConcept: { text },
    subject: { reference: `Patient/${patient.id}` },
    authoredOn: visitDay(patient, n),
    dosageInstruction: [{ sequence: 1, text: dosage }],
  };
}

function allergy(patient, n, kind, text, criticality, reaction) {
  return {
    resourceType: 'AllergyIntolerance',
    id: `${patient.id}-allergy-${n}`,
    clinicalStatus: category('allergyintolerance-clinical', 'active')[0],
    verificationStatus: category('allergyintolerance-verification', 'confirmed')[0],
    category: [kind],
    criticality,
    code: { text },
    patient: { reference: `Patient/${patient.id}` },
    recordedDate: visitDay(patient, VISITS),
    reaction: [{ manifestation: [{ text: reaction }] }],
  };
}

// Height, weight and body mass index as of a grown-up; other resources stay as they are.
export function grownUp(resource, patient) {
  const loinc = resource.resourceType === 'Observation' && resource.code.coding?.[0].code;
  if (!['8302-2', '29463-7', '39156-5'].includes(loinc)) return resource;
  const day = resource.effectiveDateTime.slice(0, 10);
  const height = 158 + 26 * chance(patient.id, 'height');
  const weight = 58 + 28 * chance(patient.id, 'weight') + 4 * chance(patient.id, 'weight', day);
  const value = { '8302-2': height, '29463-7': weight, '39156-5': weight / (height / 100) ** 2 }[loinc];
  return { ...resource, valueQuantity: { ...resource.valueQuantity, value: Number(value.toFixed(1)) } };
}

export function chartOf(patient) {
  const visits = Array.from({ length: VISITS }, (_, visit) => visit);
  return [
    ...visits.flatMap((visit) => tests.map((test) => result(patient, visit, test))),
    condition(patient, 1, '195967001', 'Asthma'),
    condition(patient, 2, '367498001', 'Seasonal allergic rhinitis'),
    medication(patient, 1, 'Budesonide 160 µg / formoterol 4.5 µg inhaler', '2 puffs in the morning and in the evening'),
    medication(patient, 2, 'Albuterol 90 µg inhaler', '2 puffs when short of breath'),
    allergy(patient, 1, 'environment', 'Grass pollen', 'low', 'Sneezing, itching eyes'),
    allergy(patient, 2, 'medication', 'Penicillin', 'high', 'Swelling of the face'),
  ];
}
