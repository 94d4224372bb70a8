"""The sample catalogue's pictures: form, variety, and sameness from run to run."""

import io
import os
import subprocess
import sys
from collections import defaultdict

import numpy as np
import pytest
from PIL import Image

from backend.catalog.sample import SampleProduct, generate
from backend.catalog.sample.family import families
from backend.catalog.sample.kind import Kind
from backend.catalog.sample.kinds import KINDS
from backend.catalog.sample.look import Look
from backend.catalog.sample.palette import COLOURS
from backend.catalog.sample.picture import studio
from backend.catalog.sample.picture.part import Shot

COUNT = 90
_DIGEST = """
import hashlib
from backend.catalog.sample import generate
digest = hashlib.sha256()
for product in generate(seed=11, products=25):
    digest.update(repr(product).encode())
print(digest.hexdigest())
"""


@pytest.fixture(scope="module")
def products() -> list[SampleProduct]:
    return list(generate(products=COUNT))


def test_pictures_are_jpegs_of_320_by_400(products: list[SampleProduct]) -> None:
    for product in products:
        if product.image is None:
            continue
        image = Image.open(io.BytesIO(product.image))
        image.load()
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (320, 400))
        assert len(product.image) < 60_000


def test_no_two_pictures_of_a_category_are_alike(products: list[SampleProduct]) -> None:
    by_category = defaultdict(list)
    for product in products:
        if product.image is not None:
            by_category[product.category].append(product.image)
    assert max(map(len, by_category.values())) > 2
    for images in by_category.values():
        assert len(set(images)) == len(images)


def test_the_product_stands_out_from_the_backdrop(products: list[SampleProduct]) -> None:
    for product in products:
        if product.image is None:
            continue
        pixels = np.asarray(Image.open(io.BytesIO(product.image)), dtype=np.float64)
        backdrop = np.median(pixels[:12].reshape(-1, 3), axis=0)
        differs = np.abs(pixels - backdrop).max(axis=2) > 30
        assert 0.03 < differs.mean() < 0.85, product.title


def test_the_product_is_not_cut_off_by_the_edge(products: list[SampleProduct]) -> None:
    for product in products:
        if product.image is None:
            continue
        pixels = np.asarray(Image.open(io.BytesIO(product.image)), dtype=np.float64)
        for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
            assert np.abs(edge - np.median(edge, axis=0)).max() < 60, product.title


def _draw(name: str, kind: Kind, shape: dict[str, str]) -> np.ndarray:
    material = next(iter(kind.materials))
    look = Look(name, COLOURS["Teal"], COLOURS["Butter"], "solid", material, "test", shape)
    return np.asarray(studio.render(kind.painter(look), Shot()))


@pytest.mark.parametrize("name", list(KINDS))
def test_every_choice_of_shape_can_be_drawn(name: str) -> None:
    """Each choice at least once, the others at their first."""
    kind = KINDS[name]
    first = {part: next(iter(choices)) for part, choices in kind.shapes.items()}
    for part, choices in kind.shapes.items():
        for choice in choices:
            assert _draw(name, kind, {**first, part: choice}).shape == (400, 320, 3)


@pytest.mark.parametrize("name", list(KINDS))
def test_every_material_and_pattern_of_a_kind_can_be_painted(name: str) -> None:
    kind = KINDS[name]
    shape = {part: next(iter(choices)) for part, choices in kind.shapes.items()}

    def paint(pattern: str, material: str) -> bytes:
        look = Look(name, COLOURS["Teal"], COLOURS["Butter"], pattern, material, "test", shape)
        return studio.render(kind.painter(look), Shot()).tobytes()

    plain = {material: paint("solid", material) for material in kind.materials}
    for pattern in kind.patterns:
        # A watch shows its pattern on a fabric strap only.
        assert pattern == "solid" or any(paint(pattern, material) != plain[material] for material in plain), pattern


def test_the_colour_in_words_is_the_colour_in_the_picture() -> None:
    tee = KINDS["tee"]
    shape = {part: next(iter(choices)) for part, choices in tee.shapes.items()}
    for colour in (COLOURS["Scarlet"], COLOURS["Forest"], COLOURS["Cobalt"], COLOURS["Black"], COLOURS["Ivory"]):
        look = Look("tee", colour, COLOURS["White"], "solid", "cotton", "test", shape)
        chest = np.asarray(studio.render(tee.painter(look), Shot()))[180:260, 130:190].reshape(-1, 3).mean(axis=0)
        assert np.abs(chest / 255 - np.array(colour.rgb)).max() < 0.09, colour.name


def test_a_shorter_run_is_the_beginning_of_a_longer_one(products: list[SampleProduct]) -> None:
    assert list(generate(products=12)) == products[:12]


def test_another_seed_gives_other_products() -> None:
    assert next(iter(generate(seed=1, products=1))) != next(iter(generate(seed=2, products=1)))


def test_every_kind_comes_once_in_each_round() -> None:
    stream = families(7)
    for _ in range(3):
        assert {next(stream).looks[0].kind for _ in KINDS} == set(KINDS)


def test_two_processes_with_different_hash_seeds_time_zones_and_locales_give_the_same_bytes() -> None:
    def digest(**environment: str) -> str:
        run = subprocess.run(
            [sys.executable, "-c", _DIGEST],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return run.stdout.strip()

    one = digest(PYTHONHASHSEED="1", TZ="UTC", LC_ALL="C", OPENBLAS_NUM_THREADS="1")
    two = digest(PYTHONHASHSEED="2", TZ="Asia/Kolkata", LC_ALL="C.UTF-8", OPENBLAS_NUM_THREADS="2")
    assert len(one) == 64
    assert one == two
