"""Postgres: the embedded server, engine and sessions, checks of any server."""
