"""Shelfmate: a recommendation backend for shops, on Postgres and pgvector."""
