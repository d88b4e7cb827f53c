<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

require __DIR__ . '/Dictionary.php';

/** The EHRs that participants come from: name in the web server's configuration => shown as. */
const EHRS = ['hospital' => 'Hospital EHR', 'clinic' => 'City Clinic'];
/** Those whose charts can be pulled from: name => where the pages of the Clinical Data Pull are for this study. */
const PULLS = ['hospital' => '/cdp/asthma'];

/** The study as this request finds it: its data lie in the directory named by STUDY_DATA. */
function open_study(): Study
{
    return new Study((getenv('STUDY_DATA') ?: sys_get_temp_dir()) . '/study.json', __DIR__ . '/../seed.json',
        new Dictionary(__DIR__ . '/../dictionary.json'));
}

/**
 * The study's records: one JSON file under the directory named by STUDY_DATA.
 *
 * A record is {ehr, patient, name, birth_date, sex, events: {event: {column: value}}, locked: [event],
 * saved_by, saved_at}; a participant is known by EHR and patient id together.
 */
final class Study
{
    public function __construct(private readonly string $file, private readonly string $seed, public readonly Dictionary $dictionary)
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
            'birth_date' => $birthDate, 'sex' => $sex, 'events' => [], 'locked' => []];
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

    /**
     * Writes columns of one record, by event; '' empties one. All of them, or none where an event is locked by now.
     *
     * @param array<string, array<string, string>> $events
     */
    public function save(string $id, array $events, string $user): bool
    {
        return $this->locked(static function (array &$records) use ($id, $events, $user): bool {
            $record = $records[$id];
            if (array_intersect(array_keys($events), $record['locked']) !== []) {
                return false;
            }
            foreach ($events as $event => $columns) {
                $record['events'][$event] = array_filter($columns + ($record['events'][$event] ?? []),
                    static fn (string $value): bool => $value !== '');
            }
            $records[$id] = ['saved_by' => $user, 'saved_at' => gmdate('Y-m-d H:i')] + $record;
            return true;
        });
    }

    /** A locked visit is written by nobody, until somebody unlocks it. */
    public function lock(string $id, string $event, bool $lock): void
    {
        $this->locked(static function (array &$records) use ($id, $event, $lock): void {
            $others = array_values(array_diff($records[$id]['locked'], [$event]));
            $records[$id]['locked'] = $lock ? [...$others, $event] : $others;
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
