"""Which surface a look has: the bridge from words (material, pattern) to what the renderer paints."""

# Tables read as rows, not as one entry a line.
# fmt: off
from backend.catalog.sample.look import Look
from backend.catalog.sample.picture.surface import Rgb, Surface

# Material in words -> grain, gloss.
_MATERIALS: dict[str, tuple[str | None, float]] = {
    "cotton": ("cotton", 0.0), "organic cotton": ("cotton", 0.0), "jersey": ("cotton", 0.0),
    "poplin": ("cotton", 0.05), "linen": ("linen", 0.0), "denim": ("denim", 0.0), "merino": ("fine-knit", 0.0),
    "lambswool": ("knit", 0.0), "cashmere": ("fine-knit", 0.0), "cotton knit": ("knit", 0.0), "wool": ("wool", 0.0),
    "felt": ("wool", 0.0), "tweed": ("wool", 0.0), "corduroy": ("corduroy", 0.0), "canvas": ("canvas", 0.0),
    "twill": ("canvas", 0.0), "viscose": (None, 0.12), "satin": (None, 0.5), "silk": (None, 0.4),
    "nylon": (None, 0.22), "leather": ("leather", 0.4), "suede": ("suede", 0.0), "patent leather": (None, 0.9),
    "mesh": ("fine-knit", 0.0), "fleece": ("cotton", 0.0), "velvet": ("suede", 0.25), "boucle": ("boucle", 0.0),
    "porcelain": (None, 0.6), "stoneware": ("stoneware", 0.35), "enamel": (None, 0.75), "steel": ("brushed", 0.6),
    "glass": (None, 0.85), "terracotta": ("concrete", 0.0), "concrete": ("concrete", 0.0), "ceramic": (None, 0.55),
    "wood": ("wood", 0.12), "painted wood": ("wood", 0.1), "rattan": ("rattan", 0.05), "metal": (None, 0.45),
    "paper": ("linen", 0.0),
}


def main(look: Look, *, scale: float = 1.0) -> Surface:
    """The surface of the product's body. Raises KeyError for a material without a grain."""
    grain, gloss = _MATERIALS[look.material]
    depth = 1.25 if look.colour.lightness < 0.25 else 1.0
    return Surface(look.colour.rgb, look.accent.rgb, look.pattern, grain, scale, gloss, depth)


def plain(rgb: Rgb, grain: str | None = None, gloss: float = 0.0) -> Surface:
    """A surface of one colour."""
    return Surface(rgb, grain=grain, gloss=gloss)


def toned(rgb: Rgb, factor: float) -> Rgb:
    """Darker (below 1) or lighter (above 1, towards white)."""
    if factor <= 1:
        return (rgb[0] * factor, rgb[1] * factor, rgb[2] * factor)
    t = factor - 1
    return (rgb[0] + (1 - rgb[0]) * t, rgb[1] + (1 - rgb[1]) * t, rgb[2] + (1 - rgb[2]) * t)


def seam(rgb: Rgb) -> Rgb:
    """The colour of a seam: darker on light cloth, lighter on very dark cloth."""
    light = 0.30 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2]
    return toned(rgb, 0.70) if light > 0.22 else toned(rgb, 1.14)
