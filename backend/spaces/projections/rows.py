"""The rows of the sampled products, as encoders give them; what another space has stored is not encoded again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.encoders.lanes import unhurried
from backend.encoders.protocols import ImageEncoder, TextEncoder
from backend.encoders.unit import unit_rows
from backend.errors import UnreadableImage
from backend.spaces.fusion import Vectors
from backend.spaces.inputs import hash_texts
from backend.spaces.projections.catalogue import read_photographs
from backend.spaces.projections.interruption import check
from backend.spaces.space import MOST_PHOTOGRAPHS, Space, list_spaces

SQL = load_queries("fitting")

TEXTS_AT_ONCE = 256
# Photographs of 12 megapixels have some 5 MB each; decoded and reduced ones are 150 kB.
PRODUCTS_AT_ONCE = 8
PHOTOGRAPHS_AT_ONCE = 64
STORED_AT_ONCE = 2_000


@dataclass
class Progress:
    """To whom an encoding says how far it is, and who may end it."""

    report: Callable[[str], None]
    interrupted: Callable[[], bool]

    def step(self, what: str, done: int, of: int) -> None:
        """Say so, unless it is to end."""
        check(self.interrupted)
        self.report(f"{what}: {done:,} of {of:,}")


@dataclass(frozen=True, eq=False)
class Rows:
    """(n, d) float32 rows, zero where a product has none; how many were stored already, and how many products have a
    photograph that cannot be read."""

    rows: Vectors
    reused: int = 0
    unreadable: int = 0


def text_rows(
    database: Database,
    encoder: TextEncoder,
    ids: list[int],
    texts: Sequence[tuple[str, ...]],
    text_inputs: Sequence[str],
    progress: Progress,
    *,
    normalized: bool = True,
) -> Rows:
    """The texts of each product encoded apart, side by side and divided by the square root of their number."""
    parts, reused = [], 0
    for column, text_input in enumerate(text_inputs):
        given = [product[column] for product in texts]
        part = np.zeros((len(ids), encoder.dimensions), dtype=np.float32)
        done = np.zeros(len(ids), dtype=bool)
        space = _space_of(database, "text", encoder, [text_input]) if normalized else None
        if space is not None:
            hashes = [hash_texts((text,)) for text in given]
            for place, row, stored in _stored(database, "stored_texts", space, ids, progress):
                if stored == hashes[place]:
                    part[place], done[place] = row, True
        reused += int(done.sum())
        waiting = [text for text, is_done in zip(given, done, strict=True) if not is_done]
        part[~done] = encode_texts(encoder, waiting, text_input, progress, normalized=normalized)
        parts.append(part)
    return Rows(np.concatenate(parts, axis=1) / np.float32(len(parts) ** 0.5), reused)


def encode_texts(
    encoder: TextEncoder, texts: Sequence[str], what: str, progress: Progress, *, normalized: bool = True
) -> Vectors:
    """(n, d) float32 rows of texts, so many at once; ``progress`` is told of ``what``."""
    rows = np.zeros((len(texts), encoder.dimensions), dtype=np.float32)
    # By length, so that texts of one length meet in a batch.
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    for start in range(0, len(order), TEXTS_AT_ONCE):
        progress.step(f"encoding {what}", start, len(order))
        chunk = order[start : start + TEXTS_AT_ONCE]
        with unhurried():
            rows[chunk] = encoder.encode([texts[place] for place in chunk], normalized=normalized)
    return rows


def image_rows(
    database: Database, encoder: ImageEncoder, ids: list[int], progress: Progress, *, normalized: bool = True
) -> Rows:
    """The mean of each product's photographs; a product with one that cannot be read has none, as in a space."""
    rows = np.zeros((len(ids), encoder.dimensions), dtype=np.float32)
    done = np.zeros(len(ids), dtype=bool)
    space = _space_of(database, "image", encoder, None) if normalized else None
    if space is not None:
        for place, row, _ in _stored(database, "stored_images", space, ids, progress):
            rows[place], done[place] = row, True
    reused, unreadable = int(done.sum()), 0
    waiting = [product for product, is_done in zip(ids, done, strict=True) if not is_done]
    place_of = {product: place for place, product in enumerate(ids)}
    pixels: list[NDArray[np.uint8]] = []
    owners: list[int] = []

    def flush() -> None:
        with unhurried():
            encoded = encoder.encode(pixels, normalized=normalized)
        for product in dict.fromkeys(owners):
            mean = encoded[np.array(owners) == product].mean(axis=0)
            rows[place_of[product]] = unit_rows(mean[None])[0] if normalized else mean
        pixels.clear()
        owners.clear()

    for product, contents in read_photographs(database, waiting, PRODUCTS_AT_ONCE):
        progress.step("encoding photographs", place_of[product], len(ids))
        try:
            prepared = [encoder.prepare(content) for content in contents]
        except UnreadableImage:
            unreadable += 1
            continue
        pixels += prepared
        owners += [product] * len(prepared)
        if len(pixels) >= PHOTOGRAPHS_AT_ONCE:
            flush()
    if pixels:
        flush()
    return Rows(rows, reused, unreadable)


def _space_of(
    database: Database, modality: str, encoder: TextEncoder | ImageEncoder, inputs: list[str] | None
) -> Space | None:
    """A space that stores just what this encoder gives, the fullest."""
    wanted = encoder.name, encoder.version, None, "cosine"
    fitting = [
        space
        for space in list_spaces(database)
        if (
            getattr(space, f"{modality}_encoder"),
            getattr(space, f"{modality}_version"),
            getattr(space, f"{modality}_projection"),
            space.kernel,
        )
        == wanted
        and (inputs is None or space.text_inputs == inputs)
    ]
    return max(fitting, key=lambda space: (space.filled_at is not None, space.id), default=None)


def _stored(
    database: Database, query: str, space: Space, ids: list[int], progress: Progress
) -> Iterator[tuple[int, Vectors, bytes | None]]:
    """The place, row and hash of what the space has stored of these products."""
    for start in range(0, len(ids), STORED_AT_ONCE):
        progress.step("reading what is stored", start, len(ids))
        chunk = ids[start : start + STORED_AT_ONCE]
        place_of = {product: start + place for place, product in enumerate(chunk)}
        with database.read() as connection:
            found = connection.execute(
                SQL[query],
                {"space_id": space.id, "ids": chunk, "most_photographs": MOST_PHOTOGRAPHS},
                binary=True,
            ).fetchall()
        for product, row, *rest in found:
            yield place_of[product], row.to_numpy().astype(np.float32), rest[0] if rest else None
