"""One batch of claimed jobs: prepared in one thread, encoded in another."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector

from backend.errors import ConfigurationError, UnreadableImage
from backend.spaces.embedder import Embedder
from backend.spaces.fusion import fuse
from backend.spaces.inputs import hash_texts
from backend.spaces.space import Space
from workers.lease import Lease
from workers.queue import Input, Result
from workers.reviews import Encoded, Reviews, encode_reviews

Vector = NDArray[np.float32]
Pixels = NDArray[np.uint8]

# Photographs encoded in one call: after each the batch has shown that it does not hang.
PHOTOGRAPHS_AT_ONCE = 64


@dataclass
class Item:
    """One product of a batch: what is to be encoded (``texts``, ``photographs`` by hash), and its vectors."""

    lease: Lease
    source: Input
    texts: tuple[str, ...] | None = None
    photographs: list[bytes] = field(default_factory=list)
    text: Vector | None = None
    image: Vector | None = None
    text_hash: bytes | None = None
    reviews: Reviews = field(default_factory=Reviews)
    encoded: Encoded | None = None
    changed: bool = False


@dataclass
class Batch:
    """Items by space, their photographs by image encoder and hash, and what failed so far with the exception.

    ``spaces`` as they were when it was prepared: one may be dropped before it is encoded.
    """

    leases: list[Lease]
    spaces: dict[int, Space]
    items: dict[int, list[Item]] = field(default_factory=lambda: defaultdict(list))
    pixels: dict[tuple[str, bytes], Pixels] = field(default_factory=dict)
    failures: list[tuple[Lease, Exception]] = field(default_factory=list)


def prepare(
    leases: list[Lease],
    inputs: Sequence[Input],
    spaces: dict[int, Space],
    embedder: Embedder,
    alive: Callable[[], None] = lambda: None,
    reviews: Mapping[tuple[int, int], Reviews] = MappingProxyType({}),
) -> Batch:
    """Decide what has to be encoded, by hash, and decode the photographs among it, each once.

    ``reviews`` are those of products by product and space, in spaces that have them. ``alive`` is called after each
    product. A photograph that cannot be read fails its own job only. Jobs of a space that is not among ``spaces`` are
    left out.

    Raises:
        ConfigurationError: an encoder cannot be used at all, which is no product's fault.
    """
    batch = Batch(leases, spaces)
    by_job = {(lease.product_id, lease.space_id): lease for lease in leases}
    for source in inputs:
        lease = by_job[source.product_id, source.space_id]
        space = spaces.get(source.space_id)
        if space is None:
            continue
        item = Item(lease, source, changed=not source.is_stored)
        item.reviews = reviews.get((source.product_id, space.id), item.reviews)
        try:
            batch.items[space.id].append(_prepare_item(item, space, embedder, batch.pixels))
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001  # Decoders are foreign code: what one raises is kept with the job at fault.
            batch.failures.append((lease, error))
        alive()
    return batch


def encode(
    batch: Batch, embedder: Embedder, alive: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, list[Result]]]:
    """The results of a batch space by space, the active one first. When a space's items fail as a whole, they are tried
    one by one, so that only the one at fault fails; failures are added to the batch.

    Raises:
        ConfigurationError: an encoder cannot be used at all, which is no product's fault.
    """
    for space in sorted(batch.spaces.values(), key=lambda space: (space.state != "active", space.id)):
        if space.id in batch.items:
            yield space.id, _encode(batch, batch.items[space.id], space, embedder, alive)


def _encode(
    batch: Batch, items: list[Item], space: Space, embedder: Embedder, alive: Callable[[], None]
) -> list[Result]:
    try:
        return _encode_items(items, space, embedder, batch.pixels, alive)
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001  # Encoders are foreign code: whatever one raises is kept with the job at fault.
        if len(items) == 1:
            batch.failures.append((items[0].lease, error))
            return []
    return [result for item in items for result in _encode(batch, [item], space, embedder, alive)]


def _prepare_item(item: Item, space: Space, embedder: Embedder, pixels: dict[tuple[str, bytes], Pixels]) -> Item:
    source = item.source
    if space.text_encoder:
        texts = space.texts_of(source.title, source.description, source.brand, source.attributes, source.price)
        item.text_hash = hash_texts(texts)
        if item.text_hash != source.text_hash:
            item.texts = texts
            item.changed = True
        elif source.text is not None:
            item.text = source.text.to_numpy().astype(np.float32)
    if space.image_encoder:
        item.changed |= source.photographs_hash != source.image_hash
        if source.contents is not None:
            item.photographs = source.sha256s or []
            for number, (sha256, content) in enumerate(zip(item.photographs, source.contents, strict=True), 1):
                key = (space.image_encoder, sha256)
                if key not in pixels:
                    pixels[key] = _decode(space, content, embedder, number, len(source.contents))
        elif source.photographs_hash is not None:
            stored = source.image if source.photographs_hash == source.image_hash else source.same_image
            item.image = None if stored is None else stored.to_numpy().astype(np.float32)
    return item


def _decode(space: Space, content: bytes, embedder: Embedder, number: int, of: int) -> Pixels:
    try:
        return embedder.prepare_image(space, content)
    except UnreadableImage as error:
        if of == 1:
            raise
        raise UnreadableImage(f"photograph {number} of {of}: {error}") from error


def _encode_items(
    items: list[Item],
    space: Space,
    embedder: Embedder,
    pixels: dict[tuple[str, bytes], Pixels],
    alive: Callable[[], None],
) -> list[Result]:
    alive()
    worded = [item for item in items if item.texts is not None]
    if worded:
        rows = embedder.product_texts(space, [item.texts or () for item in worded])
        for item, row in zip(worded, rows, strict=True):
            item.text = row if row.any() else None
        alive()
    pictured = [item for item in items if item.photographs]
    wanted = list(dict.fromkeys(sha256 for item in pictured for sha256 in item.photographs))
    vectors: dict[bytes, Vector] = {}
    for start in range(0, len(wanted), PHOTOGRAPHS_AT_ONCE):
        part = wanted[start : start + PHOTOGRAPHS_AT_ONCE]
        encoded = embedder.images(space, [pixels[space.image_encoder or "", sha256] for sha256 in part])
        vectors.update(zip(part, encoded, strict=True))
        alive()
    for item in pictured:
        item.image = _mean([vectors[sha256] for sha256 in item.photographs], space)
    if space.reviews_encoder:
        blocks = encode_reviews([item.reviews for item in items], space, embedder, alive)
        for item, block in zip(items, blocks, strict=True):
            item.encoded = block
            item.changed |= not _is_same(block.block, item.source.reviews)
    return [
        Result(
            lease=item.lease,
            text=item.text,
            image=item.image,
            fused=row if item.changed else None,
            text_hash=item.text_hash,
            image_hash=item.source.photographs_hash,
            reviews=item.encoded,
        )
        for item, row in zip(items, _fuse(items, space), strict=True)
    ]


def _mean(rows: list[Vector], space: Space) -> Vector | None:
    """The image block of a product: the mean of its photographs' rows, of length 1 again where they are unit rows."""
    mean: Vector = rows[0] if len(rows) == 1 else np.mean(rows, axis=0, dtype=np.float32)
    length = float(np.linalg.norm(mean))
    if length == 0:
        return None
    return mean / np.float32(length) if len(rows) > 1 and space.kernel == "cosine" else mean


def _is_same(block: Vector | None, stored: HalfVector | None) -> bool:
    """Whether these are the same once the block is rounded to halves."""
    if block is None or stored is None:
        return block is None and stored is None
    return np.array_equal(block.astype(np.float16), stored.to_numpy().astype(np.float16))


def _fuse(items: list[Item], space: Space) -> NDArray[np.float32]:
    text = np.zeros((len(items), space.text_dimensions), dtype=np.float32)
    image = np.zeros((len(items), space.image_dimensions), dtype=np.float32)
    reviews = np.zeros((len(items), space.reviews_dimensions), dtype=np.float32)
    for row, item in enumerate(items):
        if item.text is not None:
            text[row] = item.text
        if item.image is not None:
            image[row] = item.image
        if item.encoded is not None and item.encoded.block is not None:
            reviews[row] = item.encoded.block
    return fuse([text, image, reviews], space.weights, space.dimensions)
