"""A shop where it is known who must find what: words join variants, photographs say nothing, people keep to a group."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image
from small_catalogue import drain, fresh_database, insert_image

from backend.database.connection import Database
from backend.settings import Settings

KINDS = ("Lamps", "Rugs", "Chairs", "Clocks")
COLOURS = ("red", "blue", "green", "black", "white")
GROUPS = 20
START = datetime(2025, 1, 1, tzinfo=UTC)
# Before it lies known history, from it on what is held out.
CUT = START + timedelta(days=100)
PEOPLE = 40
# The first product of the first two groups, which most people had to do with.
FAVOURITES = (1, 6)


@dataclass(frozen=True)
class Event:
    """Somebody bought a product."""

    user: str
    product: int
    at: datetime


def variant(group: int, colour: int) -> int:
    """The id of a product; groups count from 0."""
    return 1 + group * len(COLOURS) + colour


def events() -> list[Event]:
    """160 before the cut and 40 after it.

    Person n has bought the first two colours of group n % 20, both favourites where n < 30, and others of no meaning.
    Held out is the fourth colour of the group, which nobody had; but for persons 35 and up it is a favourite.
    """
    found: list[Event] = []
    for person in range(PEOPLE):
        group = person % GROUPS
        before = [variant(group, 0), variant(group, 1)]
        before += [one for one in FAVOURITES if person < 30]
        filler = (variant((group + step) % GROUPS, 2) for step in range(1, 5))
        while len(set(before)) < 4:
            before.append(next(filler))
        user = f"person-{person:02}"
        for place, product in enumerate(dict.fromkeys(before)):
            found.append(Event(user, product, START + timedelta(days=10 + place, minutes=person)))
        held_out = FAVOURITES[person % 2] if person >= 35 else variant(group, 3)
        found.append(Event(user, held_out, CUT + timedelta(minutes=person)))
    return found


def insert_catalogue(database: Database) -> None:
    """100 products with ids from 1: "word7 lamp red" in category Home/Lamps; each second has a photograph of noise.

    Product 101 is called by its article type alone, 102 has neither category nor variants.
    """
    chance = np.random.default_rng(3)
    with database.write() as connection, connection.cursor() as cursor:
        insert = """INSERT INTO products (id, sku, title, description, category, variant_group)
                    VALUES (%s, %s, %s, %s, %s, %s)"""
        for group in range(GROUPS):
            kind = KINDS[group % len(KINDS)]
            for place, colour in enumerate(COLOURS):
                number = variant(group, place)
                title = f"word{group} {kind[:-1].lower()} {colour}"
                cursor.execute(
                    insert, [number, f"S{number}", title, f"Made by maker{group}.", f"Home/{kind}", f"G{group}"]
                )
                if number % 2:
                    file = io.BytesIO()
                    Image.fromarray(chance.integers(0, 255, (48, 48, 3), dtype=np.uint8)).save(file, "PNG")
                    insert_image(cursor, number, file.getvalue())
        cursor.execute(insert, [101, "S101", "Lamps", "", "Home/Lamps", None])
        cursor.execute(insert, [102, "S102", "Something else", "", None, None])


def insert_events(database: Database, which: Sequence[Event]) -> None:
    """Purchases."""
    with database.write() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO events (user_id, product_id, kind, occurred_at) VALUES (%s, %s, 'purchase', %s)",
            [(one.user, one.product, one.at) for one in which],
        )


@contextmanager
def planted_shop(server_dsn: str, template: str, home: Path) -> Iterator[tuple[Database, Settings]]:
    """The catalogue embedded in the space default, without events."""
    with fresh_database(server_dsn, template, home) as (database, settings):
        insert_catalogue(database)
        assert drain(database, settings) == 102
        yield database, settings
