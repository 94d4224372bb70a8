"""What is wrong with a request is said in our words."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from backend.api import MODULES
from backend.api.filter_types import Filter
from backend.api.problems import from_validation
from backend.api.products import ProductBody
from backend.api.recommendation_types import RecommendationBody
from backend.api.wording import FORMS, WORDS, path_of
from backend.errors import InvalidInput

MODELS = sorted(
    {
        model
        for module in MODULES
        for operation in module.routes.operations
        for model in (operation.query, operation.body)
        if model is not None
    },
    key=lambda model: model.__name__,
)
# Words of Python, of pydantic and of its documentation.
FOREIGN = (
    "Input should",
    "valid ",
    "pydantic",
    "parse",
    "instance",
    "dictionary",
    "Decimal",
    "none",
    "NaN",
    "does not fit",
)
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    -0.1,
    1e300,
    "",
    "x",
    "x" * 30_000,
    [],
    [[]],
    {},
    {"x": 1},
    [None] * 2_000,
]
VALUES = st.recursive(st.sampled_from(ODD), lambda inner: st.lists(inner, max_size=2), max_leaves=4)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@hypothesis_settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_request_is_refused_in_words_of_the_library(model: type[BaseModel], data: st.DataObject) -> None:
    given_fields = data.draw(st.dictionaries(st.sampled_from([*model.model_fields, "unknown"]), VALUES, max_size=4))
    try:
        model.model_validate(given_fields)
    except ValidationError as error:
        kinds = {item["type"] for item in error.errors()} - {"extra_forbidden"}
        assert kinds <= set(WORDS)
        said = from_validation(error, list(model.model_fields))
        assert said.status == InvalidInput.status
        assert not any(word in item.message for item in said.errors for word in FOREIGN), said


@pytest.mark.parametrize("text", ["", "{", "nul", "[1,]", '{"a": }', "\x00"])
@pytest.mark.parametrize("model", [model for model in MODELS if model.__name__.endswith("Body")])
def test_a_body_that_is_no_json_is_told_in_a_sentence(model: type[BaseModel], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(text)
    said = from_validation(caught.value, [])
    assert said.detail.startswith("The body is not JSON: ")
    assert said.errors == []


def test_what_a_text_must_look_like_is_said_in_words() -> None:
    patterns = {pattern for model in MODELS for pattern in _patterns(model.model_json_schema())}
    # A filter is read by the database, and told so by it.
    assert patterns - set(_patterns(Filter.model_json_schema())) == set(FORMS)


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(pattern := schema.get("pattern"), str):
            yield pattern
        for member in schema.values():
            yield from _patterns(member)
    elif isinstance(schema, list):
        for member in schema:
            yield from _patterns(member)


@pytest.mark.parametrize(
    ("model", "given_fields", "message"),
    [
        (ProductBody, {"title": ""}, "must have at least 1 character"),
        (ProductBody, {"title": "x" * 1001}, "must have at most 1,000 characters"),
        (ProductBody, {"title": "x", "currency": "eur"}, "must be three capital letters, such as EUR"),
        (RecommendationBody, {"like": [{"text": "x"}] * 101}, "must have at most 100 elements"),
        (RecommendationBody, {"like": [{"text": ""}]}, "must not be blank"),
        (RecommendationBody, {"diversity": -0.5}, "must be 0 or more"),
        (RecommendationBody, {"k": 1001}, "must be 1,000 or less"),
    ],
)
def test_lengths_and_bounds_are_said_as_people_count(
    model: type[BaseModel], given_fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(given_fields)
    assert [item.message for item in from_validation(caught.value, []).errors] == [message]


def test_a_path_reads_as_in_the_request() -> None:
    assert path_of(("filter", "all", 1, "gte")) == "filter.all[1].gte"
    assert path_of((0, "k")) == "[0].k"
    assert path_of(()) == ""
