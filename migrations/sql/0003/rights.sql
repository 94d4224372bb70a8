-- Functions under the same rights as everything else; a new table grants itself to analysts where it is made.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA shelfmate FROM PUBLIC;
DO $$
DECLARE
    reading regprocedure;
BEGIN
    FOR reading IN SELECT p.oid FROM pg_proc p
                    WHERE p.pronamespace = 'shelfmate'::regnamespace AND p.prokind = 'f' AND p.provolatile <> 'v' LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO analyst', reading);
    END LOOP;
END $$;
