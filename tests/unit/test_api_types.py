"""The kinds of values in requests and answers."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from backend.api import Services, problems, routing
from backend.api.products import ListQuery, ProductBody
from backend.api.recommendation_types import RecommendedItem
from backend.api.routing import Operation, Routes
from backend.api.similar import SimilarQuery
from backend.database.connection import Database
from backend.errors import Conflict, DatabaseUnavailable, InvalidInput, NotReady, ShelfmateError
from backend.settings import Settings
from backend.spaces.embedder import Embedder

PRICES = st.decimals(0, Decimal("9999999999.99"), places=2)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(PRICES)
def test_a_price_survives_json_both_ways(price: Decimal) -> None:
    body = ProductBody.model_validate_json(f'{{"title": "x", "price": {price}}}')
    assert body.price == price
    item = RecommendedItem(
        sku="a", title="b", score=1.0, contributions={}, examples=[], variants=[], source="similar", brand=None,
        category=None, price=price, currency=None, in_stock=True, variant_group=None,
    )  # fmt: skip
    assert Decimal(repr(json.loads(item.model_dump_json())["price"])) == price


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_attributes_are_taken_exactly_unless_postgres_cannot_store_them(attributes: dict[str, Any]) -> None:
    body = json.dumps({"title": "x", "attributes": attributes})
    if "\\u0000" in body.replace("\\\\", ""):
        with pytest.raises(ValidationError, match="NUL"):
            ProductBody.model_validate_json(body)
    else:
        assert ProductBody.model_validate_json(body).attributes == attributes


@pytest.mark.parametrize("model", [ListQuery, SimilarQuery])
def test_no_query_parameter_is_required_and_an_unknown_one_is_refused(model: Any) -> None:
    assert model.model_validate_strings({})
    with pytest.raises(ValidationError, match="extra_forbidden"):
        model.model_validate_strings({"unknown": "1"})


def every_error(error: type[ShelfmateError] = ShelfmateError) -> list[type[ShelfmateError]]:
    """All classes of the tree."""
    return [error, *(kind for child in error.__subclasses__() for kind in every_error(child))]


@pytest.mark.parametrize("error", every_error())
def test_every_error_of_the_tree_has_a_problem_which_keeps_our_faults_to_the_log(error: type[ShelfmateError]) -> None:
    said = problems.from_error(error("host 10.0.0.7 said no"))
    assert said.type == f"/problems/{error.problem}"
    assert said.status == error.status >= 400
    assert ("10.0.0.7" in said.detail) == (error.status < 500 or issubclass(error, NotReady))


def test_a_problem_says_when_to_come_back() -> None:
    assert problems.answer_error(DatabaseUnavailable("away")).headers == {"Retry-After": "1"}
    assert problems.answer_error(Conflict("twice")).headers == {}


def test_the_field_at_fault_is_said_once() -> None:
    assert problems.from_error(InvalidInput("must be 1", field="k")).detail == "k: must be 1"
    assert problems.from_error(InvalidInput("k must be 1", field="k")).detail == "k must be 1"


def test_a_declared_operation_knows_its_path_and_types() -> None:
    routes = Routes("Test")

    @routes.add("GET", "/v1/{a}/x/{b}", {200: "text/plain"})
    def show(services: Services, a: str, b: str, query: ListQuery) -> Any:
        """Show."""

    (operation,) = routes.operations
    assert isinstance(operation, Operation)
    assert (operation.name, operation.path_parameters) == ("show", ["a", "b"])
    assert (operation.query, operation.body, operation.takes_upload) == (ListQuery, None, False)


def test_two_operations_of_one_name_are_refused(tmp_path: Path) -> None:
    routes = Routes("Test")

    def show(services: Services) -> Any:
        """Show."""

    routes.add("GET", "/a", {200: None})(show)
    routes.add("GET", "/b", {200: None})(show)
    services = Services(Database("dbname=none"), Embedder(), Settings(home=tmp_path))
    with pytest.raises(AssertionError, match="show"):
        routing.register(Flask("test"), services, routes.operations)
