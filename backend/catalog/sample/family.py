"""A family: one design, and the colours that it comes in."""

# Tables read as rows, not as one entry a line.
# fmt: off
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from backend.catalog.sample.brands import Brand, brands_for
from backend.catalog.sample.chance import Dice
from backend.catalog.sample.kind import Kind
from backend.catalog.sample.kinds import KINDS
from backend.catalog.sample.look import Look
from backend.catalog.sample.palette import PALETTES, accents

_PALETTE_OF = {"denim": "wash", "leather": "hide", "suede": "hide", "patent leather": "hide", "wood": "wood"}
_PLAIN_ONLY = {
    "denim", "leather", "suede", "patent leather", "corduroy", "wood", "painted wood", "velvet", "boucle", "rattan",
    "glass", "mesh",
}
_DEAR = {
    "cashmere": 1.5, "silk": 1.4, "leather": 1.35, "merino": 1.15, "wool": 1.1, "velvet": 1.1, "canvas": 0.85,
    "cotton": 0.9, "enamel": 0.85, "terracotta": 0.8, "painted wood": 0.85,
}
_COLOURS_EACH = {1: 0.30, 2: 0.26, 3: 0.24, 4: 0.14, 5: 0.06}
YEARS = {2021: 1.0, 2022: 1.5, 2023: 2.0, 2024: 2.5, 2025: 2.0}


@dataclass(frozen=True, slots=True)
class Family:
    """One design: ``looks`` differ in colour only."""

    key: str
    number: int
    kind: Kind
    brand: Brand
    looks: tuple[Look, ...]
    price: Decimal
    year: int
    season: str
    audience: str | None

    def dice(self, purpose: str) -> Dice:
        """A generator of this family's own for one purpose."""
        return Dice(f"{self.key}/{purpose}")


def families(seed: int) -> Iterator[Family]:
    """Families without end; each round goes through all kinds once, in an order of its own."""
    number = 0
    while True:
        order = list(KINDS)
        Dice(f"{seed}/round/{number}").shuffle(order)
        for name in order:
            yield _family(f"{seed}/family/{number}", number, name)
            number += 1


def _price(kind: Kind, brand: Brand, material: str, dice: Dice) -> Decimal:
    low, high = kind.price
    euros = (low + (high - low) * dice.random() ** 1.6) * brand.tier * _DEAR.get(material, 1.0)
    if euros >= 150:
        return Decimal(max(1, round(euros / 10)) * 10 - 1)
    return Decimal(max(1, round(euros))) - Decimal(dice.pick({"0.05": 3, "0.10": 3, "0.50": 1, "0.00": 1}))


def _family(key: str, number: int, name: str) -> Family:
    kind = KINDS[name]
    dice = Dice(key)
    brand = dice.choice(brands_for(kind.topic))
    material = dice.pick(kind.materials)
    pattern = "solid" if material in _PLAIN_ONLY else dice.pick(kind.patterns)
    if name == "watch" and material != "canvas":
        pattern = "solid"
    shape = {
        part: dice.pick({choice: weight for choice, (weight, _) in choices.items()})
        for part, choices in kind.shapes.items()
    }
    palette = "metal" if (name, material) == ("watch", "steel") else _PALETTE_OF.get(material, "cloth")
    colours = dice.some(PALETTES[palette], dice.pick(_COLOURS_EACH))
    looks = tuple(Look(name, colour, dice.choice(accents(colour)), pattern, material, key, shape) for colour in colours)
    return Family(
        key, number, kind, brand, looks, _price(kind, brand, material, dice), dice.pick(YEARS),
        dice.choice(kind.seasons), dice.choice(kind.people or kind.rooms) if kind.people or kind.rooms else None,
    )
