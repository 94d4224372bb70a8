"""The role analyst reads everything and changes nothing."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from small_catalogue import drain, fresh_database, insert_products

from backend.database.connection import Database, with_search_path
from backend.database.migrate import upgrade

Connection = psycopg.Connection[tuple[object, ...]]

RELATIONS = """SELECT relname FROM pg_class
                WHERE relnamespace = 'shelfmate'::regnamespace AND relkind IN ('r', 'p', 'v')
                  AND relname NOT IN ('api_keys', 'signing_keys', 'alembic_version') ORDER BY 1"""
READERS = [
    "SELECT * FROM similar_products('SKU-001', 5)",
    "SELECT * FROM similar_products('SKU-001', 5, category => 'Apparel', price_max => 50, w_text => 0.2, w_image => 1)",
    "SELECT * FROM similar_products_exact('SKU-001', 5, space => 'default')",
    "SELECT * FROM explain_similarity('SKU-001', 'SKU-002')",
    """SELECT * FROM recommend('{"like": [{"sku": "SKU-001"}], "unlike": [{"sku": "SKU-002"}], "diversity": 0.5,
                                 "filter": {"field": "price", "lt": 50}, "one_per_variant_group": true}')""",
    """SELECT * FROM filter_products('{"field": "category", "under": "Apparel"}')""",
    "SELECT * FROM popular_products(3)",
    "SELECT * FROM newest_products(3)",
    """SELECT * FROM search_products('{"text": "shirt"}')""",
    "SELECT * FROM rank_products(find_space('default'), (find_embedding(find_space(NULL), 'SKU-001')).fused, 3)",
    "SELECT * FROM active_embeddings ORDER BY fused <#> (SELECT fused FROM active_embeddings LIMIT 1) LIMIT 5",
    "SELECT name, scopes, last_used_at FROM api_keys",
]
WRITES = [
    "INSERT INTO products (sku, title) VALUES ('X', 'X')",
    "UPDATE products SET price = 0",
    "DELETE FROM reviews",
    "TRUNCATE events",
    "UPDATE product_embeddings SET fused = fused",
    "DELETE FROM embedding_jobs",
    "COPY products (sku, title) FROM STDIN",
    "SELECT * FROM products FOR UPDATE",
    "CREATE TABLE shelfmate.mine (id int)",
    "CREATE FUNCTION shelfmate.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER TABLE products ADD mine int",
    "DROP VIEW active_embeddings",
    "COMMENT ON TABLE products IS 'mine'",
    "SELECT nextval('embedding_lease_token')",
    "SELECT ensure_category('X')",
    "SELECT rename_category('Apparel', 'Y')",
    "SELECT queue_embeddings('{1}')",
    "SELECT create_space('x', NULL, NULL, '{title}', 0, 0, 'hashing:64', '2', 64, 1)",
    "SELECT activate_space('default')",
    "SELECT comment_active_embeddings()",
    "SELECT count_popularity()",
    "SELECT rate_products('{1}')",
    "SELECT complete_recommendation(gen_random_uuid())",
    "INSERT INTO ranking_rules (name, action, filter) VALUES ('x', 'hide', '{\"all\": []}')",
    "DELETE FROM recommendations",
]


@pytest.fixture(scope="module")
def catalogue(server_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    # Migrated, not copied: what a role's login sets is not part of a database.
    with fresh_database(server_dsn, None, tmp_path_factory.mktemp("home")) as (database, settings):
        insert_products(database)
        drain(database, settings)
        with database.write() as connection:
            connection.execute("INSERT INTO api_keys (name, key_hash, scopes) VALUES ('shop', '\\x00', '{read}')")
        yield database


@pytest.fixture
def analyst(catalogue: Database) -> Iterator[Connection]:
    """A real login as analyst, without a search path of ours."""
    dsn = make_conninfo(catalogue.dsn, user="analyst", options="")
    try:
        connection = psycopg.connect(dsn, autocommit=True)
    except psycopg.OperationalError as error:
        pytest.skip(f"this server lets analyst in by another way only: {error}")
    with connection:
        yield connection


@pytest.fixture
def assumed(catalogue: Database) -> Iterator[Connection]:
    """The owner's session as analyst, where no setting of the login stands in the way of a write."""
    with psycopg.connect(catalogue.dsn, autocommit=True) as connection:
        connection.execute("SET ROLE analyst")
        yield connection


def test_an_analyst_reads_every_table_and_view(analyst: Connection) -> None:
    relations = [row[0] for row in analyst.execute(RELATIONS).fetchall()]
    assert {"products", "product_embeddings_1", "active_embeddings", "embedding_jobs"} <= set(relations)
    for relation in relations:
        analyst.execute(f"SELECT * FROM {relation} LIMIT 1".encode()).fetchall()


@pytest.mark.parametrize("question", READERS)
def test_an_analyst_calls_the_published_functions(analyst: Connection, assumed: Connection, question: str) -> None:
    for connection in (analyst, assumed):
        assert connection.execute(question.encode()).fetchall()


@pytest.mark.parametrize("statement", WRITES)
def test_an_analyst_may_change_nothing(assumed: Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        assumed.execute(statement.encode())


def test_an_analyst_may_call_what_only_reads_and_nobody_else_may(assumed: Connection) -> None:
    rows = assumed.execute(
        """SELECT f.proname, has_function_privilege('analyst', f.oid, 'EXECUTE') = (f.provolatile <> 'v'),
                  EXISTS (SELECT FROM aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a WHERE a.grantee = 0)
             FROM pg_proc f WHERE f.pronamespace = 'shelfmate'::regnamespace"""
    ).fetchall()
    assert len(rows) > 50
    assert [name for name, is_right, _ in rows if not is_right] == []
    assert [name for name, _, is_public in rows if is_public] == []


def test_no_function_lends_an_analyst_the_rights_of_its_owner(assumed: Connection) -> None:
    rows = assumed.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'shelfmate'::regnamespace AND prosecdef"
    ).fetchall()
    assert rows == []


def test_an_analyst_sees_no_key_hash(analyst: Connection) -> None:
    for statement in (
        "SELECT key_hash FROM api_keys",
        "SELECT * FROM api_keys",
        "SELECT count(*) FROM api_keys k WHERE k = k",
        "SELECT key FROM signing_keys",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute(statement.encode())


def test_an_analysts_login_reads_only_and_stops_after_a_while(analyst: Connection) -> None:
    settings = [analyst.execute(f"SHOW {name}".encode()).fetchone() for name in ("statement_timeout", "search_path")]
    assert settings == [("30s",), ("shelfmate, public",)]
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        analyst.execute("CREATE TEMP TABLE mine (id int)")
    analyst.execute("SET statement_timeout = '50ms'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        analyst.execute("SELECT pg_sleep(5)")


def test_an_analyst_reads_the_view_of_a_space_that_was_made_later(database: Database) -> None:
    with database.write() as connection:
        connection.execute("SELECT create_space('second', 'hashing:8', '2', '{title}', 8, 1, NULL, NULL, 0, 0)")
        connection.execute("SELECT activate_space('second', force => true)")
        connection.execute("SET LOCAL ROLE analyst")
        assert connection.execute("SELECT * FROM active_embeddings").fetchall() == []
        assert connection.execute("SELECT * FROM product_embeddings_2").fetchall() == []


def test_an_owner_who_is_no_superuser_can_migrate(server_dsn: str) -> None:
    """With pgvector made by an administrator and the right to make roles, as docs/operations.md asks for."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        # The role analyst is of the whole server: another test may have made it.
        connection.execute("CREATE ROLE plain_owner LOGIN CREATEROLE")
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'analyst'").fetchone():
            connection.execute("GRANT analyst TO plain_owner WITH ADMIN OPTION")
        try:
            connection.execute("CREATE DATABASE plain OWNER plain_owner")
            dsn = make_conninfo(server_dsn, dbname="plain")
            with psycopg.connect(dsn, autocommit=True) as administrator:
                administrator.execute("CREATE EXTENSION vector")
            upgrade(Database(with_search_path(make_conninfo(dsn, options="-crole=plain_owner"))))
            with psycopg.connect(make_conninfo(dsn, options="-crole=plain_owner")) as owner:
                assert owner.execute("SELECT count(*) FROM shelfmate.products").fetchone() == (0,)
        finally:
            connection.execute("DROP DATABASE IF EXISTS plain WITH (FORCE)")
            connection.execute("DROP OWNED BY plain_owner CASCADE")
            connection.execute("DROP ROLE plain_owner")
