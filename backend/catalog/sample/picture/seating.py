"""Armchairs, sofas and dining chairs."""

# Outlines are tables of points, and read as rows, not as one point a line.
# fmt: off
import math
from dataclasses import replace

from backend.catalog.sample.look import Look
from backend.catalog.sample.picture import cloth
from backend.catalog.sample.picture.geometry import (
    MIDDLE,
    curve,
    ellipse,
    mirrored,
    polygon,
    rounded,
    stuffed,
)
from backend.catalog.sample.picture.joinery import BRASS, legs, timber
from backend.catalog.sample.picture.part import Floor, Fold, Part, Scene, Stroke
from backend.catalog.sample.picture.surface import Surface


def armchair(look: Look) -> Scene:
    """An armchair: club, wing-back or tub; wooden legs; perhaps buttons or a cushion."""
    body = cloth.main(look)
    form = look.shape["form"]
    wood = timber(look.shape["legs"])
    top = {"club": 138.0, "wing-back": 84.0, "tub": 150.0}[form]
    half = {"club": 84.0, "wing-back": 78.0, "tub": 92.0}[form]
    back = curve(
        mirrored([
            (MIDDLE, top), (MIDDLE + half * 0.72, top + 3), (MIDDLE + half, top + 26), (MIDDLE + half + 2, 260),
            (MIDDLE + half - 4, 300), (MIDDLE + half - 4, 300), (MIDDLE, 304),
        ])
    )
    buttons = tuple(
        ellipse(MIDDLE + dx, top + dy, 3.4, 3.4)
        for dy, dxs in ((34, (-36, 0, 36)), (62, (-18, 18)), (88, (-36, 0, 36)))
        for dx in dxs
    )
    tufts = (
        tuple(
            Fold(
                curve(
                    [
                        (float(b[:, 0].mean()), float(b[:, 1].mean())),
                        (float(b[:, 0].mean()) + s * 18, float(b[:, 1].mean()) + 14),
                    ],
                    closed=False,
                ),
                -0.6, 4,
            )
            for b in buttons
            for s in (-1, 1)
        )
        if look.shape["back"] == "buttoned"
        else ()
    )
    parts = [
        legs(wood, (MIDDLE - 62, MIDDLE + 62), 300, 340, 6, 4, shade=0.7),
        legs(wood, (MIDDLE - 82, MIDDLE + 82), 300, 352, 7, 6),
    ]
    parts.append(Part(body, (back,), folds=tufts, puff=1.1, round_px=17))
    if look.shape["back"] == "buttoned":
        parts.append(Part(replace(body, pattern="solid"), buttons, puff=1.3, round_px=2, shade=0.85))
    if form == "wing-back":
        for s in (-1, 1):
            wing = curve([
                (MIDDLE + s * 62, top + 20), (MIDDLE + s * 84, top + 14), (MIDDLE + s * 97, top + 44),
                (MIDDLE + s * 95, 200), (MIDDLE + s * 72, 214),
            ])
            parts.append(Part(body, (wing,), puff=1.1, round_px=11, lift=0.4))
    seat = curve(
        mirrored([
            (MIDDLE, 236), (MIDDLE + 60, 237), (MIDDLE + 71, 248), (MIDDLE + 70, 272), (MIDDLE + 60, 280),
            (MIDDLE, 281),
        ])
    )
    base = rounded(MIDDLE - 80, 268, MIDDLE + 80, 308, 6)
    parts += [Part(body, (base,), puff=0.9, round_px=8, lift=0.3), Part(body, (seat,), puff=1.1, round_px=11, lift=0.5)]
    high = 196.0 if form != "tub" else 176.0
    for s in (-1, 1):
        arm = curve([
            (MIDDLE + s * 70, high + 12), (MIDDLE + s * 76, high), (MIDDLE + s * 98, high - 2),
            (MIDDLE + s * 108, high + 14), (MIDDLE + s * 105, 306), (MIDDLE + s * 105, 306),
            (MIDDLE + s * 72, 308), (MIDDLE + s * 72, 308),
        ])
        parts.append(Part(body, (arm,), puff=1.1, round_px=11, lift=0.5))
    if look.shape["extra"] == "scatter cushion":
        pad = stuffed(MIDDLE - 40, 178, MIDDLE + 30, 240, 5)
        parts.append(
            Part(Surface(look.accent.rgb, look.colour.rgb, "solid", "linen"), (pad,), puff=1.1, round_px=13, lift=0.5)
        )
    return Scene(tuple(parts), floors=(Floor(MIDDLE, 350, 112, 12, 0.55),))


def sofa(look: Look) -> Scene:
    """A sofa for two or three: straight, rolled or rounded arms; wooden or metal legs; scatter cushions."""
    body = cloth.main(look)
    seats = {"two-seat": 2, "three-seat": 3}[look.shape["seats"]]
    half = 122.0 if seats == 2 else 138.0
    wood = timber(look.shape["legs"]) if look.shape["legs"] != "Brass" else BRASS
    y = 6.0 if seats == 2 else 0.0
    parts = [
        legs(wood, (MIDDLE - half + 30, MIDDLE + half - 30), 286, 316, 5, 2, shade=0.7),
        legs(wood, (MIDDLE - half + 12, MIDDLE + half - 12), 286, 324, 5.5, 4),
    ]
    top = 150.0 - y * 2
    crown = 12 if look.shape["back"] == "arched back" else 0
    back = curve(
        mirrored([
            (MIDDLE, top - crown), (MIDDLE + half - 34, top + 2), (MIDDLE + half - 12, top + 16),
            (MIDDLE + half - 12, 290), (MIDDLE + half - 12, 290), (MIDDLE, 292),
        ])
    )
    parts.append(Part(body, (back,), puff=1.0, round_px=13))
    inner = half - 28
    step = 2 * inner / seats
    if look.shape["back"] == "loose cushions":
        pads = [
            stuffed(MIDDLE - inner + k * step + 1, top + 8, MIDDLE - inner + (k + 1) * step - 1, 238, 4)
            for k in range(seats)
        ]
        parts += [Part(body, (p,), puff=1.1, round_px=12, lift=0.35) for p in pads]
    parts.append(Part(body, (rounded(MIDDLE - half + 14, 256, MIDDLE + half - 14, 294, 5),), puff=0.8, round_px=8))
    for k in range(seats):
        seat = rounded(MIDDLE - inner + k * step, 226, MIDDLE - inner + (k + 1) * step, 262, 9)
        parts.append(Part(body, (seat,), puff=1.1, round_px=10, lift=0.35))
    for s in (-1, 1):
        if look.shape["arms"] == "rolled arms":
            arm = curve([
                (MIDDLE + s * (half - 32), 206), (MIDDLE + s * (half - 26), 188), (MIDDLE + s * (half - 2), 184),
                (MIDDLE + s * (half + 9), 200), (MIDDLE + s * (half + 2), 220), (MIDDLE + s * half, 292),
                (MIDDLE + s * half, 292), (MIDDLE + s * (half - 27), 294), (MIDDLE + s * (half - 27), 294),
                (MIDDLE + s * (half - 26), 224),
            ])
        else:
            arm = rounded(
                min(MIDDLE + s * (half - 28), MIDDLE + s * half), 188,
                max(MIDDLE + s * (half - 28), MIDDLE + s * half), 294,
                9 if look.shape["arms"] == "rounded arms" else 4,
            )
        parts.append(Part(body, (arm,), puff=1.1, round_px=9, lift=0.45))
    for k, s in enumerate(
        (-1, 1)[
            : 2
            if look.shape["extra"] == "two scatter cushions"
            else 1
            if look.shape["extra"] == "scatter cushion"
            else 0
        ]
    ):
        x = MIDDLE + s * (inner - 30)
        pad = stuffed(x - 29, 184, x + 29, 236, 4)
        parts.append(
            Part(
                Surface(look.accent.rgb, look.colour.rgb, "breton" if k else "solid", "linen"), (pad,), puff=1.1,
                round_px=11, lift=0.5, slant=s * 0.1,
            )
        )
    return Scene(tuple(parts), floors=(Floor(MIDDLE, 322, half + 12, 11, 0.5),))


def chair(look: Look) -> Scene:
    """A dining chair: spindle, slat, panel or padded back; wooden or upholstered seat."""
    wood = Surface(look.colour.rgb, grain="wood", gloss=0.15)
    dark = Surface(cloth.toned(look.colour.rgb, 0.8), grain="wood", gloss=0.1)
    form = look.shape["back"]
    top = 66.0
    seat = curve([
        (MIDDLE - 62, 222), (MIDDLE - 62, 222), (MIDDLE + 62, 222), (MIDDLE + 62, 222), (MIDDLE + 76, 250),
        (MIDDLE + 70, 258), (MIDDLE - 70, 258), (MIDDLE - 76, 250),
    ])
    parts = [
        legs(dark, (MIDDLE - 48, MIDDLE + 48), 240, 346, 5, 3),
        Part(
            dark, (polygon([(MIDDLE - 60, 306), (MIDDLE + 60, 306), (MIDDLE + 60, 312), (MIDDLE - 60, 312)]),),
            puff=0.8, round_px=2,
        ),
    ]
    posts = tuple(
        Stroke(curve([(MIDDLE + s * 50, 232), (MIDDLE + s * 54, 150), (MIDDLE + s * 58, top + 12)], closed=False), 8)
        for s in (-1, 1)
    )
    rail = curve(
        mirrored([
            (MIDDLE, top - 6), (MIDDLE + 56, top), (MIDDLE + 64, top + 10), (MIDDLE + 60, top + 28),
            (MIDDLE, top + 22),
        ])
    )
    if form == "spindle back":
        spindles = tuple(
            Stroke(polygon([(MIDDLE + x, 230), (MIDDLE + x * 1.1, top + 16)]), 4) for x in (-33, -17, 0, 17, 33)
        )
        parts.append(Part(wood, strokes=posts + spindles, puff=1.2, round_px=2, slant=math.pi / 2))
        parts.append(Part(wood, (rail,), puff=1.1, round_px=6, lift=0.2))
    elif form == "slatted back":
        parts.append(Part(wood, strokes=posts, puff=1.2, round_px=3, slant=math.pi / 2))
        slats = [
            curve(mirrored([(MIDDLE, y - 10), (MIDDLE + 57, y - 4), (MIDDLE + 56, y + 14), (MIDDLE, y + 10)]))
            for y in (top + 6, top + 50, top + 94)
        ]
        parts += [Part(wood, (slat,), puff=1.1, round_px=5, lift=0.2) for slat in slats]
    else:
        shell = curve(
            mirrored([
                (MIDDLE, top - 4), (MIDDLE + 48, top + 2), (MIDDLE + 66, top + 34), (MIDDLE + 60, 158),
                (MIDDLE + 40, 186), (MIDDLE, 190),
            ])
        )
        pad = Surface(look.accent.rgb, grain="linen") if form == "padded back" else wood
        parts += [
            Part(
                wood,
                strokes=tuple(Stroke(polygon([(MIDDLE + s * 34, 232), (MIDDLE + s * 36, 160)]), 8) for s in (-1, 1)),
                puff=1.1, round_px=3,
            ),
            Part(pad, (shell,), puff=1.1, round_px=14, lift=0.25, slant=math.pi / 2 if form != "padded back" else 0),
        ]
    parts.append(legs(wood, (MIDDLE - 62, MIDDLE + 62), 250, 362, 6.5, 5))
    parts.append(Part(wood, (seat,), puff=0.8, round_px=7, lift=0.3))
    if look.shape["seat"] == "upholstered seat":
        padding = curve([
            (MIDDLE - 58, 218), (MIDDLE, 213), (MIDDLE + 58, 218), (MIDDLE + 70, 244), (MIDDLE + 60, 251),
            (MIDDLE - 60, 251), (MIDDLE - 70, 244),
        ])
        parts.append(Part(Surface(look.accent.rgb, grain="linen"), (padding,), puff=1.1, round_px=9, lift=0.3))
    elif look.shape["seat"] == "woven seat":
        parts.append(
            Part(
                Surface((0.84, 0.72, 0.50), grain="rattan"),
                (
                    curve([
                        (MIDDLE - 54, 224), (MIDDLE + 54, 224), (MIDDLE + 64, 246), (MIDDLE + 54, 250),
                        (MIDDLE - 54, 250), (MIDDLE - 64, 246),
                    ]),
                ),
                puff=0.5, round_px=5,
            )
        )
    return Scene(tuple(parts), floors=(Floor(MIDDLE, 356, 88, 11, 0.5),))
