"""Nothing from after the cut helps a contestant: the same questions, another future, the same answers."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from evaluate_fixtures import CUT, PEOPLE, Event, events, insert_events, planted_shop

from backend.database.connection import Database
from backend.evaluation.contestants.contestant import Answer
from backend.evaluation.evaluate import make_pool
from backend.evaluation.held_out import AskedPerson, AskedProduct, HeldOutSet
from backend.evaluation.line_up import chosen_spaces, line_up, open_spaces
from backend.evaluation.sets import read_sets
from backend.evaluation.signals import cut_signals, read_popularity

K = 10


@pytest.fixture(scope="module")
def database(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with planted_shop(server_dsn, template, tmp_path_factory.mktemp("home")) as (opened, _):
        yield opened


@dataclass
class Asked:
    """The sets of one history, and what every contestant answered; by set and name."""

    sets: list[HeldOutSet]
    answers: dict[tuple[str, str], list[Answer]]


def ask(database: Database, which: list[Event], sets: list[HeldOutSet] | None = None) -> Asked:
    """What is answered to ``sets``, or to the history's own, when these events are all that is known."""
    with database.write() as connection:
        connection.execute("DELETE FROM events")
    insert_events(database, which)
    with database.alone() as connection:
        spaces = chosen_spaces(database, ())
        _, pool = make_pool(connection, spaces)
        cut = cut_signals(connection, "time", 0)
        assert cut.at == CUT
        popularity = read_popularity(connection, cut, pool)
        if sets is None:
            sets, _ = read_sets(connection, cut, questions=200, seed=0, only=None)
        opened = open_spaces(database, connection, spaces, cut, K)
        contestants, _ = line_up(connection, opened, sets, cut, popularity, k=K, seed=0)
        answers = {}
        for one in sets:
            for contestant in contestants:
                given = contestant.answers(one, K)
                if not isinstance(given, str):
                    answers[one.name, contestant.name] = list(given)
    return Asked(sets, answers)


def with_another_future(which: list[Event], seed: int) -> list[Event]:
    """As many events after the cut at the same times, by anybody about anything; what was before stays as it is."""
    chance = random.Random(seed)
    return [
        one
        if one.at < CUT
        else replace(one, user=f"person-{chance.randrange(PEOPLE):02}", product=chance.randrange(1, 101))
        for one in which
    ]


def test_what_happens_after_the_cut_changes_no_answer(database: Database) -> None:
    before = ask(database, events())
    assert {name for _, name in before.answers} >= {
        "random",
        "popular",
        "bought together",
        "TF-IDF",
        "default",
        "default: mean of history",
        "default: text alone",
    }
    for seed in (1, 2):
        after = ask(database, with_another_future(events(), seed), before.sets)
        assert after.answers.keys() == before.answers.keys()
        for key, answers in before.answers.items():
            assert after.answers[key] == answers, key


def test_what_happens_before_the_cut_does(database: Database) -> None:
    """The test above could not fail if nobody looked at events at all."""
    before = ask(database, events())
    chance = random.Random(4)
    moved = [replace(one, product=chance.randrange(1, 101)) if one.at < CUT else one for one in events()]
    after = ask(database, moved, before.sets)
    for contestant in ("popular", "bought together", "default"):
        assert after.answers["last event", contestant] != before.answers["last event", contestant]


def test_no_answer_holds_what_is_asked_for_or_was_had_before(database: Database) -> None:
    found = ask(database, events())
    for one in found.sets:
        for (name, contestant), answers in found.answers.items():
            if name != one.name:
                continue
            for question, answer in zip(one.questions, answers, strict=True):
                assert answer is None or len(set(answer)) == len(answer) <= K, contestant
                if isinstance(question, AskedProduct):
                    assert question.product_id not in (answer or []), contestant
                elif isinstance(question, AskedPerson):
                    assert not set(question.history) & set(answer or []), contestant


def test_people_are_asked_for_as_the_events_say(database: Database) -> None:
    """History and truth, gathered a second time from the list of events."""
    found = ask(database, events())
    [people] = [one.people for one in found.sets if one.name == "last event"]
    assert len(people) == PEOPLE
    for question in people:
        own = [one for one in events() if one.user == question.user_id]
        history = sorted((one for one in own if one.at < CUT), key=lambda one: one.at, reverse=True)
        assert question.history == tuple(one.product for one in history)
        assert question.right == {max(own, key=lambda one: one.at).product}
    [together] = [one.products for one in found.sets if one.name == "bought together"]
    expected = {
        (one.user, one.product): {later.product for later in events() if later.user == one.user and later.at >= CUT}
        for one in events()
        if one.at < CUT
    }
    assert {(question.unit, question.product_id): question.right for question in together} == expected


def test_low_ratings_and_repeats_are_no_truth(database: Database) -> None:
    which = events()
    with database.write() as connection:
        connection.execute("DELETE FROM events")
    insert_events(database, which)
    with database.write() as connection:
        # Person 0 did not like what came last; person 1 bought again what they had.
        connection.execute(
            "UPDATE events SET kind = 'rating', value = 2 WHERE user_id = 'person-00' AND occurred_at >= %s", [CUT]
        )
        connection.execute("UPDATE events SET product_id = 6 WHERE user_id = 'person-01' AND occurred_at >= %s", [CUT])
        # Reviews count as well: person 2 wrote one last.
        connection.execute(
            "INSERT INTO reviews (product_id, rating, body, user_id, written_at, fingerprint)"
            " VALUES (99, 5, 'Good', 'person-02', %s + interval '1 day', 'x')",
            [CUT],
        )
    with database.alone() as connection:
        make_pool(connection, chosen_spaces(database, ()))
        cut = cut_signals(connection, "time", 0)
        sets, _ = read_sets(connection, cut, questions=200, seed=0, only=None)
    [people] = [one.people for one in sets if one.name == "last event"]
    truth = {question.user_id: question.right for question in people}
    assert truth.keys() == {f"person-{number:02}" for number in range(2, PEOPLE)}
    assert truth["person-02"] == {99}
    with database.write() as connection:
        connection.execute("DELETE FROM reviews")
