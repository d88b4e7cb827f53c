<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

/** "Add to study": the open patient becomes a participant. */

require __DIR__ . '/../src/members.php';

if (!$launch->hasPatient()) {
    show_message(409, 'No patient is open', 'Participants are added from the patient’s chart. Please open the study from there.');
}
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $name = post_field('name');
    $birthDate = post_field('birth_date');
    $sex = post_field('sex');
    $date = DateTimeImmutable::createFromFormat('!Y-m-d', $birthDate);
    if ($name !== '' && $date !== false && $date->format('Y-m-d') === $birthDate
        && in_array($sex, ['female', 'male', 'other'], true)) {
        $study->enrol($launch, $name, $birthDate, $sex);
        go_to('./');
    }
    show('enrol', 'Add to study', ['problem' => 'Please fill in all three fields; the date as 1985-12-31.'], 422);
}
if ($study->findPatient($launch->ehr, $launch->patient) !== null) {
    go_to('./');
}
show('enrol', 'Add to study');
