"""What a recipe learns from the catalogue in the database: what is read, what is left out, what is stored with it."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from backend.database.connection import Database
from backend.encoders.registry import load_text_encoder
from backend.errors import InvalidInput, NotReady
from backend.spaces.fitting import fit
from backend.spaces.making import make_space
from backend.spaces.models import SpaceModel, list_models
from backend.spaces.projections import Projection
from backend.spaces.projections.catalogue import read_catalogue
from backend.spaces.recipe import Recipe
from backend.spaces.scaling import read_scale
from tests.pictures import jpeg

COUNT = 180
LEARNED = Recipe(
    text="hashing:64",
    image="hashing:64",
    text_inputs=("title", "title+description:40"),
    text_projection="learned:12",
    image_projection="learned:8",
)
SHRUNK = replace(LEARNED, text_inputs=("title",), text_projection="pca:6", image_projection=None)

# Three products a variant group, 60 groups, four categories.
PRODUCTS = """
INSERT INTO products (sku, title, description, category, variant_group)
SELECT 'F' || i, 'kind' || i / 3 %% 4 || ' line' || i / 3 || ' shade' || i, 'of cloth' || i / 3, 'kind' || i / 3 %% 4,
       'line ' || i / 3
  FROM generate_series(0, %s - 1) i"""
CATEGORIES = "INSERT INTO categories (path) SELECT 'kind' || i FROM generate_series(0, 3) i"
PHOTOGRAPH = """
INSERT INTO product_images (product_id, position, sha256, media_type, width, height, content)
SELECT id, %(position)s, sha256(%(content)s::bytea), 'image/jpeg', 16, 16, %(content)s::bytea
  FROM products WHERE sku = %(sku)s"""


@pytest.fixture
def catalogue(database: Database) -> Database:
    """180 products; every tenth has no photograph, product 1 has two, and that of product 2 is no picture."""
    with database.write() as connection, connection.cursor() as cursor:
        cursor.execute(CATEGORIES)
        cursor.execute(PRODUCTS, [COUNT])
        pictures = [
            {
                "sku": f"F{number}",
                "position": 0,
                "content": b"no picture" if number == 2 else jpeg(number // 3 * 40_000),
            }
            for number in range(COUNT)
            if number % 10
        ]
        pictures.append({"sku": "F1", "position": 1, "content": jpeg(7)})
        cursor.executemany(PHOTOGRAPH, pictures)
    return database


def fitted(database: Database, recipe: Recipe, **options: object) -> dict[str, SpaceModel]:
    """The projections of a fit by modality."""
    models = fit(database, recipe, lambda _: None, lambda: False, **options)  # type: ignore[arg-type]  # As they are named.
    return {model.modality: model for model in models if model.part == "projection"}


def ids_of(database: Database, where: str) -> list[int]:
    with database.read() as connection:
        return [row[0] for row in connection.execute(f"SELECT id FROM products WHERE {where}".encode()).fetchall()]


def test_a_learned_space_is_made_filled_and_answers(catalogue: Database, drain: Callable[[], int]) -> None:
    said: list[str] = []
    space = make_space(catalogue, "next", LEARNED, said.append)
    assert (space.text_dimensions, space.image_dimensions) == (12, 8)
    assert any(line.startswith("learning the projections: ") for line in said)
    drain()
    with catalogue.read() as connection:
        rows = connection.execute(
            "SELECT p.variant_group FROM similar_products('F50', 2, space => 'next') s JOIN products p USING (sku)"
        ).fetchall()
    assert rows == [("line 16",)] * 2
    models = {model.modality: model for model in list_models(catalogue, space.id)}
    assert (models["text"].input_dimensions, models["image"].input_dimensions) == (128, 64)
    training = models["text"].report["training"]
    assert training["links"] == {"variants": COUNT, "categories": COUNT, "bought together": 0}


def test_products_without_a_readable_photograph_are_left_out_of_the_image_fit_and_counted(catalogue: Database) -> None:
    said: list[str] = []
    recipe = Recipe(text=None, image="hashing:64", image_projection="pca:4", text_weight=0, image_weight=1)
    [model] = fit(catalogue, recipe, said.append, lambda: False)
    assert model.report["unreadable"] == 1
    assert model.report["products"] == COUNT - COUNT // 10 - 1
    assert "left out 1 products with a photograph that cannot be read" in said
    json.dumps(model.report)


def test_the_same_seed_gives_the_same_models(catalogue: Database) -> None:
    first, again, other = (fitted(catalogue, LEARNED, seed=seed) for seed in (1, 1, 2))
    for modality in ("text", "image"):
        assert first[modality].content == again[modality].content
    assert first["text"].content != other["text"].content


def test_products_it_may_not_learn_from_have_no_part_in_it(catalogue: Database) -> None:
    training = ids_of(catalogue, "substr(sku, 2)::int < 150")
    before = fitted(catalogue, LEARNED, only_products=training)
    with catalogue.write() as connection:
        connection.execute("UPDATE products SET title = 'else', variant_group = 'x' WHERE substr(sku, 2)::int >= 150")
    after = fitted(catalogue, LEARNED, only_products=training)
    assert before["text"].content == after["text"].content
    assert before["text"].report["sample"] == 150


def test_a_sample_keeps_variant_groups_whole(catalogue: Database) -> None:
    found = read_catalogue(catalogue, None, 50, seed=0)
    assert 50 <= len(found.ids) <= 52
    assert (np.unique(found.links.groups, return_counts=True)[1] == 3).all()
    assert found.ids != read_catalogue(catalogue, None, 50, seed=1).ids


def test_a_group_of_the_whole_catalogue_does_not_break_the_sample(catalogue: Database) -> None:
    with catalogue.write() as connection:
        connection.execute("UPDATE products SET variant_group = 'all'")
    assert len(read_catalogue(catalogue, None, 20, seed=0).ids) == 40


def test_what_a_space_has_stored_is_not_encoded_again_unless_it_is_out_of_date(
    catalogue: Database, drain: Callable[[], int]
) -> None:
    fresh = fitted(catalogue, LEARNED)
    assert (fresh["text"].report["reused"], fresh["image"].report["reused"]) == (0, 0)
    drain()
    reused = fitted(catalogue, LEARNED)
    # The default space has the titles; product 2 has no vectors at all, since its photograph cannot be read.
    assert reused["text"].report["reused"] == COUNT - 1
    assert reused["image"].report["reused"] == COUNT - COUNT // 10 - 1
    rows = load_text_encoder("hashing:64").encode(["kind1 line5 shade15"])
    both = (np.concatenate([rows, rows], axis=1) / 2**0.5).astype(np.float32)
    ours, theirs = (Projection.from_bytes(models["text"].content).apply(both) for models in (fresh, reused))
    # Stored vectors are rounded to 11 bits.
    assert float((ours @ theirs.T)[0, 0]) > 0.98
    with catalogue.write() as connection:
        connection.execute("UPDATE products SET title = title || ' new' WHERE sku IN ('F5', 'F6')")
        connection.execute(PHOTOGRAPH.encode(), {"sku": "F7", "position": 1, "content": jpeg(99)}, binary=True)
    edited = fitted(catalogue, LEARNED)
    assert edited["text"].report["reused"] == COUNT - 3
    assert edited["image"].report["reused"] == COUNT - COUNT // 10 - 2


def test_what_one_user_bought_is_a_link(catalogue: Database) -> None:
    with catalogue.write() as connection:
        connection.execute(
            "INSERT INTO events (product_id, user_id, kind)"
            " SELECT id, CASE WHEN sku < 'F12' THEN 'ann' ELSE 'bob' END,"
            "        CASE sku WHEN 'F1' THEN 'view' ELSE 'purchase' END"
            "   FROM products WHERE sku IN ('F1', 'F10', 'F11', 'F12', 'F13', 'F14')"
        )
    found = read_catalogue(catalogue, None, 1_000, seed=0)
    names = {
        frozenset(ids_of(catalogue, f"sku IN ('{one}', '{other}')"))
        for one, other in (("F10", "F11"), ("F12", "F13"), ("F12", "F14"), ("F13", "F14"))
    }
    assert {frozenset(found.ids[place] for place in pair) for pair in found.links.bought.tolist()} == names
    assert fitted(catalogue, LEARNED)["text"].report["training"]["links"]["bought together"] == 5


def test_an_encoder_of_words_is_fitted_and_projected(catalogue: Database) -> None:
    recipe = Recipe(text="tfidf?dimensions=20", image=None, text_projection="svd:5", text_weight=1, image_weight=0)
    encoder, projection = fit(catalogue, recipe, lambda _: None, lambda: False)
    assert (encoder.part, encoder.method, encoder.input_dimensions, encoder.output_dimensions) == (
        "encoder",
        "tfidf",
        0,
        20,
    )
    rows = load_text_encoder("tfidf?dimensions=20", encoder.content).encode(["kind1 line5 shade15"])
    assert Projection.from_bytes(projection.content).apply(rows).shape == (1, 5)


def test_a_linear_kernel_scales_its_blocks_projected_or_not(catalogue: Database) -> None:
    models = fitted(catalogue, replace(SHRUNK, kernel="linear"))
    assert {modality: model.method for modality, model in models.items()} == {"text": "pca", "image": "scale"}
    assert Projection.from_bytes(models["text"].content).scale > 0
    assert read_scale(models["image"].content) > 0


def test_only_what_the_recipe_asks_for_is_fitted(catalogue: Database) -> None:
    assert set(fitted(catalogue, SHRUNK)) == {"text"}
    assert fit(catalogue, replace(SHRUNK, text_projection=None), lambda _: None, lambda: False) == []


@pytest.mark.parametrize("after", [1, 2, 3, 5])
def test_a_fit_can_be_interrupted_anywhere(catalogue: Database, after: int) -> None:
    asked = 0

    def interrupted() -> bool:
        nonlocal asked
        asked += 1
        return asked >= after

    with pytest.raises(NotReady, match="interrupted"):
        fit(catalogue, LEARNED, lambda _: None, interrupted)
    assert asked == after


def test_too_little_to_learn_from_is_refused_with_the_remedy(database: Database) -> None:
    with pytest.raises(InvalidInput, match="add the products first"):
        fitted(database, LEARNED)
    with database.write() as connection:
        connection.execute("INSERT INTO products (sku, title) SELECT 'N' || i, 'n' || i FROM generate_series(1, 120) i")
    with pytest.raises(InvalidInput, match="fill in variant_group or category"):
        fitted(database, replace(LEARNED, image=None, image_projection=None))
    with pytest.raises(InvalidInput, match="leave the kernel cosine"):
        fitted(database, replace(LEARNED, kernel="linear"))


def test_larger_samples_are_judged_on_products_that_were_kept_out(database: Database) -> None:
    with database.write() as connection:
        connection.execute(CATEGORIES)
        connection.execute(PRODUCTS, [1_200])
    recipe = Recipe(text="hashing:64", image=None, text_projection="learned:16", text_weight=1, image_weight=0)
    held_out = fitted(database, recipe)["text"].report["held_out"]
    assert 50 <= held_out["products"] <= 60
    assert held_out["learned"]["variant_queries"] == held_out["products"]
    assert held_out["learned"]["same_category_at_5"] > held_out["before"]["same_category_at_5"]
