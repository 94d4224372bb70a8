"""What recommendations for people are made of: interests, windows and half-lives, what is bought together, sessions."""

import json
import math
from datetime import timedelta
from typing import Any

import numpy as np
import people_rules as rules
import psycopg
import pytest
from people_fixtures import COUNT, LACKING, NOW, Street, street
from people_rules import Signal

from backend.database.connection import Database
from backend.errors import InvalidInput, NotFound
from backend.recommend import frozen, people
from backend.recommend.people import Personal

__all__ = ["street"]

KINDS = (range(1, 21), range(21, 41), range(41, 61))


def one(connection: psycopg.Connection[Any], statement: str, *arguments: object) -> list[Any]:
    return connection.execute(statement.encode(), arguments).fetchall()


def session(*skus: int, kind: str = "like") -> str:
    return json.dumps([{"sku": f"S{number}", "kind": kind} for number in skus])


def test_two_far_apart_interests_are_both_served_where_one_mean_serves_neither(street: Street) -> None:
    # What lies between the kinds is what one mean of two tastes is nearest to.
    between = sum(np.mean([street.shop.fused[p] for p in kind if p in street.shop.fused], axis=0) for kind in KINDS[:2])
    unit = [float(x) for x in rules.halved(rules.unit(between))]
    apart = (1, 2, 3, 4, 21, 22, 23, 24)
    with street.database.write() as connection, connection.transaction(force_rollback=True):
        connection.execute(
            "UPDATE product_embeddings SET (text, fused) = (%(v)s::text::halfvec, %(v)s::text::halfvec)"
            " WHERE product_id BETWEEN 45 AND 60",
            {"v": str(unit)},
        )
        found = {}
        for interests in (1, 5):
            found[interests] = one(
                connection,
                "SELECT product_id, interest, reason_sku FROM recommend_for_session(%s, 10, interests => %s,"
                " w_popularity => 0, w_together => 0)",
                session(*apart),
                interests,
            )
    kept_apart = [product for product, _, _ in found[5]]
    assert sum(product in KINDS[0] for product in kept_apart) == 5
    assert sum(product in KINDS[1] for product in kept_apart) == 5
    assert {interest for _, interest, _ in found[5]} == {1, 2}
    # Each is there because of a product of its own kind.
    assert all((product <= 20) == (int(reason[1:]) <= 20) for product, _, reason in found[5])
    assert all(product >= 45 for product, _, _ in found[1])


def test_a_minor_interest_has_its_share_of_the_first_ten(street: Street) -> None:
    with street.database.read() as connection:
        found = one(
            connection,
            "SELECT product_id FROM recommend_for_session(%s, 10, w_popularity => 0, w_together => 0)",
            session(*range(1, 7), *range(8, 17), 21, 22),
        )
    minor = [product for (product,) in found if product in KINDS[1]]
    assert 1 <= len(minor) <= 3


def test_what_was_disliked_pulls_its_interest_away(street: Street) -> None:
    liked = [{"sku": "S1", "kind": "rating", "value": 5}]
    nearest = "SELECT product_id FROM recommend_for_session(%s, 1, w_popularity => 0, w_together => 0)"
    with street.database.read() as connection:
        ((first,),) = one(connection, nearest, json.dumps(liked))
        disliked = [{"sku": f"S{first}", "kind": "rating", "value": 1}]
        asked = (
            "SELECT product_id, score FROM recommend_for_session(%s, 60, w_popularity => 0, w_together => 0,"
            " exclude_seen => false, exclude_bought => false)"
        )
        before = dict(one(connection, asked, json.dumps(liked)))
        after = dict(one(connection, asked, json.dumps(liked + disliked)))
        assert after[first] < before[first] - 0.1
        # Dislikes alone are no taste.
        sources = one(connection, "SELECT source FROM recommend_for_session(%s)", json.dumps(disliked))
    assert {source for (source,) in sources} <= {"popular", "trending", "newest"}


def test_products_without_vectors_are_excluded_and_no_taste(street: Street) -> None:
    with street.database.read() as connection:
        found = one(connection, "SELECT product_id, source FROM recommend_for_session(%s, 1000)", session(*LACKING))
        assert not {product for product, _ in found} & set(LACKING)
        assert {source for _, source in found} <= {"popular", "trending", "newest"}
        assert len(found) == COUNT - len(LACKING)
        divided = one(connection, "SELECT sku FROM user_interests('u1', as_of => %s)", NOW)
        assert divided
        assert not {f"S{product}" for product in LACKING} & {sku for (sku,) in divided}


def test_somebody_new_gets_what_is_popular_trending_and_new_and_is_told_so(street: Street) -> None:
    with street.database.write() as connection, connection.transaction(force_rollback=True):
        connection.execute("UPDATE events SET occurred_at = occurred_at + (now() - %s)", [NOW])
        found = one(connection, "SELECT product_id, source, reason, reason_sku FROM recommend_for_user('stranger')")
        popular = [product for (product,) in one(connection, "SELECT product_id FROM popular_products(10)")]
        trending = [product for (product,) in one(connection, "SELECT product_id FROM trending_products(10)")]
        newest = [product for (product,) in one(connection, "SELECT product_id FROM newest_products(10)")]
        alone = one(connection, "SELECT sku FROM recommend_for_user('stranger', fallback => false)")
    assert alone == []
    assert len({product for product, *_ in found}) == 10
    words = {"popular": "popular now", "trending": "trending", "newest": "new"}
    assert all(reason == words[source] and sku is None for _, source, reason, sku in found)
    for source, ranked in (("popular", popular), ("trending", trending), ("newest", newest)):
        shown = [product for product, of, *_ in found if of == source]
        assert shown
        assert shown == [product for product in ranked if product in shown]
    assert found[0][:2] == (popular[0], "popular")


@pytest.mark.parametrize(("days", "half_life"), [(7, 2), (30, None), (90, 30), (3, 0.5), (600, 100)])
def test_windows_and_half_lives(street: Street, days: int, half_life: float | None) -> None:
    wanted = rules.recent(street.shop.signals, NOW, days, half_life)
    asked = "SELECT product_id, score FROM popular_products(1000, days => %s, half_life => %s, as_of => %s)"
    with street.database.read() as connection:
        found = one(connection, asked, days, half_life, NOW)
        ranked = sorted(wanted, key=lambda p: (-round(wanted[p], 9), p))
        assert [product for product, _ in found] == ranked
        assert [score for _, score in found] == pytest.approx([rules.squashed(wanted[p]) for p in ranked])
        up = rules.trend(street.shop.signals, NOW, days, half_life or 5)
        rising = "SELECT product_id, score FROM trending_products(1000, days => %s, half_life => %s, as_of => %s)"
        trending = one(connection, rising, days, half_life or 5, NOW)
    assert [product for product, _ in trending] == sorted(up, key=lambda p: (-round(up[p], 9), p))
    assert [score for _, score in trending] == pytest.approx([up[p] for p, _ in trending])


def test_windows_as_upkeep_counted_them_are_windows_as_they_are(street: Street) -> None:
    asked = [
        "SELECT * FROM popular_products(1000, days => 90, half_life => 30)",
        "SELECT * FROM popular_products(20, days => 10, exclude => '{5,6}')",
        "SELECT * FROM trending_products(1000)",
        "SELECT * FROM trending_products(5, days => 3, half_life => 9)",
        "SELECT * FROM bought_together('S22', 1000)",
    ]
    with street.database.write() as connection, connection.transaction(force_rollback=True):
        connection.execute("UPDATE events SET occurred_at = occurred_at + (now() - %s)", [NOW])
        connection.execute("UPDATE reviews SET written_at = written_at + (now() - %s)", [NOW])
        direct = [one(connection, statement) for statement in asked]
        assert one(connection, "SELECT count_interest() > 0, count_bought_together() > 0") == [(True, True)]
        assert one(connection, "SELECT count_interest(), count_bought_together()") == [(0, 0)]
        assert [one(connection, statement) for statement in asked] == direct
        assert all(direct)
        # Only today and yesterday are counted anew at once, and all within the hour.
        connection.execute("DELETE FROM events")
        connection.execute("DELETE FROM reviews")
        connection.execute("SELECT count_interest()")
        newest = one(
            connection, "SELECT count(*) FILTER (WHERE day >= utc_day(now()) - 1), count(*) > 0 FROM daily_interest"
        )
        assert newest == [(0, True)]
        connection.execute("UPDATE interest_counts SET whole_at = whole_at - interval '61 minutes'")
        connection.execute("SELECT count_interest(), count_bought_together()")
        for table in ("daily_interest", "counted_interest", "bought_pairs"):
            assert one(connection, f"SELECT count(*) FROM {table}") == [(0,)]


def test_bought_together_is_who_had_both(street: Street) -> None:
    counted = rules.pairs(street.shop.signals, NOW)
    with street.database.read() as connection:
        for product in (1, 22, 45):
            scores = {
                other: people / (5 + math.sqrt(counted[product][product] * counted[other][other]))
                for other, people in counted[product].items()
                if other != product
            }
            ranked = sorted(scores, key=lambda p: (-round(scores[p], 9), p))
            asked = "SELECT product_id, score, people FROM bought_together(%s, 1000, as_of => %s)"
            found = one(connection, asked, f"S{product}", NOW)
            assert [p for p, _, _ in found] == ranked
            assert [score for _, score, _ in found] == pytest.approx([scores[p] for p in ranked])
            assert [n for _, _, n in found] == [counted[product][p] for p in ranked]
            few = one(
                connection,
                "SELECT product_id FROM bought_together(%s, 3, %s, as_of => %s)",
                f"S{product}",
                json.dumps({"field": "price", "gte": 30}),
                NOW,
            )
            assert [p for (p,) in few] == [p for p in ranked if p >= 30][:3]
            month = rules.pairs(street.shop.signals, NOW, 30).get(product, {})
            lately = one(
                connection,
                "SELECT product_id FROM bought_together(%s, 1000, days => 30, as_of => %s)",
                f"S{product}",
                NOW,
            )
            assert {p for (p,) in lately} == set(month) - {product}
    with pytest.raises(NotFound), street.database.read() as connection:
        one(connection, "SELECT * FROM bought_together('none')")


def test_the_view_of_pairs_says_what_the_function_says(street: Street) -> None:
    with street.database.write() as connection, connection.transaction(force_rollback=True):
        connection.execute("UPDATE events SET occurred_at = occurred_at + (now() - %s)", [NOW])
        connection.execute("SELECT count_bought_together()")
        viewed = one(
            connection,
            "SELECT other_id, score, people FROM bought_together_pairs WHERE product_id = 22 ORDER BY 2 DESC, 1",
        )
        assert viewed == one(connection, "SELECT product_id, score, people FROM bought_together('S22', 1000)")


def test_a_history_says_what_was_done_and_what_it_weighs(street: Street) -> None:
    for user in ("u1", "u8", "u20"):
        signals = street.shop.of(user, NOW)
        weighed = {h.product: h.weight for h in rules.weigh(signals, NOW)}
        with street.database.read() as connection:
            asked = "SELECT product_id, kinds, weight, last_at FROM user_history(%s, as_of => %s)"
            found = one(connection, asked, user, NOW)
        assert {product: weight for product, _, weight, _ in found} == pytest.approx(weighed)
        assert {product: kinds for product, kinds, _, _ in found} == {
            p: sorted({s.kind for s in signals if s.product == p}) for p in weighed
        }
        assert [last for *_, last in found] == sorted((last for *_, last in found), reverse=True)


def test_only_the_last_hundred_products_are_taste_and_all_are_excluded(street: Street) -> None:
    with street.database.write() as connection, connection.transaction(force_rollback=True):
        connection.execute(
            "INSERT INTO products (id, sku, title) SELECT n, 'N' || n, 'N' FROM generate_series(1001, 1150) n"
        )
        connection.execute(
            "INSERT INTO events (product_id, user_id, kind, occurred_at)"
            " SELECT n, 'busy', 'view', now() - make_interval(days => 2000 - n) FROM generate_series(1001, 1150) n"
        )
        history = one(connection, "SELECT product_id FROM user_history('busy', 1000)")
        assert [product for (product,) in history] == list(range(1150, 1050, -1))
        found = one(connection, "SELECT product_id FROM recommend_for_user('busy', 1000)")
        assert sorted(product for (product,) in found) == list(range(1, COUNT + 1))


def test_a_session_is_like_a_person_who_did_the_same(street: Street) -> None:
    done = [("S1", "view"), ("S22", "cart"), ("S23", "purchase"), ("S2", "like")]
    with street.database.write() as connection, connection.transaction(force_rollback=True):
        events = []
        for hours, (sku, kind) in enumerate(done):
            ((at, text),) = one(
                connection,
                "SELECT t, to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
                " FROM (SELECT now() - make_interval(hours => %s)) x (t)",
                hours,
            )
            connection.execute(
                "INSERT INTO events (product_id, user_id, kind, occurred_at)"
                " SELECT id, 'me', %s, %s FROM products WHERE sku = %s",
                [kind, at, sku],
            )
            events.append({"sku": sku, "kind": kind, "occurred_at": text})
        same = "SELECT position, sku, round(score::numeric, 6), source, interest FROM "
        # Who bought counts as a person of the shop too, so that what they had together is left out here.
        of_user = one(connection, same + "recommend_for_user('me', w_together => 0, w_popularity => 0)")
        of_session = one(
            connection, same + "recommend_for_session(%s, w_together => 0, w_popularity => 0)", json.dumps(events)
        )
    assert of_user == of_session
    assert of_user


@pytest.mark.parametrize(
    ("events", "field"),
    [
        ({"sku": "S1"}, "events"),
        ([{"kind": "view"}], "events[0].sku"),
        ([{"sku": "S1"}, {"sku": "S2", "kind": "stare"}], "events[1].kind"),
        ([{"sku": "S1", "kind": "rating"}], "events[0].value"),
        ([{"sku": "S1", "kind": "rating", "value": 6}], "events[0].value"),
        ([{"sku": "S1", "value": "much"}], "events[0].value"),
        ([{"sku": "S1", "occurred_at": "yesterday"}], "events[0].occurred_at"),
        ([{"sku": "S1", "who": "me"}], "events[0].who"),
    ],
)
def test_a_session_that_does_not_fit_is_refused_by_field(street: Street, events: object, field: str) -> None:
    with pytest.raises(InvalidInput) as refused, street.database.read() as connection:
        one(connection, "SELECT * FROM recommend_for_session(%s)", json.dumps(events))
    assert refused.value.field == field


def test_a_session_with_an_unknown_product_names_it(street: Street) -> None:
    with pytest.raises(NotFound, match="S999"):
        people.recommend_for_session(street.database, [{"sku": "S999"}], Personal(), seconds=60)


def test_pages_of_a_person_neither_repeat_nor_skip(street: Street) -> None:
    database = street.database
    wish = Personal(k=7, filter={"field": "price", "gte": 3}, one_per_variant_group=True)
    page = people.recommend_for_user(database, "u3", wish, seconds=60)
    items, pages = json.loads(page.items), [json.loads(page.items)]
    after = page.next_position
    while after is not None:
        later = frozen.read_page(database, page.list_id, after=after)
        assert (later.kind, later.query["user"]) == ("user", "u3")
        pages.append(json.loads(later.items))
        items += pages[-1]
        after = later.next_position
    with database.read() as connection:
        ranked = one(
            connection,
            "SELECT sku, score FROM recommend_for_user('u3', 100, %s, one_per_variant_group => true)",
            json.dumps(wish.filter),
        )
    assert [len(page) for page in pages[:-1]] == [7] * (len(pages) - 1)
    assert len(pages) > 2
    assert [item["sku"] for item in items] == [sku for sku, _ in ranked]
    led = [item for item in items if item["source"] in ("interest", "bought_together")]
    assert led
    assert all(set(item["examples"][0]) == {"sku", "title", "contribution"} for item in led)
    assert set(items[0]) == set(pages[1][0])
    of_session = people.recommend_for_session(database, [{"sku": "S3"}], Personal(k=3), seconds=60)
    assert len(json.loads(of_session.items)) == 3
    assert frozen.read_page(database, of_session.list_id, after=3).kind == "session"


def test_a_forgotten_person_is_a_stranger(street: Street) -> None:
    with street.database.write() as connection, connection.transaction(force_rollback=True):
        ((events, reviews),) = one(
            connection,
            "SELECT (SELECT count(*) FROM events WHERE user_id = 'u8'),"
            " (SELECT count(*) FROM reviews WHERE user_id = 'u8')",
        )
        assert events
        connection.execute(
            "INSERT INTO reviews (product_id, rating, user_id, author, fingerprint) VALUES (1, 4, 'u8', 'Eve', 'x')"
        )
        stars = one(connection, "SELECT count(*), sum(rating) FROM reviews")
        assert one(connection, "SELECT * FROM forget_user('u8')") == [(events, reviews + 1)]
        assert one(connection, "SELECT count(*) FROM user_signals WHERE user_id = 'u8'") == [(0,)]
        assert one(connection, "SELECT count(*) FROM reviews WHERE author = 'Eve'") == [(0,)]
        assert one(connection, "SELECT count(*), sum(rating) FROM reviews") == stars
        asked = "SELECT sku, source FROM recommend_for_user(%s)"
        assert one(connection, asked, "u8") == one(connection, asked, "stranger")


def test_forgetting_takes_the_lists_along(database: Database) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO products (id, sku, title) VALUES (1, 'A', 'A')")
        connection.execute(
            "INSERT INTO events (product_id, user_id, kind) VALUES (1, 'me', 'view'), (1, 'you', 'view')"
        )
    mine = people.recommend_for_user(database, "me", Personal(), seconds=60)
    yours = people.recommend_for_user(database, "you", Personal(), seconds=60)
    assert people.forget_user(database, "me") == people.Forgotten(events=1, reviews=0)
    with pytest.raises(NotFound):
        frozen.read_page(database, mine.list_id)
    assert frozen.read_page(database, yours.list_id).kind == "user"
    assert [past.sku for past in people.user_history(database, "you")] == ["A"]
    assert people.user_interests(database, "you") == []


def test_signals_are_events_and_the_reviews_of_known_people(street: Street) -> None:
    with street.database.read() as connection:
        rows = one(connection, "SELECT user_id, product_id, kind, value, occurred_at FROM user_signals")
    assert sorted(map(str, (Signal(*row) for row in rows))) == sorted(
        map(
            str,
            (
                Signal(s.user, s.product, s.kind, None if s.value is None else float(s.value), s.at)
                for s in street.shop.signals
            ),
        )
    )
    assert timedelta(0) < NOW - min(s.at for s in street.shop.signals)


@pytest.mark.parametrize(
    ("kind", "value", "weight"),
    [
        ("rating", 5, 1),
        ("rating", 3, 0.2),
        ("rating", 1, -0.6),
        ("rating", None, 0),
        ("rating", float("nan"), 0),
        ("rating", 50, 0),
        ("purchase", None, 1),
        ("purchase", 3, 1),
        ("view", None, 0.1),
    ],
)
def test_what_a_signal_weighs(street: Street, kind: str, value: float | None, weight: float) -> None:
    with street.database.read() as connection:
        assert one(connection, "SELECT signal_weight(%s, %s::real)", kind, value) == [(pytest.approx(weight),)]
