-- SPDX-License-Identifier: Apache-2.0
-- Views that show the state without what is sealed, and the two group roles. Grant them to login
-- roles: GRANT smartlaunch_module TO httpd_login; GRANT smartlaunch_dba TO anna;

CREATE VIEW smartlaunch.link_status AS
SELECT id, app, ehr, ehr_user, app_user, fhir_user, issuer, sub, source, how,
       CASE WHEN revoked_at IS NULL THEN 'active' ELSE 'revoked' END AS status,
       linked_at, last_launch_at, revoked_at, revoked_by, revoke_reason
FROM smartlaunch.link;
COMMENT ON VIEW smartlaunch.link_status IS 'Who is who: links, revoked ones too';

CREATE VIEW smartlaunch.launch_status AS
SELECT id, app, ehr, kind,
       CASE WHEN state IN ('held', 'live') AND expires_at <= now() THEN 'ended' ELSE state END AS state,
       link_state, link, app_user, ehr_user, fhir_user, patient, encounter,
       left(encode(session_hash, 'hex'), 32) AS session_print,
       created_at, authorized_at, last_seen_at, expires_at, ended_at, end_reason
FROM smartlaunch.launch;
COMMENT ON VIEW smartlaunch.launch_status IS 'Launches: who, where, which patient, until when; session_print is that of fhir_access';

CREATE VIEW smartlaunch.token_status AS
SELECT launch, link, app, ehr, app_user, patient, scope_asked, scope_granted, issued_at, expires_at,
       CASE WHEN status = 'active' AND expires_at <= now() THEN 'expired' ELSE status END AS status,
       refresh_sealed IS NOT NULL AS can_renew, generation, renewals, lease_until, lease_by,
       key_id, last_error
FROM smartlaunch.token;
COMMENT ON VIEW smartlaunch.token_status IS 'Tokens without the tokens: whose, for what, until when, how often renewed';

-- Every column of the views reads like the table's.
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN
        SELECT v.relname AS view_name, va.attname AS column_name,
               col_description(t.oid, ta.attnum) AS words
        FROM pg_class v
        JOIN pg_attribute va ON va.attrelid = v.oid AND va.attnum > 0
        JOIN pg_class t ON t.relnamespace = v.relnamespace
                       AND t.relname = replace(v.relname, '_status', '')
        JOIN pg_attribute ta ON ta.attrelid = t.oid AND ta.attname = va.attname
        WHERE v.relnamespace = 'smartlaunch'::regnamespace AND v.relkind = 'v'
    LOOP
        EXECUTE format('COMMENT ON COLUMN smartlaunch.%I.%I IS %L', c.view_name, c.column_name, c.words);
    END LOOP;
END $$;
COMMENT ON COLUMN smartlaunch.link_status.status IS 'active or revoked';
COMMENT ON COLUMN smartlaunch.launch_status.state IS
    'As launch.state; what is past its end shows as ended';
COMMENT ON COLUMN smartlaunch.launch_status.session_print IS 'First half of the session hash in hexadecimal, as in fhir_access';
COMMENT ON COLUMN smartlaunch.token_status.status IS 'active, expired (but perhaps renewable), relaunch or revoked';
COMMENT ON COLUMN smartlaunch.token_status.can_renew IS 'There is a refresh token';

-- Roles belong to the whole cluster, so they may be here from another database, or be made at this
-- very moment for one.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['smartlaunch_module', 'smartlaunch_dba'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN NULL;
                WHEN insufficient_privilege THEN
                    RAISE EXCEPTION 'role % is missing and % may not make it', wanted, current_user
                    USING HINT = format('As a superuser: CREATE ROLE %I NOLOGIN;', wanted);
            END;
        END IF;
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA smartlaunch TO smartlaunch_module, smartlaunch_dba;

GRANT SELECT ON smartlaunch.schema_version TO smartlaunch_module;
GRANT SELECT, INSERT, UPDATE ON smartlaunch.ehr, smartlaunch.launch, smartlaunch.token TO smartlaunch_module;
GRANT SELECT, INSERT, UPDATE (last_launch_at, fhir_user) ON smartlaunch.link TO smartlaunch_module;
GRANT SELECT, INSERT ON smartlaunch.launch_step TO smartlaunch_module;
GRANT INSERT ON smartlaunch.fhir_access TO smartlaunch_module;
GRANT EXECUTE ON FUNCTION smartlaunch.prune_pending(bytea, uuid, integer), smartlaunch.purge(interval),
    smartlaunch.access_partition(date) TO smartlaunch_module;

GRANT SELECT ON smartlaunch.schema_version, smartlaunch.ehr, smartlaunch.launch_step,
    smartlaunch.fhir_access, smartlaunch.link_status, smartlaunch.launch_status,
    smartlaunch.token_status TO smartlaunch_dba;
GRANT EXECUTE ON FUNCTION smartlaunch.revoke_link(uuid, text),
    smartlaunch.revoke_link(text, text, text, text), smartlaunch.revoke_token(uuid, text),
    smartlaunch.revoke_launch(uuid, text) TO smartlaunch_dba;

INSERT INTO smartlaunch.schema_version (version) VALUES (3);
