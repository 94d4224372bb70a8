-- What the embedded server is asked (backend/database/embedded/session.py).

-- database_exists: one row if the database is there
SELECT 1 FROM pg_database WHERE datname = %(database)s;

-- create_database: a new, empty database; {name} is put in as a quoted identifier
CREATE DATABASE {name};

-- tcp_port: null when the server listens on its unix socket only
SELECT CASE WHEN current_setting('listen_addresses') <> '' THEN current_setting('port')::int END;
