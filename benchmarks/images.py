"""Decoding and resizing of photographs beside naive Pillow, alternating in one run."""

import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.encoders.efficientnet_lite0 import SIDE
from backend.encoders.squares import prepare_square
from benchmarks._report import spread
from benchmarks._setup import parser_for, show

# Pixels of each photograph, and how many are timed in a round.
SIZES = {"60 x 80": (60, 80, 400), "600 x 800": (600, 800, 40), "3000 x 4000": (3000, 4000, 4)}
KINDS = {
    "JPEG": ("JPEG", {"quality": 90}),
    "JPEG, progressive": ("JPEG", {"quality": 90, "progressive": True}),
    "PNG": ("PNG", {}),
    "WebP": ("WEBP", {"quality": 90, "method": 0}),
}
# What a camera adds: without it an enlarged photograph is an unusually small file, and decoded unusually fast.
NOISE = 4.0

Prepare = Callable[[bytes], NDArray[np.uint8]]


def main() -> None:
    parser = parser_for(__doc__)
    parser.add_argument("--data", type=Path, help="a catalogue with images_225x300/, whose photographs are enlarged")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    ways: dict[str, Prepare] = {"naive": naive, "ours": lambda data: prepare_square(data, SIDE)}
    table = []
    for size, (width, height, count) in SIZES.items():
        pictures = [enlarged(options.data, seed, width, height) for seed in range(4)]
        for kind, (form, settings) in KINDS.items():
            files = [encoded(picture, form, settings) for picture in pictures]
            times: dict[str, list[float]] = {name: [] for name in ways}
            for turn in range(options.rounds + 1):
                for name, prepare in list(ways.items())[:: 1 if turn % 2 else -1]:
                    milliseconds = timed(prepare, files, count)
                    # The first turn warms up.
                    times[name] += [milliseconds] if turn else []
            ratios = [slow / fast for slow, fast in zip(times["naive"], times["ours"], strict=True)]
            kilobytes = f"{np.mean([len(file) for file in files]) / 1000:.0f} kB"
            table.append([size, kind, kilobytes, spread(times["naive"]), spread(times["ours"]), spread(ratios)])
    head = ["pixels", "file", "size", "naive, ms", "ours, ms", "times faster"]
    show(f"File to {SIDE} x {SIDE} RGB, processor time of one photograph: median (least to greatest)", head, table)


def naive(data: bytes) -> NDArray[np.uint8]:
    """What a program does that opens a file with Pillow and thinks no more of it; no limits, no EXIF, no profile."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def timed(prepare: Prepare, files: list[bytes], count: int) -> float:
    """Milliseconds of this thread's processor time for one of ``count`` calls."""
    began = time.thread_time()
    for number in range(count):
        prepare(files[number % len(files)])
    return (time.thread_time() - began) / count * 1000


def enlarged(data: Path | None, seed: int, width: int, height: int) -> Image.Image:
    """A photograph of ``width`` x ``height`` pixels with noise; without ``data`` one of soft random shapes."""
    random = np.random.default_rng(seed)
    if data is None:
        small = Image.fromarray(random.integers(0, 256, (12, 9, 3), dtype=np.uint8))
    else:
        small = Image.open(sorted((data / "images_225x300").glob("*.jpg"))[seed * 50]).convert("RGB")
    large = np.asarray(small.resize((width, height), Image.Resampling.LANCZOS), dtype=np.float32)
    return Image.fromarray((large + random.normal(0, NOISE, large.shape)).clip(0, 255).astype(np.uint8))


def encoded(picture: Image.Image, kind: str, settings: dict[str, int | bool]) -> bytes:
    """The picture as a file."""
    file = io.BytesIO()
    picture.save(file, kind, **settings)
    return file.getvalue()


if __name__ == "__main__":
    main()
