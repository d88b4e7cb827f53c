<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title><?= e($title) ?> – Asthma in Adults</title>
<link rel="stylesheet" href="style.css">
<?php if ($template === 'record'): ?>
<script type="module" src="pull.js"></script>
<?php endif ?>
</head>
<body>
<header class="top">
  <a class="study" href="./">Asthma in Adults</a>
  <?php if ($user !== null): ?>
  <nav>
    <a href="records.php">Records</a>
    <form method="post" action="logout.php">
      <input type="hidden" name="csrf" value="<?= e($_SESSION['csrf']) ?>">
      <span class="who" id="user" title="<?= e(shown_name($user)) ?>"><?= e($user) ?></span>
      <button class="quiet" name="logout">Log out</button>
    </form>
  </nav>
  <?php endif ?>
</header>
<main id="<?= e($template) ?>">
<?php require __DIR__ . "/$template.php" ?>
</main>
<footer>A demonstration study – not for real patients</footer>
</body>
</html>
