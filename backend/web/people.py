"""The admin's page of a person: what they did, what that says of them, and what they are recommended, with reasons."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend.database.connection import Database
from backend.recommend.people import (
    Interesting,
    Personal,
    forget_user,
    recommend_for_user,
    user_history,
    user_interests,
)
from backend.recommend.reasons import reason_of
from backend.web.blueprint import services
from backend.web.cards import Card, read_cards
from backend.web.same_origin import check_form

views = Blueprint("people", __name__, url_prefix="/admin/people")
views.before_request(check_form)

CARDS = 12
PAST = 50
# What an interest is shown by.
FACES = 6
KEPT = 60


@dataclass(frozen=True)
class Interest:
    """A part of somebody's taste: its ``share`` of the whole, and the products that weigh most in it."""

    number: int
    share: float
    products: list[Interesting]
    cards: list[Card]


@dataclass(frozen=True)
class Recommended:
    """A recommended product with its score, the parts of it, and why."""

    card: Card
    score: float
    contributions: dict[str, float]
    source: str
    reason: dict[str, Any]


@views.get("")
def page() -> str:
    """A form for the key of a person, and below it what is known of the one that it names."""
    database = services().database
    user_id = request.args.get("user", "").strip()
    history = user_history(database, user_id, k=PAST) if user_id else []
    return render_template(
        "web/people.html",
        user_id=user_id,
        history=history,
        interests=_interests(database, user_interests(database, user_id)) if history else [],
        recommended=_recommended(database, user_id) if user_id else [],
        gone_events=request.args.get("events", type=int),
        gone_reviews=request.args.get("reviews", type=int),
    )


@views.post("/forget")
def forget() -> ResponseReturnValue:
    """Forget a person, where the box is ticked."""
    user_id = request.form.get("user", "").strip()
    if not request.form.get("sure"):
        return redirect(url_for("shelf.people.page", user=user_id, _anchor="forget"), 303)
    gone = forget_user(services().database, user_id)
    return redirect(url_for("shelf.people.page", events=gone.events, reviews=gone.reviews), 303)


def _interests(database: Database, found: Sequence[Interesting]) -> list[Interest]:
    by_number: dict[int, list[Interesting]] = {}
    for item in found:
        by_number.setdefault(item.interest, []).append(item)
    whole = sum(items[0].weight for items in by_number.values()) or 1.0
    return [
        Interest(number, items[0].weight / whole, items, read_cards(database, [item.sku for item in items[:FACES]]))
        for number, items in by_number.items()
    ]


def _recommended(database: Database, user_id: str) -> list[Recommended]:
    found = recommend_for_user(database, user_id, Personal(k=CARDS), seconds=KEPT)
    items = {item["sku"]: item for item in json.loads(found.items)}
    return [
        Recommended(card, item["score"], item["contributions"], item["source"], reason_of(item))
        for card in read_cards(database, list(items))
        for item in (items[card.sku],)
    ]
