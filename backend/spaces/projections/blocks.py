"""The projections that a recipe asks for, fitted on the blocks of the sampled products, as models to store."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from backend.spaces.fusion import Vectors, fuse
from backend.spaces.models import Modality, SpaceModel
from backend.spaces.projections.catalogue import Catalogue
from backend.spaces.projections.held_out import judge, part
from backend.spaces.projections.interruption import check
from backend.spaces.projections.learned import fit_learned
from backend.spaces.projections.links import Indices
from backend.spaces.projections.projection import Projection
from backend.spaces.projections.rows import Progress, Rows
from backend.spaces.projections.spectral import fit_half_whitened, fit_pca, fit_svd
from backend.spaces.scaling import fit_scale

# Where a recipe names none: with them a fused row and its index take under 2.4 KB (docs/decisions/0013).
DIMENSIONS: dict[Modality, int] = {"text": 160, "image": 128, "reviews": 64}
SPECTRAL = {"pca": fit_pca, "half-whitened": fit_half_whitened, "svd": fit_svd}
LIBRARIES = ("numpy", "scikit-learn", "torch")


@dataclass(frozen=True, eq=False)
class Block:
    """The rows of one modality, its weight in the fused row, and the projection asked for, ``METHOD[:DIMENSIONS]``."""

    rows: Rows
    weight: float
    projection: str | None

    @property
    def method(self) -> str | None:
        """Without the dimensions."""
        return None if self.projection is None else self.projection.partition(":")[0]

    def size(self, modality: Modality) -> int:
        """The dimensions asked for, or those of a recipe that names none."""
        written = (self.projection or "").partition(":")[2]
        return int(written) if written else min(DIMENSIONS[modality], self.rows.rows.shape[1])


def fit_blocks(
    blocks: Mapping[Modality, Block], catalogue: Catalogue, kernel: str, seed: int, progress: Progress
) -> list[SpaceModel]:
    """One model a block: its projection, or where the kernel is linear and it has none, its scale.

    Raises:
        InvalidInput: there is too little to learn from, or more dimensions are asked for than there are.
        NotReady: it was interrupted.
    """
    began = time.perf_counter()
    learned, lesson = _learn(blocks, catalogue, seed, progress)
    models = []
    for modality, block in blocks.items():
        rows = block.rows.rows
        if block.method is None:
            models.append(fit_scale(modality, rows))
            continue
        check(progress.interrupted)
        rows_of = "reviews" if modality == "reviews" else "products"
        report: dict[str, Any] = {"method": block.method, rows_of: int(rows.any(axis=1).sum())}
        if modality in learned:
            projection = learned[modality]
            report |= lesson
        else:
            progress.report(f"fitting {block.projection} of {modality}")
            projection = SPECTRAL[block.method](rows, block.size(modality), seed=seed, modality=modality)
            report["kept_variance"] = _kept_variance(projection, rows)
        if kernel == "linear":
            projection = projection.scaled(rows)
        report |= {"sample": len(catalogue.ids), "reused": block.rows.reused, "unreadable": block.rows.unreadable}
        report |= {"seconds": round(time.perf_counter() - began, 1), "seed": seed, "libraries": versions()}
        models.append(
            SpaceModel(
                modality,
                "projection",
                block.method,
                projection.to_bytes(),
                projection.input_dimensions,
                projection.output_dimensions,
                report,
            )
        )
    return models


def versions() -> dict[str, str]:
    """Of the libraries whose arithmetic a fit rests on."""
    return {library: version(library) for library in LIBRARIES}


def _learn(
    blocks: Mapping[Modality, Block], catalogue: Catalogue, seed: int, progress: Progress
) -> tuple[dict[Modality, Projection], dict[str, Any]]:
    """The learned projections, and what is said of them together: a part of the products, with their kin, is kept out
    of the training and judges it."""
    taught = {modality: block for modality, block in blocks.items() if block.method == "learned"}
    if not taught:
        return {}, {}
    training, held_out = part(catalogue.links.kin(catalogue.photographs), seed)
    text, image = taught.get("text"), taught.get("image")
    fitted = fit_learned(
        None if text is None else text.rows.rows[training],
        None if image is None else image.rows.rows[training],
        catalogue.links.among(training),
        dimensions=(text.size("text") if text else 0, image.size("image") if image else 0),
        weights=(text.weight if text else 0, image.weight if image else 0),
        seed=seed,
        report=lambda share: progress.report(f"learning the projections: {share:.0%}"),
        interrupted=progress.interrupted,
    )
    learned: dict[Modality, Projection] = {}
    if fitted.text is not None:
        learned["text"] = fitted.text
    if fitted.image is not None:
        learned["image"] = fitted.image
    progress.report("judging the projections on products that they were not trained on")
    return learned, {"training": fitted.report, "held_out": _judgement(taught, learned, catalogue, held_out)}


def _judgement(
    taught: Mapping[Modality, Block], learned: Mapping[Modality, Projection], catalogue: Catalogue, held_out: Indices
) -> dict[str, Any]:
    before = {modality: block.rows.rows for modality, block in taught.items()}
    after = {modality: learned[modality].apply(rows) for modality, rows in before.items()}
    weights = {modality: block.weight for modality, block in taught.items()}
    judged = {"before": _fused(before, weights), "learned": _fused(after, weights)}
    if len(after) > 1:
        judged |= {f"learned, {modality} alone": rows for modality, rows in after.items()}
    return {"products": len(held_out)} | {
        name: judge(rows, held_out, catalogue.links) for name, rows in judged.items() if len(held_out)
    }


def _fused(rows: Mapping[Modality, Vectors], weights: Mapping[Modality, float]) -> Vectors:
    total = sum(weights.values()) or 1
    return fuse(
        list(rows.values()),
        [weights[modality] / total for modality in rows],
        [block.shape[1] for block in rows.values()],
    )


def _kept_variance(projection: Projection, rows: Vectors) -> float:
    """Share of the rows' squared distances from the offset that lies along the projection's axes.

    0 where all rows are at the offset: JSON, in which it is stored, has no NaN.
    """
    present = rows[rows.any(axis=1)] - projection.offset
    axes = projection.matrix / np.linalg.norm(projection.matrix, axis=0)
    whole = float(np.square(present).sum())
    return round(float(np.square(present @ axes).sum()) / whole, 4) if whole else 0.0
