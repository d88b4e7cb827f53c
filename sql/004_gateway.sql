-- SPDX-License-Identifier: Apache-2.0
-- What the gateway needs: when a renewal may be tried again, who takes care of the cluster, hints
-- for other hosts, and the audit's upkeep.

ALTER TABLE smartlaunch.token ADD COLUMN retry_at timestamptz;
COMMENT ON COLUMN smartlaunch.token.retry_at IS 'The EHR had trouble: no renewal before then';

CREATE OR REPLACE VIEW smartlaunch.token_status AS
SELECT launch, link, app, ehr, app_user, patient, scope_asked, scope_granted, issued_at, expires_at,
       CASE WHEN status = 'active' AND expires_at <= now() THEN 'expired' ELSE status END AS status,
       refresh_sealed IS NOT NULL AS can_renew, generation, renewals, lease_until, lease_by,
       key_id, last_error, retry_at
FROM smartlaunch.token;
COMMENT ON COLUMN smartlaunch.token_status.retry_at IS 'The EHR had trouble: no renewal before then';

-- However many tokens a user has, her newest for a patient (or for none) is at one end of this
-- index; of the next the same by link. What is about to lapse at an EHR is together in the last.
DROP INDEX smartlaunch.token_by_user;
CREATE INDEX token_by_user ON smartlaunch.token (app, ehr, app_user, patient, issued_at DESC)
    WHERE status = 'active';
CREATE INDEX token_of_link ON smartlaunch.token (link, coalesce(patient, ''), launch)
    WHERE status = 'active' AND refresh_sealed IS NOT NULL;
CREATE INDEX token_due ON smartlaunch.token (ehr, expires_at)
    WHERE status = 'active' AND refresh_sealed IS NOT NULL;

CREATE TABLE smartlaunch.caretaker (
    name       text PRIMARY KEY,
    held_by    text NOT NULL,
    held_until timestamptz NOT NULL
);
COMMENT ON TABLE smartlaunch.caretaker IS 'Which httpd host looks after the whole cluster; another takes over when its time runs out';
COMMENT ON COLUMN smartlaunch.caretaker.name IS 'What there is to look after: watchdog';
COMMENT ON COLUMN smartlaunch.caretaker.held_by IS 'Host and process';
COMMENT ON COLUMN smartlaunch.caretaker.held_until IS 'Until when, unless it is prolonged';

-- Revoked is revoked: no lease, nothing sealed, and no way back, whoever writes.
CREATE FUNCTION smartlaunch.token_revoked() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.status = 'revoked' AND NEW.status <> 'revoked' THEN
        RAISE EXCEPTION 'a revoked token stays revoked';
    END IF;
    NEW.access_sealed := NULL;
    NEW.refresh_sealed := NULL;
    NEW.lease_until := NULL;
    NEW.lease_by := NULL;
    NEW.retry_at := NULL;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION smartlaunch.token_revoked() IS 'A revoked token has no lease, holds nothing, and stays revoked';
CREATE TRIGGER token_revoked BEFORE UPDATE ON smartlaunch.token
    FOR EACH ROW WHEN (OLD.status = 'revoked' OR NEW.status = 'revoked')
    EXECUTE FUNCTION smartlaunch.token_revoked();

-- Hints: "launch <id> <key id>" on the channel smartlaunch. Whoever hears one reads the row again;
-- who misses it does so a few seconds later.
CREATE FUNCTION smartlaunch.hint(launch_id uuid, launch_key text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF length(launch_key) <= 200 THEN
        PERFORM pg_notify('smartlaunch', 'launch ' || launch_id || ' ' || launch_key);
    END IF;
END $$;
COMMENT ON FUNCTION smartlaunch.hint(uuid, text) IS 'Used by the triggers: tell every httpd host that a launch changed';

CREATE FUNCTION smartlaunch.token_hint() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM smartlaunch.hint(l.id, l.key_id) FROM smartlaunch.launch l WHERE l.id = NEW.launch;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION smartlaunch.token_hint() IS 'A token was renewed, revoked, or has another user now';
CREATE TRIGGER token_hint AFTER UPDATE ON smartlaunch.token
    FOR EACH ROW WHEN (OLD.generation <> NEW.generation OR OLD.status <> NEW.status
                       OR OLD.app_user IS DISTINCT FROM NEW.app_user)
    EXECUTE FUNCTION smartlaunch.token_hint();

CREATE FUNCTION smartlaunch.launch_hint() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM smartlaunch.hint(OLD.id, OLD.key_id);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION smartlaunch.launch_hint() IS 'A launch was confirmed, linked, ended or deleted';
CREATE TRIGGER launch_hint AFTER UPDATE ON smartlaunch.launch
    FOR EACH ROW WHEN (OLD.state IN ('held', 'live')
                       AND (OLD.state <> NEW.state OR OLD.link_state <> NEW.link_state
                            OR OLD.app_user IS DISTINCT FROM NEW.app_user))
    EXECUTE FUNCTION smartlaunch.launch_hint();
CREATE TRIGGER launch_gone AFTER DELETE ON smartlaunch.launch
    FOR EACH ROW WHEN (OLD.state IN ('held', 'live'))
    EXECUTE FUNCTION smartlaunch.launch_hint();

-- Finds the row that is to be completed, a month's rows outside of partitions, and one reference.
CREATE INDEX fhir_access_at ON smartlaunch.fhir_access (at);

-- Under SmartAudit required a row is committed before the answer leaves; its size follows. Only
-- what is not known yet can be filled in.
CREATE FUNCTION smartlaunch.access_complete(completed jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    r record;
    n integer;
    done integer := 0;
BEGIN
    FOR r IN SELECT to_timestamp(0) + x.at * interval '1 microsecond' AS at, x.reference, x.bytes, x.ms
             FROM jsonb_to_recordset(completed) AS x (at bigint, reference text, bytes bigint, ms integer)
    LOOP
        UPDATE smartlaunch.fhir_access a
        SET bytes = coalesce(a.bytes, r.bytes), ms = coalesce(a.ms, r.ms)
        WHERE a.at = r.at AND a.reference = r.reference AND (a.bytes IS NULL OR a.ms IS NULL);
        GET DIAGNOSTICS n = ROW_COUNT;
        done := done + n;
    END LOOP;
    RETURN done;
END $$;
COMMENT ON FUNCTION smartlaunch.access_complete(jsonb) IS
    'Fill in bytes and milliseconds of fhir_access rows that lack them; nothing else, and only once';

-- One step: the oldest month that is older than `keep` as a whole, else a batch of such rows that
-- have no partition; call again while it returns something. Nobody is kept waiting: while somebody
-- reads the table it says so at once (lock_not_available).
CREATE FUNCTION smartlaunch.access_purge(keep interval) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch CONSTANT integer := 1000;
    -- First instant that is kept, and its month.
    bound timestamptz;
    month text;
    part text;
    n integer;
BEGIN
    IF keep IS NULL OR now() - keep > now() - interval '31 days' THEN
        RAISE EXCEPTION 'the audit is kept for 31 days at least';
    END IF;
    bound := date_trunc('month', (now() - keep) AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    month := to_char(bound AT TIME ZONE 'UTC', 'YYYYMM');
    SELECT c.relname INTO part
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'smartlaunch.fhir_access'::regclass
      AND c.relnamespace = 'smartlaunch'::regnamespace
      AND c.relname ~ '^fhir_access_[0-9]{6}$' AND right(c.relname, 6) < month
    ORDER BY c.relname LIMIT 1;
    IF part IS NOT NULL THEN
        PERFORM set_config('lock_timeout', '200ms', true);
        EXECUTE format('DROP TABLE smartlaunch.%I', part);
        RETURN 1;
    END IF;
    DELETE FROM smartlaunch.fhir_access_other WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM smartlaunch.fhir_access_other WHERE at < bound ORDER BY at LIMIT batch));
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
COMMENT ON FUNCTION smartlaunch.access_purge(interval) IS
    'Drop the oldest month of fhir_access that is older than keep (31 days at least) as a whole; returns 0 when there is none';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA smartlaunch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION smartlaunch.access_complete(jsonb), smartlaunch.access_purge(interval)
    TO smartlaunch_module;
GRANT SELECT, INSERT, UPDATE ON smartlaunch.caretaker TO smartlaunch_module;
GRANT SELECT ON smartlaunch.caretaker TO smartlaunch_dba;

INSERT INTO smartlaunch.schema_version (version) VALUES (4);
