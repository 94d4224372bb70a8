"""Scarves and watches."""

# Outlines are tables of points, and read as rows, not as one point a line.
# fmt: off
import math

from backend.catalog.sample.look import Look
from backend.catalog.sample.picture import cloth
from backend.catalog.sample.picture.geometry import MIDDLE, curve, ellipse, mirrored, polygon, rounded
from backend.catalog.sample.picture.part import Fold, Part, Scene, Stroke
from backend.catalog.sample.picture.surface import Surface

METALS = {
    "steel": (0.76, 0.77, 0.79), "gold": (0.84, 0.69, 0.38), "rose gold": (0.85, 0.64, 0.55),
    "black": (0.20, 0.20, 0.22),
}


def scarf(look: Look) -> Scene:
    """A scarf, looped once, both ends hanging: with fringes, pompoms or plain hems."""
    body = cloth.main(look)
    dice = look.dice("drape")
    wide = {"slim": 25.0, "classic": 32.0, "blanket": 41.0}[look.shape["fit"]]
    parts = []
    for side, length in ((-1, 318 + dice.wobble(10)), (1, 300 + dice.wobble(14))):
        x0, x1 = MIDDLE + side * 20, MIDDLE + side * (46 + dice.wobble(4))
        tail = curve([
            (x0 - wide * 0.7, 130), (x0 - wide * 0.7, 130), (x0 + wide * 0.7, 130), (x0 + wide * 0.7, 130),
            (x1 + wide * 0.9, 220), (x1 + wide, length), (x1 + wide, length), (x1 - wide, length + 3),
            (x1 - wide, length + 3), (x1 - wide * 0.9, 220),
        ])
        folds = tuple(
            Fold(
                curve([(x0 + wide * t * 0.6, 140), (x1 + wide * t * 0.8, 230), (x1 + wide * t, length)], closed=False),
                0.55 if k % 2 else -0.6, 7,
            )
            for k, t in enumerate((-0.55, -0.1, 0.4))
        )
        if look.shape["ends"] == "fringed":
            strands = tuple(
                Stroke(
                    curve(
                        [
                            (x1 - wide + 2 + k * 5, length - 3),
                            (x1 - wide + 2 + k * 5 + dice.wobble(2), length + 14),
                            (x1 - wide + 2 + k * 5 + dice.wobble(3), length + 27),
                        ],
                        closed=False,
                    ),
                    2.4,
                )
                for k in range(int(2 * wide / 5))
            )
            parts.append(
                Part(
                    Surface(
                        look.colour.rgb if look.pattern == "solid" else cloth.toned(look.accent.rgb, 0.95),
                        grain=body.grain,
                    ),
                    strokes=strands, puff=1, round_px=1.5,
                )
            )
        elif look.shape["ends"] == "pompoms":
            balls = tuple(ellipse(x1 + wide * t, length + 12, 9, 9) for t in (-0.8, 0, 0.8))
            parts.append(Part(Surface(look.accent.rgb, grain="boucle", depth=1.6), balls, puff=1.3, round_px=5))
        parts.append(Part(body, (tail,), folds=folds, puff=0.9, round_px=9, slant=side * 0.12, lift=0.35))
    ring = curve([(88, 116), (96, 76), (160, 58), (224, 76), (232, 116), (214, 150), (160, 166), (106, 150)])
    hole = curve([(116, 100), (130, 86), (160, 80), (190, 86), (204, 100), (190, 110), (160, 116), (130, 110)])
    twist = tuple(
        Fold(
            curve(
                [(92 + k * 5, 110 + k * 9), (130, 136 + k * 7), (190, 136 + k * 7), (228 - k * 5, 110 + k * 9)],
                closed=False,
            ),
            0.55 if k % 2 else -0.65, 6,
        )
        for k in range(3)
    )
    parts.append(Part(body, (ring,), cuts=(hole,), folds=twist, puff=1.2, round_px=11, slant=0.5, lift=0.5))
    return Scene(tuple(parts), drop=0.5)


def watch(look: Look) -> Scene:
    """A wrist watch: round, square or cushion case; leather, fabric or link strap; three kinds of dial."""
    linked = look.material == "steel"
    metal = Surface(look.colour.rgb if linked else METALS[look.shape["case"]], gloss=0.9)
    grain = "leather" if look.material == "leather" else "canvas"
    strap = (
        metal
        if linked
        else Surface(look.colour.rgb, look.accent.rgb, look.pattern, grain, gloss=0.3 if grain == "leather" else 0.0)
    )
    r = {"small": 52.0, "medium": 60.0, "large": 68.0}[look.shape["size"]]
    half = r * 0.56
    band = curve(
        mirrored([
            (MIDDLE, 24), (MIDDLE + half * 0.78, 26), (MIDDLE + half * 0.78, 26), (MIDDLE + half, 150),
            (MIDDLE + half, 250), (MIDDLE + half * 0.76, 360), (MIDDLE + half * 0.5, 374), (MIDDLE, 378),
        ])
    )
    parts = [Part(strap, (band,), puff=1.1, round_px=8)]
    if linked:
        gaps = tuple(Fold(polygon([(100, y), (220, y)]), -1.0, 3) for y in range(34, 374, 13))
        parts = [Part(strap, (band,), folds=gaps, puff=1.1, round_px=8)]
        columns = tuple(
            Stroke(polygon([(MIDDLE + s * half * 0.36, 28), (MIDDLE + s * half * 0.36, 372)]), 1.3) for s in (-1, 1)
        )
        rows = tuple(Stroke(polygon([(MIDDLE - half, y), (MIDDLE + half, y)]), 1.1) for y in range(34, 374, 13))
        parts.append(
            Part(
                Surface(cloth.toned(metal.colour, 0.45)), strokes=columns + rows, clip=(band,), puff=0, rim=0,
                opacity=0.65,
            )
        )
    else:
        edge = tuple(
            Stroke(
                curve(
                    [
                        (MIDDLE + s * half * 0.68, 32), (MIDDLE + s * (half - 5), 150),
                        (MIDDLE + s * (half - 5), 250), (MIDDLE + s * half * 0.62, 358),
                    ],
                    closed=False,
                ),
                1, (3, 2),
            )
            for s in (-1, 1)
        )
        parts.append(Part(Surface(cloth.seam(look.colour.rgb)), strokes=edge, puff=0, rim=0, opacity=0.9))
        parts.append(
            Part(
                Surface(cloth.toned(look.colour.rgb, 0.35)),
                tuple(ellipse(MIDDLE, y, 2.4, 3) for y in (300, 316, 332, 348)), puff=0,
            )
        )
        parts.append(
            Part(
                metal, (rounded(MIDDLE - half, 24, MIDDLE + half, 46, 6),),
                cuts=(rounded(MIDDLE - half * 0.72, 30, MIDDLE + half * 0.72, 40, 3),), puff=1.2, round_px=2,
                lift=0.4,
            )
        )
    face_rgb = (
        look.accent.rgb
        if look.shape["dial"] == "coloured dial"
        else (0.95, 0.94, 0.91)
        if look.shape["dial"] == "white dial"
        else (0.12, 0.13, 0.15)
    )
    y = 200.0
    lugs = tuple(rounded(MIDDLE + s * half - 6, y - r - 10, MIDDLE + s * half + 6, y + r + 10, 5) for s in (-1, 1))
    parts.append(
        Part(metal, (*lugs, rounded(MIDDLE + r - 2, y - 7, MIDDLE + r + 10, y + 7, 3)), puff=1.2, round_px=3, lift=0.4)
    )
    square = look.shape["form"] != "round"
    corner = 14 if look.shape["form"] == "square" else r * 0.62
    outer, inner = (
        (rounded(MIDDLE - q, y - q, MIDDLE + q, y + q, corner * q / r) for q in (r * 0.96, r * 0.83))
        if square
        else (ellipse(MIDDLE, y, q, q) for q in (r, r * 0.87))
    )
    parts += [
        Part(metal, (outer,), puff=1.4, round_px=5, lift=0.45),
        Part(Surface(face_rgb, gloss=0.3), (inner,), puff=-0.35, round_px=5, rim=0.25),
    ]
    ink = Surface(
        (0.13, 0.13, 0.14) if 0.3 * face_rgb[0] + 0.59 * face_rgb[1] + 0.11 * face_rgb[2] > 0.5 else (0.93, 0.92, 0.89)
    )
    marks = tuple(
        Stroke(
            polygon([
                (MIDDLE + math.sin(a) * r * 0.76, y - math.cos(a) * r * 0.76),
                (MIDDLE + math.sin(a) * r * b, y - math.cos(a) * r * b),
            ]),
            2.6 if k % 3 == 0 else 1.4,
        )
        for k in range(12)
        for a, b in [(k * math.tau / 12, 0.62 if k % 3 == 0 else 0.68)]
    )
    parts.append(Part(ink, strokes=marks, puff=0, rim=0))
    if look.shape["function"] == "chronograph":
        parts.append(
            Part(
                ink,
                tuple(
                    ellipse(MIDDLE + dx, y + dy, r * 0.19, r * 0.19)
                    for dx, dy in ((-r * 0.36, 0), (r * 0.36, 0), (0, r * 0.38))
                ),
                cuts=tuple(
                    ellipse(MIDDLE + dx, y + dy, r * 0.165, r * 0.165)
                    for dx, dy in ((-r * 0.36, 0), (r * 0.36, 0), (0, r * 0.38))
                ),
                puff=0, opacity=0.7,
            )
        )
        parts.append(
            Part(
                metal,
                tuple(
                    rounded(MIDDLE + r * 0.8, y + s * r * 0.5 - 5, MIDDLE + r + 5, y + s * r * 0.5 + 5, 3)
                    for s in (-1, 1)
                ),
                puff=1, round_px=3,
            )
        )
        parts[-1], parts[3] = parts[3], parts[-1]
    dice = look.dice("time")
    hours = 10 + dice.wobble(0.4)
    for angle, length, width in ((hours / 12 * math.tau, 0.46, 4.0), (dice.uniform(0.9, 1.3), 0.66, 2.8)):
        parts.append(
            Part(
                ink,
                strokes=(
                    Stroke(
                        polygon(
                            [(MIDDLE, y), (MIDDLE + math.sin(angle) * r * length, y - math.cos(angle) * r * length)]
                        ),
                        width,
                    ),
                ),
                puff=0.6, round_px=1.5, lift=0.35,
            )
        )
    a = dice.uniform(2.4, 4.2)
    parts.append(
        Part(
            Surface((0.78, 0.25, 0.2)), (ellipse(MIDDLE, y, 2.6, 2.6),),
            strokes=(
                Stroke(
                    polygon([
                        (MIDDLE - math.sin(a) * 9, y + math.cos(a) * 9),
                        (MIDDLE + math.sin(a) * r * 0.7, y - math.cos(a) * r * 0.7),
                    ]),
                    1.1,
                ),
            ),
            puff=0, lift=0.3,
        )
    )
    return Scene(tuple(parts), drop=0.45)
