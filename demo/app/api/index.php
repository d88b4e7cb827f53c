<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

/** The study as REDCap's public API shows a project: POST token, content, … It is for servers; no page is here. */

require __DIR__ . '/../src/study.php';
require __DIR__ . '/../src/RedcapApi.php';

/** The API's token is not here: its SHA-256 is in the study's data, in hexadecimal. */
function token_is_right(string $token): bool
{
    $hash = trim((string) @file_get_contents((getenv('STUDY_DATA') ?: sys_get_temp_dir()) . '/api-token.sha256'));
    return strlen($hash) === 64 && hash_equals($hash, hash('sha256', $token));
}

try {
    if (!is_string($_POST['token'] ?? null) || !token_is_right($_POST['token'])) {
        throw new Refusal('You do not have permissions to use the API', 403);
    }
    $answer = (new RedcapApi(open_study(), $_POST))->answer();
} catch (Refusal $refusal) {
    http_response_code($refusal->getCode());
    $answer = ['error' => $refusal->getMessage()];
}
header('Cache-Control: no-store');
header('Content-Type: ' . (is_string($answer) ? 'text/plain' : 'application/json') . '; charset=utf-8');
echo is_string($answer) ? $answer : json_encode($answer, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR);
