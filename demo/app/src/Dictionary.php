<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

/** The study's data dictionary (dictionary.json, in REDCap's words): events, forms, fields, and what fits into a field. */
final class Dictionary
{
    /** @var array<string, array{name: string, forms: list<string>}> by unique name */
    public readonly array $events;
    /** @var array<string, string> form => heading */
    public readonly array $forms;
    /** @var array<string, array<string, string>> by field name */
    public readonly array $fields;

    public function __construct(string $file)
    {
        $all = json_decode(file_get_contents($file), true, 8, JSON_THROW_ON_ERROR);
        $this->forms = $all['forms'];
        $this->fields = array_column($all['fields'], null, 'field_name');
        $events = [];
        foreach ($all['events'] as $event) {
            $events[$event['unique_event_name']] = ['name' => $event['event_name'], 'forms' => $event['forms']];
        }
        $this->events = $events;
    }

    /** The name of a record stands in the first field. */
    public function idField(): string
    {
        return array_key_first($this->fields);
    }

    public function firstEvent(): string
    {
        return array_key_first($this->events);
    }

    /** @return array<string, array<string, array<string, string>>> the fields that an event asks for, by form */
    public function formsOf(string $event): array
    {
        $forms = [];
        foreach (array_intersect_key($this->forms, array_flip($this->events[$event]['forms'])) as $form => $heading) {
            $forms[$form] = array_filter($this->fields, fn (array $field): bool => $field['form_name'] === $form
                && $field['field_name'] !== $this->idField());
        }
        return $forms;
    }

    public function isIn(string $event, string $field): bool
    {
        return in_array($this->fields[$field]['form_name'], $this->events[$event]['forms'], true);
    }

    /** @return array<string, string> code => label */
    public static function choices(array $field): array
    {
        if ($field['field_type'] === 'yesno') {
            return ['1' => 'Yes', '0' => 'No'];
        }
        $choices = [];
        foreach (array_filter(explode('|', $field['select_choices_or_calculations'] ?? '')) as $choice) {
            [$code, $label] = array_map(trim(...), explode(',', $choice, 2));
            $choices[$code] = $label;
        }
        return $choices;
    }

    /** @return list<string> the columns that hold a field: a checkbox has one for each choice */
    public static function columns(array $field): array
    {
        $name = $field['field_name'];
        return $field['field_type'] !== 'checkbox' ? [$name]
            : array_map(static fn (int|string $code): string => self::box($name, (string) $code), array_keys(self::choices($field)));
    }

    /** "race___2106_3" */
    public static function box(string $field, string $code): string
    {
        return $field . '___' . preg_replace('/[^a-z0-9]/', '_', strtolower($code));
    }

    /** The field that a column is of; null: none. */
    public function fieldOf(string $column): ?array
    {
        $field = $this->fields[explode('___', $column)[0]] ?? null;
        return $field !== null && in_array($column, self::columns($field), true) ? $field : null;
    }

    /** Why a column of a field cannot hold a value, in REDCap's words; '': it can. */
    public static function fault(array $field, string $value): string
    {
        if ($value === '') {
            return '';
        }
        $choices = $field['field_type'] === 'checkbox' ? ['0' => '', '1' => ''] : self::choices($field);
        if ($choices !== [] && !isset($choices[$value])) {
            return "The value is not a valid category for {$field['field_name']}";
        }
        $fits = match ($field['text_validation_type_or_show_slider_number'] ?? '') {
            'date_ymd' => self::isDate($value),
            'integer' => preg_match('/^-?\d{1,15}$/D', $value) === 1,
            'number' => preg_match('/^-?(\d+\.?\d*|\.\d+)$/D', $value) === 1,
            default => true,
        };
        if (!$fits) {
            return 'The value you provided could not be validated because it does not follow the expected format. Please try again.';
        }
        return self::isWithin($field, $value) ? ''
            : 'The value you provided is outside the suggested range'
                . ' (' . ($field['text_validation_min'] ?? '') . ' - ' . ($field['text_validation_max'] ?? '') . ').';
    }

    private static function isDate(string $text): bool
    {
        return preg_match('/^(\d{4})-(\d\d)-(\d\d)$/D', $text, $part) === 1
            && checkdate((int) $part[2], (int) $part[3], (int) $part[1]);
    }

    private static function isWithin(array $field, string $value): bool
    {
        [$min, $max] = [$field['text_validation_min'] ?? '', $field['text_validation_max'] ?? ''];
        if (is_numeric($min) || is_numeric($max)) { // dates compare as they are written
            [$min, $max, $value] = [$min === '' ? -INF : (float) $min, $max === '' ? INF : (float) $max, (float) $value];
        }
        return ($min === '' || $value >= $min) && ($max === '' || $value <= $max);
    }
}
