"""Projections on the axes along which rows vary most: PCA, half-whitened PCA, SVD (scikit-learn)."""

from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # The package ships no types.

from backend.errors import InvalidInput
from backend.spaces.fusion import Vectors
from backend.spaces.models import Modality
from backend.spaces.projections.projection import Projection

# Up to so many inputs the covariance is cheap to decompose exactly; PCA's randomised solver is for more.
EXACT = 3_000
# A direction with less than this share of the largest variance is mostly rounding: whitening does not lift it further.
# (Three of MiniLM's 384 over the real titles have less than 1e-7.)
LEAST_VARIANCE = 1e-5
# Where all rows are one.
TINY = 1e-12


def fit_pca(rows: Vectors, dimensions: int, *, seed: int = 0, modality: Modality = "text") -> Projection:
    """PCA: (n, in) float32 rows to the ``dimensions`` axes of largest variance about their mean; zero rows apart.

    Raises:
        InvalidInput: there are too few rows for so many dimensions, or the encoder gives fewer.
    """
    model = _pca(rows, dimensions, seed, modality)
    return Projection("pca", _single(model.components_.T), _single(model.mean_))


def fit_half_whitened(rows: Vectors, dimensions: int, *, seed: int = 0, modality: Modality = "text") -> Projection:
    """PCA whose axes are divided by the square root of their standard deviations.

    Whitening would divide by the deviations themselves, which lifts noise to the level of what matters; half of it
    measured better on both kinds of likeness (docs/decisions/0013). Arguments and errors as ``fit_pca``.
    """
    model = _pca(rows, dimensions, seed, modality)
    variance = model.explained_variance_
    matrix = model.components_.T / np.maximum(variance, max(LEAST_VARIANCE * variance[0], TINY)) ** 0.25
    return Projection("half-whitened", _single(matrix), _single(model.mean_))


def fit_svd(rows: Vectors, dimensions: int, *, seed: int = 0, modality: Modality = "text") -> Projection:
    """Truncated SVD: PCA without taking off the mean, as for sparse counts. Arguments and errors as ``fit_pca``."""
    from sklearn.decomposition import TruncatedSVD

    present = _present(rows, dimensions, "svd", modality, spare=0)
    if dimensions == present.shape[1]:
        # TruncatedSVD's solvers take fewer axes than there are inputs.
        _, _, axes = np.linalg.svd(present.astype(np.float64), full_matrices=False)
    else:
        with threadpool_limits(1), np.errstate(divide="ignore", invalid="ignore"):
            axes = TruncatedSVD(dimensions, random_state=seed).fit(present).components_
    return Projection("svd", _single(axes.T), np.zeros(present.shape[1], dtype=np.float32))


def _pca(rows: Vectors, dimensions: int, seed: int, modality: Modality) -> Any:
    from sklearn.decomposition import PCA

    present = _present(rows, dimensions, "pca", modality, spare=1)
    solver = "covariance_eigh" if present.shape[1] <= EXACT else "randomized"
    # One thread: the sums of several are taken in another order each time. Rows that are all alike have no variance, by
    # which the explained part of it is divided.
    with threadpool_limits(1), np.errstate(divide="ignore", invalid="ignore"):
        return PCA(dimensions, svd_solver=solver, random_state=seed).fit(present.astype(np.float64))


def _present(rows: Vectors, dimensions: int, method: str, modality: Modality, *, spare: int) -> Vectors:
    present = rows[rows.any(axis=1)]
    count, most = present.shape
    if not 1 <= dimensions <= most:
        raise InvalidInput(
            f"the {modality} encoder gives {most} dimensions, so a projection has 1 to {most}, not {dimensions}",
            field="projection",
        )
    if count < dimensions + spare:
        raise InvalidInput(
            f"{modality}={method}:{dimensions} needs {dimensions + spare} {_what(modality)} or more, and "
            f"there are {count}: add some, or choose fewer dimensions",
            field="projection",
        )
    return present


def _what(modality: Modality) -> str:
    return {"text": "products with a text", "image": "products with a photograph", "reviews": "reviews"}[modality]


def _single(array: Any) -> Vectors:
    return np.ascontiguousarray(array, dtype=np.float32)
