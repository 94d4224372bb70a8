"""A filter in a request: what passes on, what is refused before the database sees it, and how it is described."""

import json
from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import ValidationError
from pydantic.json_schema import models_json_schema

from backend.api.filter_types import Filter, FilterJson
from backend.api.types import Body
from backend.errors import InvalidInput


class Question(Body):
    filter: FilterJson | None = None


def read(body: str) -> Any:
    return Question.model_validate_json(body).filter


@pytest.mark.parametrize(
    "given",
    [
        '{"all": [{"field": "price", "gte": 10}]}',
        '{"field": "nonsense"}',
        "[1]",
        '"text"',
        "{}",
        "null",
        '{"a": {"b": [true]}}',
    ],
)
def test_json_passes_on_as_it_is(given: str) -> None:
    assert read(f'{{"filter": {given}}}') == json.loads(given)


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        (
            '{"all": [{"field": "price", "gte": NaN}]}',
            "filter.all[0].gte",
            "must be a finite number such as 10, not nan",
        ),
        ('{"field": "price", "in": [1, 1e999]}', "filter.in[1]", "must be a finite number"),
        ('{"field": "brand", "eq": "a\\u0000b"}', "filter.eq", "must not contain the character NUL"),
        ('{"not": {"a\\u0000b": 1}}', "filter.not", "must not contain the character NUL"),
    ],
)
def test_what_the_database_has_no_room_for_is_refused_by_its_place(given: str, path: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        read(f'{{"filter": {given}}}')
    assert caught.value.field == path


@pytest.mark.parametrize("given", ['"\\ud800"', '{"not":' * 300 + "1" + "}" * 300, "9" * 5000])
def test_what_no_parser_reads_is_refused(given: str) -> None:
    with pytest.raises(ValidationError):
        read(f'{{"filter": {given}}}')


def test_the_document_describes_a_filter_as_a_tree() -> None:
    _, schema = models_json_schema([(Question, "validation")], ref_template="#/components/schemas/{model}")
    parts = schema["$defs"]
    reference = {"$ref": "#/components/schemas/Filter"}
    assert reference in parts["Question"]["properties"]["filter"]["anyOf"]
    assert parts["FilterAll"]["properties"]["all"]["items"] == reference
    assert parts["FilterAny"]["properties"]["any"]["items"] == reference
    assert parts["FilterNot"]["properties"]["not"] == reference
    condition = parts["FilterCondition"]
    assert set(condition["properties"]) == {
        *("field", "eq", "in", "gte", "gt", "lte", "lt", "contains", "under", "exists"),
    }
    assert condition["required"] == ["field"]
    assert all("default" not in described for described in condition["properties"].values())
    assert all(parts[f"Filter{name}"]["additionalProperties"] is False for name in ("All", "Any", "Not", "Condition"))
    info = {"title": "T", "version": "1"}
    validate({"openapi": "3.1.1", "info": info, "paths": {}, "components": {"schemas": parts}})


@pytest.mark.parametrize(
    "node",
    [
        {"all": []},
        {"not": {"any": [{"field": "attributes.a.b", "in": [1, "1", True]}]}},
        {"field": "price", "gte": 10, "lt": 50.5},
        {"field": "category", "under": ["A", "B/C"]},
    ],
)
def test_the_description_admits_what_is_right(node: Any) -> None:
    Filter.model_validate(node)


@pytest.mark.parametrize(
    "node",
    [
        [],
        {"all": {}},
        {"field": "colour", "eq": 1},
        {"field": "price", "less": 1},
        {"all": [], "any": []},
        {"field": "attributes.", "eq": 1},
    ],
)
def test_the_description_does_not_admit_what_is_wrong(node: Any) -> None:
    with pytest.raises(ValidationError):
        Filter.model_validate(node)
