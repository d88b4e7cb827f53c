<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

/** Why the EHR could not be read, in a sentence for the person at the screen. */
final class FhirProblem extends RuntimeException
{
}

/**
 * Reads FHIR through mod_smartlaunch, which adds the token and renews it. Fit to be copied.
 *
 *     $fhir = new FhirClient($_SERVER['SMART_SESSION_BASE_URL'], $_SERVER['SMART_SESSION']);
 *     foreach ($fhir->search('Observation', ['patient' => $_SERVER['SMART_PATIENT']]) as $resource) …
 */
final class FhirClient
{
    private readonly CurlHandle $curl; // one for all calls: the connection stays open

    public function __construct(private readonly string $base, string $session)
    {
        $this->curl = curl_init();
        curl_setopt_array($this->curl, [CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 30,
            CURLOPT_HTTPHEADER => ["Smart-Session: $session", 'Accept: application/fhir+json']]);
    }

    /** Every resource that matches, to the last page. */
    public function search(string $type, array $parameters): Generator
    {
        $url = "$type?" . http_build_query($parameters);
        while ($url !== null) {
            $bundle = $this->get($url);
            foreach ($bundle['entry'] ?? [] as $entry) {
                if (($entry['search']['mode'] ?? 'match') === 'match') {
                    yield $entry['resource'];
                }
            }
            $url = array_column($bundle['link'] ?? [], 'url', 'relation')['next'] ?? null;
        }
    }

    /** What is at a URL of the gateway, or at a reference like "Patient/x". Nobody else gets the session id. */
    public function get(string $url): array
    {
        $url = str_contains($url, '://') ? $url : "$this->base/$url";
        if (!preg_match('#^' . preg_quote($this->base, '#') . '[/?]#', $url)) {
            throw new FhirProblem('The EHR sent a link that leads elsewhere. It was not followed.');
        }
        curl_setopt($this->curl, CURLOPT_URL, $url);
        $answer = json_decode((string) curl_exec($this->curl), true);
        $status = curl_getinfo($this->curl, CURLINFO_RESPONSE_CODE);
        if ($status === 200 && is_array($answer)) {
            return $answer;
        }
        $said = implode(' ', array_column($answer['issue'] ?? [], 'diagnostics')); // an OperationOutcome
        $wait = curl_getinfo($this->curl, CURLINFO_RETRY_AFTER) ?: 30;
        throw new FhirProblem(match ($status) {
            401 => 'The connection to the EHR has ended. Please open this again from the patient’s chart.',
            429, 503 => "The EHR is busy. Please try again in $wait seconds.",
            default => $said !== '' ? "The EHR says: $said" : "The EHR could not be read ($status).",
        });
    }
}
