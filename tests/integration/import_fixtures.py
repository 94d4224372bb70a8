"""Files to import, and what the database has afterwards."""

import csv
import io
import json
from pathlib import Path

from PIL import Image

from backend.database.connection import Database


def jpeg(colour: str = "red", size: tuple[int, int] = (60, 80), quality: int = 75) -> bytes:
    """A photograph of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG", quality=quality)
    return out.getvalue()


def write_csv(path: Path, rows: list[dict[str, object]]) -> Path:
    """A CSV of these rows, whose columns are those of the first."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: list[dict[str, object]]) -> Path:
    """A JSON Lines file of these rows."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def ask(database: Database, query: str, *parameters: object) -> list[tuple]:
    """The rows that a query gives."""
    with database.read() as connection:
        return connection.execute(query, parameters).fetchall()


def one(database: Database, query: str, *parameters: object):
    """The one value that a query gives."""
    [[value]] = ask(database, query, *parameters)
    return value


def finish_jobs(database: Database) -> None:
    """Let the queue be empty, as a worker would leave it."""
    with database.write() as connection:
        connection.execute("DELETE FROM embedding_jobs")


def queued(database: Database) -> list[str]:
    """The skus that are to be embedded."""
    query = "SELECT p.sku FROM embedding_jobs j JOIN products p ON p.id = j.product_id ORDER BY p.sku"
    return [sku for (sku,) in ask(database, query)]


def state(database: Database) -> tuple:
    """Everything that an import writes, down to the place of each row: equal only if nothing was written at all."""
    queries = [
        *(f"SELECT ctid::text, xmin::text, t.* FROM {name} t" for name in ("categories", "products", "reviews")),
        "SELECT ctid::text, xmin::text, t.* FROM embedding_jobs t",
        "SELECT ctid::text, xmin::text, product_id, sha256 FROM product_images",
    ]
    return tuple(ask(database, f"{query} ORDER BY 1") for query in queries)


def reported(path: Path) -> list[dict[str, object]]:
    """The entries of a report."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
