"""Many products in one request, each with its own result: a bad one costs the others nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backend.catalog.products import SQL, ProductData, store
from backend.catalog.refusals import named_refusals
from backend.database.connection import Database
from backend.errors import Conflict, InvalidInput

Item = tuple[str, ProductData]


@dataclass(frozen=True)
class PutResult:
    """What became of one product; ``problem`` says why it was refused."""

    sku: str
    status: Literal["created", "replaced", "unchanged", "refused"]
    problem: InvalidInput | Conflict | None = None


def put_many(database: Database, items: Sequence[Item]) -> list[PutResult]:
    """Create or replace products; returns a result for each, in the same order.

    Each statement commits by itself, so that what was stored stays stored. A sku that comes twice is put twice.

    Raises:
        DatabaseUnavailable: the server went away; putting all of them again is safe.
    """
    results: dict[int, PutResult] = {}
    waiting = list(enumerate(items))
    while waiting:
        # One statement cannot write a row twice: what repeats a sku waits for the next round.
        seen: dict[str, tuple[int, Item]] = {}
        later = []
        for place, item in waiting:
            if item[0] in seen:
                later.append((place, item))
            else:
                seen[item[0]] = (place, item)
        _put(database, list(seen.values()), results)
        waiting = later
    return [results[place] for place in range(len(items))]


def _put(database: Database, batch: list[tuple[int, Item]], results: dict[int, PutResult]) -> None:
    """Store a batch in one statement; when it is refused halve it, until the culprits are alone."""
    try:
        changed = _store(database, [item for _, item in batch])
    except (InvalidInput, Conflict) as error:
        if len(batch) == 1:
            place, (sku, _) = batch[0]
            results[place] = PutResult(sku, "refused", error)
            return
        middle = len(batch) // 2
        _put(database, batch[:middle], results)
        _put(database, batch[middle:], results)
        return
    for place, (sku, _) in batch:
        created = changed.get(sku)
        results[place] = PutResult(sku, "unchanged" if created is None else "created" if created else "replaced")


def _store(database: Database, items: Sequence[Item]) -> dict[str, bool]:
    categories = [data.category for _, data in items if data.category is not None]
    with named_refusals(), database.write() as connection:
        connection.execute(SQL["ensure_categories"], {"paths": categories})
        return store(connection, items)
