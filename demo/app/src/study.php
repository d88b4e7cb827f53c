<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

/** The EHRs that participants come from: name in the web server's configuration => shown as. */
const EHRS = ['hospital' => 'Hospital EHR', 'clinic' => 'City Clinic'];

/**
 * The study's records: one JSON file under the directory named by STUDY_DATA.
 *
 * A record is {ehr, patient, name, birth_date, sex, fields: {act_score, inhaler, note},
 * saved_by, saved_at}; a participant is known by EHR and patient id together.
 */
final class Study
{
    public const FIELDS = ['act_score', 'inhaler', 'note'];
    public const INHALERS = ['' => '', 'none' => 'None', 'reliever' => 'Reliever only', 'controller' => 'Controller'];

    public function __construct(private readonly string $file, private readonly string $seed)
    {
    }

    /** @return array<int|string, array<string, mixed>> by record id */
    public function records(): array
    {
        return $this->locked(static fn (array &$records): array => $records);
    }

    /** @return array<string, mixed>|null */
    public function record(string $id): ?array
    {
        return $this->records()[$id] ?? null;
    }

    public function findPatient(?string $ehr, ?string $patient): ?string
    {
        foreach ($this->records() as $id => $record) {
            if ($record['ehr'] === $ehr && $record['patient'] === $patient) {
                return (string) $id;
            }
        }
        return null;
    }

    /** Adds a participant and returns the record id; who is in the study already keeps theirs. */
    public function enrol(Launch $launch, string $name, string $birthDate, string $sex): string
    {
        $new = ['ehr' => $launch->ehr, 'patient' => $launch->patient, 'name' => $name,
            'birth_date' => $birthDate, 'sex' => $sex, 'fields' => []];
        return $this->locked(static function (array &$records) use ($new): string {
            foreach ($records as $id => $old) {
                if ($old['ehr'] === $new['ehr'] && $old['patient'] === $new['patient']) {
                    return (string) $id;
                }
            }
            $id = $records === [] ? 1001 : max(array_keys($records)) + 1;
            $records[$id] = $new;
            return (string) $id;
        });
    }

    /** @param array<string, string> $fields */
    public function save(string $id, array $fields, string $user): void
    {
        $this->locked(static function (array &$records) use ($id, $fields, $user): void {
            $records[$id] = ['fields' => $fields, 'saved_by' => $user, 'saved_at' => gmdate('Y-m-d H:i')]
                + $records[$id];
        });
    }

    /** Runs $work on the records while nobody else can, and writes them back if it changed them. */
    private function locked(callable $work): mixed
    {
        $handle = fopen($this->file, 'c+') ?: throw new RuntimeException('cannot open the study data');
        flock($handle, LOCK_EX);
        $text = stream_get_contents($handle);
        $before = $records = json_decode(
            $text !== '' ? $text : file_get_contents($this->seed), true, 16, JSON_THROW_ON_ERROR);
        $result = $work($records);
        if ($text === '' || $records !== $before) {
            rewind($handle);
            ftruncate($handle, 0);
            fwrite($handle, json_encode($records, JSON_PRETTY_PRINT | JSON_UNESCAPED_UNICODE
                | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR) . "\n");
        }
        fclose($handle);
        return $result;
    }
}
