"""The worker's side of the queue: claim, heartbeat, store, fail, release. Each is one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg.rows import class_row

from backend.database.connection import Database
from backend.database.queries import load_queries

SQL = load_queries("jobs")

# Of what a failure says, this much is kept.
LONGEST_ERROR = 4_000
# A job whose worker died this often is dead: twice in a batch, then this often less two alone.
MOST_LOSSES = 7


@dataclass(frozen=True)
class Lease:
    """The right to store one job's result; the database refuses it once the token is no longer the job's."""

    product_id: int
    space_id: int
    lease_token: int
    attempts: int


@dataclass(frozen=True)
class Input:
    """What a product is embedded from, and what is stored of it; ``content`` is None where that is the same."""

    product_id: int
    space_id: int
    title: str
    description: str
    brand: str | None
    sha256: bytes | None
    content: bytes | None
    text_hash: bytes | None
    image_hash: bytes | None
    text: HalfVector | None
    image: HalfVector | None


@dataclass(frozen=True)
class Result:
    """Vectors to store under a lease: float32 unit blocks or None, and their fusion; None when nothing changed."""

    lease: Lease
    text: NDArray[np.float32] | None
    image: NDArray[np.float32] | None
    fused: NDArray[np.float32] | None
    text_hash: bytes | None
    image_hash: bytes | None


@dataclass(frozen=True)
class JobQueue:
    """The queue as one worker sees it."""

    database: Database
    worker: str
    lease_seconds: float

    def claim(self, limit: int) -> list[Lease]:
        """Lease up to ``limit`` jobs that are due, of which none is suspected of killing its workers."""
        with self.database.write() as connection, connection.cursor(row_factory=class_row(Lease)) as cursor:
            cursor.execute(SQL["expire"], {"most": MOST_LOSSES})
            return cursor.execute(SQL["claim"], self._claimant | {"limit": limit}).fetchall()

    def claim_suspect(self) -> list[Lease]:
        """Lease one job whose workers died again and again; hold nothing else meanwhile, or it may suffer for it."""
        with self.database.write() as connection, connection.cursor(row_factory=class_row(Lease)) as cursor:
            return cursor.execute(SQL["claim_suspect"], self._claimant).fetchall()

    @property
    def _claimant(self) -> dict[str, object]:
        return {"worker": self.worker, "lease": timedelta(seconds=self.lease_seconds)}

    def load(self, leases: Sequence[Lease]) -> list[Input]:
        """The inputs of leased jobs; a product deleted meanwhile is left out."""
        arguments = {
            "product_ids": [lease.product_id for lease in leases],
            "space_ids": [lease.space_id for lease in leases],
        }
        with (
            self.database.write() as connection,
            connection.cursor(row_factory=class_row(Input), binary=True) as cursor,
        ):
            return cursor.execute(SQL["load_inputs"], arguments).fetchall()

    def extend(self, tokens: Sequence[int]) -> None:
        """Heartbeat: hold these leases for another full term."""
        with self.database.write() as connection:
            connection.execute(SQL["extend"], {"tokens": list(tokens), "lease": timedelta(seconds=self.lease_seconds)})

    def store(self, space_id: int, results: Sequence[Result]) -> set[int]:
        """Store the results of one space and end their jobs; returns the ids of the products that were accepted."""
        with self.database.write() as connection:
            rows = connection.execute(
                SQL["store"],
                {
                    "space_id": space_id,
                    "product_ids": [result.lease.product_id for result in results],
                    "tokens": [result.lease.lease_token for result in results],
                    "texts": [_half(result.text) for result in results],
                    "images": [_half(result.image) for result in results],
                    "fused": [_half(result.fused) for result in results],
                    "text_hashes": [result.text_hash for result in results],
                    "image_hashes": [result.image_hash for result in results],
                },
            ).fetchall()
        return {row[0] for row in rows}

    def fail(self, lease: Lease, error: str, *, delay: float | None) -> None:
        """Note a failed attempt: try again after ``delay`` seconds, or never for None."""
        with self.database.write() as connection:
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

    def release(self, leases: Sequence[Lease]) -> None:
        """Hand back what will not be encoded; leases that are no longer held are left alone."""
        with self.database.write() as connection:
            connection.execute(SQL["release"], {"tokens": [lease.lease_token for lease in leases]})


def _storable(error: str) -> str:
    """What Postgres takes for text: no NUL, and nothing that is not Unicode."""
    return error[:LONGEST_ERROR].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _half(vector: NDArray[np.float32] | None) -> HalfVector | None:
    return None if vector is None else HalfVector(vector)
