"""One batch of claimed jobs: prepared in one thread, encoded in another."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from backend.errors import ConfigurationError
from backend.spaces.embedder import Embedder
from backend.spaces.fusion import fuse
from backend.spaces.space import Space
from workers.queue import Input, Lease, Result

Vector = NDArray[np.float32]


@dataclass
class Item:
    """One product of a batch: what is to be encoded (``encode_text``, ``prepared``), and its vectors."""

    lease: Lease
    source: Input
    encode_text: str | None = None
    prepared: NDArray[np.uint8] | None = None
    text: Vector | None = None
    image: Vector | None = None
    text_hash: bytes | None = None
    changed: bool = False


@dataclass
class Batch:
    """Items by space, and what failed so far with the exception that says why."""

    leases: list[Lease]
    items: dict[int, list[Item]] = field(default_factory=lambda: defaultdict(list))
    failures: list[tuple[Lease, Exception]] = field(default_factory=list)


def prepare(leases: list[Lease], inputs: Sequence[Input], spaces: dict[int, Space], embedder: Embedder) -> Batch:
    """Decide what has to be encoded, by hash, and decode the photographs among it.

    A photograph that cannot be read fails its own job only.

    Raises:
        ConfigurationError: an encoder cannot be used at all, which is no product's fault.
    """
    batch = Batch(leases)
    by_job = {(lease.product_id, lease.space_id): lease for lease in leases}
    for source in inputs:
        lease = by_job[source.product_id, source.space_id]
        try:
            batch.items[source.space_id].append(_prepare_item(lease, source, spaces[source.space_id], embedder))
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001  # Decoders are foreign code: what one raises is kept with the job at fault.
            batch.failures.append((lease, error))
    return batch


def encode(batch: Batch, spaces: dict[int, Space], embedder: Embedder) -> dict[int, list[Result]]:
    """The results of a batch by space. When a batch fails as a whole, its items are tried one by one, so that only
    the one at fault fails; failures are added to the batch.

    Raises:
        ConfigurationError: an encoder cannot be used at all, which is no product's fault.
    """
    results: dict[int, list[Result]] = {}
    for space_id, items in batch.items.items():
        space = spaces[space_id]
        try:
            results[space_id] = _encode_items(items, space, embedder)
        except ConfigurationError:
            raise
        except Exception:  # noqa: BLE001  # Encoders are foreign code: whatever one raises is kept with the job at fault.
            results[space_id] = []
            for item in items:
                try:
                    results[space_id] += _encode_items([item], space, embedder)
                except Exception as error:  # noqa: BLE001  # As above.
                    batch.failures.append((item.lease, error))
    return results


def text_input(source: Input, space: Space) -> str:
    """The text that a space encodes of a product: its fields, joined by full stops."""
    values = {"title": source.title, "description": source.description, "brand": source.brand or ""}
    return ". ".join(values[name].strip() for name in space.text_fields if values[name].strip())


def _prepare_item(lease: Lease, source: Input, space: Space, embedder: Embedder) -> Item:
    item = Item(lease, source)
    if space.text_encoder:
        text = text_input(source, space)
        item.text_hash = hashlib.sha256(text.encode()).digest()
        if item.text_hash != source.text_hash:
            item.encode_text = text
            item.changed = True
        elif source.text is not None:
            item.text = source.text.to_numpy().astype(np.float32)
    if space.image_encoder:
        item.changed |= source.sha256 != source.image_hash
        if source.content is not None:
            item.prepared = embedder.prepare_image(space, source.content)
        elif source.sha256 is not None and source.image is not None:
            item.image = source.image.to_numpy().astype(np.float32)
    return item


def _encode_items(items: list[Item], space: Space, embedder: Embedder) -> list[Result]:
    worded = [item for item in items if item.encode_text is not None]
    if worded:
        for item, row in zip(worded, embedder.texts(space, [item.encode_text or "" for item in worded]), strict=True):
            item.text = row if row.any() else None
    pictured = [item for item in items if item.prepared is not None]
    if pictured:
        prepared = [item.prepared for item in pictured if item.prepared is not None]
        for item, row in zip(pictured, embedder.images(space, prepared), strict=True):
            item.image = row if row.any() else None
    fused = _fuse(items, space)
    return [
        Result(
            lease=item.lease,
            text=item.text,
            image=item.image,
            fused=row if item.changed else None,
            text_hash=item.text_hash,
            image_hash=item.source.sha256 if space.image_encoder else None,
        )
        for item, row in zip(items, fused, strict=True)
    ]


def _fuse(items: list[Item], space: Space) -> NDArray[np.float32]:
    text = np.zeros((len(items), space.text_dimensions), dtype=np.float32)
    image = np.zeros((len(items), space.image_dimensions), dtype=np.float32)
    for row, item in enumerate(items):
        if item.text is not None:
            text[row] = item.text
        if item.image is not None:
            image[row] = item.image
    return fuse([text, image, None], space.weights, space.dimensions)
