"""Reading ahead: a thread reads and checks lines while the database stores those before them."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

# So many items, or so many characters of them, are handed over at once, and so many such parts wait at most: 12 million
# characters, which take up to four bytes each.
PART_ITEMS = 1000
PART_SIZE = 2**19
PARTS = 24


_Parts = queue.Queue[list[T] | BaseException | None]


@contextmanager
def reading_ahead(items: Iterable[T], size: Callable[[T], int]) -> Iterator[Iterator[T]]:
    """The same items, read by another thread up to ``PARTS`` parts ahead; what it raises is raised to who takes them.

    ``size`` gives about an item's bytes in memory, so that long lines do not fill it. At the end the thread has ended.
    """
    parts: _Parts[T] = queue.Queue(PARTS)
    given_up = threading.Event()
    reader = threading.Thread(target=_read, args=(items, size, parts, given_up), name="read-ahead", daemon=True)
    reader.start()
    try:
        yield _taken(parts)
    finally:
        given_up.set()
        while reader.is_alive():
            # It may wait for room.
            while not parts.empty():
                parts.get_nowait()
            reader.join(0.01)


def _taken(parts: _Parts[T]) -> Iterator[T]:
    while (part := parts.get()) is not None:
        if isinstance(part, BaseException):
            raise part
        yield from part


def _read(
    items: Iterable[T],
    size: Callable[[T], int],
    parts: _Parts[T],
    given_up: threading.Event,
) -> None:
    part: list[T] = []
    held = 0
    end: BaseException | None = None
    try:
        for item in items:
            part.append(item)
            held += size(item)
            if len(part) >= PART_ITEMS or held >= PART_SIZE:
                parts.put(part)
                part, held = [], 0
                if given_up.is_set():
                    return
    except BaseException as error:  # noqa: BLE001  # It is raised by the thread that asked for the items.
        end = error
    parts.put(part)
    parts.put(end)
