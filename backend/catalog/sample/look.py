"""A look: all that both the picture and the text of a product are made from."""

from dataclasses import dataclass, field

from backend.catalog.sample.chance import Dice
from backend.catalog.sample.palette import Colour


@dataclass(frozen=True, slots=True)
class Look:
    """``kind`` is the key in the catalogue of kinds; ``shape`` names the choices that its picture follows.

    ``seed`` is the family's: variants share it, so that they differ in colour only.
    """

    kind: str
    colour: Colour
    accent: Colour
    pattern: str
    material: str
    seed: str
    shape: dict[str, str] = field(default_factory=dict)

    def dice(self, purpose: str) -> Dice:
        """A generator of the family's own for one purpose."""
        return Dice(f"{self.seed}/{purpose}")
