"""What a kind of product is: where it stands, what it may look like, and which painter draws it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from backend.catalog.sample.look import Look
from backend.catalog.sample.picture.part import Scene

# A choice of shape -> how likely, and how a description puts it (None: not worth a word).
Choices = Mapping[str, tuple[float, str | None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """``titles`` are templates over pattern, material and the shapes; ``uses`` are sentences for descriptions.

    ``topic`` names the group that brands and reviews go by; ``people`` and ``rooms`` fill ``gender`` and ``room``;
    ``mirrored`` kinds are photographed from either side, with the camera as near as ``zoom`` says.
    """

    category: str
    noun: str
    topic: str
    painter: Callable[[Look], Scene]
    price: tuple[int, int]
    materials: Mapping[str, float]
    patterns: Mapping[str, float]
    titles: tuple[str, ...]
    uses: tuple[str, ...]
    shapes: Mapping[str, Choices] = field(default_factory=dict)
    people: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    seasons: tuple[str, ...] = ("All year",)
    mirrored: bool = False
    zoom: float = 1.0
    plural: bool = False
