"""The page of one product, and what is like it."""

from flask import Blueprint, render_template, request

from backend.catalog.categories import list_categories
from backend.catalog.products import Photograph, Product, get_product
from backend.catalog.reviews import list_reviews
from backend.database.queries import load_queries
from backend.recommend.reviews import MOST_CHARACTERS, search_reviews
from backend.spaces.space import active_space
from backend.web.alike import Wishes, find_alike, read_wishes
from backend.web.blueprint import services
from backend.web.cards import read_cards, read_variants
from backend.web.shelves import read_better, read_shelf
from backend.web.tree import way_to
from backend.web.trial import trial
from backend.web.visitor import is_private, likes, note_view

views = Blueprint("product", __name__)

SQL = load_queries("web")

REVIEWS = 6
# Of a search inside them.
FOUND = 12


@views.get("/p/<sku>")
def page(sku: str) -> str:
    """The product, its reviews, more like it, and what goes with it."""
    database = services().database
    product = get_product(database, sku)
    note_view(database, sku)
    shadow = trial()
    reviews = list_reviews(database, sku, limit=REVIEWS, cursor=request.args.get("reviews"))
    asked = request.args.get("said", "").replace("\0", "").strip()[:MOST_CHARACTERS]
    roots = list_categories(database) if product.category else []
    return render_template(
        "web/product.html",
        card=read_cards(database, [sku])[0],
        photo=_chosen(product),
        way=way_to(roots, product.category) if product.category else [],
        variants=read_variants(database, sku) if product.variant_group else [],
        reviews=reviews,
        asked=asked,
        said=search_reviews(database, services().embedder, asked, sku=sku, k=FOUND) if asked else [],
        stars=_count_stars(sku) if reviews.count else {},
        together=read_shelf(database, "bought-together", placement="product", sku=sku),
        better=read_better(database, sku, space=None if shadow is None else shadow.name),
        liked=likes(database, sku),
        can_like=not is_private(),
        **_alike(product),
    )


@views.get("/p/<sku>/similar")
def similar(sku: str) -> str:
    """The part of the page that the sliders change."""
    return render_template("web/_alike.html", **_alike(get_product(services().database, sku)))


def _chosen(product: Product) -> Photograph | None:
    """The photograph that is shown large: the one at position ``photo``, else the first."""
    position = request.args.get("photo", type=int)
    chosen = (image for image in product.images if image.position == position)
    return next(chosen, product.images[0] if product.images else None)


def _alike(product: Product) -> dict[str, object]:
    database = services().database
    shadow = trial()
    wishes: Wishes = read_wishes(shadow or active_space(database), request.args)
    alike = find_alike(database, product, wishes, space=None if shadow is None else shadow.name)
    return {"product": product, "wishes": wishes, "alike": alike}


def _count_stars(sku: str) -> dict[int, int]:
    with services().database.read() as connection:
        return dict(connection.execute(SQL["stars"], {"sku": sku}).fetchall())
