-- What a server must have (backend/database/compatibility.py).

-- pgvector: the version that CREATE EXTENSION would install and the one installed in this database, each null if none
SELECT (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS available,
       (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS installed;
