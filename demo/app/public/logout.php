<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

require __DIR__ . '/../src/app.php';

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    go_to('./');
}

log_out();
$user = null;
header('Smart-Logout: 1'); // the launch that logged this user in ends, too
show_message(200, 'You are logged out', 'To go on with a patient, open the study again from the patient’s chart.');
