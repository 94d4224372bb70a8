"""``shelfmate evaluate`` as people call it: the files it leaves and what it says."""

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result
from evaluate_fixtures import events, insert_events, planted_shop
from PIL import Image

from backend.cli import main
from backend.database.connection import Database
from backend.errors import InvalidInput
from backend.evaluation.evaluate import Options, evaluate
from backend.evaluation.files import write_report
from backend.settings import Settings
from backend.settings import settings as read_settings

SETS = ("variants", "bought-together", "last-event", "article-type", "article-type-hard-titles")
CHARTS = {
    "overview",
    *(
        f"{name}{end}"
        for name in ("variants", "bought-together", "last-event", "article-type")
        for end in ("", "-lists")
    ),
    "article-type-hard-titles",
    "article-type-hard-titles-lists",
}


Shop = tuple[Database, Settings]


@pytest.fixture(scope="module")
def shop(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with planted_shop(server_dsn, template, tmp_path_factory.mktemp("home")) as (database, settings):
        insert_events(database, events())
        yield database, settings


def run(settings: Settings, *arguments: str) -> Result:
    environment = {
        "DATABASE_URL": settings.database_url or "",
        "SHELFMATE_HOME": str(settings.home),
        "SHELFMATE_TEXT_ENCODER": "hashing:64",
        "SHELFMATE_IMAGE_ENCODER": "hashing:64",
    }
    read_settings.cache_clear()
    try:
        return CliRunner().invoke(main, ["evaluate", *arguments], env=environment)
    finally:
        read_settings.cache_clear()


@pytest.fixture(scope="module")
def reported(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    directory = tmp_path_factory.mktemp("reports") / "first"
    return run(shop[1], "--out", str(directory), "--questions", "40"), directory


def test_the_command_says_what_was_found(reported: tuple[Result, Path]) -> None:
    result, directory = reported
    assert result.exit_code == 0, result.output
    for part in (
        "102 products; spaces: default",
        "time split: what happened at 2025-04-11",
        "recall@10",
        "nDCG@10: default less this",
        "TF-IDF",
        "cold recall@10",
        "novelty, bits",
        "not asked: bought together: it does not look at titles",
        "not shown: best rated: nothing was rated",
        str(directory / "report.html"),
    ):
        assert part in result.output


def test_every_chart_is_a_picture_in_both_forms(reported: tuple[Result, Path]) -> None:
    _, directory = reported
    assert {path.stem for path in directory.glob("*.svg")} == CHARTS
    assert {path.stem for path in directory.glob("*.png")} == CHARTS
    for path in directory.glob("*.svg"):
        assert ET.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    for path in directory.glob("*.png"):
        with Image.open(path) as picture:
            low, high = picture.convert("L").getextrema()
            assert picture.width >= 1200
            assert (low < 100, high) == (True, 255)


def test_the_page_needs_nothing_else(reported: tuple[Result, Path]) -> None:
    _, directory = reported
    page = (directory / "report.html").read_text()
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert page.count('src="data:image/svg+xml;base64,') == len(CHARTS) == page.count("<img ")
    assert page.count("alt=") == len(CHARTS)
    assert "article type, hard titles" in page
    assert "nothing was rated before the cut" in page


def test_the_json_is_what_was_measured(reported: tuple[Result, Path], shop: Shop) -> None:
    _, directory = reported
    document = json.loads((directory / "report.json").read_text())
    found = evaluate(shop[0], Options(questions=40))
    assert json.loads(json.dumps(found.as_dict()))["sets"] == document["sets"]
    assert document["cut"]["at"] == "2025-04-11T00:00:00+00:00"
    [tfidf] = [one for one in document["sets"][0]["contestants"] if one["contestant"] == "TF-IDF"]
    assert tfidf["measures"]["recall"]["mean"] == 1


def test_json_is_printed_and_the_files_are_made_here(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(shop[1], "--questions", "10", "--split", "random", "--k", "3", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["options"]["k"], document["cut"]["split"]) == (3, "random")
    [made] = tmp_path.iterdir()
    assert made.name.startswith("evaluation-2")
    assert json.loads((made / "report.json").read_text()) == document


def test_what_cannot_be_used_is_named(shop: Shop, tmp_path: Path) -> None:
    result = run(shop[1], "--space", "nowhere", "--out", str(tmp_path))
    assert result.exit_code == 2
    assert "nowhere" in result.output
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(InvalidInput, match="cannot be written") as caught:
        write_report(evaluate(shop[0], Options(questions=10)), in_the_way / "below")
    assert caught.value.field == "out"
