"""Health, readiness, metrics, the document, its page, and errors that no handler foresaw."""

import logging
import re

import psycopg
import pytest
from api_fixtures import PROBLEM, ConformingClient, app, client, conforming_client
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from backend.app import create_app
from backend.database.connection import Database
from backend.settings import Settings
from backend.spaces.embedder import Embedder

__all__ = ["app", "client"]


def test_the_document_is_valid_openapi_3_1(client: ConformingClient) -> None:
    assert client.document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(client.document).validate()


def test_every_route_of_the_api_is_in_the_document_and_none_besides(client: ConformingClient) -> None:
    served = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in client.application.url_map.iter_rules()
        # The pages are for people.
        if not rule.endpoint.startswith("shelf.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    documented = {(path, method) for path, methods in client.document["paths"].items() for method in methods}
    assert documented == served
    assert len(served) > 20


def test_the_document_says_what_is_accepted(client: ConformingClient) -> None:
    schemas = client.document["components"]["schemas"]
    assert schemas["ProductBody"]["required"] == ["title"]
    assert schemas["ProductBody"]["additionalProperties"] is False
    similar = client.document["paths"]["/v1/products/{sku}/similar"]["get"]
    by_name = {parameter["name"]: parameter for parameter in similar["parameters"]}
    assert by_name["k"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 10}
    assert by_name["price_min"]["schema"]["type"] == "number"
    assert "embedding-pending" in similar["responses"]["409"]["description"]
    image = client.document["paths"]["/v1/products/{sku}/image"]["put"]
    assert set(image["requestBody"]["content"]) == {"image/*", "application/octet-stream", "multipart/form-data"}


def test_the_page_shows_every_operation_type_and_problem_and_asks_no_other_host(client: ConformingClient) -> None:
    page = client.get("/docs").text
    for methods in client.document["paths"].values():
        for operation in methods.values():
            if operation["operationId"] not in {"show_document", "show_docs", "show_problem", "show_metrics"}:
                assert f'id="{operation["operationId"]}"' in page
    for name, schema in client.document["components"]["schemas"].items():
        assert f'id="{name}"' in page or "properties" not in schema
    for target in re.findall(r'href="#(\w+)"', page):
        assert f'id="{target}"' in page or "properties" not in client.document["components"]["schemas"][target]
    assert 'id="problem-embedding-pending"' in page
    assert not re.search(r"https?://", page)
    assert client.get("/problems/embedding-pending").headers["Location"] == "/docs#problem-embedding-pending"
    assert client.get("/problems/method-not-allowed").headers["Location"] == "/docs#problem-method-not-allowed"
    assert 'id="problem-method-not-allowed"' in page
    assert (client.get("/problems/foo").status_code, client.get("/problems/foo").mimetype) == (404, PROBLEM)


def test_a_process_is_alive_and_ready(client: ConformingClient) -> None:
    assert client.get("/healthz").json == {"status": "alive"}
    assert client.get("/readyz").json == {"status": "ready", "space": "default"}


def test_without_a_database_the_process_is_alive_but_not_ready(settings: Settings) -> None:
    away = Database("host=/nowhere dbname=none connect_timeout=1")
    client = conforming_client(create_app(away, Embedder(), settings))
    assert client.get("/healthz").status_code == 200
    response = client.get("/readyz")
    assert (response.status_code, response.json["type"]) == (503, "/problems/not-ready")
    assert "Retry-After" in response.headers
    assert "/nowhere" not in response.text


def test_an_old_schema_or_no_active_space_is_not_ready(client: ConformingClient, database: Database) -> None:
    with database.write() as connection:
        connection.execute("UPDATE embedding_spaces SET state = 'shadow'")
    assert "space" in client.get("/readyz").json["detail"]
    with database.write() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    assert "shelfmate migrate" in client.get("/readyz").json["detail"]


def test_metrics_count_requests_jobs_and_vectors(client: ConformingClient) -> None:
    client.put("/v1/products/A1", json={"title": "x"})
    client.get("/v1/products/A1/similar")
    client.get("/v1/nowhere/1")
    client.open("/v1/nowhere/2", method="BREW")
    metrics = client.get("/metrics").text
    lines = set(metrics.splitlines())
    route = 'method="GET",route="/v1/products/<sku>/similar",status="409"'
    assert f"shelfmate_http_request_seconds_count{{{route}}} 1.0" in lines
    assert 'shelfmate_http_request_seconds_count{method="other",route="none",status="404"} 2.0' in lines
    assert 'shelfmate_embedding_jobs{priority="interactive",space="default",state="queued"} 1.0' in lines
    assert 'shelfmate_embedding_jobs{priority="backfill",space="default",state="queued"} 0.0' in lines
    assert 'shelfmate_embedding_finished_minute{outcome="died",space="default"} 0.0' in lines
    assert 'shelfmate_space_fill_share{space="default",state="active"} 0.0' in lines
    assert 'shelfmate_space_plans{state="failed"} 0.0' in lines
    assert 'shelfmate_embedded_products{space="default",state="active"} 0.0' in lines
    assert "shelfmate_database_up 1.0" in lines
    assert "BREW" not in metrics


def test_two_apps_in_one_process_count_for_themselves(app: Flask, database: Database, settings: Settings) -> None:
    app.test_client().get("/healthz")
    other = create_app(database, Embedder(), settings).test_client()
    assert "healthz" not in other.get("/metrics").text


def test_unknown_paths_and_methods_are_problems(client: ConformingClient) -> None:
    missing = client.get("/v1/nowhere")
    assert (missing.status_code, missing.mimetype) == (404, PROBLEM)
    wrong = client.post("/v1/products/A1", json={})
    assert (wrong.status_code, wrong.mimetype) == (405, PROBLEM)
    assert {"GET", "PUT", "PATCH", "DELETE"} <= set(wrong.headers["Allow"].split(", "))
    assert client.delete("/healthz").status_code == 405
    assert client.get("/healthz?verbose=1").json["errors"][0]["field"] == "verbose"


def test_an_unforeseen_error_is_logged_and_tells_the_client_nothing(
    app: Flask, client: ConformingClient, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with database.write() as connection:
        connection.execute("ALTER TABLE products RENAME COLUMN brand TO make")
    with caplog.at_level(logging.ERROR):
        response = client.get("/v1/products/A1")
    assert (response.status_code, response.json["type"]) == (500, "/problems/internal-error")
    assert "brand" not in response.text
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [psycopg.errors.UndefinedColumn]


def test_a_lost_database_is_answered_503(
    client: ConformingClient, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/v1/products")
    with database.alone() as connection:
        connection.execute(
            # Waits up to a minute until it has ended: until then it may still answer.
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    lost = client.get("/v1/products")
    assert (lost.status_code, lost.json["type"]) == (503, "/problems/database-unavailable")
    assert lost.headers["Retry-After"] == "1"
    assert client.get("/v1/products").status_code == 200


def test_what_a_page_of_another_site_makes_a_browser_send_changes_nothing(client: ConformingClient) -> None:
    elsewhere = (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://elsewhere.example"},
    )
    for headers in elsewhere:
        for path in ("/v1/spaces:rollback", "/v1/jobs:retry"):
            answer = client.post(path, headers=headers)
            assert (answer.status_code, answer.mimetype) == (403, "application/problem+json")
            assert "another site" in answer.text
        assert client.get("/v1/products", headers=headers).status_code == 200
        assert client.post("/v1/jobs:retry", headers=headers | {"Authorization": "Bearer any"}).status_code == 200
    for headers in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://localhost"}):
        assert client.post("/v1/jobs:retry", headers=headers).status_code == 200
