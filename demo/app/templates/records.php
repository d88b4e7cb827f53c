<h1>Records</h1>
<div class="wide">
<table>
  <thead><tr><th>Record</th><th>Participant</th><th>Born</th><th class="saved">Last saved</th></tr></thead>
  <tbody>
  <?php foreach ($records as $id => $record): ?>
    <tr>
      <td><?php if ($launch->covers($record)): ?><a href="record.php?id=<?= e(rawurlencode((string) $id)) ?>"><?= e($id) ?></a><?php else: ?><?= e($id) ?><?php endif ?></td>
      <td><?= e($record['name']) ?></td>
      <td class="date"><?= e($record['birth_date']) ?></td>
      <td class="saved"><?= isset($record['saved_at']) ? e($record['saved_at'] . ' by ' . $record['saved_by']) : '–' ?></td>
    </tr>
  <?php endforeach ?>
  </tbody>
</table>
</div>
<?php if (!$launch->hasPatient()): ?>
<p class="connect"><a class="button" href="connect.php?ehr=hospital">Connect to <?= e(EHRS['hospital']) ?></a>
  <span class="hint">Choose a patient there, and see laboratory results and more here.</span></p>
<?php else: ?>
<p class="hint">This window was opened for one patient; the other records open from their own charts.</p>
<?php endif ?>
