"""docs/filters.md: its filters are answered, its statements run as the analyst, its errors are word for word."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from small_catalogue import fresh_database, insert_products

from backend.database.connection import Database
from backend.database.problems import translated
from backend.errors import InvalidInput

PAGE = (Path(__file__).parents[2] / "docs" / "filters.md").read_text(encoding="utf-8")
FILTERS = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
STATEMENTS = re.findall(r"^```sql rows(>?=)(\d+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ERRORS = re.findall(r"^\| `(\{.*?\})` \| `(filter.*)` \|$", PAGE, re.MULTILINE)
FIELDS = re.findall(
    r"^\| (`.*`) \| (`.*`) \|.*\|$", PAGE[PAGE.index("## Fields") : PAGE.index("## Attributes")], re.MULTILINE
)


@pytest.fixture(scope="module")
def database(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with fresh_database(server_dsn, template, tmp_path_factory.mktemp("home")) as (database, _):
        insert_products(database)
        yield database


@pytest.fixture(scope="module")
def connection(database: Database) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("SET ROLE analyst")
        connection.execute("SET default_transaction_read_only = on")
        yield connection


def test_every_fence_is_seen() -> None:
    assert PAGE.count("```") == 2 * (len(FILTERS) + len(STATEMENTS))
    assert len(ERRORS) >= 6


@pytest.mark.parametrize("text", FILTERS)
def test_the_filters_are_answered(connection: psycopg.Connection[Any], text: str) -> None:
    connection.execute("SELECT filter_products(%s)", [Jsonb(json.loads(text))])


@pytest.mark.parametrize(("relation", "count", "statement"), STATEMENTS)
def test_the_statements_run(connection: psycopg.Connection[Any], relation: str, count: str, statement: str) -> None:
    rows = connection.execute(statement.encode()).fetchall()
    assert len(rows) >= int(count) if relation == ">=" else len(rows) == int(count)


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_the_errors_say_what_the_page_says(connection: psycopg.Connection[Any], text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught, translated():
        connection.execute("SELECT filter_products(%s)", [Jsonb(json.loads(text))])
    assert str(caught.value) == message


def test_the_table_of_fields_is_the_function_s(connection: psycopg.Connection[Any]) -> None:
    documented = {
        field: re.findall(r"`(\w+)`", operators)
        for fields, operators in FIELDS
        for field in re.findall(r"`(.+?)`", fields)
    }
    assert len(documented) == 14
    for field, operators in documented.items():
        row = connection.execute("SELECT filter_operators(%s)", [field]).fetchone()
        assert row is not None
        assert sorted(row[0] or []) == sorted(operators), field
