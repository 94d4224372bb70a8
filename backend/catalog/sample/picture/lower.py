"""Trousers, shorts, skirts and dresses."""

# Outlines are tables of points, and read as rows, not as one point a line.
# fmt: off
import math
from dataclasses import replace

from backend.catalog.sample.chance import Dice
from backend.catalog.sample.look import Look
from backend.catalog.sample.picture import cloth
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
from backend.catalog.sample.picture.part import Fold, Part, Scene, Stroke, moved
from backend.catalog.sample.picture.surface import Surface
from backend.catalog.sample.picture.tops import buttons
from backend.catalog.sample.picture.torso import NECKLINES, Pattern, neckline, sleeve, sleeve_folds

_LEGS = {
    "skinny": (27.0, 15.0), "slim": (31.0, 20.0), "straight": (34.0, 27.0), "wide-leg": (32.0, 37.0),
    "tapered": (34.0, 19.0),
}


def _leg(waist: float, top: float, thigh: float, ankle: float, bottom: float, spread: float) -> Points:
    """The right leg, from the waistband down."""
    x = MIDDLE + spread
    crotch = top + 92
    if bottom < crotch + 110:
        crotch = top + 76
        return curve([
            (MIDDLE - 1, top), (MIDDLE - 1, top), (MIDDLE + waist, top), (MIDDLE + waist, top),
            (MIDDLE + waist + 10, top + 44), (x + ankle + 6, bottom), (x + ankle + 6, bottom),
            (x + 6 - ankle, bottom + 4), (x + 6 - ankle, bottom + 4), (MIDDLE - 1, crotch), (MIDDLE - 1, crotch),
        ])
    knee = (crotch + bottom) / 2
    mid = (thigh + ankle) / 2
    return curve([
        (MIDDLE - 1, top), (MIDDLE - 1, top), (MIDDLE + waist, top), (MIDDLE + waist, top),
        (MIDDLE + waist + 11, top + 48), (x + 3 + thigh, crotch + 4), (x + 4 + mid, knee),
        (x + 4 + ankle, bottom), (x + 4 + ankle, bottom), (x + 2 - ankle, bottom + 2),
        (x + 2 - ankle, bottom + 2), (x + 2 - mid, knee), (MIDDLE + 2, crotch), (MIDDLE - 1, crotch - 4),
        (MIDDLE - 1, crotch - 4),
    ])


def _leg_folds(dice: Dice, top: float, bottom: float, x: float, thigh: float) -> tuple[Fold, ...]:
    folds = [
        Fold(
            curve(
                [(MIDDLE + 4, top + 84), (MIDDLE + 22, top + 80 + dice.wobble(6)), (MIDDLE + 40, top + 66)],
                closed=False,
            ),
            -0.6, 5,
        )
    ]
    folds.append(
        Fold(curve([(MIDDLE + 6, top + 98), (MIDDLE + 26, top + 104), (MIDDLE + 48, top + 100)], closed=False), 0.45, 6)
    )
    for _ in range(3):
        y = dice.uniform(top + 130, bottom - 12)
        tilt = dice.wobble(9)
        folds.append(
            Fold(
                curve([(x - thigh * 0.6, y - tilt), (x, y + 4), (x + thigh * 0.5, y + tilt)], closed=False),
                dice.choice((-0.55, 0.45)), 6,
            )
        )
    folds.append(Fold(curve([(x + 2, top + 105), (x + 4, (top + bottom) / 2), (x + 3, bottom)], closed=False), 0.4, 9))
    return tuple(folds)


def _two_legs(look: Look, bottom: float, thigh: float, ankle: float, spread: float) -> list[Part]:
    body = cloth.main(look)
    top, waist = 56.0, 52.0
    outline = _leg(waist, top, thigh, ankle, bottom, spread)
    folds = _leg_folds(look.dice("folds"), top, bottom, MIDDLE + spread + 4, thigh)
    denim = look.material == "denim"
    thread = Surface((0.84, 0.62, 0.32) if denim else cloth.seam(look.colour.rgb))
    right = Part(body, (outline,), folds=folds, puff=0.9, round_px=12, slant=-0.05)
    other = look.dice("folds-left")
    left = replace(
        right, fills=(flipped(outline),), slant=0.05,
        folds=tuple(Fold(flipped(f.line), f.height * other.uniform(0.5, 1.1), f.width) for f in folds),
    )
    back = polygon([
        (MIDDLE - waist + 3, top - 12), (MIDDLE + waist - 3, top - 12), (MIDDLE + waist, top + 4),
        (MIDDLE - waist, top + 4),
    ])
    band = curve(
        mirrored([
            (MIDDLE, top - 9), (MIDDLE + waist - 2, top - 14), (MIDDLE + waist - 2, top - 14),
            (MIDDLE + waist + 1, top + 4), (MIDDLE + waist + 1, top + 4), (MIDDLE, top + 9),
        ])
    )
    lines: list[Points] = [
        curve(
            [(MIDDLE + s * 20, top + 8), (MIDDLE + s * 27, top + 27), (MIDDLE + s * (waist + 6), top + 34)],
            closed=False,
        )
        for s in (-1, 1)
    ]
    lines.append(curve([(MIDDLE + 13, top + 8), (MIDDLE + 12, top + 48), (MIDDLE, top + 68)], closed=False))
    parts = [Part(cloth.plain(cloth.toned(look.colour.rgb, 0.5)), (back,), puff=0.2), left, right]
    parts.append(
        Part(
            Surface(cloth.toned(look.colour.rgb, 0.5)),
            strokes=(Stroke(polygon([(MIDDLE, top + 8), (MIDDLE, top + 88)]), 1.6),), puff=0, rim=0, opacity=0.7,
        )
    )
    parts.append(
        Part(
            thread, strokes=tuple(Stroke(line, 1.1, (3, 1.4) if denim else None) for line in lines), puff=0, rim=0,
            opacity=0.9 if denim else 0.5,
        )
    )
    hems = tuple(
        Stroke(
            polygon([(MIDDLE + s * (spread + 4 + ankle), bottom - 8), (MIDDLE + s * (spread + 2 - ankle), bottom - 6)]),
            1.0,
        )
        for s in (-1, 1)
    )
    parts.append(Part(thread, strokes=hems, puff=0, rim=0, opacity=0.6))
    parts.append(Part(replace(body, pattern="solid"), (band,), puff=0.7, round_px=5, lift=0.3))
    loops = tuple(
        polygon([(x - 3, top - 13), (x + 3, top - 13), (x + 3, top + 8), (x - 3, top + 8)])
        for x in (MIDDLE - 34, MIDDLE + 34)
    )
    parts.append(Part(replace(body, pattern="solid"), loops, puff=0.8, round_px=2, lift=0.4))
    if look.shape["waist"] == "drawcord":
        cord = Surface(look.accent.rgb)
        ends = [
            curve([(MIDDLE + s * 3, top), (MIDDLE + s * 12, top + 14), (MIDDLE + s * 8, top + 40)], closed=False)
            for s in (-1, 1)
        ]
        parts += [Part(cord, strokes=(Stroke(end, 3),), puff=1, round_px=1.5, lift=0.5) for end in ends]
    else:
        metal = (
            Surface((0.78, 0.62, 0.42), gloss=0.8) if denim else Surface(cloth.toned(look.colour.rgb, 0.6), gloss=0.4)
        )
        parts += buttons(metal, top, top, 1, r=4.2)
    return parts


def trousers(look: Look) -> Scene:
    """Jeans, chinos or trousers in one of five leg shapes."""
    thigh, ankle = _LEGS[look.shape["leg"]]
    length = 352 + look.dice("measure").wobble(8)
    spread = 36 + (5 if ankle > 35 else 0)
    return Scene(tuple(_two_legs(look, length, thigh, ankle, spread)), drop=0.5)


def shorts(look: Look) -> Scene:
    """Shorts, short to knee-length."""
    bottom = {"short": 186.0, "mid-length": 214.0, "knee-length": 244.0}[look.shape["length"]]
    parts = _two_legs(look, bottom, 36, 37, 34)
    return Scene(tuple(moved(part, 0, 60) for part in parts), drop=0.5)


def _skirt(waist: float, top: float, hem: float, bottom: float, cut: str) -> Points:
    """The outline of a skirt by its cut."""
    if cut == "pencil":
        half: list[Pair] = [
            (MIDDLE, top), (MIDDLE + waist, top), (MIDDLE + waist, top), (MIDDLE + waist + 16, top + 54),
            (MIDDLE + waist + 12, (top + bottom) / 2 + 20), (MIDDLE + waist + 4, bottom),
            (MIDDLE + waist + 4, bottom), (MIDDLE, bottom + 4),
        ]
    else:
        half = [
            (MIDDLE, top), (MIDDLE + waist, top), (MIDDLE + waist, top),
            (MIDDLE + (waist + hem) / 2 + 5, (top + bottom) / 2 - 8), (MIDDLE + hem, bottom - 8),
            (MIDDLE + hem, bottom - 8), (MIDDLE + hem * 0.78, bottom + 3), (MIDDLE + hem * 0.5, bottom + 2),
            (MIDDLE + hem * 0.25, bottom + 8), (MIDDLE, bottom + 5),
        ]
    return curve(mirrored(half))


def _skirt_folds(waist: float, top: float, hem: float, bottom: float, cut: str, dice: Dice) -> tuple[Fold, ...]:
    if cut == "pencil":
        return tuple(
            Fold(
                curve(
                    [
                        (MIDDLE + s * 30, top + 70 + k * 40), (MIDDLE, top + 76 + k * 40),
                        (MIDDLE - s * 20, top + 74 + k * 40),
                    ],
                    closed=False,
                ),
                -0.3, 5,
            )
            for k, s in ((0, 1), (1, -1))
        )
    count = 9 if cut == "pleated" else 5
    folds = []
    for k in range(count):
        t = (k + 0.5) / count * 2 - 1 + (0 if cut == "pleated" else dice.wobble(0.12))
        start = top + 6 if cut == "pleated" else top + dice.uniform(20, 60)
        line = curve(
            [
                (MIDDLE + t * (waist - 2), start), (MIDDLE + t * (waist + hem) / 2, (top + bottom) / 2),
                (MIDDLE + t * hem, bottom),
            ],
            closed=False,
        )
        folds.append(Fold(line, -0.75 if k % 2 else 0.7, 5 if cut == "pleated" else 10))
    return tuple(folds)


_HEMS = {"A-line": 92.0, "pleated": 100.0, "pencil": 62.0, "flared": 116.0, "straight": 70.0}


def skirt(look: Look) -> Scene:
    """A skirt: A-line, pleated, pencil or flared; mini, midi or maxi."""
    body = cloth.main(look)
    cut = look.shape["cut"]
    top, waist = 76.0, 46.0
    bottom = {"mini": 226.0, "midi": 308.0, "maxi": 352.0}[look.shape["length"]]
    hem = waist + (_HEMS[cut] - waist) * (0.75 if look.shape["length"] == "mini" else 1.0)
    parts = [
        Part(
            body, (_skirt(waist, top, hem, bottom, cut),),
            folds=_skirt_folds(waist, top, hem, bottom, cut, look.dice("folds")), puff=0.8, round_px=13,
        )
    ]
    band = curve(
        mirrored([
            (MIDDLE, top - 12), (MIDDLE + waist - 2, top - 16), (MIDDLE + waist - 2, top - 16),
            (MIDDLE + waist + 1, top + 3), (MIDDLE + waist + 1, top + 3), (MIDDLE, top + 8),
        ])
    )
    inside = between(
        arc(MIDDLE, top - 15, waist - 3, 4, math.pi, 0), arc(MIDDLE, top - 14, waist - 3, 4, math.pi, 2 * math.pi)[::-1]
    )
    parts.append(Part(replace(body, pattern="solid"), (band,), puff=0.7, round_px=5, lift=0.35))
    parts.append(Part(cloth.plain(cloth.toned(look.colour.rgb, 0.5)), (inside,), puff=0.2))
    if look.shape["front"] == "button-through":
        parts += buttons(Surface((0.42, 0.29, 0.19), gloss=0.5), top + 14, bottom - 14, 7 if bottom > 250 else 5, r=3.4)
    drop = 56 if look.shape["length"] == "mini" else 4
    return Scene(tuple(moved(part, 0, drop) for part in parts), drop=0.5)


def dress(look: Look) -> Scene:
    """A dress: sleeves or straps, a waist, a skirt of one of five cuts."""
    body = cloth.main(look)
    neck, depth, pointed = NECKLINES[look.shape["neck"]]
    arms = look.shape["sleeve"]
    waist = 40 + look.dice("measure").wobble(3)
    p = Pattern(
        neck=neck, neck_y=50, depth=depth, pointed=pointed, shoulder=56 if arms != "sleeveless" else 43, slope=14,
        chest=50, armpit=112, waist=46, hem=waist, hem_y=168,
        sleeve={"sleeveless": 0.0, "short": 40.0, "long": 150.0}[arms], cuff=15.0 if arms == "long" else 19.0,
        drop=1.22 if arms == "long" else 0.95,
    )
    cut = look.shape["cut"]
    bottom = {"mini": 270.0, "midi": 332.0, "maxi": 370.0}[look.shape["length"]]
    hem = _HEMS[cut] * (0.82 if look.shape["length"] == "mini" else 1.0)
    line = neckline(p)
    low = curve([(2 * MIDDLE - x, y) for x, y in reversed(line)] + line[1:], closed=False)
    back = between(arc(MIDDLE, p.neck_y, p.neck, 6, math.pi, 0), low)
    parts = [Part(cloth.plain(cloth.toned(look.colour.rgb, 0.6), body.grain), (back,), puff=0.2, shade=0.8)]
    if p.sleeve:
        outline, outer, inner = sleeve(p, bend=5)
        folds = sleeve_folds(p, outer, inner, look.dice("sleeve"))
        parts.append(
            Part(
                body, (flipped(outline),), folds=tuple(Fold(flipped(f.line), f.height, f.width) for f in folds),
                puff=0.9, round_px=8, slant=math.pi / 2 - p.drop,
            )
        )
        parts.append(Part(body, (outline,), folds=folds, puff=0.9, round_px=8, slant=p.drop - math.pi / 2))
    parts.append(
        Part(
            body, (_skirt(waist, p.hem_y - 3, hem, bottom, cut),),
            folds=_skirt_folds(waist, p.hem_y, hem, bottom, cut, look.dice("folds")), puff=0.8, round_px=13,
        )
    )
    bodice = curve(
        mirrored([
            *line, (MIDDLE + p.shoulder, p.neck_y + p.slope), (MIDDLE + p.shoulder, p.neck_y + p.slope),
            (MIDDLE + p.chest - 9, p.neck_y + 36), (MIDDLE + p.chest, p.armpit), (MIDDLE + p.chest, p.armpit),
            (MIDDLE + waist + 3, p.hem_y - 18), (MIDDLE + waist, p.hem_y), (MIDDLE + waist, p.hem_y),
            (MIDDLE, p.hem_y + 4),
        ])
    )
    darts = tuple(
        Fold(curve([(MIDDLE + s * 22, p.hem_y), (MIDDLE + s * 24, p.armpit + 22)], closed=False), -0.5, 4)
        for s in (-1, 1)
    )
    bust = tuple(
        Fold(
            curve(
                [(MIDDLE + s * 40, p.armpit + 4), (MIDDLE + s * 24, p.armpit + 14), (MIDDLE + s * 10, p.armpit + 8)],
                closed=False,
            ),
            0.5, 10,
        )
        for s in (-1, 1)
    )
    parts.append(Part(body, (bodice,), folds=darts + bust, puff=0.8, round_px=11, lift=0.25))
    trim = Surface(cloth.seam(look.colour.rgb))
    parts.append(Part(trim, strokes=(Stroke(low, 2.2),), puff=0.5, round_px=1.5, rim=0, opacity=0.7))
    if look.shape["waist"] == "belted":
        belt = curve(
            mirrored([
                (MIDDLE, p.hem_y - 5), (MIDDLE + waist + 1, p.hem_y - 8), (MIDDLE + waist + 1, p.hem_y - 8),
                (MIDDLE + waist + 2, p.hem_y + 3), (MIDDLE + waist + 2, p.hem_y + 3), (MIDDLE, p.hem_y + 7),
            ])
        )
        parts.append(Part(Surface(look.accent.rgb), (belt,), puff=0.9, round_px=4, lift=0.4))
        parts += buttons(Surface((0.80, 0.66, 0.36), gloss=0.9), p.hem_y + 1, p.hem_y + 1, 1, r=5)
    return Scene(tuple(parts), drop=0.5)
