-- SPDX-License-Identifier: Apache-2.0
-- What is done with the owner's rights: housekeeping for the module, which may neither delete rows
-- nor run DDL, and revoking for DBAs, which goes one way.

-- Pending launches of this browser beyond `keep`, oldest first, and a few of anybody's that were
-- left lying for half an hour. Pending only: nothing else can be deleted through it.
CREATE FUNCTION smartlaunch.prune_pending(browser bytea, own uuid, keep integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    dropped integer;
    stale integer;
BEGIN
    DELETE FROM smartlaunch.launch WHERE state = 'pending' AND id IN (
        SELECT id FROM smartlaunch.launch
        WHERE browser_hash = browser AND state = 'pending' AND id <> own
        ORDER BY created_at DESC, id DESC OFFSET greatest(keep, 0) FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS dropped = ROW_COUNT;
    DELETE FROM smartlaunch.launch WHERE state = 'pending' AND id IN (
        SELECT id FROM smartlaunch.launch
        WHERE state = 'pending' AND created_at < now() - interval '30 minutes'
        ORDER BY created_at LIMIT 8 FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS stale = ROW_COUNT;
    RETURN dropped + stale;
END $$;
COMMENT ON FUNCTION smartlaunch.prune_pending(bytea, uuid, integer) IS
    'Drop this browser''s oldest pending launches above the bound, and a few abandoned ones';

-- One batch of housekeeping; call again while it returns something.
CREATE FUNCTION smartlaunch.purge(keep_steps interval) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch CONSTANT integer := 1000;
    n integer;
    done integer := 0;
BEGIN
    IF keep_steps IS NULL OR keep_steps < interval '1 day' THEN
        RAISE EXCEPTION 'launch steps are kept for a day at least';
    END IF;
    UPDATE smartlaunch.launch SET state = 'ended', ended_at = expires_at, end_reason = 'expired'
    WHERE state IN ('held', 'live') AND id IN (
        SELECT id FROM smartlaunch.launch
        WHERE state IN ('held', 'live') AND expires_at < now()
        ORDER BY expires_at LIMIT batch FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS n = ROW_COUNT;
    done := done + n;
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
    DELETE FROM smartlaunch.launch_step WHERE id IN (
        SELECT id FROM smartlaunch.launch_step WHERE at < now() - keep_steps
        ORDER BY at LIMIT batch FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN done + n;
END $$;
COMMENT ON FUNCTION smartlaunch.purge(interval) IS
    'Housekeeping, one batch: launches past their end, abandoned and failed ones, steps older than keep_steps';

-- The partition of fhir_access for one month, from the last to the next but one.
CREATE FUNCTION smartlaunch.access_partition(month date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Months are UTC's whatever the caller's time zone, so that partitions never overlap.
    first timestamp := date_trunc('month', month::timestamp);
    this timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    part text := 'fhir_access_' || to_char(first, 'YYYYMM');
    low timestamptz := first AT TIME ZONE 'UTC';
    high timestamptz := (first + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    IF month IS NULL OR first < this - interval '1 month' OR first > this + interval '2 months' THEN
        RAISE EXCEPTION 'partitions are made from last month to the month after next';
    END IF;
    IF to_regclass('smartlaunch.' || part) IS NOT NULL THEN
        RETURN part;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('smartlaunch.access_partition'));
    IF to_regclass('smartlaunch.' || part) IS NOT NULL THEN
        RETURN part;
    END IF;
    IF EXISTS (SELECT 1 FROM smartlaunch.fhir_access_other WHERE at >= low AND at < high) THEN
        RETURN 'fhir_access_other'; -- rows of that month are there already, and stay
    END IF;
    EXECUTE format('CREATE TABLE smartlaunch.%I PARTITION OF smartlaunch.fhir_access '
                   'FOR VALUES FROM (%L) TO (%L)', part, low, high);
    EXECUTE format('COMMENT ON TABLE smartlaunch.%I IS %L', part,
                   'fhir_access in ' || to_char(first, 'YYYY-MM') || ' (UTC)');
    RETURN part;
END $$;
COMMENT ON FUNCTION smartlaunch.access_partition(date) IS
    'Make the partition of fhir_access for the month of this date, if it is missing; returns its name';

-- Ends launches and wipes their tokens. Not granted to anybody: the revoke functions use it.
CREATE FUNCTION smartlaunch.end_launches(ids uuid[], reason text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    n integer;
BEGIN
    UPDATE smartlaunch.launch SET state = 'ended', ended_at = now(), end_reason = reason
    WHERE id = ANY (ids) AND state IN ('held', 'live');
    GET DIAGNOSTICS n = ROW_COUNT;
    UPDATE smartlaunch.launch
    SET state = 'failed', ended_at = now(), end_reason = reason, pending_sealed = NULL
    WHERE id = ANY (ids) AND state IN ('pending', 'claimed');
    UPDATE smartlaunch.token
    SET status = 'revoked', access_sealed = NULL, refresh_sealed = NULL, last_error = reason
    WHERE launch = ANY (ids) AND status <> 'revoked';
    RETURN n;
END $$;
COMMENT ON FUNCTION smartlaunch.end_launches(uuid[], text) IS 'Used by the revoke functions';

CREATE FUNCTION smartlaunch.revoke_link(link_id uuid, reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    why text := 'revoked: ' || coalesce(nullif(reason, ''), 'no reason given');
    first_time boolean;
BEGIN
    -- Launches before the link, in order of id: the order in which the module locks them.
    PERFORM 1 FROM smartlaunch.launch
    WHERE link = link_id AND state IN ('held', 'live') ORDER BY id FOR UPDATE;
    UPDATE smartlaunch.link SET revoked_at = now(), revoked_by = session_user, revoke_reason = reason
    WHERE id = link_id AND revoked_at IS NULL;
    first_time := FOUND;
    -- A new look: a launch that took the link just before us is seen now.
    PERFORM smartlaunch.end_launches(
        ARRAY(SELECT id FROM smartlaunch.launch WHERE link = link_id AND state IN ('held', 'live')
              UNION SELECT launch FROM smartlaunch.token WHERE link = link_id AND status <> 'revoked'),
        why);
    RETURN first_time;
END $$;
COMMENT ON FUNCTION smartlaunch.revoke_link(uuid, text) IS
    'Revoke a link with its launches and tokens, for good; the user is asked anew. True if it was not revoked before';

CREATE FUNCTION smartlaunch.revoke_link(app_name text, ehr_name text, ehr_user_name text, reason text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id uuid;
BEGIN
    SELECT id INTO found_id FROM smartlaunch.link
    WHERE app = app_name AND ehr = ehr_name AND ehr_user = ehr_user_name AND revoked_at IS NULL;
    RETURN found_id IS NOT NULL AND smartlaunch.revoke_link(found_id, reason);
END $$;
COMMENT ON FUNCTION smartlaunch.revoke_link(text, text, text, text) IS
    'The same by app, EHR and EHR user. False if there is no such link';

CREATE FUNCTION smartlaunch.revoke_token(launch_id uuid, reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE smartlaunch.token
    SET status = 'revoked', access_sealed = NULL, refresh_sealed = NULL,
        last_error = 'revoked: ' || coalesce(nullif(reason, ''), 'no reason given')
    WHERE launch = launch_id AND status <> 'revoked';
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION smartlaunch.revoke_token(uuid, text) IS
    'Wipe the tokens of a launch, for good; the launch itself goes on without FHIR access';

CREATE FUNCTION smartlaunch.revoke_launch(launch_id uuid, reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN smartlaunch.end_launches(ARRAY[launch_id],
        'revoked: ' || coalesce(nullif(reason, ''), 'no reason given')) > 0;
END $$;
COMMENT ON FUNCTION smartlaunch.revoke_launch(uuid, text) IS
    'End a launch and wipe its tokens, for good. True if it was live';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA smartlaunch FROM PUBLIC;

SELECT smartlaunch.access_partition(now()::date),
       smartlaunch.access_partition((now() + interval '1 month')::date);

INSERT INTO smartlaunch.schema_version (version) VALUES (2);
