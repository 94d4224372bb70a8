"""Events through POST /v1/events: events a second by the size of a request, with and without keys of the shop's own."""

import json
import os
import random
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient

from backend.app import create_app
from backend.database.connection import Database, open_database
from backend.database.migrate import upgrade
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from backend.spaces.space import ensure_default_space
from benchmarks._setup import parser_for, show

KINDS = ("view",) * 8 + ("click", "like", "purchase")
SIZES = (1, 100, 1_000, 10_000)


def main() -> None:
    parser = parser_for(__doc__)
    parser.add_argument("--products", type=int, default=5_000)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--events", type=int, default=30_000, help="of each line of the table; of single events a 30th")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="shelfmate-bench-", ignore_cleanup_errors=True) as temporary:
        home = Path(temporary)
        home.chmod(0o755)
        # Encoders are loaded by nobody here.
        settings = Settings(home=home, database_url=None, text_encoder="hashing:64", image_encoder="hashing:64")
        with open_database(settings) as database:
            upgrade(database)
            ensure_default_space(database, settings)
            _fill(database, options.products)
            client = create_app(database, Embedder(), settings).test_client()
            rows = []
            for size in SIZES:
                requests = max(1, options.events // size // (30 if size == 1 else 1))
                for keyed in (False, True):
                    bodies = [_body(chance, size, options, keyed=keyed) for _ in range(requests)]
                    rows.append([f"{size:,}", "yes" if keyed else "no", *_measure(database, client, bodies, size)])
    load = f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    head = ("events a request", "with an id", "events/s", "ms a request", "API, CPU us/event", "server, CPU us/event")
    show(f"POST /v1/events, one client: {load}", head, rows)


def _fill(database: Database, products: int) -> None:
    made = "INSERT INTO products (sku, title) SELECT 'S' || i, 'Product ' || i FROM generate_series(1, %s) i"
    with database.write() as connection:
        connection.execute(made, [products])


def _body(chance: random.Random, size: int, options: Any, *, keyed: bool) -> bytes:
    now = datetime.now(UTC)
    events = []
    for _ in range(size):
        event = {
            "user_id": f"u{chance.randrange(options.people)}",
            "kind": chance.choice(KINDS),
            "sku": f"S{chance.randint(1, options.products)}",
            "occurred_at": (now - timedelta(seconds=chance.randrange(30 * 86_400))).isoformat(),
        }
        events.append(event | ({"id": str(UUID(int=chance.getrandbits(128)))} if keyed else {}))
    return json.dumps({"events": events}).encode()


def _measure(database: Database, client: FlaskClient, bodies: list[bytes], size: int) -> list[str]:
    served, used, began = _server_seconds(database), time.process_time(), time.perf_counter()
    for body in bodies:
        answer = client.post("/v1/events", data=body, content_type="application/json")
        assert answer.json is not None
        assert answer.json["stored"] == size, answer.text
    seconds, used = time.perf_counter() - began, time.process_time() - used
    served = _server_seconds(database) - served
    events = size * len(bodies)
    return [
        f"{events / seconds:,.0f}",
        f"{1e3 * seconds / len(bodies):.2f}",
        f"{1e6 * used / events:.1f}",
        f"{1e6 * served / events:.1f}",
    ]


def _server_seconds(database: Database) -> float:
    """CPU seconds so far of the server's session that this process uses."""
    with database.primary() as connection:
        process = connection.info.backend_pid
    # proc_pid_stat(5): behind the name, which may hold blanks, the 12th and 13th are utime and stime in ticks.
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
