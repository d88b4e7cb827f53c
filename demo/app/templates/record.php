<?php if ($launch->wantsBanner): ?>
<section class="banner" id="banner" aria-label="Patient">
  <strong id="patient-name"><?= e($record['name']) ?></strong>
  <span>born <?= e($record['birth_date']) ?></span>
  <span><?= e($record['sex']) ?></span>
  <span class="id"><?= e(EHRS[$record['ehr']] ?? $record['ehr']) ?>, patient <?= e($record['patient']) ?></span>
</section>
<?php endif ?>
<h1>Record <?= e($id) ?></h1>
<?php if (isset($problem)): ?>
<p class="problem" role="alert"><?= e($problem) ?></p>
<?php elseif ($saved ?? false): ?>
<p class="note" role="status">Saved.</p>
<?php endif ?>
<form class="card" method="post" action="record.php?id=<?= e(rawurlencode($id)) ?>">
  <input type="hidden" name="csrf" value="<?= e($_SESSION['csrf']) ?>">
  <label>Asthma control score (5–25)
    <input name="act_score" inputmode="numeric" maxlength="2" value="<?= e($record['fields']['act_score'] ?? '') ?>"></label>
  <label>Inhaler
    <select name="inhaler">
      <?php foreach (Study::INHALERS as $value => $label): ?>
      <option value="<?= e($value) ?>"<?= ($record['fields']['inhaler'] ?? '') === $value ? ' selected' : '' ?>><?= e($label) ?></option>
      <?php endforeach ?>
    </select></label>
  <label>Note of this visit
    <textarea name="note" rows="3" maxlength="2000"><?= e($record['fields']['note'] ?? '') ?></textarea></label>
  <button>Save</button>
</form>
<?php if (isset($record['saved_at'])): ?>
<p class="hint">Last saved <?= e($record['saved_at']) ?> UTC by <?= e($record['saved_by']) ?>.</p>
<?php endif ?>
<?php require __DIR__ . '/chart.php' ?>
