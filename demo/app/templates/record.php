<?php if ($launch->wantsBanner): ?>
<section class="banner" id="banner" aria-label="Patient">
  <strong id="patient-name"><?= e($record['name']) ?></strong>
  <span>born <?= e($record['birth_date']) ?></span>
  <span><?= e($record['sex']) ?></span>
  <span class="id"><?= e(EHRS[$record['ehr']] ?? $record['ehr']) ?>, patient <?= e($record['patient']) ?></span>
</section>
<?php endif ?>
<h1>Record <?= e($id) ?></h1>
<?php if ($pull !== null): ?>
<section class="pull" id="pull" data-record="<?= e("$pull/" . rawurlencode($id)) ?>" aria-label="Values from the EHR">
  <p class="news" id="news" aria-live="polite"><a href="<?= e("$pull/") ?>">Values from the EHR</a></p>
  <form method="post" action="<?= e("$pull/find") ?>" hidden>
    <input type="hidden" name="token">
    <input type="hidden" name="record" value="<?= e($id) ?>">
    <label>Medical record number
      <input name="mrn" required maxlength="200" autocomplete="off" value="<?= e($record['events'][$dictionary->firstEvent()]['mrn'] ?? '') ?>"></label>
    <button>Fetch from the EHR</button>
  </form>
</section>
<?php endif ?>
<nav class="events" aria-label="Visits">
  <?php foreach ($dictionary->events as $name => $one): ?>
  <a href="record.php?<?= e(http_build_query(['id' => $id, 'event' => $name])) ?>"<?= $name === $event ? ' aria-current="page"' : '' ?>><?= e($one['name']) ?>
    <small><?= e($record['events'][$name]['visit_date'] ?? 'not yet') ?></small></a>
  <?php endforeach ?>
</nav>
<?php if (isset($problem)): ?>
<p class="problem" role="alert"><?= e($problem) ?></p>
<?php elseif ($saved ?? false): ?>
<p class="note" role="status">Saved.</p>
<?php endif ?>
<form method="post" action="record.php?<?= e(http_build_query(['id' => $id, 'event' => $event])) ?>">
  <input type="hidden" name="csrf" value="<?= e($_SESSION['csrf']) ?>">
  <fieldset class="visit"<?= $isLocked ? ' disabled' : '' ?>>
  <?php foreach ($dictionary->formsOf($event) as $form => $fields): ?>
  <section class="card" id="form-<?= e($form) ?>" aria-labelledby="head-<?= e($form) ?>">
    <h2 id="head-<?= e($form) ?>"><?= e($dictionary->forms[$form]) ?></h2>
    <?php foreach ($fields as $field): ?>
    <?php require __DIR__ . '/field.php' ?>
    <?php endforeach ?>
  </section>
  <?php endforeach ?>
  <button>Save</button>
  </fieldset>
</form>
<form class="lock" method="post" action="record.php?<?= e(http_build_query(['id' => $id, 'event' => $event])) ?>">
  <input type="hidden" name="csrf" value="<?= e($_SESSION['csrf']) ?>">
  <button name="lock" value="<?= $isLocked ? '0' : '1' ?>"><?= $isLocked ? 'Unlock this visit' : 'Lock this visit' ?></button>
  <span class="hint"><?= $isLocked ? 'Nobody can change it, and no value from the EHR gets in.' : 'When it is complete: nothing is changed any more.' ?></span>
</form>
<?php if (isset($record['saved_at'])): ?>
<p class="hint">Last saved <?= e($record['saved_at']) ?> UTC by <?= e($record['saved_by']) ?>.</p>
<?php endif ?>
<?php require __DIR__ . '/chart.php' ?>
