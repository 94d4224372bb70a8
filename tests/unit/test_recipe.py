"""Recipes from options, and the texts of a product."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.encoders.registry import describe_image_encoder, describe_text_encoder, needs_fitting
from backend.errors import InvalidInput, WeightsMissing
from backend.spaces.inputs import hash_texts, is_of_facts, parse_text_inputs, product_texts, with_attributes
from backend.spaces.recipe import RECIPES, check_dimensions, choose_recipe, from_plan, named_recipe


def test_without_options_it_is_the_default_recipe() -> None:
    assert choose_recipe() == RECIPES["default"]
    assert choose_recipe().name == "default"


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_named_recipe_names_encoders_that_there_are(name: str) -> None:
    recipe = named_recipe(name)
    describers = (describe_text_encoder, describe_image_encoder, describe_text_encoder)
    for encoder, describe in zip(recipe.encoders.values(), describers, strict=True):
        if encoder is None:
            assert (encoder, name) != (recipe.reviews, "reviewed")
            continue
        if describe is describe_text_encoder and needs_fitting(encoder):
            continue
        try:
            assert describe(encoder).dimensions > 0
        except WeightsMissing:
            # The name was understood; whoever uses it has the weights.
            continue
    assert None not in (recipe.text, recipe.image)
    assert sum(recipe.weights.values()) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_plan_gives_its_recipe_back(name: str) -> None:
    assert from_plan(RECIPES[name].to_plan()) == RECIPES[name]


def test_a_recipe_that_was_changed_has_no_name() -> None:
    changed = choose_recipe(recipe="plain", weights="text=3,image=1")
    assert (changed.name, changed.text_weight, changed.image_weight) == (None, 0.75, 0.25)
    assert choose_recipe(recipe="plain", weights="image=.5,text=.5").name == "plain"


def test_encoders_alone_make_a_plain_recipe() -> None:
    recipe = choose_recipe(text="hashing:8", image="hashing:16")
    assert (recipe.text_projection, recipe.image_projection, recipe.text_inputs) == (None, None, ("title",))
    assert (recipe.text_weight, recipe.image_weight) == (0.5, 0.5)


def test_an_encoder_of_a_named_recipe_is_replaced_and_its_projection_stays() -> None:
    recipe = choose_recipe(recipe="sbert-resnet50", text="sentence-transformer:/models/mine")
    assert recipe.text == "sentence-transformer:/models/mine"
    assert recipe.text_projection == RECIPES["sbert-resnet50"].text_projection


def test_a_modality_that_is_left_out_takes_its_projection_with_it() -> None:
    recipe = choose_recipe(recipe="default", image="none")
    assert (recipe.image, recipe.image_projection) == (None, None)
    assert (recipe.text_weight, recipe.image_weight) == (1.0, 0.0)


def test_a_projection_is_of_both_modalities_or_of_one() -> None:
    both = choose_recipe(text="hashing", image="hashing", projections=["pca:8"])
    assert (both.text_projection, both.image_projection) == ("pca:8", "pca:8")
    apart = choose_recipe(recipe="default", projections=["text=svd", "image=none"])
    assert (apart.text_projection, apart.image_projection) == ("svd", None)
    assert choose_recipe(text="hashing", projections=["pca:8"]).image_projection is None


@pytest.mark.parametrize(
    ("options", "field", "remedy"),
    [
        ({"recipe": "nope"}, "recipe", "there are default, densenet-tfidf"),
        ({"text": "none", "image": ""}, "text", "needs a text or an image encoder"),
        ({"text": "hashing", "projections": ["umap"]}, "projection", "pca, half-whitened, svd, learned or none"),
        ({"text": "hashing", "projections": ["pca:0"]}, "projection", "as in pca:128"),
        ({"text": "hashing", "projections": ["image=pca"]}, "projection", "no image encoder"),
        ({"text": "hashing", "projections": ["audio=pca"]}, "projection", "of text, image or reviews"),
        ({"text": "hashing", "weights": "text=1"}, "weights", "one of them only"),
        ({"text": "hashing", "projections": ["reviews=pca"]}, "projection", "no reviews encoder"),
        ({"reviews": "hashing", "projections": ["reviews=learned:8"]}, "projection", "reviews=pca:64"),
        ({"text": "hashing", "reviews": "hashing", "projections": ["learned"]}, "projection", "reviews=pca:64"),
        ({"reviews": "hashing", "kernel": "linear"}, "kernel", "leave the kernel cosine"),
        ({"reviews": "hashing", "weights": "reviews=1"}, "weights", "one of them only"),
        ({"recipe": "reviewed", "weights": "text=1,image=1"}, "weights", "write text=.5,image=.3,reviews=.2"),
        ({"text": "hashing", "reviews": "hashing", "weights": "text=1"}, "weights", "write text=.6,reviews=.2"),
        ({"weights": "text=1"}, "weights", "write text=.6,image=.4"),
        ({"weights": "text=1,image=0"}, "weights", "both above 0"),
        ({"weights": "text=nan,image=1"}, "weights", "both above 0"),
        ({"weights": "text=x,image=1"}, "weights", "both above 0"),
        ({"kernel": "gaussian"}, "kernel", "cosine or linear"),
        ({"text_inputs": "sku"}, "text_inputs", "'sku' is no text of a product"),
        ({"text_inputs": "title+"}, "text_inputs", "is no text of a product"),
        ({"text_inputs": "title:0"}, "text_inputs", "is no text of a product"),
        ({"text_inputs": ",".join(["title"] * 9)}, "text_inputs", "at most 8 texts"),
        ({"text": "none", "image": "hashing", "text_inputs": "title"}, "text_inputs", "no text encoder"),
    ],
)
def test_an_option_that_cannot_be_used_is_named_with_its_remedy(
    options: dict[str, object], field: str, remedy: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        choose_recipe(**options)  # type: ignore[arg-type]  # the cases have options of several types
    assert caught.value.field == field
    assert remedy in str(caught.value)


def test_reviews_beside_something_else_count_a_fifth_unless_it_is_said() -> None:
    three = choose_recipe(text="hashing", image="hashing", reviews="hashing:8")
    assert three.weights == pytest.approx({"text": 0.4, "image": 0.4, "reviews": 0.2})
    added = choose_recipe(recipe="default", reviews="minilm")
    assert added.weights == pytest.approx({"text": 0.48, "image": 0.32, "reviews": 0.2})
    assert added.name is None
    assert choose_recipe(reviews="hashing").weights == {"text": 0, "image": 0, "reviews": 1}
    without = choose_recipe(recipe="reviewed", image="none")
    assert without.weights == pytest.approx({"text": 5 / 7, "image": 0, "reviews": 2 / 7})
    given = choose_recipe(recipe="reviewed", weights="reviews=2,text=1,image=1")
    assert given.weights == pytest.approx({"text": 0.25, "image": 0.25, "reviews": 0.5})
    assert sum(given.weights.values()) == pytest.approx(1, abs=1e-12)
    assert choose_recipe(recipe="reviewed") == RECIPES["reviewed"]


def test_a_projection_of_every_modality_is_of_the_reviews_too() -> None:
    recipe = choose_recipe(text="hashing", reviews="hashing", projections=["pca:8"])
    assert recipe.projections == {"text": "pca:8", "image": None, "reviews": "pca:8"}
    assert recipe.needs_fitting
    assert choose_recipe(reviews="tfidf").needs_fitting
    assert not choose_recipe(reviews="hashing").needs_fitting
    assert from_plan(recipe.to_plan()) == recipe


def test_what_no_index_takes_is_refused_with_the_figures() -> None:
    check_dimensions(1952, 2048)
    with pytest.raises(InvalidInput, match="1,953 \\+ 2,048 dimensions together"):
        check_dimensions(1953, 2048)
    with pytest.raises(InvalidInput, match="text, image and reviews have 1,952 \\+ 2,000 \\+ 49"):
        check_dimensions(1952, 2000, 49)


def test_what_needs_fitting_says_so() -> None:
    assert not RECIPES["plain"].needs_fitting
    assert RECIPES["default"].needs_fitting
    assert choose_recipe(text="tfidf").needs_fitting
    assert choose_recipe(text="hashing", kernel="linear").needs_fitting
    assert not choose_recipe(image="hashing").needs_fitting


def test_texts_are_joined_cut_and_encoded_apart() -> None:
    inputs = parse_text_inputs("title, title+description:12,brand+title")
    assert product_texts(inputs, " Red shirt ", "Of linen.", None, {}, None) == (
        "Red shirt",
        "Red shirt. O",
        "Red shirt",
    )
    assert product_texts(inputs, "Red", "", "Arbor", {}, None) == ("Red", "Red", "Arbor. Red")
    assert product_texts(["description"], "Red", "  ", None, {}, None) == ("",)


def test_attributes_are_said_with_their_names_and_missing_ones_left_out() -> None:
    inputs = parse_text_inputs("title+attributes.season,attributes.year+attributes.fits+attributes.size,attributes.box")
    attributes = {"season": "Fall", "year": 2011, "fits": ["men", "women"], "size": None, "box": {"width": 3}}
    assert product_texts(inputs, "Red", "", None, attributes, None) == (
        "Red. season: Fall",
        "year: 2011. fits: men, women",
        "",
    )
    assert product_texts(inputs, "Red", "", None, {}, None) == ("Red", "", "")
    assert [is_of_facts(part) for part in inputs] == [False, True, True]


def test_a_price_is_said_as_it_is_written_without_needless_zeros() -> None:
    inputs = parse_text_inputs("title,price,brand+price")
    said = product_texts(inputs, "Red", "", "Arbor", {}, Decimal("1200.00"))
    assert said == ("Red", "price: 1200", "Arbor. price: 1200")
    assert product_texts(["price"], "Red", "", None, {}, Decimal("12.50")) == ("price: 12.5",)
    assert product_texts(inputs, "Red", "", "Arbor", {}, None) == ("Red", "", "Arbor")
    assert [is_of_facts(part) for part in inputs] == [False, True, False]


def test_the_attributes_of_few_values_take_the_place_of_attributes() -> None:
    inputs = parse_text_inputs("title,brand+attributes:90,attributes")
    assert with_attributes(inputs, ["a", "b"]) == (
        "title",
        "brand+attributes.a+attributes.b:90",
        "attributes.a+attributes.b",
    )
    assert with_attributes(inputs, []) == ("title", "brand:90")


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_texts_have_one_hash_only_where_they_are_the_same(texts: list[str]) -> None:
    assert hash_texts(texts) == hash_texts(tuple(texts))
    assert hash_texts(texts) != hash_texts([*texts, ""])
    assert hash_texts(["ab", "c"]) != hash_texts(["a", "bc"])
