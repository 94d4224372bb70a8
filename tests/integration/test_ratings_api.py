"""POST /v1/ratings:predict and GET /v1/ratings/models, each answer held against the document."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from api_fixtures import ConformingClient, a_picture, app, client, conforming_client
from rating_models_fixtures import add_reviews
from werkzeug.test import TestResponse

from backend.app import create_app
from backend.catalog.images import put_image
from backend.database.connection import Database
from backend.ratings.corpus import clean, read_database
from backend.ratings.learning import Learnt, Plan, learn
from backend.ratings.loaded import MOST_LOADED, LoadedModels
from backend.ratings.predictions import predict_unrated
from backend.ratings.side_by_side import Encoders
from backend.ratings.store import delete_model, save_model, use_model
from backend.settings import Settings
from backend.spaces.embedder import Embedder

__all__ = ["app", "client"]

PLAN = Plan(
    forms=("baseline",), parts=(), random_split=False, resamples=50, encoders=Encoders("hashing:64", "hashing:64")
)
LOVED = {"title": "", "text": "lovely perfect after 3 days"}
HATED = {"title": "", "body": "awful rubbish after 3 days"}


@pytest.fixture
def learnt(database: Database) -> Learnt:
    """A baseline, kept under the name words."""
    add_reviews(database)
    found = learn(clean(read_database(database)), PLAN, name="words", source="database")
    keep(database, found, "words")
    return found


def keep(database: Database, learnt: Learnt, name: str, *, default: bool = False) -> None:
    weights = learnt.models["baseline"]
    report = learnt.report.to_json()
    save_model(database, name, "baseline", weights, fingerprint=learnt.fingerprint, report=report, default=default)


def predict(client: ConformingClient, *reviews: object, **more: object) -> TestResponse:
    return client.post("/v1/ratings:predict", json={"reviews": list(reviews), **more})


def test_reviews_are_rated_in_order_by_the_default_or_a_named_model(
    client: ConformingClient, learnt: Learnt, database: Database
) -> None:
    answer = predict(client, LOVED, HATED, {"title": "lovely perfect"}).json
    assert (answer["model"], answer["form"]) == ("words", "baseline")
    loved, hated, titled = answer["items"]
    assert (loved["stars"], hated["stars"], titled["stars"]) == (5, 1, 5)
    for item in answer["items"]:
        assert sum(item["probabilities"]) == pytest.approx(1)
        expected = sum(star * share for star, share in enumerate(item["probabilities"], 1))
        assert item["expected"] == pytest.approx(expected)
    keep(database, learnt, "other")
    assert predict(client, LOVED, model="other").json["model"] == "other"
    use_model(database, "other")
    assert predict(client, LOVED).json["model"] == "other"


def test_a_title_that_says_the_rating_is_stripped_as_in_training(client: ConformingClient, learnt: Learnt) -> None:
    plain, marked = predict(client, LOVED, LOVED | {"title": "One Star"}).json["items"]
    assert marked == plain


def test_without_a_model_it_is_too_early_and_an_unknown_one_is_not_found(
    client: ConformingClient, database: Database
) -> None:
    early = predict(client, LOVED)
    assert (early.status_code, early.json["type"]) == (409, "/problems/not-ready")
    assert "shelfmate ratings train" in early.json["detail"]
    unknown = predict(client, LOVED, model="other")
    assert (unknown.status_code, unknown.json["type"]) == (404, "/problems/not-found")
    assert client.get("/v1/ratings/models").json == {"items": []}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reviews": []}, "reviews"),
        ({"reviews": [LOVED] * 257}, "reviews"),
        ({}, "reviews"),
        ({"reviews": [LOVED], "stars": 5}, "stars"),
        ({"reviews": [LOVED | {"rating": 5}]}, "reviews[0].rating"),
        ({"reviews": [LOVED, {"title": " ", "text": "\n"}]}, "reviews[1]"),
        ({"reviews": [LOVED | {"body": "twice"}]}, "reviews[0]"),
        ({"reviews": [{"text": "x" * 20_001}]}, "reviews[0].text"),
        ({"reviews": [{"text": 5}]}, "reviews[0].text"),
        ({"reviews": [LOVED, LOVED | {"sku": "nowhere"}]}, "reviews[1].sku"),
    ],
)
def test_what_cannot_be_rated_is_refused_by_its_field(
    client: ConformingClient, body: dict[str, object], field: str
) -> None:
    refused = client.post("/v1/ratings:predict", json=body)
    assert refused.status_code == 400
    assert field in [error["field"] for error in refused.json["errors"]]


def test_256_reviews_are_one_request(client: ConformingClient, learnt: Learnt) -> None:
    assert [item["stars"] for item in predict(client, *[LOVED, HATED] * 128).json["items"]] == [5, 1] * 128


def test_a_sku_brings_the_photograph_of_the_product(
    client: ConformingClient, learnt: Learnt, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_image(database, "R1", a_picture())
    seen = []
    rate = LoadedModels.rate

    def watched(self: LoadedModels, examples: list[object], name: str | None = None) -> object:
        seen.extend(examples)
        return rate(self, examples, name)

    monkeypatch.setattr(LoadedModels, "rate", watched)
    predict(client, LOVED | {"sku": "R1"}, LOVED | {"sku": "R2"}, LOVED)
    assert [(one.product, one.image is not None) for one in seen] == [("R1", True), ("R2", False), ("", False)]


def test_models_are_listed_with_their_measures(client: ConformingClient, learnt: Learnt) -> None:
    (listed,) = client.get("/v1/ratings/models").json["items"]
    measures = learnt.report.of("baseline").measures
    assert (listed["name"], listed["form"], listed["is_default"]) == ("words", "baseline", True)
    assert listed["fingerprint"] == learnt.fingerprint.hex()
    assert listed["measures"]["mae"] == pytest.approx(measures.mae)
    assert listed["measures"]["tested"] == measures.n


def test_a_model_of_products_is_listed_and_cannot_read_reviews(
    client: ConformingClient, learnt: Learnt, database: Database
) -> None:
    save_model(database, "products", "product-ridge", b"", fingerprint=bytes(32), report={}, default=True)
    listed = {item["name"]: item["measures"] for item in client.get("/v1/ratings/models").json["items"]}
    assert listed["products"] is None
    assert predict(client, LOVED).json["model"] == "words"
    assert predict(client, LOVED, model="products").status_code == 409


def test_a_model_of_another_version_is_listed_without_measures_and_refused(
    client: ConformingClient, learnt: Learnt, database: Database
) -> None:
    save_model(database, "old", "frozen-mlp", b"", fingerprint=bytes(32), report={"format": 0}, default=False)
    listed = {item["name"]: item["measures"] for item in client.get("/v1/ratings/models").json["items"]}
    assert listed["old"] is None
    assert listed["words"] is not None
    refused = predict(client, LOVED, model="old")
    assert refused.status_code == 409
    assert "train it again" in refused.json["detail"]


def test_a_damaged_model_is_refused_and_others_go_on(
    client: ConformingClient, learnt: Learnt, database: Database
) -> None:
    keep(database, learnt, "broken", default=True)
    with database.write() as connection:
        connection.execute("UPDATE rating_models SET weights = substr(weights, 2) WHERE name = 'broken'")
    refused = predict(client, LOVED)
    assert refused.status_code == 409
    assert "damaged" in refused.json["detail"]
    assert predict(client, LOVED, model="words").status_code == 200


def test_a_model_is_loaded_once_by_many_threads_and_only_the_last_are_kept(
    database: Database, learnt: Learnt, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.ratings import loaded

    loads = []
    load = loaded.load_model
    monkeypatch.setattr(loaded, "load_model", lambda *given: loads.append(given[1].name) or load(*given))
    models = LoadedModels(database)
    (example,) = clean(read_database(database)).examples[:1]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: models.rate([example]), range(24)))
    assert loads == ["words"]
    assert all(rated == answers[0][1] for _, rated in answers)
    names = [f"model-{number}" for number in range(MOST_LOADED + 1)]
    for name in names:
        keep(database, learnt, name)
        models.rate([example], name)
    assert len(models._models) == MOST_LOADED
    # One of the same name that was trained anew is another one.
    delete_model(database, names[-1])
    keep(database, learnt, names[-1])
    models.rate([example], names[-1])
    assert loads == ["words", *names, names[-1]]


def test_predictions_that_wait_for_their_turn_leave_threads_for_others(
    database: Database, learnt: Learnt, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.ratings import loaded

    begun, may_end, rate = Event(), Event(), loaded.rate

    def slow(*given: Any) -> Any:
        begun.set()
        assert may_end.wait(60)
        return rate(*given)

    monkeypatch.setattr(loaded, "rate", slow)
    app = create_app(database, Embedder(), settings.model_copy(update={"threads": 2}))
    with conforming_client(app) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(conforming_client(app).post, "/v1/ratings:predict", json={"reviews": [LOVED]})
        assert begun.wait(60)
        refused = predict(client, LOVED)
        assert (refused.status_code, refused.json["type"]) == (503, "/problems/busy")
        assert refused.headers["Retry-After"] == "1"
        may_end.set()
        assert first.result().status_code == 200
        assert predict(client, LOVED).status_code == 200


def test_a_server_without_questions_loads_no_model_library(database_url: str) -> None:
    import subprocess
    import sys

    program = (
        "import sys; import backend.app; from backend.database.connection import Database; "
        "from backend.settings import Settings; from backend.spaces.embedder import Embedder; "
        "backend.app.create_app(Database('dbname=none'), Embedder(), Settings()); "
        "print(sorted({'torch', 'sklearn', 'matplotlib', 'transformers'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


@pytest.fixture
def ready(database: Database, settings: Settings, learnt: Learnt) -> Iterator[ConformingClient]:
    with conforming_client(create_app(database, Embedder(), settings)) as opened:
        yield opened


def test_predicting_products_does_not_change_which_model_reads_reviews(
    ready: ConformingClient, database: Database, drain: object
) -> None:
    assert callable(drain)
    with database.write() as connection:
        connection.execute(
            "INSERT INTO products (sku, title) SELECT 'N' || n, 'thing ' || n FROM generate_series(1, 30) n"
        )
        connection.execute(
            "INSERT INTO reviews (product_id, rating, body, fingerprint) SELECT id, 1 + id % 5, 'x', sha256(sku::bytea)"
            "  FROM products WHERE sku LIKE 'N%' AND sku <> 'N30'"
        )
    drain()
    assert predict_unrated(database).predicted == 1
    assert predict(ready, LOVED).json["model"] == "words"
