<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

require __DIR__ . '/FhirClient.php';

/** "high" or "low" beside a result that is not normal. */
function flag(string $code): string
{
    $text = ['H' => 'high', 'HH' => 'very high', 'L' => 'low', 'LL' => 'very low'][$code] ?? '';
    return $text === '' ? '' : "<em class=\"flag\">$text</em>";
}

/** The numbers of some results (newest first) as points of a line, 100 wide and 24 high; '' for fewer than three. */
function trend(array $results): string
{
    $numbers = array_reverse(array_filter(array_column($results, 'number'), is_numeric(...)));
    if (count($numbers) < 3) {
        return '';
    }
    [$low, $high] = [min($numbers), max($numbers)];
    $points = [];
    foreach ($numbers as $i => $number) {
        $y = $high > $low ? 22 - 20 * ($number - $low) / ($high - $low) : 12;
        $points[] = round(100 * $i / (count($numbers) - 1), 1) . ',' . round($y, 1);
    }
    return implode(' ', $points);
}

/** What the EHR knows of the open patient, as lines that a page can show. */
final class Chart
{
    /** Results by test: name => [{date, value, number, flag}], newest first. */
    public array $labs = [];
    public array $vitals = [];
    /** [{text, date, note, current}], current ones first. */
    public array $conditions = [];
    public array $medications = [];
    public array $allergies = [];

    private function __construct()
    {
    }

    /** @throws FhirProblem */
    public static function read(FhirClient $fhir, string $patient): self
    {
        $all = static fn (string $type, array $more = []): array => iterator_to_array(
            $fhir->search($type, ['patient' => $patient, '_count' => 20] + $more), false);
        $chart = new self();
        $chart->labs = self::byTest($all('Observation', ['category' => 'laboratory', '_sort' => '-date']));
        $chart->vitals = self::byTest($all('Observation', ['category' => 'vital-signs', '_sort' => '-date']));
        $chart->conditions = self::lines($all('Condition'), 'code', 'onsetDateTime');
        $chart->medications = self::lines(array_map(static fn (array $order): array => $order
            + ['medicationCodeableConcept' => self::medication($fhir, $order['medicationReference'] ?? [])],
            $all('MedicationRequest')), 'medicationCodeableConcept', 'authoredOn');
        $chart->allergies = self::lines($all('AllergyIntolerance'), 'code', 'recordedDate');
        return $chart;
    }

    /** What an order names by reference only. */
    private static function medication(FhirClient $fhir, array $reference): array
    {
        return match (true) {
            isset($reference['display']) => ['text' => $reference['display']],
            isset($reference['reference']) => $fhir->get($reference['reference'])['code'] ?? [],
            default => [],
        };
    }

    private static function byTest(array $observations): array
    {
        $tests = [];
        foreach ($observations as $observation) {
            $name = preg_replace('/ \[[^\]]*\]/', '', self::text($observation['code'] ?? [])); // LOINC's "[Mass/volume]"
            $value = self::value($observation);
            if ($name !== '' && $value !== '') {
                $tests[$name][] = ['date' => self::day($observation['effectiveDateTime'] ?? ''), 'value' => $value,
                    'number' => $observation['valueQuantity']['value'] ?? null,
                    'flag' => $observation['interpretation'][0]['coding'][0]['code'] ?? ''];
            }
        }
        uasort($tests, static fn (array $a, array $b): int => $b[0]['date'] <=> $a[0]['date']);
        return $tests;
    }

    private static function lines(array $resources, string $what, string $when): array
    {
        $lines = array_map(static fn (array $it): array => [
            'text' => preg_replace('/ \((disorder|finding|situation)\)$/', '', self::text($it[$what] ?? [])),
            'date' => self::day($it[$when] ?? ''),
            'current' => in_array($it['clinicalStatus']['coding'][0]['code'] ?? $it['status'] ?? '', ['active', 'recurrence'], true),
            'severe' => ($it['criticality'] ?? '') === 'high',
            'note' => $it['dosageInstruction'][0]['text'] ?? $it['reaction'][0]['manifestation'][0]['text'] ?? '',
        ], $resources);
        usort($lines, static fn (array $a, array $b): int => [$b['current'], $b['severe'], $b['date']]
            <=> [$a['current'], $a['severe'], $a['date']]);
        return $lines;
    }

    private static function text(array $concept): string
    {
        return $concept['text'] ?? $concept['coding'][0]['display'] ?? '';
    }

    private static function value(array $observation): string
    {
        if (isset($observation['component'])) {
            $components = $observation['component'];
            usort($components, static fn (array $a, array $b): int => ($b['code']['coding'][0]['code'] ?? '')
                <=> ($a['code']['coding'][0]['code'] ?? '')); // of a blood pressure the systolic one first
            $parts = array_filter(array_map(self::value(...), $components));
            return preg_replace('# \S+ / (.* \S+)$#', ' / $1', implode(' / ', $parts));
        }
        $quantity = $observation['valueQuantity'] ?? null;
        if ($quantity === null) {
            return self::text($observation['valueCodeableConcept'] ?? []);
        }
        $number = (float) $quantity['value'];
        $unit = strtr($quantity['unit'] ?? '', ['mm[Hg]' => 'mmHg', '10*3/uL' => '10³/µL', '10*6/uL' => '10⁶/µL', '{score}' => '']);
        $digits = abs($number) < 10 ? 2 : (abs($number) < 100 && $unit !== 'mmHg' ? 1 : 0); // as far as was measured
        return trim(round($number, $digits) . " $unit");
    }

    private static function day(string $date): string
    {
        return substr($date, 0, 10);
    }
}
