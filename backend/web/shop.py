"""Browse and search."""

import time

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend.catalog.categories import list_categories
from backend.errors import InvalidInput
from backend.recommend.ranking import Filter, search_text
from backend.spaces.jobs import count_jobs
from backend.web.blueprint import services
from backend.web.cards import page_of, read_cards, read_faces
from backend.web.tree import unfold, way_to

views = Blueprint("shop", __name__)

CARDS = 24
LONGEST_QUERY = 500


@views.get("/")
def home() -> str:
    """The newest products, under the top categories."""
    database = services().database
    page = page_of(database, category=None, limit=CARDS, **_cursors())
    first = page.previous is None
    return render_template(
        "web/home.html",
        page=page,
        first=first,
        roots=list_categories(database),
        faces=read_faces(database) if first else {},
    )


@views.get("/c/<path:path>")
def category(path: str) -> str:
    """The newest products of a category and all below it."""
    database = services().database
    roots = list_categories(database)
    way = way_to(roots, path)
    page = page_of(database, category=path, limit=CARDS, **_cursors())
    return render_template("web/category.html", page=page, way=way, tree=unfold(roots, way), category=way[-1])


@views.get("/search")
def search() -> ResponseReturnValue:
    """Products whose text is nearest in meaning to ``q``, in the category ``in`` or anywhere."""
    query = request.args.get("q", "").strip()
    if not query:
        return redirect(url_for("shelf.shop.home"))
    if len(query) > LONGEST_QUERY:
        raise InvalidInput(f"the text to search for is longer than {LONGEST_QUERY} characters", field="q")
    shop = services()
    within = request.args.get("in") or None
    began = time.perf_counter()
    ranking = search_text(shop.database, shop.embedder, query, k=CARDS, filters=Filter(category=within))
    seconds = time.perf_counter() - began
    hits = {hit.sku: hit for hit in ranking.items}
    return render_template(
        "web/search.html",
        query=query,
        within=within,
        roots=list_categories(shop.database),
        ranking=ranking,
        found=[(card, hits[card.sku]) for card in read_cards(shop.database, list(hits))],
        seconds=seconds,
        waiting=count_jobs(shop.database).waiting,
    )


def _cursors() -> dict[str, str | None]:
    return {"after": request.args.get("after"), "before": request.args.get("before")}
