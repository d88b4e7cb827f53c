<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

require __DIR__ . '/../src/app.php';

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    show('login', 'Log in', ['failed' => false]);
}

$name = post_field('user');
if (!password_is_right($name, post_field('password'))) {
    show('login', 'Log in', ['failed' => true], 403);
}

log_in($name);
header('Smart-Login: ' . $name); // all that mod_smartlaunch needs from us: who has just logged in
go_to('./');
