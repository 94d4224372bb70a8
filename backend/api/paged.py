"""Pages of frozen lists: as they are sent, and the ones that a cursor leads to."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from backend.api.services import Services
from backend.errors import Expired, InvalidCursor, NotFound
from backend.recommend import frozen
from backend.recommend.cursors import Position
from backend.recommend.frozen import LaterPage, Page
from backend.recommend.reasons import with_reasons


def read_later_page(services: Services, cursor: str, *, list_id: UUID | None = None, k: int | None = None) -> LaterPage:
    """The page that a cursor leads to, of the list if one is named.

    Raises:
        InvalidCursor: it is none of ours, or of another list.
        Expired: the list is no longer kept.
    """
    position = services.cursors.read(cursor)
    if list_id is not None and position.list_id != list_id:
        raise InvalidCursor("is of another recommendation", field="cursor")
    try:
        return frozen.read_page(services.database, position.list_id, after=position.after, k=k)
    except NotFound as error:
        # We signed the cursor, so that the list was there.
        raise Expired("this list is no longer kept: ask again for a new one") from error


def as_body(services: Services, page: Page, kind: str, query: Mapping[str, Any]) -> bytes:
    """A ``RecommendationAnswer`` as JSON, of a page of a list of this kind and query.

    Its items are JSON already, and validating our own text would cost more than making it; a test holds answers against
    the type.
    """
    cursor = "null"
    if page.next_position is not None:
        cursor = f'"{services.cursors.sign(Position(page.list_id, page.next_position), page.expires_at)}"'
    items = with_reasons(services.database, page.items, kind, query)
    return (
        f'{{"recommendation_id":"{page.list_id}","items":{items},"next_cursor":{cursor},"source":"{page.source}",'
        f'"search":{{"mode":"{page.mode}","complete":true}},"space":{json.dumps(page.space)}}}'
    ).encode()
