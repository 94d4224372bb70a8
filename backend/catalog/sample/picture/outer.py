"""Jackets and coats."""

# Outlines are tables of points, and read as rows, not as one point a line.
# fmt: off
from dataclasses import replace

from backend.catalog.sample.look import Look
from backend.catalog.sample.picture import cloth
from backend.catalog.sample.picture.geometry import MIDDLE, Points, curve, flipped, mirrored, polygon, rounded
from backend.catalog.sample.picture.part import Fold, Part, Scene, Stroke
from backend.catalog.sample.picture.surface import Surface
from backend.catalog.sample.picture.tops import FITS, buttons
from backend.catalog.sample.picture.torso import Pattern, cuffs, torso

METAL = Surface((0.80, 0.78, 0.72), gloss=0.9)


_BASE = Pattern(neck=27, neck_y=66, depth=30, pointed=True, sleeve=200, cuff=18, drop=1.3, shoulder=78, armpit=152)


def _fitted(look: Look, p: Pattern) -> Pattern:
    """The pattern, made wider or narrower by the look's fit."""
    extra = FITS[look.shape["fit"]] * 0.6
    return replace(
        p, chest=p.chest + extra, waist=p.waist + extra, hem=p.hem + extra * 1.2, shoulder=p.shoulder + extra * 0.6,
        hem_y=p.hem_y + look.dice("measure").wobble(6),
    )


def _lapel(p: Pattern, reach: float, width: float) -> Points:
    """Right lapel, folded back from the neck down to ``reach`` px under it."""
    n, y = p.neck, p.neck_y
    return polygon([
        (MIDDLE + n - 4, y - 6), (MIDDLE + n + 10, y + 4), (MIDDLE + n + width, y + reach * 0.34),
        (MIDDLE + n + width * 0.62, y + reach * 0.42), (MIDDLE + n + width * 0.9, y + reach * 0.48),
        (MIDDLE + 3, y + reach), (MIDDLE + 1, y + p.depth),
    ])


def _opening(p: Pattern, rgb: tuple[float, float, float], x: float = MIDDLE) -> Part:
    """The edge where one front lies on the other."""
    line = polygon([(x, p.neck_y + p.depth), (x, p.hem_y + p.curved_hem - 1)])
    return Part(Surface(cloth.toned(rgb, 0.5)), strokes=(Stroke(line, 1.8),), puff=0, rim=0, opacity=0.75)


def _zip(p: Pattern, rgb: tuple[float, float, float], bottom: float) -> list[Part]:
    line = polygon([(MIDDLE, p.neck_y + p.depth - 4), (MIDDLE, bottom)])
    tag = rounded(MIDDLE - 2.5, p.neck_y + p.depth + 4, MIDDLE + 2.5, p.neck_y + p.depth + 17, 2)
    return [
        Part(Surface(cloth.toned(rgb, 0.45)), strokes=(Stroke(line, 6),), puff=0.4, round_px=2, lift=0.3),
        Part(METAL, strokes=(Stroke(line, 2.2, (1.6, 1.4)),), puff=0),
        Part(METAL, (tag,), puff=1, round_px=2, lift=0.5),
    ]


def _bomber(look: Look) -> list[Part]:
    body = cloth.main(look)
    p = _fitted(look, replace(_BASE, chest=72, waist=74, hem=68, hem_y=288, depth=24, armpit=148, cuff=17, sleeve=190))
    rib = cloth.plain(look.accent.rgb if look.shape["trim"] == "contrast" else cloth.toned(look.colour.rgb, 0.8), "rib")
    hem = curve(
        mirrored([
            (MIDDLE, p.hem_y - 3), (MIDDLE + p.hem + 1, p.hem_y - 5), (MIDDLE + p.hem + 1, p.hem_y - 5),
            (MIDDLE + p.hem - 7, p.hem_y + 22), (MIDDLE + p.hem - 7, p.hem_y + 22), (MIDDLE, p.hem_y + 24),
        ])
    )
    collar = curve(
        mirrored([
            (MIDDLE, p.neck_y - 10), (MIDDLE + 26, p.neck_y - 12), (MIDDLE + 33, p.neck_y - 2),
            (MIDDLE + 26, p.neck_y + 14), (MIDDLE + 3, p.neck_y + 30), (MIDDLE + 3, p.neck_y + 30),
            (MIDDLE, p.neck_y + 28),
        ])
    )
    hole = curve(
        mirrored([
            (MIDDLE, p.neck_y - 4), (MIDDLE + 20, p.neck_y - 4), (MIDDLE + 19, p.neck_y + 6),
            (MIDDLE + 1, p.neck_y + 24),
        ])
    )
    parts = [*torso(p, body, look.dice("folds"), bend=5), *cuffs(p, rib, 19, bend=5)]
    parts.append(Part(rib, (hem,), puff=0.9, round_px=7, lift=0.2))
    slits = tuple(Stroke(polygon([(MIDDLE + s * 44, 218), (MIDDLE + s * 30, 256)]), 4) for s in (-1, 1))
    parts.append(Part(Surface(cloth.toned(look.colour.rgb, 0.6)), strokes=slits, puff=0.8, round_px=2, lift=0.3))
    parts.append(Part(rib, (collar,), puff=0.9, round_px=6, lift=0.35))
    parts.append(Part(cloth.plain(cloth.toned(look.colour.rgb, 0.5)), (hole,), puff=-0.3, shade=0.8))
    return [*parts, *_zip(p, look.colour.rgb, p.hem_y + 23)]


def _trucker(look: Look) -> list[Part]:
    body = cloth.main(look)
    p = _fitted(look, replace(_BASE, chest=70, waist=67, hem=63, hem_y=292, depth=26, cuff=17, sleeve=186))
    thread = Surface((0.83, 0.60, 0.30) if look.material == "denim" else cloth.seam(look.colour.rgb))
    parts = [*torso(p, body, look.dice("folds"), bend=4), *cuffs(p, body, 15, bend=4)]
    band = polygon([
        (MIDDLE - p.hem - 1, p.hem_y - 4), (MIDDLE + p.hem + 1, p.hem_y - 4), (MIDDLE + p.hem - 1, p.hem_y + 13),
        (MIDDLE - p.hem + 1, p.hem_y + 13),
    ])
    parts.append(Part(body, (band,), puff=0.6, round_px=5, lift=0.25))
    yoke = curve(
        [
            (MIDDLE - p.chest + 2, 138), (MIDDLE - 30, 136), (MIDDLE, 139), (MIDDLE + 30, 136),
            (MIDDLE + p.chest - 2, 138),
        ],
        closed=False,
    )
    seams = [yoke] + [polygon([(MIDDLE + s * 22, 150), (MIDDLE + s * 14, p.hem_y - 5)]) for s in (-1, 1)]
    seams += [polygon([(MIDDLE + s * 50, 150), (MIDDLE + s * 34, p.hem_y - 5)]) for s in (-1, 1)]
    seams += [polygon([(MIDDLE + s * 9, p.neck_y + 30), (MIDDLE + s * 9, p.hem_y + 12)]) for s in (-1, 1)]
    parts.append(Part(thread, strokes=tuple(Stroke(s, 1.1, (3, 1.5)) for s in seams), puff=0, rim=0, opacity=0.9))
    for s in (-1, 1):
        flap = polygon([
            (MIDDLE + s * 19, 139), (MIDDLE + s * 54, 139), (MIDDLE + s * 54, 149), (MIDDLE + s * 36.5, 158),
            (MIDDLE + s * 19, 149),
        ])
        parts.append(Part(body, (flap,), puff=0.7, round_px=4, lift=0.5))
        parts += buttons(METAL, 151, 151, 1, x=MIDDLE + s * 36.5, r=2.4)
    leaf = polygon([
        (MIDDLE + 2, p.neck_y + 22), (MIDDLE + 24, p.neck_y - 10), (MIDDLE + 38, p.neck_y + 4),
        (MIDDLE + 33, p.neck_y + 38),
    ])
    parts.append(_opening(p, look.colour.rgb))
    parts += [
        Part(body, (flipped(leaf),), puff=0.8, round_px=5, lift=0.5),
        Part(body, (leaf,), puff=0.8, round_px=5, lift=0.5),
    ]
    return parts + buttons(METAL, p.neck_y + 44, p.hem_y + 4, 6, r=3)


def _blazer(look: Look) -> list[Part]:
    body = cloth.main(look)
    p = _fitted(
        look, replace(_BASE, chest=69, waist=62, hem=70, hem_y=318, depth=30, cuff=18, sleeve=198, curved_hem=5)
    )
    parts = torso(p, body, look.dice("folds"), lining=cloth.plain(cloth.toned(look.accent.rgb, 0.8)), bend=4)
    parts.append(_opening(p, look.colour.rgb))
    shirt = polygon(
        [(MIDDLE - p.neck + 3, p.neck_y - 6), (MIDDLE + p.neck - 3, p.neck_y - 6), (MIDDLE + 2, p.neck_y + 96)]
    )
    parts.append(Part(cloth.plain(cloth.toned(look.colour.rgb, 0.42)), (shirt,), puff=0.2))
    leaf = _lapel(p, 104, 25)
    parts += [
        Part(body, (flipped(leaf),), puff=0.6, round_px=5, lift=0.5, slant=0.25),
        Part(body, (leaf,), puff=0.6, round_px=5, lift=0.5, slant=-0.25),
    ]
    parts.append(_welt(body, 34, 56, 148, 5))
    parts += [_welt(body, 26, 60, 250, 9), _welt(body, -60, -26, 250, 9)]
    return parts + buttons(
        Surface(cloth.toned(look.colour.rgb, 0.5), gloss=0.6), p.neck_y + 118, p.neck_y + 150, 2, x=MIDDLE + 5, r=3.6
    )


def _welt(body: Surface, x0: float, x1: float, y: float, height: float) -> Part:
    outline = polygon(
        [(MIDDLE + x0, y), (MIDDLE + x1, y - 1), (MIDDLE + x1, y + height - 1), (MIDDLE + x0, y + height)]
    )
    return Part(body, (outline,), puff=0.7, round_px=3, lift=0.55)


def _puffer(look: Look) -> list[Part]:
    body = cloth.main(look)
    p = _fitted(
        look,
        replace(
            _BASE, chest=78, waist=79, hem=75, hem_y=306, depth=10, neck_y=74, shoulder=82, cuff=22, sleeve=186,
            armpit=156,
        ),
    )
    parts = torso(p, body, look.dice("folds"), bend=9)
    dice = look.dice("quilt")
    step = 25 + dice.wobble(4)
    quilted = []
    for part in parts[1:]:
        if part is parts[-1]:
            rows = [p.neck_y + 26 + step * k for k in range(9) if p.neck_y + 26 + step * k < p.hem_y - 6]
            folds = tuple(Fold(curve([(70, y), (MIDDLE, y + 3), (250, y)], closed=False), -1.0, 4) for y in rows)
        else:
            box = part.fills[0]
            x0, x1 = float(box[:, 0].min()), float(box[:, 0].max())
            rows = [p.neck_y + 40 + step * 0.9 * k for k in range(8)]
            tilt = 9 if x0 > MIDDLE else -9
            folds = tuple(Fold(polygon([(x0, y - tilt), (x1, y + tilt)]), -1.0, 4) for y in rows)
        quilted.append(replace(part, folds=folds, puff=1.1))
        seams = tuple(Stroke(fold.line, 1.1) for fold in folds)
        dark = Surface(cloth.toned(look.colour.rgb, 0.45))
        quilted.append(Part(dark, strokes=seams, clip=part.fills, puff=0, rim=0, opacity=0.45))
    collar = curve(
        mirrored([
            (MIDDLE, p.neck_y - 32), (MIDDLE + 28, p.neck_y - 30), (MIDDLE + 36, p.neck_y - 18),
            (MIDDLE + 36, p.neck_y + 4), (MIDDLE + 26, p.neck_y + 13), (MIDDLE, p.neck_y + 15),
        ])
    )
    crease = (Fold(polygon([(110, p.neck_y - 9), (210, p.neck_y - 9)]), -0.9, 4),)
    quilted.append(Part(body, (collar,), folds=crease, puff=1.1, round_px=9, lift=0.4))
    line = replace(p, depth=-22)
    return [*quilted, *_zip(line, look.colour.rgb, p.hem_y + 2)]


_JACKETS = {"bomber jacket": _bomber, "trucker jacket": _trucker, "blazer": _blazer, "puffer jacket": _puffer}


def jacket(look: Look) -> Scene:
    """A bomber, trucker or puffer jacket, or a blazer."""
    return Scene(tuple(_JACKETS[look.shape["style"]](look)), drop=0.5)


def coat(look: Look) -> Scene:
    """A long coat: lapels, one or two rows of buttons, perhaps a belt."""
    body = cloth.main(look)
    length = {"knee-length": 352.0, "long": 372.0, "short": 326.0}[look.shape["length"]]
    belted = look.shape["belt"] == "belted"
    p = _fitted(
        look,
        replace(
            _BASE, neck=26, neck_y=42, depth=26, chest=64, waist=55 if belted else 63, hem=76, hem_y=length,
            armpit=124, shoulder=70, sleeve=190, cuff=17, curved_hem=4,
        ),
    )
    parts = torso(p, body, look.dice("folds"), lining=cloth.plain(cloth.toned(look.accent.rgb, 0.8)), bend=4)
    double = look.shape["front"] == "double-breasted"
    parts.append(_opening(p, look.colour.rgb, MIDDLE - (14 if double else 0)))
    gap = polygon(
        [(MIDDLE - p.neck + 3, p.neck_y - 5), (MIDDLE + p.neck - 3, p.neck_y - 5), (MIDDLE + 1, p.neck_y + 74)]
    )
    parts.append(Part(cloth.plain(cloth.toned(look.colour.rgb, 0.42)), (gap,), puff=0.2))
    leaf = _lapel(p, 82, 30)
    parts += [
        Part(body, (flipped(leaf),), puff=0.6, round_px=5, lift=0.5, slant=0.25),
        Part(body, (leaf,), puff=0.6, round_px=5, lift=0.5, slant=-0.25),
    ]
    for s in (-1, 1):
        flap = polygon([(MIDDLE + s * 22, 236), (MIDDLE + s * 52, 232), (MIDDLE + s * 54, 245), (MIDDLE + s * 23, 249)])
        parts.append(Part(body, (flap,), puff=0.7, round_px=4, lift=0.55))
    horn = Surface(cloth.toned(look.colour.rgb, 0.45) if look.colour.lightness > 0.3 else (0.32, 0.25, 0.2), gloss=0.6)
    for x in (-17, 17) if double else (5,):
        parts += buttons(horn, p.neck_y + 92, p.neck_y + 180, 2 if belted else 3, x=MIDDLE + x, r=4)
    if belted:
        y = p.armpit + (p.hem_y - p.armpit) * 0.42
        belt = curve(
            mirrored([
                (MIDDLE, y), (MIDDLE + p.waist + 3, y - 3), (MIDDLE + p.waist + 3, y - 3),
                (MIDDLE + p.waist + 4, y + 11), (MIDDLE + p.waist + 4, y + 11), (MIDDLE, y + 15),
            ])
        )
        tail = curve([(MIDDLE - 4, y + 12), (MIDDLE - 12, y + 44), (MIDDLE - 16, y + 76)], closed=False)
        parts += [
            Part(body, strokes=(Stroke(tail, 11),), puff=0.8, round_px=4, lift=0.45),
            Part(body, (belt,), puff=0.8, round_px=5, lift=0.45),
        ]
        parts.append(Part(body, (rounded(MIDDLE - 12, y - 2, MIDDLE + 4, y + 17, 4),), puff=1, round_px=4, lift=0.5))
    return Scene(tuple(parts), drop=0.5)
