-- SPDX-License-Identifier: Apache-2.0
-- Every way in: tickets that take a launch from the EHR's frame to a window of its own.

CREATE TABLE smartlaunch.ticket (
    ticket_hash bytea PRIMARY KEY CHECK (octet_length(ticket_hash) = 32),
    launch      uuid NOT NULL REFERENCES smartlaunch.launch (id) ON DELETE CASCADE,
    kind        text NOT NULL CHECK (kind IN ('window', 'callback')),
    key_id      text NOT NULL,
    code_sealed bytea,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    CHECK (code_sealed IS NULL OR (kind = 'callback' AND used_at IS NULL))
);
CREATE INDEX ticket_launch ON smartlaunch.ticket (launch);
CREATE INDEX ticket_created ON smartlaunch.ticket (created_at);
COMMENT ON TABLE smartlaunch.ticket IS 'Opens a launch in another window of the same clinician, once; a second use ends the launch';
COMMENT ON COLUMN smartlaunch.ticket.ticket_hash IS 'SHA-256 of the ticket, which only the page has';
COMMENT ON COLUMN smartlaunch.ticket.launch IS 'launch.id';
COMMENT ON COLUMN smartlaunch.ticket.kind IS 'window (a live launch moves there) or callback (the browser keeps no cookies in frames: the launch is finished there)';
COMMENT ON COLUMN smartlaunch.ticket.key_id IS 'Key of the key ring that sealed code_sealed';
COMMENT ON COLUMN smartlaunch.ticket.code_sealed IS 'The EHR''s authorization code, sealed; null once used and for kind window';
COMMENT ON COLUMN smartlaunch.ticket.created_at IS 'When it was made';
COMMENT ON COLUMN smartlaunch.ticket.expires_at IS 'When it stops to open anything';
COMMENT ON COLUMN smartlaunch.ticket.used_at IS 'When it was used';

-- A launch that went to another browser by its ticket leaves this behind, so that the first one does
-- not forget which patient it had open.
ALTER TABLE smartlaunch.launch ADD COLUMN stand_in_for uuid;
COMMENT ON COLUMN smartlaunch.launch.stand_in_for IS 'This is no launch of its own: it remembers, in the browser that launch left, which patient was open there';

CREATE OR REPLACE VIEW smartlaunch.launch_status AS
SELECT id, app, ehr, kind,
       CASE WHEN state IN ('held', 'live') AND expires_at <= now() THEN 'ended' ELSE state END AS state,
       link_state, link, app_user, ehr_user, fhir_user, patient, encounter,
       left(encode(session_hash, 'hex'), 32) AS session_print,
       created_at, authorized_at, last_seen_at, expires_at, ended_at, end_reason
FROM smartlaunch.launch WHERE stand_in_for IS NULL;

-- Housekeeping as in version 2, and tickets of days gone by: their launches are long over.
CREATE OR REPLACE FUNCTION smartlaunch.purge(keep_steps interval) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch CONSTANT integer := 1000;
    n integer;
    done integer := 0;
    over uuid[];
BEGIN
    IF keep_steps IS NULL OR keep_steps < interval '1 day' THEN
        RAISE EXCEPTION 'launch steps are kept for a day at least';
    END IF;
    over := ARRAY(
        SELECT id FROM smartlaunch.launch
        WHERE state IN ('held', 'live') AND expires_at < now()
        ORDER BY expires_at LIMIT batch FOR UPDATE SKIP LOCKED);
    UPDATE smartlaunch.launch SET state = 'ended', ended_at = expires_at, end_reason = 'expired'
    WHERE id = ANY (over);
    GET DIAGNOSTICS n = ROW_COUNT;
    done := done + n;
    -- An app user's token may serve Smart-User still; nobody can use another one any more.
    UPDATE smartlaunch.token SET status = 'revoked', last_error = 'expired'
    WHERE launch = ANY (over) AND app_user IS NULL AND status = 'active';
    UPDATE smartlaunch.launch SET state = 'failed', ended_at = now(), end_reason = 'abandoned'
    WHERE state = 'claimed' AND id IN (
        SELECT id FROM smartlaunch.launch
        WHERE state = 'claimed' AND created_at < now() - interval '30 minutes'
        ORDER BY created_at LIMIT batch FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS n = ROW_COUNT;
    done := done + n;
    DELETE FROM smartlaunch.launch WHERE state IN ('pending', 'failed') AND id IN (
        SELECT id FROM smartlaunch.launch
        WHERE (state = 'pending' AND created_at < now() - interval '30 minutes')
           OR (state = 'failed' AND created_at < now() - keep_steps)
        ORDER BY created_at LIMIT batch FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS n = ROW_COUNT;
    done := done + n;
    DELETE FROM smartlaunch.ticket WHERE ticket_hash IN (
        SELECT ticket_hash FROM smartlaunch.ticket WHERE created_at < now() - interval '2 days'
        ORDER BY created_at LIMIT batch FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS n = ROW_COUNT;
    done := done + n;
    DELETE FROM smartlaunch.revocation WHERE created_at < now() - interval '1 day';
    GET DIAGNOSTICS n = ROW_COUNT;
    done := done + n;
    DELETE FROM smartlaunch.host WHERE seen_at < now() - interval '2 days';
    GET DIAGNOSTICS n = ROW_COUNT;
    done := done + n;
    DELETE FROM smartlaunch.launch_step WHERE id IN (
        SELECT id FROM smartlaunch.launch_step WHERE at < now() - keep_steps
        ORDER BY at LIMIT batch FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN done + n;
END $$;

GRANT SELECT, INSERT, UPDATE (used_at, code_sealed) ON smartlaunch.ticket TO smartlaunch_module;

-- Tokens that are revoked here and not yet at their EHR, which may be slow, or away (RFC 7009).
CREATE TABLE smartlaunch.revocation (
    launch         uuid NOT NULL,
    app            text NOT NULL,
    ehr            text NOT NULL,
    app_user       text,
    patient        text,
    generation     bigint NOT NULL,
    key_id         text NOT NULL,
    access_sealed  bytea,
    refresh_sealed bytea,
    created_at     timestamptz NOT NULL DEFAULT now(),
    due_at         timestamptz NOT NULL DEFAULT now(),
    tries          integer NOT NULL DEFAULT 0,
    PRIMARY KEY (launch, generation)
);
CREATE INDEX revocation_due ON smartlaunch.revocation (due_at);
COMMENT ON TABLE smartlaunch.revocation IS 'Tokens that are revoked here, on their way to the EHR''s revocation endpoint; gone once it knows, and after a day';
COMMENT ON COLUMN smartlaunch.revocation.launch IS 'launch.id';
COMMENT ON COLUMN smartlaunch.revocation.app IS 'As in token';
COMMENT ON COLUMN smartlaunch.revocation.ehr IS 'As in token';
COMMENT ON COLUMN smartlaunch.revocation.app_user IS 'As in token';
COMMENT ON COLUMN smartlaunch.revocation.patient IS 'As in token';
COMMENT ON COLUMN smartlaunch.revocation.generation IS 'As in token';
COMMENT ON COLUMN smartlaunch.revocation.key_id IS 'Key of the key ring that sealed the tokens';
COMMENT ON COLUMN smartlaunch.revocation.access_sealed IS 'As it was in token';
COMMENT ON COLUMN smartlaunch.revocation.refresh_sealed IS 'As it was in token; null: there was none';
COMMENT ON COLUMN smartlaunch.revocation.created_at IS 'When the token was revoked here';
COMMENT ON COLUMN smartlaunch.revocation.due_at IS 'When the EHR is told, or told again';
COMMENT ON COLUMN smartlaunch.revocation.tries IS 'How often that began';

-- As in version 4; what can still open something at the EHR is kept until the EHR has been told.
CREATE OR REPLACE FUNCTION smartlaunch.token_revoked() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.status = 'revoked' AND NEW.status <> 'revoked' THEN
        RAISE EXCEPTION 'a revoked token stays revoked';
    END IF;
    IF OLD.refresh_sealed IS NOT NULL
       OR (OLD.access_sealed IS NOT NULL AND coalesce(OLD.expires_at > now(), true)) THEN
        INSERT INTO smartlaunch.revocation
            (launch, app, ehr, app_user, patient, generation, key_id, access_sealed, refresh_sealed)
        VALUES (OLD.launch, OLD.app, OLD.ehr, OLD.app_user, OLD.patient, OLD.generation, OLD.key_id,
                OLD.access_sealed, OLD.refresh_sealed)
        ON CONFLICT DO NOTHING;
    END IF;
    NEW.access_sealed := NULL;
    NEW.refresh_sealed := NULL;
    NEW.lease_until := NULL;
    NEW.lease_by := NULL;
    NEW.retry_at := NULL;
    RETURN NEW;
END $$;

GRANT SELECT, INSERT, UPDATE (due_at, tries), DELETE ON smartlaunch.revocation TO smartlaunch_module;

-- Hosts at work and the keys they have: a rotation of the key ring must not seal what one of them
-- cannot open yet.
CREATE TABLE smartlaunch.host (
    name    text PRIMARY KEY,
    keys    text[] NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    left_at timestamptz
);
COMMENT ON TABLE smartlaunch.host IS 'httpd hosts that are, or were, at work; each says so every 15 seconds';
COMMENT ON COLUMN smartlaunch.host.name IS 'Host, process and when it began';
COMMENT ON COLUMN smartlaunch.host.keys IS 'Names of the keys in its key ring; the first seals';
COMMENT ON COLUMN smartlaunch.host.seen_at IS 'When it said so last';
COMMENT ON COLUMN smartlaunch.host.left_at IS 'When it ended, or had its configuration read again';

GRANT SELECT, INSERT, UPDATE ON smartlaunch.host TO smartlaunch_module;
GRANT SELECT ON smartlaunch.host TO smartlaunch_dba;
-- smartlaunchctl lists with whichever role it has; the module reads these tables anyway.
GRANT SELECT ON smartlaunch.link_status, smartlaunch.launch_status, smartlaunch.token_status
    TO smartlaunch_module;

-- One refused or answered call by its reference, without who the patient is; and the launch it
-- belongs to, where that is still there. The audit as a whole stays closed to the module.
CREATE FUNCTION smartlaunch.access_of(call_reference text, back interval)
RETURNS TABLE (at timestamptz, via text, caller text, app text, app_user text, ehr text,
               method text, resource text, status integer, ms integer, launch uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.at, a.via, a.caller, a.app, a.app_user, a.ehr, a.method, a.resource, a.status, a.ms,
           (SELECT l.id FROM smartlaunch.launch l
            WHERE l.session_hash >= decode(a.session_print || repeat('0', 32), 'hex')
              AND l.session_hash <= decode(a.session_print || repeat('f', 32), 'hex') LIMIT 1)
    FROM smartlaunch.fhir_access a
    WHERE a.reference = call_reference AND a.at > now() - least(back, interval '31 days')
    ORDER BY a.at LIMIT 10
$$;
COMMENT ON FUNCTION smartlaunch.access_of(text, interval) IS
    'Calls through the gateway that have this reference, from so far back (31 days at most), and their launch';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA smartlaunch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION smartlaunch.access_of(text, interval) TO smartlaunch_module, smartlaunch_dba;

INSERT INTO smartlaunch.schema_version (version) VALUES (5);
