"""Processor time of recommend_for_user() in a made-up catalogue, with histories of 10 and 100 products and filters."""

import argparse
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from pgvector import HalfVector

from backend.database.connection import Database, open_database
from backend.database.migrate import upgrade
from backend.settings import Settings
from backend.spaces.indexes import wanted_indexes
from backend.spaces.space import active_space
from benchmarks._setup import parser_for, show

DIMENSIONS = 288
KINDS = 400
PEOPLE = 30
HISTORIES = (10, 100)
SPACE = f"SELECT create_space('people', 'hashing:{DIMENSIONS}', '2', '{{title}}', {DIMENSIONS}, 1, NULL, NULL, 0, 0)"
COUNT = "SELECT count_popularity(), count_interest(), count_bought_together()"
# What upkeep counts is believed for 15 minutes, pairs for three hours.
COUNT_AGAIN = "SELECT count_popularity(), count_interest()"
# Of a hundred events.
DONE = ["view"] * 70 + ["click"] * 15 + ["like"] * 3 + ["cart"] * 5 + ["purchase"] * 7
FILTERS = {
    "none": None,
    "in stock, 80 %": '{"field": "in_stock", "eq": true}',
    "price, 59 %": '{"field": "price", "lt": 1000}',
    "price, 26 %": '{"field": "price", "lt": 500}',
    "category, 5 %": '{"field": "category", "under": "K3"}',
    "price, 0.7 %": '{"field": "price", "lt": 60}',
}
ASK = "SELECT mode FROM recommend_for_user(%s, filter => %s)"


def main() -> None:
    parser = parser_for(__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="products")
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=2, help="measured after one that is not")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shelfmate-bench-", ignore_cleanup_errors=True) as temporary:
        Path(temporary).chmod(0o755)
        with open_database(Settings(home=Path(temporary))) as database:
            upgrade(database)
            fill(database, options)
            rows = [
                (history, name, *measure(database, history, condition, options.rounds))
                for history in HISTORIES
                for name, condition in FILTERS.items()
            ]
    title = f"{options.rows:,} products, {options.events:,} events: milliseconds of the backend's processor time"
    show(title, ("history", "filter", "median", "99th percentile", "by the graph"), rows)


def fill(database: Database, options: argparse.Namespace) -> None:
    """Products around the directions of their kinds, events by a long tail of products and people, and histories."""
    chance = np.random.default_rng(0)
    rows = options.rows
    kinds = chance.integers(0, KINDS, rows)
    centres, common = unit(chance.normal(size=(KINDS, DIMENSIONS))), unit(chance.normal(size=DIMENSIONS))
    shared = chance.normal(size=(40, DIMENSIONS)) / np.sqrt(DIMENSIONS)
    vectors = 0.55 * common + 0.75 * centres[kinds] + 0.14 * chance.normal(size=(rows, 40)) @ shared
    vectors = unit(vectors + 0.25 * chance.normal(size=(rows, DIMENSIONS)) / np.sqrt(DIMENSIONS))
    prices, stocked = chance.gamma(2, 500, rows), chance.random(rows) < 0.8
    with database.write() as connection, connection.cursor() as cursor:
        with cursor.copy("COPY products (id, sku, title, category, price, currency, in_stock) FROM STDIN") as copy:
            for i, kind in enumerate(kinds):
                path = f"K{kind // 20}/k{kind}"
                copy.write_row((i + 1, f"P{i}", f"Thing {i}", path, round(prices[i], 2), "INR", bool(stocked[i])))
        row = cursor.execute(SPACE.encode()).fetchone()
        assert row is not None
        cursor.execute("SELECT activate_space('people', force => true)")
        cursor.execute("TRUNCATE embedding_jobs")
        with cursor.copy(
            "COPY product_embeddings (product_id, space_id, text, fused) FROM STDIN (FORMAT binary)"
        ) as copy:
            copy.set_types(["int8", "int4", "halfvec", "halfvec"])
            for i, vector in enumerate(vectors):
                copy.write_row((i + 1, row[0], HalfVector(vector), HalfVector(vector)))
        now = datetime.now(UTC)
        weights = 1 / (1 + np.arange(rows)) ** 0.7
        wanted = chance.permutation(rows)[chance.choice(rows, options.events, p=weights / weights.sum())]
        users = chance.zipf(1.3, options.events) % max(1, options.events // 20)
        ages, done = chance.uniform(0, 300, options.events), chance.integers(0, 100, options.events)
        with cursor.copy("COPY events (product_id, user_id, kind, occurred_at) FROM STDIN") as copy:
            for i in range(options.events):
                copy.write_row((int(wanted[i]) + 1, f"u{users[i]}", DONE[done[i]], now - timedelta(days=ages[i])))
            for history in HISTORIES:
                for person in range(PEOPLE):
                    tastes = chance.choice(np.unique(kinds), 4, replace=False)
                    for i in range(history):
                        product = int(chance.choice(np.flatnonzero(kinds == tastes[i % 4]))) + 1
                        kind = ("view", "like", "purchase", "click", "cart")[i % 5]
                        when = now - timedelta(hours=chance.uniform(1, 2000))
                        copy.write_row((product, f"h{history}_{person}", kind, when))
    index = wanted_indexes(active_space(database))[0]
    with database.alone() as connection:
        connection.execute(
            f"CREATE INDEX {index.name} ON product_embeddings_{active_space(database).id}"
            f" USING hnsw (({index.column}::halfvec({index.dimensions})) {index.operators})".encode()
        )
        connection.execute(COUNT)
        connection.execute("VACUUM ANALYZE")


def measure(database: Database, history: int, condition: str | None, rounds: int) -> tuple[str, str, str]:
    """Median and 99th percentile over everybody with such a history, and how many lists came by the graph."""
    spent, modes = [], []
    with database.alone() as connection:
        connection.execute(COUNT_AGAIN)
        clock = Path(f"/proc/{connection.info.backend_pid}/schedstat")
        for turn in range(rounds + 1):
            for person in range(PEOPLE):
                began = int(clock.read_text().split()[0])
                rows = connection.execute(ASK, (f"h{history}_{person}", condition)).fetchall()
                if turn:
                    spent.append((int(clock.read_text().split()[0]) - began) / 1e6)
                modes.append(rows[0][0] == "ann")
    return f"{np.percentile(spent, 50):.1f}", f"{np.percentile(spent, 99):.1f}", f"{np.mean(modes):.0%}"


def unit(
    vectors: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Each of length 1."""
    lengths: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / lengths


if __name__ == "__main__":
    main()
