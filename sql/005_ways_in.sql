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

-- Housekeeping as in version 2, and tickets of days gone by: their launches are long over.
CREATE OR REPLACE FUNCTION smartlaunch.purge(keep_steps interval) RETURNS integer
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
    DELETE FROM smartlaunch.ticket WHERE ticket_hash IN (
        SELECT ticket_hash FROM smartlaunch.ticket WHERE created_at < now() - interval '2 days'
        ORDER BY created_at LIMIT batch FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS n = ROW_COUNT;
    done := done + n;
    DELETE FROM smartlaunch.launch_step WHERE id IN (
        SELECT id FROM smartlaunch.launch_step WHERE at < now() - keep_steps
        ORDER BY at LIMIT batch FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN done + n;
END $$;

GRANT SELECT, INSERT, UPDATE (used_at, code_sealed) ON smartlaunch.ticket TO smartlaunch_module;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA smartlaunch FROM PUBLIC;

INSERT INTO smartlaunch.schema_version (version) VALUES (5);
