"""Search by words, by meaning, by a photograph, or by all of them; and facets."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from psycopg.rows import class_row

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.errors import InvalidInput, ShelfmateError, UnreadableImage
from backend.recommend.examples import Example, Request, resolve
from backend.recommend.wanted import wanted
from backend.spaces.embedder import Embedder

SQL = load_queries("search")

Json = dict[str, Any]
Mode = Literal["hybrid", "lexical", "vector"]

LONGEST_TEXT = 1_000
MOST_FACETS = 20
VALUES = 20


@dataclass(frozen=True)
class Search:
    """What is looked for: a text, the bytes of an image file, or both.

    ``vectors`` stand for what was encoded before, as ``Results.vectors`` has it, and need their ``space``. ``weights``
    are of text, image and reviews in the meaning; without any the space's own hold. ``filter`` is JSON, read by the
    database. Without ``mode`` the words and the meaning of a text count both, and so does a photograph.
    """

    text: str | None = None
    image: bytes | None = None
    vectors: Json = field(default_factory=dict)
    weights: dict[str, float] | None = None
    filter: Any = None
    k: int = 10
    mode: Mode | None = None
    exact: bool = False
    space: str | None = None


@dataclass(frozen=True)
class Found:
    """One product that was found; ``contributions`` of lexical and vector add up to ``score``.

    The ranks are its places, from 1, in the list by words and in the list by meaning; None where it is not in one.
    """

    sku: str
    title: str
    score: float
    contributions: dict[str, float]
    lexical_rank: int | None
    vector_rank: int | None
    brand: str | None
    category: str | None
    price: Decimal | None
    currency: str | None
    in_stock: bool
    variant_group: str | None
    space: str | None
    mode: Literal["exact", "ann"]


@dataclass(frozen=True)
class Results:
    """What was found, best first: exactly k, or all that match and satisfy the filter.

    ``by`` says what counted; ``space`` is None where the words alone did; ``mode`` is how the vectors were compared.
    ``vectors`` are vectors of what was looked for, by modality, and ``reference`` names the space that they are of.
    """

    items: list[Found]
    by: Mode
    space: str | None
    mode: Literal["exact", "ann"]
    vectors: Json
    reference: str | None


@dataclass(frozen=True)
class FacetValue:
    """A value of a facet and how many products have it.

    ``value`` is what a filter's leaf takes: a text, number or boolean, or a range such as ``{"gte": 10, "lt": 20}``.
    """

    value: Any
    count: int


def search(database: Database, embedder: Embedder, wish: Search) -> Results:
    """The best products for a search; no model is needed where the words alone count.

    Raises:
        UnreadableImage: the bytes are not an image that Shelfmate accepts.
        InvalidInput: nothing is looked for, or something does not fit; its field is named.
        ConfigurationError: no space is active.
        WeightsMissing: an encoder's weights are not on this machine.
    """
    if wish.text is None and wish.image is None and not wish.vectors:
        raise InvalidInput("give a text, an image or both", field="text")
    query: Json = {"k": wish.k, "exact": wish.exact}
    given = {"text": wish.text, "filter": wish.filter, "weights": wish.weights, "space": wish.space, "mode": wish.mode}
    query |= {name: value for name, value in given.items() if value is not None}
    if wish.mode == "lexical":
        if wish.image is not None:
            raise InvalidInput("an image has no words: leave it out, or ask for the mode hybrid", field="image")
    else:
        query |= _vectors(database, embedder, wish)
    by = wish.mode or ("vector" if wish.text is None else "hybrid" if "vector" in query else "lexical")
    with database.read() as connection, connection.cursor(row_factory=class_row(Found)) as cursor:
        found = cursor.execute(SQL["search"], {"query": json.dumps(query)}).fetchall()
    reference = None if by == "lexical" else query.get("space")
    return Results(
        items=found,
        by=by,
        space=None if reference is None else reference.partition("#")[0],
        mode="ann" if any(item.mode == "ann" for item in found) else "exact",
        vectors=query.get("vector", {}),
        reference=reference,
    )


def count_facets(
    database: Database,
    fields: Sequence[str],
    *,
    filter: Any = None,  # noqa: A002  # as the query's member is called
    text: str | None = None,
    top: int = VALUES,
) -> dict[str, list[FacetValue]]:
    """The values of each facet, as the SQL function ``facet_counts`` counts them, among what ``text`` finds by words.

    ``total`` has one value, None, with the number of all products that match.

    Raises:
        InvalidInput: a facet, the filter or the text does not fit.
    """
    arguments = {
        "filter": None if filter is None else json.dumps(filter),
        "fields": list(fields),
        "text": text,
        "top": top,
    }
    facets: dict[str, list[FacetValue]] = {field: [] for field in fields}
    with database.read() as connection:
        for field, value, count in connection.execute(SQL["facets"], arguments):
            facets[field].append(FacetValue(value, count))
    return facets


def _vectors(database: Database, embedder: Embedder, wish: Search) -> Json:
    """The members ``vector`` and ``space`` of the query; neither where a text only excludes."""
    examples: list[Example] = []
    names: list[str] = []
    if wish.text is not None and (meant := wanted(wish.text)):
        examples.append(Example(text=meant))
        names.append("text")
    if wish.image is not None:
        examples.append(Example(image=wish.image))
        names.append("image")
    for name, vector in wish.vectors.items():
        examples.append(Example(vector={name: vector}))
        names.append(name)
    if not examples:
        if wish.mode is not None:
            raise InvalidInput("the text only excludes: say what is wanted, too", field="text")
        return {}
    if wish.vectors and wish.space is None:
        raise InvalidInput("vectors are of a space, which is not named", field="space")
    query: Json = {} if wish.space is None else {"space": wish.space}
    if wish.weights is not None:
        query["weights"] = wish.weights
    (resolved,) = resolve(database, embedder, [Request(query, like=examples)])
    if isinstance(resolved, ShelfmateError):
        raise _renamed(resolved, names)
    vectors: Json = {}
    for example in resolved["like"]:
        vectors |= example["vector"]
    return {"vector": vectors, "space": resolved["space"]}


def _renamed(error: ShelfmateError, names: Sequence[str]) -> ShelfmateError:
    """The error about an example, as one about the member of the search that it was made from."""
    if isinstance(error, InvalidInput) and error.field is not None and error.field.startswith("like["):
        kind = UnreadableImage if isinstance(error, UnreadableImage) else InvalidInput
        return kind(str(error), field=names[int(error.field.removeprefix("like[").partition("]")[0])])
    return error
