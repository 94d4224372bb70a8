"""For you: what the shop recommends to the visitor and why, likes, and the button that forgets all of it."""

import json
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend.catalog.products import get_product
from backend.database.connection import Database
from backend.recommend.people import Personal, forget_user, recommend_for_user, user_history
from backend.recommend.reasons import reason_of
from backend.web.blueprint import services
from backend.web.cards import Card, read_cards
from backend.web.same_origin import check_form
from backend.web.trial import trial
from backend.web.visitor import COOKIE, is_private, like, like_no_more, visitor

views = Blueprint("you", __name__)
views.before_request(check_form)

CARDS = 24
PAST = 12
# A list that a click may name is kept so long, in seconds.
KEPT = 3600
# What many want counts less here than in the default list (3), which finds more of what is bought next: whoever opens
# this page wants to see themselves in it.
OWN_TASTE = 0.5


@dataclass(frozen=True)
class ForYou:
    """A recommended product; ``reason`` has sku, title and text, as the API has it."""

    card: Card
    source: str
    reason: dict[str, Any]


@views.get("/you")
def page() -> str:
    """What is recommended to the visitor, each with what led there; what is popular and new to somebody new."""
    database = services().database
    key = visitor()
    list_id, items = recommended(database, key or "", CARDS)
    past = user_history(database, key, k=PAST) if key else []
    return render_template(
        "web/you.html",
        items=items,
        list_id=list_id,
        past=past,
        past_cards=read_cards(database, [done.sku for done in past]),
        private=is_private(),
        forgotten=bool(request.args.get("forgotten")),
    )


@views.post("/you/likes")
def change_like() -> ResponseReturnValue:
    """Like a product, or no more."""
    database = services().database
    sku = get_product(database, request.form.get("sku", "")).sku
    (like_no_more if request.form.get("undo") else like)(database, sku)
    return redirect(url_for("shelf.product.page", sku=sku, _anchor="like"), 303)


@views.post("/you/forget")
def forget() -> ResponseReturnValue:
    """Delete what the visitor did, and the key by which it was known."""
    key = visitor()
    if key is not None:
        forget_user(services().database, key)
    response = redirect(url_for("shelf.you.page", forgotten=1), 303)
    response.delete_cookie(COOKIE, secure=request.is_secure, httponly=True, samesite="Lax")
    return response


def recommended(database: Database, user_id: str, k: int) -> tuple[str, list[ForYou]]:
    """The list of a person and its id; the empty key is of somebody new."""
    shadow = trial()
    wish = Personal(k=k, w_popularity=OWN_TASTE, placement="you", space=None if shadow is None else shadow.name)
    found = recommend_for_user(database, user_id, wish, seconds=KEPT)
    items = {item["sku"]: item for item in json.loads(found.items)}
    cards = read_cards(database, list(items))
    return str(found.list_id), [ForYou(c, items[c.sku]["source"], reason_of(items[c.sku])) for c in cards]
