"""Why each product of a list is there, in words for people."""

import json
from collections.abc import Mapping
from typing import Any

from backend.database.connection import Database
from backend.recommend.shelves import BETTER, standings

Json = dict[str, Any]

# Lists whose items say by their source why they are there.
PERSONAL = ("user", "session")
SHELVES = ("popular", "trending", "newest", "bought-together")

_WORDS = {
    "popular": "popular with others",
    "trending": "wanted more than usual these days",
    "newest": "new in the shop",
    "pinned": "picked by the shop",
}
_LED = {
    "interest": "because you liked {}",
    "bought_together": "often bought with {}",
    "discovery": "few had it yet, and like {}",
}


def with_reasons(database: Database, items: str, kind: str, query: Mapping[str, Any]) -> str:
    """The items of a page of a list of this kind, as JSON text, each with its ``reason`` where the kind has reasons."""
    if kind == BETTER:
        return _better(database, items, query["like"][0]["sku"])
    if kind not in PERSONAL and kind not in SHELVES:
        return items
    return _dumped([item | {"reason": reason_of(item)} for item in json.loads(items)])


def reason_of(item: Mapping[str, Any]) -> Json:
    """Why it is there: the product that led there, where one did, and a sentence's part."""
    led = _LED.get(item["source"])
    origin = next(iter(item["examples"]), None)
    if led is not None and origin is not None:
        return {"sku": origin["sku"], "title": origin["title"], "text": led.format(origin["title"])}
    return {"sku": None, "title": None, "text": _WORDS.get(item["source"], "fits what you like")}


def _better(database: Database, items: str, sku: str) -> str:
    """How much better each is reviewed than the product, as they stand now."""
    listed = json.loads(items)
    found = standings(database, [sku, *(item["sku"] for item in listed)])
    origin = found.get(sku)
    for item in listed:
        item["reason"] = None
        standing = found.get(item["sku"])
        if origin is not None and standing is not None and item["source"] != "pinned":
            reviews = f"{standing.reviews:,} review{'' if standing.reviews == 1 else 's'}"
            text = f"like {origin.title}, and {standing.rating - origin.rating:+.2f} stars by {reviews}"
            item["reason"] = {"sku": sku, "title": origin.title, "text": text}
    return _dumped(listed)


def _dumped(items: list[Json]) -> str:
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"))
