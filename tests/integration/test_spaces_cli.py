"""shelfmate space: what people type, and what they are told."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from click.testing import CliRunner, Result
from small_catalogue import fresh_database, insert_products
from space_fixtures import WORDS, fill

from backend.cli import main
from backend.database.connection import Database
from backend.settings import Settings
from backend.settings import settings as read_settings
from backend.spaces.life import create_space, find_space

Run = Callable[..., Result]


def environment_of(settings: Settings) -> dict[str, str]:
    return {
        "DATABASE_URL": settings.database_url or "",
        "SHELFMATE_HOME": str(settings.home),
        "SHELFMATE_TEXT_ENCODER": "hashing:64",
        "SHELFMATE_IMAGE_ENCODER": "hashing:64",
    }


def space_command(environment: dict[str, str], *arguments: str, answer: str | None = None) -> Result:
    """What ``shelfmate space`` says and ends with; standard output and error are one."""
    read_settings.cache_clear()
    try:
        return CliRunner().invoke(main, ["space", *arguments], input=answer, env=environment)
    finally:
        read_settings.cache_clear()


@pytest.fixture
def environment(database: Database, settings: Settings) -> dict[str, str]:
    return environment_of(settings)


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    return partial(space_command, environment)


def stock(database: Database) -> None:
    """315 products, embedded in a space of words that is active and in a shadow; default is retired."""
    insert_products(database)
    for name in ("first", "second"):
        fill(database, create_space(database, name, WORDS))
    with database.write() as connection:
        connection.execute("SELECT activate_space('first')")
        connection.execute("SELECT retire_space('default')")


@pytest.fixture
def shop(database: Database) -> Database:
    stock(database)
    return database


@pytest.fixture(scope="module")
def refuse(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs commands that change nothing, over a shop that they share."""
    with fresh_database(server_dsn, template, tmp_path_factory.mktemp("home")) as (database, settings):
        stock(database)
        yield partial(space_command, environment_of(settings))


def test_a_space_is_made_filled_and_activated(
    database: Database, settings: Settings, environment: dict[str, str]
) -> None:
    insert_products(database)
    command = [sys.executable, "-m", "backend.cli", "space"]
    options = [
        "--text",
        "hashing:16",
        "--image",
        "hashing:8",
        "--text-inputs",
        "title,brand",
        "--weights",
        "text=3,image=1",
    ]
    ended = subprocess.run(
        [*command, "create", "mine", *options],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "creating the space mine" in ended.stderr
    assert ended.stdout.splitlines()[0] == "mine is made: 32 + 8 dimensions"
    assert ended.stdout.splitlines()[1].startswith("mine is filled: 315 products, ")
    assert ended.stdout.splitlines()[2].endswith("shelfmate space compare mine, then shelfmate space activate mine")
    space = find_space(database, "mine")
    assert (space.state, space.text_weight, space.text_inputs) == ("shadow", 0.75, ["title", "brand"])


def test_a_fill_may_be_left_to_workers(run: Run, database: Database) -> None:
    result = run("create", "mine", "--text", "hashing:16", "--no-fill")
    assert result.exit_code == 0, result.output
    assert "shelfmate worker" in result.output
    assert "shelfmate space show mine" in result.output
    shown = run("show", "mine").output
    assert "building" in shown
    assert "hashing:16 x 1, 16 dimensions" in shown


def test_spaces_are_listed_with_how_far_they_are(run: Run, shop: Database) -> None:
    create_space(shop, "third", WORDS)
    lines = [line.split() for line in run("list").output.splitlines()]
    rows = {line[0]: line[1:] for line in lines if line}
    assert rows["first"][0] == "active"
    assert rows["default"][0] == "retired"
    assert rows["third"][0] == "building"
    assert rows["second"][5:9] == ["315", "of", "315", rows["second"][8]]
    assert rows["third"][-2:] == ["filling,", "0%"]


def test_a_space_is_activated_rolled_back_retired_resumed_and_dropped(run: Run, shop: Database) -> None:
    activated = run("activate", "second")
    assert activated.output.startswith("second answers now, after 0.")
    assert "shelfmate space rollback" in activated.output
    assert run("activate", "second").output == "second is active already\n"
    assert run("rollback").output.startswith("first answers again, after 0.")
    assert "shelfmate space resume or drop second" in run("retire", "second").output
    assert "workers fill it" in run("resume", "second", "--no-fill").output
    refused = run("drop", "second", answer="n\n")
    assert "This deletes the vectors of 315 products" in refused.output
    assert find_space(shop, "second").state == "building"
    assert run("drop", "second", "--yes").output == "second is dropped\n"


def test_two_spaces_are_compared(run: Run, shop: Database) -> None:
    found = run("compare", "second", "--sample", "10", "--k", "5", "--json")
    assert found.exit_code == 0, found.output
    figures = json.loads(found.stdout)
    assert (figures["a"]["name"], figures["b"]["name"]) == ("first", "second")
    assert figures["overlap"]["mean"] == 1
    assert "second less first" in run("compare", "second", "first", "--sample", "10").output
    assert "is the active space itself" in run("compare", "first").output


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["create", "first", "--text", "hashing"], 2, "there is an embedding space first already"),
        (["create", "First"], 2, "Invalid value for NAME: 'First' is no name of a space"),
        (
            ["create", "x", "--recipe", "none"],
            2,
            "Invalid value for --recipe: there is no recipe 'none'; there are default",
        ),
        (["create", "x", "--text", "hashing", "--text-inputs", "sku"], 2, "Invalid value for --text-inputs: 'sku'"),
        (["create", "x", "--text", "hashing", "--projection", "umap"], 2, "Invalid value for --projection"),
        (["create", "x", "--text", "unheard"], 2, "There is no text encoder 'unheard'. There are: minilm"),
        (["activate", "nobody"], 2, "there is no embedding space 'nobody'; there are: default, first, second"),
        (["activate", "default"], 2, "default is retired: resume it"),
        (["retire", "first"], 2, "first is active: activate another one first"),
        (["drop", "first", "--yes"], 2, "first is active: activate another one first"),
        (["resume", "second"], 2, "second is not retired: it is shadow"),
        (["rollback"], 2, "default is retired: resume it"),
    ],
)
def test_what_cannot_be_done_says_why_and_what_can(refuse: Run, arguments: list[str], status: int, said: str) -> None:
    result = refuse(*arguments)
    assert said in " ".join(result.output.split())
    assert result.exit_code == status
