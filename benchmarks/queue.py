"""Claim and complete jobs that do nothing: our queue beside PgQueuer and Procrastinate, all durable, on one server."""

import logging
import statistics
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from backend.database.connection import Database, open_database
from backend.database.migrate import upgrade
from backend.settings import Settings
from backend.spaces.space import ensure_default_space
from benchmarks._queues import ClaimAndComplete, PgQueuer, Procrastinate, Queue, WholeWorker, unchanged_products
from benchmarks._setup import parser_for, show, spread

PEERS = ("pgqueuer", "procrastinate")


def main() -> None:
    parser = parser_for(__doc__)
    parser.add_argument("--jobs", type=int, default=20_000, help="jobs of one round; Procrastinate gets a fifth")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory(prefix="shelfmate-bench-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        settings = Settings(home=Path(home), text_encoder="hashing:64", image_encoder="hashing:64")
        with open_database(settings) as database:
            upgrade(database)
            ensure_default_space(database, settings)
            unchanged_products(database, options.jobs)
            _require_durable(database)
            queues = line_up(database)
            rates: dict[str, list[float]] = {queue.name: [] for queue in queues}
            for turn in range(options.rounds):
                for queue in queues[turn:] + queues[:turn]:
                    jobs = options.jobs // 5 if isinstance(queue, Procrastinate) else options.jobs
                    rates[queue.name].append(measure(database, queue, jobs))
    report(rates)


def line_up(database: Database) -> list[Queue]:
    """Ours, and each peer that is installed: by its default, and up to where it gains no more."""
    queues: list[Queue] = [ClaimAndComplete(database, batch) for batch in (64, 1_024)]
    queues.append(WholeWorker(database, 64))
    missing = [name for name in PEERS if find_spec(name) is None]
    if missing:
        print(f"left out, since they are not installed: {', '.join(missing)}; pip install 'shelfmate[bench]'")
    # Without our schema in the search path, as they would be used.
    dsn = database.dsn.replace("-csearch_path=shelfmate,public", "-csearch_path=public")
    if "pgqueuer" not in missing:
        queues += [PgQueuer(dsn, batch) for batch in (10, 100, 1_000)]
    if "procrastinate" not in missing:
        queues += [Procrastinate(dsn, concurrency) for concurrency in (1, 10, 30)]
    return queues


def measure(database: Database, queue: Queue, jobs: int) -> float:
    """Jobs/s of one round."""
    queue.fill(jobs)
    with database.alone() as connection:
        unlogged = connection.execute("SELECT relname FROM pg_class WHERE relpersistence = 'u'").fetchall()
        assert not unlogged, f"{unlogged} would not outlive a crash"
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    began = time.perf_counter()
    queue.work()
    seconds = time.perf_counter() - began
    assert queue.left() == 0, f"{queue.name} left {queue.left()} jobs"
    return jobs / seconds


def report(rates: dict[str, list[float]]) -> None:
    """Print the rates, and how many times each peer's best ours are."""
    show(
        "jobs claimed and completed, synchronous_commit on for all",
        ["", "jobs/s: median (least to greatest)"],
        [[name, spread(values)] for name, values in rates.items()],
    )
    medians = {name: statistics.median(values) for name, values in rates.items()}
    ours = {name: value for name, value in medians.items() if name.startswith("Shelfmate")}
    for peer in ("PgQueuer", "Procrastinate"):
        best = max((value for name, value in medians.items() if name.startswith(peer)), default=None)
        if best is not None:
            for name, value in ours.items():
                print(f"{name}: {value / best:.1f} times the best of {peer}")


def _require_durable(database: Database) -> None:
    with database.read() as connection:
        settings = [connection.execute(f"SHOW {name}".encode()).fetchone() for name in ("synchronous_commit", "fsync")]
    assert settings == [("on",), ("on",)], settings


if __name__ == "__main__":
    main()
