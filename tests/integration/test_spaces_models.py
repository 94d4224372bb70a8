"""What was fitted for a space is stored with it, and the embedder uses it."""

import gc
import weakref

import numpy as np
import pytest
from space_fixtures import WORDS, fill, insert

from backend.database.connection import Database
from backend.encoders.hashing import HashingText
from backend.errors import ConfigurationError, InvalidInput
from backend.spaces.dropping import drop_space
from backend.spaces.embedder import Embedder
from backend.spaces.life import create_space, retire
from backend.spaces.models import SpaceModel, list_models, load_models
from backend.spaces.projections import Projection
from backend.spaces.recipe import choose_recipe
from backend.spaces.scaling import fit_scale, read_scale
from backend.spaces.space import list_spaces

TEXTS = [("red shirt", "red shirt. Of linen."), ("blue jeans", "blue jeans"), ("", "")]


def projected(inputs: int, outputs: int) -> tuple[Projection, SpaceModel]:
    chance = np.random.default_rng(7)
    projection = Projection(
        "pca",
        chance.normal(size=(inputs, outputs)).astype(np.float32),
        chance.normal(size=inputs).astype(np.float32) / 10,
    )
    model = SpaceModel("text", "projection", "pca", projection.to_bytes(), inputs, outputs, {"products": 3})
    return projection, model


def test_models_come_back_as_they_were_stored(database: Database) -> None:
    _, model = projected(8, 4)
    space = create_space(database, "short", choose_recipe(text="hashing:8", projections=["pca:4"]), [model])
    assert load_models(database, space.id) == [model]
    (summary,) = list_models(database, space.id)
    assert (summary.method, summary.bytes, summary.report) == ("pca", len(model.content), {"products": 3})
    assert (space.text_dimensions, space.text_projection) == (4, "pca")


def test_texts_are_encoded_apart_joined_and_projected(database: Database) -> None:
    projection, model = projected(32, 6)
    recipe = choose_recipe(text="hashing:16", text_inputs="title,title+description", projections=["pca"])
    space = create_space(database, "apart", recipe, [model])
    rows = Embedder(database).product_texts(space, TEXTS)
    encoder = HashingText(16)
    both = np.concatenate([encoder.encode([text[place] for text in TEXTS]) for place in (0, 1)], axis=1) / np.sqrt(2)
    np.testing.assert_allclose(rows, projection.apply(both.astype(np.float32)), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 0], atol=1e-6)
    # A free text stands for all texts of a product.
    np.testing.assert_allclose(Embedder(database).texts(space, ["blue jeans", " "]), rows[1:], atol=1e-6)


def test_without_a_projection_several_texts_are_a_unit_row(database: Database) -> None:
    recipe = choose_recipe(text="hashing:16", text_inputs="title,title+description")
    space = create_space(database, "joined", recipe)
    assert space.text_dimensions == 32
    rows = Embedder(database).product_texts(space, TEXTS)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 0], atol=1e-6)
    assert Embedder(database).product_texts(space, []).shape == (0, 32)


def test_under_a_linear_kernel_rows_are_divided_by_the_constant(database: Database) -> None:
    raw = HashingText(8).encode(["red shirt", "blue jeans and more words"], normalized=False)
    model = fit_scale("text", raw)
    space = create_space(database, "linear", choose_recipe(text="hashing:8", kernel="linear"), [model])
    rows = Embedder(database).texts(space, ["red shirt", "blue jeans and more words"])
    np.testing.assert_allclose(rows * read_scale(model.content), raw, rtol=1e-5)
    assert np.sqrt((np.linalg.norm(rows, axis=1) ** 2).mean()) == pytest.approx(1, abs=1e-5)


def test_a_space_whose_projection_is_lost_is_refused(database: Database) -> None:
    _, model = projected(8, 4)
    space = create_space(database, "short", choose_recipe(text="hashing:8", projections=["pca:4"]), [model])
    with database.write() as connection:
        connection.execute("DELETE FROM space_models")
    with pytest.raises(ConfigurationError, match="the projection pca of the embedding space short is not stored"):
        Embedder(database).texts(space, ["red"])


def test_a_space_of_another_version_is_refused(database: Database) -> None:
    space = create_space(database, "words", WORDS)
    with database.write() as connection:
        connection.execute("UPDATE embedding_spaces SET text_version = '0' WHERE name = 'words'")
    from backend.spaces.life import find_space

    with pytest.raises(ConfigurationError, match="was made with hashing:8 0"):
        Embedder(database).texts(find_space(database, "words"), ["red"])
    assert Embedder(database).texts(space, ["red"]).shape == (1, 8)


def test_more_dimensions_than_an_index_takes_are_refused_before_anything_is_made(database: Database) -> None:
    with pytest.raises(InvalidInput, match="4,000 \\+ 64 dimensions together"):
        create_space(database, "long", choose_recipe(text="hashing:4000", image="hashing:64"))
    with database.primary() as connection:
        assert connection.execute("SELECT count(*) FROM embedding_spaces").fetchone() == (1,)


def test_spaces_of_one_encoder_share_it(database: Database) -> None:
    insert(database, 3)
    one, two = (create_space(database, name, WORDS) for name in ("one", "two"))
    embedder = Embedder(database)
    embedder.texts(one, ["red"])
    embedder.texts(two, ["red"])
    assert len(embedder._text) == 1
    assert fill(database, one).stage == fill(database, two).stage == "filled"


def test_what_only_a_dropped_space_needed_is_let_go(database: Database) -> None:
    kept = create_space(database, "kept", choose_recipe(text="hashing:8"))
    gone = create_space(database, "gone", choose_recipe(text="hashing:16", image="hashing:8"))
    embedder = Embedder(database)
    for space in (kept, gone):
        embedder.warm_up(space)
    shared, alone = (weakref.ref(embedder._text_encoder(space)) for space in (kept, gone))
    picture = weakref.ref(embedder._image_encoder(gone))
    retire(database, "gone")
    embedder.keep_only(list_spaces(database))
    gc.collect()
    # Resumed, it is needed again.
    assert None not in (shared(), alone(), picture())
    drop_space(database, "gone")
    embedder.keep_only(list_spaces(database))
    gc.collect()
    assert (alone(), picture()) == (None, None)
    assert shared() is embedder._text_encoder(kept)
    # Whoever held on to the space is served all the same.
    assert embedder.texts(gone, ["red"]).shape == (1, 16)
