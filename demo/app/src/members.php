<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

/** Start of every page that only a logged-in user may see; everybody else gets the login page. */

require __DIR__ . '/app.php';

if ($user === null) {
    show('login', 'Log in', ['failed' => false]);
}
