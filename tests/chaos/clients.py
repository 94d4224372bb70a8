"""Clients that insert, edit and delete at random, and note what they were told."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from threading import Event, Thread

import psycopg

from tests.chaos.audit import Connection
from tests.chaos.content import PHOTOGRAPHS, photograph, title
from tests.chaos.history import Change, History, Operation

PRODUCTS = 2000
LARGEST_BULK = 200
LONGEST_STATEMENT_MS = 60_000


class GivenUp(Exception):
    """Raised by a client that changes its mind, so that its transaction is rolled back."""


@dataclass
class Client:
    """One connection's thread. Choices are drawn from the seed alone, whatever happens to them."""

    dsn: str
    history: History
    seed: str
    rate: float
    stopping: Event = field(default_factory=Event)
    failures: list[str] = field(default_factory=list)
    longest: float = 0.0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._numbers = count(1)
        self._connection: Connection | None = None
        self._thread = Thread(target=self._run, name=f"client {self.seed}", daemon=True)
        self._kinds: dict[str, tuple[int, Callable[[Connection, Operation], None]]] = {
            "insert": (14, self._insert),
            "title": (22, self._edit_title),
            "description": (8, self._edit_description),
            "brand": (5, self._edit_brand),
            "photograph": (12, self._put_photograph),
            "photograph away": (5, self._delete_photograph),
            "price": (10, self._edit_price),
            "delete": (7, self._delete),
            "bulk": (3, self._bulk),
            "bulk title": (2, self._bulk_title),
            "review": (12, self._review),
            "review edit": (6, self._edit_review),
            "review away": (5, self._delete_review),
            "several": (6, self._several),
            "given up": (6, self._given_up),
        }

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def end(self) -> None:
        """Finish the operation in hand."""
        self.stopping.set()
        self._thread.join()
        self._hang_up()

    def fill(self, skus: list[str]) -> None:
        """Insert the first products, in this thread."""
        for first in range(0, len(skus), LARGEST_BULK):
            self._do("fill", partial(self._upsert, skus=skus[first : first + LARGEST_BULK]))
        self._hang_up()

    def _run(self) -> None:
        names = list(self._kinds)
        weights = [weight for weight, _ in self._kinds.values()]
        while not self.stopping.wait(self._random.expovariate(self.rate)):
            kind = self._random.choices(names, weights)[0]
            self._do(kind, self._kinds[kind][1])

    def _do(self, kind: str, act: Callable[[Connection, Operation], None]) -> None:
        # The choices of an operation do not depend on how far it came.
        state = random.Random(self._random.getrandbits(64))
        operation = self.history.begin(kind, time.time())
        chosen, self._random = self._random, state
        try:
            connection = self._connected()
            with connection.transaction():
                connection.execute("INSERT INTO public.chaos_ops (id) VALUES (%s)", [operation.id])
                act(connection, operation)
            operation.outcome = "committed"
        except (GivenUp, psycopg.errors.DeadlockDetected):
            operation.outcome = "rolled back"
        except psycopg.OperationalError as error:
            # Whether it was committed, the database says later. A stop is excused; the run looks at the times.
            if self._connection is not None and not self._connection.broken:
                self.failures.append(f"{operation.kind}: {error}")
            self._hang_up()
            time.sleep(0.05)
        finally:
            self._random = chosen
            operation.ended = time.time()
            self.longest = max(self.longest, operation.ended - operation.began)

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self.dsn,
                autocommit=True,
                application_name="chaos-client",
                options=f"-c search_path=shelfmate,public -c statement_timeout={LONGEST_STATEMENT_MS}",
            )
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _sku(self) -> str:
        # A few products are fought over.
        return f"S{self._random.randrange(20 if self._random.random() < 0.2 else PRODUCTS)}"

    def _title(self) -> str:
        return title(self._random, next(self._numbers))

    def _insert(self, connection: Connection, operation: Operation) -> None:
        self._upsert(connection, operation, [self._sku()])
        if self._random.random() < 0.5:
            self._put_photograph(connection, operation, operation.changes[0].sku)

    def _bulk(self, connection: Connection, operation: Operation) -> None:
        numbers = self._random.sample(range(PRODUCTS), self._random.randrange(20, LARGEST_BULK))
        self._upsert(connection, operation, [f"S{number}" for number in numbers])

    def _upsert(self, connection: Connection, operation: Operation, skus: list[str]) -> None:
        titles = [self._title() for _ in skus]
        connection.execute(
            "INSERT INTO products (sku, title) SELECT * FROM unnest(%s::text[], %s::text[])"
            " ON CONFLICT (sku) DO UPDATE SET title = excluded.title",
            [skus, titles],
        )
        operation.changes += [Change(sku, title=text) for sku, text in zip(skus, titles, strict=True)]

    def _edit_title(self, connection: Connection, operation: Operation) -> None:
        self._update(connection, operation, Change(self._sku(), title=self._title()))

    def _edit_description(self, connection: Connection, operation: Operation) -> None:
        self._update(connection, operation, Change(self._sku(), description=self._title()))

    def _edit_brand(self, connection: Connection, operation: Operation) -> None:
        self._update(connection, operation, Change(self._sku(), brand=self._random.choice(("Acme", "Umbra", "Nord"))))

    def _edit_price(self, connection: Connection, operation: Operation) -> None:
        connection.execute("UPDATE products SET price = %s WHERE sku = %s", [self._random.randrange(100), self._sku()])

    def _bulk_title(self, connection: Connection, operation: Operation) -> None:
        skus = sorted(f"S{number}" for number in self._random.sample(range(PRODUCTS), 60))
        for sku in skus:
            self._update(connection, operation, Change(sku, title=self._title()))

    def _update(self, connection: Connection, operation: Operation, change: Change) -> None:
        column, value = next(
            (name, value) for name in ("title", "description", "brand") if (value := getattr(change, name)) is not None
        )
        found = connection.execute(f"UPDATE products SET {column} = %s WHERE sku = %s", [value, change.sku]).rowcount
        if found:
            operation.changes.append(change)

    def _put_photograph(self, connection: Connection, operation: Operation, sku: str | None = None) -> None:
        sku = sku or self._sku()
        content, sha256 = photograph(self._random.randrange(PHOTOGRAPHS))
        position = self._random.choice((0, 0, 1, 2))
        found = connection.execute(
            "INSERT INTO product_images (product_id, position, sha256, media_type, width, height, content)"
            " SELECT id, %s, %s, 'image/jpeg', 240, 240, %s FROM products WHERE sku = %s"
            " ON CONFLICT (product_id, position) DO UPDATE SET sha256 = excluded.sha256, content = excluded.content",
            [position, bytes.fromhex(sha256), content, sku],
        ).rowcount
        if found:
            operation.changes.append(Change(sku, photograph=(position, sha256)))

    def _delete_photograph(self, connection: Connection, operation: Operation) -> None:
        sku, position = self._sku(), self._random.choice((0, 1, 2))
        found = connection.execute(
            "DELETE FROM product_images i USING products p"
            " WHERE p.id = i.product_id AND p.sku = %s AND i.position = %s",
            [sku, position],
        ).rowcount
        if found:
            operation.changes.append(Change(sku, photograph=(position, None)))

    def _review(self, connection: Connection, operation: Operation) -> None:
        sku, title, votes = self._sku(), self._title(), self._random.choice((0, 0, 3, 40))
        # Some many years ago, one or the other from the future.
        days = self._random.choice((None, -3000, -400, -10, 500))
        row = connection.execute(
            "INSERT INTO reviews (product_id, rating, title, body, helpful_votes, written_at, fingerprint)"
            " SELECT id, %s, %s, %s, %s, now() + make_interval(days => %s), sha256(gen_random_uuid()::text::bytea)"
            " FROM products WHERE sku = %s RETURNING id",
            [self._random.randrange(1, 6), title, self._random.choice(("", "Fits well.")), votes, days, sku],
        ).fetchone()
        if row is not None:
            operation.changes.append(Change(sku, review=(row[0], title, votes)))

    def _edit_review(self, connection: Connection, operation: Operation) -> None:
        sku, title, votes = self._sku(), self._title(), self._random.randrange(10)
        column, value = self._random.choice((("title", title), ("helpful_votes", votes)))
        row = connection.execute(
            f"UPDATE reviews SET {column} = %s WHERE (product_id, id) IN (SELECT r.product_id, r.id FROM reviews r"
            " JOIN products p ON p.id = r.product_id WHERE p.sku = %s ORDER BY r.id LIMIT 1)"
            " RETURNING id, title, helpful_votes",
            [value, sku],
        ).fetchone()
        if row is not None:
            operation.changes.append(Change(sku, review=(row[0], row[1], row[2])))

    def _delete_review(self, connection: Connection, operation: Operation) -> None:
        sku = self._sku()
        row = connection.execute(
            "DELETE FROM reviews WHERE (product_id, id) IN (SELECT r.product_id, r.id FROM reviews r"
            " JOIN products p ON p.id = r.product_id WHERE p.sku = %s ORDER BY r.id LIMIT 1) RETURNING id",
            [sku],
        ).fetchone()
        if row is not None:
            operation.changes.append(Change(sku, review=(row[0], None, None)))

    def _delete(self, connection: Connection, operation: Operation) -> None:
        sku = self._sku()
        if connection.execute("DELETE FROM products WHERE sku = %s", [sku]).rowcount:
            operation.changes.append(Change(sku, deleted=True))

    def _several(self, connection: Connection, operation: Operation) -> None:
        for _ in range(self._random.randrange(2, 5)):
            acts = (self._edit_title, self._put_photograph, self._edit_description, self._edit_price, self._review)
            self._random.choice(acts)(connection, operation)

    def _given_up(self, connection: Connection, operation: Operation) -> None:
        self._several(connection, operation)
        self._insert(connection, operation)
        raise GivenUp
