"""Caps, beanies and sun hats."""

# Outlines are tables of points, and read as rows, not as one point a line.
# fmt: off
import math

import numpy as np

from backend.catalog.sample.look import Look
from backend.catalog.sample.picture import cloth
from backend.catalog.sample.picture.geometry import MIDDLE, curve, ellipse, mirrored, polygon, rounded
from backend.catalog.sample.picture.part import Fold, Part, Scene, Stroke
from backend.catalog.sample.picture.surface import Surface


def cap(look: Look) -> Scene:
    """A cap with a curved peak, seams, eyelets, a button, perhaps a patch."""
    body = cloth.main(look)
    peak = Surface(look.accent.rgb if look.shape["trim"] == "contrast" else look.colour.rgb, grain=body.grain)
    deep = {"low crown": 12.0, "high crown": -14.0}[look.shape["crown"]]
    dome = curve([
        (70, 232), (66, 196), (86, 146 + deep * 0.8), (130, 112 + deep), (176, 106 + deep), (222, 124 + deep),
        (250, 166 + deep * 0.5), (256, 222), (256, 222), (220, 236), (164, 242), (110, 240), (70, 232),
    ])
    brim = curve([
        (66, 222), (100, 232), (160, 238), (186, 236), (180, 250), (120, 272), (66, 288), (34, 284), (28, 268),
        (42, 240),
    ])
    seams = (
        curve([(168, 106 + deep), (150, 150), (146, 240)], closed=False),
        curve([(172, 106 + deep), (214, 160), (222, 234)], closed=False),
        curve([(168, 106 + deep), (98, 150), (84, 234)], closed=False),
    )
    folds = tuple(Fold(line, -0.5, 3) for line in seams)
    parts = [Part(body, (dome,), folds=folds, puff=1.1, round_px=22)]
    parts.append(
        Part(
            Surface(cloth.seam(look.colour.rgb)),
            strokes=tuple(Stroke(line + np.array([2.5, 0.0]), 0.9, (2.5, 1.6)) for line in seams), puff=0, rim=0,
            opacity=0.7,
        )
    )
    parts.append(
        Part(
            Surface(cloth.toned(look.colour.rgb, 0.45)),
            (ellipse(132, 148 + deep, 2.6, 2.6), ellipse(196, 150 + deep, 2.6, 2.6)), puff=0,
        )
    )
    parts.append(Part(peak, (ellipse(170, 105 + deep, 8, 4.5),), puff=1.2, round_px=3))
    if look.shape["badge"] == "woven patch":
        parts.append(
            Part(
                Surface((0.93, 0.91, 0.86), grain="canvas"), (rounded(96, 178, 134, 206, 5),), puff=0.6, round_px=3,
                lift=0.4,
            )
        )
        parts.append(
            Part(
                Surface(look.accent.rgb),
                strokes=(
                    Stroke(curve([(102, 199), (110, 186), (116, 194), (122, 184), (129, 199)], closed=False), 2.2),
                ),
                puff=0,
            )
        )
    elif look.shape["badge"] == "stitched circle":
        parts.append(
            Part(
                Surface(look.accent.rgb), (ellipse(115, 190, 15, 15),), cuts=(ellipse(115, 190, 11, 11),), puff=0.8,
                round_px=2, lift=0.3,
            )
        )
    parts.append(Part(peak, (brim,), puff=1.1, round_px=10, lift=0.45))
    lines = tuple(
        Stroke(curve([(64 - k * 7, 232 + k * 12), (110 - k * 4, 244 + k * 9), (172, 243 + k * 3)], closed=False), 0.8)
        for k in range(1, 4)
    )
    parts.append(Part(Surface(cloth.seam(peak.colour)), strokes=lines, clip=(brim,), puff=0, rim=0, opacity=0.4))
    return Scene(tuple(parts), drop=0.5)


def beanie(look: Look) -> Scene:
    """A knitted hat with a turned-up cuff, perhaps a bobble."""
    body = cloth.main(look)
    tall = {"snug": 0.0, "slouchy": -34.0}[look.shape["fit"]]
    rib = Surface(
        look.accent.rgb if look.shape["trim"] == "contrast" else cloth.toned(look.colour.rgb, 0.95), grain="rib"
    )
    dome = curve(
        mirrored([
            (MIDDLE, 116 + tall), (MIDDLE + 40, 122 + tall), (MIDDLE + 78, 160 + tall * 0.7), (MIDDLE + 92, 214),
            (MIDDLE + 93, 262), (MIDDLE + 93, 262), (MIDDLE, 270),
        ])
    )
    cuff = curve(
        mirrored([
            (MIDDLE, 236), (MIDDLE + 95, 226), (MIDDLE + 95, 226), (MIDDLE + 101, 254), (MIDDLE + 97, 286),
            (MIDDLE + 97, 286), (MIDDLE, 300),
        ])
    )
    folds = tuple(
        Fold(
            curve(
                [(MIDDLE + x * 0.25, 124 + tall), (MIDDLE + x * 0.8, 170 + tall * 0.5), (MIDDLE + x, 240)], closed=False
            ),
            0.4 if k % 2 else -0.45, 7,
        )
        for k, x in enumerate((-70, -42, -14, 16, 44, 70))
    )
    parts = [
        Part(body, (dome,), folds=folds, puff=1.1, round_px=22), Part(rib, (cuff,), puff=1.1, round_px=13, lift=0.5),
    ]
    if look.shape["badge"] == "bobble":
        dice = look.dice("bobble")
        centre = 100 + tall
        tufts = tuple(
            Stroke(polygon([(MIDDLE, centre), (MIDDLE + math.cos(a) * r, centre + math.sin(a) * r)]), 5)
            for k in range(40)
            for a, r in [(k * math.tau / 40, 30 + dice.wobble(4))]
        )
        fur = Surface(look.accent.rgb, grain="boucle", depth=1.8)
        parts.insert(0, Part(fur, (ellipse(MIDDLE, centre, 27, 27),), strokes=tufts, puff=1.3, round_px=11))
    elif look.shape["badge"] == "woven patch":
        parts.append(
            Part(
                Surface((0.55, 0.36, 0.22), grain="leather"), (rounded(MIDDLE + 26, 252, MIDDLE + 62, 276, 3),),
                puff=0.7, round_px=3, lift=0.4,
            )
        )
    return Scene(tuple(parts), drop=0.5)


def sun_hat(look: Look) -> Scene:
    """A straw, felt or canvas hat: fedora, bucket or wide brim, with a band."""
    body = cloth.main(look)
    form = look.shape["form"]
    reach, droop = {"wide brim": (136.0, 24.0), "fedora": (116.0, 15.0), "bucket": (104.0, 52.0)}[form]
    top = 128.0 if form != "bucket" else 138.0
    crown = curve(
        mirrored([
            (MIDDLE, top + (9 if form == "fedora" else -3)), (MIDDLE + 34, top - 1), (MIDDLE + 62, top + 18),
            (MIDDLE + 74, 218), (MIDDLE + 76, 238), (MIDDLE + 76, 238), (MIDDLE, 252),
        ])
    )
    if form == "bucket":
        brim = curve(
            mirrored([
                (MIDDLE, 222), (MIDDLE + 76, 212), (MIDDLE + 76, 212), (MIDDLE + reach, 262),
                (MIDDLE + reach - 4, 270), (MIDDLE + 60, 286), (MIDDLE, 290),
            ])
        )
    else:
        brim = ellipse(MIDDLE, 246, reach, droop + 14)
    pinch = (
        (Fold(curve([(MIDDLE - 6, top + 4), (MIDDLE - 2, top + 40), (MIDDLE - 4, top + 66)], closed=False), -0.9, 12),)
        if form == "fedora"
        else ()
    )
    band = curve(
        mirrored([
            (MIDDLE, 224), (MIDDLE + 74, 210), (MIDDLE + 74, 210), (MIDDLE + 77, 236), (MIDDLE + 77, 236),
            (MIDDLE, 252),
        ])
    )
    rim = Stroke(ellipse(MIDDLE, 246, reach - 1.5, droop + 12.5), 2)
    if form == "bucket":
        rings = tuple(
            Stroke(
                curve(
                    [(MIDDLE - 76 - k * 8, 216 + k * 13), (MIDDLE, 228 + k * 16), (MIDDLE + 76 + k * 8, 216 + k * 13)],
                    closed=False,
                ),
                0.9, (3, 2),
            )
            for k in range(1, 4)
        )
        parts = [Part(body, (crown,), puff=1.1, round_px=17), Part(body, (brim,), puff=1.0, round_px=12, lift=0.35)]
        parts.append(
            Part(Surface(cloth.seam(look.colour.rgb)), strokes=rings, clip=(brim,), puff=0, rim=0, opacity=0.6)
        )
    else:
        parts = [
            Part(body, (brim,), puff=1.0, round_px=9),
            Part(body, (crown,), folds=pinch, puff=1.1, round_px=18, lift=0.6),
            Part(Surface(look.accent.rgb, grain="canvas"), (band,), clip=(crown,), puff=0.5, round_px=5),
        ]
        parts.insert(1, Part(Surface(cloth.toned(look.colour.rgb, 0.8)), strokes=(rim,), puff=0.5, rim=0, opacity=0.6))
        if look.shape["badge"] == "ribbon bow":
            x = MIDDLE + 46
            wings = (curve([(x, 236), (x - 19, 225), (x - 19, 244)]), curve([(x, 236), (x + 19, 222), (x + 20, 241)]))
            parts += [
                Part(Surface(look.accent.rgb, gloss=0.2), wings, puff=1, round_px=4, lift=0.4),
                Part(Surface(look.accent.rgb), (ellipse(x, 235, 4, 6),), puff=1, round_px=2, lift=0.4),
            ]
    return Scene(tuple(parts), drop=0.5)
