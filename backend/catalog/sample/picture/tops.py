"""T-shirts, shirts, jumpers and hoodies."""

# Outlines are tables of points, and read as rows, not as one point a line.
# fmt: off
from dataclasses import replace

from backend.catalog.sample.look import Look
from backend.catalog.sample.picture import cloth
from backend.catalog.sample.picture.geometry import MIDDLE, Points, curve, ellipse, flipped, mirrored, polygon
from backend.catalog.sample.picture.part import Part, Scene, Stroke
from backend.catalog.sample.picture.surface import Surface
from backend.catalog.sample.picture.torso import NECKLINES, Pattern, collar_band, cuffs, side_stitch, torso

FITS = {"slim": -8.0, "regular": 0.0, "relaxed": 7.0, "oversized": 14.0}


def _sized(look: Look, base: Pattern, long: bool) -> Pattern:
    extra = FITS[look.shape["fit"]]
    dice = look.dice("measure")
    sleeve, cuff, drop = base.sleeve, base.cuff, base.drop
    if long:
        sleeve, cuff, drop = 198, 15 + extra * 0.2, 1.28 + max(extra, 0) * 0.008
    return replace(
        base, chest=base.chest + extra, waist=base.waist + extra * 1.1 - (5 if extra < 0 else 0),
        hem=base.hem + extra, shoulder=base.shoulder + extra * 0.9, hem_y=base.hem_y + dice.wobble(7) + extra * 0.3,
        sleeve=sleeve + dice.wobble(4), cuff=cuff, drop=drop + dice.wobble(0.05), armpit=base.armpit + extra * 0.5,
    )


def tee(look: Look) -> Scene:
    """A T-shirt: crew, V or scoop neck; short, elbow-length or long sleeves; perhaps a chest pocket."""
    body = cloth.main(look)
    neck, depth, pointed = NECKLINES[look.shape["neck"]]
    p = _sized(look, Pattern(neck=neck, depth=depth, pointed=pointed), look.shape["sleeve"] == "long")
    if look.shape["sleeve"] == "elbow-length":
        p = replace(p, sleeve=88, cuff=23, drop=1.08)
    parts = torso(p, body, look.dice("folds"))
    trim = cloth.plain(
        look.accent.rgb if look.shape["trim"] == "contrast" else cloth.toned(look.colour.rgb, 0.9), "rib"
    )
    parts += [collar_band(p, trim, 6), side_stitch(p, cloth.seam(look.colour.rgb))]
    if look.shape["trim"] == "contrast":
        parts += cuffs(p, trim, 6)
    if look.shape["pocket"] == "chest pocket":
        parts += [pocket(body, 176, 132, 34, 38)]
    return Scene(tuple(parts), drop=0.5)


def pocket(surface: Surface, x: float, y: float, w: float, h: float, *, lift: float = 0.4) -> Part:
    """A patch pocket with a pointed lower edge."""
    outline = polygon([(x, y), (x + w, y), (x + w, y + h * 0.82), (x + w / 2, y + h), (x, y + h * 0.82)])
    return Part(surface, (outline,), puff=0.5, round_px=4, lift=lift)


def _leaf(p: Pattern, point: float) -> Points:
    """Right half of a shirt collar."""
    n = p.neck
    return curve(
        [
            (MIDDLE + 1, p.neck_y + p.depth), (MIDDLE + 1, p.neck_y + p.depth), (MIDDLE + n - 3, p.neck_y - 9),
            (MIDDLE + n - 3, p.neck_y - 9), (MIDDLE + n + 9, p.neck_y + 3), (MIDDLE + n + 9, p.neck_y + 3),
            (MIDDLE + n * 0.72, p.neck_y + p.depth + point), (MIDDLE + n * 0.72, p.neck_y + p.depth + point),
        ],
        steps=4,
    )


def buttons(surface: Surface, y0: float, y1: float, count: int, *, x: float = MIDDLE, r: float = 2.8) -> list[Part]:
    """A row of buttons with a dark dimple each."""
    ys = [y0 + (y1 - y0) * k / max(count - 1, 1) for k in range(count)]
    dark = Surface(cloth.toned(surface.colour, 0.45))
    return [
        Part(surface, tuple(ellipse(x, y, r, r) for y in ys), puff=1.3, round_px=1.5, lift=0.5),
        Part(dark, tuple(ellipse(x, y, r * 0.32, r * 0.32) for y in ys), puff=0, rim=0, opacity=0.8),
    ]


def shirt(look: Look) -> Scene:
    """A buttoned shirt or blouse with a collar, a placket and perhaps pockets."""
    body = cloth.main(look)
    long = look.shape["sleeve"] == "long"
    p = _sized(look, Pattern(neck=26, depth=20, pointed=True, hem_y=318, curved_hem=15, cuff=25), long)
    dice = look.dice("folds")
    parts = torso(p, body, dice, bend=3 if long else 0)
    edge = cloth.plain(cloth.seam(look.colour.rgb))
    if long:
        parts += cuffs(p, body, 17, bend=3, flare=1)
    top = p.neck_y + p.depth
    placket = polygon(
        [(MIDDLE - 7, top - 2), (MIDDLE + 7, top - 2), (MIDDLE + 7, p.hem_y + 12), (MIDDLE - 7, p.hem_y + 12)]
    )
    parts.append(Part(body, (placket,), puff=0.35, round_px=4, rim=0.25, lift=0.28))
    lines = [Stroke(polygon([(MIDDLE + x, top), (MIDDLE + x, p.hem_y + 11)]), 0.7) for x in (-5.2, 5.2)]
    parts.append(Part(edge, strokes=tuple(lines), puff=0, rim=0, opacity=0.35))
    light = look.colour.lightness > 0.75
    parts += buttons(Surface((0.5, 0.4, 0.3) if light else (0.93, 0.91, 0.87), gloss=0.5), top + 14, p.hem_y - 26, 6)
    if look.shape["pocket"] != "no pocket":
        parts.append(pocket(body, MIDDLE + 20, 136, 33, 37))
    if look.shape["pocket"] == "two chest pockets":
        parts.append(pocket(body, MIDDLE - 53, 136, 33, 37))
    point = {"button-down": 19, "spread": 15, "band": 0}[look.shape["collar"]]
    if point:
        leaf = _leaf(p, point)
        stand = Part(
            body,
            (
                curve(
                    mirrored([
                        (MIDDLE, p.neck_y - 3), (MIDDLE + 20, p.neck_y - 8), (MIDDLE + p.neck, p.neck_y - 8),
                        (MIDDLE + p.neck, p.neck_y + 4), (MIDDLE, p.neck_y + 9),
                    ])
                ),
            ),
            shade=0.8, puff=0.5,
        )
        parts = [
            stand, *parts, Part(body, (flipped(leaf),), puff=0.7, round_px=5, lift=0.45, slant=0.5),
            Part(body, (leaf,), puff=0.7, round_px=5, lift=0.45, slant=-0.5),
        ]
        parts += buttons(Surface((0.93, 0.91, 0.87), gloss=0.5), top + 1, top + 1, 1)
    else:
        parts.append(collar_band(p, body, 9))
    return Scene(tuple(parts), drop=0.5)


def jumper(look: Look) -> Scene:
    """A knitted jumper: crew, V or roll neck, ribbed cuffs and hem."""
    body = cloth.main(look)
    neck, depth, pointed = NECKLINES[look.shape["neck"]] if look.shape["neck"] != "roll neck" else (25.0, 12.0, False)
    p = _sized(
        look,
        Pattern(
            neck=neck, depth=depth * 0.95, pointed=pointed, hem_y=304, cuff=19, chest=72, waist=71, hem=66, shoulder=77
        ),
        True,
    )
    p = replace(p, cuff=16)
    parts = torso(p, body, look.dice("folds"), bend=5)
    rib_rgb = look.accent.rgb if look.shape["trim"] == "contrast" else cloth.toned(look.colour.rgb, 0.93)
    rib = cloth.plain(rib_rgb, "rib")
    parts += cuffs(p, rib, 22, bend=5)
    hem = curve(
        mirrored([
            (MIDDLE, p.hem_y - 3), (MIDDLE + p.hem + 1, p.hem_y - 6), (MIDDLE + p.hem + 1, p.hem_y - 6),
            (MIDDLE + p.hem - 7, p.hem_y + 20), (MIDDLE + p.hem - 7, p.hem_y + 20), (MIDDLE, p.hem_y + 23),
        ])
    )
    parts.append(Part(rib, (hem,), puff=0.9, round_px=7, lift=0.2))
    if look.shape["neck"] == "roll neck":
        roll = curve(
            mirrored([
                (MIDDLE, p.neck_y - 30), (MIDDLE + 24, p.neck_y - 28), (MIDDLE + 30, p.neck_y - 18),
                (MIDDLE + 30, p.neck_y + 2), (MIDDLE + 24, p.neck_y + 14), (MIDDLE, p.neck_y + 18),
            ])
        )
        parts.append(Part(rib, (roll,), puff=1.1, round_px=9, lift=0.4))
        mouth = ellipse(MIDDLE, p.neck_y - 26, 21, 4.5)
        parts.append(Part(cloth.plain(cloth.toned(look.colour.rgb, 0.5)), (mouth,), puff=0.3))
    else:
        parts.append(collar_band(p, rib, 10))
    return Scene(tuple(parts), drop=0.5)


def hoodie(look: Look) -> Scene:
    """A sweatshirt with a hood, drawcords, and a pouch pocket or a zip."""
    body = cloth.main(look)
    p = _sized(
        look,
        Pattern(
            neck=32, depth=34, neck_y=92, pointed=True, hem_y=318, cuff=18, chest=74, waist=73, hem=69, shoulder=78,
            armpit=166,
        ),
        True,
    )
    p = replace(p, cuff=17, sleeve=192)
    rib = cloth.plain(cloth.toned(look.colour.rgb, 0.92), "rib")
    dark = cloth.toned(look.colour.rgb, 0.55)
    lining = cloth.plain(
        look.accent.rgb if look.shape["trim"] == "contrast" else cloth.toned(look.colour.rgb, 0.7), "cotton"
    )
    hood = curve(
        mirrored(
            [(MIDDLE, 34), (MIDDLE + 28, 40), (MIDDLE + 45, 66), (MIDDLE + 46, 98), (MIDDLE + 36, 116), (MIDDLE, 128)]
        )
    )
    hole = curve(
        mirrored([(MIDDLE, 56), (MIDDLE + 17, 60), (MIDDLE + 25, 78), (MIDDLE + 22, 104), (MIDDLE, 128), (MIDDLE, 128)])
    )
    parts = [*torso(p, body, look.dice("folds"), bend=4), *cuffs(p, rib, 18, bend=4)]
    hem = curve(
        mirrored([
            (MIDDLE, p.hem_y - 3), (MIDDLE + p.hem + 1, p.hem_y - 5), (MIDDLE + p.hem + 1, p.hem_y - 5),
            (MIDDLE + p.hem - 6, p.hem_y + 17), (MIDDLE + p.hem - 6, p.hem_y + 17), (MIDDLE, p.hem_y + 19),
        ])
    )
    parts.append(Part(rib, (hem,), puff=0.9, round_px=7, lift=0.2))
    pouch = polygon([
        (MIDDLE - 34, 232), (MIDDLE + 34, 232), (MIDDLE + 54, 274), (MIDDLE + 54, p.hem_y - 6),
        (MIDDLE - 54, p.hem_y - 6), (MIDDLE - 54, 274),
    ])
    cut = (
        (polygon([(MIDDLE - 2, 200), (MIDDLE + 2, 200), (MIDDLE + 2, 330), (MIDDLE - 2, 330)]),)
        if look.shape["front"] == "zip"
        else ()
    )
    parts.append(Part(body, (pouch,), cuts=cut, puff=0.6, round_px=5, lift=0.4))
    parts.append(Part(body, (hood,), puff=1.0, round_px=12, lift=0.45))
    parts.append(Part(lining, (hole,), puff=-0.5, round_px=10, shade=0.72, rim=0.5))
    if look.shape["front"] == "zip":
        teeth = polygon([(MIDDLE, 128), (MIDDLE, p.hem_y + 17)])
        parts.append(Part(Surface(dark), strokes=(Stroke(teeth, 5),), puff=0.5, round_px=2, lift=0.3))
        parts.append(Part(Surface((0.8, 0.8, 0.8), gloss=0.6), strokes=(Stroke(teeth, 1.6, (1.5, 1.5)),), puff=0))
    cord = Surface(look.accent.rgb if look.shape["trim"] == "contrast" else cloth.toned(look.colour.rgb, 1.35))
    for side, length in ((-1, 58), (1, 52)):
        line = curve(
            [(MIDDLE + side * 13, 120), (MIDDLE + side * 15, 140), (MIDDLE + side * 14, 122 + length)], closed=False
        )
        parts.append(Part(cord, strokes=(Stroke(line, 3),), puff=1.2, round_px=1.4, lift=0.5))
    return Scene(tuple(parts), drop=0.5)
