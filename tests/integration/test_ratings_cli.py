"""shelfmate ratings: what people type, and what they are told."""

import csv
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rating_models_fixtures import SAID, add_reviews

from backend.cli import main
from backend.database.connection import Database
from backend.ratings.store import list_models, save_model
from backend.settings import Settings
from backend.settings import settings as read_settings

Run = Callable[..., Result]


def ratings_command(environment: dict[str, str], *arguments: object) -> Result:
    read_settings.cache_clear()
    try:
        return CliRunner().invoke(main, ["ratings", *map(str, arguments)], env=environment)
    finally:
        read_settings.cache_clear()


@pytest.fixture
def run(database: Database, settings: Settings) -> Run:
    environment = {
        "DATABASE_URL": settings.database_url or "",
        "SHELFMATE_HOME": str(settings.home),
        "SHELFMATE_TEXT_ENCODER": "hashing:64",
        "SHELFMATE_IMAGE_ENCODER": "hashing:64",
    }
    return partial(ratings_command, environment)


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def refused(result: Result) -> str:
    assert result.exit_code == 2, result.output
    return " ".join(result.output.split())


def write_reviews(path: Path, number: int, *, rated: bool = True) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["review_id", "product_id", "rating", "title", "text"])
        for place in range(number):
            rating = 1 + place % 5
            stars = rating if rated else ""
            writer.writerow([place, f"P{place % 9}", stars, "", f"{SAID[rating]} after {place} days"])
    return path


def test_a_model_is_trained_reported_and_asked(run: Run, database: Database, tmp_path: Path) -> None:
    assert "no model is trained" in said(run("list"))
    add_reviews(database)
    trained = said(run("train", "--form", "baseline", "--name", "words", "--report", tmp_path / "out"))
    assert "120 reviews of database: 120 used" in trained
    assert "words is kept: baseline" in trained
    assert "answers from now on" in trained
    assert "baseline without" in trained
    assert "what a random split would pretend, baseline" in trained
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
    assert "words baseline answers" in said(run("list"))
    shown = said(run("report", "words", "--out", tmp_path / "again"))
    assert "test reviews in 1 of 5 folds, kept apart by product" in shown
    before, after = (json.loads((tmp_path / name / "report.json").read_text()) for name in ("out", "again"))
    assert before == after
    file = write_reviews(tmp_path / "new.csv", 30, rated=False)
    out = tmp_path / "predicted.csv"
    assert "30 reviews rated by words" in said(run("predict", "--file", file, "--out", out))
    with out.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [int(row["review_id"]) for row in rows] == list(range(30))
    assert sum(int(row["stars"]) == 1 + place % 5 for place, row in enumerate(rows)) > 20
    assert all(sum(float(row[f"p{star}"]) for star in range(1, 6)) == pytest.approx(1, abs=1e-3) for row in rows)
    assert "the first 5 of 30" in said(run("predict", "--file", file, "--model", "words", "--limit", 5))
    assert "words is gone" in said(run("delete", "words"))
    assert "no rating model is trained" in refused(run("predict", "--file", file))


def test_quick_forms_are_trained_from_a_file_and_the_one_less_off_answers(
    run: Run, database: Database, tmp_path: Path
) -> None:
    file = write_reviews(tmp_path / "reviews.csv", 90)
    for form in ("baseline", "frozen-mlp"):
        told = said(run("train", "--form", form, "--data", file, "--no-ablation", "--no-random-split", "--name", form))
        assert "90 reviews of reviews.csv" in told
    assert {model.name: model.form for model in list_models(database)} == {
        "baseline": "baseline",
        "frozen-mlp": "frozen-mlp",
    }
    assert "baseline answers from now on for reviews" in said(run("use", "baseline"))
    assert next(model.name for model in list_models(database) if model.is_default) == "baseline"
    assert "less the baseline" in said(run("report", "frozen-mlp"))
    assert "30 reviews rated by frozen-mlp" in said(
        run("predict", "--file", write_reviews(tmp_path / "n.csv", 30), "--model", "frozen-mlp")
    )


def test_products_without_reviews_are_predicted_and_the_report_says_how_well(
    run: Run, database: Database, drain: Callable[[], int]
) -> None:
    add_reviews(database, number=300, products=30)
    with database.write() as connection:
        connection.execute("INSERT INTO products (sku, title) VALUES ('NEW', 'a new thing')")
    drain()
    told = said(run("predict", "--unrated"))
    assert "1 products without reviews have expected stars, by the model products" in told
    assert "NEW" in told
    assert "Text and photographs" in told
    shown = said(run("report", "products"))
    assert "learnt from 30 products with 300 reviews in the space default" in shown
    assert "rates products" in refused(run("report", "products", "--out", "somewhere"))
    assert "product-ridge answers no better than the mean" in said(run("list"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("train", "--form", "baseline"), "0 reviews can be learnt from, and 50 are needed"),
        (("train", "--form", "baseline", "--name", "Not This"), "cannot be a model's name"),
        (("train", "--form", "baseline", "--folds", 3, "--measured", 4), "reviews"),
        (("report", "nothing"), "no rating model nothing"),
        (("report",), "no rating model is trained"),
        (("use", "nothing"), "no rating model nothing"),
        (("delete", "nothing"), "no rating model nothing"),
        (("predict",), "name one of --file and --unrated"),
        (("predict", "--unrated"), "0 products have reviews and are embedded"),
        (("predict", "--unrated", "--model", "nothing"), "no rating model nothing"),
    ],
)
def test_what_cannot_be_done_says_why(run: Run, arguments: tuple[object, ...], sentence: str) -> None:
    assert sentence in refused(run(*arguments))


def test_a_missing_directory_is_told_before_anything_is_predicted(run: Run, tmp_path: Path) -> None:
    file = write_reviews(tmp_path / "new.csv", 3, rated=False)
    assert "there is no directory" in refused(run("predict", "--file", file, "--out", tmp_path / "none" / "p.csv"))


def test_a_model_of_another_version_is_listed_and_its_report_says_what_to_do(run: Run, database: Database) -> None:
    save_model(database, "old", "baseline", b"", fingerprint=bytes(32), report={"format": 0}, default=True)
    assert "old baseline answers by another version: train again" in said(run("list"))
    assert "train again" in refused(run("report", "old"))


def test_a_taken_name_is_refused_before_anything_is_trained(run: Run, database: Database, tmp_path: Path) -> None:
    file = write_reviews(tmp_path / "reviews.csv", 60)
    plain = ("--form", "baseline", "--data", file, "--no-ablation", "--no-random-split")
    said(run("train", *plain, "--name", "words"))
    told = refused(run("train", *plain, "--name", "words"))
    assert "there is a rating model words" in told
    assert "epoch" not in told
    assert len(list_models(database)) == 1


def test_one_rating_only_is_nothing_to_learn(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "alike.csv"
    lines = [f"P{place % 9},5,a long enough text {place}" for place in range(60)]
    file.write_text("\n".join(["product_id,rating,text", *lines]), encoding="utf-8")
    assert "all reviews have the same rating" in refused(run("train", "--form", "baseline", "--data", file))
