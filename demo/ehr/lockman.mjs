// SPDX-License-Identifier: Apache-2.0
// Morris Lockman's chart: what a study wants of a grown-up around its visits, with what makes a person look twice: results
// on several days of one week, one in another unit, one entered in error. All of it is invented.

const subject = { reference: 'Patient/morris-lockman' };
const coding = (system, code, text) => ({ coding: [{ system, code, display: text }], text });
const loinc = (code, text) => coding('http://loinc.org', code, text);
const quantity = (value, unit, code = unit) => ({ value, unit, system: 'http://unitsofmeasure.org', code });
const pressure = (value) => ({ valueQuantity: quantity(value, 'mmHg', 'mm[Hg]') });

const observation = (id, kind, when, code, value, status = 'final') => ({
  resourceType: 'Observation',
  id: `morris-lockman-${id}`,
  status,
  category: [coding('http://terminology.hl7.org/CodeSystem/observation-category', kind)],
  code,
  subject,
  effectiveDateTime: when,
  ...value,
});

// Day and time of a visit to the clinic or to the study nurse, and what was measured there.
const visits = [
  ['2024-09-10T10:05:00-04:00', { weight: 83.4, systolic: 138, diastolic: 88, heart: 76, saturation: 96 }],
  ['2025-03-09T08:40:00-04:00', { weight: 82.1, systolic: 134, diastolic: 86, heart: 74, saturation: 97 }],
  ['2025-03-11T09:15:00-04:00', { weight: 81.6, systolic: 128, diastolic: 82, heart: 70, saturation: 96 }],
  ['2025-03-13T16:05:00-04:00', { weight: 81.9, systolic: 131, diastolic: 84, heart: 79, saturation: 95 }],
  ['2025-03-24T11:30:00-04:00', { weight: 81.2, systolic: 126, diastolic: 80, heart: 71, saturation: 98 }],
  ['2025-09-08T09:00:00-04:00', { weight: 79.8, systolic: 124, diastolic: 79, heart: 68, saturation: 98 }],
  ['2025-09-10T14:20:00-04:00', { weight: 80.3, systolic: 127, diastolic: 81, heart: 72, saturation: 97 }],
];

function measured([when, { weight, systolic, diastolic, heart, saturation }], n) {
  const vital = (name, code, value) => observation(`${name}-${n}`, 'vital-signs', when, code, value);
  return [
    vital('weight', loinc('29463-7', 'Body weight'), { valueQuantity: quantity(weight, 'kg') }),
    vital('height', loinc('8302-2', 'Body height'), { valueQuantity: quantity(178, 'cm') }),
    vital('bmi', loinc('39156-5', 'Body mass index'), { valueQuantity: quantity(Number((weight / 1.78 ** 2).toFixed(1)), 'kg/m2') }),
    vital('pressure', loinc('85354-9', 'Blood pressure panel'), { component: [
      { code: loinc('8480-6', 'Systolic blood pressure'), ...pressure(systolic) },
      { code: loinc('8462-4', 'Diastolic blood pressure'), ...pressure(diastolic) },
    ] }),
    vital('heart', loinc('8867-4', 'Heart rate'), { valueQuantity: quantity(heart, '/min') }),
    vital('saturation', loinc('59408-5', 'Oxygen saturation by pulse oximetry'), { valueQuantity: quantity(saturation, '%') }),
    observation(`smoking-${n}`, 'social-history', when, loinc('72166-2', 'Tobacco smoking status'),
      { valueCodeableConcept: coding('http://snomed.info/sct', '8517006', 'Former smoker') }),
  ];
}

const immunization = (n, cvx, text, day) => ({
  resourceType: 'Immunization', id: `morris-lockman-immunization-${n}`, status: 'completed', patient: subject,
  vaccineCode: coding('http://hl7.org/fhir/sid/cvx', cvx, text), occurrenceDateTime: day,
});

export const lockman = () => [
  ...visits.flatMap(measured),
  observation('weight-pounds', 'vital-signs', '2025-03-12T07:50:00-04:00', loinc('29463-7', 'Body weight'),
    { valueQuantity: quantity(180, 'lb', '[lb_av]') }),
  observation('weight-error', 'vital-signs', '2025-03-11T09:16:00-04:00', loinc('29463-7', 'Body weight'),
    { valueQuantity: quantity(8.16, 'kg') }, 'entered-in-error'),
  observation('eosinophils', 'laboratory', '2025-03-12T07:45:00-04:00', loinc('26449-9', 'Eosinophils'),
    { valueQuantity: quantity(0.58, '10*3/uL') }),
  immunization(1, '140', 'Influenza, seasonal, injectable, preservative free', '2024-10-02'),
  immunization(2, '115', 'Tdap', '2021-05-17'),
];
