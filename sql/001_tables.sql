-- SPDX-License-Identifier: Apache-2.0
-- Tables of mod_smartlaunch. Run by `smartlaunchctl schema install` as the owner, in one
-- transaction; never edited afterwards: changes are a new, higher-numbered file.
--
-- Names ending in _sealed hold AES-256-GCM ciphertext whose key never is in the database. Names
-- ending in _hash hold SHA-256 of an id the browser or the application has. No table has a foreign
-- key into another shard: launch, token and launch_step go together by launch, link by app and EHR.

CREATE SCHEMA smartlaunch;
COMMENT ON SCHEMA smartlaunch IS 'mod_smartlaunch: applications launched from the EHR (SMART on FHIR)';

CREATE TABLE smartlaunch.schema_version (
    version    integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE smartlaunch.schema_version IS 'Migrations that have been run; the highest is what we have';
COMMENT ON COLUMN smartlaunch.schema_version.version IS 'Number of the file in sql/';
COMMENT ON COLUMN smartlaunch.schema_version.applied_at IS 'When it was run';
COMMENT ON COLUMN smartlaunch.schema_version.applied_by IS 'Database user who ran it';

CREATE TABLE smartlaunch.ehr (
    name       text PRIMARY KEY,
    issuer     text NOT NULL,
    profile    text NOT NULL,
    client_id  text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE smartlaunch.ehr IS 'EHRs as httpd is configured for them; written at start, never read by the module';
COMMENT ON COLUMN smartlaunch.ehr.name IS 'Short name: <SmartEHR name>';
COMMENT ON COLUMN smartlaunch.ehr.issuer IS 'FHIR base URL: SmartIssuer';
COMMENT ON COLUMN smartlaunch.ehr.profile IS 'Vendor profile: SmartProfile';
COMMENT ON COLUMN smartlaunch.ehr.client_id IS 'Our client id there: SmartClient';
COMMENT ON COLUMN smartlaunch.ehr.updated_at IS 'When the configuration last changed here';

CREATE TABLE smartlaunch.link (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    app            text NOT NULL,
    ehr            text NOT NULL,
    ehr_user       text NOT NULL,
    issuer         text,
    sub            text,
    source         text,
    app_user       text NOT NULL,
    fhir_user      text,
    how            text NOT NULL,
    linked_at      timestamptz NOT NULL DEFAULT now(),
    last_launch_at timestamptz,
    revoked_at     timestamptz,
    revoked_by     text,
    revoke_reason  text
);
CREATE UNIQUE INDEX link_ehr_user ON smartlaunch.link (app, ehr, ehr_user) WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX link_app_user ON smartlaunch.link (app, ehr, app_user) WHERE revoked_at IS NULL;
CREATE INDEX link_revoked ON smartlaunch.link (app, ehr, ehr_user) WHERE revoked_at IS NOT NULL;
COMMENT ON TABLE smartlaunch.link IS 'This EHR user is that application user; of each at most one link per app and EHR that is not revoked';
COMMENT ON COLUMN smartlaunch.link.id IS 'Name of the link';
COMMENT ON COLUMN smartlaunch.link.app IS 'Application: SmartApp';
COMMENT ON COLUMN smartlaunch.link.ehr IS 'EHR: ehr.name';
COMMENT ON COLUMN smartlaunch.link.ehr_user IS 'User name at the EHR, by SmartIdentity';
COMMENT ON COLUMN smartlaunch.link.issuer IS 'iss of the id_token that proved the name; null when there was none';
COMMENT ON COLUMN smartlaunch.link.sub IS 'sub of the id_token that proved the name; null when there was none';
COMMENT ON COLUMN smartlaunch.link.source IS 'Where the name came from, as id_token:sub; a launch matches only if issuer, sub and source agree';
COMMENT ON COLUMN smartlaunch.link.app_user IS 'User name in the application';
COMMENT ON COLUMN smartlaunch.link.fhir_user IS 'URL of the user''s FHIR resource';
COMMENT ON COLUMN smartlaunch.link.how IS 'How it came about: app (the user logged in there), site (another httpd module), same-name';
COMMENT ON COLUMN smartlaunch.link.linked_at IS 'When it was made';
COMMENT ON COLUMN smartlaunch.link.last_launch_at IS 'Last launch that used it';
COMMENT ON COLUMN smartlaunch.link.revoked_at IS 'When it was revoked; such a link never works again, the user is asked anew';
COMMENT ON COLUMN smartlaunch.link.revoked_by IS 'Database user who revoked it';
COMMENT ON COLUMN smartlaunch.link.revoke_reason IS 'Why it was revoked';

CREATE TABLE smartlaunch.launch (
    id                uuid PRIMARY KEY,
    app               text NOT NULL,
    ehr               text,
    kind              text NOT NULL CHECK (kind IN ('ehr', 'standalone', 'session')),
    state             text NOT NULL CHECK (state IN ('pending', 'claimed', 'held', 'live', 'ended', 'failed')),
    link              uuid,
    link_state        text NOT NULL DEFAULT 'none' CHECK (link_state IN ('linked', 'pending', 'none')),
    handle_hash       bytea CHECK (octet_length(handle_hash) = 32),
    session_hash      bytea CHECK (octet_length(session_hash) = 32),
    state_hash        bytea CHECK (octet_length(state_hash) = 32),
    browser_hash      bytea NOT NULL CHECK (octet_length(browser_hash) = 32),
    prev_browser_hash bytea CHECK (octet_length(prev_browser_hash) = 32),
    moved_at          timestamptz,
    key_id            text NOT NULL,
    pending_sealed    bytea,
    app_user          text,
    ehr_user          text,
    issuer            text,
    sub               text,
    source            text,
    fhir_user         text,
    patient           text,
    encounter         text,
    context           jsonb,
    login_user        text,
    login_at          timestamptz,
    return_to         text,
    redirect_path     text,
    client_net        bytea,
    created_at        timestamptz NOT NULL DEFAULT now(),
    claimed_at        timestamptz,
    authorized_at     timestamptz,
    linked_at         timestamptz,
    last_seen_at      timestamptz,
    expires_at        timestamptz,
    ended_at          timestamptz,
    end_reason        text,
    CHECK (state <> 'pending' OR (state_hash IS NOT NULL AND pending_sealed IS NOT NULL)),
    CHECK (state IN ('pending', 'claimed', 'failed')
           OR (handle_hash IS NOT NULL AND session_hash IS NOT NULL
               AND authorized_at IS NOT NULL AND expires_at IS NOT NULL)),
    CHECK (kind = 'session' OR ehr IS NOT NULL),
    CHECK (link_state <> 'linked' OR (link IS NOT NULL AND app_user IS NOT NULL)),
    CHECK (link_state <> 'pending' OR app_user IS NULL)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX launch_handle ON smartlaunch.launch (handle_hash) WHERE handle_hash IS NOT NULL;
CREATE UNIQUE INDEX launch_session ON smartlaunch.launch (session_hash) WHERE session_hash IS NOT NULL;
CREATE UNIQUE INDEX launch_oauth_state ON smartlaunch.launch (state_hash) WHERE state_hash IS NOT NULL;
CREATE INDEX launch_browser ON smartlaunch.launch (browser_hash);
CREATE INDEX launch_prev_browser ON smartlaunch.launch (prev_browser_hash) WHERE prev_browser_hash IS NOT NULL;
CREATE INDEX launch_net ON smartlaunch.launch (client_net, created_at) WHERE state = 'pending';
CREATE INDEX launch_open ON smartlaunch.launch (created_at) WHERE state IN ('pending', 'claimed', 'failed');
CREATE INDEX launch_live_link ON smartlaunch.launch (link) WHERE state IN ('held', 'live');
CREATE INDEX launch_live_expires ON smartlaunch.launch (expires_at) WHERE state IN ('held', 'live');
COMMENT ON TABLE smartlaunch.launch IS 'One run of the SMART handshake and the session that comes of it';
COMMENT ON COLUMN smartlaunch.launch.id IS 'Name of the launch; handle and session id are derived from it with the key ring';
COMMENT ON COLUMN smartlaunch.launch.app IS 'Application: SmartApp';
COMMENT ON COLUMN smartlaunch.launch.ehr IS 'EHR: ehr.name; null for a session without an EHR';
COMMENT ON COLUMN smartlaunch.launch.kind IS 'ehr (opened from the EHR), standalone (begun in the app), session (a login without an EHR)';
COMMENT ON COLUMN smartlaunch.launch.state IS 'pending (browser is at the EHR), claimed (callback under way), held (waits for the user to confirm who she is), live, ended, failed';
COMMENT ON COLUMN smartlaunch.launch.link IS 'link.id, once linked';
COMMENT ON COLUMN smartlaunch.launch.link_state IS 'linked, pending (the user has yet to log in to the app) or none (the app maps users itself)';
COMMENT ON COLUMN smartlaunch.launch.handle_hash IS 'SHA-256 of the handle that browsers carry in URLs';
COMMENT ON COLUMN smartlaunch.launch.session_hash IS 'SHA-256 of the session id that the app''s server side has';
COMMENT ON COLUMN smartlaunch.launch.state_hash IS 'SHA-256 of the OAuth state we sent; kept to know a callback that comes again';
COMMENT ON COLUMN smartlaunch.launch.browser_hash IS 'SHA-256 of the browser''s cookie';
COMMENT ON COLUMN smartlaunch.launch.prev_browser_hash IS 'The same of the cookie before its last renewal';
COMMENT ON COLUMN smartlaunch.launch.moved_at IS 'When the cookie was last renewed; the one before is good for 10 more seconds';
COMMENT ON COLUMN smartlaunch.launch.key_id IS 'Key of the key ring that opens pending_sealed and derives handle and session id';
COMMENT ON COLUMN smartlaunch.launch.pending_sealed IS 'While pending: PKCE verifier, endpoint, redirect URI and browser, sealed';
COMMENT ON COLUMN smartlaunch.launch.app_user IS 'User name in the application';
COMMENT ON COLUMN smartlaunch.launch.ehr_user IS 'User name at the EHR, by SmartIdentity';
COMMENT ON COLUMN smartlaunch.launch.issuer IS 'iss of the id_token';
COMMENT ON COLUMN smartlaunch.launch.sub IS 'sub of the id_token';
COMMENT ON COLUMN smartlaunch.launch.source IS 'Where ehr_user came from, as id_token:sub';
COMMENT ON COLUMN smartlaunch.launch.fhir_user IS 'URL of the user''s FHIR resource';
COMMENT ON COLUMN smartlaunch.launch.patient IS 'FHIR id of the patient in context';
COMMENT ON COLUMN smartlaunch.launch.encounter IS 'FHIR id of the encounter in context';
COMMENT ON COLUMN smartlaunch.launch.context IS 'The other launch context: intent, need_patient_banner, style URL, tenant, fhirContext';
COMMENT ON COLUMN smartlaunch.launch.login_user IS 'User the app says has logged in; waits for the confirmation page';
COMMENT ON COLUMN smartlaunch.launch.login_at IS 'When the app said so';
COMMENT ON COLUMN smartlaunch.launch.return_to IS 'Path of the app to go to afterwards';
COMMENT ON COLUMN smartlaunch.launch.redirect_path IS 'Redirect URL (path) this launch was begun at';
COMMENT ON COLUMN smartlaunch.launch.client_net IS 'Hash of the client''s network, to bound pending launches';
COMMENT ON COLUMN smartlaunch.launch.created_at IS 'When the launch began';
COMMENT ON COLUMN smartlaunch.launch.claimed_at IS 'When the callback came';
COMMENT ON COLUMN smartlaunch.launch.authorized_at IS 'When the tokens were stored';
COMMENT ON COLUMN smartlaunch.launch.linked_at IS 'When a pending launch became its app user''s';
COMMENT ON COLUMN smartlaunch.launch.last_seen_at IS 'Last use by the browser, to within a minute';
COMMENT ON COLUMN smartlaunch.launch.expires_at IS 'End by SmartSession max';
COMMENT ON COLUMN smartlaunch.launch.ended_at IS 'When it ended or failed';
COMMENT ON COLUMN smartlaunch.launch.end_reason IS 'Why: logout, idle, expired, other user, revoked, or what failed';

CREATE TABLE smartlaunch.token (
    launch         uuid PRIMARY KEY REFERENCES smartlaunch.launch (id) ON DELETE CASCADE,
    link           uuid,
    app            text NOT NULL,
    ehr            text NOT NULL,
    app_user       text,
    patient        text,
    access_sealed  bytea,
    refresh_sealed bytea,
    key_id         text NOT NULL,
    scope_asked    text,
    scope_granted  text,
    issued_at      timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz,
    generation     bigint NOT NULL DEFAULT 1 CHECK (generation >= 1),
    lease_until    timestamptz,
    lease_by       text,
    renewals       integer NOT NULL DEFAULT 0,
    status         text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'relaunch', 'revoked')),
    last_error     text,
    CHECK (status <> 'active' OR access_sealed IS NOT NULL),
    CHECK (status <> 'revoked' OR (access_sealed IS NULL AND refresh_sealed IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX token_by_user ON smartlaunch.token (app, ehr, app_user, issued_at DESC) WHERE status = 'active';
CREATE INDEX token_by_link ON smartlaunch.token (link) WHERE status <> 'revoked';
COMMENT ON TABLE smartlaunch.token IS 'Access and refresh token of a launch, sealed';
COMMENT ON COLUMN smartlaunch.token.launch IS 'launch.id';
COMMENT ON COLUMN smartlaunch.token.link IS 'link.id, once linked';
COMMENT ON COLUMN smartlaunch.token.app IS 'Application: SmartApp';
COMMENT ON COLUMN smartlaunch.token.ehr IS 'EHR: ehr.name';
COMMENT ON COLUMN smartlaunch.token.app_user IS 'Application user whose token it is';
COMMENT ON COLUMN smartlaunch.token.patient IS 'FHIR id of the patient it is bound to';
COMMENT ON COLUMN smartlaunch.token.access_sealed IS 'Access token, sealed; null once revoked';
COMMENT ON COLUMN smartlaunch.token.refresh_sealed IS 'Refresh token, sealed; null when there is none or once revoked';
COMMENT ON COLUMN smartlaunch.token.key_id IS 'Key of the key ring that sealed them';
COMMENT ON COLUMN smartlaunch.token.scope_asked IS 'Scopes we asked for';
COMMENT ON COLUMN smartlaunch.token.scope_granted IS 'Scopes the EHR granted';
COMMENT ON COLUMN smartlaunch.token.issued_at IS 'When this generation was issued';
COMMENT ON COLUMN smartlaunch.token.expires_at IS 'When the access token ends; null when the EHR did not say';
COMMENT ON COLUMN smartlaunch.token.generation IS 'Counts renewals; a renewal writes only onto the generation it read';
COMMENT ON COLUMN smartlaunch.token.lease_until IS 'A renewal is under way until then';
COMMENT ON COLUMN smartlaunch.token.lease_by IS 'Host and process that renews';
COMMENT ON COLUMN smartlaunch.token.renewals IS 'How often it was renewed';
COMMENT ON COLUMN smartlaunch.token.status IS 'active, relaunch (only a new launch helps) or revoked';
COMMENT ON COLUMN smartlaunch.token.last_error IS 'Last failure of a renewal, redacted';

CREATE TABLE smartlaunch.launch_step (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    launch      uuid,
    at          timestamptz NOT NULL,
    step        text NOT NULL,
    outcome     text NOT NULL,
    http_status integer,
    ms          integer,
    detail      text,
    reference   text NOT NULL
);
CREATE INDEX launch_step_launch ON smartlaunch.launch_step (launch) WHERE launch IS NOT NULL;
CREATE INDEX launch_step_reference ON smartlaunch.launch_step (reference);
CREATE INDEX launch_step_at ON smartlaunch.launch_step (at);
COMMENT ON TABLE smartlaunch.launch_step IS 'Flight recorder: one row per step of each handshake. Rows are added, never changed';
COMMENT ON COLUMN smartlaunch.launch_step.id IS 'Order of writing';
COMMENT ON COLUMN smartlaunch.launch_step.launch IS 'launch.id; null for a request that was refused before it became a launch';
COMMENT ON COLUMN smartlaunch.launch_step.at IS 'When it happened, by httpd''s clock';
COMMENT ON COLUMN smartlaunch.launch_step.step IS 'launch, discovery, authorize, callback, token, id_token, link, …';
COMMENT ON COLUMN smartlaunch.launch_step.outcome IS 'ok, or the log id of what went wrong (docs/log-ids.md)';
COMMENT ON COLUMN smartlaunch.launch_step.http_status IS 'HTTP status, where the step was a call';
COMMENT ON COLUMN smartlaunch.launch_step.ms IS 'Milliseconds it took';
COMMENT ON COLUMN smartlaunch.launch_step.detail IS 'What happened, redacted';
COMMENT ON COLUMN smartlaunch.launch_step.reference IS 'Reference id that the user saw and the error log has';

CREATE TABLE smartlaunch.fhir_access (
    at            timestamptz NOT NULL,
    via           text NOT NULL CHECK (via IN ('session', 'user', 'system', 'none')),
    caller        text,
    app           text,
    app_user      text,
    session_print text,
    ehr           text,
    patient       text,
    asked_patient text,
    method        text NOT NULL,
    resource      text,
    status        integer NOT NULL,
    bytes         bigint,
    ms            integer,
    reference     text NOT NULL
) PARTITION BY RANGE (at);
CREATE INDEX fhir_access_user ON smartlaunch.fhir_access (app_user, at);
CREATE INDEX fhir_access_patient ON smartlaunch.fhir_access (patient, at);
CREATE TABLE smartlaunch.fhir_access_other PARTITION OF smartlaunch.fhir_access DEFAULT;
COMMENT ON TABLE smartlaunch.fhir_access IS 'Audit: one row per FHIR call through the gateway, refused ones too. Rows are added, never changed; one partition per month';
COMMENT ON TABLE smartlaunch.fhir_access_other IS 'Rows of months that have no partition of their own';
COMMENT ON COLUMN smartlaunch.fhir_access.at IS 'When the call came';
COMMENT ON COLUMN smartlaunch.fhir_access.via IS 'Which token: session (of a launch), user (Smart-User), system, none (refused)';
COMMENT ON COLUMN smartlaunch.fhir_access.caller IS 'SmartCaller, where one proved itself';
COMMENT ON COLUMN smartlaunch.fhir_access.app IS 'Application: SmartApp';
COMMENT ON COLUMN smartlaunch.fhir_access.app_user IS 'Application user in whose name';
COMMENT ON COLUMN smartlaunch.fhir_access.session_print IS 'First half of launch.session_hash in hexadecimal: which launch';
COMMENT ON COLUMN smartlaunch.fhir_access.ehr IS 'EHR: ehr.name';
COMMENT ON COLUMN smartlaunch.fhir_access.patient IS 'FHIR id of the launch''s patient';
COMMENT ON COLUMN smartlaunch.fhir_access.asked_patient IS 'FHIR id of the patient the request named';
COMMENT ON COLUMN smartlaunch.fhir_access.method IS 'HTTP method';
COMMENT ON COLUMN smartlaunch.fhir_access.resource IS 'FHIR resource type';
COMMENT ON COLUMN smartlaunch.fhir_access.status IS 'HTTP status of the answer';
COMMENT ON COLUMN smartlaunch.fhir_access.bytes IS 'Size of the answer';
COMMENT ON COLUMN smartlaunch.fhir_access.ms IS 'Milliseconds it took';
COMMENT ON COLUMN smartlaunch.fhir_access.reference IS 'Reference id that the error log has';

INSERT INTO smartlaunch.schema_version (version) VALUES (1);
