"""Links that a fit has seen are no test of it: asked is what the fit kept apart, or it is said that it cannot be."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.types.json import Jsonb

from backend.database.connection import Database
from backend.evaluation.unseen import unseen_products
from backend.spaces.life import find_space
from backend.spaces.projections.catalogue import read_catalogue
from backend.spaces.projections.held_out import part


@pytest.fixture
def learned(database: Database) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """1,300 products, in pairs of variants, and a space that says it learned from all of them."""
    with database.write() as connection:
        connection.execute(
            "INSERT INTO products (sku, title, category, variant_group)"
            " SELECT 'L' || n, 'Title', 'Many/Things', 'pair' || n / 2 FROM generate_series(1, 1300) n"
        )
        row = connection.execute(
            "INSERT INTO embedding_spaces (name, text_encoder, text_version, text_dimensions, text_weight,"
            " image_dimensions, image_weight, state) VALUES ('learned', 'hashing:8', '2', 8, 1, 0, 0, 'shadow')"
            " RETURNING id"
        ).fetchone()
    catalogue = read_catalogue(database, None, 20_000, 5)
    _, held_out = part(catalogue.links.kin(catalogue.photographs), 5)
    report = {"seed": 5, "sample": len(catalogue.ids), "held_out": {"products": len(held_out)}}
    assert row is not None
    with database.write() as connection:
        connection.execute(
            "INSERT INTO space_models (space_id, modality, part, method, content, input_dimensions, output_dimensions,"
            " report) VALUES (%s, 'text', 'projection', 'learned', 'x', 8, 8, %s)",
            [row[0], Jsonb(report)],
        )
    with database.alone() as connection:
        connection.execute("CREATE TEMP TABLE evaluation_pool AS SELECT id AS product_id FROM products")
        yield connection


def test_only_what_a_fit_kept_apart_is_asked(
    database: Database, learned: psycopg.Connection[tuple[object, ...]]
) -> None:
    space = find_space(database, "learned")
    found = unseen_products(database, learned, space)
    catalogue = read_catalogue(database, None, 20_000, 5)
    training, held_out = part(catalogue.links.kin(catalogue.photographs), 5)
    assert found.products == {catalogue.ids[place] for place in held_out}
    assert 50 <= len(held_out) < len(training)
    assert found.note is not None
    assert f"asked of the {len(held_out):,} others alone" in found.note
    assert unseen_products(database, learned, find_space(database, "default")).products is None


def test_a_catalogue_that_changed_since_the_fit_is_said(
    database: Database, learned: psycopg.Connection[tuple[object, ...]]
) -> None:
    with database.write() as connection:
        connection.execute("DELETE FROM products WHERE sku = 'L7'")
    found = unseen_products(database, learned, find_space(database, "learned"))
    assert found.products is None
    assert found.note is not None
    assert "changed since" in found.note


def test_what_came_after_the_fit_was_not_seen(
    database: Database, learned: psycopg.Connection[tuple[object, ...]]
) -> None:
    with database.write() as connection:
        connection.execute(
            "INSERT INTO products (sku, title, created_at) VALUES ('late', 'Title', now() + interval '1 hour')"
        )
    learned.execute("INSERT INTO evaluation_pool SELECT id FROM products WHERE sku = 'late'")
    found = unseen_products(database, learned, find_space(database, "learned"))
    [[late]] = learned.execute("SELECT id FROM products WHERE sku = 'late'").fetchall()
    assert found.products is not None
    assert late in found.products
