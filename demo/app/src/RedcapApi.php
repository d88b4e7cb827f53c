<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

/** What the API answers instead: an HTTP status, and a sentence in REDCap's words. */
final class Refusal extends RuntimeException
{
}

/**
 * As much of REDCap's public API as a Clinical Data Pull needs: the project's version, fields, events and forms, and its
 * records, exported and imported as flat JSON.
 */
final class RedcapApi
{
    private const NOTHING_REPEATS = 'You cannot export repeating instruments and events because the project does not contain any'
        . ' repeating instruments and events';
    private const LOCKED = 'This field is located on a form that is locked. You must first unlock this form for this record.';
    private const OWN_COLUMNS = ['redcap_event_name', 'redcap_repeat_instrument', 'redcap_repeat_instance'];

    private readonly Dictionary $dictionary;

    /** @param array<string, mixed> $form parameters of the POST */
    public function __construct(private readonly Study $study, private readonly array $form)
    {
        $this->dictionary = $study->dictionary;
    }

    /** @return string|array<mixed> a text, or what becomes JSON */
    public function answer(): string|array
    {
        if (($this->form['format'] ?? 'json') !== 'json' || ($this->form['returnFormat'] ?? 'json') !== 'json') {
            throw new Refusal('This project speaks JSON only', 400);
        }
        return match ($this->form['content'] ?? '') {
            'version' => '14.0.0',
            'metadata' => $this->metadata(),
            'event' => $this->events(),
            'formEventMapping' => $this->formEventMapping(),
            'repeatingFormsEvents' => throw new Refusal(self::NOTHING_REPEATS, 400),
            'record' => $this->record(),
            default => throw new Refusal('The value of the parameter "content" is not valid', 400),
        };
    }

    private function metadata(): array
    {
        $empty = array_fill_keys(['field_name', 'form_name', 'section_header', 'field_type', 'field_label',
            'select_choices_or_calculations', 'field_note', 'text_validation_type_or_show_slider_number',
            'text_validation_min', 'text_validation_max', 'identifier', 'branching_logic', 'required_field', 'custom_alignment',
            'question_number', 'matrix_group_name', 'matrix_ranking', 'field_annotation'], '');
        return array_map(static fn (array $field): array => array_replace($empty, $field),
            array_values(array_intersect_key($this->dictionary->fields, array_flip($this->fieldsAsked()))));
    }

    private function events(): array
    {
        return array_map(static fn (string $unique, array $event): array => ['event_name' => $event['name'], 'arm_num' => 1,
            'unique_event_name' => $unique], array_keys($this->dictionary->events), $this->dictionary->events);
    }

    private function formEventMapping(): array
    {
        $rows = [];
        foreach ($this->dictionary->events as $unique => $event) {
            foreach ($event['forms'] as $form) {
                $rows[] = ['arm_num' => 1, 'unique_event_name' => $unique, 'form' => $form];
            }
        }
        return $rows;
    }

    private function record(): array
    {
        if (($this->form['type'] ?? 'flat') !== 'flat') {
            throw new Refusal('This project exports and imports flat records only', 400);
        }
        return ($this->form['action'] ?? '') === 'import' || isset($this->form['data']) ? $this->import() : $this->export();
    }

    /** A list: name[0]=a&name[1]=b, or name=a,b. Empty: all are meant. */
    private function listed(string $name): array
    {
        $value = $this->form[$name] ?? [];
        return array_values(array_filter(is_array($value) ? $value : explode(',', $value), static fn ($it): bool => is_string($it) && $it !== ''));
    }

    /** @return list<string> of what is asked for, if it is there; all of it where nothing is asked for */
    private function asked(string $name, array $there): array
    {
        $asked = $this->listed($name);
        $unknown = array_diff($asked, $there);
        if ($unknown !== []) {
            throw new Refusal("The following values in the parameter \"$name\" are not valid: '" . implode("', '", $unknown) . "'", 400);
        }
        return $asked === [] ? $there : array_values(array_intersect($there, $asked));
    }

    private function fieldsAsked(): array
    {
        $forms = $this->listed('forms');
        $fields = array_filter($this->dictionary->fields,
            static fn (array $field): bool => $forms === [] || in_array($field['form_name'], $forms, true));
        return $this->listed('fields') === [] ? array_keys($fields) : $this->asked('fields', array_keys($this->dictionary->fields));
    }

    private function export(): array
    {
        $id = $this->dictionary->idField();
        $fields = array_intersect_key($this->dictionary->fields, array_flip($this->fieldsAsked()));
        $events = $this->asked('events', array_keys($this->dictionary->events));
        $wanted = $this->listed('records');
        $rows = [];
        foreach ($this->study->records() as $name => $record) {
            if ($wanted !== [] && !in_array((string) $name, $wanted, true)) {
                continue;
            }
            foreach ($events as $event) {
                $held = $record['events'][$event] ?? [];
                if ($held !== [] || $event === $this->dictionary->firstEvent()) {
                    $rows[] = [$id => (string) $name, 'redcap_event_name' => $event] + $this->exported($fields, $event, $held);
                }
            }
        }
        return $rows;
    }

    /** The columns of a row; those of a form that the event does not have are there, and empty. */
    private function exported(array $fields, string $event, array $held): array
    {
        $row = [];
        foreach ($fields as $name => $field) {
            $isBox = $field['field_type'] === 'checkbox' && $this->dictionary->isIn($event, $name);
            foreach (Dictionary::columns($field) as $column) {
                $row[$column] = $held[$column] ?? ($isBox ? '0' : '');
            }
        }
        return $row;
    }

    private function import(): array
    {
        $rows = json_decode((string) ($this->form['data'] ?? ''), true, 8);
        if (!is_array($rows) || !array_is_list($rows) || $rows !== array_filter($rows, is_array(...))) {
            throw new Refusal('The data being imported is not formatted correctly. The JSON must be in an acceptable format.', 400);
        }
        $records = $this->study->records();
        $plan = $faults = [];
        foreach ($rows as $row) {
            $name = (string) ($row[$this->dictionary->idField()] ?? '');
            $event = (string) ($row['redcap_event_name'] ?? '');
            if ($name === '') {
                throw new Refusal("The record ID field '{$this->dictionary->idField()}' is missing from the data being imported.", 400);
            }
            foreach ($this->values($row) as $column => $value) {
                $fault = $this->fault($records[$name] ?? null, $event, $column, $value);
                if ($fault !== '') {
                    $faults[] = self::csv([$name, $column, $value, $fault]);
                }
                $plan[$name][$event][$column] = $value;
            }
        }
        return $faults === [] ? $this->write($plan) : throw new Refusal(implode("\n", $faults), 400);
    }

    /** What a row would write, column by column, with dates as year, month and day. */
    private function values(array $row): array
    {
        $values = array_diff_key(array_map(strval(...), array_filter($row, is_scalar(...))),
            array_flip([$this->dictionary->idField(), ...self::OWN_COLUMNS]));
        $unknown = array_filter(array_keys($values), fn (string $column): bool => $this->dictionary->fieldOf($column) === null);
        if ($unknown !== []) {
            throw new Refusal('The following fields were not found in the project as real data fields: ' . implode(', ', $unknown), 400);
        }
        if (($this->form['overwriteBehavior'] ?? 'normal') !== 'overwrite') {
            $values = array_filter($values, static fn (string $value): bool => $value !== '');
        }
        foreach ($values as $column => $value) {
            $field = $this->dictionary->fieldOf($column);
            if (($field['text_validation_type_or_show_slider_number'] ?? '') === 'date_ymd') {
                $values[$column] = $this->asYmd($value);
            }
        }
        return $values;
    }

    private function asYmd(string $date): string
    {
        return match ($this->form['dateFormat'] ?? 'YMD') {
            'MDY' => preg_replace('#^(\d\d)[-/](\d\d)[-/](\d{4})$#D', '$3-$1-$2', $date),
            'DMY' => preg_replace('#^(\d\d)[-/](\d\d)[-/](\d{4})$#D', '$3-$2-$1', $date),
            default => $date,
        };
    }

    private function fault(?array $record, string $event, string $column, string $value): string
    {
        $field = $this->dictionary->fieldOf($column);
        return match (true) {
            $record === null => 'There is no such record in this study. Participants are added from the patient’s chart.',
            !isset($this->dictionary->events[$event]) => "The event '$event' does not exist in this project.",
            !$this->dictionary->isIn($event, $field['field_name']) => "This field ('{$field['field_name']}') exists on an"
                . " instrument that is not designated for the event named '$event'.",
            in_array($event, $record['locked'], true) => self::LOCKED,
            default => Dictionary::fault($field, $value),
        };
    }

    private static function csv(array $cells): string
    {
        return implode(',', array_map(static fn (string $cell): string => '"' . str_replace('"', '""', $cell) . '"', $cells));
    }

    private function write(array $plan): array
    {
        foreach ($plan as $name => $events) {
            if (!$this->study->save((string) $name, $events, 'Clinical Data Pull')) {
                throw new Refusal(self::LOCKED, 400);
            }
        }
        return ($this->form['returnContent'] ?? 'count') === 'ids' ? array_map(strval(...), array_keys($plan)) : ['count' => count($plan)];
    }
}
