-- What migrating needs around Alembic.

-- lock: one process migrates at a time
SELECT pg_advisory_xact_lock(hashtext('shelfmate.migrations'));

-- prepare: what the first migration takes for granted
CREATE EXTENSION IF NOT EXISTS vector SCHEMA public;
CREATE SCHEMA IF NOT EXISTS shelfmate;

-- vector_schema: where pgvector's types and operators are, if it is installed
SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector';

-- has_version: whether any migration was ever run
SELECT to_regclass('shelfmate.alembic_version') IS NOT NULL;

-- version: the revision that the database is at
SELECT version_num FROM shelfmate.alembic_version;
