"""What filters mean, said a second time in Python, with a catalogue of odd values and random filters over it.

Written against docs/filters.md, not against the SQL: `Catalogue.matching` is what the database must agree with.
"""

import json
import random
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg
from hypothesis import strategies as st

Json = dict[str, Any]
Ids = frozenset[int]

# Neighbours of '/' in the collation, LIKE's and JSON's own characters, and paths that begin alike.
CATEGORIES = (
    *("A", "A/B", "A/B/C", "A/B/C/D", "A/B%", "A/Bee", "A-B", "A-B/C", "A0", "A0/B", "A!/B", "A_", "A%/x", "AA"),
    *("Ä/ö", "O'N/x", 'q"/"', "\\/\\n", "{a,b}/$1", "a/b", "日本/靴", "A B/C D"),
)
TEXTS = (
    *(
        "Arbor",
        "arbor",
        "ARBOR",
        "Ärbor",
        "A\u0308rbor",
        "O'Neil",
        'say "x"',
        "100%",
        "a_b",
        "back\\slash",
        "$2",
        "{1}",
    ),
    *(
        "'; DROP TABLE products; --",
        "null",
        "true",
        "1",
        "NaN",
        " ",
        "two\nlines",
        "靴",
        "👟",
        "ß",
        "SS",
        "İ",
        "Arbor ",
    ),
)
NAMES = (
    *(
        "colour",
        "size",
        "a.b",
        "a,b",
        "it's",
        'say "x"',
        "back\\slash",
        "{x}",
        "$2",
        "0",
        "-1",
        "ключ",
        " ",
        "in",
        "all",
    ),
    *("'); DROP TABLE products; --", "Colour"),
)
SCALARS: tuple[Any, ...] = (
    *("red", "Red", "re", "1", "1.0", "true", "null", "", "2024-05-01", "2024-02-29", "2024-05-1", "2024-05-01\n"),
    *("2024-05-01T00:00:00Z", "2023-02-31", "1999-12-31", "'; DROP TABLE products; --", "靴", "%", "_", "$1"),
    *(True, False, 0, 1, 1.0, 1.5, -3, 10, 1e20, 12345678901234567890123, 0.1, 1e-20, 1e300, 2024),
)
NESTED: tuple[Any, ...] = (
    *(
        None,
        [],
        ["red"],
        ["Red", 1, True],
        ["1", None, 1.0],
        [["red"]],
        [{"red": 1}],
        {},
        {"red": 1},
        {"colour": "red"},
    ),
    *([True], [False, 0], ["2024-05-01"], [10, "靴"], [""]),
)
AMOUNTS: tuple[Any, ...] = (0, 0.01, 1, 1.0, 9.99, 10, 10.5, 49.99, 50, 99.9, 250, 9999999999.99)
BETWEEN: tuple[Any, ...] = (-1, 0.005, 10.000000001, 1e12, 10**40, -1e300, 1e-300, 3, 25)
RATINGS: tuple[float, ...] = (1, 2, 2.5, 10 / 3, 3.6666667, 4, 4.1, 4.2, 4.9, 5)
COUNTS = (0, 1, 2, 3, 10, 12_345, 2**31 - 1)
FIRST = datetime(2023, 12, 31, 22, 30, tzinfo=UTC)
TIMES = tuple(FIRST + timedelta(minutes=30 * step, microseconds=step % 3) for step in range(12))

TEXT_FIELDS = ("brand", "sku", "title", "variant_group", "currency")
NUMBER_FIELDS = ("price", "rating", "review_count")
TIME_FIELDS = ("created_at", "updated_at")
COLUMNS = (*TEXT_FIELDS, "category", *NUMBER_FIELDS, "in_stock", *TIME_FIELDS, "attributes")
DEEPEST = 3
RANGES: dict[str, Callable[[Any, Any], bool]] = {
    "gte": lambda one, two: bool(one >= two),
    "gt": lambda one, two: bool(one > two),
    "lte": lambda one, two: bool(one <= two),
    "lt": lambda one, two: bool(one < two),
}


@dataclass(frozen=True)
class Catalogue:
    """Products by id, and for each field the distinct values with the ids that hold them."""

    products: dict[int, Json]
    _by_field: dict[str, list[tuple[Any, set[int]]]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def odd(cls, count: int, seed: int = 11) -> "Catalogue":
        """``count`` products from 1 on, of every odd value; the same for the same arguments."""
        chance = random.Random(seed)
        return cls({number: _odd_product(chance, number) for number in range(1, count + 1)})

    def store(self, connection: psycopg.Connection[Any]) -> None:
        """Insert the products under their ids, past the queue."""
        with connection.cursor() as cursor:
            with cursor.copy(f"COPY products (id, {', '.join(COLUMNS)}) FROM STDIN".encode()) as copy:
                for number, product in self.products.items():
                    values = [product[column] for column in COLUMNS[:-1]]
                    copy.write_row((number, *values, json.dumps(product["attributes"])))
            cursor.execute("DELETE FROM embedding_jobs")
            cursor.execute("SELECT ensure_category(path) FROM unnest(%s::text[]) path", [list(CATEGORIES)])

    def matching(self, node: Json) -> Ids:
        """The ids of the products that satisfy a valid filter."""
        everything = frozenset(self.products)
        if "all" in node:
            return everything.intersection(*(self.matching(member) for member in node["all"]))
        if "any" in node:
            return frozenset().union(*(self.matching(member) for member in node["any"]))
        if "not" in node:
            return everything - self.matching(node["not"])
        for operator in node.keys() - {"field"}:
            everything &= self._holding(node["field"], operator, node[operator])
        return everything

    def _holding(self, name: str, operator: str, wanted: Any) -> Ids:
        found: set[int] = set()
        for value, ids in self._values(name):
            if (value is not None) == wanted if operator == "exists" else _holds(name, value, operator, wanted):
                found |= ids
        return frozenset(found)

    def _values(self, path: str) -> Iterable[tuple[Any, set[int]]]:
        known = self._by_field.get(path)
        if known is None:
            groups: dict[str, tuple[Any, set[int]]] = {}
            for number, product in self.products.items():
                column, _, name = path.partition(".")
                value = product["attributes"].get(name) if column == "attributes" else product[column]
                groups.setdefault(repr(value), (value, set()))[1].add(number)
            known = self._by_field[path] = list(groups.values())
        return known


def _odd_product(chance: random.Random, number: int) -> Json:
    def maybe(values: Iterable[Any], share: float = 0.8) -> Any:
        return chance.choice(tuple(values)) if chance.random() < share else None

    names = chance.sample(NAMES, chance.randint(0, 5))
    rated = chance.random() < 0.6
    return {
        "sku": f"{chance.choice(TEXTS).strip().replace(chr(10), '') or 'S'}-{number}",
        "title": f"{chance.choice(TEXTS)} {number % 30}",
        "brand": maybe(("", *TEXTS)),
        "category": maybe(CATEGORIES),
        "price": (lambda amount: None if amount is None else Decimal(repr(amount)))(maybe(AMOUNTS)),
        "currency": maybe(("EUR", "USD", "GBP")),
        "in_stock": chance.random() < 0.7,
        "variant_group": maybe(TEXTS, 0.3),
        "rating": as_real(chance.choice(RATINGS)) if rated else None,
        "review_count": chance.choice(COUNTS[1:]) if rated else 0,
        "created_at": chance.choice(TIMES),
        "updated_at": chance.choice(TIMES),
        "attributes": {name: chance.choice((*SCALARS, *NESTED)) for name in names},
    }


def as_real(value: float) -> float:
    """The nearest 32-bit number."""
    try:
        return float(struct.unpack("f", struct.pack("f", float(value)))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def as_number(value: Any) -> Decimal | None:
    """The exact number that JSON writes, or None for anything else."""
    return Decimal(repr(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None


def as_time(written: str) -> datetime:
    """The moment that a time of RFC 3339 names."""
    return datetime.fromisoformat(written.upper())


def same(one: Any, two: Any) -> bool:
    """Whether two JSON scalars are equal: numbers by value, and nothing across types."""
    numbers = as_number(one), as_number(two)
    return numbers[0] == numbers[1] if None not in numbers else type(one) is type(two) and one == two


def _holds(field: str, value: Any, operator: str, wanted: Any) -> bool:
    if value is None:
        return False
    if field.startswith("attributes."):
        return _attribute_holds(value, operator, wanted)
    if operator == "under":
        paths = [wanted] if isinstance(wanted, str) else wanted
        return any(value.split("/")[: len(path.split("/"))] == path.split("/") for path in paths)
    if operator == "contains":
        return wanted in value
    if field == "rating":
        read: Callable[[Any], Any] = as_real
    elif field in NUMBER_FIELDS:
        read = as_number
    else:
        read = as_time if field in TIME_FIELDS else lambda given: given
    if operator == "in":
        return value in [read(given) for given in wanted]
    return value == read(wanted) if operator == "eq" else RANGES[operator](value, read(wanted))


def _attribute_holds(value: Any, operator: str, wanted: Any) -> bool:
    if operator == "eq":
        return same(value, wanted)
    if operator == "in":
        return any(same(value, given) for given in wanted)
    if operator == "contains":
        if isinstance(value, list):
            return any(same(member, wanted) for member in value)
        return isinstance(value, str) and isinstance(wanted, str) and wanted in value
    if isinstance(wanted, str):
        return (
            isinstance(value, str)
            and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is not None
            and RANGES[operator](value, wanted)
        )
    number = as_number(value)
    return number is not None and RANGES[operator](number, as_number(wanted))


def random_filters(catalogue: Catalogue) -> st.SearchStrategy[Json]:
    """Valid filters, of values that the catalogue holds and of others."""
    nodes = random_leaves([product["sku"] for product in catalogue.products.values()])
    leaves = nodes
    for _ in range(DEEPEST):
        members = st.lists(nodes, max_size=3)
        nodes = st.one_of(
            leaves,
            st.fixed_dictionaries({"all": members}),
            st.fixed_dictionaries({"any": members}),
            st.fixed_dictionaries({"not": nodes}),
        )
    return nodes


def random_leaves(skus: list[str]) -> st.SearchStrategy[Json]:
    """Conditions on every field by every operator that it takes."""
    anything = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
    text = {
        "brand": st.sampled_from(("", *TEXTS)) | anything,
        "sku": st.sampled_from(skus) | anything,
        "title": st.sampled_from(TEXTS).map(lambda title: f"{title} 7") | anything,
        "variant_group": st.sampled_from(TEXTS),
        "currency": st.sampled_from(("EUR", "USD", "eur")),
    }
    amounts = st.sampled_from((*AMOUNTS, *BETWEEN)) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    numbers = {
        "price": amounts,
        "rating": st.sampled_from((*RATINGS, 4.15, 0, 6, 1e39, -1e39, 1e-60)),
        "review_count": st.sampled_from((*COUNTS, 2.5, -1, 10**20)),
    }
    path = st.sampled_from(CATEGORIES) | st.sampled_from(("A%", "日本", "Ä"))
    attribute = st.builds(lambda name: f"attributes.{name}", st.sampled_from((*NAMES, "colour", "missing")))
    scalar = st.sampled_from(SCALARS) | anything | st.integers()
    bounds = amounts | st.sampled_from(("2024-05-01", "2024-02-29", "1999-12-31", "2030-01-01"))
    members = {"max_size": 4}
    leaves = [
        _leaf(st.just(field), {"eq": of, "in": st.lists(of, **members), "contains": of.filter(bool)})
        for field, of in text.items()
    ]
    leaves += [
        _leaf(st.just(field), {"eq": of, "in": st.lists(of, **members), **dict.fromkeys(RANGES, of)})
        for field, of in numbers.items()
    ]
    leaves += [
        _leaf(st.just(field), {"eq": random_times(), **dict.fromkeys(RANGES, random_times())}) for field in TIME_FIELDS
    ]
    return st.one_of(
        *leaves,
        _leaf(
            st.just("category"),
            {"eq": path, "in": st.lists(path, **members), "under": path | st.lists(path, **members)},
        ),
        _leaf(st.just("in_stock"), {"eq": st.booleans()}),
        _leaf(
            attribute,
            {"eq": scalar, "in": st.lists(scalar, **members), "contains": scalar.filter(lambda given: given != "")},
        ),
        _leaf(
            attribute,
            {"in": st.lists(st.sampled_from(SCALARS), min_size=18, max_size=25), **dict.fromkeys(RANGES, bounds)},
        ),
    )


def _leaf(field: st.SearchStrategy[str], operators: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Json]:
    known = {**operators, "exists": st.booleans()}
    chosen = st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=2, unique=True)
    tests = chosen.flatmap(lambda names: st.fixed_dictionaries({name: known[name] for name in names}))
    return st.builds(lambda name, given: {"field": name, **given}, field, tests)


@st.composite
def random_times(draw: st.DrawFn) -> str:
    """A moment near the catalogue's, in any zone and either spelling of UTC."""
    moment = draw(st.sampled_from(TIMES)) + timedelta(microseconds=draw(st.sampled_from((0, 0, 1, -1))))
    minutes = draw(st.sampled_from((0, 60, -330, 845, -719)))
    written = moment.astimezone(timezone(timedelta(minutes=minutes))).isoformat()
    return written.replace("+00:00", "Z") if draw(st.booleans()) else written


def leaves_of(node: Json, path: str = "filter") -> Iterator[tuple[str, Json]]:
    """Every condition of a filter with the path of its place, in order."""
    for word in ("all", "any"):
        for at, member in enumerate(node.get(word, [])):
            yield from leaves_of(member, f"{path}.{word}[{at}]")
    if "not" in node:
        yield from leaves_of(node["not"], f"{path}.not")
    if "field" in node:
        yield path, node
