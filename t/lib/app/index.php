<?php
// SPDX-License-Identifier: Apache-2.0
// The tests' app behind php-fpm: answers with everything it was given, as JSON. What it answers can
// be asked for in the parameter or header "answer" (see SL::Backend::answer).
$given = [
    'by' => 'fpm',
    'method' => $_SERVER['REQUEST_METHOD'],
    'uri' => $_SERVER['REQUEST_URI'],
    'query' => $_SERVER['QUERY_STRING'],
    'env' => $_SERVER,
    'cookies' => $_SERVER['HTTP_COOKIE'] ?? null,
    'body' => file_get_contents('php://input'),
];
$answer = json_decode($_GET['answer'] ?? $_SERVER['HTTP_X_ANSWER'] ?? '{}', true) ?: [];
usleep(1000 * ($answer['delay_ms'] ?? 0));
http_response_code($answer['status'] ?? 200);
header('Content-Type: application/json');
foreach ($answer['headers'] ?? [] as [$name, $value]) {
    header("$name: $value", false);
}
echo $answer['body'] ?? json_encode($given, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE);
