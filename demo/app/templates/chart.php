<?php if ($chartProblem !== null): ?>
<section id="chart" aria-label="From the EHR">
<h2>From the EHR</h2>
<p class="problem" role="alert" id="chart-problem"><?= e($chartProblem) ?></p>
</section>
<?php elseif ($chart !== null): ?>
<section id="chart" aria-label="From the EHR">
<h2>From the EHR</h2>
<p class="hint">Read just now from the patient’s chart; nothing of it is stored in the study.</p>
<div class="facts">
  <?php foreach (['Allergies' => $chart->allergies, 'Medications' => $chart->medications, 'Conditions' => $chart->conditions] as $title => $lines): ?>
  <?php $past = array_filter($lines, static fn (array $line): bool => !$line['current']) ?>
  <section class="fact" id="<?= e(strtolower($title)) ?>">
    <h3><?= e($title) ?></h3>
    <ul>
      <?php foreach (array_diff_key($lines, $past) as $line): ?>
      <li<?= $line['severe'] ? ' class="severe"' : '' ?>><b><?= e($line['text']) ?></b>
        <small><?= e(implode(' · ', array_filter([$line['note'], $line['date'] !== '' ? "since {$line['date']}" : '']))) ?></small></li>
      <?php endforeach ?>
      <?php if (count($past) === count($lines)): ?><li class="hint">None recorded.</li><?php endif ?>
    </ul>
    <?php if ($past !== []): ?>
    <details><summary><?= count($past) ?> in the past</summary>
    <ul>
      <?php foreach ($past as $line): ?>
      <li><?= e($line['text']) ?> <small><?= e($line['date']) ?></small></li>
      <?php endforeach ?>
    </ul></details>
    <?php endif ?>
  </section>
  <?php endforeach ?>
</div>
<?php foreach (['labs' => ['Laboratory', $chart->labs], 'vitals' => ['Vital signs', $chart->vitals]] as $key => [$title, $tests]): ?>
<h3><?= e($title) ?> <small class="hint"><?= array_sum(array_map(count(...), $tests)) ?> results</small></h3>
<div class="wide">
<table id="<?= e($key) ?>">
  <thead><tr><th>Test</th><th>Latest</th><th class="trend">Trend</th><th>Date</th></tr></thead>
  <tbody>
  <?php foreach ($tests as $name => $results): ?>
    <?php [$latest, $line] = [$results[0], trend($results)] ?>
    <tr>
      <td><?php if (count($results) === 1): ?><?= e($name) ?><?php else: ?>
        <details><summary><?= e($name) ?></summary>
        <ul class="earlier">
          <?php foreach (array_slice($results, 1) as $earlier): ?>
          <li><span class="date"><?= e($earlier['date']) ?></span> <?= e($earlier['value']) ?> <?= flag($earlier['flag']) ?></li>
          <?php endforeach ?>
        </ul></details><?php endif ?></td>
      <td class="value"><?= e($latest['value']) ?> <?= flag($latest['flag']) ?></td>
      <td class="trend"><?php if ($line !== ''): ?><svg viewBox="0 0 100 24" role="img" aria-label="<?= count($results) ?> results"><polyline points="<?= e($line) ?>"/></svg><?php endif ?></td>
      <td class="date"><?= e($latest['date']) ?></td>
    </tr>
  <?php endforeach ?>
  </tbody>
</table>
</div>
<?php endforeach ?>
</section>
<?php elseif (!$launch->hasPatient()): ?>
<p class="hint">Laboratory results, vital signs, conditions, medications and allergies are shown when the record is opened from the patient’s chart.</p>
<?php endif ?>
