"""Browse."""

from flask import Blueprint, render_template, request

from backend.catalog.categories import list_categories
from backend.web.blueprint import services
from backend.web.cards import page_of, read_faces
from backend.web.shelves import read_shelf
from backend.web.tree import unfold, way_to

views = Blueprint("shop", __name__)

CARDS = 24


@views.get("/")
def home() -> str:
    """The newest products, under the top categories and what is popular and trending."""
    database = services().database
    page = page_of(database, category=None, limit=CARDS, **_cursors())
    first = page.previous is None
    return render_template(
        "web/home.html",
        page=page,
        first=first,
        roots=list_categories(database),
        faces=read_faces(database) if first else {},
        popular=read_shelf(database, "popular", placement="home") if first else [],
        trending=read_shelf(database, "trending", placement="home") if first else [],
    )


@views.get("/c/<path:path>")
def category(path: str) -> str:
    """The newest products of a category and all below it."""
    database = services().database
    roots = list_categories(database)
    way = way_to(roots, path)
    page = page_of(database, category=path, limit=CARDS, **_cursors())
    return render_template("web/category.html", page=page, way=way, tree=unfold(roots, way), category=way[-1])


def _cursors() -> dict[str, str | None]:
    return {"after": request.args.get("after"), "before": request.args.get("before")}
