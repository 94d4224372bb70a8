"""The catalogue admin's pages: the queue, what died and why, and a form for a product with its photograph."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend.catalog.categories import list_categories
from backend.catalog.products import Product, delete_product, get_product, get_products, put_product
from backend.errors import InvalidInput
from backend.spaces.jobs import Job, list_jobs, retry_dead
from backend.web.blueprint import services
from backend.web.cards import page_of, read_cards
from backend.web.product_form import ProductForm
from backend.web.product_photos import Photos
from backend.web.queue_state import read_queue_state
from backend.web.same_origin import check_form
from backend.web.tree import paths

views = Blueprint("admin", __name__, url_prefix="/admin")
views.before_request(check_form)

LINES = 50


@views.get("")
def overview() -> str:
    """The state of the queue, the spaces and the catalogue."""
    missing, deleted = request.args.get("missing"), request.args.get("deleted")
    queue = read_queue_state(services().database)
    return render_template("web/admin.html", queue=queue, missing=missing, deleted=deleted)


@views.get("/state")
def state() -> str:
    """The part of the overview that changes by itself."""
    return render_template("web/_queue.html", queue=read_queue_state(services().database))


@views.post("/retry")
def retry() -> ResponseReturnValue:
    """Queue the dead jobs again: all, or those of one product."""
    retry_dead(services().database, sku=request.form.get("sku") or None)
    return redirect(url_for("shelf.admin.overview"), 303)


@views.get("/products")
def products() -> ResponseReturnValue:
    """All products, newest first; with a sku, go to the form of that one."""
    if "sku" in request.args:
        return _find(request.args["sku"].strip())
    database = services().database
    page = page_of(
        database, category=None, limit=LINES, after=request.args.get("after"), before=request.args.get("before")
    )
    found = get_products(database, [card.sku for card in page.items])
    return render_template("web/products.html", page=page, products=found)


def _find(sku: str) -> ResponseReturnValue:
    if sku not in get_products(services().database, [sku]):
        return redirect(url_for("shelf.admin.overview", missing=sku))
    return redirect(url_for("shelf.admin.edit", sku=sku))


@views.get("/new")
def new() -> ResponseReturnValue:
    """An empty form."""
    return _show(ProductForm(), None)


@views.post("/new")
def create() -> ResponseReturnValue:
    """Store a product that there is not yet."""
    form = ProductForm.sent(request.form.get("sku", "").strip(), request.form)
    if form.sku in get_products(services().database, [form.sku]):
        form.problems["sku"] = "A product with this sku exists already: open it by its sku to change it."
        return _show(form, None)
    return _store(form, None)


@views.get("/products/<sku>")
def edit(sku: str) -> ResponseReturnValue:
    """The form, filled with a product."""
    product = get_product(services().database, sku)
    return _show(ProductForm.of(product), product)


@views.post("/products/<sku>")
def save(sku: str) -> ResponseReturnValue:
    """Replace all of a product by what the form says; its photograph only where a file was chosen."""
    product = get_product(services().database, sku)
    return _store(ProductForm.sent(sku, request.form), product)


@views.get("/products/<sku>/delete")
def ask_to_delete(sku: str) -> str:
    """Whether the product is really to go."""
    (card,) = read_cards(services().database, [get_product(services().database, sku).sku])
    return render_template("web/product_delete.html", card=card)


@views.post("/products/<sku>/delete")
def delete(sku: str) -> ResponseReturnValue:
    """Remove the product."""
    delete_product(services().database, sku)
    return redirect(url_for("shelf.admin.overview", deleted=sku), 303)


@views.get("/products/<sku>/state")
def product_state(sku: str) -> str:
    """Whether the product can be recommended already."""
    product = get_product(services().database, sku)
    return render_template("web/_embedding.html", product=product, job=_dead_job(product))


def _store(form: ProductForm, product: Product | None) -> ResponseReturnValue:
    database = services().database
    photos = Photos.sent(request)
    # Before anything is stored: a product is not saved without the photographs that were meant for it.
    photos.check(form)
    try:
        data = form.data()
        if not form.problems:
            put_product(database, form.sku, data)
    except InvalidInput as error:
        form.note(error)
    if form.problems:
        return _show(form, product)
    photos.store(database, form.sku)
    return redirect(url_for("shelf.admin.edit", sku=form.sku, saved=1), 303)


def _show(form: ProductForm, product: Product | None) -> ResponseReturnValue:
    database = services().database
    page = render_template(
        "web/product_form.html",
        form=form,
        product=product,
        card=read_cards(database, [product.sku])[0] if product else None,
        categories=paths(list_categories(database)),
        saved=bool(request.args.get("saved")),
        job=_dead_job(product) if product else None,
    )
    return page, 422 if form.problems else 200


def _dead_job(product: Product) -> Job | None:
    if product.embedding != "failed":
        return None
    return next(iter(list_jobs(services().database, sku=product.sku, state="dead")), None)
