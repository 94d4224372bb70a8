"""Alembic migrations of the schema `shelfmate`."""
