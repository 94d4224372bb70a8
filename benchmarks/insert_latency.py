"""From a plain INSERT to being recommended: single inserts with an idle worker beside them."""

import os
import subprocess
import sys
import time

import numpy as np

from benchmarks._setup import arguments, catalogue, show


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--inserts", type=int, default=200)
    options = parser.parse_args()
    with catalogue(options) as (database, _settings):
        environment = {**os.environ, "DATABASE_URL": database.dsn}
        worker = subprocess.Popen([sys.executable, "-m", "backend.cli", "worker"], env=environment)
        try:
            with database.alone() as connection:
                run = f"bench-{time.time_ns()}"
                seconds = [insert(connection, f"{run}-{number}", number) for number in range(-3, options.inserts)][3:]
                connection.execute("DELETE FROM products WHERE sku LIKE %s", [f"{run}-%"])
        finally:
            worker.terminate()
            worker.wait()
    milliseconds = 1e3 * np.array(seconds)
    show(
        f"INSERT to similar_products, {options.inserts} single inserts",
        ["", "ms"],
        [[f"p{p}", float(np.percentile(milliseconds, p))] for p in (50, 95, 99)]
        + [["greatest", float(milliseconds.max())]],
    )


def insert(connection: object, sku: str, number: int) -> float:
    """Seconds until ``similar_products`` answers for a product that was just inserted."""
    import psycopg

    assert isinstance(connection, psycopg.Connection)
    time.sleep(0.05)
    began = time.perf_counter()
    connection.execute(
        "INSERT INTO products (sku, title, category, price, currency)"
        " VALUES (%s, %s, 'Apparel/Topwear/Tshirts', 10, 'EUR')",
        [sku, f"Plain cotton t-shirt in shade {number}"],
    )
    while True:
        try:
            found = connection.execute("SELECT sku FROM similar_products(%s, 5)", [sku]).fetchall()
        except psycopg.Error as error:
            if error.sqlstate != "SM002":
                raise
            if time.perf_counter() - began > 30:
                raise
            time.sleep(0.002)
            continue
        assert len(found) == 5
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
