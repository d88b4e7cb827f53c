<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

require __DIR__ . '/../src/members.php';

show('records', 'Records', ['records' => $study->records()]);
