-- SPDX-License-Identifier: Apache-2.0
-- The Clinical Data Pull: mappings of studies, records, the values held for them until a person
-- decides, and what is on its way to the app.
--
-- Values, medical record numbers, dates of visits and what servers said in words rest sealed; times
-- of values, units, names of fields and of users, and the FHIR id of the patient are clear. A
-- column x_sealed is opened with the key that the column beside it names. Fingerprints (_print) are
-- HMAC-SHA-256 under a key that only the key ring opens (cdp_key): they tell equal from other, and
-- nothing else. Everything of a project goes together by project.

CREATE TABLE smartlaunch.cdp_key (
    id           boolean PRIMARY KEY DEFAULT true CHECK (id),
    print_sealed bytea NOT NULL,
    key_id       text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE smartlaunch.cdp_key IS 'The key of all fingerprints, one row; made at first use, sealed anew when the key ring is rotated';
COMMENT ON COLUMN smartlaunch.cdp_key.id IS 'True: there is one row';
COMMENT ON COLUMN smartlaunch.cdp_key.print_sealed IS '32 random bytes, sealed';
COMMENT ON COLUMN smartlaunch.cdp_key.key_id IS 'Key of the key ring that sealed it';
COMMENT ON COLUMN smartlaunch.cdp_key.created_at IS 'When it was made';

CREATE TABLE smartlaunch.cdp_project (
    project      text PRIMARY KEY,
    revision     bigint NOT NULL DEFAULT 0,
    ehr          text,
    day_offset   integer NOT NULL CHECK (day_offset BETWEEN 1 AND 36500),
    direction    text NOT NULL CHECK (direction IN ('+-', '+', '-')),
    convert_gmt  boolean NOT NULL,
    adjudication text NOT NULL CHECK (adjudication IN ('manual', 'auto', 'instant')),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    updated_by   text NOT NULL
);
COMMENT ON TABLE smartlaunch.cdp_project IS 'What a study has set up; its fields are in cdp_mapping';
COMMENT ON COLUMN smartlaunch.cdp_project.project IS 'Name of the project: <SmartCDPProject name>';
COMMENT ON COLUMN smartlaunch.cdp_project.revision IS 'Counts how often the mapping was saved: 0, 1, …';
COMMENT ON COLUMN smartlaunch.cdp_project.ehr IS 'EHR the mapping was made for, if it says so';
COMMENT ON COLUMN smartlaunch.cdp_project.day_offset IS 'Window of fields that have none of their own, in hundredths of a day';
COMMENT ON COLUMN smartlaunch.cdp_project.direction IS 'Which way the window opens from its date: +- (around), + (after), - (before)';
COMMENT ON COLUMN smartlaunch.cdp_project.convert_gmt IS 'Times are converted to local time; else as the EHR sent them';
COMMENT ON COLUMN smartlaunch.cdp_project.adjudication IS 'What the study wants saved without a person: manual (nothing), auto (after unattended fetches), instant; the site decides, too';
COMMENT ON COLUMN smartlaunch.cdp_project.updated_at IS 'When it was saved last';
COMMENT ON COLUMN smartlaunch.cdp_project.updated_by IS 'Application user who saved it';

CREATE TABLE smartlaunch.cdp_mapping (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project        text NOT NULL REFERENCES smartlaunch.cdp_project (project),
    position       integer NOT NULL,
    is_identifier  boolean NOT NULL DEFAULT false,
    source         text NOT NULL,
    event          text NOT NULL DEFAULT '',
    field          text NOT NULL,
    temporal_field text,
    preselect      text NOT NULL DEFAULT '' CHECK (preselect IN ('', 'MIN', 'MAX', 'FIRST', 'LAST', 'NEAR')),
    unit           text,
    day_offset     integer CHECK (day_offset BETWEEN 1 AND 36500),
    direction      text CHECK (direction IN ('+-', '+', '-')),
    removed_at     timestamptz,
    UNIQUE (project, event, field, source)
);
CREATE UNIQUE INDEX cdp_mapping_identifier ON smartlaunch.cdp_mapping (project)
    WHERE is_identifier AND removed_at IS NULL;
COMMENT ON TABLE smartlaunch.cdp_mapping IS 'This field of the EHR goes into that field of the project; one that was taken out stays, for what was decided about its values';
COMMENT ON COLUMN smartlaunch.cdp_mapping.id IS 'Name of the mapping; the same (event, field, source) keeps it';
COMMENT ON COLUMN smartlaunch.cdp_mapping.project IS 'cdp_project.project';
COMMENT ON COLUMN smartlaunch.cdp_mapping.position IS 'Order on the screen';
COMMENT ON COLUMN smartlaunch.cdp_mapping.is_identifier IS 'The field that holds the medical record number; one per project';
COMMENT ON COLUMN smartlaunch.cdp_mapping.source IS 'Field of the EHR, as name-given; or LOINC codes with commas between';
COMMENT ON COLUMN smartlaunch.cdp_mapping.event IS 'Event of the project; empty: it has none';
COMMENT ON COLUMN smartlaunch.cdp_mapping.field IS 'Field of the project';
COMMENT ON COLUMN smartlaunch.cdp_mapping.temporal_field IS 'Date field of the same event that opens the window; null: not by time';
COMMENT ON COLUMN smartlaunch.cdp_mapping.preselect IS 'Which of several values is ticked: MIN, MAX, FIRST, LAST, NEAR; empty: none';
COMMENT ON COLUMN smartlaunch.cdp_mapping.unit IS 'UCUM code the field wants; null: any';
COMMENT ON COLUMN smartlaunch.cdp_mapping.day_offset IS 'Its own window in hundredths of a day; null: that of the project';
COMMENT ON COLUMN smartlaunch.cdp_mapping.direction IS 'As in cdp_project, with day_offset';
COMMENT ON COLUMN smartlaunch.cdp_mapping.removed_at IS 'When it was taken out of the mapping; null: it is in it';

CREATE TABLE smartlaunch.cdp_preview (
    project  text NOT NULL REFERENCES smartlaunch.cdp_project (project),
    position integer NOT NULL CHECK (position BETWEEN 1 AND 5),
    source   text NOT NULL,
    PRIMARY KEY (project, position)
);
COMMENT ON TABLE smartlaunch.cdp_preview IS 'What is shown to make sure that this is the patient';
COMMENT ON COLUMN smartlaunch.cdp_preview.project IS 'cdp_project.project';
COMMENT ON COLUMN smartlaunch.cdp_preview.position IS 'Order on the screen';
COMMENT ON COLUMN smartlaunch.cdp_preview.source IS 'Field of the EHR';

CREATE TABLE smartlaunch.cdp_right (
    project    text NOT NULL,
    app_user   text NOT NULL,
    may        text NOT NULL CHECK (may IN ('setup', 'adjudicate')),
    granted_at timestamptz NOT NULL DEFAULT now(),
    granted_by text NOT NULL,
    PRIMARY KEY (project, app_user, may)
);
COMMENT ON TABLE smartlaunch.cdp_right IS 'Who may do what in a project; no row, no right';
COMMENT ON COLUMN smartlaunch.cdp_right.project IS 'Name of the project: <SmartCDPProject name>';
COMMENT ON COLUMN smartlaunch.cdp_right.app_user IS 'User name in the application';
COMMENT ON COLUMN smartlaunch.cdp_right.may IS 'setup (change the mapping, give rights) or adjudicate (fetch, see and save values)';
COMMENT ON COLUMN smartlaunch.cdp_right.granted_at IS 'When it was given';
COMMENT ON COLUMN smartlaunch.cdp_right.granted_by IS 'Who gave it: application user, or operating system user of smartlaunchctl';

CREATE TABLE smartlaunch.cdp_record (
    project         text NOT NULL,
    record          text NOT NULL,
    mrn_sealed      bytea,
    mrn_key         text,
    mrn_print       bytea CHECK (octet_length(mrn_print) = 32),
    patient         text,
    dates_sealed    bytea,
    dates_key       text,
    state           text NOT NULL DEFAULT 'idle' CHECK (state IN ('idle', 'queued', 'fetching')),
    fetched_at      timestamptz,
    fetched_by      text,
    outcome         text CHECK (outcome IN ('ok', 'partial', 'failed', 'protected', 'not_found', 'ambiguous', 'relaunch')),
    warnings_sealed bytea,
    warnings_key    text,
    version         bigint NOT NULL DEFAULT 1,
    has_future      boolean NOT NULL DEFAULT false,
    active_at       timestamptz NOT NULL DEFAULT now(),
    due_at          timestamptz,
    once_more       boolean NOT NULL DEFAULT false,
    lease           bigint,
    lease_until     timestamptz,
    lease_by        text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project, record),
    CHECK ((mrn_sealed IS NULL) = (mrn_print IS NULL)),
    CHECK ((mrn_sealed IS NULL) = (mrn_key IS NULL)),
    CHECK ((dates_sealed IS NULL) = (dates_key IS NULL)),
    CHECK ((warnings_sealed IS NULL) = (warnings_key IS NULL)),
    CHECK ((state = 'fetching') = (lease IS NOT NULL)),
    CHECK (state = 'fetching' OR NOT once_more),
    CHECK ((lease IS NULL) = (lease_until IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX cdp_record_due ON smartlaunch.cdp_record (project, fetched_at) WHERE state <> 'fetching';
CREATE INDEX cdp_record_leased ON smartlaunch.cdp_record (lease_until) WHERE state = 'fetching';
COMMENT ON TABLE smartlaunch.cdp_record IS 'Records of a project that have, or had, a patient';
COMMENT ON COLUMN smartlaunch.cdp_record.project IS 'Name of the project: <SmartCDPProject name>';
COMMENT ON COLUMN smartlaunch.cdp_record.record IS 'Name of the record in the project';
COMMENT ON COLUMN smartlaunch.cdp_record.mrn_sealed IS 'Medical record number, sealed';
COMMENT ON COLUMN smartlaunch.cdp_record.mrn_key IS 'Key of the key ring that sealed mrn_sealed';
COMMENT ON COLUMN smartlaunch.cdp_record.mrn_print IS 'Keyed fingerprint of the medical record number in this record';
COMMENT ON COLUMN smartlaunch.cdp_record.patient IS 'FHIR id of the patient, once found';
COMMENT ON COLUMN smartlaunch.cdp_record.dates_sealed IS 'Date fields as the app gave them with its last fetch, sealed; null: the app is asked';
COMMENT ON COLUMN smartlaunch.cdp_record.dates_key IS 'Key of the key ring that sealed dates_sealed';
COMMENT ON COLUMN smartlaunch.cdp_record.state IS 'idle, queued (waits for the watchdog) or fetching';
COMMENT ON COLUMN smartlaunch.cdp_record.fetched_at IS 'When a fetch ended last';
COMMENT ON COLUMN smartlaunch.cdp_record.fetched_by IS 'Application user whose fetch was the last to succeed; unattended ones use his token';
COMMENT ON COLUMN smartlaunch.cdp_record.outcome IS 'Of the last fetch: ok, partial, failed, protected, not_found, ambiguous, relaunch';
COMMENT ON COLUMN smartlaunch.cdp_record.warnings_sealed IS 'What the EHR said besides, sealed; null: nothing';
COMMENT ON COLUMN smartlaunch.cdp_record.warnings_key IS 'Key of the key ring that sealed warnings_sealed';
COMMENT ON COLUMN smartlaunch.cdp_record.version IS 'Goes up by one with each decision, another patient, another mapping: a form made before is refused';
COMMENT ON COLUMN smartlaunch.cdp_record.has_future IS 'A date of the record lies ahead: it is fetched again however quiet it is';
COMMENT ON COLUMN smartlaunch.cdp_record.active_at IS 'When somebody last worked on it';
COMMENT ON COLUMN smartlaunch.cdp_record.due_at IS 'After trouble: not fetched unattended before then';
COMMENT ON COLUMN smartlaunch.cdp_record.once_more IS 'Asked for again while it was being fetched: it waits for the watchdog afterwards';
COMMENT ON COLUMN smartlaunch.cdp_record.lease IS 'Which fetch has it for itself';
COMMENT ON COLUMN smartlaunch.cdp_record.lease_until IS 'Until when; then another may take it';
COMMENT ON COLUMN smartlaunch.cdp_record.lease_by IS 'Host and process of that fetch';
COMMENT ON COLUMN smartlaunch.cdp_record.created_at IS 'When it was made';

CREATE TABLE smartlaunch.cdp_value (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project       text NOT NULL,
    record        text NOT NULL,
    mapping       bigint NOT NULL REFERENCES smartlaunch.cdp_mapping (id),
    instance      integer NOT NULL DEFAULT 0 CHECK (instance >= 0),
    taken_at      timestamp,
    date_only     boolean NOT NULL DEFAULT false,
    unit          text,
    value_print   bytea NOT NULL CHECK (octet_length(value_print) = 32),
    value_sealed  bytea,
    key_id        text NOT NULL,
    origin_prints bytea[] CHECK (cardinality(origin_prints) > 0),
    state         text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'saved', 'passed', 'excluded', 'superseded', 'lapsed')),
    revised       text CHECK (revised IN ('corrected', 'withdrawn')),
    settled       boolean NOT NULL DEFAULT false,
    held_at       timestamptz NOT NULL DEFAULT now(),
    decided_at    timestamptz,
    decided_by    text,
    decision      uuid,
    FOREIGN KEY (project, record) REFERENCES smartlaunch.cdp_record (project, record),
    CHECK ((state IN ('new', 'excluded')) = (value_sealed IS NOT NULL)),
    CHECK (NOT settled OR (state = 'saved' AND decision IS NULL)),
    CHECK (revised IS NULL OR state IN ('saved', 'passed', 'excluded')),
    CHECK (taken_at IS NOT NULL OR NOT date_only)
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX cdp_value_once ON smartlaunch.cdp_value
    (project, record, mapping, instance, taken_at, date_only, value_print)
    WHERE taken_at IS NOT NULL AND state <> 'superseded';
CREATE UNIQUE INDEX cdp_value_one_time ON smartlaunch.cdp_value (project, record, mapping, instance)
    WHERE taken_at IS NULL AND state = 'new';
CREATE INDEX cdp_value_newest ON smartlaunch.cdp_value (project, record, mapping, instance, id DESC)
    WHERE taken_at IS NULL;
CREATE INDEX cdp_value_open ON smartlaunch.cdp_value (project, record, mapping, instance)
    WHERE state IN ('new', 'excluded');
CREATE INDEX cdp_value_keep ON smartlaunch.cdp_value (project, held_at) WHERE state = 'new';
CREATE INDEX cdp_value_origin ON smartlaunch.cdp_value USING gin (origin_prints) WITH (fastupdate = off)
    WHERE origin_prints IS NOT NULL;
CREATE INDEX cdp_value_mapping ON smartlaunch.cdp_value (mapping);
CREATE INDEX cdp_value_key ON smartlaunch.cdp_value (key_id, id) WHERE value_sealed IS NOT NULL;
COMMENT ON TABLE smartlaunch.cdp_value IS 'The holding area: values of the EHR until somebody decides, and afterwards only that they were there, so that nothing is offered twice';
COMMENT ON COLUMN smartlaunch.cdp_value.id IS 'Name of the value; a later one is higher';
COMMENT ON COLUMN smartlaunch.cdp_value.project IS 'cdp_record.project';
COMMENT ON COLUMN smartlaunch.cdp_value.record IS 'cdp_record.record';
COMMENT ON COLUMN smartlaunch.cdp_value.mapping IS 'cdp_mapping.id: which field it may go to';
COMMENT ON COLUMN smartlaunch.cdp_value.instance IS 'Of a repeating instrument or event; 0: none';
COMMENT ON COLUMN smartlaunch.cdp_value.taken_at IS 'Wall clock time of the value, without a zone; null: not by time';
COMMENT ON COLUMN smartlaunch.cdp_value.date_only IS 'The EHR gave a date without a time of day';
COMMENT ON COLUMN smartlaunch.cdp_value.unit IS 'UCUM code or unit as the EHR has it; null: none';
COMMENT ON COLUMN smartlaunch.cdp_value.value_print IS 'Keyed fingerprint of the value in this record and field';
COMMENT ON COLUMN smartlaunch.cdp_value.value_sealed IS 'The value, sealed; null once it was decided';
COMMENT ON COLUMN smartlaunch.cdp_value.key_id IS 'Key of the key ring that sealed value_sealed';
COMMENT ON COLUMN smartlaunch.cdp_value.origin_prints IS 'Keyed fingerprints of the resources of the EHR that say so, in this record: several where the EHR has a result twice; null: not known, or not one resource alone';
COMMENT ON COLUMN smartlaunch.cdp_value.state IS 'new, saved, passed (shown, and another one was saved), excluded, superseded (the EHR has another by now, or has withdrawn it), lapsed (nobody decided within SmartCDPKeep)';
COMMENT ON COLUMN smartlaunch.cdp_value.revised IS 'Decided, and since then the EHR has corrected (has another value, time or unit) or withdrawn it; null: it has not';
COMMENT ON COLUMN smartlaunch.cdp_value.settled IS 'The project had the same value already: nobody was asked';
COMMENT ON COLUMN smartlaunch.cdp_value.held_at IS 'When it was fetched';
COMMENT ON COLUMN smartlaunch.cdp_value.decided_at IS 'When it got its state; null: new';
COMMENT ON COLUMN smartlaunch.cdp_value.decided_by IS 'Application user who decided; SYSTEM: nobody';
COMMENT ON COLUMN smartlaunch.cdp_value.decision IS 'The Save it belonged to, as in cdp_outbox; null: none';

CREATE TABLE smartlaunch.cdp_view (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT now(),
    project   text NOT NULL,
    record    text NOT NULL,
    app_user  text NOT NULL,
    value     bigint NOT NULL,
    source    text NOT NULL,
    event     text NOT NULL,
    instance  integer NOT NULL,
    field     text NOT NULL,
    taken_at  timestamp,
    date_only boolean NOT NULL DEFAULT false,
    launch    text,
    reference text
);
CREATE INDEX cdp_view_record ON smartlaunch.cdp_view (project, record, at DESC);
COMMENT ON TABLE smartlaunch.cdp_view IS 'Who was shown which held value, and when; only ever added to';
COMMENT ON COLUMN smartlaunch.cdp_view.id IS 'Running number';
COMMENT ON COLUMN smartlaunch.cdp_view.at IS 'When';
COMMENT ON COLUMN smartlaunch.cdp_view.project IS 'As in cdp_record';
COMMENT ON COLUMN smartlaunch.cdp_view.record IS 'As in cdp_record';
COMMENT ON COLUMN smartlaunch.cdp_view.app_user IS 'User name in the application';
COMMENT ON COLUMN smartlaunch.cdp_view.value IS 'cdp_value.id, which may be gone';
COMMENT ON COLUMN smartlaunch.cdp_view.source IS 'As in cdp_mapping';
COMMENT ON COLUMN smartlaunch.cdp_view.event IS 'As in cdp_mapping';
COMMENT ON COLUMN smartlaunch.cdp_view.instance IS 'As in cdp_value';
COMMENT ON COLUMN smartlaunch.cdp_view.field IS 'As in cdp_mapping';
COMMENT ON COLUMN smartlaunch.cdp_view.taken_at IS 'As in cdp_value';
COMMENT ON COLUMN smartlaunch.cdp_view.date_only IS 'As in cdp_value';
COMMENT ON COLUMN smartlaunch.cdp_view.launch IS 'launch.id; null: signed in otherwise';
COMMENT ON COLUMN smartlaunch.cdp_view.reference IS 'Reference of the request';

CREATE TABLE smartlaunch.cdp_log (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT now(),
    project   text NOT NULL,
    record    text NOT NULL,
    app_user  text NOT NULL,
    what      text NOT NULL,
    value     bigint,
    source    text,
    event     text,
    instance  integer,
    field     text,
    taken_at  timestamp,
    date_only boolean NOT NULL DEFAULT false,
    detail    text,
    reference text
);
CREATE INDEX cdp_log_record ON smartlaunch.cdp_log (project, record, id DESC);
COMMENT ON TABLE smartlaunch.cdp_log IS 'Who did what to a record, without values; only ever added to';
COMMENT ON COLUMN smartlaunch.cdp_log.id IS 'Running number';
COMMENT ON COLUMN smartlaunch.cdp_log.at IS 'When';
COMMENT ON COLUMN smartlaunch.cdp_log.project IS 'As in cdp_record';
COMMENT ON COLUMN smartlaunch.cdp_log.record IS 'As in cdp_record';
COMMENT ON COLUMN smartlaunch.cdp_log.app_user IS 'User name in the application; SYSTEM: nobody';
COMMENT ON COLUMN smartlaunch.cdp_log.what IS 'fetched, purged, saved, passed, excluded, included, delivered, refused, …';
COMMENT ON COLUMN smartlaunch.cdp_log.value IS 'cdp_value.id, which may be gone; null: about the whole record';
COMMENT ON COLUMN smartlaunch.cdp_log.source IS 'As in cdp_mapping; null: about the whole record';
COMMENT ON COLUMN smartlaunch.cdp_log.event IS 'As in cdp_mapping';
COMMENT ON COLUMN smartlaunch.cdp_log.instance IS 'As in cdp_value';
COMMENT ON COLUMN smartlaunch.cdp_log.field IS 'As in cdp_mapping';
COMMENT ON COLUMN smartlaunch.cdp_log.taken_at IS 'As in cdp_value';
COMMENT ON COLUMN smartlaunch.cdp_log.date_only IS 'As in cdp_value';
COMMENT ON COLUMN smartlaunch.cdp_log.detail IS 'In plain words, never a value, a date or a number of the patient; null: none';
COMMENT ON COLUMN smartlaunch.cdp_log.reference IS 'Reference of the request; null: none';

CREATE TABLE smartlaunch.cdp_outbox (
    key           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    seq           bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    project       text NOT NULL,
    record        text NOT NULL,
    decision      uuid NOT NULL,
    event         text NOT NULL,
    instance      integer NOT NULL,
    field         text NOT NULL,
    value_id      bigint NOT NULL,
    value_sealed  bytea,
    key_id        text NOT NULL,
    saved_by      text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    state         text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'refused', 'replaced')),
    aside_at      timestamptz,
    tries         integer NOT NULL DEFAULT 0,
    due_at        timestamptz NOT NULL DEFAULT now(),
    lease_until   timestamptz,
    lease_by      text,
    reason_sealed bytea,
    reason_key    text,
    delivered_at  timestamptz,
    FOREIGN KEY (project, record) REFERENCES smartlaunch.cdp_record (project, record),
    CHECK (state <> 'waiting' OR value_sealed IS NOT NULL),
    CHECK (state <> 'replaced' OR value_sealed IS NULL),
    CHECK (aside_at IS NULL OR state = 'waiting'),
    CHECK (state <> 'delivered' OR (value_sealed IS NULL AND delivered_at IS NOT NULL)),
    CHECK ((reason_sealed IS NULL) = (reason_key IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX cdp_outbox_waiting ON smartlaunch.cdp_outbox (project, record, seq) WHERE state = 'waiting';
CREATE INDEX cdp_outbox_due ON smartlaunch.cdp_outbox (project, due_at) WHERE state = 'waiting';
CREATE INDEX cdp_outbox_target ON smartlaunch.cdp_outbox (project, record, event, instance, field, seq DESC);
CREATE INDEX cdp_outbox_key ON smartlaunch.cdp_outbox (key_id, seq) WHERE value_sealed IS NOT NULL;
COMMENT ON TABLE smartlaunch.cdp_outbox IS 'Saved values on their way to the app, in order per record; written with the decision, delivered at least once';
COMMENT ON COLUMN smartlaunch.cdp_outbox.key IS 'Idempotency key: the app may see it twice';
COMMENT ON COLUMN smartlaunch.cdp_outbox.seq IS 'Order of delivery within a record';
COMMENT ON COLUMN smartlaunch.cdp_outbox.project IS 'cdp_record.project';
COMMENT ON COLUMN smartlaunch.cdp_outbox.record IS 'cdp_record.record';
COMMENT ON COLUMN smartlaunch.cdp_outbox.decision IS 'What was saved with one click has one';
COMMENT ON COLUMN smartlaunch.cdp_outbox.event IS 'As in cdp_mapping';
COMMENT ON COLUMN smartlaunch.cdp_outbox.instance IS 'As in cdp_value';
COMMENT ON COLUMN smartlaunch.cdp_outbox.field IS 'As in cdp_mapping';
COMMENT ON COLUMN smartlaunch.cdp_outbox.value_id IS 'cdp_value.id, which may be gone';
COMMENT ON COLUMN smartlaunch.cdp_outbox.value_sealed IS 'What is written into the field, sealed; null once it is there';
COMMENT ON COLUMN smartlaunch.cdp_outbox.key_id IS 'Key of the key ring that sealed value_sealed';
COMMENT ON COLUMN smartlaunch.cdp_outbox.saved_by IS 'Application user who saved it; SYSTEM: nobody';
COMMENT ON COLUMN smartlaunch.cdp_outbox.created_at IS 'When it was saved';
COMMENT ON COLUMN smartlaunch.cdp_outbox.state IS 'waiting, delivered, refused (by the app), or replaced (put aside, and a person saved another value meanwhile)';
COMMENT ON COLUMN smartlaunch.cdp_outbox.aside_at IS 'Put aside since then, because its key is not in the key ring; it goes when the key is back; null: it is not';
COMMENT ON COLUMN smartlaunch.cdp_outbox.tries IS 'How often delivery began';
COMMENT ON COLUMN smartlaunch.cdp_outbox.due_at IS 'When it is tried, or tried again';
COMMENT ON COLUMN smartlaunch.cdp_outbox.lease_until IS 'Until when somebody is delivering it';
COMMENT ON COLUMN smartlaunch.cdp_outbox.lease_by IS 'Host and process that is delivering it';
COMMENT ON COLUMN smartlaunch.cdp_outbox.reason_sealed IS 'Why the app refused it, in its own words, which may hold the value: sealed';
COMMENT ON COLUMN smartlaunch.cdp_outbox.reason_key IS 'Key of the key ring that sealed reason_sealed';
COMMENT ON COLUMN smartlaunch.cdp_outbox.delivered_at IS 'When the app had it';

CREATE VIEW smartlaunch.cdp_status AS
SELECT r.project, r.record, r.mrn_sealed IS NOT NULL AS has_mrn, r.patient, r.state, r.fetched_at,
       r.fetched_by, r.outcome, r.active_at, r.has_future, r.due_at, r.lease_until, r.lease_by,
       v.new_values, v.saved, v.passed, v.excluded, v.superseded, v.lapsed, o.waiting, o.refused, o.delivered,
       o.aside, o.missing_keys
FROM smartlaunch.cdp_record r
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'new') AS new_values,
           count(*) FILTER (WHERE state = 'saved') AS saved,
           count(*) FILTER (WHERE state = 'passed') AS passed,
           count(*) FILTER (WHERE state = 'excluded') AS excluded,
           count(*) FILTER (WHERE state = 'superseded') AS superseded,
           count(*) FILTER (WHERE state = 'lapsed') AS lapsed
    FROM smartlaunch.cdp_value WHERE project = r.project AND record = r.record) v
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
           count(*) FILTER (WHERE state = 'refused') AS refused,
           count(*) FILTER (WHERE state = 'delivered') AS delivered,
           count(*) FILTER (WHERE aside_at IS NOT NULL) AS aside,
           string_agg(DISTINCT key_id, ' ') FILTER (WHERE aside_at IS NOT NULL) AS missing_keys
    FROM smartlaunch.cdp_outbox WHERE project = r.project AND record = r.record) o;
COMMENT ON VIEW smartlaunch.cdp_status IS 'Records of the Clinical Data Pull: state of fetching, how many values, what is on its way; nothing that is sealed';
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN
        SELECT va.attname AS column_name, col_description(t.oid, ta.attnum) AS words
        FROM pg_attribute va
        JOIN pg_class t ON t.oid = 'smartlaunch.cdp_record'::regclass
        JOIN pg_attribute ta ON ta.attrelid = t.oid AND ta.attname = va.attname
        WHERE va.attrelid = 'smartlaunch.cdp_status'::regclass AND va.attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN smartlaunch.cdp_status.%I IS %L', c.column_name, c.words);
    END LOOP;
END $$;
COMMENT ON COLUMN smartlaunch.cdp_status.has_mrn IS 'A medical record number is known';
COMMENT ON COLUMN smartlaunch.cdp_status.new_values IS 'Values that wait for a decision';
COMMENT ON COLUMN smartlaunch.cdp_status.saved IS 'Values that were saved, or that the project had already';
COMMENT ON COLUMN smartlaunch.cdp_status.passed IS 'Values that were shown when another one was saved';
COMMENT ON COLUMN smartlaunch.cdp_status.excluded IS 'Values that somebody excluded';
COMMENT ON COLUMN smartlaunch.cdp_status.superseded IS 'Values that the EHR has replaced or withdrawn before anybody decided';
COMMENT ON COLUMN smartlaunch.cdp_status.lapsed IS 'Values that nobody decided on in time; who fetches the record gets them again';
COMMENT ON COLUMN smartlaunch.cdp_status.waiting IS 'Saved values on their way to the app';
COMMENT ON COLUMN smartlaunch.cdp_status.refused IS 'Saved values that the app refused';
COMMENT ON COLUMN smartlaunch.cdp_status.delivered IS 'Saved values that the app has';
COMMENT ON COLUMN smartlaunch.cdp_status.aside IS 'Of those on their way: put aside, because their key is not in the key ring';
COMMENT ON COLUMN smartlaunch.cdp_status.missing_keys IS 'Names of the keys that these wait for; null: none';

-- A decision, all of it or nothing. Rows are locked in one order, the record first, so that two
-- never wait for each other; what is decided is erased at once. `ask`: version, seen, by, reference,
-- choose [{value, key, sealed (base64), key_id, event, instance, field}], exclude [id], include [id],
-- unseen [id]: what could not be read stays, whatever was chosen beside it.
-- No row: somebody decided meanwhile, or the EHR has replaced one of the values.
CREATE FUNCTION smartlaunch.cdp_decide(of_project text, of_record text, decision_id uuid, ask jsonb)
    RETURNS TABLE (saved integer, passed integer, excluded integer, included integer)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    who CONSTANT text := ask->>'by';
    chosen CONSTANT bigint[] := ARRAY(SELECT (c->>'value')::bigint FROM jsonb_array_elements(ask->'choose') c);
    shut CONSTANT bigint[] := ARRAY(SELECT jsonb_array_elements_text(ask->'exclude')::bigint);
    opened CONSTANT bigint[] := ARRAY(SELECT jsonb_array_elements_text(ask->'include')::bigint);
    unseen CONSTANT bigint[] := ARRAY(SELECT jsonb_array_elements_text(ask->'unseen')::bigint);
    passed_over bigint[];
BEGIN
    PERFORM 1 FROM smartlaunch.cdp_record r
    WHERE r.project = of_project AND r.record = of_record AND r.version = (ask->>'version')::bigint
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM 1 FROM smartlaunch.cdp_value v WHERE v.id = ANY (chosen || shut || opened)
    ORDER BY v.id FOR UPDATE;
    IF EXISTS (
        SELECT 1
        FROM (SELECT unnest(chosen) AS id, 'new' AS state UNION ALL SELECT unnest(shut), 'new'
              UNION ALL SELECT unnest(opened), 'excluded') a
        LEFT JOIN smartlaunch.cdp_value v
            ON v.id = a.id AND v.project = of_project AND v.record = of_record
            AND (v.state = a.state OR (v.state = 'saved' AND NOT v.settled AND a.id = ANY (chosen)))
            AND v.revised IS NULL
        WHERE v.id IS NULL)
       OR EXISTS ( -- the EHR has another by now
        SELECT 1 FROM smartlaunch.cdp_value v JOIN smartlaunch.cdp_value n
            ON n.project = v.project AND n.record = v.record AND n.mapping = v.mapping
            AND n.instance = v.instance AND n.taken_at IS NULL AND n.id > v.id
        WHERE v.id = ANY (opened) AND v.taken_at IS NULL) THEN
        RETURN;
    END IF;

    UPDATE smartlaunch.cdp_record r SET version = r.version + 1, active_at = now()
    WHERE r.project = of_project AND r.record = of_record;

    UPDATE smartlaunch.cdp_value v
    SET state = 'excluded', decided_at = now(), decided_by = who, decision = decision_id
    WHERE v.id = ANY (shut);
    -- What the app refused before is not offered again once something else was chosen.
    UPDATE smartlaunch.cdp_outbox o SET value_sealed = NULL
    FROM jsonb_to_recordset(ask->'choose') AS c (event text, instance integer, field text)
    WHERE o.project = of_project AND o.record = of_record AND o.event = c.event
      AND o.instance = c.instance AND o.field = c.field AND o.state = 'refused'
      AND o.value_sealed IS NOT NULL;
    -- What cannot be read here would hold up what a person saves in its place.
    UPDATE smartlaunch.cdp_outbox o
    SET state = 'replaced', value_sealed = NULL, aside_at = NULL, lease_until = NULL, lease_by = NULL
    FROM jsonb_to_recordset(ask->'choose') AS c (event text, instance integer, field text)
    WHERE o.project = of_project AND o.record = of_record AND o.event = c.event
      AND o.instance = c.instance AND o.field = c.field AND o.aside_at IS NOT NULL;
    INSERT INTO smartlaunch.cdp_outbox
        (key, project, record, decision, event, instance, field, value_id, value_sealed, key_id, saved_by)
    SELECT c.key, of_project, of_record, decision_id, c.event, c.instance, c.field, c.value,
           decode(c.sealed, 'base64'), c.key_id, who
    FROM jsonb_to_recordset(ask->'choose') AS c
        (value bigint, key uuid, sealed text, key_id text, event text, instance integer, field text)
    ORDER BY c.event, c.instance, c.value;
    UPDATE smartlaunch.cdp_value v
    SET state = 'saved', value_sealed = NULL, decided_at = now(), decided_by = who, decision = decision_id
    WHERE v.id = ANY (chosen);
    -- Only what stood on the form is passed over: what was fetched since is new still.
    WITH done AS (
        UPDATE smartlaunch.cdp_value v
        SET state = 'passed', value_sealed = NULL, decided_at = now(), decided_by = who, decision = decision_id
        FROM jsonb_to_recordset(ask->'choose') AS c (event text, instance integer, field text)
        JOIN smartlaunch.cdp_mapping m ON m.project = of_project AND m.event = c.event AND m.field = c.field
        WHERE v.project = of_project AND v.record = of_record AND v.mapping = m.id
          AND v.instance = c.instance AND v.state = 'new' AND v.id <= (ask->>'seen')::bigint
          AND v.id <> ALL (unseen)
        RETURNING v.id)
    SELECT array_agg(id) INTO passed_over FROM done;
    UPDATE smartlaunch.cdp_value v
    SET state = 'new', decided_at = now(), decided_by = who, decision = decision_id
    WHERE v.id = ANY (opened);

    INSERT INTO smartlaunch.cdp_log
        (project, record, app_user, what, value, source, event, instance, field, taken_at, date_only, reference)
    SELECT of_project, of_record, who, CASE v.state WHEN 'new' THEN 'included' ELSE v.state END, v.id,
           m.source, m.event, v.instance, m.field, v.taken_at, v.date_only, ask->>'reference'
    FROM smartlaunch.cdp_value v JOIN smartlaunch.cdp_mapping m ON m.id = v.mapping
    WHERE v.id = ANY (chosen || passed_over || shut || opened) ORDER BY v.id;
    RETURN QUERY SELECT cardinality(chosen), coalesce(cardinality(passed_over), 0), cardinality(shut),
                        cardinality(opened);
END $$;
COMMENT ON FUNCTION smartlaunch.cdp_decide(text, text, uuid, jsonb) IS
    'Save, exclude and offer again as a person decided, with the outbox and the log, if the record still has the version the form was made from; no row: it has not';

-- Functions: one for each thing that takes more than one statement, with the caller's rights. Who
-- locks several of these rows locks the project first, then the record.

-- Everything that came of a patient who is not this record's any more: never mixed with another's.
CREATE FUNCTION smartlaunch.cdp_forget(of_project text, of_record text, by_user text, because text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM smartlaunch.cdp_outbox o WHERE o.project = of_project AND o.record = of_record;
    DELETE FROM smartlaunch.cdp_value v WHERE v.project = of_project AND v.record = of_record;
    UPDATE smartlaunch.cdp_record r
    SET patient = NULL, version = r.version + 1, has_future = false, outcome = NULL, fetched_at = NULL,
        warnings_sealed = NULL, warnings_key = NULL
    WHERE r.project = of_project AND r.record = of_record;
    INSERT INTO smartlaunch.cdp_log (project, record, app_user, what, detail)
    VALUES (of_project, of_record, by_user, 'purged', because);
END $$;
COMMENT ON FUNCTION smartlaunch.cdp_forget(text, text, text, text) IS
    'Delete all values of a record, held, decided or on their way: they are another patient''s';

-- A person wants to fetch a record. Returns the record as it is afterwards: its lease is new_lease
-- if it was had; no row if there is nothing to look for. Only one fetch has a record at a time.
CREATE FUNCTION smartlaunch.cdp_claim(of_project text, of_record text, asked jsonb)
RETURNS SETOF smartlaunch.cdp_record LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    r smartlaunch.cdp_record;
    print bytea := decode(asked->>'print', 'hex');
BEGIN
    IF print IS NOT NULL THEN
        INSERT INTO smartlaunch.cdp_record (project, record) VALUES (of_project, of_record)
        ON CONFLICT DO NOTHING;
    END IF;
    SELECT * INTO r FROM smartlaunch.cdp_record c
    WHERE c.project = of_project AND c.record = of_record FOR UPDATE;
    IF NOT FOUND OR coalesce(print, r.mrn_print) IS NULL THEN
        RETURN;
    END IF;
    IF r.state = 'fetching' AND r.lease_until > clock_timestamp() THEN
        RETURN NEXT r;
        RETURN;
    END IF;
    -- Unattended fetches leave alone what nobody wanted in time; a person asks for it anew.
    DELETE FROM smartlaunch.cdp_value v
    WHERE v.project = of_project AND v.record = of_record AND v.state = 'lapsed';
    IF r.mrn_print <> print THEN
        PERFORM smartlaunch.cdp_forget(of_project, of_record, asked->>'by', 'another medical record number');
        -- Who fetched the other patient has not asked for this one: not with his token.
        UPDATE smartlaunch.cdp_record c SET fetched_by = NULL
        WHERE c.project = of_project AND c.record = of_record;
    END IF;
    IF print IS NOT NULL THEN
        UPDATE smartlaunch.cdp_record c
        SET mrn_sealed = decode(asked->>'mrn', 'base64'), mrn_key = asked->>'key', mrn_print = print
        WHERE c.project = of_project AND c.record = of_record;
    END IF;
    IF asked->>'dates' IS NOT NULL THEN
        UPDATE smartlaunch.cdp_record c
        SET dates_sealed = decode(asked->>'dates', 'base64'), dates_key = asked->>'key'
        WHERE c.project = of_project AND c.record = of_record;
    END IF;
    RETURN QUERY UPDATE smartlaunch.cdp_record c
    SET state = 'fetching', once_more = false, lease = (asked->>'lease')::bigint,
        lease_by = asked->>'host',
        lease_until = clock_timestamp() + (asked->>'length')::bigint * interval '1 microsecond',
        active_at = now()
    WHERE c.project = of_project AND c.record = of_record
    RETURNING c.*;
END $$;
COMMENT ON FUNCTION smartlaunch.cdp_claim(text, text, jsonb) IS
    'Take a record for a fetch; with another medical record number everything of the old patient goes';

-- The patient behind the number. False: the claim is not ours any more.
CREATE FUNCTION smartlaunch.cdp_patient(of_project text, of_record text, by_lease bigint, by_user text,
    now_patient text)
RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    was text;
BEGIN
    SELECT c.patient INTO was FROM smartlaunch.cdp_record c
    WHERE c.project = of_project AND c.record = of_record AND c.lease = by_lease FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF was <> now_patient THEN
        PERFORM smartlaunch.cdp_forget(of_project, of_record, by_user, 'another patient has this number now');
    END IF;
    UPDATE smartlaunch.cdp_record c SET patient = now_patient
    WHERE c.project = of_project AND c.record = of_record;
    RETURN true;
END $$;
COMMENT ON FUNCTION smartlaunch.cdp_patient(text, text, bigint, text, text) IS
    'Note the patient of a record; where it was another one, his values go';

-- What was saved and is put aside for want of its key, and the EHR has still: offered once more, so
-- that somebody can decide again. Forms from before do not know of it. Returns how many.
CREATE FUNCTION smartlaunch.cdp_offer_again(of_project text, of_record text, seal_key text, items jsonb)
RETURNS integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    n integer;
BEGIN
    UPDATE smartlaunch.cdp_value v
    SET state = 'new', value_sealed = decode(x.sealed, 'base64'), key_id = seal_key, unit = x.unit,
        held_at = now(), decided_at = NULL, decided_by = NULL, decision = NULL, revised = NULL
    FROM smartlaunch.cdp_outbox o, jsonb_to_recordset(items) AS x (mapping bigint, instance integer,
        taken timestamp, day boolean, unit text, print text, sealed text, settled boolean)
    WHERE o.project = of_project AND o.record = of_record AND o.aside_at IS NOT NULL
      AND v.id = o.value_id AND v.project = of_project AND v.record = of_record AND v.state = 'saved'
      AND x.mapping = v.mapping AND x.instance = v.instance AND x.taken IS NOT DISTINCT FROM v.taken_at
      AND (x.taken IS NULL OR x.day = v.date_only) AND decode(x.print, 'hex') = v.value_print
      AND NOT coalesce(x.settled, false)
      AND NOT EXISTS (SELECT 1 FROM smartlaunch.cdp_value l
          WHERE v.taken_at IS NULL AND l.project = of_project AND l.record = of_record
            AND l.mapping = v.mapping AND l.instance = v.instance AND l.taken_at IS NULL AND l.id > v.id);
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n > 0 THEN
        UPDATE smartlaunch.cdp_record r SET version = r.version + 1
        WHERE r.project = of_project AND r.record = of_record;
    END IF;
    RETURN n;
END $$;
COMMENT ON FUNCTION smartlaunch.cdp_offer_again(text, text, text, jsonb) IS
    'What is put aside, because its key is missing, and was fetched anew can be decided about again';

-- What was held of resources that say something else now. `seen`: origins [{print, gone}], the
-- resources of a page, gone: whatever was held of it is not so any more; wants [{mapping, instance,
-- opens, closes}], what the page was read for: nothing else is judged by what it says. A value that
-- another resource says as well stays. An unchanged page changes no row.
CREATE FUNCTION smartlaunch.cdp_revise(of_project text, of_record text, items jsonb, seen jsonb)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    WITH origin AS (
        SELECT decode(x.print, 'hex') AS print, bool_and(x.gone) AS gone
        FROM jsonb_to_recordset(seen->'origins') AS x (print text, gone boolean) GROUP BY 1
    ), want AS (
        SELECT x.* FROM jsonb_to_recordset(seen->'wants')
            AS x (mapping bigint, instance integer, opens timestamp, closes timestamp)
    ), said AS (
        SELECT x.mapping, x.instance, x.taken, x.day, decode(x.print, 'hex') AS value_print,
               decode(x.origin, 'hex') AS origin
        FROM jsonb_to_recordset(items) AS x (mapping bigint, instance integer, taken timestamp,
            day boolean, print text, origin text)
        WHERE x.taken IS NOT NULL AND x.origin IS NOT NULL
    ), unsaid AS (
        SELECT v.id, o.print, EXISTS (SELECT 1 FROM said s WHERE s.origin = o.print
                   AND s.mapping = v.mapping AND s.instance = v.instance) AS has_other
        FROM smartlaunch.cdp_value v JOIN origin o ON o.print = ANY (v.origin_prints)
        WHERE v.project = of_project AND v.record = of_record
          AND v.origin_prints && ARRAY(SELECT print FROM origin)
          AND (o.gone OR EXISTS (SELECT 1 FROM want w
                   WHERE w.mapping = v.mapping AND w.instance = v.instance AND v.taken_at <= w.closes
                     AND v.taken_at + CASE WHEN v.date_only THEN interval '86399 seconds'
                                           ELSE interval '0' END >= w.opens))
          AND NOT EXISTS (SELECT 1 FROM said s WHERE s.origin = o.print AND s.mapping = v.mapping
                   AND s.instance = v.instance AND s.taken = v.taken_at AND s.day = v.date_only
                   AND s.value_print = v.value_print)
    ), found AS (
        SELECT v.id, v.state IN ('new', 'lapsed') AS is_new,
               ARRAY(SELECT p FROM unnest(v.origin_prints) p WHERE p <> ALL (u.prints)) AS others,
               CASE WHEN u.has_other THEN 'corrected' ELSE 'withdrawn' END AS word
        FROM (SELECT id, array_agg(print) AS prints, bool_or(has_other) AS has_other
              FROM unsaid GROUP BY id) u JOIN smartlaunch.cdp_value v USING (id)
    ), gone AS (
        UPDATE smartlaunch.cdp_value v
        SET state = 'superseded', value_sealed = NULL, origin_prints = NULL, decided_at = now(),
            decided_by = 'SYSTEM'
        FROM found f WHERE v.id = f.id AND f.is_new AND f.others = '{}'
    ), fewer AS (
        UPDATE smartlaunch.cdp_value v SET origin_prints = f.others
        FROM found f WHERE v.id = f.id AND f.others <> '{}'
    ), marked AS (
        UPDATE smartlaunch.cdp_value v SET revised = f.word
        FROM found f WHERE v.id = f.id AND NOT f.is_new AND f.others = '{}'
          AND v.revised IS DISTINCT FROM f.word
        RETURNING v.*
    )
    INSERT INTO smartlaunch.cdp_log (project, record, app_user, what, value, source, event, instance,
        field, taken_at, date_only, detail)
    SELECT of_project, of_record, 'SYSTEM', v.revised, v.id, m.source, m.event, v.instance, m.field,
           v.taken_at, v.date_only, 'by the EHR, after it was ' || v.state
    FROM marked v JOIN smartlaunch.cdp_mapping m ON m.id = v.mapping ORDER BY v.id
$$;
COMMENT ON FUNCTION smartlaunch.cdp_revise(text, text, jsonb, jsonb) IS
    'What the EHR has corrected or withdrawn is not offered any more; where it was decided already, it is marked and noted';

-- What a resource says again: a value that was decided and marked counts as it did, unless something
-- else was saved for its field since; then it is offered anew.
CREATE FUNCTION smartlaunch.cdp_restore(of_project text, of_record text, items jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    i record;
BEGIN
    FOR i IN
        SELECT v.id, v.origin_prints AS known, x.origins, v.revised IS NOT NULL AS is_back,
               v.state <> 'excluded' AND EXISTS (
                   SELECT 1 FROM smartlaunch.cdp_value n
                   WHERE n.project = of_project AND n.record = of_record AND n.mapping = v.mapping
                     AND n.instance = v.instance AND n.state = 'saved'
                     AND n.decided_at > v.decided_at) AS is_over
        FROM (SELECT x.mapping, x.instance, x.taken, x.day, decode(x.print, 'hex') AS print,
                     array_agg(DISTINCT decode(x.origin, 'hex')) AS origins
              FROM jsonb_to_recordset(items) AS x (mapping bigint, instance integer, taken timestamp,
                  day boolean, print text, origin text)
              WHERE x.taken IS NOT NULL AND x.origin IS NOT NULL GROUP BY 1, 2, 3, 4, 5) x
        JOIN smartlaunch.cdp_value v ON v.project = of_project AND v.record = of_record
            AND v.mapping = x.mapping AND v.instance = x.instance AND v.taken_at = x.taken
            AND v.date_only = x.day AND v.value_print = x.print AND v.state <> 'superseded'
        WHERE v.revised IS NOT NULL OR v.origin_prints IS NULL OR NOT v.origin_prints @> x.origins
    LOOP
        IF i.is_back AND i.is_over THEN
            UPDATE smartlaunch.cdp_value v SET state = 'superseded', revised = NULL, origin_prints = NULL
            WHERE v.id = i.id;
        ELSIF i.is_back THEN
            UPDATE smartlaunch.cdp_value v SET revised = NULL, origin_prints = i.origins WHERE v.id = i.id;
        ELSE
            UPDATE smartlaunch.cdp_value v
            SET origin_prints = ARRAY(SELECT DISTINCT unnest(coalesce(i.known, '{}') || i.origins))
            WHERE v.id = i.id;
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION smartlaunch.cdp_restore(text, text, jsonb) IS
    'Note which resources say a held value, and that the EHR has come back to one';

-- What one page gave. `items` is an array of {mapping, instance, taken, day, unit, print, sealed,
-- settled, origin}; those of fields that are out of the mapping by now are left out. `seen`: as in
-- cdp_revise.
CREATE FUNCTION smartlaunch.cdp_hold(of_project text, of_record text, by_lease bigint, seal_key text,
    items jsonb, seen jsonb, OUT ours boolean, OUT added integer, OUT had integer, OUT known integer)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    i record;
    last smartlaunch.cdp_value;
    again integer;
BEGIN
    ours := false;
    added := 0;
    had := 0;
    known := 0;
    PERFORM 1 FROM smartlaunch.cdp_project p WHERE p.project = of_project FOR SHARE;
    UPDATE smartlaunch.cdp_record r
    SET lease_until = greatest(r.lease_until, clock_timestamp() + interval '2 minutes')
    WHERE r.project = of_project AND r.record = of_record AND r.lease = by_lease;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    ours := true;
    IF jsonb_array_length(seen->'origins') > 0 THEN
        PERFORM smartlaunch.cdp_revise(of_project, of_record, items, seen);
        PERFORM smartlaunch.cdp_restore(of_project, of_record, items);
    END IF;
    again := smartlaunch.cdp_offer_again(of_project, of_record, seal_key, items);
    WITH page AS (
        SELECT DISTINCT ON (x.mapping, x.instance, x.taken, x.day, x.print) x.*,
               array_agg(decode(x.origin, 'hex')) FILTER (WHERE x.origin IS NOT NULL)
                   OVER (PARTITION BY x.mapping, x.instance, x.taken, x.day, x.print) AS origins
        FROM ROWS FROM (jsonb_to_recordset(items) AS (mapping bigint, instance integer,
            taken timestamp, day boolean, unit text, print text, sealed text, origin text))
            WITH ORDINALITY AS x (mapping, instance, taken, day, unit, print, sealed, origin, n)
        JOIN smartlaunch.cdp_mapping m ON m.id = x.mapping AND m.project = of_project
            AND m.removed_at IS NULL
        WHERE x.taken IS NOT NULL
        ORDER BY x.mapping, x.instance, x.taken, x.day, x.print, x.n
    ), put AS (
        INSERT INTO smartlaunch.cdp_value (project, record, mapping, instance, taken_at, date_only, unit,
            value_print, value_sealed, key_id, origin_prints)
        SELECT of_project, of_record, x.mapping, x.instance, x.taken, x.day, x.unit,
               decode(x.print, 'hex'), decode(x.sealed, 'base64'), seal_key,
               (SELECT array_agg(DISTINCT o) FROM unnest(x.origins) o)
        FROM page x ORDER BY x.n
        ON CONFLICT (project, record, mapping, instance, taken_at, date_only, value_print)
            WHERE taken_at IS NOT NULL AND state <> 'superseded' DO NOTHING
        RETURNING 1
    )
    SELECT again + (SELECT count(*) FROM put), (SELECT count(*) FROM page) - (SELECT count(*) FROM put) - again
    INTO added, known;
    FOR i IN
        SELECT x.*, decode(x.print, 'hex') AS value_print
        FROM jsonb_to_recordset(items) AS x (mapping bigint, instance integer, taken timestamp,
            unit text, print text, sealed text, settled boolean)
        JOIN smartlaunch.cdp_mapping m ON m.id = x.mapping AND m.project = of_project
            AND m.removed_at IS NULL
        WHERE x.taken IS NULL
    LOOP
        SELECT * INTO last FROM smartlaunch.cdp_value v
        WHERE v.project = of_project AND v.record = of_record AND v.mapping = i.mapping
          AND v.instance = i.instance AND v.taken_at IS NULL
        ORDER BY v.id DESC LIMIT 1;
        IF last.value_print = i.value_print THEN
            known := known + 1;
            IF last.state = 'new' AND i.settled THEN
                UPDATE smartlaunch.cdp_value v
                SET state = 'saved', settled = true, value_sealed = NULL, decided_at = now(),
                    decided_by = 'SYSTEM'
                WHERE v.id = last.id;
            END IF;
            CONTINUE;
        END IF;
        UPDATE smartlaunch.cdp_value v
        SET state = 'superseded', value_sealed = NULL, decided_at = now(), decided_by = 'SYSTEM'
        WHERE v.project = of_project AND v.record = of_record AND v.mapping = i.mapping
          AND v.instance = i.instance AND v.taken_at IS NULL AND v.state = 'new';
        -- Excluded is excluded, also when the EHR comes back to it: the newest row is what it has.
        UPDATE smartlaunch.cdp_value v SET state = 'superseded', value_sealed = NULL
        WHERE v.project = of_project AND v.record = of_record AND v.mapping = i.mapping
          AND v.instance = i.instance AND v.taken_at IS NULL AND v.state = 'excluded'
          AND v.value_print = i.value_print
        RETURNING * INTO last;
        IF FOUND THEN
            INSERT INTO smartlaunch.cdp_value (project, record, mapping, instance, unit, value_print,
                value_sealed, key_id, state, decided_at, decided_by, decision)
            VALUES (of_project, of_record, i.mapping, i.instance, i.unit, i.value_print,
                decode(i.sealed, 'base64'), seal_key, 'excluded', last.decided_at, last.decided_by,
                last.decision);
            known := known + 1;
            CONTINUE;
        END IF;
        INSERT INTO smartlaunch.cdp_value (project, record, mapping, instance, unit, value_print,
            value_sealed, key_id, state, settled, decided_at, decided_by)
        VALUES (of_project, of_record, i.mapping, i.instance, i.unit, i.value_print,
            CASE WHEN NOT i.settled THEN decode(i.sealed, 'base64') END, seal_key,
            CASE WHEN i.settled THEN 'saved' ELSE 'new' END, i.settled,
            CASE WHEN i.settled THEN now() END, CASE WHEN i.settled THEN 'SYSTEM' END);
        added := added + CASE WHEN i.settled THEN 0 ELSE 1 END;
        had := had + CASE WHEN i.settled THEN 1 ELSE 0 END;
    END LOOP;
END $$;
COMMENT ON FUNCTION smartlaunch.cdp_hold(text, text, bigint, text, jsonb, jsonb) IS
    'Hold the values of one page for a decision; what is known already makes no row, and what they correct is not offered any more';

-- A mapping, as a whole. Returns its new revision; null: somebody else saved meanwhile.
CREATE FUNCTION smartlaunch.cdp_save(of_project text, by_user text, was_revision bigint, saved jsonb)
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_revision bigint;
    other_times boolean;
    gone bigint[];
BEGIN
    INSERT INTO smartlaunch.cdp_project
        (project, day_offset, direction, convert_gmt, adjudication, updated_by)
    VALUES (of_project, 1, '+-', false, 'manual', by_user)
    ON CONFLICT DO NOTHING;
    SELECT c.convert_gmt <> (saved->>'convert_gmt')::boolean INTO other_times
    FROM smartlaunch.cdp_project c WHERE c.project = of_project FOR UPDATE;
    UPDATE smartlaunch.cdp_project c
    SET revision = c.revision + 1, ehr = saved->>'ehr', day_offset = (saved->>'day_offset')::integer,
        direction = saved->>'direction', convert_gmt = (saved->>'convert_gmt')::boolean,
        adjudication = saved->>'adjudication', updated_at = now(), updated_by = by_user
    WHERE c.project = of_project AND (was_revision < 0 OR c.revision = was_revision)
    RETURNING c.revision INTO now_revision;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- Records before their values, as everywhere.
    UPDATE smartlaunch.cdp_record r SET version = r.version + 1 WHERE r.project = of_project;
    -- A fetch under way that looks around other dates, or tells times otherwise, holds nothing any
    -- more: its record is fetched anew.
    IF other_times OR EXISTS (
        SELECT 1 FROM smartlaunch.cdp_mapping m
        JOIN jsonb_to_recordset(saved->'fields') AS x (source text, event text, field text,
            temporal_field text) USING (event, field, source)
        WHERE m.project = of_project AND m.removed_at IS NULL
          AND x.temporal_field IS DISTINCT FROM m.temporal_field) THEN
        UPDATE smartlaunch.cdp_record r
        SET state = 'queued', once_more = false, lease = NULL, lease_until = NULL, lease_by = NULL
        WHERE r.project = of_project AND r.state = 'fetching';
    END IF;
    -- The same result at another hour is no correction of what was decided.
    IF other_times THEN
        UPDATE smartlaunch.cdp_value v SET origin_prints = NULL, revised = NULL
        WHERE v.project = of_project AND v.origin_prints IS NOT NULL AND v.state <> 'new';
    END IF;
    gone := ARRAY(
        SELECT m.id FROM smartlaunch.cdp_mapping m
        LEFT JOIN jsonb_to_recordset(saved->'fields') AS x (source text, event text, field text,
            temporal_field text) USING (event, field, source)
        WHERE m.project = of_project AND m.removed_at IS NULL
          AND (x.field IS NULL OR x.temporal_field IS DISTINCT FROM m.temporal_field));
    UPDATE smartlaunch.cdp_mapping m SET removed_at = coalesce(m.removed_at, now()), is_identifier = false
    WHERE m.project = of_project;
    INSERT INTO smartlaunch.cdp_mapping AS m (project, position, is_identifier, source, event, field,
        temporal_field, preselect, unit, day_offset, direction)
    SELECT of_project, x.position, x.is_identifier, x.source, x.event, x.field, x.temporal_field,
           x.preselect, x.unit, x.day_offset, x.direction
    FROM jsonb_to_recordset(saved->'fields') AS x (position integer, is_identifier boolean,
        source text, event text, field text, temporal_field text, preselect text, unit text,
        day_offset integer, direction text)
    ORDER BY x.position
    ON CONFLICT (project, event, field, source) DO UPDATE
    SET position = EXCLUDED.position, is_identifier = EXCLUDED.is_identifier,
        temporal_field = EXCLUDED.temporal_field, preselect = EXCLUDED.preselect,
        unit = EXCLUDED.unit, day_offset = EXCLUDED.day_offset, direction = EXCLUDED.direction,
        removed_at = NULL;
    DELETE FROM smartlaunch.cdp_value v WHERE v.mapping = ANY (gone) AND v.state IN ('new', 'excluded');
    DELETE FROM smartlaunch.cdp_preview w WHERE w.project = of_project;
    INSERT INTO smartlaunch.cdp_preview (project, position, source)
    SELECT of_project, e.n, e.source
    FROM jsonb_array_elements_text(saved->'preview') WITH ORDINALITY AS e (source, n);
    RETURN now_revision;
END $$;
COMMENT ON FUNCTION smartlaunch.cdp_save(text, text, bigint, jsonb) IS
    'Store the mapping of a project; what was held for fields that go, or whose date field is another, goes';

-- For a project that is no longer configured.
CREATE FUNCTION smartlaunch.cdp_purge(of_project text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    n integer;
BEGIN
    PERFORM 1 FROM smartlaunch.cdp_project p WHERE p.project = of_project FOR UPDATE;
    DELETE FROM smartlaunch.cdp_outbox o WHERE o.project = of_project;
    DELETE FROM smartlaunch.cdp_value v WHERE v.project = of_project;
    DELETE FROM smartlaunch.cdp_record r WHERE r.project = of_project;
    GET DIAGNOSTICS n = ROW_COUNT;
    DELETE FROM smartlaunch.cdp_preview w WHERE w.project = of_project;
    DELETE FROM smartlaunch.cdp_mapping m WHERE m.project = of_project;
    DELETE FROM smartlaunch.cdp_project p WHERE p.project = of_project;
    DELETE FROM smartlaunch.cdp_right t WHERE t.project = of_project;
    RETURN n;
END $$;
COMMENT ON FUNCTION smartlaunch.cdp_purge(text) IS
    'Delete a project: mapping, rights, records, held values, and what is on its way; who saw and did what stays. Returns how many records';

GRANT SELECT, INSERT, UPDATE ON smartlaunch.cdp_key, smartlaunch.cdp_project,
    smartlaunch.cdp_mapping, smartlaunch.cdp_record TO smartlaunch_module;
GRANT SELECT, INSERT, DELETE ON smartlaunch.cdp_preview, smartlaunch.cdp_right TO smartlaunch_module;
GRANT SELECT, INSERT, UPDATE, DELETE ON smartlaunch.cdp_value, smartlaunch.cdp_outbox
    TO smartlaunch_module;
-- For smartlaunchctl, which counts as httpd's role.
GRANT SELECT ON smartlaunch.cdp_status TO smartlaunch_module;
-- What was shown and done can be added and read, never changed.
GRANT SELECT, INSERT ON smartlaunch.cdp_view, smartlaunch.cdp_log TO smartlaunch_module;
GRANT SELECT ON smartlaunch.cdp_project, smartlaunch.cdp_mapping, smartlaunch.cdp_preview,
    smartlaunch.cdp_right, smartlaunch.cdp_view, smartlaunch.cdp_log, smartlaunch.cdp_status
    TO smartlaunch_dba;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA smartlaunch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION smartlaunch.cdp_decide(text, text, uuid, jsonb),
    smartlaunch.cdp_forget(text, text, text, text),
    smartlaunch.cdp_claim(text, text, jsonb), smartlaunch.cdp_patient(text, text, bigint, text, text),
    smartlaunch.cdp_hold(text, text, bigint, text, jsonb, jsonb),
    smartlaunch.cdp_revise(text, text, jsonb, jsonb), smartlaunch.cdp_restore(text, text, jsonb),
    smartlaunch.cdp_offer_again(text, text, text, jsonb),
    smartlaunch.cdp_save(text, text, bigint, jsonb) TO smartlaunch_module;
GRANT EXECUTE ON FUNCTION smartlaunch.cdp_purge(text) TO smartlaunch_dba;

INSERT INTO smartlaunch.schema_version (version) VALUES (6);
