"""search_products: exact filters, exactly k, ranks and ties, and words as people write them."""

from typing import Any

import numpy as np
import psycopg
import pytest
from filter_oracle import Json, random_filters
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from search_fixtures import CATALOGUE, DIMENSIONS, EMBEDDED, TITLES, VECTORS, ask, connection

__all__ = ["connection"]

QUERY = np.random.default_rng(9).normal(size=DIMENSIONS)
QUERY /= np.linalg.norm(QUERY)
VECTOR = {"text": QUERY.tolist()}

some = hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def with_words(*words: str) -> set[int]:
    return {number for number, title in TITLES.items() if set(words) <= set(title.split())}


def nearest(among: set[int]) -> list[int]:
    """Embedded products by inner product with the query, as halves have it, then by id."""
    exact = {number: float(VECTORS[number].astype(np.float64) @ QUERY) for number in among & EMBEDDED}
    return sorted(exact, key=lambda number: (-round(exact[number], 3), number))


@some
@given(
    node=st.none() | random_filters(CATALOGUE),
    words=st.sampled_from([("red",), ("red", "shirt"), ("wool", "coat", "blue"), ("absent",)]),
    k=st.sampled_from([1, 10, 150, 1000]),
    mode=st.sampled_from(["hybrid", "lexical", "vector"]),
)
@example(None, ("red",), 1000, "hybrid")
@example({"any": []}, ("red",), 10, "hybrid")
def test_exactly_k_come_or_all_that_match_and_none_outside_the_filter(
    connection: psycopg.Connection[Any], node: Json | None, words: tuple[str, ...], k: int, mode: str
) -> None:
    allowed = set(CATALOGUE.products) if node is None else set(CATALOGUE.matching(node))
    lexical = with_words(*words) & allowed if mode != "vector" else set()
    semantic = EMBEDDED & allowed if mode != "lexical" else set()
    rows = ask(connection, {"text": " ".join(words), "vector": VECTOR, "k": k, "mode": mode, "filter": node})
    found = [row["product_id"] for row in rows]
    assert len(set(found)) == len(found) == min(k, len(lexical | semantic))
    assert set(found) <= lexical | semantic
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    assert [(-row["score"], row["product_id"]) for row in rows] == sorted(
        (-row["score"], row["product_id"]) for row in rows
    )
    for row in rows:
        parts = {"lexical": row["lexical_rank"], "vector": row["vector_rank"]}
        assert row["contributions"] == {
            name: pytest.approx(0 if rank is None else 1 / (60 + rank))
            for name, rank in parts.items()
            if mode in ("hybrid", name)
        }
        assert sum(row["contributions"].values()) == pytest.approx(row["score"], abs=1e-12)
        if row["lexical_rank"] is not None:
            assert row["product_id"] in lexical
    if mode == "lexical" and k == 1000:
        assert [row["lexical_rank"] for row in rows] == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("node", [None, {"field": "price", "gte": 10}])
def test_the_list_by_meaning_is_that_of_the_exact_order(connection: psycopg.Connection[Any], node: Json | None) -> None:
    allowed = set(CATALOGUE.products) if node is None else set(CATALOGUE.matching(node))
    rows = ask(connection, {"vector": VECTOR, "k": 50, "filter": node, "exact": True})
    found = [row["product_id"] for row in rows]
    scores = {number: float(VECTORS[number].astype(np.float64) @ QUERY) for number in EMBEDDED & allowed}
    expected = sorted(scores.values(), reverse=True)[:50]
    assert [scores[number] for number in found] == pytest.approx(expected, abs=2e-3)
    assert {row["mode"] for row in rows} == {"exact"}
    assert {row["source"] for row in rows} == {"search"}


def test_equal_products_stand_in_the_order_of_their_ids(connection: psycopg.Connection[Any]) -> None:
    rows = ask(connection, {"text": "linen wool", "k": 1000})
    order = [(row["title"], row["product_id"]) for row in rows]
    alike: dict[tuple[str, Any], list[int]] = {}
    for row in rows:
        alike.setdefault((row["title"], row["category"]), []).append(row["product_id"])
    assert any(len(ids) > 1 for ids in alike.values())
    assert len(order) == len(with_words("linen", "wool"))
    ranked = connection.execute(
        """SELECT w.product_id, ts_rank(w.words, q, 16) FROM product_words w, read_words('linen wool') q
            WHERE w.words @@ q"""
    ).fetchall()
    assert [number for _, number in order] == [n for n, _ in sorted(ranked, key=lambda row: (-row[1], row[0]))]


def test_the_same_question_has_the_same_answer(connection: psycopg.Connection[Any]) -> None:
    query = {"text": "red shirt", "vector": VECTOR, "k": 200}
    assert ask(connection, query) == ask(connection, query)


def test_each_list_goes_as_deep_for_every_k(connection: psycopg.Connection[Any]) -> None:
    """So that a longer answer begins with the shorter one."""
    rows = {k: ask(connection, {"text": "red", "vector": VECTOR, "k": k}) for k in (1, 7, 100)}
    assert rows[1] == rows[7][:1]
    assert rows[7] == rows[100][:7]


def found_by(connection: psycopg.Connection[Any], text: str, **more: Any) -> set[int]:
    return {row["product_id"] for row in ask(connection, {"text": text, "k": 1000, **more})}


def test_phrases_alternatives_and_exclusions_are_understood(connection: psycopg.Connection[Any]) -> None:
    assert found_by(connection, "red shirt") == with_words("red", "shirt")
    assert found_by(connection, "shirts") == with_words("shirt")
    assert found_by(connection, "red -shirt") == with_words("red") - with_words("shirt")
    assert found_by(connection, '"red shirt"') == {n for n, title in TITLES.items() if "red shirt" in title}
    # 4 words apart a few exceed the thousand that come.
    assert (
        found_by(connection, "linen or -wool red", mode="lexical")
        == (with_words("linen") | (with_words("red") - with_words("wool")))
        or len(found_by(connection, "linen or -wool red", mode="lexical")) == 1000
    )


def test_a_dash_or_a_slash_between_words_is_punctuation(connection: psycopg.Connection[Any]) -> None:
    assert found_by(connection, "red - shirt") == with_words("red", "shirt")
    assert found_by(connection, "red/shirt") == with_words("red", "shirt")


@pytest.mark.parametrize("mode", ["hybrid", "vector"])
def test_an_excluded_word_excludes_by_meaning_too(connection: psycopg.Connection[Any], mode: str) -> None:
    found = found_by(connection, "linen -red", vector=VECTOR, mode=mode)
    assert found
    assert not found & with_words("red")
    allowed = set(CATALOGUE.products) - with_words("red")
    assert len(found) == min(
        1000, len(EMBEDDED & allowed | (with_words("linen") & allowed if mode == "hybrid" else set()))
    )


def test_an_alternative_without_exclusion_lets_everything_in(connection: psycopg.Connection[Any]) -> None:
    assert found_by(connection, "linen or shirt -red", vector=VECTOR, mode="vector") & with_words("red")


@pytest.mark.parametrize("text", ["the", "to be or not to be", "!!!", "—", "- -", "()&|!:*<->\\'"])
def test_text_without_a_word_to_look_for_is_answered_by_meaning_alone(
    connection: psycopg.Connection[Any], text: str
) -> None:
    assert ask(connection, {"text": text}) == []
    rows = ask(connection, {"text": text, "vector": VECTOR, "k": 20})
    assert len(rows) == 20
    assert {row["lexical_rank"] for row in rows} == {None}
    assert [row["vector_rank"] for row in rows] == list(range(1, 21))


@some
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_text_is_answered(connection: psycopg.Connection[Any], text: str) -> None:
    if not text.strip():
        return
    assert len(ask(connection, {"text": text, "vector": VECTOR, "k": 3})) == 3


@some
@given(
    pieces=st.lists(
        st.sampled_from(["red", "-wool", '"linen shirt"', "or", "-", '-"blue coat"', "--", '"', "the"]), min_size=1
    )
)
def test_what_is_excluded_follows_from_the_words_alone(connection: psycopg.Connection[Any], pieces: list[str]) -> None:
    """A product that the words match is never among those that they exclude."""
    row = connection.execute(
        """SELECT count(*) FROM product_words w, read_words(%s) q (words)
            WHERE w.words @@ q.words AND w.words @@ excluded_words(q.words)""",
        [" ".join(pieces)],
    ).fetchone()
    assert row == (0,)


def test_weights_choose_between_text_and_image(connection: psycopg.Connection[Any]) -> None:
    query = {"vector": VECTOR | {"image": QUERY.tolist()}, "k": 5}
    both = [row["product_id"] for row in ask(connection, query)]
    # No product has an image here: by it alone all tie, and ids decide.
    by_image = [row["product_id"] for row in ask(connection, query | {"weights": {"image": 1}})]
    assert by_image == sorted(EMBEDDED)[:5]
    assert both == [row["product_id"] for row in ask(connection, query | {"weights": {"text": 3, "image": 3}})]


WRONG: list[tuple[Json, str]] = [
    ({}, "text"),
    ({"k": 5}, "text"),
    ({"text": " \n"}, "text"),
    ({"text": "x" * 1001}, "text"),
    ({"text": 5}, "text"),
    ({"txt": "red"}, "txt"),
    ({"text": "red", "k": 0}, "k"),
    ({"text": "red", "k": 1001}, "k"),
    ({"text": "red", "k": 1.5}, "k"),
    ({"text": "red", "k": "5"}, "k"),
    ({"text": "red", "rrf_k": 0}, "rrf_k"),
    ({"text": "red", "mode": "both"}, "mode"),
    ({"text": "red", "mode": "hybrid"}, "vector"),
    ({"text": "red", "mode": "vector"}, "vector"),
    ({"vector": VECTOR, "mode": "lexical"}, "text"),
    ({"vector": VECTOR, "mode": "hybrid"}, "text"),
    ({"text": "red", "weights": {"text": 1}}, "weights"),
    ({"vector": VECTOR, "weights": {"text": -1}}, "weights.text"),
    ({"vector": VECTOR, "weights": {"text": "1"}}, "weights.text"),
    ({"vector": VECTOR, "weights": {"image": 1}}, "weights.image"),
    ({"vector": VECTOR, "weights": {"looks": 1}}, "weights.looks"),
    ({"vector": VECTOR, "weights": {"text": 0}}, "weights"),
    ({"vector": VECTOR, "weights": {}}, "weights"),
    ({"vector": {"text": [1, 2]}}, "vector.text"),
    ({"vector": {"text": [1] * 63 + ["1"]}}, "vector.text"),
    ({"vector": {"text": [1] * 63 + [1e300]}}, "vector.text"),
    ({"vector": {"text": "[1]"}}, "vector.text"),
    ({"vector": {"taste": [1]}}, "vector.taste"),
    ({"vector": {"text": QUERY.tolist(), "taste": [1]}}, "vector.taste"),
    ({"vector": [1]}, "vector"),
    ({"text": "red", "filter": {"field": "colour", "eq": "red"}}, "filter.field"),
    ({"text": "red", "filter": {"all": [{"field": "price", "gte": "ten"}]}}, "filter.all[0].gte"),
    ({"vector": VECTOR, "space": "nowhere"}, "space"),
    ({"text": "red", "exact": "yes"}, "exact"),
]


@pytest.mark.parametrize(("query", "field"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_what_does_not_fit_is_refused_by_name(connection: psycopg.Connection[Any], query: Json, field: str) -> None:
    with pytest.raises(psycopg.Error) as refused:
        ask(connection, query)
    assert (refused.value.sqlstate or "").startswith("SM")
    assert refused.value.diag.column_name == field


def test_words_are_kept_with_the_product(connection: psycopg.Connection[Any]) -> None:
    def finds(*words: str) -> list[bool]:
        return [
            bool(connection.execute("SELECT FROM search_products(%s)", [Jsonb({"text": word})]).fetchall())
            for word in words
        ]

    with connection.transaction(force_rollback=True):
        connection.execute(
            """INSERT INTO products (id, sku, title, description, brand, category)
               VALUES (9000, 'XK-4711', 'Zebra/Quagga', 'It shimmers.', 'Ockham', 'Unheard/Gadgets')"""
        )
        words = ("zebra", "quaggas", "shimmering", "ockham", "gadget", "XK-4711", "xk-4711")
        assert finds(*words) == [True] * len(words)
        connection.execute("UPDATE products SET title = 'Okapi', price = 5 WHERE sku = 'XK-4711'")
        assert finds("zebra", "okapi", "ockham") == [False, True, True]
        connection.execute("SELECT rename_category('Unheard/Gadgets', 'Unheard/Widgets')")
        assert finds("gadget", "widget") == [False, True]
        connection.execute("DELETE FROM products WHERE sku = 'XK-4711'")
        assert finds("okapi", "widget") == [False, False]


def test_texts_of_any_length_are_stored(connection: psycopg.Connection[Any]) -> None:
    """A tsvector holds 1 MB, and a word 2 kB: what is beyond is not found by, but refuses nothing."""
    with connection.transaction(force_rollback=True):
        distinct = " ".join(f"{number:x}-{chr(0x20000 + number % 40000)}" for number in range(200_000))
        texts = (distinct, "x" * 500_000, "a-" * 300_000, distinct[::-1] + "needle", "a/b_" * 100_000)
        for number, text in enumerate(texts, 9000):
            connection.execute(
                "INSERT INTO products (id, sku, title, description) VALUES (%s, %s, 'haystack', %s)",
                [number, str(number), text],
            )
        assert len(found_by(connection, "haystack")) == len(texts)
        assert found_by(connection, "needle") == set()


def test_products_created_later_are_left_out_on_request(connection: psycopg.Connection[Any]) -> None:
    times = sorted({product["created_at"] for product in CATALOGUE.products.values()})
    expected = {number for number in with_words("red", "shirt") if CATALOGUE.products[number]["created_at"] <= times[3]}
    assert found_by(connection, "red shirt", as_of=times[3].isoformat()) == expected
    assert found_by(connection, "red shirt", as_of=times[3].isoformat(), filter={"field": "in_stock", "eq": True}) == {
        number for number in expected if CATALOGUE.products[number]["in_stock"]
    }


def test_the_words_are_found_by_their_index(connection: psycopg.Connection[Any]) -> None:
    plan = connection.execute(
        "EXPLAIN SELECT product_id FROM product_words WHERE words @@ read_words('wool coat blue')"
    ).fetchall()
    assert any("product_words_words_idx" in line for (line,) in plan)
