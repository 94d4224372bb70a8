"""Trainers, boots and heels: seen from the side, the toe to the left, one a little behind the other."""

# Outlines are tables of points, and read as rows, not as one point a line.
# fmt: off
import numpy as np

from backend.catalog.sample.look import Look
from backend.catalog.sample.picture import cloth
from backend.catalog.sample.picture.geometry import curve, ellipse, polygon, rounded
from backend.catalog.sample.picture.part import Floor, Fold, Part, Scene, Stroke, mapped, moved, shaded
from backend.catalog.sample.picture.surface import Surface

GROUND = 298.0
RUBBER = (0.93, 0.92, 0.89)


def _pair(parts: list[Part], dx: float, dy: float) -> Scene:
    """The shoe, and its twin behind it."""
    twin = [shaded(moved(part, dx, dy), 0.93) for part in parts]
    floors = (Floor(160, GROUND + 2, 116, 11, 0.6), Floor(160 + dx, GROUND + 2 + dy, 112, 9, 0.4))
    return Scene((*twin, *parts), floors=floors)


def _laces(
    pairs: list[tuple[float, float, float, float]], colour: tuple[float, float, float], width: float = 4.5
) -> Part:
    lines = tuple(
        Stroke(curve([(a, b), ((a + c) / 2 - 2, (b + d) / 2 - 4), (c, d)], closed=False), width) for a, b, c, d in pairs
    )
    return Part(Surface(colour, grain="cotton"), strokes=lines, puff=1.1, round_px=2, lift=0.5)


def trainers(look: Look) -> Scene:
    """Trainers: low or high, a flat or a chunky sole, with a stripe or panels in the accent colour."""
    body = cloth.main(look)
    high = 62.0 if look.shape["height"] == "high-top" else 0.0
    thick = {"flat": 22.0, "chunky": 36.0, "wedge": 28.0}[look.shape["sole"]]
    base = GROUND - thick
    accent = Surface(look.accent.rgb, grain="suede")
    rubber = Surface(RUBBER if look.shape["trim"] == "plain" else cloth.toned(look.accent.rgb, 1.1), gloss=0.1)
    heel = base + (4 if look.shape["sole"] != "wedge" else -8)
    upper = curve([
        (50, base + 4), (46, base - 14), (62, base - 33), (96, base - 45), (140, base - 62),
        (178, base - 98 - high * 0.86), (192, base - 112 - high), (206, base - 112 - high),
        (216, base - 94 - high * 0.9), (236, base - 86 - high * 0.95), (256, base - 98 - high),
        (264, base - 96 - high), (266, base - 52), (272, base - 20), (270, heel + 4), (270, heel + 4),
    ])
    sole = curve([
        (40, base + 2), (36, base + thick * 0.55), (44, GROUND - 3), (70, GROUND), (250, GROUND),
        (274, GROUND - 4), (280, base + thick * 0.4), (275, heel - 3), (220, base - 1), (150, base + 2),
        (90, base), (52, base - 7),
    ])
    toe = curve([
        (47, base - 10), (62, base - 34), (92, base - 45), (104, base - 22), (104, base + 5), (104, base + 5),
        (50, base + 5),
    ])
    tab = curve([
        (246, base - 92 - high), (264, base - 97 - high), (264, base - 97 - high), (267, base - 50),
        (273, base + 4), (273, base + 4), (236, base + 4), (236, base + 4), (240, base - 46),
    ])
    stay = curve([
        (112, base - 44), (140, base - 64), (178, base - 98 - high * 0.86), (196, base - 94 - high * 0.8),
        (170, base - 58 - high * 0.4), (140, base - 32),
    ])
    inside = curve([
        (190, base - 108 - high), (206, base - 113 - high), (236, base - 94 - high), (262, base - 98 - high),
        (250, base - 84 - high), (226, base - 80 - high * 0.95), (206, base - 92 - high),
    ])
    tongue = curve([
        (150, base - 72), (178, base - 116 - high), (196, base - 126 - high), (208, base - 118 - high),
        (200, base - 90 - high * 0.7),
    ])
    wrinkles = (
        Fold(curve([(104, base - 44), (120, base - 26), (122, base - 6)], closed=False), -0.5, 4),
        Fold(curve([(118, base - 48), (134, base - 30)], closed=False), -0.4, 4),
    )
    parts = [
        Part(Surface(cloth.toned(look.accent.rgb, 0.85), grain="cotton"), (tongue,), puff=0.9, round_px=5),
        Part(Surface(cloth.toned(look.colour.rgb, 0.55), grain="cotton"), (inside,), puff=0.3, shade=0.8),
        Part(body, (upper,), cuts=(inside,), folds=wrinkles, puff=1.0, round_px=14),
    ]
    dark = Surface(cloth.toned(look.colour.rgb, 0.86), grain="suede")
    parts += [
        Part(accent if look.shape["trim"] != "plain" else dark, (tab,), puff=0.8, round_px=7, lift=0.3),
        Part(dark, (toe,), puff=1.0, round_px=9, lift=0.25), Part(dark, (stay,), puff=0.8, round_px=5, lift=0.35),
    ]
    if look.shape["side"] == "side stripe":
        stripe = curve(
            [(126, base - 18), (176, base - 28), (222, base - 62), (234, base - 62), (196, base - 16), (150, base - 4)]
        )
        parts.append(Part(accent, (stripe,), puff=0.7, round_px=4, lift=0.35))
    elif look.shape["side"] == "two bars":
        for x in (164, 188):
            parts.append(
                Part(
                    accent, (polygon([(x, base - 48), (x + 14, base - 52), (x + 2, base), (x - 12, base)]),),
                    puff=0.6, round_px=3, lift=0.3,
                )
            )
    rows = 4 + (3 if high else 0)
    steps = [(128 + (190 - 128) * k / rows, base - 42 - (52 + high * 0.8) * k / rows) for k in range(rows)]
    parts.append(
        _laces([(x, y, x + 15, y - 19) for x, y in steps], RUBBER if look.colour.lightness < 0.7 else look.accent.rgb)
    )
    # Drawn tall for the sake of round numbers, then brought to a shoe's proportions.
    flat = 0.76 if not high else 0.84
    parts = [
        mapped(part, lambda points: (points - np.array([0, base])) * np.array([1, flat]) + np.array([0, base]))
        for part in parts
    ]
    line = Surface(cloth.toned(rubber.colour, 0.7))
    groove = curve(
        [(38, base + thick * 0.5), (90, base + thick * 0.52), (200, base + thick * 0.5), (277, base + thick * 0.42)],
        closed=False,
    )
    parts.append(Part(rubber, (sole,), puff=1.0, round_px=6, lift=0.3))
    parts.append(Part(line, strokes=(Stroke(groove, 1.5),), puff=0, rim=0, opacity=0.8))
    if look.shape["sole"] == "chunky":
        teeth = tuple(
            polygon([(x, GROUND + 2), (x + 3, GROUND - 8), (x + 7, GROUND - 8), (x + 10, GROUND + 2)])
            for x in range(62, 262, 22)
        )
        parts.append(Part(Surface(cloth.toned(rubber.colour, 0.45)), teeth, puff=0, rim=0, opacity=0.8))
    return _pair(parts, 20, -22)


def boots(look: Look) -> Scene:
    """Boots: Chelsea with elastic sides, laced, or with a zip; ankle or calf high; a flat or a block heel."""
    body = cloth.main(look)
    top = {"ankle": 148.0, "mid-calf": 98.0}[look.shape["height"]]
    raised = {"flat": 14.0, "block heel": 36.0, "lug sole": 22.0}[look.shape["sole"]]
    heel_y = GROUND - raised
    front = GROUND - (10 if raised != 22 else 20)
    upper = curve([
        (48, front + 2), (44, front - 14), (62, front - 32), (102, front - 44), (140, front - 70),
        (156, front - 110), (156, top), (156, top), (200, top - 5), (244, top), (244, top), (242, heel_y - 76),
        (250, heel_y - 34), (248, heel_y + 3), (248, heel_y + 3), (190, (front + heel_y * 2) / 3 + 4),
        (150, (front * 2 + heel_y) / 3 + 5), (100, front + 5),
    ])
    mouth = ellipse(200, top + 1, 43, 7)
    sole_rgb = (0.20, 0.17, 0.15) if look.shape["sole"] != "flat" else (0.35, 0.24, 0.16)
    sole = curve([
        (40, front), (38, GROUND - 3), (52, GROUND), (150, GROUND), (164, GROUND - 2), (190, heel_y + 7),
        (251, heel_y + 8), (251, heel_y + 8), (251, heel_y - 1), (251, heel_y - 1),
        (190, (front + heel_y * 2) / 3 - 1), (150, (front * 2 + heel_y) / 3), (100, front), (52, front - 5),
    ])
    block = polygon([(198, heel_y + 2), (250, heel_y + 2), (247, GROUND), (204, GROUND)])
    folds = (
        Fold(curve([(112, front - 46), (136, front - 30), (150, front - 8)], closed=False), -0.6, 5),
        Fold(curve([(150, front - 92), (190, front - 80), (232, front - 88)], closed=False), -0.45, 6),
        Fold(curve([(158, front - 116), (196, front - 108), (240, front - 118)], closed=False), 0.35, 6),
    )
    edge = Surface(cloth.seam(look.colour.rgb))
    rubber = Surface(sole_rgb, gloss=0.15)
    parts = [
        Part(rubber, (block,), puff=0.8, round_px=4), Part(body, (upper,), folds=folds, puff=1.0, round_px=15),
        Part(Surface(cloth.toned(look.colour.rgb, 0.4)), (mouth,), puff=-0.3, round_px=4),
    ]
    if look.shape["closure"] == "elastic sides":
        panel = curve([
            (184, top + 4), (184, top + 4), (216, top + 4), (216, top + 4), (212, top + 50), (206, front - 74),
            (194, front - 74), (187, top + 50),
        ])
        parts.append(
            Part(
                Surface(
                    cloth.toned(look.accent.rgb, 0.8)
                    if look.shape["trim"] == "contrast"
                    else cloth.toned(look.colour.rgb, 0.55), grain="rib",
                ),
                (panel,), puff=0.5, round_px=4,
            )
        )
        loop = rounded(226, top - 22, 240, top + 12, 6)
        parts.insert(1, Part(body, (loop,), cuts=(rounded(230, top - 17, 236, top + 2, 3),), puff=0.8, round_px=2))
    elif look.shape["closure"] == "laced":
        rows = 5 if top > 120 else 7
        span = front - 66 - (top + 14)
        stay = curve([
            (122, front - 54), (150, front - 92), (152, top + 2), (152, top + 2), (176, top + 2), (176, top + 2),
            (174, front - 88), (144, front - 40),
        ])
        parts.append(
            Part(
                Surface(cloth.toned(look.colour.rgb, 0.82), grain=body.grain, gloss=body.gloss), (stay,), puff=0.7,
                round_px=5, lift=0.3,
            )
        )
        at = [(156 - max(0, 3 - k) * 6.0, front - 62 - span * k / rows) for k in range(rows)]
        parts.append(
            _laces(
                [(x - 4, y, x + 17, y - 8) for x, y in at],
                look.accent.rgb if look.shape["trim"] == "contrast" else (0.75, 0.68, 0.55), 3.8,
            )
        )
    else:
        parts.append(
            Part(
                Surface((0.78, 0.70, 0.50), gloss=0.9),
                strokes=(Stroke(polygon([(206, top + 4), (206, front - 34)]), 2.4, (1.8, 1.4)),), puff=0, lift=0.4,
            )
        )
    seams = (
        Stroke(curve([(98, front - 40), (112, front - 14), (110, front + 2)], closed=False), 1),
        Stroke(curve([(204, front - 36), (214, heel_y - 18), (212, heel_y)], closed=False), 1),
    )
    parts.append(Part(edge, strokes=seams, puff=0, rim=0, opacity=0.55))
    parts.append(Part(rubber, (sole,), puff=0.9, round_px=4, lift=0.2))
    if look.shape["sole"] == "lug sole":
        teeth = tuple(
            polygon([(x, GROUND + 2), (x + 2, GROUND - 6), (x + 7, GROUND - 6), (x + 9, GROUND + 2)])
            for x in range(56, 150, 17)
        )
        parts.append(Part(Surface((0.75, 0.74, 0.72)), teeth, puff=0, rim=0, opacity=0.75))
        welt = curve(
            [(42, front - 1), (110, front + 4), (180, (front + heel_y) / 2 + 1), (248, heel_y + 2)], closed=False
        )
        parts.append(Part(Surface((0.85, 0.65, 0.25)), strokes=(Stroke(welt, 1.4, (3, 2)),), puff=0, rim=0))
    return _pair(parts, 26, -20)


def heels(look: Look) -> Scene:
    """Court shoes: heel height and form, a pointed or round toe, perhaps an ankle strap or a bow."""
    body = cloth.main(look)
    h = {"low": 34.0, "mid": 58.0, "high": 88.0}[look.shape["height"]]
    g = GROUND
    tip = 36.0 if look.shape["toe"] == "pointed toe" else 50.0
    snub = 0.0 if tip < 40 else 9.0
    seat = g - h
    upper = curve([
        (tip, g - 3), (tip + 2, g - 12 - snub), (tip + 34, g - 27 - snub * 0.7), (118, g - 46 - h * 0.10),
        (118, g - 46 - h * 0.10), (150, g - 27 - h * 0.42), (196, seat - 22 + h * 0.08), (240, seat - 42),
        (262, seat - 56), (268, seat - 54), (271, seat - 26), (267, seat + 2), (267, seat + 2), (236, seat + 5),
        (190, g - 2 - h * 0.62), (150, g - 2 - h * 0.20), (112, g), (60, g),
    ])
    inside = curve([
        (118, g - 46 - h * 0.10), (118, g - 46 - h * 0.10), (158, g - 38 - h * 0.45), (206, seat - 32),
        (246, seat - 51), (263, seat - 57), (240, seat - 40), (196, seat - 20 + h * 0.08),
        (150, g - 25 - h * 0.42),
    ])
    bottom = {"stiletto": (257.0, 264.0), "block": (236.0, 267.0), "kitten": (250.0, 264.0)}[look.shape["heel"]]
    heel = curve([
        (228, seat + 1), (228, seat + 1), (267, seat - 2), (267, seat - 2),
        ((bottom[1] + 268) / 2, seat + h * 0.4), (bottom[1], g), (bottom[1], g), (bottom[0], g), (bottom[0], g),
        ((bottom[0] * 2 + 232) / 3, seat + h * 0.45),
    ])
    sole = curve([
        (tip + 2, g - 2), (60, g + 1), (112, g + 2), (150, g + 1 - h * 0.20), (190, g + 1 - h * 0.62),
        (236, seat + 7), (236, seat + 3), (190, g - 4 - h * 0.62), (150, g - 3 - h * 0.20), (112, g - 1),
    ])
    parts = [
        Part(Surface((0.80, 0.69, 0.55)), (inside,), puff=0.2, shade=0.85), Part(body, (heel,), puff=1.0, round_px=4),
        Part(body, (upper,), puff=1.1, round_px=13, lift=0.2),
        Part(Surface((0.42, 0.29, 0.20)), (sole,), puff=0.4, round_px=2),
    ]
    if look.shape["strap"] == "ankle strap":
        y = seat - 78
        strap = curve(
            [(264, seat - 50), (266, y + 4), (232, y - 6), (198, y + 4), (206, y + 16), (240, y + 12), (264, y + 6)],
            closed=False,
        )
        parts.append(Part(body, strokes=(Stroke(strap, 5.5),), puff=1.0, round_px=3, lift=0.3))
        parts.append(
            Part(
                Surface((0.83, 0.70, 0.38), gloss=0.9), (rounded(214, y + 8, 225, y + 21, 2),),
                cuts=(rounded(217, y + 11, 222, y + 18, 1),), puff=0.8, round_px=1.5,
            )
        )
    elif look.shape["strap"] == "bow":
        x, y = 106.0, g - 44 - h * 0.09
        wings = (curve([(x, y), (x - 22, y - 15), (x - 26, y + 5)]), curve([(x, y), (x + 21, y - 17), (x + 26, y + 2)]))
        parts += [
            Part(body, wings, puff=1.0, round_px=4, lift=0.5),
            Part(body, (ellipse(x, y, 5, 6),), puff=1.0, round_px=3, lift=0.4),
        ]
    return _pair(parts, 24, -20)
