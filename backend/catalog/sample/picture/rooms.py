"""Cushions, side tables and lamps."""

# Outlines are tables of points, and read as rows, not as one point a line.
# fmt: off
import math
from dataclasses import replace

from backend.catalog.sample.look import Look
from backend.catalog.sample.picture import cloth
from backend.catalog.sample.picture.geometry import (
    MIDDLE,
    closed_line,
    curve,
    ellipse,
    polygon,
    stuffed,
)
from backend.catalog.sample.picture.joinery import BRASS, legs, timber
from backend.catalog.sample.picture.part import Floor, Fold, Part, Scene, Stroke
from backend.catalog.sample.picture.surface import Surface
from backend.catalog.sample.picture.vessels import turned


def cushion(look: Look) -> Scene:
    """A cushion: square, oblong or round; piping, tassels or a plain edge."""
    body = cloth.main(look, scale=1.15)
    w, h = {"square": (106.0, 106.0), "oblong": (126.0, 78.0), "round": (108.0, 108.0)}[look.shape["form"]]
    x0, y0, x1, y1 = MIDDLE - w, 200 - h, MIDDLE + w, 200 + h
    outline = ellipse(MIDDLE, 200, w, h) if look.shape["form"] == "round" else stuffed(x0, y0, x1, y1, 9)
    dice = look.dice("folds")
    folds = []
    for sx in (-1, 1):
        for sy in (-1, 1):
            for k in range(3):
                a = math.atan2(sy * h, sx * w) + (k - 1) * 0.24 + dice.wobble(0.07)
                reach = dice.uniform(0.52, 0.72)
                line = polygon([
                    (MIDDLE + math.cos(a) * w * 1.25, 200 + math.sin(a) * h * 1.25),
                    (MIDDLE + math.cos(a) * w * reach, 200 + math.sin(a) * h * reach),
                ])
                folds.append(Fold(line, dice.choice((-0.5, -0.35, 0.4)), 7))
    parts = []
    if look.shape["edge"] == "tassels":
        for x, y in ((x0, y0), (x1, y0), (x0, y1), (x1, y1)) if look.shape["form"] != "round" else ():
            dx, dy = (1 if x > MIDDLE else -1), (1 if y > 200 else -1)
            strands = tuple(
                Stroke(
                    curve(
                        [
                            (x, y), (x + dx * (9 + 2.2 * k), y + dy * (13 - 2 * k)),
                            (x + dx * (13 + 3 * k), y + dy * (27 - 4 * k)),
                        ],
                        closed=False,
                    ),
                    2.4,
                )
                for k in range(-1, 4)
            )
            parts.append(Part(Surface(look.accent.rgb, grain="cotton"), strokes=strands, puff=1, round_px=1.5))
    if look.shape["edge"] == "ruffle":
        ruffle = (
            ellipse(MIDDLE, 200, w + 13, h + 13)
            if look.shape["form"] == "round"
            else stuffed(x0 - 13, y0 - 13, x1 + 13, y1 + 13, 10)
        )
        pleats = tuple(
            Fold(
                polygon([
                    (MIDDLE + math.cos(a) * w * 0.9, 200 + math.sin(a) * h * 0.9),
                    (MIDDLE + math.cos(a) * w * 1.7, 200 + math.sin(a) * h * 1.7),
                ]),
                0.9 if k % 2 else -0.9, 4,
            )
            for k in range(56)
            for a in [k * math.tau / 56]
        )
        parts.append(Part(replace(body, pattern="solid"), (ruffle,), folds=pleats, puff=0.7, round_px=4))
    parts.append(Part(body, (outline,), folds=tuple(folds), puff=1.15, round_px=26, rim=0.45, lift=0.25))
    if look.shape["edge"] == "piping":
        parts.append(
            Part(
                Surface(look.accent.rgb, grain="cotton"), strokes=(Stroke(closed_line(outline), 4),), puff=1.1,
                round_px=2,
            )
        )
    if look.shape["form"] == "round":
        parts.append(
            Part(replace(body, pattern="solid"), (ellipse(MIDDLE, 200, 9, 8),), puff=1.3, round_px=4, lift=0.6)
        )
    return Scene(tuple(parts), drop=0.6)


def side_table(look: Look) -> Scene:
    """A side table: three legs, four legs with a shelf, a drum or a pedestal."""
    wood = Surface(look.colour.rgb, grain="wood", gloss=0.2)
    shade = Surface(cloth.toned(look.colour.rgb, 0.85), grain="wood", gloss=0.1)
    metal = BRASS if look.shape["trim"] == "brass" else Surface((0.22, 0.22, 0.24), gloss=0.4)
    form, y = look.shape["form"], 176.0
    half = {"tripod": 92.0, "shelf": 96.0, "drum": 80.0, "pedestal": 88.0}[form]
    parts: list[Part] = []
    if form == "drum":
        parts.append(turned(wood, [(y, half), (260, half - 2), (330, half - 8)], bulge=0.16))
        parts += [turned(metal, [(at, half + 0.5), (at + 6, half)], bulge=0.16) for at in (y + 46, 296)]
    elif form == "pedestal":
        parts += [
            turned(shade, [(324, 30), (338, 54), (342, 56)], bulge=0.16),
            turned(wood, [(y, 15), (250, 10), (316, 13), (332, 26)], bulge=0.16),
        ]
    elif form == "shelf":
        parts.append(legs(shade, (MIDDLE - half + 26, MIDDLE + half - 26), y, 322, 4.5, 0))
        parts.append(Part(wood, (ellipse(MIDDLE, 284, half - 12, 17),), puff=0.8, round_px=5))
        parts.append(legs(wood, (MIDDLE - half + 8, MIDDLE + half - 8), y, 340, 5, 2))
    else:
        leg = wood if look.shape["trim"] == "plain" else metal
        parts += [
            legs(leg, (MIDDLE + 2,), y, 326, 5, 0, shade=0.8), legs(leg, (MIDDLE - 58, MIDDLE + 58), y, 344, 6, 22),
        ]
    parts.append(turned(wood if form != "drum" else shade, [(y - 4, half), (y + 6, half)], bulge=0.2))
    parts.append(Part(wood, (ellipse(MIDDLE, y - 4, half, half * 0.2),), puff=0.45, round_px=5, rim=0.15, shade=1.06))
    if look.shape["top"] == "with a book and cup":
        book = polygon([(MIDDLE - 52, y - 6), (MIDDLE + 2, y + 2), (MIDDLE + 22, y - 8), (MIDDLE - 30, y - 15)])
        parts += [
            Part(Surface(look.accent.rgb), (book,), puff=0.5, round_px=2, lift=0.5),
            turned(Surface((0.93, 0.92, 0.9), gloss=0.5), [(y - 38, 15), (y - 20, 14), (y - 10, 11)], x=MIDDLE + 44),
        ]
        parts.append(Part(Surface((0.3, 0.18, 0.1)), (ellipse(MIDDLE + 44, y - 38, 12, 1.8),), puff=0))
    return Scene(tuple(parts), floors=(Floor(MIDDLE, 338, half * 0.92, 12, 0.5),))


def table_lamp(look: Look) -> Scene:
    """A table lamp: a turned foot, a lit shade: drum, cone or dome."""
    foot = cloth.main(look)
    form = look.shape["foot"]
    base: dict[str, list[tuple[float, float]]] = {
        "bottle": [(196, 9), (222, 14), (252, 38), (300, 44), (332, 36)],
        "ball": [(212, 10), (230, 30), (268, 52), (312, 40), (332, 30)],
        "column": [(196, 8), (240, 8), (306, 9), (318, 42), (332, 46)],
        "stacked": [(200, 9), (222, 30), (240, 14), (268, 42), (292, 20), (332, 48)],
    }
    parts = [turned(foot, base[form])]
    parts.append(turned(BRASS, [(184, 5), (204, 6)]))
    return Scene(
        (*parts, *_lampshade(look, MIDDLE, 74, 192)), floors=(Floor(MIDDLE, 337, base[form][-1][1] + 18, 9, 0.55),)
    )


def _lampshade(look: Look, x: float, y0: float, y1: float) -> list[Part]:
    """A shade with its light on: the glow is brightest low in the middle."""
    form = look.shape["shade"]
    profile = {
        "drum shade": [(y0 + 8, 76.0), (y1, 80.0)], "cone shade": [(y0, 42.0), (y1, 92.0)],
        "dome shade": [(y0, 16.0), (y0 + 18, 58.0), (y0 + 62, 82.0), (y1, 88.0)],
    }[form]
    rgb = look.colour.rgb if look.kind == "floor lamp" else look.accent.rgb
    warm = (rgb[0] * 0.55 + 0.45, rgb[1] * 0.55 + 0.40, rgb[2] * 0.55 + 0.28)
    grain = "linen" if look.shape["shade"] != "dome shade" else None
    shade = turned(Surface(warm, grain=grain, gloss=0.0), profile, x=x, bulge=0.10)
    outline = shade.fills[0]
    glow = Part(
        Surface((1.0, 0.95, 0.80)), (ellipse(x, y1 - 22, 34, 26),), clip=(outline,), puff=0, rim=0, opacity=0.75,
        soft=16,
    )
    half = profile[-1][1]
    lips = tuple(
        Stroke(curve([(x - w, y), (x, y + w * 0.10), (x + w, y)], closed=False), 2.5)
        for y, w in (profile[0], (y1, half))
    )
    return [shade, glow, Part(Surface(cloth.toned(warm, 0.75)), strokes=lips, puff=0.4, rim=0, opacity=0.6)]


def floor_lamp(look: Look) -> Scene:
    """A floor lamp: tripod, slim pole or arc."""
    form = look.shape["foot"]
    stem = {
        "oak": timber("Oak"), "walnut": timber("Walnut"), "brass": BRASS,
        "black steel": Surface((0.17, 0.17, 0.19), gloss=0.5),
    }[look.shape["stem"]]
    if form == "tripod":
        parts = [
            legs(stem, (MIDDLE + 1,), 130, 356, 3.5, 8, shade=0.75),
            legs(stem, (MIDDLE - 12, MIDDLE + 13), 130, 372, 4, 56),
        ]
        floors = (Floor(MIDDLE, 368, 78, 8, 0.4),)
        head = _lampshade(look, MIDDLE, 38, 140)
    elif form == "slim pole":
        parts = [
            turned(stem, [(364, 44), (371, 46)], bulge=0.2),
            Part(stem, (ellipse(MIDDLE, 364, 44, 8),), puff=0.6, round_px=3),
            Part(
                stem, strokes=(Stroke(polygon([(MIDDLE, 364), (MIDDLE, 120)]), 5),), puff=1.3, round_px=2,
                slant=math.pi / 2,
            ),
        ]
        floors = (Floor(MIDDLE, 374, 58, 8, 0.5),)
        head = _lampshade(look, MIDDLE, 30, 132)
    else:
        pole = curve([(232, 362), (238, 200), (226, 90), (180, 34), (128, 40), (104, 74), (102, 92)], closed=False)
        parts = [
            turned(stem, [(360, 46), (371, 48)], x=232, bulge=0.2),
            Part(stem, (ellipse(232, 360, 46, 9),), puff=0.6, round_px=3),
            Part(stem, strokes=(Stroke(pole, 5),), puff=1.3, round_px=2, slant=math.pi / 2),
        ]
        floors = (Floor(232, 374, 58, 8, 0.5),)
        head = _lampshade(look, 102, 84, 164)
    return Scene((*parts, *head), floors=floors)
