"""From a plain INSERT to a worker's start and to being recommended: with an idle worker, and while it fills a space."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread

import numpy as np
import psycopg

from backend.database.connection import Database, Row
from backend.settings import Settings
from backend.spaces.recipe import PLAIN
from backend.spaces.space import insert_space
from benchmarks._setup import arguments, catalogue, show

FILLED = "bench-filled-beside"


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--inserts", type=int, default=200)
    options = parser.parse_args()
    with catalogue(options) as (database, settings), worker(database) as starts, database.alone() as connection:
        wait_until_ready(connection)
        idle = insert_many(connection, options.inserts, starts)
        rate = begin_fill(database, connection, settings)
        filling = insert_many(connection, options.inserts, starts)
        left = waiting(connection)
        report("an idle worker", idle)
        report(
            f"a worker that fills a second space, {rate:.0f} products/s without inserts, {left} left to fill", filling
        )


@contextmanager
def worker(database: Database) -> Iterator[dict[int, int]]:
    """A worker in a process of its own; when it began with each product, in ns of the clock, by product id."""
    environment = {**os.environ, "DATABASE_URL": database.dsn}
    command = [sys.executable, "-m", "benchmarks._watched_worker"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    starts: dict[int, int] = {}

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            now, product_id = line.split()
            # The first time is the active space's.
            starts.setdefault(int(product_id), int(now))

    listener = Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield starts
    finally:
        process.terminate()
        process.wait()
        listener.join()


def wait_until_ready(connection: psycopg.Connection[Row]) -> None:
    """Until the worker has loaded its model and listens."""
    insert(connection, f"bench-ready-{time.time_ns()}", 0, {})
    time.sleep(1)


def begin_fill(database: Database, connection: psycopg.Connection[Row], settings: Settings) -> float:
    """Make a second space and wait until its fill is under way; returns its products/s."""
    with database.write() as other:
        recipe = replace(PLAIN, text=settings.text_encoder, image=settings.image_encoder, name=None)
        insert_space(other, f"{FILLED}-{time.time_ns()}", recipe)
    counts = "SELECT count(*) FROM product_embeddings WHERE space_id = (SELECT max(id) FROM embedding_spaces)"
    while fetch(connection, counts) == 0:
        time.sleep(0.05)
    time.sleep(1)
    before, began = fetch(connection, counts), time.perf_counter()
    time.sleep(5)
    return (fetch(connection, counts) - before) / (time.perf_counter() - began)


def waiting(connection: psycopg.Connection[Row]) -> int:
    """How many products the second space lacks."""
    return fetch(
        connection,
        "SELECT (SELECT count(*) FROM products) - (SELECT count(*) FROM product_embeddings"
        " WHERE space_id = (SELECT max(id) FROM embedding_spaces))",
    )


def fetch(connection: psycopg.Connection[Row], query: str) -> int:
    """The one number that a query gives."""
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def insert_many(
    connection: psycopg.Connection[Row], inserts: int, starts: dict[int, int]
) -> list[tuple[float, float, float]]:
    """Seconds of each insert: until it returned, until the worker had it in hand, until it was recommended."""
    run = f"bench-{time.time_ns()}"
    seconds = [insert(connection, f"{run}-{number}", number, starts) for number in range(-3, inserts)][3:]
    connection.execute("DELETE FROM products WHERE sku LIKE %s", [f"{run}-%"])
    return seconds


def insert(
    connection: psycopg.Connection[Row], sku: str, number: int, starts: dict[int, int]
) -> tuple[float, float, float]:
    """Insert one product and wait until ``similar_products`` answers for it."""
    time.sleep(0.05)
    clock, began = time.time_ns(), time.perf_counter()
    row = connection.execute(
        "INSERT INTO products (sku, title, category, price, currency)"
        " VALUES (%s, %s, 'Apparel/Topwear/Tshirts', 10, 'EUR') RETURNING id",
        [sku, f"Plain cotton t-shirt in shade {number}"],
    ).fetchone()
    assert row is not None
    returned = time.perf_counter() - began
    while True:
        try:
            found = connection.execute("SELECT sku FROM similar_products(%s, 5)", [sku]).fetchall()
        except psycopg.Error as error:
            if error.sqlstate != "SM002" or time.perf_counter() - began > 60:
                raise
            time.sleep(0.002)
            continue
        assert len(found) == 5
        recommended = time.perf_counter() - began
        return returned, (starts.get(row[0], clock) - clock) / 1e9, recommended


def report(beside: str, seconds: list[tuple[float, float, float]]) -> None:
    """Print the percentiles of one run."""
    returned, started, recommended = 1e3 * np.array(seconds).T
    milliseconds = np.stack([returned, started, started - returned, recommended], axis=1)
    show(
        f"{len(seconds)} single INSERTs beside {beside}",
        ["ms", "INSERT returned", "worker has it", "the same after the return", "recommended"],
        [[f"p{p}", *(float(value) for value in np.percentile(milliseconds, p, axis=0))] for p in (50, 95, 99)]
        + [["greatest", *(float(value) for value in milliseconds.max(axis=0))]],
    )


if __name__ == "__main__":
    main()
