<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

/** The study's own accounts: name => [shown as, password hash]. The demo passwords are "NAME-demo". */
const ACCOUNTS = [
    'alice' => ['Alice Adams', '$2y$10$ys5Gr9qHvi8yDpEbKvtA1ujbj0jIqHwI6VnSgLNkIKfLUL39tDewO'],
    'bob' => ['Bob Brown', '$2y$10$G3mxo5nMWYBCfkd3uiT/JuJhXI4rIK9w6gSMyE3H5wfLW7IWWE.Wm'],
    'carol' => ['Carol Clark', '$2y$10$MhBUhBwBNqbtHnG0FGNfDeoCrIF9RAn6qMQAzCpDv/Z7J8kPOvoWm'],
];

function open_session(): void
{
    session_start(['use_strict_mode' => true]);
    $_SESSION['csrf'] ??= bin2hex(random_bytes(16));
}

function password_is_right(string $user, string $password): bool
{
    $hash = ACCOUNTS[$user][1] ?? ACCOUNTS['alice'][1]; // as slow for a name that does not exist
    return password_verify($password, $hash) && isset(ACCOUNTS[$user]);
}

/** A session starts afresh whenever it gets a user, so nothing of an earlier one is left in it. */
function log_in(string $user): void
{
    session_regenerate_id(true);
    $_SESSION = ['user' => $user, 'csrf' => bin2hex(random_bytes(16))];
}

function log_out(): void
{
    $_SESSION = [];
    session_regenerate_id(true);
}

/** The user of this request: the web server's word counts, else our own login page's. */
function current_user(Launch $launch): ?string
{
    if ($launch->user !== null && $launch->user !== ($_SESSION['user'] ?? null)) {
        log_in($launch->user);
    }
    return $_SESSION['user'] ?? null;
}

function shown_name(string $user): string
{
    return ACCOUNTS[$user][0] ?? $user;
}

function csrf_is_right(): bool
{
    $sent = $_POST['csrf'] ?? '';
    return is_string($sent) && hash_equals($_SESSION['csrf'], $sent);
}
