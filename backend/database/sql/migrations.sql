-- What migrating needs around Alembic.

-- lock: one process migrates at a time
SELECT pg_advisory_xact_lock(hashtext('shelfmate.migrations'));

-- prepare: what the first migration takes for granted
CREATE EXTENSION IF NOT EXISTS vector;
CREATE SCHEMA IF NOT EXISTS shelfmate;

-- has_version: whether any migration was ever run
SELECT to_regclass('shelfmate.alembic_version') IS NOT NULL;

-- version: the revision that the database is at
SELECT version_num FROM shelfmate.alembic_version;
