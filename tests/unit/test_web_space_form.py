"""What stands in the form of a new space, as a recipe, and what is wrong with it."""

import pytest

from backend.errors import InvalidInput
from backend.spaces.recipe import RECIPES
from backend.web.space_form import SpaceForm
from backend.web.spaces import figures


def test_an_untouched_form_is_the_recipe_itself() -> None:
    for name, recipe in RECIPES.items():
        form = SpaceForm.sent({"name": " next ", "recipe": name})
        assert (form.name, form.to_recipe(), form.is_changed) == ("next", recipe, False)


def test_a_part_takes_the_place_of_the_recipe_s() -> None:
    form = SpaceForm.sent(
        {"name": "next", "recipe": "plain", "weights": "text=3,image=1", "image_projection": "pca:128"}
    )
    recipe = form.to_recipe()
    assert form.is_changed
    assert (recipe.text, recipe.image_projection, recipe.text_projection) == ("minilm", "pca:128", None)
    assert (recipe.text_weight, recipe.image_weight, recipe.name) == (0.75, 0.25, None)


@pytest.mark.parametrize("field", ["text_projection", "image_projection"])
def test_a_projection_that_there_is_not_is_noted_beside_its_own_field(field: str) -> None:
    form = SpaceForm.sent({"name": "next", "recipe": "plain", field: "shrink"})
    with pytest.raises(InvalidInput) as caught:
        form.to_recipe()
    form.note(caught.value)
    assert list(form.problems) == [field]


def test_a_problem_of_no_field_is_said_above_the_form() -> None:
    form = SpaceForm()
    form.note(InvalidInput("something else"))
    form.note(InvalidInput("of a part unknown here", field="elsewhere"))
    assert form.problems == {"": "Of a part unknown here"}


def test_a_report_s_figures_are_flat_and_short() -> None:
    report = {"products": 12000, "held_out": {"P@5": 0.950312, "at": [0.1, 0.25]}, "whole": True, "note": None}
    assert figures(report) == [
        ("products", "12,000"),
        ("held out P@5", "0.9503"),
        ("held out at", "0.1, 0.25"),
        ("whole", "True"),
    ]
