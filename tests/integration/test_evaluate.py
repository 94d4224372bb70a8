"""``shelfmate evaluate`` on a planted shop: who must win does, and figures are those worked out by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from evaluate_fixtures import CUT, FAVOURITES, GROUPS, events, insert_events, planted_shop
from shadow_fixtures import OTHER, building_space
from small_catalogue import drain

from backend.database.connection import Database
from backend.errors import InvalidInput, NotFound, NotReady
from backend.evaluation.evaluate import Evaluation, Options, evaluate
from backend.evaluation.intervals import Estimate
from backend.evaluation.judgement import Scored, SetResult
from backend.settings import Settings

Shop = tuple[Database, Settings]


@pytest.fixture(scope="module")
def shop(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with planted_shop(server_dsn, template, tmp_path_factory.mktemp("home")) as (database, settings):
        insert_events(database, events())
        yield database, settings


@pytest.fixture(scope="module")
def found(shop: Shop) -> Evaluation:
    return evaluate(shop[0], Options(questions=200))


def result(found: Evaluation, name: str) -> SetResult:
    [one] = [one for one in found.sets if one.name == name]
    return one


def scored(found: Evaluation, name: str, contestant: str) -> Scored:
    [one] = [one for one in result(found, name).contestants if one.contestant == contestant]
    return one


def mean(found: Evaluation, name: str, contestant: str, measure: str) -> float:
    estimate = scored(found, name, contestant).measures[measure]
    assert estimate is not None
    assert estimate.low <= estimate.mean <= estimate.high
    return estimate.mean


def difference(found: Evaluation, name: str, other: str, measure: str) -> Estimate:
    [one] = [one for one in result(found, name).differences if (one.contestant, one.other) == ("default", other)]
    estimate = one.measures[measure]
    assert estimate is not None
    return estimate


def test_every_set_is_asked(found: Evaluation) -> None:
    assert [one.name for one in found.sets] == [
        "variants",
        "bought together",
        "last event",
        "article type",
        "article type, hard titles",
    ]
    assert (found.products, found.pool, found.absent) == (102, 102, (found.absent[0],))
    assert found.absent[0].name == "best rated"
    assert (result(found, "variants").questions, result(found, "variants").units) == (100, GROUPS)


def test_the_cut_parts_what_is_known_from_what_is_held_out(found: Evaluation) -> None:
    assert (found.cut.split, found.cut.at) == ("time", CUT)
    assert (found.cut.training, found.cut.test, found.cut.people) == (160, 40, 40)
    assert "2025-04-11" in found.cut.note


def test_words_win_where_words_join_variants(found: Evaluation) -> None:
    assert mean(found, "variants", "TF-IDF", "recall") == 1
    assert mean(found, "variants", "TF-IDF", "ndcg") == 1
    assert mean(found, "variants", "default: text alone", "recall") > 0.8
    # 10 of the 101 others, on the mean.
    assert mean(found, "variants", "random", "recall") == pytest.approx(10 / 101, abs=0.05)
    assert difference(found, "variants", "random", "recall").low > 0
    assert difference(found, "variants", "TF-IDF", "recall").mean <= 0


def test_who_has_no_photograph_is_not_asked_by_it(found: Evaluation) -> None:
    alone = scored(found, "variants", "default: image alone")
    assert alone.answered == 50
    assert alone.measures["recall"] is not None
    assert alone.measures["recall"].n == 50
    assert scored(found, "variants", "default").answered == 100


def test_differences_are_paired(found: Evaluation) -> None:
    both = difference(found, "variants", "random", "ndcg")
    assert both.n == 100
    assert both.mean == pytest.approx(
        mean(found, "variants", "default", "ndcg") - mean(found, "variants", "random", "ndcg")
    )
    assert difference(found, "variants", "default: image alone", "ndcg").n == 50


def test_popular_is_counted_before_the_cut(found: Evaluation) -> None:
    """Of 40 people five are to find a favourite, which is among the first ten unless they had it before."""
    before = {(one.user, one.product) for one in events() if one.at < CUT}
    held_out = [(one.user, one.product) for one in events() if one.at >= CUT]
    assert sum(pair in before for pair in held_out) == 0
    expected = sum(product in FAVOURITES for _, product in held_out) / len(held_out)
    assert mean(found, "last event", "popular", "recall") == pytest.approx(expected)
    assert result(found, "last event").questions == 40


def test_what_nobody_had_is_cold_and_found_by_its_content_alone(found: Evaluation) -> None:
    one = result(found, "last event")
    assert one.cold_questions == 35
    assert mean(found, "last event", "popular", "cold_recall") == 0
    assert mean(found, "last event", "bought together", "cold_recall") == 0
    assert mean(found, "last event", "default: mean of history", "cold_recall") > 0.3
    assert mean(found, "last event", "TF-IDF", "cold_recall") > 0.5
    assert difference(found, "last event", "popular", "cold_ndcg").n == 35


def test_bought_together_is_asked_of_what_people_had(found: Evaluation) -> None:
    """Each of the four products that somebody had is asked for; right is the one they bought after the cut."""
    one = result(found, "bought together")
    assert (one.questions, one.units) == (160, 40)
    # The held-out favourite is found by those who had the other one, or something that those people had.
    assert mean(found, "bought together", "bought together", "recall") < mean(
        found, "bought together", "TF-IDF", "recall"
    )


def test_article_types_are_judged_by_precision(found: Evaluation) -> None:
    one = result(found, "article type")
    # Product 102 has no category; all others have companions.
    assert (one.questions, one.by_category) == (101, True)
    assert scored(found, "article type", "TF-IDF").measures["recall"] is None
    assert mean(found, "article type", "random", "precision") == pytest.approx(0.25, abs=0.05)


def test_hard_titles_lack_the_article_type(found: Evaluation) -> None:
    one = result(found, "article type, hard titles")
    # Product 101 is nothing but its article type.
    assert one.questions == 100
    assert "101 of 101 titles change, 1 titles of nothing else are left out" in one.about
    for contestant in ("TF-IDF", "default: text alone", "default"):
        easy, hard = (mean(found, name, contestant, "precision") for name in ("article type", one.name))
        assert hard < easy
    assert mean(found, one.name, "default: image alone", "ndcg") == pytest.approx(
        mean(found, "article type", "default: image alone", "ndcg"), abs=0.02
    )
    assert scored(found, one.name, "bought together").absent is not None


def test_what_lists_are_like(found: Evaluation) -> None:
    # Ten products for everybody, but for those one had.
    assert mean(found, "last event", "popular", "coverage") < 0.25
    assert mean(found, "last event", "random", "coverage") > 0.9
    assert mean(found, "last event", "popular", "novelty") < mean(found, "last event", "random", "novelty")
    assert mean(found, "variants", "default", "diversity") < mean(found, "variants", "random", "diversity")


def test_one_seed_gives_one_report(shop: Shop, found: Evaluation) -> None:
    again = evaluate(shop[0], Options(questions=200))
    assert again.sets == found.sets
    some = [evaluate(shop[0], Options(questions=20, seed=seed)).sets for seed in (1, 2)]
    assert some[0] != some[1]


def test_progress_is_told(shop: Shop) -> None:
    told: list[str] = []
    evaluate(shop[0], Options(questions=10), told.append)
    assert any("variants: asking TF-IDF" in line for line in told)


def test_a_random_split_is_called_one(shop: Shop) -> None:
    asked = evaluate(shop[0], Options(questions=200, split="random"))
    assert (asked.cut.split, asked.cut.at) == ("random", None)
    assert "as asked" in asked.cut.note
    assert asked.cut.training + asked.cut.test == 200
    assert "no last event" in result(asked, "last event").about
    assert scored(asked, "last event", "default").answered == result(asked, "last event").questions


def test_shadows_are_asked_too_and_named_ones_alone(shop: Shop, server_dsn: str) -> None:
    database, settings = shop
    building_space(database, "other", OTHER)
    drain(database, settings)
    both = evaluate(database, Options(questions=20))
    assert both.spaces == ("default", "other")
    assert {one.contestant for one in both.sets[0].differences} == {"default", "other"}
    assert any((one.contestant, one.other) == ("other", "default") for one in both.sets[0].differences)
    assert evaluate(database, Options(questions=20, spaces=("other",))).spaces == ("other",)


def test_what_cannot_be_measured_is_refused(shop: Shop) -> None:
    database, _ = shop
    with pytest.raises(NotFound, match="nowhere"):
        evaluate(database, Options(spaces=("nowhere",)))
    building_space(database, "empty", OTHER)
    with pytest.raises(NotReady, match="no product is embedded in empty"):
        evaluate(database, Options(spaces=("empty",)))
    for field, options in (("k", Options(k=0)), ("questions", Options(questions=50_000)), ("cold", Options(cold=0))):
        with pytest.raises(InvalidInput) as caught:
            evaluate(database, options)
        assert caught.value.field == field


def test_what_a_catalogue_lacks_is_said(server_dsn: str, template: str, tmp_path: Path) -> None:
    with planted_shop(server_dsn, template, tmp_path) as (database, _):
        with database.write() as connection:
            connection.execute("UPDATE products SET variant_group = NULL")
        bare = evaluate(database, Options(questions=20))
        assert [one.name for one in bare.sets] == ["article type", "article type, hard titles"]
        reasons = {one.name: one.why for one in bare.absent}
        assert "no variants in this catalogue" in reasons["variants"]
        assert "no co-purchases in this catalogue" in reasons["bought together"]
        assert "no events in this catalogue" in reasons["last event"]
        assert "nobody did anything" in reasons["popular"]
        assert {one.contestant for one in bare.sets[0].contestants}.isdisjoint({"popular", "best rated"})

        at_once = [one.__class__(one.user, one.product, CUT) for one in events()]
        insert_events(database, at_once)
        untimed = evaluate(database, Options(questions=20))
        assert untimed.cut.split == "random"
        assert "all signals have one time" in untimed.cut.note

        with database.write() as connection:
            connection.execute("DELETE FROM events")
            connection.execute("UPDATE products SET category = NULL")
        with pytest.raises(NotReady, match="nothing to ask in this catalogue: variants: no variants"):
            evaluate(database, Options(questions=20))
