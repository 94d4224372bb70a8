"""Rankings: the published SQL functions, called with typed arguments and answered with typed hits."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Literal

from pgvector import HalfVector

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.errors import InvalidInput
from backend.spaces.embedder import Embedder
from backend.spaces.fusion import fuse_query
from backend.spaces.space import Space, active_space, list_spaces

SQL = load_queries("recommend")

MOST_HITS = 1_000


@dataclass(frozen=True)
class Filter:
    """What every hit satisfies: ``category`` takes the subtree of a path, prices are inclusive, None asks nothing."""

    category: str | None = None
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    in_stock: bool | None = None


@dataclass(frozen=True)
class Weights:
    """Weights of the modalities in the score, each 0 or more; as soon as one is given, those left out are 0."""

    text: float | None = None
    image: float | None = None
    reviews: float | None = None

    @property
    def given(self) -> bool:
        """Whether any is given; otherwise the space's own hold."""
        return (self.text, self.image, self.reviews) != (None, None, None)


@dataclass(frozen=True)
class Hit:
    """One product of a ranking. ``contributions`` has the part of each modality in the score, and adds up to it."""

    sku: str
    title: str
    score: float
    contributions: dict[str, float]
    brand: str | None
    category: str | None
    price: Decimal | None
    currency: str | None
    in_stock: bool
    variant_group: str | None


@dataclass(frozen=True)
class Ranking:
    """Hits, best first: exactly k, or all that satisfy the filter. ``mode`` says how they were found."""

    items: list[Hit]
    mode: Literal["exact", "ann"]
    space: str
    complete: bool = True


def similar(
    database: Database,
    sku: str,
    *,
    k: int = 10,
    filters: Filter = Filter(),
    weights: Weights = Weights(),
    exact: bool = False,
    space: str | None = None,
) -> Ranking:
    """The k products most like one, without itself.

    Raises:
        NotFound: there is no such product.
        EmbeddingPending: its embedding is not stored yet.
        EmbeddingFailed: its embedding job is dead.
        InvalidInput: k, a weight, the category or the space does not fit.
    """
    arguments = {
        "sku": sku,
        "k": k,
        "w_text": weights.text,
        "w_image": weights.image,
        "w_reviews": weights.reviews,
        "exact": exact,
        "space": space,
        **asdict(filters),
    }
    return _rank(database, SQL["similar"], arguments, space)


def search_text(
    database: Database,
    embedder: Embedder,
    text: str,
    *,
    k: int = 10,
    filters: Filter = Filter(),
    exact: bool = False,
    space: str | None = None,
) -> Ranking:
    """The k products whose text is nearest in meaning to ``text``; the score is the cosine of the two.

    Raises:
        InvalidInput: the text is blank, or k, the category or the space does not fit.
    """
    if not text.strip():
        raise InvalidInput("the text to search for is empty", field="text")
    chosen = find_space(database, space)
    vectors = embedder.texts(chosen, [text])
    query = fuse_query([vectors, None, None], (1.0, 0.0, 0.0), chosen.weights, chosen.dimensions)
    arguments = {"query": HalfVector(query[0]), "k": k, "exact": exact, "space": chosen.name, **asdict(filters)}
    return _rank(database, SQL["by_vector"], arguments, chosen.name)


def find_space(database: Database, name: str | None) -> Space:
    """The space of that name, or the active one for None.

    Raises:
        InvalidInput: there is none of that name.
        ConfigurationError: none is active.
    """
    if name is None:
        return active_space(database)
    for space in list_spaces(database):
        if space.name == name:
            return space
    raise InvalidInput(f"no embedding space named {name}", field="space")


def _rank(database: Database, statement: bytes, arguments: dict[str, Any], space: str | None) -> Ranking:
    with database.read() as connection:
        rows = connection.execute(statement, arguments).fetchall()
    return Ranking(
        items=[_hit(row) for row in rows],
        mode=rows[0][-1] if rows else "exact",
        # Named by the statement that ranked; an activation between two statements could make it another.
        space=rows[0][-2] if rows else space or active_space(database).name,
    )


def _hit(row: tuple[Any, ...]) -> Hit:
    sku, title, score, text, image, reviews, *rest = row
    parts = {"text": text, "image": image, "reviews": reviews}
    return Hit(sku, title, score, {name: part for name, part in parts.items() if part is not None}, *rest[:-2])
