"""Named colours (sRGB, 0-1), their families, and which go together."""

# Tables read as rows, not as one entry a line.
# fmt: off
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colour:
    """``name`` as a title prints it, ``family`` as a filter groups it."""

    name: str
    family: str
    rgb: tuple[float, float, float]

    @property
    def lightness(self) -> float:
        """Luma, 0-1."""
        r, g, b = self.rgb
        return 0.30 * r + 0.59 * g + 0.11 * b


_HEX = {
    "White": ("white", "f4f2ec"), "Ivory": ("white", "ece4d2"), "Oatmeal": ("beige", "d8cbb4"),
    "Sand": ("beige", "cdb38c"), "Camel": ("brown", "b98a55"), "Caramel": ("brown", "a8682f"),
    "Tan": ("brown", "b07a4a"), "Chestnut": ("brown", "7e4a2c"), "Chocolate": ("brown", "53382b"),
    "Rust": ("orange", "b4532a"), "Terracotta": ("orange", "c56f4e"), "Apricot": ("orange", "eda878"),
    "Tangerine": ("orange", "e87f34"), "Mustard": ("yellow", "d2a032"), "Lemon": ("yellow", "f0d968"),
    "Butter": ("yellow", "f2e2a4"), "Olive": ("green", "74743f"), "Moss": ("green", "5d6b3c"),
    "Sage": ("green", "a3b18f"), "Mint": ("green", "b2d9c2"), "Forest": ("green", "2d513d"),
    "Emerald": ("green", "1f7a5a"), "Teal": ("blue", "27747a"), "Petrol": ("blue", "1f4f5f"),
    "Sky": ("blue", "a3c8e2"), "Cornflower": ("blue", "6890d0"), "Cobalt": ("blue", "2f54b0"),
    "Navy": ("blue", "25304f"), "Indigo": ("blue", "3d4a7c"), "Lilac": ("purple", "bfaad6"),
    "Lavender": ("purple", "9f93c6"), "Plum": ("purple", "663a5e"), "Aubergine": ("purple", "46293f"),
    "Blush": ("pink", "ecc7bf"), "Rose": ("pink", "d98a94"), "Raspberry": ("pink", "b83560"),
    "Coral": ("red", "ea7362"), "Scarlet": ("red", "c6332f"), "Burgundy": ("red", "6f2433"),
    "Silver Grey": ("grey", "b9bcbf"), "Slate": ("grey", "68717b"), "Charcoal": ("grey", "42464c"),
    "Black": ("black", "25262a"), "Light Wash": ("blue", "9db4cf"), "Mid Wash": ("blue", "5c7ba6"),
    "Dark Wash": ("blue", "33456a"), "Oak": ("brown", "c79c66"), "Walnut": ("brown", "77502f"),
    "Ash": ("beige", "dcc7a4"), "Cherry": ("brown", "8f4a30"), "Brass": ("yellow", "c9a24e"),
    "Steel": ("grey", "aab0b6"), "Rose Gold": ("pink", "d8a08c"),
}

COLOURS: dict[str, Colour] = {
    name: Colour(name, family, (int(h[0:2], 16) / 255, int(h[2:4], 16) / 255, int(h[4:6], 16) / 255))
    for name, (family, h) in _HEX.items()
}

_WOODS = ("Oak", "Walnut", "Ash", "Cherry", "Black")
_WASHES = ("Light Wash", "Mid Wash", "Dark Wash", "Black", "Ivory", "Indigo")
_HIDES = ("Black", "Chocolate", "Chestnut", "Tan", "Caramel", "Burgundy", "Navy", "Olive", "Ivory", "Forest", "Blush")
_METALS = ("Brass", "Steel", "Rose Gold", "Black")
_SPECIAL = {"Light Wash", "Mid Wash", "Dark Wash", "Oak", "Walnut", "Ash", "Cherry", "Brass", "Steel", "Rose Gold"}

PALETTES: dict[str, tuple[Colour, ...]] = {
    "cloth": tuple(c for c in COLOURS.values() if c.name not in _SPECIAL), "wash": tuple(COLOURS[n] for n in _WASHES),
    "hide": tuple(COLOURS[n] for n in _HIDES), "wood": tuple(COLOURS[n] for n in _WOODS),
    "metal": tuple(COLOURS[n] for n in _METALS),
}

_LIGHT_ACCENTS = ("White", "Ivory", "Butter", "Blush", "Sky", "Mint")
_DARK_ACCENTS = ("Navy", "Charcoal", "Forest", "Burgundy", "Black", "Chocolate", "Cobalt", "Scarlet", "Teal")


def accents(colour: Colour) -> tuple[Colour, ...]:
    """Colours that stand out on ``colour``: light ones on a dark ground, dark ones on a light one."""
    names = _LIGHT_ACCENTS if colour.lightness < 0.58 else _DARK_ACCENTS
    return tuple(COLOURS[n] for n in names if n != colour.name)
