"""The photographs that come with the admin's product form."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Request
from werkzeug.datastructures import FileStorage

from backend.catalog.images import add_image, delete_image, list_images, put_image
from backend.database.connection import Database
from backend.encoders.images import describe_image
from backend.errors import InvalidInput
from backend.web.product_form import ProductForm


@dataclass(frozen=True)
class Photos:
    """The bytes of a new first photograph and of those that go behind the others, and the positions to empty."""

    first: bytes | None
    more: Sequence[bytes]
    removed: frozenset[int]

    @classmethod
    def sent(cls, request: Request) -> "Photos":
        """What came with a form; a field without a file says nothing."""
        contents = {name: [_read(file) for file in request.files.getlist(name)] for name in ("photo", "more")}
        first = [content for content in contents["photo"] if content is not None]
        return cls(
            first=first[0] if first else None,
            more=[content for content in contents["more"] if content is not None],
            removed=frozenset(
                int(place) for place in request.form.getlist("remove") if place.isdecimal() and len(place) < 4
            ),
        )

    def check(self, form: ProductForm) -> None:
        """Note on the form what is not an image that Shelfmate accepts."""
        files = [("photo", "", self.first), *(("more", f"file {n}: ", file) for n, file in enumerate(self.more, 1))]
        for field, which, content in files:
            if content is None:
                continue
            try:
                describe_image(content, verify=True)
            except InvalidInput as error:
                form.note(InvalidInput(f"{which}{error}"), field)

    def store(self, database: Database, sku: str) -> None:
        """Replace the first one, remove, and add behind the others; one that is replaced just now is not removed."""
        images = list_images(database, sku)
        positions = [image.position for image in images]
        if self.first is not None:
            put_image(database, sku, self.first, position=positions[0] if positions else 0)
        replaced = set(positions[:1]) if self.first is not None else set()
        for position in positions:
            if position in self.removed - replaced:
                delete_image(database, sku, position=position)
        for content in self.more:
            add_image(database, sku, content)


def _read(file: FileStorage) -> bytes | None:
    return file.read() if file.filename else None
