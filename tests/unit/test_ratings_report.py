"""The report of a training: what it says, how it is kept, how it looks."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rating_fixtures import WordModel, corpus_of, reviews

from backend.errors import InvalidInput
from backend.evaluation.intervals import Estimate
from backend.ratings.charts import draw_ablation, to_svg
from backend.ratings.learning import Plan, fingerprint_of, learn
from backend.ratings.measures import measure
from backend.ratings.models import Form, RatingModel
from backend.ratings.page import is_better, render, write
from backend.ratings.report import Report, read_report
from backend.ratings.side_by_side import Encoders, split_held_out, try_form

PLAN = Plan(forms=("fine-tuned",), measured=2, resamples=200)


def made_of_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def maker(_self: Encoders, _seed: int, _modalities: object) -> object:
        def make(form: Form) -> RatingModel:
            return WordModel(form)

        return make

    monkeypatch.setattr(Encoders, "maker", maker)


@pytest.fixture(scope="module")
def report() -> Iterator[Report]:
    with pytest.MonkeyPatch.context() as patch:
        made_of_words(patch)
        yield learn(corpus_of(reviews(images="told")), PLAN, name="words", source="here").report


def test_a_report_says_what_was_learnt_from_and_how_it_was_tested(report: Report) -> None:
    assert (report.data.used, report.data.read, report.data.duplicates, report.data.title_marked) == (300, 309, 4, 1)
    assert sum(report.data.stars) == 300
    assert (report.data.products, report.data.with_image, report.data.users) == (30, 300, 0)
    assert (report.held.folds, report.held.measured, report.held.grouped_by) == (5, 2, "product")
    assert report.held.tested == sum(sum(row) for row in report.forms[0].measures.confusion)
    assert [result.form for result in report.forms] == ["fine-tuned", "baseline"]
    assert [gap.form for gap in report.gaps] == ["baseline"]
    assert {"torch", "scikit-learn"} <= report.versions.keys()


def test_forms_are_compared_with_the_baseline_in_pairs(report: Report) -> None:
    # The stand-in is the same under each name, so that paired differences are exactly nothing.
    assert report.of("baseline").against_baseline is None
    differences = report.of("fine-tuned").against_baseline
    assert differences is not None
    assert {name: (one.mean, one.low, one.high) for name, one in differences.items()} == dict.fromkeys(
        differences, (0.0, 0.0, 0.0)
    )


def test_measures_are_those_of_models_that_never_saw_the_product() -> None:
    examples = reviews()
    split, held = split_held_out(examples, 5, 5, 0)
    tested = try_form(WordModel, "baseline", examples, split.folds)
    assert held.tested == len(examples) == len(tested.truth)
    for fold in split.folds:
        assert not {examples[a].product for a in fold.train} & {examples[b].product for b in fold.test}
    assert tested.truth.tolist() == [examples[place].rating for fold in split.folds for place in fold.test]
    assert tested.products == tuple(examples[place].product for fold in split.folds for place in fold.test)
    assert measure(tested.truth, tested.stars).accuracy > 0.6


def test_a_report_comes_back_from_json_as_it_was(report: Report) -> None:
    assert read_report(json.loads(json.dumps(report.to_json()))) == report


@pytest.mark.parametrize("damage", [{"format": 99}, {"format": None}, {"data": None}])
def test_a_report_of_another_format_is_refused(report: Report, damage: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="report"):
        read_report(report.to_json() | damage)


def test_what_cannot_be_learnt_from_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made_of_words(monkeypatch)
    with pytest.raises(InvalidInput, match="49 reviews can be learnt from, and 50 are needed"):
        learn(corpus_of(reviews(49)), PLAN, name="few", source="here")
    alike = [replace(example, rating=5) for example in reviews(60)]
    with pytest.raises(InvalidInput, match="same rating"):
        learn(corpus_of(alike), PLAN, name="alike", source="here")
    with pytest.raises(InvalidInput, match="6 of 5 folds"):
        learn(corpus_of(reviews()), replace(PLAN, measured=6), name="many", source="here")


def test_the_fingerprint_is_of_what_is_learnt_in_any_order() -> None:
    examples = reviews(40, images="mute")
    first = fingerprint_of(examples)
    assert len(first) == 32
    assert fingerprint_of(examples[::-1]) == first
    for changed in ({"rating": 1}, {"text": "other"}, {"image": b"\x07"}, {"product": "X"}, {"user": "U"}):
        assert fingerprint_of([replace(examples[0], **changed), *examples[1:]]) != first
    # What moves from the title into the text is another review.
    moved = replace(examples[0], title="", text=f"{examples[0].title}{examples[0].text}")
    assert fingerprint_of([moved, *examples[1:]]) != first


def test_a_difference_is_better_where_its_interval_lies_on_the_good_side() -> None:
    lower, across, higher = Estimate(-0.2, -0.3, -0.1, 9), Estimate(0, -0.1, 0.1, 9), Estimate(0.2, 0.1, 0.3, 9)
    assert [is_better("mae", one) for one in (lower, across, higher)] == [True, False, False]
    assert [is_better("accuracy", one) for one in (lower, across, higher)] == [False, False, True]


def test_a_chart_is_the_same_each_time_and_its_title_is_escaped(report: Report) -> None:
    assert report.ablation is not None
    first, second = (to_svg(draw_ablation(report.ablation), title='<a> & "b"') for _ in range(2))
    assert first == second
    assert ET.fromstring(first).get("aria-label") == '<a> & "b"'


class Outline(HTMLParser):
    """Tags and text of a page, and every id in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        self.addresses += [value or "" for name, value in given.items() if name in ("src", "href", "xlink:href")]
        if given.get("id"):
            self.ids.append(given["id"] or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_from_elsewhere_and_tells_all(report: Report) -> None:
    marked = replace(report, name="<b>words</b>", data=replace(report.data, source="<i>here</i>"))
    page = Outline(render(marked))
    assert not {"script", "link", "img", "iframe", "b", "i"} & page.tags
    assert page.addresses
    assert all(address.startswith("#") for address in page.addresses)
    assert len(page.ids) == len(set(page.ids))
    words = " ".join(page.text.split())
    assert "<b>words</b>" in words
    for form in ("fine-tuned", "baseline"):
        assert form in words
    for told in (
        "kept",
        "duplicates removed",
        "titles that said the rating",
        "random split",
        report.data.fingerprint[:16],
    ):
        assert told in words
    measures = report.of("fine-tuned").measures
    for number in (measures.accuracy, measures.skill, measures.mae, measures.quadratic_kappa, measures.within_one):
        assert f"{number:.3f}" in words


def test_a_baseline_alone_is_a_page_without_ablation_and_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    made_of_words(monkeypatch)
    plan = replace(PLAN, forms=("baseline",), parts=(), random_split=False, measured=1)
    alone = learn(corpus_of(reviews()), plan, name="plain", source="here").report
    assert [result.form for result in alone.forms] == ["baseline"]
    words = Outline(render(alone)).text
    assert "What each part is worth" not in words
    assert "What a random split would pretend" not in words


def test_a_report_is_written_as_page_figures_and_charts(report: Report, tmp_path: Path) -> None:
    written = write(report, tmp_path / "out")
    assert read_report(json.loads((tmp_path / "out" / "report.json").read_text())) == report
    assert "<svg" in (tmp_path / "out" / "report.html").read_text()
    charts = {path.name for path in written if path.parent.name == "charts"}
    names = {"side-by-side", "confusion-fine-tuned", "confusion-baseline", "per-class", "reliability", "ablation"}
    assert charts == {f"{name}.{kind}" for name in names | {"training-fine-tuned"} for kind in ("svg", "png")}
    for path in written:
        if path.suffix == ".svg":
            root = ET.fromstring(path.read_text())
            assert root.get("width") is None
            ids = [element.get("id") or "" for element in root.iter() if element.get("id")]
            assert ids
            assert all(identity.startswith(f"{path.stem}-") for identity in ids)
        if path.suffix == ".png":
            colours = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
            assert len(np.unique(colours[::7], axis=0)) > 10
