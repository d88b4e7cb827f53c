<?php
// SPDX-License-Identifier: Apache-2.0
// An old application: its patient is in its session and in a cookie, both as PHP makes them by default, and it
// forbids every frame. Each request leaves a line in the log: whose session, whose cookie, whose launch.
declare(strict_types=1);

session_start();
$patient = $_SERVER['SMART_PATIENT'] ?? null;
if ($patient !== null) {
    $_SESSION['patient'] ??= $patient;
    $_SESSION['user'] ??= $_SERVER['REMOTE_USER'];
}
$state = ['how' => $_REQUEST['how'] ?? '', 'method' => $_SERVER['REQUEST_METHOD'], 'patient' => $_SESSION['patient'] ?? null,
    'user' => $_SESSION['user'] ?? null, 'chart' => $_COOKIE['chart'] ?? null, 'script' => $_COOKIE['script'] ?? null,
    'note' => $_POST['note'] ?? null, 'file' => isset($_FILES['file']) ? file_get_contents($_FILES['file']['tmp_name']) : null];
file_put_contents(__DIR__ . '/log', json_encode($state + ['session' => session_id(), 'launch' => $_SERVER['SMART_LAUNCH'] ?? null,
    'launched' => $patient, 'remote' => $_SERVER['REMOTE_USER'] ?? null, 'uri' => $_SERVER['REQUEST_URI']]) . "\n", FILE_APPEND | LOCK_EX);
if (isset($_SESSION['patient']) && !isset($_COOKIE['chart'])) {
    setcookie('chart', $_SESSION['patient']);
}
header('X-Frame-Options: DENY');
header("Content-Security-Policy: default-src 'self' 'unsafe-inline'; frame-ancestors 'none'");

$here = 'https://' . $_SERVER['HTTP_HOST'] . '/ward/';
$elsewhere = ['relative' => '?how=relative', 'path' => '/ward/?how=path', 'absolute' => "$here?how=absolute",
    'net' => substr($here, 6) . '?how=net', 'dots' => '../ward/./?how=dots#part'];
$how = $_GET['to'] ?? '';
if (isset($elsewhere[$how])) {
    header("Location: $elsewhere[$how]", true, $_SERVER['REQUEST_METHOD'] === 'POST' ? 303 : 302);
    exit;
}
if ($how === 'refresh') {
    header('Refresh: 0; url=?how=refresh');
    exit;
}
switch ($_GET['as'] ?? '') {
    case 'json':
        header('Content-Type: application/json');
        exit(json_encode($state));
    case 'events':
        header('Content-Type: text/event-stream');
        exit('data: ' . json_encode($state) . "\n\n");
    case 'picture': // as wide as the patient's name is long
        header('Content-Type: image/svg+xml');
        exit('<svg xmlns="http://www.w3.org/2000/svg" height="1" width="' . strlen($state['patient'] ?? '') . '"/>');
    case 'file':
        header('Content-Disposition: attachment; filename="export.csv"');
        exit("patient\n" . ($state['patient'] ?? 'nobody') . "\n");
}
?>
<!DOCTYPE html>
<meta charset="utf-8">
<title>Ward</title>
<?php if ($how === 'meta'): ?><meta http-equiv="refresh" content="0; url=?how=meta"><?php endif ?>
<pre id="state"><?= htmlspecialchars(json_encode($state), ENT_QUOTES) ?></pre>
<img alt="" src="?as=picture">
<?php foreach (array_keys($elsewhere) as $name): ?>
<a id="to-<?= $name ?>" href="?to=<?= $name ?>">redirect</a>
<a id="<?= $name ?>" href="<?= $elsewhere[$name] ?>">link</a>
<?php endforeach ?>
<a id="to-refresh" href="?to=refresh">Refresh</a>
<a id="to-meta" href="?to=meta">meta refresh</a>
<a id="blank" href="?how=blank" target="_blank">new window</a>
<a id="opener" href="?how=opener" target="_blank" rel="opener">new window with an opener</a>
<a id="noreferrer" href="?how=noreferrer" rel="noreferrer">link without a Referer</a>
<a id="attachment" href="?as=file&amp;how=attachment">file</a>
<a id="download" href="?as=file&amp;how=download" download>file</a>
<form id="get"><input name="how" value="get"><button>GET</button></form>
<form id="post" method="post" action="?"><input name="how" value="post"><input name="note"><button>POST</button></form>
<form id="upload" method="post" action="?" enctype="multipart/form-data"><input name="how" value="upload"><input name="file" type="file"><button>POST</button></form>
<form id="saved" method="post" action="?to=relative"><input name="note"><button>POST, then go</button></form>
