<?php $name = $field['field_name'] ?>
<?php $choices = Dictionary::choices($field) ?>
<?php $caption = $field['field_label'] . (isset($field['field_note']) ? " ({$field['field_note']})" : '') ?>
<?php if ($field['field_type'] === 'checkbox'): ?>
    <fieldset class="wide-field" id="field-<?= e($name) ?>"><legend><?= e($caption) ?></legend>
      <?php foreach ($choices as $code => $label): ?>
      <?php $box = Dictionary::box($name, (string) $code) ?>
      <label class="box"><input type="checkbox" name="<?= e($box) ?>" value="1"<?= ($held[$box] ?? '') === '1' ? ' checked' : '' ?>> <?= e($label) ?></label>
      <?php endforeach ?>
    </fieldset>
<?php elseif ($choices !== []): ?>
    <label><?= e($caption) ?>
      <select name="<?= e($name) ?>">
        <option value=""></option>
        <?php foreach ($choices as $code => $label): ?>
        <option value="<?= e($code) ?>"<?= ($held[$name] ?? '') === (string) $code ? ' selected' : '' ?>><?= e($label) ?></option>
        <?php endforeach ?>
      </select></label>
<?php elseif ($field['field_type'] === 'notes'): ?>
    <label class="wide-field"><?= e($caption) ?>
      <textarea name="<?= e($name) ?>" rows="<?= max(2, min(12, substr_count($held[$name] ?? '', "\n") + 2)) ?>" maxlength="20000"><?= e($held[$name] ?? '') ?></textarea></label>
<?php else: ?>
    <?php $valid = $field['text_validation_type_or_show_slider_number'] ?? '' ?>
    <label><?= e($caption) ?>
      <input name="<?= e($name) ?>" maxlength="200"<?= $valid === 'date_ymd' ? ' type="date"' : '' ?><?= in_array($valid, ['integer', 'number'], true) ? ' inputmode="decimal"' : '' ?> value="<?= e($held[$name] ?? '') ?>"></label>
<?php endif ?>
