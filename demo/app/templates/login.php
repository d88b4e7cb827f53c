<h1>Log in</h1>
<?php if ($launch->pending): ?>
<p class="note">You come from the chart<?= $launch->ehrUser !== null ? ' as <strong>' . e($launch->ehrUser) . '</strong>' : '' ?>.
  Log in once; after that you are not asked again.</p>
<?php endif ?>
<?php if ($failed): ?>
<p class="problem" role="alert">This user name and password do not fit together.</p>
<?php endif ?>
<form class="card" method="post" action="login.php">
  <input type="hidden" name="csrf" value="<?= e($_SESSION['csrf']) ?>">
  <label>User name <input name="user" autocomplete="username" required autofocus></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button>Log in</button>
</form>
<p class="hint">Demo accounts: <?php foreach (array_keys(ACCOUNTS) as $i => $name): ?><?= $i ? ', ' : '' ?><code><?= e($name) ?></code> with password <code><?= e("$name-demo") ?></code><?php endforeach ?>.</p>
