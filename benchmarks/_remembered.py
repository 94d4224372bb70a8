"""Encoders that remember on disk what they encoded, so that a benchmark run again takes seconds instead of minutes."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.encoders.builtin import IMAGE, TEXT
from backend.encoders.family import Family


class Store:
    """Rows of float32 by key, in one SQLite file; any thread may use it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("CREATE TABLE IF NOT EXISTS rows (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")
        self._lock = Lock()

    def find(self, keys: Sequence[bytes]) -> list[NDArray[np.float32] | None]:
        """The row of each key, None where there is none."""
        with self._lock:
            found = [self._connection.execute("SELECT value FROM rows WHERE key = ?", [key]).fetchone() for key in keys]
        return [np.frombuffer(row[0], dtype=np.float32) if row else None for row in found]

    def keep(self, keys: Sequence[bytes], rows: NDArray[np.float32]) -> None:
        """Keep a row for each key."""
        values = [(key, row.tobytes()) for key, row in zip(keys, rows, strict=True)]
        with self._lock:
            self._connection.execute("BEGIN")
            self._connection.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?)", values)
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class Remembered:
    """An encoder in front of which a store stands; whatever else it is asked goes to the encoder itself."""

    def __init__(self, encoder: Any, store: Store, engine: str = "") -> None:
        self._encoder = encoder
        self._store = store
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode(self, inputs: Sequence[Any], *, normalized: bool = True) -> NDArray[np.float32]:
        """The rows of ``inputs``; only what was never encoded before is encoded."""
        spec = self._encoder.spec
        head = f"{spec.name}\n{spec.version}\n{self._engine}\n{normalized}\n".encode()
        keys = [hashlib.sha256(head + _bytes(item)).digest() for item in inputs]
        rows = self._store.find(keys)
        wanted = [place for place, row in enumerate(rows) if row is None]
        if wanted:
            encoded = self._encoder.encode([inputs[place] for place in wanted], normalized=normalized)
            self._store.keep([keys[place] for place in wanted], encoded)
            for place, row in zip(wanted, encoded, strict=True):
                rows[place] = row
        return np.array([row for row in rows if row is not None], dtype=np.float32).reshape(-1, spec.dimensions)


@contextmanager
def remembering(path: Path | None) -> Iterator[None]:
    """Within the context, encoders loaded by name keep their rows in the file; with None nothing is changed.

    Rows are told apart by the encoder, its version and the engine that is wanted for it. ``auto`` is one engine to
    this: delete the file when another one is chosen.
    """
    if path is None:
        yield
        return
    store = Store(path)
    before = dict(TEXT), dict(IMAGE)
    try:
        for families in (TEXT, IMAGE):
            for base, family in families.items():
                # A fitted one is another with each state; its version says so, but to fit it is cheap.
                if family.fit is None:
                    families[base] = _remembered(family, store)
        yield
    finally:
        for families, kept in zip((TEXT, IMAGE), before, strict=True):
            families.update(kept)
        store.close()


def _remembered(family: Family, store: Store) -> Family:
    load: Callable[..., Any] = family.load

    def remembered(*arguments: Any, **named: Any) -> Remembered:
        runtime = named.get("runtime")
        engine = f"{runtime.text} {runtime.image}" if runtime else "reference"
        return Remembered(load(*arguments, **named), store, engine)

    return replace(family, load=remembered)


def _bytes(item: Any) -> bytes:
    return item.encode() if isinstance(item, str) else str(item.shape).encode() + item.tobytes()
