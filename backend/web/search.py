"""The search page: by words, by a photograph of the visitor's own, or by both, with facets to narrow it."""

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage, MultiDict

from backend.database.connection import Database
from backend.errors import InvalidInput, UnreadableImage
from backend.recommend.search import FacetValue, Found, Results, Search, count_facets, search
from backend.spaces.jobs import count_jobs
from backend.web.blueprint import services
from backend.web.cards import Card, read_cards
from backend.web.looks import Looks, unpack
from backend.web.narrowing import Narrowing, price_range, price_text, read_narrowing
from backend.web.trial import trial
from backend.web.wording import money

views = Blueprint("search", __name__)

FIELDS = ("total", "category", "brand", "price", "in_stock")
BRANDS = 12


@dataclass(frozen=True)
class Facets:
    """What the page can be narrowed to; ``of_words`` when products are counted that have all the words."""

    total: int
    of_words: bool
    values: dict[str, list[FacetValue]]


@dataclass(frozen=True)
class Answer:
    """What was found, in what time; ``facets`` of nothing found by words are of all products under the filter."""

    results: Results
    found: list[tuple[Card, Found]]
    facets: Facets
    seconds: float

    @property
    def currency(self) -> str | None:
        """The currency of all that was found; None where there are several."""
        currencies = {card.currency for card, _ in self.found if card.price is not None}
        return currencies.pop() if len(currencies) == 1 else None


@views.get("/search")
def page() -> str:
    """What the words ``q`` find, narrowed by ``in``, ``brand``, ``price`` and ``stock``; without words the form."""
    wish = read_narrowing(request.args)
    return _render(wish, None, _answer(wish) if wish.words else None)


@views.post("/search")
def by_photograph() -> ResponseReturnValue:
    """The same for a photograph, or for what is known of one from the page before; words alone have an address."""
    steps = request.form.get("go")
    wish = read_narrowing(request.form if steps is None else MultiDict(parse_qsl(steps)))
    upload = request.files.get("photo")
    packed, space = request.form.get("looks"), request.form.get("space", "")
    if upload is not None and upload.filename:
        return _upload(wish, upload)
    if packed:
        looks = unpack(packed, space)
        return _render(wish, looks, _answer(wish, looks=looks))
    return redirect(url_for("shelf.search.page", **wish.arguments), 303)


def _upload(wish: Narrowing, upload: FileStorage) -> ResponseReturnValue:
    try:
        answer = _answer(wish, image=upload.stream.read())
    except UnreadableImage as error:
        return _render(wish, None, None, problem=str(error)), int(error.status)
    assert answer.results.reference is not None
    return _render(wish, Looks(answer.results.vectors["image"], answer.results.reference), answer)


def _answer(wish: Narrowing, *, image: bytes | None = None, looks: Looks | None = None) -> Answer:
    shop = services()
    shadow = trial()
    began = time.perf_counter()
    asked = Search(
        text=wish.words or None,
        image=image,
        vectors={} if looks is None else {"image": looks.vector},
        space=looks.space if looks is not None else None if shadow is None else shadow.name,
        filter=wish.filter,
        k=wish.shown,
    )
    try:
        results = search(shop.database, shop.embedder, asked)
    except InvalidInput as error:
        # A link from before the category was renamed.
        if error.field == "filter.all[0].under":
            raise InvalidInput(f"there is no category {wish.category}", field="in") from error
        raise
    facets = _facets(shop.database, wish)
    seconds = time.perf_counter() - began
    items = {item.sku: item for item in results.items}
    found = [(card, items[card.sku]) for card in read_cards(shop.database, list(items))]
    return Answer(results, found, facets, seconds)


def _facets(database: Database, wish: Narrowing) -> Facets:
    """Among what the words find, and where that is nothing among all that the filter leaves: the rest is by meaning."""
    for text in (wish.words, None):
        if text == "":
            continue
        values = count_facets(database, FIELDS, filter=wish.filter, text=text, top=BRANDS)
        (total,) = values.pop("total")
        if total.count:
            break
    return Facets(total.count, text is not None, values)


def _render(wish: Narrowing, looks: Looks | None, answer: Answer | None, problem: str | None = None) -> str:
    return render_template(
        "web/search.html",
        wish=wish,
        looks=looks,
        answer=answer,
        problem=problem,
        price_text=price_text,
        price_label=_price_label,
        price_range=price_range,
        waiting=count_jobs(services().database).waiting,
    )


def _price_label(value: dict[str, Any], currency: str | None) -> str:
    low, high = (money(Decimal(str(value[end])), currency) if end in value else None for end in ("gte", "lt"))
    if low is None:
        return f"under {high}"
    return f"{low} and more" if high is None else f"{low} to {high}"
