"""A small shop, and its pages as a browser without scripts reads them."""

from collections.abc import Iterator
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from backend.app import create_app
from backend.catalog.images import put_image
from backend.catalog.products import ProductData, put_product
from backend.database.connection import Database
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from tests.pictures import jpeg

COLOURS = {"red": 0xD03020, "blue": 0x2040C0, "green": 0x208040, "white": 0xF0F0F0, "black": 0x101010}
KINDS = {
    "linen shirt": "Clothes/Shirts",
    "wool coat": "Clothes/Coats",
    "running shoe": "Shoes/Sport",
    "mug": "Home/Mugs",
}


@pytest.fixture
def shop(database: Database, settings: Settings) -> FlaskClient:
    """A client of the whole app over 20 products, not embedded yet; green is sold out, white has no photograph."""
    number = 0
    for kind, category in KINDS.items():
        for colour, shade in COLOURS.items():
            number += 1
            sku = f"P{number:02}"
            data = ProductData(
                title=f"{colour} {kind}",
                description=f"A {kind} in {colour}.",
                brand="Atelier Nord",
                category=category,
                price=Decimal(number * 10),
                currency="EUR",
                in_stock=colour != "green",
                variant_group=kind,
                attributes={"baseColour": colour, "size": ["S", "M"]},
            )
            put_product(database, sku, data)
            if colour != "white":
                put_image(database, sku, jpeg(shade + number, 64))
    return create_app(database, Embedder(), settings).test_client()


class Page(HTMLParser):
    """What a page holds: links, form fields by name, text, and every tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.fields: dict[str, str] = {}
        self._words: list[str] = []
        self._area: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        name = given.get("name")
        if tag == "textarea" and name:
            self._area, self.fields[name] = name, ""
        if tag == "input" and name and (given.get("type") not in ("checkbox", "file") or "checked" in given):
            self.fields[name] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area:
            # HTML drops the first line feed inside a textarea.
            self.fields[self._area] = self.fields[self._area].removeprefix("\n")
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data
        self._words.append(data)

    @property
    def text(self) -> str:
        """All text, with single spaces."""
        return " ".join(" ".join(self._words).split())

    def links(self, start: str = "") -> list[str]:
        """Addresses of the links that begin so, in order."""
        return [a["href"] or "" for tag, a in self.tags if tag == "a" and (a.get("href") or "").startswith(start)]

    @property
    def cards(self) -> list[str]:
        """Skus of the products on the page's shelves, in order."""
        return [link.removeprefix("/p/") for link in self.links("/p/") if "/" not in link.removeprefix("/p/")]

    def link(self, rel: str) -> str | None:
        """Address of the link of this relation, if there is one."""
        return next((a["href"] for tag, a in self.tags if tag == "a" and a.get("rel") == rel), None)


def read(client: FlaskClient, path: str, status: int = 200) -> Page:
    """The page at a path, which must answer with this status."""
    response = client.get(path)
    assert response.status_code == status, response.text
    assert response.mimetype == "text/html"
    return Page(response.text)


def pages_from(client: FlaskClient, path: str | None, rel: str) -> Iterator[Page]:
    """This page and those that follow by links of this relation."""
    while path:
        page = read(client, path)
        yield page
        path = page.link(rel)
