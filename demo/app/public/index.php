<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

/** The front door: the open patient's record, else the list of records. */

require __DIR__ . '/../src/members.php';

if ($launch->hasPatient()) {
    $id = $study->findPatient($launch->ehr, $launch->patient);
    go_to($id !== null ? 'record.php?id=' . rawurlencode($id) : 'enrol.php');
}
go_to('records.php');
