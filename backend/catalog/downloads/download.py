"""The photographs of products whose metadata named an address, each fetched once."""

import hashlib
from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from backend.catalog.downloads.fetching import Limits, fetch
from backend.catalog.downloads.politeness import Hosts, Politeness
from backend.catalog.importers.photographs import VERIFIED_PIXELS
from backend.catalog.importers.report import Tally, tallied
from backend.catalog.importers.result import ImportResult, OnProgress, Problem, Progress
from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.encoders.images import ImageFacts, describe_image
from backend.errors import AddressRefused, HostUnavailable, UnreadableImage

THREADS = 8
ATTEMPTS = 3
# Seconds before the second and third attempt, where the host does not say.
BACKOFF = 2.0
_PAGE = 500


class _Wanted(NamedTuple):
    product_id: int
    sku: str
    url: str


class _Fetched(NamedTuple):
    wanted: _Wanted
    content: bytes
    facts: ImageFacts


def download_images(
    database: Database,
    *,
    politeness: Politeness | None = None,
    limits: Limits | None = None,
    report: Path | None = None,
    progress: OnProgress | None = None,
) -> ImportResult:
    """Fetch and store the photographs that wait in ``image_downloads``; a run that was broken off goes on from there.

    What is stored or refused is not fetched again. A product that has a photograph of the shop's own is left alone.

    Args:
        database: where to.
        politeness: towards hosts.
        limits: of a photograph's time and size.
        report: a path for what could not be fetched: the product's sku as ``file``, the address as ``value``.
        progress: called after every photograph, with photographs in place of bytes.

    Returns:
        Photographs by what became of them; ``images_bad`` were refused for good, ``images_left`` wait for another run.
    """
    hosts = Hosts(politeness or Politeness())
    with tallied(report, []) as tally:
        total = _count(database)
        with closing(_each(database, hosts, limits or Limits())) as ends:
            for end in ends:
                tally.counts["read"] += 1
                _finish(database, end, tally)
                tally.flush()
                if progress is not None:
                    done = tally.counts["read"]
                    progress(Progress(done, done, max(total, done)))
        tally.counts.pop("read", None)
        return tally.result()


_End = _Fetched | tuple[_Wanted, AddressRefused | HostUnavailable]


def _each(database: Database, hosts: Hosts, limits: Limits) -> Generator[_End]:
    """Every photograph that waits, or why it cannot be fetched, in the order in which they come."""
    running: set[Future[_End]] = set()
    with ThreadPoolExecutor(THREADS, "download") as threads:
        try:
            for wanted in _waiting(database):
                # No more than the threads at once: whatever is fetched is in memory until it is stored.
                while len(running) >= THREADS:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
                running.add(threads.submit(_fetch, wanted, hosts, limits))
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            hosts.stop()


def _waiting(database: Database) -> Iterator[_Wanted]:
    after = 0
    while True:
        with database.primary() as connection:
            rows = connection.execute(_sql("list_waiting"), {"after": after, "limit": _PAGE}).fetchall()
        if not rows:
            return
        for row in rows:
            yield _Wanted(*row)
        after = rows[-1][0]


def _fetch(wanted: _Wanted, hosts: Hosts, limits: Limits) -> _End:
    for attempt in range(1, ATTEMPTS + 1):
        with hosts.turns() as turn:
            try:
                content = fetch(wanted.url, limits, turn)
                return _Fetched(wanted, content, _describe(content))
            except AddressRefused as error:
                return wanted, error
            except HostUnavailable as error:
                if turn.host is None or attempt == ATTEMPTS:
                    return wanted, error
                hosts.pause(turn.host, BACKOFF * attempt if error.retry_after is None else error.retry_after)
    raise AssertionError("unreachable")


def _describe(content: bytes) -> ImageFacts:
    try:
        facts = describe_image(content)
        if facts.width * facts.height > VERIFIED_PIXELS:
            raise AddressRefused(
                f"{facts.width} x {facts.height} pixels, more than {VERIFIED_PIXELS / 1e6:.1f} million"
            )
        return describe_image(content, verify=True)
    except UnreadableImage as error:
        raise AddressRefused(str(error)) from error


def _finish(database: Database, end: _End, tally: Tally) -> None:
    """Store one photograph, or why there is none."""
    if isinstance(end, _Fetched):
        row = _store(database, end)
        # None where somebody stored a photograph or named another address meanwhile.
        tally.counts["images_unchanged" if row is None else "images_inserted" if row else "images_updated"] += 1
        return
    wanted, error = end
    refused = isinstance(error, AddressRefused)
    with database.write() as connection:
        arguments = {"product_id": wanted.product_id, "url": wanted.url, "reason": str(error)}
        connection.execute(_sql("fail_download"), {**arguments, "state": "refused" if refused else "waiting"})
    tally.counts["images_bad" if refused else "images_left"] += 1
    again = "" if refused else " (it is tried again by the next run)"
    tally.write([Problem(wanted.sku, 0, "image", f"{error}{again}", wanted.url)])


def _store(database: Database, fetched: _Fetched) -> bool | None:
    with database.write() as connection:
        connection.execute(load_queries("imports")["as_backfill"])
        row = connection.execute(
            _sql("store_download"),
            {
                "product_id": fetched.wanted.product_id,
                "url": fetched.wanted.url,
                "sha256": hashlib.sha256(fetched.content).digest(),
                "media_type": fetched.facts.media_type,
                "width": fetched.facts.width,
                "height": fetched.facts.height,
                "content": fetched.content,
            },
        ).fetchone()
    return None if row is None else bool(row[0])


def _count(database: Database) -> int:
    with database.primary() as connection:
        row = connection.execute(_sql("count_waiting")).fetchone()
    return 0 if row is None else int(row[0])


def _sql(name: str) -> bytes:
    return load_queries("downloads")[name]
