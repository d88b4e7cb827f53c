<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

/** What mod_smartlaunch says about a request. */
final class Launch
{
    private function __construct(
        public readonly ?string $user,
        public readonly ?string $ehr,
        public readonly ?string $ehrUser,
        public readonly ?string $patient,
        public readonly bool $pending,
        public readonly bool $wantsBanner,
        private readonly ?string $session,
        private readonly ?string $sessionBaseUrl,
    ) {
    }

    /** @param array<string, mixed> $server `$_SERVER` */
    public static function from(array $server): self
    {
        $get = static function (string $name) use ($server): ?string {
            $value = $server[$name] ?? '';
            return is_string($value) && $value !== '' ? $value : null;
        };
        return new self(
            user: $get('REMOTE_USER') ?? $get('SMART_USER'),
            ehr: $get('SMART_EHR'),
            ehrUser: $get('SMART_EHR_USER'),
            patient: $get('SMART_PATIENT'),
            pending: $get('SMART_LINK') === 'pending',
            wantsBanner: $get('SMART_NEED_PATIENT_BANNER') !== 'false',
            session: $get('SMART_SESSION'),
            sessionBaseUrl: $get('SMART_SESSION_BASE_URL'),
        );
    }

    /** Did the EHR open this window for one patient? */
    public function hasPatient(): bool
    {
        return $this->ehr !== null && $this->patient !== null;
    }

    /** The EHR's data as this launch may read them; null outside of one. */
    public function fhir(): ?FhirClient
    {
        return $this->session !== null && $this->sessionBaseUrl !== null
            ? new FhirClient($this->sessionBaseUrl, $this->session) : null;
    }

    /** @param array<string, mixed> $record may this window show and change it? */
    public function covers(array $record): bool
    {
        return !$this->hasPatient()
            || ($record['ehr'] === $this->ehr && $record['patient'] === $this->patient);
    }
}

/**
 * The launch that this PHP session was opened by. Like many applications this one keeps its patient in the
 * session and looks no more: that each window has a session of its own is the web server's business.
 */
function opened_by(Launch $now): Launch
{
    if ($now->hasPatient()) {
        $_SESSION['launch'] ??= $now;
    }
    return $_SESSION['launch'] ?? $now;
}
