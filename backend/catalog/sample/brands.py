"""Invented brands: what they sell, how dear they are, and before which backdrop they photograph."""

# Tables read as rows, not as one entry a line.
# fmt: off
from dataclasses import dataclass

_WEAR = ("clothes", "headwear")
_FEET = ("shoes", "bags")
_HOUSE = ("tableware", "lamps", "soft")


@dataclass(frozen=True, slots=True)
class Brand:
    """``tier`` multiplies prices; ``topics`` are those of the kinds that it sells."""

    name: str
    topics: tuple[str, ...]
    tier: float
    backdrop: str


BRANDS: tuple[Brand, ...] = (
    Brand("Linden & Rook", (*_WEAR, "bags"), 1.15, "chalk"), Brand("Marrowby", _WEAR, 0.85, "mist"),
    Brand("Thistlecombe", (*_WEAR, "soft"), 1.0, "sage"), Brand("Oskelund", ("clothes", "shoes"), 1.2, "stone"),
    Brand("Fennimoor", _WEAR, 0.9, "sand"), Brand("Quillabeck", ("clothes", "bags"), 1.05, "blush"),
    Brand("Tolvane", ("clothes", "watches"), 1.35, "mist"), Brand("Wrenfold & Daughters", _WEAR, 1.1, "lilac"),
    Brand("Brackwater Loom", (*_WEAR, "soft"), 1.2, "chalk"), Brand("Saltmarrow", ("clothes", "shoes"), 0.8, "mist"),
    Brand("Kestrelby", _FEET, 1.1, "sand"), Brand("Ondravo", (*_FEET, "watches"), 1.3, "stone"),
    Brand("Pellimore", ("shoes", "bags", "headwear"), 0.9, "blush"), Brand("Cobbleduke", ("shoes",), 1.0, "chalk"),
    Brand("Nordhavel", ("bags", "watches", "headwear"), 1.0, "mist"),
    Brand("Vessant", ("bags", "watches"), 1.4, "lilac"), Brand("Tandlewick", ("headwear", "soft"), 0.8, "sage"),
    Brand("Lumenby", ("lamps",), 1.1, "stone"), Brand("Ferrowyn", ("lamps", "watches"), 1.25, "chalk"),
    Brand("Calderwisp", _HOUSE, 0.95, "sand"), Brand("Ovenbird & Clay", ("tableware",), 1.1, "blush"),
    Brand("Mossgrave", ("tableware", "soft"), 0.85, "sage"),
    Brand("Brindlecroft", ("furniture", "lamps"), 1.0, "chalk"),
    Brand("Havlandt", ("furniture", "lamps"), 1.3, "mist"), Brand("Amberlow", ("furniture", "soft"), 0.85, "sand"),
    Brand("Juniper Quarrel", ("furniture", "soft", "tableware"), 1.1, "lilac"),
    Brand("Ruskaline", ("furniture",), 1.15, "stone"),
)


def brands_for(topic: str) -> tuple[Brand, ...]:
    """The brands that sell a topic, in the list's order."""
    return tuple(brand for brand in BRANDS if topic in brand.topics)
