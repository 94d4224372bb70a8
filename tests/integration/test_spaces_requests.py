"""Spaces that were asked for, where something is in the way: what is refused at once, and what waits."""

import threading

import pytest
from small_catalogue import insert_products
from space_fixtures import WORDS, insert

from backend.database.connection import Database
from backend.errors import DatabaseUnavailable, InvalidInput, NotFound, TookTooLong
from backend.settings import Settings
from backend.spaces import making
from backend.spaces.life import create_space, find_space
from backend.spaces.making import check_encoders, make_space, work_plans
from backend.spaces.models import list_models
from backend.spaces.overview import find_report, list_reports
from backend.spaces.plans import find_plan, request_plan
from backend.spaces.recipe import Recipe, choose_recipe
from backend.spaces.requesting import request_space
from tests.eventually import eventually
from workers.progress import Progress
from workers.worker import Worker

# The third block is fitted, the other two are too long whatever comes of it.
TOO_LONG = choose_recipe(text="hashing:3000", image="hashing:2000", reviews="hashing:64", projections=["reviews=pca:8"])
FITTED = choose_recipe(text="hashing:16", projections=["pca:4"])


@pytest.mark.parametrize("error", [DatabaseUnavailable, TookTooLong])
def test_an_outage_during_a_fit_fails_no_plan(
    database: Database, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def away(*_arguments: object) -> None:
        raise error("no database connection became free in time")

    insert_products(database)
    request_plan(database, "short", FITTED)
    with monkeypatch.context() as patched:
        patched.setattr(making, "make_space", away)
        with pytest.raises(error):
            work_plans(database, lambda _line: None, lambda: False)
    assert work_plans(database, lambda _line: None, lambda: False)
    assert find_space(database, "short").text_projection == "pca"


def test_a_space_that_cannot_be_filled_keeps_no_other_from_being_made(database: Database, settings: Settings) -> None:
    insert(database, 20)
    create_space(database, "stuck", WORDS)
    with database.write() as connection:
        connection.execute("UPDATE embedding_spaces SET text_version = 'of another machine' WHERE name = 'stuck'")
    request_plan(database, "planned", FITTED)
    worker = Worker(database, settings, Progress())
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        eventually(lambda: find_plan(database, "planned") is None, 60)
        eventually(lambda: find_space(database, "planned").state == "shadow", 60)
        assert find_space(database, "stuck").state == "building"
    finally:
        worker.stopping.set()
        thread.join()


@pytest.mark.parametrize(
    ("recipe", "field", "reason"),
    [
        (Recipe(text="unheard", image=None, text_projection="pca:4"), "text", "There is no text encoder 'unheard'"),
        (Recipe(text=None, image="resnet50?weights=/none.pth"), "image", "there is no file /none.pth"),
        (Recipe(text=None, image=None, reviews="unheard"), "reviews", "There is no text encoder 'unheard'"),
        (TOO_LONG, "projection", "3,000 \\+ 2,000 dimensions together"),
    ],
)
def test_encoders_that_cannot_be_used_are_refused_before_anything_is_planned(
    database: Database, recipe: Recipe, field: str, reason: str
) -> None:
    for refuse in (lambda: check_encoders(recipe), lambda: request_space(database, "no", recipe)):
        with pytest.raises(InvalidInput, match=reason) as caught:
            refuse()
        assert caught.value.field == field
    assert find_plan(database, "no") is None


def test_texts_that_are_all_alike_can_be_projected(database: Database) -> None:
    insert(database, 12)
    with database.write() as connection:
        connection.execute("UPDATE products SET title = 'one title for all'")
    recipe = choose_recipe(text="hashing:16", projections=["pca:1"])
    space = make_space(database, "alike", recipe)
    assert [model.report["kept_variance"] for model in list_models(database, space.id)] == [0.0]


def test_what_was_just_made_is_shown_whatever_the_replica_knows_of_it(database: Database) -> None:
    space = create_space(database, "new", WORDS)
    with Database(database.dsn, read_dsn="host=/nowhere dbname=nothing") as behind:
        report = find_report(behind, "new")
        assert (report.space, [item.space.name for item in list_reports(behind)]) == (space, ["default", "new"])
        with pytest.raises(NotFound, match="there is no embedding space 'none'; there are: default, new"):
            find_report(behind, "none")
