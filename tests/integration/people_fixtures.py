"""A small shop with people: products of three far-apart kinds, what 40 people did, and the same as Python sees it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from people_rules import Shop, Signal, halved, unit
from pgvector import HalfVector
from small_catalogue import fresh_database

from backend.database.connection import Database

COUNT = 60
SIZE = 24
# Not embedded yet, and without any vector to speak of.
LACKING = (7, 31)
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
BY_TEXT = "SELECT create_space('people', 'hashing:24', '2', '{title}', 24, 1, NULL, NULL, 0, 0)"
BY_REVIEWS = (
    "SELECT create_space('people', NULL, NULL, '{title}', 0, 0, NULL, NULL, 0, 0,"
    " reviews_encoder => 'hashing:24', reviews_version => '2', reviews_dimensions => 24, reviews_weight => 1)"
)


@dataclass
class Street:
    """A database and the shop that is in it."""

    database: Database
    shop: Shop

    def __repr__(self) -> str:
        return f"Street({self.database.dsn})"


def vectors(seed: int = 5) -> dict[int, np.ndarray[Any, Any]]:
    """Three kinds, products 1-20, 21-40 and 41-60, each around a direction of its own."""
    chance = np.random.default_rng(seed)
    centres = np.linalg.qr(chance.normal(size=(SIZE, 3)))[0].T + 0.15
    return {
        row + 1: halved(unit(centres[row * 3 // COUNT] + chance.normal(size=SIZE) / np.sqrt(SIZE) * 0.6))
        for row in range(COUNT)
        if row + 1 not in LACKING
    }


def made_up_signals(seed: int = 6) -> list[Signal]:
    """What 40 people did in a year and a half: most within one or two kinds; the last of them reviewed as well."""
    chance = random.Random(seed)
    signals = []
    for number in range(40):
        kinds = chance.sample(range(3), chance.choice([1, 2]))
        for _ in range(chance.randrange(3, 25)):
            product = chance.choice(kinds) * COUNT // 3 + chance.randrange(COUNT // 3) + 1
            kind = chance.choice(["view", "view", "click", "like", "cart", "purchase", "rating"])
            at = NOW - timedelta(
                days=chance.choice([0.2, 1, 3, 6, 10, 20, 33, 60, 85, 120, 400]), seconds=chance.random() * 9e4
            )
            signals.append(Signal(f"u{number}", product, kind, chance.randint(1, 5) if kind == "rating" else None, at))
    return signals


def store_signals(connection: psycopg.Connection[Any], signals: list[Signal]) -> None:
    """Every second rating as a review, the others and the rest as events."""
    for number, s in enumerate(signals):
        if s.kind == "rating" and number % 2:
            connection.execute(
                "INSERT INTO reviews (product_id, rating, written_at, user_id, fingerprint)"
                " VALUES (%s, %s, %s, %s, %s)",
                [s.product, s.value, s.at, s.user, number.to_bytes(16)],
            )
        else:
            connection.execute(
                "INSERT INTO events (product_id, user_id, kind, value, occurred_at) VALUES (%s, %s, %s, %s, %s)",
                [s.product, s.user, s.kind, s.value, s.at],
            )


def store_shop(connection: psycopg.Connection[Any], fused: dict[int, Any], *, block: str = "text") -> None:
    """The products, and their vectors in a space of this block alone."""
    with connection.cursor() as cursor:
        with cursor.copy("COPY products (id, sku, title, price, variant_group, created_at) FROM STDIN") as rows:
            for p in range(1, COUNT + 1):
                group = f"G{p // 2}" if p % 5 else None
                rows.write_row((p, f"S{p}", f"Thing {p}", p, group, NOW - timedelta(days=p)))
        space = cursor.execute((BY_TEXT if block == "text" else BY_REVIEWS).encode()).fetchone()
        assert space is not None
        cursor.execute("SELECT activate_space('people', force => true)")
        copy = f"COPY product_embeddings (product_id, space_id, {block}, fused) FROM STDIN"
        with cursor.copy(copy.encode()) as rows:
            for product, vector in fused.items():
                text = HalfVector(vector).to_text()
                rows.write_row((product, space[0], text, text))
        cursor.execute("DELETE FROM embedding_jobs")


@pytest.fixture(scope="module")
def street(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """60 products and 40 people; tests of a module only read them, or roll back."""
    with fresh_database(server_dsn, template, tmp_path_factory.mktemp("home")) as (database, _):
        shop = Shop(vectors(), list(range(1, COUNT + 1)), made_up_signals())
        with database.write() as connection:
            store_shop(connection, shop.fused)
            store_signals(connection, shop.signals)
        yield Street(database, shop)
