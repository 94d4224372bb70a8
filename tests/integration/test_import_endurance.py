"""Long files, killed imports, and two imports at once."""

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace

from import_fixtures import ask, one, write_csv
from PIL import Image

from backend.catalog.importers import import_products
from backend.catalog.importers.chunks import load_chunk
from backend.catalog.importers.result import Outcome
from tests.eventually import eventually

IMPORT = """
import sys
from pathlib import Path
from backend.catalog.importers import import_products
from backend.database.connection import Database, with_search_path
from tests.memory import peak_megabytes

def show(progress):
    print(progress.read, flush=True)

import_products(Database(with_search_path(sys.argv[1])), Path(sys.argv[2]), progress=show)
print(peak_megabytes())
"""


def test_memory_does_not_grow_with_the_file_nor_with_its_photographs(database, database_url, tmp_path):
    # 160 MB of text, and 120 MB of photographs.
    out = io.BytesIO()
    side = 1500
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(out, "JPEG", quality=85)
    (tmp_path / "a.jpg").write_bytes(out.getvalue())
    pictures = 120_000_000 // len(out.getvalue())
    path = tmp_path / "p.csv"
    with path.open("w") as file:
        file.write("sku,title,description,image\n")
        for number in range(20_000):
            image = "a.jpg" if number < pictures else ""
            file.write(f"A{number},Shirt {number},{f'text of {number} ' * 500},{image}\n")
    assert path.stat().st_size > 120_000_000
    command = [sys.executable, "-c", IMPORT, database_url, str(path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout
    assert int(output.splitlines()[-1]) < 200
    assert one(database, "SELECT count(*) FROM products") == 20_000
    assert one(database, "SELECT count(*) FROM product_images") == pictures


def test_an_import_that_is_killed_keeps_whole_chunks_and_a_second_one_completes_it(database, database_url, tmp_path):
    rows = [
        {"sku": f"A{number}", "title": f"Shirt {number}", "category": f"C/{number % 7}"} for number in range(30_000)
    ]
    path = write_csv(tmp_path / "p.csv", rows)
    process = subprocess.Popen([sys.executable, "-c", IMPORT, database_url, str(path)], stdout=subprocess.PIPE)
    with process:
        for _ in range(3):
            assert process.stdout.readline()
        process.kill()
    # The server may commit one more chunk after the client is gone.
    busy = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    eventually(lambda: one(database, busy) == 0)
    done = one(database, "SELECT count(*) FROM products")
    assert 3000 <= done < 30_000
    assert done % 1000 == 0
    assert one(database, "SELECT count(*) FROM embedding_jobs") == done
    result = import_products(database, path)
    assert (result.unchanged, result.inserted) == (done, 30_000 - done)
    assert (
        one(database, "SELECT count(*) FROM products") == one(database, "SELECT count(*) FROM embedding_jobs") == 30_000
    )


def test_two_imports_of_the_same_products_at_once_in_opposite_order(database, tmp_path):
    rows = [
        {"sku": f"A{number}", "title": f"Shirt {number}", "category": f"C{number % 50}/x-{number % 3}/y"}
        for number in range(3000)
    ]
    paths = [write_csv(tmp_path / "up.csv", rows), write_csv(tmp_path / "down.csv", rows[::-1])]
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda path: import_products(database, path), paths))
    assert [result.bad for result in results] == [0, 0]
    assert [result.read for result in results] == [3000, 3000]
    assert sum(result.inserted for result in results) == 3000
    assert sum(result.updated for result in results) == 0
    assert ask(database, "SELECT count(*), count(DISTINCT category) FROM products") == [(3000, 150)]


def test_a_chunk_that_the_server_sends_back_for_a_deadlock_is_loaded_again(database):
    with database.write() as connection:
        connection.execute("INSERT INTO products (sku, title) VALUES ('A', '0'), ('B', '0')")
    both_hold_one = Barrier(2)
    attempts = []

    def load(connection, rows):
        attempts.append(rows[0].sku)
        for row in rows:
            connection.execute("UPDATE products SET title = title || '+' WHERE sku = %s", (row.sku,))
            if row is rows[0] and len(attempts) <= 2:
                both_hold_one.wait(120)
        return Outcome()

    def run(skus):
        with database.alone() as connection:
            return load_chunk(connection, [SimpleNamespace(file="f", line=1, size=1, sku=sku) for sku in skus], load)

    with ThreadPoolExecutor() as pool:
        assert [len(outcomes) for outcomes in pool.map(run, ["AB", "BA"])] == [1, 1]
    assert len(attempts) >= 3
    assert ask(database, "SELECT title FROM products") == [("0++",), ("0++",)]
