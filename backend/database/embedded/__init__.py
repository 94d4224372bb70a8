"""Shelfmate's own Postgres server: started when a command needs it, shared by all commands of one home.

    with embedded.running(home) as server:
        psycopg.connect(server.dsn())

The server stops when no command uses it and no client is connected; docs/decisions/0002 says how.
Nothing here may import a third-party package at import time: the supervisor runs on the standard library alone.
"""

from backend.database.embedded.server import EmbeddedServer, running, wait_until_stopped

__all__ = ["EmbeddedServer", "running", "wait_until_stopped"]
