<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

/** One participant's record. In a launch it is the launch's patient or nobody. */

require __DIR__ . '/../src/members.php';
require __DIR__ . '/../src/chart.php';

$id = is_string($_GET['id'] ?? null) ? $_GET['id'] : '';
$record = $study->record($id);
if ($record === null) {
    show_message(404, 'No such record', 'The study has no record with this number.');
}
if (!$launch->covers($record)) {
    show_message(409, 'Another patient is open', "Record $id belongs to another patient than the one"
        . ' open in this window. Nothing was shown or saved. Please open it from that patient’s chart.');
}

$with = ['id' => $id, 'record' => $record, 'chart' => null, 'chartProblem' => null];
$fhir = $launch->fhir();
if ($fhir !== null && $launch->hasPatient() && $_SERVER['REQUEST_METHOD'] === 'GET') {
    try {
        $with['chart'] = Chart::read($fhir, $launch->patient);
    } catch (FhirProblem $problem) {
        $with['chartProblem'] = $problem->getMessage();
    }
}

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $fields = array_combine(Study::FIELDS, array_map(post_field(...), Study::FIELDS));
    $score = $fields['act_score'];
    $valid = $score === '' || (ctype_digit($score) && (int) $score >= 5 && (int) $score <= 25);
    if (!$valid || !isset(Study::INHALERS[$fields['inhaler']])) {
        show('record', "Record $id", ['record' => ['fields' => $fields] + $record,
            'problem' => 'Not saved: the control score is a number from 5 to 25.'] + $with, 422);
    }
    $study->save($id, $fields, $user);
    go_to('record.php?id=' . rawurlencode($id) . '&saved=1');
}

show('record', "Record $id", ['saved' => isset($_GET['saved'])] + $with);
