"""The shelfmate command: each subcommand calls one function elsewhere."""

from backend.cli.main import main

__all__ = ["main"]
