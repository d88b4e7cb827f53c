<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

/** One visit of one participant. In a launch it is the launch's patient or nobody. */

require __DIR__ . '/../src/members.php';
require __DIR__ . '/../src/chart.php';

$dictionary = $study->dictionary;
$id = is_string($_GET['id'] ?? null) ? $_GET['id'] : '';
$event = is_string($_GET['event'] ?? null) ? $_GET['event'] : $dictionary->firstEvent();
$record = $study->record($id);
if ($record === null || !isset($dictionary->events[$event])) {
    show_message(404, 'No such record', 'The study has no record with this number.');
}
if (!$launch->covers($record)) {
    show_message(409, 'Another patient is open', "Record $id belongs to another patient than the one"
        . ' open in this window. Nothing was shown or saved. Please open it from that patient’s chart.');
}

/** What the form of this visit was sent with, by column. */
function posted_columns(Dictionary $dictionary, string $event): array
{
    $columns = [];
    foreach ($dictionary->formsOf($event) as $fields) {
        foreach ($fields as $field) {
            foreach (Dictionary::columns($field) as $column) {
                $columns[$column] = str_replace("\r\n", "\n", post_field($column));
            }
        }
    }
    return $columns;
}

/** The labels of fields that do not fit. */
function unfit(Dictionary $dictionary, array $columns): array
{
    $labels = [];
    foreach ($columns as $column => $value) {
        $field = $dictionary->fieldOf($column);
        if (strlen($value) > 20_000 || Dictionary::fault($field, $value) !== '') {
            $labels[] = $field['field_label'];
        }
    }
    return array_unique($labels);
}

$with = ['id' => $id, 'event' => $event, 'record' => $record, 'held' => $record['events'][$event] ?? [], 'dictionary' => $dictionary,
    'isLocked' => in_array($event, $record['locked'], true), 'pull' => PULLS[$record['ehr']] ?? null, 'chart' => null, 'chartProblem' => null];
$fhir = $launch->fhir();
if ($fhir !== null && $launch->hasPatient() && $_SERVER['REQUEST_METHOD'] === 'GET') {
    try {
        $with['chart'] = Chart::read($fhir, $launch->patient);
    } catch (FhirProblem $problem) {
        $with['chartProblem'] = $problem->getMessage();
    }
}

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $here = 'record.php?' . http_build_query(['id' => $id, 'event' => $event]);
    if (isset($_POST['lock'])) {
        $study->lock($id, $event, post_field('lock') === '1');
        go_to($here);
    }
    $columns = posted_columns($dictionary, $event);
    $unfit = unfit($dictionary, $columns);
    if ($unfit !== []) {
        show('record', "Record $id", ['held' => $columns, 'problem' => 'Not saved: please look at ' . implode(', ', $unfit) . '.'] + $with, 422);
    }
    if (!$study->save($id, [$event => $columns], $user)) {
        show('record', "Record $id", ['problem' => 'Not saved: this visit is locked.'] + $with, 409);
    }
    go_to("$here&saved=1");
}

show('record', "Record $id", ['saved' => isset($_GET['saved'])] + $with);
