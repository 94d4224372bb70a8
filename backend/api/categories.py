"""The category tree over HTTP."""

from typing import Annotated

from pydantic import Field

from backend.api.answers import Answer
from backend.api.routing import Routes
from backend.api.services import Services
from backend.api.types import Answered
from backend.catalog import categories

routes = Routes("Categories")


class CategoryAnswer(Answered):
    """A category and all below it."""

    path: str
    name: str
    products: Annotated[int, Field(description="Products in it and below it.")]
    direct_products: Annotated[int, Field(description="Products in itself.")]
    children: list["CategoryAnswer"]


class CategoriesAnswer(Answered):
    """The roots of the tree."""

    items: list[CategoryAnswer]


@routes.add("GET", "/v1/categories", {200: CategoriesAnswer})
def list_categories(services: Services) -> Answer:
    """Get the category tree with its numbers of products."""
    roots = categories.list_categories(services.database)
    return Answer(CategoriesAnswer(items=[CategoryAnswer.model_validate(root) for root in roots]))
