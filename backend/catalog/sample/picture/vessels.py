"""Turned things: mugs, bottles, vases, plant pots."""

# Outlines are tables of points, and read as rows, not as one point a line.
# fmt: off
import math

from backend.catalog.sample.chance import Dice
from backend.catalog.sample.look import Look
from backend.catalog.sample.picture import cloth
from backend.catalog.sample.picture.geometry import MIDDLE, Pair, Points, arc, curve, ellipse, lathe, polygon
from backend.catalog.sample.picture.part import Floor, Fold, Part, Scene, Stroke, Turned
from backend.catalog.sample.picture.surface import Surface


def turned(
    surface: Surface, profile: list[Pair], *, x: float = MIDDLE, bulge: float = 0.12, clip: tuple[Points, ...] = ()
) -> Part:
    """A turned body; ``profile`` gives (y, half width), top to bottom."""
    side = curve([(half, y) for y, half in profile], closed=False, steps=6)
    dense = tuple((float(y), float(half)) for half, y in side)
    slant = math.pi / 2 if surface.grain == "wood" else 0.0
    return Part(surface, (lathe(profile, x=x, bulge=bulge),), clip=clip, turned=Turned(dense, x), slant=slant)


def _rim(
    surface: Surface, y: float, half: float, inside: tuple[float, float, float], *, x: float = MIDDLE,
    wall: float = 4.0, bulge: float = 0.12,
) -> list[Part]:
    """The open top: the wall's edge and what is seen inside."""
    edge = Surface(cloth.toned(surface.colour, 1.22), gloss=surface.gloss)
    return [
        Part(edge, (ellipse(x, y, half, half * bulge),), puff=0.5, round_px=2, rim=0),
        Part(
            Surface(inside), (ellipse(x, y + 0.8, half - wall, (half - wall) * bulge * 0.94),), puff=-0.6, round_px=5,
            rim=0.5,
        ),
    ]


_MUGS: dict[str, list[Pair]] = {
    "straight": [(138, 70), (200, 70), (280, 70), (296, 64)], "tapered": [(136, 76), (200, 70), (270, 60), (294, 54)],
    "rounded": [(150, 64), (190, 76), (240, 78), (282, 62), (296, 50)],
    "tall": [(106, 62), (180, 61), (270, 60), (294, 54)], "camper": [(150, 74), (220, 72), (288, 71), (294, 72)],
}


def mug(look: Look) -> Scene:
    """A mug: five bodies, two handles, glazed plain, dipped, speckled, striped or printed."""
    surface = cloth.main(look)
    profile = _MUGS[look.shape["form"]]
    top, half = profile[0]
    low = profile[-1][0]
    x = MIDDLE - 18
    middle = (top + low) / 2
    wide = profile[len(profile) // 2][1]
    reach = {"round handle": 46.0, "square handle": 42.0}[look.shape["handle"]]
    if look.shape["handle"] == "round handle":
        handle = curve(
            [
                (x + half - 8, top + 30), (x + half + reach * 0.6, top + 24), (x + half + reach, middle),
                (x + wide + reach * 0.5, low - 34), (x + wide - 14, low - 40),
            ],
            closed=False,
        )
    else:
        handle = curve(
            [
                (x + half - 8, top + 30), (x + half + reach - 10, top + 30), (x + half + reach, top + 42),
                (x + half + reach, low - 60), (x + half + reach - 10, low - 46), (x + wide - 14, low - 46),
            ],
            closed=False,
        )
    solid = Surface(look.colour.rgb, grain=surface.grain, gloss=surface.gloss)
    parts = [Part(solid, strokes=(Stroke(handle, 14),), puff=1.5, round_px=5), turned(surface, profile, x=x)]
    glaze = Surface(look.accent.rgb, grain=surface.grain, gloss=surface.gloss)
    if look.shape["glaze"] == "dipped base":
        cut = low - (low - top) * 0.36
        dip = curve([
            (x - 120, cut), (x - 40, cut + 8), (x, cut + 9), (x + 50, cut + 7), (x + 120, cut), (x + 120, cut),
            (x + 120, low + 30), (x + 120, low + 30), (x - 120, low + 30), (x - 120, low + 30),
        ])
        part = turned(glaze, profile, x=x, clip=(dip,))
        parts.append(part)
    elif look.shape["glaze"] == "dripping glaze":
        dice = look.dice("drip")
        cut = top + (low - top) * 0.3
        run = [(x - 110 + 20 * k, cut + dice.uniform(-8, 30)) for k in range(12)]
        parts.append(
            turned(
                glaze, profile, x=x,
                clip=(
                    curve([(x - 120, top - 30), (x - 120, top - 30), *run, (x + 120, top - 30), (x + 120, top - 30)]),
                ),
            )
        )
    drink = {
        "coffee": (0.25, 0.14, 0.08), "tea": (0.55, 0.27, 0.10),
        "empty": cloth.toned(look.accent.rgb if look.shape["glaze"] != "plain glaze" else look.colour.rgb, 0.8),
    }[look.shape["drink"]]
    parts += _rim(solid if look.shape["glaze"] != "dripping glaze" else glaze, top, half, drink, x=x)
    return Scene(tuple(parts), floors=(Floor(x, low + 5, profile[-1][1] + 14, 10, 0.62),))


_BOTTLES: dict[str, list[Pair]] = {
    "straight": [(110, 44), (130, 50), (220, 50), (318, 50), (330, 46)],
    "waisted": [(110, 36), (136, 50), (200, 44), (270, 50), (320, 52), (332, 47)],
    "narrow neck": [(94, 20), (128, 22), (156, 46), (230, 50), (320, 50), (332, 46)],
    "tumbler": [(104, 58), (200, 53), (318, 44), (332, 41)],
}


def bottle(look: Look) -> Scene:
    """A water bottle: four bodies; a steel, wooden or coloured lid; a loop, a sleeve or bands."""
    surface = cloth.main(look)
    profile = _BOTTLES[look.shape["form"]]
    top, half = profile[0]
    lid_rgb = {"steel lid": (0.74, 0.75, 0.77), "wooden lid": (0.72, 0.52, 0.32), "coloured lid": look.accent.rgb}[
        look.shape["lid"]
    ]
    lid = Surface(
        lid_rgb, grain="wood" if look.shape["lid"] == "wooden lid" else None,
        gloss=0.7 if look.shape["lid"] == "steel lid" else 0.25,
    )
    parts = [turned(surface, profile, bulge=0.14)]
    if look.shape["wrap"] == "silicone sleeve":
        parts.append(
            turned(
                Surface(look.accent.rgb, gloss=0.05), [(y, w + 1.5) for y, w in profile[1:]],
                clip=(polygon([(60, 228), (260, 228), (260, 300), (60, 300)]),),
            )
        )
    elif look.shape["wrap"] == "two bands":
        paint = Surface(look.accent.rgb, gloss=0.4)
        bands = [polygon([(60, y), (260, y), (260, y + 6), (60, y + 6)]) for y in (180.0, 192.0)]
        parts += [turned(paint, profile, clip=(band,)) for band in bands]
    parts.append(
        turned(Surface((0.70, 0.71, 0.73), gloss=0.9), [(top - 8, half * 0.93), (top + 2, half * 0.95)], bulge=0.14)
    )
    tall = 30.0 if half < 40 else 24.0
    parts.append(turned(lid, [(top - 8 - tall, half * 0.93), (top - 6, half * 0.97)], bulge=0.14))
    parts.append(
        Part(
            Surface(cloth.toned(lid.colour, 1.2), grain=lid.grain),
            (ellipse(MIDDLE, top - 8 - tall, half * 0.93, half * 0.13),), puff=0.5, round_px=3, rim=0.1,
        )
    )
    if look.shape["carry"] == "carry loop":
        y = top - 10 - tall
        loop = curve(
            [
                (MIDDLE - half * 0.6, y + 4), (MIDDLE - half * 0.5, y - 22), (MIDDLE, y - 34),
                (MIDDLE + half * 0.5, y - 22), (MIDDLE + half * 0.6, y + 4),
            ],
            closed=False,
        )
        parts.append(
            Part(
                Surface(cloth.toned(look.accent.rgb, 0.95), gloss=0.2), strokes=(Stroke(loop, 8),), puff=1.3,
                round_px=3, lift=0.2,
            )
        )
    return Scene(tuple(parts), floors=(Floor(MIDDLE, profile[-1][0] + 4, profile[-1][1] + 12, 9, 0.62),))


_VASES: dict[str, list[Pair]] = {
    "bottle": [(120, 16), (160, 17), (196, 34), (240, 62), (290, 64), (326, 42)],
    "amphora": [(132, 38), (150, 30), (180, 46), (220, 68), (270, 58), (328, 34)],
    "cylinder": [(130, 44), (200, 44), (270, 44), (328, 42)],
    "bulb": [(150, 30), (168, 32), (200, 62), (250, 80), (300, 66), (328, 46)],
    "hourglass": [(130, 52), (180, 40), (226, 34), (280, 48), (328, 54)],
}


def _stem(parts: list[Part], dice: Dice, top: float, kind: str) -> None:
    for k in range(5):
        lean = (k - 2) * 17 + dice.wobble(7)
        tip = (MIDDLE + lean * 1.5, top - dice.uniform(60, 92))
        line = curve([(MIDDLE + lean * 0.15, top + 4), (MIDDLE + lean * 0.7, (top + tip[1]) / 2), tip], closed=False)
        parts.append(Part(Surface((0.42, 0.47, 0.28)), strokes=(Stroke(line, 2),), puff=1, round_px=1.5))
        if kind == "dried grass":
            plume = curve([
                (tip[0], tip[1] + 30), (tip[0] - 8, tip[1] + 6), (tip[0] + lean * 0.1, tip[1] - 22),
                (tip[0] + 8, tip[1] + 6),
            ])
            parts.append(Part(Surface((0.85, 0.75, 0.58), grain="boucle", depth=1.6), (plume,), puff=1.1, round_px=5))
        else:
            leaves = tuple(
                ellipse(float(x) + s * 9, float(y), 10, 5, turn=s * 0.6) for x, y in line[6::4] for s in (-1, 1)
            )
            parts.append(Part(Surface((0.50, 0.60, 0.48)), leaves, puff=1.1, round_px=3))


def vase(look: Look) -> Scene:
    """A vase: five bodies, with dried grass, eucalyptus or empty."""
    surface = cloth.main(look)
    profile = [(y, w) for y, w in _VASES[look.shape["form"]]]
    top, half = profile[0]
    parts: list[Part] = []
    parts += _rim(surface, top, half, cloth.toned(look.colour.rgb, 0.4), wall=3)
    if look.shape["stems"] != "empty":
        _stem(parts, look.dice("stems"), top, look.shape["stems"])
    parts.append(turned(surface, profile))
    front = arc(MIDDLE, top, half - 1, half * 0.12, 0, math.pi)
    parts.append(
        Part(
            Surface(cloth.toned(look.colour.rgb, 1.22), gloss=surface.gloss), strokes=(Stroke(front, 2.4),), puff=0.5,
            rim=0,
        )
    )
    if look.shape["stems"] == "empty":
        parts += _rim(surface, top, half, cloth.toned(look.colour.rgb, 0.4), wall=3)
    if look.shape["glaze"] == "dipped base":
        parts.append(
            turned(
                Surface(look.accent.rgb, grain=surface.grain, gloss=surface.gloss), profile,
                clip=(polygon([(40, 268), (280, 268), (280, 350), (40, 350)]),),
            )
        )
    return Scene(tuple(parts), floors=(Floor(MIDDLE, profile[-1][0] + 3, profile[-1][1] + 14, 9, 0.6),))


_POTS: dict[str, list[Pair]] = {
    "tapered": [(226, 72), (280, 62), (334, 52)], "rounded": [(230, 62), (260, 74), (300, 72), (336, 50)],
    "cylinder": [(224, 62), (280, 62), (332, 60)], "footed": [(222, 66), (262, 66), (304, 54), (318, 34), (336, 44)],
}


def _blade(x: float, y: float, angle: float, length: float, width: float, bend: float) -> Points:
    c, s = math.sin(angle), -math.cos(angle)
    tip = (x + c * length + bend, y + s * length + abs(bend) * 0.4)
    mid = (x + c * length * 0.5, y + s * length * 0.5)
    return curve(
        [(x, y), (x, y), (mid[0] - s * width, mid[1] + c * width), tip, tip, (mid[0] + s * width, mid[1] - c * width)]
    )


def _plant(kind: str, dice: Dice, top: float) -> list[Part]:
    """Leaves above ``top``: back ones first and darker."""
    greens = {
        "snake plant": (0.33, 0.47, 0.30), "fern": (0.38, 0.58, 0.30), "rubber plant": (0.16, 0.33, 0.22),
        "cactus": (0.36, 0.54, 0.38), "succulent": (0.55, 0.68, 0.58),
    }
    rgb = greens[kind]
    parts: list[Part] = []
    if kind == "cactus":
        for x, rx, ry in ((MIDDLE, 36, 72), (MIDDLE - 42, 17, 30), (MIDDLE + 40, 15, 24)):
            body = ellipse(x, top - ry * 0.72 - (24 if rx < 30 else 0), rx, ry)
            ribs = tuple(
                Fold(
                    curve(
                        [
                            (x + k * rx * 0.3, top - ry * 1.6), (x + k * rx * 0.46, top - ry * 0.7),
                            (x + k * rx * 0.3, top),
                        ],
                        closed=False,
                    ),
                    -0.8 if k % 2 else 0.6, 4,
                )
                for k in (-2, -1, 0, 1, 2)
            )
            parts.insert(0, Part(Surface(rgb), (body,), folds=ribs, puff=1.2, round_px=10))
        return parts
    spread, count, length, width, bend = {
        "snake plant": (0.5, 9, 150, 11, 6), "fern": (1.35, 15, 112, 8, 26), "rubber plant": (1.1, 11, 96, 22, 8),
        "succulent": (1.45, 15, 56, 13, 3),
    }[kind]
    for k in range(count):
        t = (k * 7 % count) / (count - 1) * 2 - 1
        angle = t * spread + dice.wobble(0.1)
        size = length * (1 - 0.28 * abs(t)) * dice.uniform(0.8, 1.08) * (1.0 if k < count * 0.6 else 0.78)
        base = (MIDDLE + t * 26, top + 4)
        outline = _blade(base[0], base[1], angle, size, width, math.copysign(bend * abs(t) * dice.uniform(0.6, 1.3), t))
        rib = Fold(
            polygon([base, (base[0] + math.sin(angle) * size * 0.9, base[1] - math.cos(angle) * size * 0.9)]), -0.8, 3
        )
        parts.append(
            Part(
                Surface(cloth.toned(rgb, 0.72 + 0.5 * k / count), gloss=0.15), (outline,), folds=(rib,), puff=1.0,
                round_px=5, lift=0.25,
            )
        )
    return parts


def plant_pot(look: Look) -> Scene:
    """A plant pot with a plant in it: four bodies, with or without a saucer."""
    surface = cloth.main(look)
    profile = _POTS[look.shape["form"]]
    top, half = profile[0]
    low, foot = profile[-1]
    parts = _rim(surface, top, half, (0.20, 0.14, 0.10), wall=5)
    parts += _plant(look.shape["plant"], look.dice("plant"), top)
    parts.append(turned(surface, profile))
    if look.shape["glaze"] == "dipped base":
        parts.append(
            turned(
                Surface(look.accent.rgb, grain=surface.grain, gloss=surface.gloss), profile,
                clip=(polygon([(40, 286), (280, 286), (280, 360), (40, 360)]),),
            )
        )
    if look.shape["glaze"] == "raised rim":
        parts.append(turned(surface, [(top, half + 5), (top + 22, half + 3)]))
        half += 5
    front = arc(MIDDLE, top, half - 1, half * 0.12, 0, math.pi)
    parts.append(
        Part(
            Surface(cloth.toned(look.colour.rgb, 1.2), gloss=surface.gloss), strokes=(Stroke(front, 2.6),), puff=0.5,
            rim=0,
        )
    )
    if look.shape["saucer"] == "with saucer":
        parts.insert(
            0,
            turned(
                Surface(cloth.toned(look.colour.rgb, 0.92), grain=surface.grain, gloss=surface.gloss),
                [(low - 7, foot + 20), (low + 5, foot + 12)],
            ),
        )
    return Scene(tuple(parts), floors=(Floor(MIDDLE, low + 8, foot + 24, 9, 0.6),))
