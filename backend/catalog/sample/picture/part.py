"""What a painter hands to the renderer: parts, painted in order, and how the whole is photographed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from backend.catalog.sample.picture.geometry import Pair, Points
from backend.catalog.sample.picture.surface import Surface


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line with round ends; ``dash`` is (drawn, left out) in px, for stitches."""

    line: Points
    width: float
    dash: Pair | None = None


@dataclass(frozen=True, slots=True)
class Fold:
    """A line in the height field: a ridge where ``height`` is positive, a crease where it is negative (-1 to 1)."""

    line: Points
    height: float
    width: float = 5.0


@dataclass(frozen=True, slots=True)
class Turned:
    """Shading of a turned body: ``profile`` is (y, half width), top to bottom, about the axis ``x``."""

    profile: tuple[Pair, ...]
    x: float


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of one surface.

    ``fills`` and ``strokes`` are united, ``cuts`` taken away, ``clip`` intersected. ``puff`` is the strength of the
    shading that makes the piece look stuffed, ``round_px`` how far from its edge it curves; ``lift`` is the strength
    (0-1) of the soft shadow that it throws on what lies under it; ``shade`` dims or brightens it as a whole; ``slant``
    turns pattern and grain (radians); ``soft`` blurs the edge (px).
    """

    surface: Surface
    fills: tuple[Points, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    cuts: tuple[Points, ...] = ()
    clip: tuple[Points, ...] = ()
    folds: tuple[Fold, ...] = ()
    turned: Turned | None = None
    puff: float = 1.0
    round_px: float = 10.0
    rim: float = 0.35
    lift: float = 0.0
    shade: float = 1.0
    slant: float = 0.0
    opacity: float = 1.0
    soft: float = 0.0


@dataclass(frozen=True, slots=True)
class Floor:
    """A contact shadow on the floor: an ellipse about (x, y)."""

    x: float
    y: float
    rx: float
    ry: float
    strength: float = 0.55


@dataclass(frozen=True, slots=True)
class Scene:
    """Parts, back to front, and their shadows: on the wall behind (``drop``, 0-1), on the floor, or both."""

    parts: tuple[Part, ...]
    drop: float = 0.0
    floors: tuple[Floor, ...] = ()


@dataclass(frozen=True, slots=True)
class Shot:
    """How the camera stands: turn in radians, scale, shift in px, mirrored or not, and the backdrop's name."""

    turn: float = 0.0
    scale: float = 1.0
    shift: Pair = (0.0, 0.0)
    mirror: bool = False
    backdrop: str = "chalk"
    matrix: Points = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Work out ``matrix``, shape (2, 3), from design to picture coordinates."""
        c, s = np.cos(self.turn) * self.scale, np.sin(self.turn) * self.scale
        m = np.array([[c, -s], [s, c]]) @ np.diag([-1.0 if self.mirror else 1.0, 1.0])
        centre = np.array([160.0, 200.0])
        offset = centre + np.array(self.shift) - m @ centre
        object.__setattr__(self, "matrix", np.concatenate([m, offset[:, None]], axis=1))


def shaded(part: Part, shade: float) -> Part:
    """The same part, dimmed or brightened."""
    return replace(part, shade=part.shade * shade)


def mapped(part: Part, change: Callable[[Points], Points]) -> Part:
    """The same part with all its outlines changed; not for turned bodies."""
    return replace(
        part,
        fills=tuple(change(line) for line in part.fills),
        strokes=tuple(replace(s, line=change(s.line)) for s in part.strokes),
        cuts=tuple(change(line) for line in part.cuts),
        clip=tuple(change(line) for line in part.clip),
        folds=tuple(replace(f, line=change(f.line)) for f in part.folds),
    )


def moved(part: Part, dx: float, dy: float) -> Part:
    """The same part, shifted by px; not for turned bodies."""
    return mapped(part, lambda points: points + np.array([dx, dy]))
