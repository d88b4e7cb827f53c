<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

/** Start of every page: security headers, session, launch, data, and how a page is shown. */

require __DIR__ . '/launch.php';
require __DIR__ . '/session.php';
require __DIR__ . '/study.php';

header("Content-Security-Policy: default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self';"
    . " base-uri 'none'; frame-ancestors 'self'");
header('X-Frame-Options: SAMEORIGIN');
header('X-Content-Type-Options: nosniff');

function e(mixed $text): string
{
    return htmlspecialchars((string) $text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

/** Shows templates/$template.php within the layout, and ends the request. */
function show(string $template, string $title, array $with = [], int $status = 200): never
{
    global $launch, $user;
    http_response_code($status);
    extract($with);
    require __DIR__ . '/../templates/layout.php';
    exit;
}

function show_message(int $status, string $title, string $text): never
{
    show('message', $title, ['text' => $text], $status);
}

function go_to(string $relative): never
{
    header('Location: ' . $relative, true, 302);
    exit;
}

function post_field(string $name): string
{
    $value = $_POST[$name] ?? '';
    return is_string($value) ? trim($value) : '';
}

/** A post must carry the token of the session it was written in. */
function refuse_foreign_post(): void
{
    if ($_SERVER['REQUEST_METHOD'] === 'POST' && !csrf_is_right()) {
        show_message(403, 'Not saved', 'This form is too old or was not ours. Please go back, reload the page and try again.');
    }
}

open_session();
$launch = Launch::from($_SERVER);
$user = current_user($launch);
$launch = opened_by($launch);
$study = open_study();
refuse_foreign_post();
