"""Projections learned from a shop's own links: linear maps, one a block, trained contrastively (torch, on the CPU).

Supervised contrastive learning (Khosla et al. 2020, arxiv.org/abs/2004.11362, the loss outside the logarithm): in a
batch, every product should find those it is linked with among all the others by the inner product over a temperature.
It is asked of the fused rows, as the space answers, and of each block alone, as weights may be set at query time.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # The package ships no types.

from backend.errors import InvalidInput
from backend.spaces.fusion import Vectors
from backend.spaces.projections.interruption import check
from backend.spaces.projections.links import Indices, Links
from backend.spaces.projections.projection import Projection
from backend.spaces.projections.training_batches import batches

if TYPE_CHECKING:
    import torch

# Fewer products than this teach nothing that holds for others (docs/decisions/0013).
FEWEST_PRODUCTS = 100
FEWEST_LINKED = 50
# Measured over the real catalogue (docs/decisions/0013).
BATCH = 512
EPOCHS = 40
FEWEST_STEPS, MOST_STEPS = 100, 1_000
RATE = 5e-3
WARM_UP = 0.1
TEMPERATURE = 0.1
# Weight of the blocks alone, both together, beside that of the fused rows.
ALONE = 0.5
# Of each kind of links, of those that there are: what was bought together need not be alike.
WEIGHTS = {"variants": 0.65, "categories": 0.35, "bought": 0.05}
# The maps begin as half-whitened PCA; a direction with less than this share of the largest variance is not lifted.
LEAST_VARIANCE = 1e-4


@dataclass(frozen=True)
class Learned:
    """The projection of each block that was given, and how the training went (JSON-able, for people)."""

    text: Projection | None
    image: Projection | None
    report: dict[str, Any]


@dataclass
class _Block:
    rows: "torch.Tensor"
    present: "torch.Tensor"
    matrix: "torch.Tensor"
    offset: Vectors
    weight: float


def fit_learned(
    text: Vectors | None,
    image: Vectors | None,
    links: Links,
    *,
    dimensions: tuple[int, int],
    weights: tuple[float, float] = (0.5, 0.5),
    seed: int = 0,
    report: Callable[[float], None] = lambda _: None,
    interrupted: Callable[[], bool] = lambda: False,
) -> Learned:
    """Learn the projections of n products' blocks together.

    Args:
        text, image: (n, in) float32 unit rows, zero where a product lacks it; None leaves a block out.
        links: among the same n products. Variants alone or categories alone are enough.
        dimensions: of the projected text and image; that of a block that is left out is not looked at.
        weights: of text and image in the fused rows that are trained.
        seed: the same seed, rows and links give the same projections on one machine.
        report: is told the share that is done, 0 to 1.

    Raises:
        InvalidInput: too few products or links, or more dimensions than there are; the message names the remedy.
        NotReady: ``interrupted`` said so.
    """
    given = [(name, rows) for name, rows in (("text", text), ("image", image)) if rows is not None]
    for name, rows in given:
        _check_block(name, rows, dimensions[name == "image"])
    present = np.any([rows.any(axis=1) for _, rows in given], axis=0)
    kept: Indices = np.flatnonzero(present)
    lessons = links.among(kept)
    _check_lessons(lessons)
    sizes = {name: dimensions[name == "image"] for name, _ in given}
    shares = _shares({name: weights[name == "image"] for name, _ in given})
    # torch's number of threads is a thread's own setting. One thread adds up in one order, whatever the machine has,
    # and leaves the other cores to whoever encodes.
    with ThreadPoolExecutor(1, thread_name_prefix="fit", initializer=_one_thread) as thread:
        trained = thread.submit(
            _train, {name: rows[kept] for name, rows in given}, lessons, sizes, shares, seed, report, interrupted
        ).result()
    maps, steps = trained
    return Learned(
        maps.get("text"),
        maps.get("image"),
        {"products": len(kept), "links": lessons.counts(), "steps": steps, "weights": _weights(lessons), "seed": seed},
    )


def _train(
    rows: dict[str, Vectors],
    links: Links,
    sizes: dict[str, int],
    shares: dict[str, float],
    seed: int,
    report: Callable[[float], None],
    interrupted: Callable[[], bool],
) -> tuple[dict[str, Projection], int]:
    import torch

    blocks = {name: _begin(block, sizes[name], shares[name]) for name, block in rows.items()}
    steps = min(MOST_STEPS, max(FEWEST_STEPS, EPOCHS * len(links) // BATCH))
    optimizer = torch.optim.Adam([block.matrix for block in blocks.values()], lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=WARM_UP)
    teacher = _Teacher(links)
    for step, batch in enumerate(batches(links, BATCH, steps, np.random.default_rng(seed))):
        check(interrupted)
        loss = _loss(list(blocks.values()), batch, teacher.wanted(batch))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # The package leaves it unannotated.
        optimizer.step()
        schedule.step()
        report((step + 1) / steps)
    return {
        name: Projection("learned", block.matrix.detach().numpy().copy(), block.offset)
        for name, block in blocks.items()
    }, steps


def _begin(rows: Vectors, size: int, share: float) -> _Block:
    """Half-whitened PCA, in a form that copes with fewer rows than dimensions, scaled to rows of length 1."""
    import torch

    present = np.asarray(rows.any(axis=1))
    offset = rows[present].mean(axis=0)
    centred = rows[present] - offset
    # Several threads would wait for each other wherever a core is taken.
    with threadpool_limits(1):
        values, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64) / len(centred))
    values, axes = values[::-1][:size], axes[:, ::-1][:, :size]
    matrix = axes / np.maximum(values, max(values[0], 1e-12) * LEAST_VARIANCE) ** 0.25
    length = np.linalg.norm(centred @ matrix, axis=1).mean()
    return _Block(
        torch.from_numpy(rows - offset),
        torch.from_numpy(present[:, None].astype(np.float32)),
        torch.from_numpy((matrix / max(length, 1e-12)).astype(np.float32)).requires_grad_(True),
        offset.astype(np.float32),
        share,
    )


def _loss(blocks: list[_Block], batch: Indices, wanted: "torch.Tensor") -> "torch.Tensor":
    import torch

    places = torch.from_numpy(batch)
    likeness = []
    for block in blocks:
        rows = torch.nn.functional.normalize(block.rows[places] @ block.matrix) * block.present[places]
        likeness.append(rows @ rows.T)
    fused = torch.stack([block.weight * alike for block, alike in zip(blocks, likeness, strict=True)]).sum(0)
    if len(blocks) == 1:
        return _contrast(fused, wanted)
    alone = torch.stack([_contrast(alike, wanted) for alike in likeness]).mean()
    return (1 - ALONE) * _contrast(fused, wanted) + ALONE * alone


def _contrast(alike: "torch.Tensor", wanted: "torch.Tensor") -> "torch.Tensor":
    """Cross entropy of what each product finds, itself apart, against what it is to find."""
    import torch

    logits = (alike / TEMPERATURE).masked_fill(torch.eye(len(alike), dtype=torch.bool), -1e4)
    return (torch.logsumexp(logits, 1) * wanted.sum(1)).sum() - (logits * wanted).sum()


class _Teacher:
    """Says what each product of a batch is to find."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._bought = links.adjacency()
        self._weights = _weights(links)

    def wanted(self, batch: Indices) -> "torch.Tensor":
        """(b, b) float32 weights of the links in the batch; each kind's add up to its weight."""
        import torch

        total = np.zeros((len(batch), len(batch)), dtype=np.float32)
        for kind, weight in self._weights.items():
            linked = self._linked(kind, batch)
            counts = linked.sum(axis=1, keepdims=True)
            learners = int((counts > 0).sum())
            if learners:
                total += linked * (weight / (np.maximum(counts, 1) * learners))
        return torch.from_numpy(total)

    def _linked(self, kind: str, batch: Indices) -> Vectors:
        if kind == "bought":
            return np.asarray(self._bought[batch][:, batch].toarray(), dtype=np.float32)
        numbers = (self._links.groups if kind == "variants" else self._links.categories)[batch]
        linked: Vectors = ((numbers[:, None] == numbers) & (numbers >= 0)).astype(np.float32)
        np.fill_diagonal(linked, 0)
        return linked


def _weights(links: Links) -> dict[str, float]:
    counts = links.counts()
    there = {
        kind: weight
        for kind, weight in WEIGHTS.items()
        if counts["bought together" if kind == "bought" else kind]
        # One category for all tells nothing apart.
        and (kind != "categories" or len(np.unique(links.categories)) > 1)
    }
    return _shares(there)


def _shares(weights: dict[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()} if total else dict.fromkeys(weights, 1.0)


def _check_block(name: str, rows: Vectors, size: int) -> None:
    if not 1 <= size <= rows.shape[1]:
        raise InvalidInput(
            f"the {name} encoder gives {rows.shape[1]} dimensions: a projection has 1 to {rows.shape[1]}, not {size}",
            field="projection",
        )


def _check_lessons(links: Links) -> None:
    if len(links) < FEWEST_PRODUCTS:
        raise InvalidInput(
            f"a learned projection needs {FEWEST_PRODUCTS} products to learn from, and there are {len(links)}: add "
            "products, or choose another projection, such as half-whitened, or none",
            field="projection",
        )
    counts, taught = links.counts(), _weights(links)
    linked = max((counts[kind] for kind in taught if kind != "bought"), default=0)
    if linked < FEWEST_LINKED:
        raise InvalidInput(
            f"a learned projection learns from products of one variant_group or category, at least {FEWEST_LINKED} of "
            f"them and two categories; {counts['variants']} have a variant and {counts['categories']} a companion in "
            "their category: fill in variant_group or category, or choose another projection, such as half-whitened",
            field="projection",
        )


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
