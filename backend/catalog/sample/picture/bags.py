"""Tote bags, handbags and backpacks."""

# Outlines are tables of points, and read as rows, not as one point a line.
# fmt: off
from dataclasses import replace

import numpy as np

from backend.catalog.sample.look import Look
from backend.catalog.sample.picture import cloth
from backend.catalog.sample.picture.geometry import MIDDLE, Points, arc, curve, ellipse, mirrored, polygon, rounded
from backend.catalog.sample.picture.part import Floor, Fold, Part, Scene, Stroke
from backend.catalog.sample.picture.surface import Surface

BRASS = Surface((0.80, 0.64, 0.33), gloss=0.95)
STEEL = Surface((0.76, 0.77, 0.79), gloss=0.9)


def _metal(look: Look) -> Surface:
    return BRASS if look.shape["trim"] != "plain" else STEEL


def _hide(look: Look) -> Surface:
    rgb = (
        (0.55, 0.34, 0.20)
        if look.shape["trim"] == "tan leather"
        else cloth.toned(look.colour.rgb, 0.72)
        if look.shape["trim"] == "plain"
        else look.accent.rgb
    )
    return Surface(rgb, grain="leather", gloss=0.35)


def _sack(top: float, bottom: float, y0: float, y1: float, sag: float) -> Points:
    return curve(
        mirrored([
            (MIDDLE, y0 + sag), (MIDDLE + top, y0), (MIDDLE + top, y0),
            (MIDDLE + (top + bottom) / 2 + 4, (y0 + y1) / 2 + 20), (MIDDLE + bottom, y1 - 10),
            (MIDDLE + bottom - 12, y1), (MIDDLE, y1 + 3),
        ])
    )


def _stitch(surface: Surface, *lines: Points) -> Part:
    return Part(
        Surface(cloth.seam(surface.colour)), strokes=tuple(Stroke(line, 1, (3, 2)) for line in lines), puff=0, rim=0,
        opacity=0.75,
    )


def tote(look: Look) -> Scene:
    """A tote: tall, wide or slouchy; long or short handles; perhaps a leather base or a front pocket."""
    body, hide = cloth.main(look), _hide(look)
    top, bottom, y0, y1, sag = {
        "tall": (74, 70, 150, 332, 3), "wide": (104, 80, 178, 328, 4), "slouchy": (92, 98, 170, 334, 13),
    }[look.shape["form"]]
    outline = _sack(top, bottom, y0, y1, sag)
    rise = 104 if look.shape["handles"] == "long handles" else 66
    straps = hide if look.shape["trim"] != "plain" else body
    spread = top * 0.46
    back = curve(
        [
            (MIDDLE - spread + 8, y0 + 10), (MIDDLE - spread * 0.8, y0 - rise * 0.8), (MIDDLE, y0 - rise - 8),
            (MIDDLE + spread * 0.8, y0 - rise * 0.8), (MIDDLE + spread - 8, y0 + 10),
        ],
        closed=False,
    )
    near = curve(
        [
            (MIDDLE - spread, y0 + 40), (MIDDLE - spread, y0), (MIDDLE - spread * 0.85, y0 - rise * 0.62),
            (MIDDLE, y0 - rise), (MIDDLE + spread * 0.85, y0 - rise * 0.62), (MIDDLE + spread, y0),
            (MIDDLE + spread, y0 + 40),
        ],
        closed=False,
    )
    dice = look.dice("folds")
    folds = tuple(
        Fold(
            curve(
                [
                    (MIDDLE + x + dice.wobble(8), y0 + 20 + dice.uniform(0, 30)), (MIDDLE + x * 0.9, (y0 + y1) / 2),
                    (MIDDLE + x + dice.wobble(12), y1 - 20),
                ],
                closed=False,
            ),
            dice.uniform(-0.6, 0.5), 9,
        )
        for x in (-62, -30, 4, 34, 60)
    )
    mouth = curve(
        mirrored([
            (MIDDLE, y0 - 4), (MIDDLE + top * 0.6, y0 - 5), (MIDDLE + top, y0), (MIDDLE + top, y0),
            (MIDDLE, y0 + sag + 6),
        ])
    )
    parts = [
        Part(straps, strokes=(Stroke(back, 8),), puff=0.8, round_px=4, shade=0.8),
        Part(cloth.plain(cloth.toned(look.colour.rgb, 0.45)), (mouth,), puff=0),
        Part(body, (outline,), folds=folds, puff=0.9, round_px=15),
    ]
    hem = curve([(MIDDLE - top + 2, y0 + 13), (MIDDLE, y0 + sag + 13), (MIDDLE + top - 2, y0 + 13)], closed=False)
    parts.append(_stitch(body, hem))
    if look.shape["front"] == "leather base":
        base = polygon([(40, y1 - 46), (280, y1 - 46), (280, y1 + 10), (40, y1 + 10)])
        parts += [
            Part(hide, (base,), clip=(outline,), puff=0.4, round_px=9, lift=0.2),
            _stitch(hide, polygon([(MIDDLE - bottom + 4, y1 - 41), (MIDDLE + bottom - 4, y1 - 41)])),
        ]
    elif look.shape["front"] == "front pocket":
        pouch = rounded(MIDDLE - 44, (y0 + y1) / 2 - 16, MIDDLE + 44, y1 - 30, 8)
        parts.append(Part(body, (pouch,), puff=0.6, round_px=6, lift=0.4))
        parts += [
            Part(
                hide, (rounded(MIDDLE - 9, (y0 + y1) / 2 - 24, MIDDLE + 9, (y0 + y1) / 2 + 4, 4),), puff=0.8,
                round_px=3, lift=0.4,
            ),
            Part(_metal(look), (ellipse(MIDDLE, (y0 + y1) / 2 - 4, 3, 3),), puff=1.2, round_px=2),
        ]
    parts.append(Part(straps, strokes=(Stroke(near, 9),), puff=1.0, round_px=4, lift=0.4))
    studs = tuple(ellipse(MIDDLE + s * spread, y0 + 34, 2.6, 2.6) for s in (-1, 1))
    parts.append(Part(_metal(look), studs, puff=1.2, round_px=1.5, lift=0.4))
    return Scene(tuple(parts), floors=(Floor(MIDDLE, y1, bottom * 1.06, 9),))


def handbag(look: Look) -> Scene:
    """A handbag: satchel with a flap, bowling bag, or half-moon; a top handle, clasp, feet."""
    body, metal = cloth.main(look), _metal(look)
    form = look.shape["form"]
    y0, y1 = 186.0, 318.0
    dark = Surface(cloth.toned(look.colour.rgb, 0.82), grain=body.grain, gloss=body.gloss)
    if form == "half-moon":
        outline = curve([
            (MIDDLE - 106, y0 + 4), (MIDDLE - 106, y0 + 4), (MIDDLE, y0 + 22), (MIDDLE + 106, y0 + 4),
            (MIDDLE + 106, y0 + 4), (MIDDLE + 100, y0 + 66), (MIDDLE + 50, y1 - 6), (MIDDLE, y1),
            (MIDDLE - 50, y1 - 6), (MIDDLE - 100, y0 + 66),
        ])
        handle = curve(
            [
                (MIDDLE - 102, y0 + 10), (MIDDLE - 82, y0 - 70), (MIDDLE, y0 - 112), (MIDDLE + 82, y0 - 70),
                (MIDDLE + 102, y0 + 10),
            ],
            closed=False,
        )
    elif form == "bowling":
        outline = curve(
            mirrored([
                (MIDDLE, y0 - 8), (MIDDLE + 62, y0 - 2), (MIDDLE + 100, y0 + 36), (MIDDLE + 106, y1 - 10),
                (MIDDLE + 98, y1), (MIDDLE + 98, y1), (MIDDLE, y1 + 2),
            ])
        )
        handle = curve(
            [
                (MIDDLE - 48, y0 + 34), (MIDDLE - 46, y0 - 36), (MIDDLE, y0 - 74), (MIDDLE + 46, y0 - 36),
                (MIDDLE + 48, y0 + 34),
            ],
            closed=False,
        )
    else:
        outline = curve(
            mirrored([
                (MIDDLE, y0), (MIDDLE + 84, y0 + 2), (MIDDLE + 94, y0 + 16), (MIDDLE + 102, y1 - 8),
                (MIDDLE + 92, y1 + 2), (MIDDLE + 92, y1 + 2), (MIDDLE, y1 + 3),
            ])
        )
        handle = curve(
            [
                (MIDDLE - 38, y0 + 4), (MIDDLE - 38, y0 - 34), (MIDDLE, y0 - 58), (MIDDLE + 38, y0 - 34),
                (MIDDLE + 38, y0 + 4),
            ],
            closed=False,
        )
    parts = [Part(dark, strokes=(Stroke(handle, 10),), puff=1.2, round_px=4)]
    if look.shape["strap"] == "shoulder strap" and form != "half-moon":
        strap = curve(
            [
                (MIDDLE - 92, y0 + 26), (MIDDLE - 96, y0 - 60), (MIDDLE - 30, y0 - 128), (MIDDLE + 60, y0 - 118),
                (MIDDLE + 96, y0 - 50), (MIDDLE + 92, y0 + 26),
            ],
            closed=False,
        )
        parts.insert(0, Part(dark, strokes=(Stroke(strap, 5.5),), puff=1.0, round_px=2.5))
    dent = (Fold(curve([(MIDDLE - 70, y1 - 30), (MIDDLE, y1 - 22), (MIDDLE + 70, y1 - 30)], closed=False), 0.4, 12),)
    parts.append(Part(body, (outline,), folds=dent, puff=1.0, round_px=16))
    if form == "satchel":
        flap = curve(
            mirrored([
                (MIDDLE, y0 - 2), (MIDDLE + 86, y0), (MIDDLE + 95, y0 + 14), (MIDDLE + 94, y0 + 58),
                (MIDDLE + 72, y0 + 76), (MIDDLE, y0 + 82),
            ])
        )
        parts += [
            Part(body, (flap,), puff=0.9, round_px=9, lift=0.55),
            _stitch(
                body,
                curve(
                    [
                        (MIDDLE - 88, y0 + 54), (MIDDLE - 68, y0 + 70), (MIDDLE, y0 + 76), (MIDDLE + 68, y0 + 70),
                        (MIDDLE + 88, y0 + 54),
                    ],
                    closed=False,
                ),
            ),
        ]
        parts += [
            Part(metal, (rounded(MIDDLE - 13, y0 + 66, MIDDLE + 13, y0 + 92, 5),), puff=1.2, round_px=4, lift=0.5),
            Part(Surface(cloth.toned(metal.colour, 0.5)), (ellipse(MIDDLE, y0 + 79, 3.5, 5),), puff=0),
        ]
    elif form == "bowling":
        line = curve([(MIDDLE - 84, y0 + 16), (MIDDLE, y0 + 4), (MIDDLE + 84, y0 + 16)], closed=False)
        parts += [Part(metal, strokes=(Stroke(line, 2.2, (1.7, 1.3)),), puff=0), _stitch(body, line + np.array([0, 8]))]
        tabs = tuple(rounded(MIDDLE + s * 48 - 8, y0 + 20, MIDDLE + s * 48 + 8, y0 + 58, 6) for s in (-1, 1))
        parts += [Part(dark, tabs, puff=0.9, round_px=4, lift=0.4)]
    else:
        line = curve([(MIDDLE - 98, y0 + 12), (MIDDLE, y0 + 31), (MIDDLE + 98, y0 + 12)], closed=False)
        parts += [Part(metal, strokes=(Stroke(line, 2.2, (1.7, 1.3)),), puff=0, lift=0.3)]
    rings = tuple(
        ellipse(
            MIDDLE + s * {"half-moon": 101, "bowling": 48, "satchel": 38}[form],
            y0 + (8 if form != "bowling" else 26), 6, 6,
        )
        for s in (-1, 1)
    )
    holes = tuple(
        ellipse(
            MIDDLE + s * {"half-moon": 101, "bowling": 48, "satchel": 38}[form],
            y0 + (8 if form != "bowling" else 26), 3, 3,
        )
        for s in (-1, 1)
    )
    parts.append(Part(metal, rings, cuts=holes, puff=1.2, round_px=2, lift=0.4))
    if look.shape["charm"] == "tassel":
        x = MIDDLE + 60
        tassel = polygon([(x - 5, y0 + 46), (x + 5, y0 + 46), (x + 9, y0 + 88), (x - 9, y0 + 88)])
        fringe = tuple(Fold(polygon([(x + k, y0 + 50), (x + k * 1.6, y0 + 90)]), -0.8, 2) for k in (-4, 0, 4))
        cord = Stroke(polygon([(x - 6, y0 + 10), (x, y0 + 46)]), 2)
        parts.append(
            Part(
                Surface(look.accent.rgb, grain="leather"), (tassel,), strokes=(cord,), folds=fringe, puff=0.9,
                round_px=4, lift=0.5,
            )
        )
    return Scene(tuple(parts), floors=(Floor(MIDDLE, y1 + 1, 104 if form != "half-moon" else 62, 9),))


def backpack(look: Look) -> Scene:
    """A backpack: round-topped with zips, a flap with buckles, or a roll top."""
    body, hide, metal = cloth.main(look), _hide(look), _metal(look)
    form = look.shape["form"]
    y0, y1 = 92.0, 336.0
    solid = replace(body, pattern="solid")
    outline = curve(
        mirrored([
            (MIDDLE, y0), (MIDDLE + 52, y0 + 5), (MIDDLE + 76, y0 + 40), (MIDDLE + 84, y0 + 130),
            (MIDDLE + 86, y1 - 24), (MIDDLE + 72, y1), (MIDDLE, y1 + 3),
        ])
    )
    grab = curve(
        [
            (MIDDLE - 17, y0 + 6), (MIDDLE - 15, y0 - 20), (MIDDLE, y0 - 27), (MIDDLE + 15, y0 - 20),
            (MIDDLE + 17, y0 + 6),
        ],
        closed=False,
    )
    sides = tuple(
        Stroke(
            curve(
                [
                    (MIDDLE + s * 62, y0 + 22), (MIDDLE + s * 100, y0 + 90), (MIDDLE + s * 98, y1 - 60),
                    (MIDDLE + s * 80, y1 - 14),
                ],
                closed=False,
            ),
            13,
        )
        for s in (-1, 1)
    )
    parts = [
        Part(solid, strokes=sides, puff=1.0, round_px=5, shade=0.78),
        Part(hide, strokes=(Stroke(grab, 8),), puff=1.0, round_px=3),
    ]
    folds = (
        Fold(curve([(MIDDLE - 66, y0 + 70), (MIDDLE - 30, y0 + 84), (MIDDLE + 10, y0 + 76)], closed=False), -0.4, 7),
        Fold(curve([(MIDDLE + 70, y1 - 50), (MIDDLE + 40, y1 - 34), (MIDDLE, y1 - 26)], closed=False), 0.4, 8),
    )
    parts.append(Part(body, (outline,), folds=folds, puff=1.0, round_px=19))
    pouch = curve(
        mirrored([
            (MIDDLE, 226), (MIDDLE + 48, 228), (MIDDLE + 60, 244), (MIDDLE + 62, y1 - 22), (MIDDLE + 50, y1 - 10),
            (MIDDLE, y1 - 8),
        ])
    )
    parts.append(Part(body, (pouch,), puff=1.0, round_px=11, lift=0.5))
    if form == "zipped":
        zips = (
            curve(
                [
                    (MIDDLE - 72, y0 + 106), (MIDDLE - 64, y0 + 46), (MIDDLE - 38, y0 + 22), (MIDDLE, y0 + 17),
                    (MIDDLE + 38, y0 + 22), (MIDDLE + 64, y0 + 46), (MIDDLE + 72, y0 + 106),
                ],
                closed=False,
            ),
            curve([(MIDDLE - 50, 246), (MIDDLE, 240), (MIDDLE + 50, 246)], closed=False),
        )
        parts += [
            Part(
                Surface(cloth.toned(look.colour.rgb, 0.5)), strokes=tuple(Stroke(z, 4) for z in zips), puff=0.5,
                round_px=2,
            ),
            Part(metal, strokes=tuple(Stroke(z, 1.5, (1.5, 1.3)) for z in zips), puff=0),
        ]
        parts.append(
            Part(
                hide,
                (rounded(MIDDLE + 46, 246, MIDDLE + 53, 268, 3), rounded(MIDDLE - 23, 168, MIDDLE + 23, 192, 4)),
                puff=0.9, round_px=3, lift=0.45,
            )
        )
    else:
        low = 206 if form == "flap" else 150
        flap = curve(
            mirrored([
                (MIDDLE, y0 - 4), (MIDDLE + 54, y0), (MIDDLE + 80, y0 + 34), (MIDDLE + 84, low - 20),
                (MIDDLE + 70, low), (MIDDLE, low + 4),
            ])
        )
        rolls = (
            (
                Fold(polygon([(70, y0 + 20), (250, y0 + 20)]), -0.7, 5),
                Fold(polygon([(70, y0 + 38), (250, y0 + 38)]), 0.5, 5),
            )
            if form == "roll-top"
            else ()
        )
        parts.append(Part(body, (flap,), folds=rolls, puff=1.0, round_px=12, lift=0.6))
        for s in (-1, 1):
            strap = polygon([
                (MIDDLE + s * 36 - 6, low - 40), (MIDDLE + s * 36 + 6, low - 40), (MIDDLE + s * 36 + 6, low + 44),
                (MIDDLE + s * 36, low + 50), (MIDDLE + s * 36 - 6, low + 44),
            ])
            parts.append(Part(hide, (strap,), puff=0.9, round_px=4, lift=0.45))
            buckle = rounded(MIDDLE + s * 36 - 10, low + 6, MIDDLE + s * 36 + 10, low + 24, 3)
            parts.append(
                Part(
                    metal, (buckle,),
                    cuts=(rounded(MIDDLE + s * 36 - 6, low + 10, MIDDLE + s * 36 + 6, low + 20, 2),), strokes=(),
                    puff=1.2, round_px=2, lift=0.4,
                )
            )
    parts.append(_stitch(body, arc(MIDDLE, y1 - 96, 55, 82, 0.25, 2.9)))
    return Scene(tuple(parts), floors=(Floor(MIDDLE, y1, 90, 9),))
