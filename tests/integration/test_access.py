"""Keys: who may call what, where the settings ask for them."""

from base64 import b64encode
from datetime import timedelta

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from backend import access
from backend.access import Guard, create_key, list_keys, revoke_key
from backend.app import create_app
from backend.cli import main
from backend.database.connection import Database
from backend.errors import Conflict, InvalidInput, KeyRequired, NotAllowed, NotFound
from backend.settings import Settings
from backend.spaces.embedder import Embedder


@pytest.fixture
def guarded(database: Database, settings: Settings) -> FlaskClient:
    """A client of an app that asks for keys."""
    return create_app(database, Embedder(database), settings.model_copy(update={"require_keys": True})).test_client()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"admin:{key}".encode()).decode()}


PRODUCT = {"title": "Red dress"}


def test_without_a_key_nothing_of_the_api_answers_and_the_problem_says_what_to_send(guarded: FlaskClient) -> None:
    for method, path in (
        ("GET", "/v1/products"),
        ("PUT", "/v1/products/A1"),
        ("POST", "/v1/search"),
        ("GET", "/metrics"),
    ):
        answer = guarded.open(path, method=method, json=PRODUCT if method != "GET" else None)
        assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "Authorization: Bearer" in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/docs", "/"])
def test_health_the_documentation_and_the_storefront_stay_open(guarded: FlaskClient, path: str) -> None:
    assert guarded.get(path).status_code in (200, 503)


def test_a_key_opens_what_its_scope_and_those_below_it_open(guarded: FlaskClient, database: Database) -> None:
    keys: dict[str, dict[str, str]] = {scope: bearer(create_key(database, scope, [scope])) for scope in access.SCOPES}
    reading = {"GET /v1/products": None, "POST /v1/recommendations": {"fallback": True}}
    writing = {"PUT /v1/products/A1": PRODUCT}
    ruling = {"PUT /v1/rules/r": {"action": "hide", "filter": {"field": "brand", "eq": "x"}}}
    for scope, opened in (("read", reading), ("write", reading | writing), ("admin", reading | writing | ruling)):
        for request, body in (reading | writing | ruling).items():
            method, path = request.split()
            status = guarded.open(path, method=method, json=body, headers=keys[scope]).status_code
            assert (status < 300) is (request in opened), (scope, request, status)
            assert request in opened or status == 403


def test_the_admin_pages_take_an_admin_key_as_a_password(guarded: FlaskClient, database: Database) -> None:
    assert guarded.get("/admin").status_code == 401
    assert guarded.get("/admin").headers["WWW-Authenticate"].startswith("Basic ")
    assert guarded.get("/admin", headers=basic(create_key(database, "reader", ["read"]))).status_code == 403
    assert guarded.get("/admin/spaces", headers=basic(create_key(database, "boss", ["admin"]))).status_code == 200


def test_a_revoked_key_is_refused_once_it_is_forgotten(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "REMEMBERED_SECONDS", 0.0)
    guard, key = Guard(database), create_key(database, "shop", ["write"])
    guard.check(key, "read")
    with pytest.raises(NotAllowed):
        guard.check(key, "admin")
    revoke_key(database, "shop")
    with pytest.raises(KeyRequired):
        guard.check(key, "read")
    with pytest.raises(NotFound):
        revoke_key(database, "shop")


def test_a_key_is_kept_as_a_hash_and_its_use_is_noted(database: Database) -> None:
    key = create_key(database, "shop", ["write", "read"])
    (listed,) = list_keys(database)
    assert (listed.scopes, listed.last_used_at, listed.revoked_at) == (["read", "write"], None, None)
    Guard(database).check(key, "write")
    (used,) = list_keys(database)
    assert used.last_used_at is not None
    assert used.last_used_at - used.created_at < timedelta(minutes=10)
    with database.write() as connection:
        stored = connection.execute("SELECT k::text FROM api_keys k").fetchall()
    assert key not in str(stored)


def test_names_are_used_once_and_scopes_are_known(database: Database) -> None:
    create_key(database, "shop", ["read"])
    with pytest.raises(Conflict):
        create_key(database, "shop", ["read"])
    for name, scopes in (("", ["read"]), ("x\n", ["read"]), ("y", ["own"]), ("z", [])):
        with pytest.raises(InvalidInput):
            create_key(database, name, scopes)


def test_the_command_prints_the_key_alone(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import nullcontext

    from backend.cli import keys as commands

    monkeypatch.setattr(commands, "opened_database", lambda: nullcontext(database))
    made = CliRunner().invoke(main, ["keys", "create", "shop", "--scope", "write"])
    Guard(database).check(made.stdout.strip(), "write")
    assert "shop" in CliRunner().invoke(main, ["keys", "list"]).stdout
    assert CliRunner().invoke(main, ["keys", "revoke", "shop"]).exit_code == 0
    again = CliRunner().invoke(main, ["keys", "revoke", "shop"])
    assert (again.exit_code, "shelfmate keys list" in again.stderr) == (2, True)
