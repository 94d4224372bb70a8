"""Products over HTTP."""

from dataclasses import replace
from typing import Annotated
from urllib.parse import quote

from pydantic import Field

from backend.api.answers import Answer
from backend.api.routing import MERGE_PATCH, Routes
from backend.api.services import Services
from backend.api.types import Amount, AmountInBody, Answered, Attributes, Body, Query, Text, Time
from backend.api.waiting import PENDING, WaitQuery, settle
from backend.catalog import products
from backend.catalog.products import EmbeddingState, Product, ProductData
from backend.errors import Conflict, InvalidInput, NotFound

routes = Routes("Products")

Title = Annotated[Text, Field(min_length=1, max_length=1000)]
Short = Annotated[Text, Field(max_length=600)]
CategoryPath = Annotated[Text, Field(max_length=1000, examples=["Apparel/Topwear/Shirts"])]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217, such as EUR.")]


class ProductBody(Body):
    """A product as a shop describes it. What is left out is as if it had never been said."""

    sku: Annotated[Text | None, Field(description="The sku of the path, if it is repeated.")] = None
    title: Title
    description: Text = ""
    brand: Short | None = None
    category: Annotated[CategoryPath | None, Field(description="Created when it does not exist.")] = None
    price: AmountInBody | None = None
    currency: Currency | None = None
    in_stock: bool = True
    variant_group: Annotated[Short | None, Field(description="Shared by variants of one product.")] = None
    attributes: Annotated[Attributes, Field(description="Anything else.")] = {}

    def to_data(self) -> ProductData:
        """The same, for the catalogue."""
        return ProductData(**self.model_dump(exclude={"sku"}))


class ProductPatch(Body):
    """A JSON merge patch (RFC 7396): null takes a field back to its default, attributes are merged."""

    sku: Annotated[Text | None, Field(description="The sku of the path, if it is repeated.")] = None
    title: Title | None = None
    description: Text | None = None
    brand: Short | None = None
    category: CategoryPath | None = None
    price: AmountInBody | None = None
    currency: Currency | None = None
    in_stock: bool | None = None
    variant_group: Short | None = None
    attributes: Attributes | None = None


class PhotographAnswer(Answered):
    """A photograph of a product; its size is in pixels."""

    url: Annotated[str, Field(description="Where its bytes are; the address changes with them.")]
    position: int
    width: int
    height: int


class ProductAnswer(Answered):
    """A stored product."""

    sku: str
    title: str
    description: str
    brand: str | None
    category: str | None
    price: Amount | None
    currency: str | None
    in_stock: bool
    variant_group: str | None
    attributes: Attributes
    embedding: Annotated[
        EmbeddingState,
        Field(description="Whether the vectors of the last edit are stored; until then the former ones answer."),
    ]
    image: Annotated[str | None, Field(description="Where its first photograph is; the address changes with it.")]
    images: Annotated[list[PhotographAnswer], Field(description="All of them in order; the first eight are embedded.")]
    created_at: Time
    updated_at: Time


class ProductPageAnswer(Answered):
    """A page of products."""

    items: list[ProductAnswer]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]


class ListQuery(Query):
    """Which products to list."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    category: Annotated[Text | None, Field(description="Takes the category and all below it.")] = None
    cursor: Annotated[str | None, Field(description="next_cursor of the page before.")] = None


def product_path(sku: str) -> str:
    """Where a product is."""
    return f"/v1/products/{quote(sku, safe='')}"


def image_path(sku: str, position: int, sha256: str) -> str:
    """Where a photograph is, with a mark of its content: what is behind this address never changes."""
    place = f"images/{position}" if position else "image"
    return f"{product_path(sku)}/{place}?v={sha256[:16]}"


def as_product(product: Product) -> ProductAnswer:
    """A product as it is answered."""
    images = [
        PhotographAnswer(
            url=image_path(product.sku, image.position, image.sha256),
            position=image.position,
            width=image.width,
            height=image.height,
        )
        for image in product.images
    ]
    values = {name: getattr(product, name) for name in ProductAnswer.model_fields if name not in ("image", "images")}
    return ProductAnswer(image=images[0].url if images else None, images=images, **values)


@routes.add("GET", "/v1/products", {200: ProductPageAnswer})
def list_products(services: Services, query: ListQuery) -> Answer:
    """List products, oldest first."""
    page = products.list_products(services.database, limit=query.limit, category=query.category, cursor=query.cursor)
    return Answer(ProductPageAnswer(items=[as_product(item) for item in page.items], next_cursor=page.next_cursor))


@routes.add("GET", "/v1/products/{sku}", {200: ProductAnswer}, problems=[NotFound])
def get_product(services: Services, sku: str) -> Answer:
    """Get a product."""
    return Answer(as_product(products.get_product(services.database, sku)))


@routes.add(
    "PUT",
    "/v1/products/{sku}",
    {200: ProductAnswer, 201: ProductAnswer, 202: ProductAnswer},
    problems=[Conflict],
)
def put_product(services: Services, sku: str, query: WaitQuery, body: ProductBody) -> Answer:
    """Create a product, or replace all of it. A worker embeds it within seconds."""
    _check_same(sku, body.sku)
    product, created = products.put_product(services.database, sku, body.to_data())
    return _stored(services, query, product, created=created)


@routes.add(
    "PATCH",
    "/v1/products/{sku}",
    {200: ProductAnswer, 202: ProductAnswer},
    problems=[NotFound, Conflict],
    media_types=MERGE_PATCH,
)
def patch_product(services: Services, sku: str, query: WaitQuery, body: ProductPatch) -> Answer:
    """Change some fields of a product."""
    _check_same(sku, body.sku)
    changes = body.model_dump(include=body.model_fields_set - {"sku"})
    return _stored(services, query, products.patch_product(services.database, sku, changes), created=False)


@routes.add("DELETE", "/v1/products/{sku}", {204: None}, problems=[NotFound])
def delete_product(services: Services, sku: str) -> Answer:
    """Delete a product with its photographs, reviews, events and vectors."""
    products.delete_product(services.database, sku)
    return Answer(status=204)


def _stored(services: Services, query: WaitQuery, product: Product, *, created: bool) -> Answer:
    headers = {"Location": product_path(product.sku)} if created else {}
    if query.wait is not None and product.embedding == "pending":
        product = replace(product, embedding=settle(services, query, [product.sku])[product.sku])
        if product.embedding == "pending":
            return Answer(as_product(product), 202, headers | PENDING)
    return Answer(as_product(product), 201 if created else 200, headers)


def _check_same(path: str, body: str | None) -> None:
    if body is not None and body != path:
        raise InvalidInput(f"is {body}, but the path says {path}", field="sku")
