<h1>Add to study</h1>
<p>The patient open in this window (<span class="id"><?= e($launch->patient) ?></span>) is not in the study yet.</p>
<?php if (isset($problem)): ?>
<p class="problem" role="alert"><?= e($problem) ?></p>
<?php endif ?>
<form class="card" method="post" action="enrol.php">
  <input type="hidden" name="csrf" value="<?= e($_SESSION['csrf']) ?>">
  <label>Name <input name="name" maxlength="120" required value="<?= e(post_field('name')) ?>"></label>
  <label>Date of birth <input name="birth_date" type="date" required value="<?= e(post_field('birth_date')) ?>"></label>
  <label>Sex
    <select name="sex">
      <?php foreach (['female', 'male', 'other'] as $sex): ?>
      <option<?= post_field('sex') === $sex ? ' selected' : '' ?>><?= e($sex) ?></option>
      <?php endforeach ?>
    </select></label>
  <button>Add to study</button>
</form>
