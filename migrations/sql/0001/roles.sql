-- Roles belong to the whole server: another database of it may have made this one already.
DO $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('shelfmate.roles'));
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'analyst') THEN
        CREATE ROLE analyst LOGIN;
        COMMENT ON ROLE analyst IS 'Reads everything of Shelfmate, changes nothing.';
    END IF;
EXCEPTION
    -- Another database of this server was migrated at the same moment.
    WHEN unique_violation OR duplicate_object THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the role analyst is missing and this user may not create it'
            USING HINT = 'Let an administrator prepare it, as docs/operations.md says, then migrate again.', ERRCODE = 'insufficient_privilege';
END $$;

DO $$
BEGIN
    EXECUTE format('ALTER ROLE analyst IN DATABASE %I SET statement_timeout = ''30s''', current_database());
    EXECUTE format('ALTER ROLE analyst IN DATABASE %I SET default_transaction_read_only = on', current_database());
    EXECUTE format('ALTER ROLE analyst IN DATABASE %I SET search_path = shelfmate, public', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO analyst', current_database());
END $$;

GRANT USAGE ON SCHEMA shelfmate TO analyst;
GRANT SELECT ON ALL TABLES IN SCHEMA shelfmate TO analyst;
REVOKE SELECT ON api_keys, signing_keys FROM analyst;
GRANT SELECT (id, name, scopes, created_at, last_used_at, revoked_at) ON api_keys TO analyst;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA shelfmate FROM PUBLIC;
-- What only reads may be called by those who may read.
DO $$
DECLARE
    reading regprocedure;
BEGIN
    FOR reading IN SELECT p.oid FROM pg_proc p
                    WHERE p.pronamespace = 'shelfmate'::regnamespace AND p.prokind = 'f' AND p.provolatile <> 'v' LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO analyst', reading);
    END LOOP;
END $$;
