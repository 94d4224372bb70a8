"""The admin's product form: text fields to what the catalogue stores, and back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from backend.catalog.products import Product, ProductData
from backend.errors import InvalidInput
from backend.web.json_field import read_object

_TEXTS = ("title", "description", "brand", "category", "price", "currency", "variant_group", "attributes")


@dataclass
class ProductForm:
    """What stands in the fields, and what is wrong with it by field ("" for the whole form)."""

    sku: str = ""
    title: str = ""
    description: str = ""
    brand: str = ""
    category: str = ""
    price: str = ""
    currency: str = ""
    variant_group: str = ""
    attributes: str = "{}"
    in_stock: bool = True
    problems: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, product: Product) -> "ProductForm":
        """The form filled with a product."""
        return cls(
            sku=product.sku,
            title=product.title,
            description=product.description,
            brand=product.brand or "",
            category=product.category or "",
            price="" if product.price is None else str(product.price),
            currency=product.currency or "",
            variant_group=product.variant_group or "",
            attributes=json.dumps(product.attributes, ensure_ascii=False, indent=2),
            in_stock=product.in_stock,
        )

    @classmethod
    def sent(cls, sku: str, fields: Mapping[str, str]) -> "ProductForm":
        """The form as it was sent; browsers send lines that end in CR LF, which no stored text has."""
        form = cls(sku=sku, in_stock=bool(fields.get("in_stock")))
        for name in _TEXTS:
            setattr(form, name, fields.get(name, "").replace("\r\n", "\n"))
        return form

    def note(self, error: InvalidInput, name: str | None = None) -> None:
        """Remember what is wrong, to be shown beside the field."""
        message = str(error)
        self.problems[name or error.field or ""] = message[:1].upper() + message[1:]

    def data(self) -> ProductData:
        """What the catalogue is to store; an empty field says nothing.

        Raises:
            InvalidInput: a field cannot be read; the error names it.
        """
        return ProductData(
            title=self.title,
            description=self.description,
            brand=self.brand or None,
            category=self.category or None,
            price=self._price(),
            currency=self.currency or None,
            in_stock=self.in_stock,
            variant_group=self.variant_group or None,
            attributes=self._attributes(),
        )

    def _price(self) -> Decimal | None:
        if not self.price.strip():
            return None
        try:
            return Decimal(self.price.strip())
        except InvalidOperation as error:
            raise InvalidInput("must be a number such as 1299 or 12.99", field="price") from error

    def _attributes(self) -> dict[str, Any]:
        if not self.attributes.strip():
            return {}
        return read_object(self.attributes, "attributes", '{"colour": "blue"}')
