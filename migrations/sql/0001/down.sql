-- Everything in the schema but the record of migrations, in whatever order its parts need each other.
DO $$
DECLARE
    statement text;
BEGIN
    -- All are named before the first is dropped.
    FOREACH statement IN ARRAY ARRAY(
        SELECT format('DROP %s IF EXISTS %s CASCADE',
                      CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END,
                      c.oid::regclass)
          FROM pg_class c
         WHERE c.relnamespace = 'shelfmate'::regnamespace AND c.relkind IN ('v', 'm', 'c', 'r', 'p')
           AND NOT c.relispartition AND c.relname <> 'alembic_version'
         UNION ALL
        SELECT format('DROP FUNCTION IF EXISTS %s CASCADE', p.oid::regprocedure)
          FROM pg_proc p WHERE p.pronamespace = 'shelfmate'::regnamespace
         UNION ALL
        SELECT format('DROP SEQUENCE IF EXISTS %s CASCADE', c.oid::regclass)
          FROM pg_class c WHERE c.relnamespace = 'shelfmate'::regnamespace AND c.relkind = 'S')
    LOOP
        EXECUTE statement;
    END LOOP;
END $$;
-- The role analyst belongs to the whole server and may serve another database: it stays, without rights here.
REVOKE ALL ON SCHEMA shelfmate FROM analyst;
DO $$
BEGIN
    EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM analyst', current_database());
    EXECUTE format('ALTER ROLE analyst IN DATABASE %I RESET ALL', current_database());
END $$;
