"""Linear projections of an encoder's rows: what one is, and the ways to fit one."""

from backend.spaces.projections.learned import Learned, fit_learned
from backend.spaces.projections.links import Links
from backend.spaces.projections.projection import Projection
from backend.spaces.projections.spectral import fit_half_whitened, fit_pca, fit_svd

__all__ = ["Learned", "Links", "Projection", "fit_half_whitened", "fit_learned", "fit_pca", "fit_svd"]
