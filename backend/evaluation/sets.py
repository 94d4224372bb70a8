"""The held-out sets that a catalogue has, and why it lacks the others."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from backend.database.connection import Row
from backend.evaluation.hard_titles import hard_title
from backend.evaluation.held_out import Absent, AskedPerson, AskedProduct, HeldOutSet
from backend.evaluation.questions import MOST_PURCHASES
from backend.evaluation.signals import SQL, Cut

VARIANTS, TOGETHER, LAST = "variants", "bought together", "last event"
TYPES, HARD = "article type", "article type, hard titles"
# So many stars or fewer: the person had it, and did not want it.
LOW = 2


def read_sets(
    connection: Connection[Row], cut: Cut, *, questions: int, seed: int, only: Sequence[int] | None
) -> tuple[list[HeldOutSet], list[Absent]]:
    """All sets with a question, each of up to ``questions``; the sample depends on skus, people and ``seed`` only.

    ``only``: of these products alone it is asked for variants and article types, all where None.
    """
    given: dict[str, Any] = {"sample": questions, "seed": seed, "only": None if only is None else list(only)}
    found = [
        _variants(connection, given),
        _together(connection, cut, given),
        _people(connection, cut, given),
        types := _types(connection, given),
        _hard(connection, types),
    ]
    return [one for one in found if isinstance(one, HeldOutSet)], [one for one in found if isinstance(one, Absent)]


def _variants(connection: Connection[Row], given: dict[str, Any]) -> HeldOutSet | Absent:
    rows = connection.execute(SQL["variants"], given).fetchall()
    if not rows:
        return Absent(
            VARIANTS, "no variants in this catalogue: no two products that are embedded share a variant_group"
        )
    asked = tuple(
        AskedProduct(group, len(right), frozenset(right), product_id=id_, sku=sku) for id_, sku, group, right in rows
    )
    return HeldOutSet(
        VARIANTS, "product", "a product is asked for; right are the others of its variant group", asked, "groups"
    )


def _types(connection: Connection[Row], given: dict[str, Any]) -> HeldOutSet | Absent:
    rows = connection.execute(SQL["article_types"], given).fetchall()
    if not rows:
        return Absent(TYPES, "no article types in this catalogue: no two products that are embedded share a category")
    asked = tuple(
        AskedProduct(sku, others, category=category, product_id=id_, sku=sku) for id_, sku, category, others in rows
    )
    return HeldOutSet(TYPES, "product", "a product is asked for; right are the others of its category", asked)


def _hard(connection: Connection[Row], types: HeldOutSet | Absent) -> HeldOutSet | Absent:
    if isinstance(types, Absent):
        return Absent(HARD, types.why)
    ids = [question.product_id for question in types.products]
    rows = connection.execute(SQL["described"], {"product_ids": ids}).fetchall()
    titles = {id_: hard_title(title, leaf) for id_, title, *_, leaf in rows}
    changed = sum(titles[id_] != title for id_, title, *_ in rows)
    asked = tuple(
        AskedProduct(
            question.unit,
            question.rights,
            category=question.category,
            product_id=question.product_id,
            sku=question.sku,
            hard_title=titles[question.product_id],
        )
        for question in types.products
        if titles.get(question.product_id)
    )
    if not asked:
        return Absent(HARD, "every title is nothing but its article type")
    about = (
        "the same, asked by a title without the words of its article type; descriptions, photographs and all other "
        f"products stay as they are ({changed:,} of {len(rows):,} titles change, {len(rows) - len(asked):,} titles of "
        "nothing else are left out)"
    )
    return HeldOutSet(HARD, "hard title", about, asked)


def _together(connection: Connection[Row], cut: Cut, given: dict[str, Any]) -> HeldOutSet | Absent:
    if cut.split is None:
        return Absent(TOGETHER, f"no co-purchases in this catalogue: {cut.note}")
    rows = connection.execute(SQL["bought_together"], given | {"most": MOST_PURCHASES}).fetchall()
    if not rows:
        return Absent(
            TOGETHER,
            f"no co-purchases are held out: nobody with 2 to {MOST_PURCHASES} products put into a cart, bought or "
            "reviewed got another one first in the held-out part",
        )
    asked = tuple(
        AskedProduct(user, len(right), frozenset(right), product_id=id_, sku=sku) for id_, sku, user, right in rows
    )
    about = "a product is asked for that somebody bought; right is what they first bought in the held-out part"
    return HeldOutSet(TOGETHER, "product", about, asked, "people", of_signals=True)


def _people(connection: Connection[Row], cut: Cut, given: dict[str, Any]) -> HeldOutSet | Absent:
    if cut.split is None:
        return Absent(LAST, f"no events in this catalogue: {cut.note}")
    rows = connection.execute(SQL["people"], given | {"cut": cut.at, "low": LOW}).fetchall()
    counts = connection.execute(SQL["people_counts"]).fetchone()
    assert counts is not None
    if not rows:
        return Absent(
            LAST,
            f"of {counts[0]:,} people with something held out, nobody had to do with another product before: "
            "there is no history to recommend from",
        )
    asked = tuple(
        AskedPerson(user, len(right), frozenset(right), user_id=user, history=tuple(history))
        for user, right, history in rows
    )
    about = (
        "a person is asked for as they were at the cut; right is what they had to do with last, new to them and not "
        f"rated {LOW} or lower"
        if cut.at
        else "a person is asked for; right is what of theirs was drawn for the test and not rated "
        f"{LOW} or lower (there is no time, so no last event)"
    )
    return HeldOutSet(
        LAST,
        "person",
        f"{about} ({counts[1]:,} of {counts[0]:,} people with something held out have no history and are left out)",
        asked,
        "people",
        of_signals=True,
    )
