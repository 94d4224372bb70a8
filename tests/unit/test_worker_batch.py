"""What becomes of a batch whose encoder fails."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from backend.encoders.engines import Runtime
from backend.errors import ConfigurationError, DatabaseUnavailable
from backend.spaces.embedder import Embedder
from backend.spaces.fusion import Vectors
from backend.spaces.space import Space
from workers.batch import Batch, encode, prepare
from workers.lease import Lease
from workers.queue import Input

SPACE = Space(
    id=1,
    name="words",
    state="active",
    text_encoder="hashing:8",
    text_version="2",
    text_inputs=["title"],
    text_dimensions=8,
    text_weight=1.0,
    image_encoder=None,
    image_version=None,
    image_dimensions=0,
    image_weight=0.0,
    reviews_dimensions=0,
    reviews_weight=0.0,
)
NOTHING: dict[str, Any] = dict.fromkeys(
    ("brand", "price", "photographs_hash", "sha256s", "contents", "text_hash", "image_hash", "text", "image", "reviews")
)


class FailingEmbedder(Embedder):
    """Raises what ``fault`` makes of each call's titles, if anything."""

    def __init__(self, fault: Callable[[list[str]], Exception | None]) -> None:
        super().__init__(runtime=Runtime())
        self.calls: list[list[str]] = []
        self._fault = fault

    def product_texts(self, space: Space, inputs: Sequence[tuple[str, ...]]) -> Vectors:
        self.calls.append([text for texts in inputs for text in texts])
        error = self._fault(self.calls[-1])
        if error is not None:
            raise error
        return super().product_texts(space, inputs)


def prepared(titles: Sequence[str], embedder: Embedder) -> Batch:
    leases = [Lease(number, SPACE.id, 7, 0) for number in range(len(titles))]
    inputs = [
        Input(
            product_id=number,
            space_id=SPACE.id,
            title=title,
            description="",
            attributes={},
            same_image=None,
            is_stored=False,
            **NOTHING,
        )
        for number, title in enumerate(titles)
    ]
    return prepare(leases, inputs, {SPACE.id: SPACE}, embedder)


def test_only_the_product_at_fault_fails_and_none_is_encoded_alone_twice() -> None:
    embedder = FailingEmbedder(lambda titles: RuntimeError("poison") if "poison" in titles else None)
    batch = prepared(["a", "poison", "b"], embedder)
    ((space_id, results),) = encode(batch, embedder)
    assert space_id == SPACE.id
    assert [result.lease.product_id for result in results] == [0, 2]
    assert all(np.linalg.norm(result.fused) == pytest.approx(1, abs=1e-6) for result in results)  # type: ignore[arg-type]  # stored
    assert [(lease.product_id, str(error)) for lease, error in batch.failures] == [(1, "poison")]
    assert embedder.calls == [["a", "poison", "b"], ["a"], ["poison"], ["b"]]


def test_a_poison_item_alone_is_not_tried_twice() -> None:
    embedder = FailingEmbedder(lambda _titles: RuntimeError("poison"))
    batch = prepared(["poison"], embedder)
    assert list(encode(batch, embedder)) == [(SPACE.id, [])]
    assert embedder.calls == [["poison"]]


@pytest.mark.parametrize("kind", [ConfigurationError, DatabaseUnavailable])
def test_what_is_no_products_fault_fails_none_even_after_a_poison_item(kind: type[ConfigurationError]) -> None:
    embedder = FailingEmbedder(lambda titles: RuntimeError("poison") if "poison" in titles else kind("away"))
    batch = prepared(["poison", "a", "b"], embedder)
    with pytest.raises(kind, match="away"):
        list(encode(batch, embedder))
    assert [lease.product_id for lease, _error in batch.failures] == [0]
