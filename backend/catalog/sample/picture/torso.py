"""The upper body of a garment: back panel, sleeves, front, folds."""

# Outlines are tables of points, and read as rows, not as one point a line.
# fmt: off
import math
from dataclasses import dataclass, replace

from backend.catalog.sample.chance import Dice
from backend.catalog.sample.picture.cloth import toned
from backend.catalog.sample.picture.geometry import (
    MIDDLE,
    Pair,
    Points,
    arc,
    between,
    curve,
    flipped,
    mirrored,
    polygon,
)
from backend.catalog.sample.picture.part import Fold, Part, Stroke
from backend.catalog.sample.picture.surface import Surface


@dataclass(frozen=True, slots=True)
class Pattern:
    """Measures in px: half widths, heights (y), and the sleeve's length, half width at the cuff and angle."""

    neck: float = 30
    neck_y: float = 72
    depth: float = 18
    pointed: bool = False
    shoulder: float = 74
    slope: float = 20
    chest: float = 68
    armpit: float = 150
    waist: float = 66
    hem: float = 68
    hem_y: float = 330
    sleeve: float = 60
    cuff: float = 24
    drop: float = 1.0  # radians below the horizontal
    curved_hem: float = 3


# Neckline in words -> half width, depth, pointed or not.
NECKLINES = {"crew neck": (28.0, 17.0, False), "V-neck": (27.0, 46.0, True), "scoop neck": (36.0, 36.0, False)}


def neckline(p: Pattern) -> list[Pair]:
    """Right half of the front neckline, from the middle to the shoulder."""
    middle = (MIDDLE, p.neck_y + p.depth)
    end = (MIDDLE + p.neck, p.neck_y)
    if p.pointed:
        return [middle, middle, (MIDDLE + p.neck * 0.55, p.neck_y + p.depth * 0.48), end, end]
    d = p.depth
    return [
        middle, (MIDDLE + p.neck * 0.55, p.neck_y + d * 0.86), (MIDDLE + p.neck * 0.9, p.neck_y + d * 0.42), end, end,
    ]


def front(p: Pattern) -> Points:
    """The outline of the front."""
    tip = (MIDDLE + p.shoulder, p.neck_y + p.slope)
    pit = (MIDDLE + p.chest, p.armpit)
    hem = (MIDDLE + p.hem, p.hem_y)
    waist_y = p.armpit + (p.hem_y - p.armpit) * 0.5
    half = [
        *neckline(p), tip, tip, (MIDDLE + p.chest - 2, (tip[1] + p.armpit) / 2), pit, pit,
        (MIDDLE + p.waist, waist_y), hem, hem, (MIDDLE + p.hem * 0.5, p.hem_y + p.curved_hem),
        (MIDDLE, p.hem_y + p.curved_hem),
    ]
    return curve(mirrored(half))


def sleeve(p: Pattern, *, bend: float = 0.0) -> tuple[Points, Pair, Pair]:
    """The right sleeve's outline and the two ends of its cuff (outer, inner)."""
    tip = (MIDDLE + p.shoulder - 1, p.neck_y + p.slope - 1)
    pit = (MIDDLE + p.chest - 3, p.armpit + 1)
    c, s = math.cos(p.drop), math.sin(p.drop)
    root = ((tip[0] + pit[0]) / 2 - 6, (tip[1] + pit[1]) / 2 - 14)
    end = (root[0] + c * p.sleeve, root[1] + s * p.sleeve)
    outer = (end[0] + s * p.cuff, end[1] - c * p.cuff)
    inner = (end[0] - s * p.cuff, end[1] + c * p.cuff)
    out_mid = (tip[0] * 0.5 + outer[0] * 0.5 + s * (7 + bend), tip[1] * 0.5 + outer[1] * 0.5 - c * (7 + bend))
    in_mid = (
        pit[0] * 0.5 + inner[0] * 0.5 + s * (2 + bend * 0.7), pit[1] * 0.5 + inner[1] * 0.5 - c * (2 + bend * 0.7),
    )
    inside = (tip[0] - 24, (tip[1] + pit[1]) / 2)
    return curve([inside, tip, out_mid, outer, outer, inner, inner, in_mid, pit]), outer, inner


def body_folds(p: Pattern, dice: Dice, strength: float = 1.0) -> tuple[Fold, ...]:
    """Creases that run from the armpits and up from the hem, uneven as cloth is."""
    folds = []
    for side in (-1.0, 1.0):
        for k in range(2):
            x0 = MIDDLE + side * (p.chest - 6)
            y0 = p.armpit + 6 + 16 * k
            reach = dice.uniform(24, 46)
            line = [
                (x0, y0), (x0 - side * reach * 0.6, y0 + 14 + dice.wobble(6)),
                (x0 - side * reach, y0 + 40 + dice.wobble(12)),
            ]
            folds.append(Fold(curve(line, closed=False), dice.choice((-0.5, 0.42)) * strength, 6))
    for _ in range(5):
        x = MIDDLE + dice.wobble(p.hem - 12)
        top = p.hem_y - dice.uniform(50, 130)
        line = [(x + dice.wobble(9), top), (x + dice.wobble(6), (top + p.hem_y) / 2), (x, p.hem_y - 4)]
        folds.append(Fold(curve(line, closed=False), dice.uniform(-0.55, 0.5) * strength, dice.uniform(5, 11)))
    return tuple(folds)


def sleeve_folds(p: Pattern, outer: Pair, inner: Pair, dice: Dice) -> tuple[Fold, ...]:
    """Creases across a sleeve."""
    folds = []
    root = (MIDDLE + p.shoulder - 8, p.neck_y + p.slope + 16)
    for k in range(1 if p.sleeve < 90 else 4):
        t = 0.35 + 0.16 * k + dice.wobble(0.05)
        a = (root[0] + (inner[0] - root[0]) * t, root[1] + 24 * (1 - t) + (inner[1] - root[1]) * t)
        b = (root[0] + (outer[0] - root[0]) * (t + 0.12), root[1] + (outer[1] - root[1]) * (t + 0.12))
        middle = (a[0] * 0.45 + b[0] * 0.55, a[1] * 0.45 + b[1] * 0.55)
        folds.append(Fold(curve([a, middle], closed=False), -0.55 + dice.wobble(0.15), 5))
    return tuple(folds)


def torso(p: Pattern, cloth: Surface, dice: Dice, *, lining: Surface | None = None, bend: float = 0.0) -> list[Part]:
    """Back panel, both sleeves and the front, back to front."""
    back_line = arc(MIDDLE, p.neck_y, p.neck, 7, math.pi, 0)
    low = curve([(2 * MIDDLE - x, y) for x, y in reversed(neckline(p))] + neckline(p)[1:], closed=False)
    inner_cloth = lining or Surface(toned(cloth.colour, 0.72), grain=cloth.grain)
    back = Part(inner_cloth, fills=(between(back_line, low),), puff=0.2, rim=0.1, shade=0.74)
    parts = [back]
    if p.sleeve > 0:
        outline, outer, inner = sleeve(p, bend=bend)
        right = Part(
            cloth, (outline,), folds=sleeve_folds(p, outer, inner, dice), puff=0.9, round_px=9,
            slant=p.drop - math.pi / 2,
        )
        left = Part(
            cloth, (flipped(outline),), folds=tuple(Fold(flipped(f.line), f.height, f.width) for f in right.folds),
            puff=0.9, round_px=9, slant=math.pi / 2 - p.drop,
        )
        parts += [left, right]
    parts.append(Part(cloth, (front(p),), folds=body_folds(p, dice), puff=0.8, round_px=15, lift=0.22))
    return parts


def cuffs(p: Pattern, cloth: Surface, height: float, *, bend: float = 0.0, flare: float = 0.0) -> list[Part]:
    """A band at the end of both sleeves."""
    _, outer, inner = sleeve(p, bend=bend)
    c, s = math.cos(p.drop), math.sin(p.drop)
    f = flare
    ends = [
        (outer[0] - c * 1 + s * f, outer[1] - s * 1 - c * f), (inner[0] - c * 1 - s * f, inner[1] - s * 1 + c * f),
        (inner[0] + c * height + s * (2 - f), inner[1] + s * height - c * (2 - f)),
        (outer[0] + c * height - s * (2 - f), outer[1] + s * height + c * (2 - f)),
    ]
    outline = polygon(ends)
    turn = p.drop - math.pi / 2
    return [
        Part(cloth, (flipped(outline),), puff=0.9, round_px=5, slant=-turn, lift=0.15),
        Part(cloth, (outline,), puff=0.9, round_px=5, slant=turn, lift=0.15),
    ]


def collar_band(p: Pattern, cloth: Surface, width: float) -> Part:
    """A ribbed band along the front neckline and the back of the neck."""
    # Drawn a little inside the neckline, lest the band's round ends stick out above the shoulders.
    inner = replace(p, neck=p.neck - width * 0.4, neck_y=p.neck_y + width * 0.25, depth=p.depth - width * 0.25)
    line = neckline(inner)
    low = curve([(2 * MIDDLE - x, y) for x, y in reversed(line)] + line[1:], closed=False)
    back = arc(MIDDLE, inner.neck_y, inner.neck, 7, math.pi, 0)
    return Part(cloth, strokes=(Stroke(low, width), Stroke(back, width)), puff=0.8, round_px=3, rim=0.2, lift=0.3)


def side_stitch(p: Pattern, rgb: tuple[float, float, float], *, inset: float = 7) -> Part:
    """The stitched line above the hem."""
    y = p.hem_y - inset
    half = p.hem - 4
    line = curve([(MIDDLE - half, y), (MIDDLE, y + p.curved_hem), (MIDDLE + half, y)], closed=False)
    return Part(Surface(rgb), strokes=(Stroke(line, 0.9),), puff=0, rim=0, opacity=0.55)
