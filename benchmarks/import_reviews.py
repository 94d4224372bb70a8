"""Import of generated review lines: lines a second, CPU time, and the greatest memory with that of child processes."""

import argparse
import os
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from backend.catalog.importers import Progress, import_amazon
from backend.database.connection import Database, open_database
from backend.database.migrate import upgrade
from backend.settings import Settings
from backend.spaces.space import ensure_default_space
from benchmarks._made_reviews import review_lines
from benchmarks._setup import parser_for, show


def main() -> None:
    parser = parser_for(__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--products", type=int, help="products at most; without it a sixteenth of the lines")
    parser.add_argument("--users", type=int, help="writers at most; without it a third of the lines")
    parser.add_argument("--layout", type=int, choices=(2018, 2023), default=2023)
    parser.add_argument("--again", action="store_true", help="import the file a second time, which changes nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shelfmate-bench-", ignore_cleanup_errors=True) as temporary:
        home = Path(temporary)
        home.chmod(0o755)
        file = _write(home / "reviews.jsonl", options)
        # Encoders are loaded by nobody here.
        settings = Settings(home=home, database_url=None, text_encoder="hashing:64", image_encoder="hashing:64")
        with open_database(settings) as database:
            upgrade(database)
            ensure_default_space(database, settings)
            runs = ["first", "again"] if options.again else ["first"]
            rows = [_measure(run, database, file, home / "bad.jsonl") for run in runs]
    load = f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    show(f"import amazon --reviews: {load}", _HEAD, rows)


_HEAD = (
    "run",
    "lines/s",
    "importer, CPU us/line",
    "server, CPU us/line",
    "MiB after a tenth",
    "MiB at most",
    "inserted",
    "unchanged",
    "bad",
    "reported",
    "products made",
)


def _write(file: Path, options: argparse.Namespace) -> Path:
    products, users = options.products or options.lines // 16, options.users or options.lines // 3
    with file.open("w", encoding="utf-8") as out:
        out.writelines(
            review_lines(options.lines, products=max(1, products), users=max(1, users), layout=options.layout)
        )
    print(f"{options.lines:,} lines of the layout of {options.layout}, {file.stat().st_size / 2**20:.0f} MiB")
    return file


def _measure(run: str, database: Database, file: Path, report: Path) -> list[str]:
    watch = _Watch(_server(database))
    importer, began = _own_seconds(), time.perf_counter()
    result = import_amazon(database, reviews=file, report=report, progress=watch).reviews
    seconds, importer = time.perf_counter() - began, _own_seconds() - importer
    server = watch.stop()
    assert result is not None
    with report.open(encoding="utf-8") as lines:
        reported = sum(1 for _ in lines)
    return [
        run,
        f"{result.read / seconds:,.0f}",
        f"{1e6 * importer / result.read:.1f}",
        f"{1e6 * server / result.read:.1f}",
        f"{watch.early:.0f}",
        f"{watch.greatest:.0f}",
        *(f"{count:,}" for count in (result.inserted, result.unchanged, result.bad, reported, result.products_created)),
    ]


def _own_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    own = os.times()
    return own.user + own.system + own.children_user + own.children_system


def _children(process: int | str) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # The thread has ended since.
            found += map(int, (task / "children").read_text(encoding="ascii").split())
    return found


def _resident(process: int | str) -> float:
    """MiB; 0 of a process that has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0


def _server(database: Database) -> int:
    """The process that all of the server's have as their parent."""
    with database.alone() as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        return int(_stat(int(row[0]))[1])


def _stat(process: int) -> list[str]:
    """The fields of proc_pid_stat(5) behind the name, which may hold blanks."""
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


class _Watch:
    """Resident memory of this process and its children together, and CPU time of the server's, every fifth of a second.

    ``early`` is the greatest memory in the first tenth of the file.
    """

    def __init__(self, server: int) -> None:
        self.greatest = self.early = 0.0
        self._server = server
        self._seconds: dict[int, float] = {}
        self._before = 0.0
        self._done = 0.0
        self._stopped = threading.Event()
        self._look()
        self._before = sum(self._seconds.values())
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __call__(self, progress: Progress) -> None:
        """Take note of how far the import is."""
        self._done = progress.position / progress.size

    def stop(self) -> float:
        """End it; returns the server's CPU seconds."""
        self._stopped.set()
        self._thread.join()
        return sum(self._seconds.values()) - self._before

    def _run(self) -> None:
        while not self._stopped.wait(0.2):
            self._look()

    def _look(self) -> None:
        self.greatest = max(self.greatest, _resident("self") + sum(map(_resident, _children("self"))))
        if self._done <= 0.1:
            self.early = self.greatest
        for process in _children(self._server):
            with suppress(FileNotFoundError, ProcessLookupError):  # It has ended since.
                fields = _stat(process)
                self._seconds[process] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
