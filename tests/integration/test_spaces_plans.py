"""Spaces that were asked for over HTTP: a worker fits and makes them, one at a time."""

from collections.abc import Callable

import pytest
from small_catalogue import insert_products
from space_fixtures import WORDS

from backend.database.connection import Database
from backend.spaces.life import create_space, find_space
from backend.spaces.making import work_plans
from backend.spaces.models import list_models
from backend.spaces.plans import find_plan, list_plans, request_plan
from backend.spaces.recipe import Recipe, choose_recipe

FITTED = choose_recipe(text="hashing:16", projections=["pca:4"])
NEVER: Callable[[], bool] = lambda: False  # noqa: E731  # a name for the tests below


def note(_line: str) -> None:
    """Nobody listens."""


@pytest.fixture
def shop(database: Database) -> Database:
    insert_products(database)
    return database


def test_a_plan_is_fitted_and_made_and_goes(shop: Database) -> None:
    request_plan(shop, "short", FITTED)
    said: list[str] = []
    assert work_plans(shop, said.append, NEVER)
    assert said == ["making the space short"]
    space = find_space(shop, "short")
    assert (space.state, space.text_dimensions, space.text_projection) == ("building", 4, "pca")
    assert [(model.method, model.output_dimensions) for model in list_models(shop, space.id)] == [("pca", 4)]
    assert list_plans(shop) == []
    assert not work_plans(shop, said.append, NEVER)


def test_a_plan_that_cannot_be_made_keeps_its_reason_and_the_next_is_made(shop: Database) -> None:
    request_plan(shop, "wrong", Recipe(text="unheard", image=None, text_weight=1.0, image_weight=0.0))
    request_plan(shop, "right", WORDS)
    assert work_plans(shop, note, NEVER)
    assert work_plans(shop, note, NEVER)
    failed = find_plan(shop, "wrong")
    assert failed is not None
    assert failed.state == "failed"
    assert failed.error is not None
    assert "There is no text encoder 'unheard'" in failed.error
    assert find_space(shop, "right").state == "building"
    assert not work_plans(shop, note, NEVER)


def test_an_interrupted_plan_is_taken_up_again(shop: Database) -> None:
    request_plan(shop, "short", FITTED)
    assert work_plans(shop, note, lambda: True)
    plan = find_plan(shop, "short")
    assert plan is not None
    assert plan.state == "waiting"
    assert work_plans(shop, note, NEVER)
    assert find_space(shop, "short").state == "building"


def test_what_a_killed_worker_left_over_is_cleared_away(shop: Database) -> None:
    request_plan(shop, "short", FITTED)
    request_plan(shop, "made", WORDS)
    with shop.write() as connection:
        connection.execute("UPDATE space_plans SET state = 'fitting', started_at = now()")
    create_space(shop, "made", WORDS)
    assert work_plans(shop, note, NEVER)
    assert work_plans(shop, note, NEVER)
    assert list_plans(shop) == []
    assert find_space(shop, "short").text_dimensions == 4


def test_one_process_makes_plans_at_a_time(shop: Database) -> None:
    request_plan(shop, "short", FITTED)
    with shop.alone() as other:
        other.execute("SELECT pg_advisory_lock(hashtext('shelfmate.plans'))")
        assert not work_plans(shop, note, NEVER)
    assert work_plans(shop, note, NEVER)
