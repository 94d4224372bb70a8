"""``shelfmate bench quality`` on a small planted shop: what a fit may see, what is asked, and what is left behind."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from import_fixtures import write_csv
from PIL import Image

from benchmarks._held_out import Catalogue

ROWS = 160
TYPES = ("Shirts", "Casual Shoes", "Handbags", "Belts")
COLOURS = ("red", "blue", "green", "black")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """160 products of four types in groups of four colours; every tenth has no photograph."""
    path = tmp_path_factory.mktemp("shop")
    (path / "images").mkdir()
    styles: list[dict[str, object]] = []
    links: list[dict[str, object]] = []
    for number in range(ROWS):
        model, colour = divmod(number, 4)
        kind = TYPES[model % 4]
        title = f"Model{model} Men {COLOURS[colour]} {kind.removesuffix('s')}"
        styles.append(
            {"id": 1 + number, "masterCategory": "All", "subCategory": "Worn", "articleType": kind}
            | {"baseColour": COLOURS[colour], "productDisplayName": title}
        )
        if colour:
            links.append({"id_a": number, "id_b": number + 1, "same_article_type": 1})
        if number % 10:
            (path / "images" / f"{1 + number}.jpg").write_bytes(photograph(model, number))
    write_csv(path / "styles.csv", styles)
    write_csv(path / "colour_variants.csv", links)
    return path


def photograph(model: int, number: int) -> bytes:
    """A JPEG of sixteen patches that the variants of a model share, but for some noise."""
    patches = np.random.default_rng(model).integers(0, 255, (4, 4, 3))
    noise = np.random.default_rng(1_000 + number).integers(-40, 40, (4, 4, 3))
    out = io.BytesIO()
    Image.fromarray((patches + noise).clip(0, 255).astype(np.uint8)).resize((60, 80)).save(out, "JPEG")
    return out.getvalue()


def bench(name: str, database_url: str, *arguments: str) -> dict[str, Any]:
    """The JSON that a benchmark prints."""
    command = [sys.executable, "-m", "backend.cli", "bench", name, "--", *arguments, "--json"]
    environment = {**os.environ, "DATABASE_URL": database_url}
    ran = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=600)
    assert ran.returncode == 0, ran.stderr
    document: dict[str, Any] = json.loads(ran.stdout)
    return document


def test_the_size_of_a_product_grows_with_its_dimensions(database_url: str) -> None:
    figures = bench("row_size", database_url, "--rows", "200", "--dimensions", "64+32", "128+64")["figures"]
    small, large = figures["64+32"], figures["128+64"]
    assert small["products"] == large["products"] == 200
    # Halves, and eight bytes before them.
    assert (small["fused_value"], large["fused_value"]) == (2 * 96 + 8, 2 * 192 + 8)
    assert large["rows"] > small["rows"] > 200 * small["fused_value"]
    assert small["row_and_index"] == small["rows"] / 200


def test_the_protocol_is_kept(database_url: str, directory: Path, tmp_path: Path) -> None:
    encoders = ("--text", "hashing:64", "--image", "hashing:64", "--half-whitened", "24", "24")
    fitted = ("--projection", "text=learned:16", "--projection", "image=learned:16")
    command = [
        sys.executable,
        "-m",
        "backend.cli",
        "bench",
        "quality",
        "--",
        "--data",
        str(directory),
        *encoders,
        *fitted,
    ]
    options = ("--bootstrap", "200", "--seed", "3", "--json", "--cache", str(tmp_path / "rows.sqlite"))
    environment = {**os.environ, "DATABASE_URL": database_url}
    ran = subprocess.run(
        [*command, *options], check=False, capture_output=True, text=True, env=environment, timeout=600
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)

    catalogue = Catalogue.read(directory)
    training, test = catalogue.split(0.3, 3)
    assert found["counts"]["test products"] == len(test)
    assert found["counts"]["training groups"] + found["counts"]["test groups"] == ROWS / 4
    with psycopg.connect(database_url, options="-csearch_path=shelfmate,public") as connection:
        grouped = {sku for (sku,) in connection.execute("SELECT sku FROM products WHERE variant_group IS NOT NULL")}
        titles = dict(connection.execute("SELECT sku, title FROM products").fetchall())
        spaces = dict(connection.execute("SELECT name, fused_dimensions FROM embedding_spaces").fetchall())
    assert grouped == training
    assert titles == {item.sku: item.hard_title for item in catalogue.items}
    assert spaces == {"plain": 128, "half-whitened": 48, "fitted": 32}

    types, hard = found["means"]["same article type, P@5"], found["means"]["hard titles, same article type, P@5"]
    variants = found["means"]["colour variants, recall@10"]
    for column in (types, hard, variants):
        assert column["fitted"]["n"] == len(test)
        assert all(0 <= one["low"] <= one["mean"] <= one["high"] <= 1 for one in column.values())
    # Forty others of 159 are of the type; ten of 159 are shown.
    assert types["random"]["mean"] == pytest.approx(39 / 159)
    assert variants["random"]["mean"] == pytest.approx(10 / 159)
    assert types["image alone"]["n"] == len(test) - sum(int(sku) % 10 == 1 for sku in test)
    # The type's word and the model's name are in the titles, until the words are taken out.
    assert types["text alone"]["mean"] > 0.8
    assert variants["text alone"]["mean"] > 0.2
    assert hard["text alone"]["mean"] < types["text alone"]["mean"]
    _check_differences(found)
    assert found["sizes"]["fitted"]["row"] < found["sizes"]["plain"]["row"]


def _check_differences(found: dict[str, Any]) -> None:
    for measure, difference in found["fitted less plain"].items():
        means = found["means"][measure]
        assert difference["mean"] == pytest.approx(means["fitted"]["mean"] - means["plain concatenation"]["mean"])
        assert difference["low"] <= difference["mean"] <= difference["high"]
