"""The worker's side of the queue: claim, heartbeat, store, fail, release. Each is one statement."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg.rows import class_row

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.spaces.space import MOST_PHOTOGRAPHS
from workers.halves import half
from workers.lease import Lease
from workers.reviews import Encoded, columns

SQL = load_queries("jobs")
REVIEWS_SQL = load_queries("reviews")

# Of what a failure says, this much is kept.
LONGEST_ERROR = 4_000
# A job whose worker died this often is dead: twice in a batch, twice among other suspects, then alone.
MOST_LOSSES = 7
# So soon it is tried again to keep what was encoded of reviews.
SECONDS_TO_NEXT_TRY = 0.02


@dataclass(frozen=True)
class Input:
    """What a product is embedded from, and what is stored of it.

    ``sha256s`` and ``contents`` are its photographs in order and ``photographs_hash`` stands for all of them.
    ``contents`` is None where the stored ``image``, or ``same_image`` of another product, was made of the same.
    """

    product_id: int
    space_id: int
    title: str
    description: str
    brand: str | None
    attributes: dict[str, Any]
    price: Decimal | None
    photographs_hash: bytes | None
    sha256s: list[bytes] | None
    contents: list[bytes] | None
    text_hash: bytes | None
    image_hash: bytes | None
    text: HalfVector | None
    image: HalfVector | None
    reviews: HalfVector | None
    same_image: HalfVector | None
    is_stored: bool


@dataclass(frozen=True)
class Result:
    """Vectors to store under a lease: float32 blocks or None, and their fusion; None when nothing changed.

    ``reviews`` where the space has them.
    """

    lease: Lease
    text: NDArray[np.float32] | None
    image: NDArray[np.float32] | None
    fused: NDArray[np.float32] | None
    text_hash: bytes | None
    image_hash: bytes | None
    reviews: Encoded | None = None


@dataclass(frozen=True)
class JobQueue:
    """The queue as one worker sees it."""

    database: Database
    worker: str
    lease_seconds: float

    def claim_interactive(self, limit: int, aside: Sequence[int] = ()) -> list[Lease]:
        """Lease up to ``limit`` due jobs that somebody waits for, but for the spaces ``aside``."""
        return self._claim("claim_interactive", {"limit": limit, "aside": list(aside)})

    def claim_backfill(self, space_id: int, limit: int) -> list[Lease]:
        """Lease up to ``limit`` due jobs of the backfill of one space."""
        return self._claim("claim_backfill", {"limit": limit, "space_id": space_id})

    def claim_suspects(self, aside: Sequence[int] = ()) -> list[Lease]:
        """Lease jobs whose workers died: 32 that two did, 8 after a third, then one; hold nothing else meanwhile."""
        return self._claim("claim_suspects", {"aside": list(aside)})

    def _claim(self, statement: str, arguments: dict[str, object]) -> list[Lease]:
        lease = timedelta(seconds=self.lease_seconds)
        with self.database.primary() as connection, connection.cursor(row_factory=class_row(Lease)) as cursor:
            return cursor.execute(SQL[statement], {"worker": self.worker, "lease": lease} | arguments).fetchall()

    def holders(self) -> list[str]:
        """The workers that hold leases."""
        with self.database.primary() as connection:
            return [row[0] for row in connection.execute(SQL["holders"]).fetchall()]

    def expire(self, gone: Collection[str] = ()) -> list[tuple[int, str]]:
        """Take back the leases that ran out, and those of the workers ``gone``; the space and new state of each job."""
        with self.database.primary() as connection:
            return connection.execute(SQL["expire"], {"most": MOST_LOSSES, "gone": list(gone)}).fetchall()

    def has_suspect(self, aside: Sequence[int] = ()) -> bool:
        """Whether a job is due that has to be tried alone."""
        return self._ask("has_suspect", {"aside": list(aside)})

    def has_due(self, aside: Sequence[int] = ()) -> bool:
        """Whether a backfill job is due: nobody is told when the time of one comes that was put off."""
        return self._ask("has_due", {"aside": list(aside)})

    def has_jobs(self) -> bool:
        """Whether anything is left that is not dead, due or not, whoever holds it."""
        return self._ask("has_jobs", {})

    def _ask(self, statement: str, arguments: dict[str, object]) -> bool:
        with self.database.primary() as connection:
            row = connection.execute(SQL[statement], arguments).fetchone()
        return bool(row and row[0])

    def load(self, leases: Sequence[Lease]) -> list[Input]:
        """The inputs of leased jobs; a product or space deleted meanwhile is left out."""
        arguments = {
            "product_ids": [lease.product_id for lease in leases],
            "space_ids": [lease.space_id for lease in leases],
            "most_photographs": MOST_PHOTOGRAPHS,
        }
        with (
            self.database.primary() as connection,
            connection.cursor(row_factory=class_row(Input), binary=True) as cursor,
        ):
            return cursor.execute(SQL["load_inputs"], arguments).fetchall()

    def extend(self, tokens: Sequence[int]) -> None:
        """Heartbeat: hold these leases for another full term."""
        with self.database.primary() as connection:
            connection.execute(SQL["extend"], {"tokens": list(tokens), "lease": timedelta(seconds=self.lease_seconds)})

    def store(self, space_id: int, results: Sequence[Result], *, tries: int = 5) -> set[int]:
        """Store the results of one space and end their jobs; returns the ids of the products that were accepted."""
        arguments: dict[str, Any] = {
            "space_id": space_id,
            "product_ids": [result.lease.product_id for result in results],
            "tokens": [result.lease.lease_token for result in results],
            "texts": [half(result.text) for result in results],
            "images": [half(result.image) for result in results],
            "fused": [half(result.fused) for result in results],
            "text_hashes": [result.text_hash for result in results],
            "image_hashes": [result.image_hash for result in results],
        }
        reviews = [result.reviews for result in results if result.reviews is not None]
        if reviews:
            arguments |= columns(reviews)
            arguments["reviews"] = [result.reviews and half(result.reviews.block) for result in results]
            arguments["finished"] = [result.reviews is None or result.reviews.is_finished for result in results]
        with self.database.primary() as connection:
            if not reviews:
                return {row[0] for row in connection.execute(SQL["store"], arguments).fetchall()}
            held = dict(connection.execute(REVIEWS_SQL["store"], arguments).fetchall())
        accepted = {product_id for product_id, is_held in held.items() if is_held}
        # Somebody has the job in hand at this very moment, who writes a review, say: to encode again costs more.
        missed = [
            result
            for result in results
            if result.lease.product_id not in held and result.reviews is not None and result.reviews.fresh
        ]
        if missed and tries > 1:
            time.sleep(SECONDS_TO_NEXT_TRY)
            accepted |= self.store(space_id, missed, tries=tries - 1)
        return accepted

    def fail(self, lease: Lease, error: str, *, delay: float | None) -> None:
        """Note a failed attempt: try again after ``delay`` seconds, or never for None."""
        with self.database.primary() as connection:
            connection.execute(
                SQL["fail"],
                {
                    "product_id": lease.product_id,
                    "space_id": lease.space_id,
                    "token": lease.lease_token,
                    "error": _storable(error),
                    "dead": delay is None,
                    "delay": timedelta(seconds=delay or 0),
                },
            )

    def lose(self, leases: Sequence[Lease], error: str) -> None:
        """Give up a batch that hangs: each of its jobs is tried alone from now on."""
        tokens = [lease.lease_token for lease in leases]
        with self.database.primary() as connection:
            connection.execute(SQL["lose"], {"tokens": tokens, "most": MOST_LOSSES, "error": _storable(error)})

    def release(self, leases: Sequence[Lease]) -> None:
        """Hand back what will not be encoded; leases that are no longer held are left alone."""
        self.release_tokens([lease.lease_token for lease in leases])

    def release_tokens(self, tokens: Sequence[int]) -> None:
        """Hand back what is held under these tokens."""
        if tokens:
            with self.database.primary() as connection:
                connection.execute(SQL["release"], {"tokens": list(tokens)})

    def log(self, space_id: int, completed: int, failed: int, died: int) -> None:
        """Note how many jobs of a space ended well, failed and will be tried again, and were given up."""
        counts = {"completed": completed, "failed": failed, "died": died}
        with self.database.primary() as connection:
            connection.execute(SQL["log"], {"space_id": space_id, "worker": self.worker} | counts)


def _storable(error: str) -> str:
    """What Postgres takes for text: no NUL, and nothing that is not Unicode."""
    return error[:LONGEST_ERROR].replace("\0", "\ufffd").encode("utf-8", "replace").decode()
