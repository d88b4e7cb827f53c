<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

/** "Connect to Hospital EHR": who is logged in here goes to the EHR, chooses a patient there, and comes back. */

require __DIR__ . '/../src/members.php';

$ehr = is_string($_GET['ehr'] ?? null) ? $_GET['ehr'] : '';
if (!isset(EHRS[$ehr])) {
    show_message(404, 'No such EHR', 'The study is not connected to this EHR.');
}
header('Smart-Login: ' . $user); // so that mod_smartlaunch knows for whom
go_to('/smart/start?ehr=' . rawurlencode($ehr) . '&return=' . rawurlencode('/study/'));
