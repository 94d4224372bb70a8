"""The renderer: a scene and a shot in, a JPEG out."""

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from backend.catalog.sample.picture import shading
from backend.catalog.sample.picture.backdrop import backdrop
from backend.catalog.sample.picture.geometry import HEIGHT, WIDTH, Points
from backend.catalog.sample.picture.part import Floor, Part, Scene, Shot, Stroke

Array = NDArray[np.float32]
Field = NDArray[np.float64]
F = np.float32

OVERSAMPLE = 3
CELL = 4  # px of the coarse grid; boxes are aligned to it
JPEG_QUALITY = 88


@dataclass(frozen=True, slots=True)
class _Cutout:
    """A part's coverage, 0-1, in its box; ``coarse`` is the same on the grid of ``cell`` px."""

    x: int
    y: int
    alpha: Array
    coarse: Field
    cell: int


def _dashes(line: list[tuple[float, float]], drawn: float, gap: float) -> list[list[tuple[float, float]]]:
    """Cut a polyline into dashes."""
    p = np.array(line)
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(p, axis=0).T))])
    pieces = []
    for start in np.arange(0.0, float(run[-1]), drawn + gap):
        at = np.linspace(start, min(start + drawn, float(run[-1])), 3)
        pieces.append(
            list(zip(np.interp(at, run, p[:, 0]).tolist(), np.interp(at, run, p[:, 1]).tolist(), strict=True))
        )
    return pieces


class _Stencil:
    """Draws outlines, oversampled, into one part's box."""

    def __init__(self, part: Part, shot: Shot) -> None:
        self.matrix = shot.matrix
        self.scale = shot.scale
        pieces = [self.place(f) for f in part.fills]
        pieces += [np.concatenate([q - s.width, q + s.width]) for s in part.strokes for q in [self.place(s.line)]]
        margin = 2 + 2.5 * part.soft
        low = np.min([p.min(axis=0) for p in pieces], axis=0) - margin
        high = np.max([p.max(axis=0) for p in pieces], axis=0) + margin
        self.x0, self.y0 = (max(0, int(v) // CELL * CELL) for v in low)
        self.x1 = min(WIDTH, math.ceil(high[0] / CELL) * CELL)
        self.y1 = min(HEIGHT, math.ceil(high[1] / CELL) * CELL)

    def place(self, points: Points) -> Points:
        placed: Points = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        return placed

    def local(self, points: Points, factor: float = 1.0) -> list[tuple[float, float]]:
        q = (self.place(points) - (self.x0, self.y0)) * factor
        return list(map(tuple, q.tolist()))

    def image(self, fills: tuple[Points, ...], strokes: tuple[Stroke, ...], cuts: tuple[Points, ...]) -> Image.Image:
        k = OVERSAMPLE
        image = Image.new("L", ((self.x1 - self.x0) * k, (self.y1 - self.y0) * k))
        draw = ImageDraw.Draw(image)
        for fill in fills:
            draw.polygon(self.local(fill, k), fill=255)
        for stroke in strokes:
            self._stroke(draw, stroke)
        for cut in cuts:
            draw.polygon(self.local(cut, k), fill=0)
        return image.reduce(k)

    def _stroke(self, draw: ImageDraw.ImageDraw, stroke: Stroke) -> None:
        line = self.local(stroke.line, OVERSAMPLE)
        width = max(1, round(stroke.width * OVERSAMPLE * self.scale))
        if stroke.dash:
            for piece in _dashes(line, stroke.dash[0] * OVERSAMPLE, stroke.dash[1] * OVERSAMPLE):
                draw.line(piece, fill=255, width=width)
            return
        draw.line(line, fill=255, width=width, joint="curve")
        r = width / 2
        for x, y in (line[0], line[-1]):
            draw.ellipse((x - r, y - r, x + r, y + r), fill=255)


def _cut(part: Part, stencil: _Stencil, shot: Shot) -> _Cutout:
    mask = stencil.image(part.fills, part.strokes, part.cuts)
    if part.soft:
        mask = mask.filter(ImageFilter.GaussianBlur(part.soft * shot.scale))
    if part.clip:
        mask = ImageChops.multiply(mask, stencil.image(part.clip, (), ()))
    alpha = np.asarray(mask, dtype=np.float32) * F(part.opacity / 255)
    cell = CELL if min(mask.size) > 48 and part.turned is None else 2
    coarse = np.asarray(mask.reduce(cell), dtype=np.float64) / 255
    return _Cutout(stencil.x0, stencil.y0, alpha, coarse, cell)


def _light(part: Part, cutout: _Cutout, stencil: _Stencil) -> Array:
    height, width = cutout.alpha.shape
    if part.turned is None:
        field = shading.stuffed(part, cutout.coarse, cutout.cell, [stencil.local(f.line) for f in part.folds])
    else:
        rows, columns = cutout.coarse.shape
        m = stencil.matrix
        xs = (cutout.x + (np.arange(columns) + 0.5) * cutout.cell - m[0, 2]) / m[0, 0]
        ys = (cutout.y + (np.arange(rows) + 0.5) * cutout.cell - m[1, 2]) / m[1, 1]
        field = shading.turned(part.turned, part.surface.gloss, xs, ys, mirror=bool(m[0, 0] < 0))
    return shading.enlarge(field * part.shade, width, height)


def _coordinates(cutout: _Cutout, shot: Shot, slant: float) -> tuple[Array, Array]:
    """Design coordinates of the box's pixels, (h, w) each, turned by ``slant`` radians.

    1024 px (a multiple of a tile) are added, so that none is negative.
    """
    c, s = math.cos(slant), math.sin(slant)
    m = np.array([[c, s], [-s, c]]) @ np.linalg.inv(shot.matrix[:, :2])
    offset = -m @ shot.matrix[:, 2] + 1024
    height, width = cutout.alpha.shape
    x = np.arange(cutout.x, cutout.x + width, dtype=np.float32)[None, :]
    y = np.arange(cutout.y, cutout.y + height, dtype=np.float32)[:, None]
    u = x * F(m[0, 0]) + (y * F(m[0, 1]) + F(offset[0]))
    v = x * F(m[1, 0]) + (y * F(m[1, 1]) + F(offset[1]))
    return u, v


def _throw(canvas: Array, cutout: _Cutout, strength: float) -> None:
    """The soft shadow that a part throws on those under it: a little right and down."""
    pad = 3
    rows, columns = cutout.coarse.shape[0] + 2 * pad, cutout.coarse.shape[1] + 2 * pad
    field = np.zeros((rows, columns))
    field[pad:-pad, pad:-pad] = cutout.coarse
    field = shading.blur(field, 3.4 / cutout.cell)
    dark = shading.enlarge(field * strength, columns * cutout.cell, rows * cutout.cell)
    x, y = cutout.x - pad * cutout.cell + 2, cutout.y - pad * cutout.cell + 3
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + dark.shape[1], WIDTH), min(y + dark.shape[0], HEIGHT)
    canvas[:, y0:y1, x0:x1] *= F(1) - dark[y0 - y : y1 - y, x0 - x : x1 - x]


def _paint(canvas: Array, part: Part, cutout: _Cutout, stencil: _Stencil, shot: Shot) -> None:
    if part.lift:
        _throw(canvas, cutout, part.lift)
    surface = part.surface
    light = _light(part, cutout, stencil)
    plain = surface.pattern == "solid" and surface.grain is None
    u, v = (light, light) if plain else _coordinates(cutout, shot, part.slant)
    colour = surface.albedo(u, v)
    grain = surface.relief(u, v)
    lit = light if grain is None else light * grain
    rgb = colour * lit
    # What shines is white, whatever the colour under it; cloth keeps a little of it, so that black is not flat.
    rgb += np.maximum(light - F(1), F(0)) * F(0.10 + 0.55 * surface.gloss)
    height, width = cutout.alpha.shape
    view = canvas[:, cutout.y : cutout.y + height, cutout.x : cutout.x + width]
    view += (rgb - view) * cutout.alpha


def _drop(canvas: Array, cutouts: list[_Cutout], strength: float) -> None:
    """The whole product's shadow on the wall behind it."""
    union = np.zeros((HEIGHT // CELL, WIDTH // CELL))
    for cutout in cutouts:
        k = CELL // cutout.cell
        field = cutout.coarse
        field = field[: field.shape[0] // k * k, : field.shape[1] // k * k]
        field = field.reshape(field.shape[0] // k, k, field.shape[1] // k, k).mean(axis=(1, 3))
        y, x = cutout.y // CELL, cutout.x // CELL
        view = union[y : y + field.shape[0], x : x + field.shape[1]]
        np.maximum(view, field, out=view)
    far, near = np.zeros_like(union), np.zeros_like(union)
    far[4:, 2:] = shading.blur(union, 4.2)[:-4, :-2]
    near[1:, 1:] = shading.blur(union, 1.4)[:-1, :-1]
    canvas *= F(1) - shading.enlarge((0.62 * far + 0.38 * near) * strength, WIDTH, HEIGHT)


def _ground(canvas: Array, floors: tuple[Floor, ...], shot: Shot) -> None:
    """Contact shadows on the floor: a wide faint one and a narrow dark one each."""
    y, x = np.mgrid[0 : HEIGHT // CELL, 0 : WIDTH // CELL] * float(CELL) + CELL / 2
    dark = np.zeros_like(x)
    for floor in floors:
        cx, cy = shot.matrix @ np.array([floor.x, floor.y, 1.0])
        rx, ry = floor.rx * shot.scale, floor.ry * shot.scale
        d = ((x - cx - 5) / rx) ** 2 + ((y - cy) / ry) ** 2
        soft = ((x - cx - 14) / (rx * 1.25)) ** 2 + ((y - cy - 2) / (ry * 2.4)) ** 2
        dark = np.maximum(dark, floor.strength * (0.62 * np.exp(-(d**2) * 0.8) + 0.38 * np.exp(-soft)))
    canvas *= F(1) - shading.enlarge(np.clip(dark, 0, 0.9), WIDTH, HEIGHT)


def render(scene: Scene, shot: Shot) -> Image.Image:
    """The picture, RGB, 320x400 px."""
    canvas = backdrop(shot.backdrop, floor=bool(scene.floors)).copy()
    stencils = [_Stencil(part, shot) for part in scene.parts]
    cutouts = [_cut(part, stencil, shot) for part, stencil in zip(scene.parts, stencils, strict=True)]
    if scene.drop:
        _drop(canvas, cutouts, scene.drop)
    if scene.floors:
        _ground(canvas, scene.floors, shot)
    for part, cutout, stencil in zip(scene.parts, cutouts, stencils, strict=True):
        _paint(canvas, part, cutout, stencil, shot)
    np.clip(canvas * F(255) + F(0.5), 0, 255, out=canvas)
    return Image.merge("RGB", [Image.fromarray(plane) for plane in canvas.astype(np.uint8)])


def jpeg(image: Image.Image) -> bytes:
    """The picture as a baseline JPEG."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()
