"""Benchmarks, one command each: ``shelfmate bench NAME`` runs ``python -m benchmarks.NAME``; see README.md."""
