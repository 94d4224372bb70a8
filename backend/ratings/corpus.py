"""Reviews to learn ratings from: of the database, or of a file of any layout that names its columns as shops do."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.errors import InvalidInput
from backend.ratings.leak import says_rating, strip_rating

SQL = load_queries("rating_corpus")
# Shorter texts ("love it", "as described") are written by many people independently; longer ones are copies.
COPIED_WORDS = 6
_NO_WORD = re.compile(r"[\W_]+")
# Reviews fetched at once from the database.
FETCHED = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One review: ``rating`` in whole stars from 1 to 5, None where it is to be predicted.

    ``product`` is the shop's key (sku), ``user`` the writer's where it is known; ``image`` the bytes of the file of the
    product's (or the review's) photograph.
    """

    product: str
    title: str = ""
    text: str = ""
    rating: int | None = None
    image: bytes | None = None
    review_id: str | None = None
    user: str | None = None
    helpful_votes: int = 0
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Corpus:
    """Examples to learn from, and what was done to those that were read.

    Of the ``read`` reviews ``unrated`` have no rating, ``blank`` neither words nor a photograph, and ``duplicates``
    repeat another's text; none of these is among ``examples``. ``title_marked`` of the examples had a title that said
    the rating: that part is stripped.
    """

    examples: tuple[Example, ...]
    read: int
    unrated: int
    blank: int
    duplicates: int
    title_marked: int

    @property
    def marked_share(self) -> float:
        """The share of examples whose title said the rating, 0 to 1."""
        return self.title_marked / len(self.examples) if self.examples else 0.0


def clean(examples: Iterable[Example]) -> Corpus:
    """Rated examples with something to read, once each, their titles stripped of the rating.

    Two examples are the same when their normalised title and text are, and they are of one product or one user or have
    six words or more: the first is kept. Normalised: Unicode NFKC, lower case, words only.
    """
    kept: list[Example] = []
    seen: set[tuple[str, str]] = set()
    read = unrated = blank = duplicates = marked = 0
    for example in examples:
        read += 1
        if example.rating is None:
            unrated += 1
            continue
        says = says_rating(example.title)
        stripped = replace(example, title=strip_rating(example.title)) if says else example
        words = normalised(f"{stripped.title} {stripped.text}")
        if not words and stripped.image is None:
            blank += 1
            continue
        keys = {(where, words) for where in _places(stripped, words)} if words else set()
        if keys & seen:
            duplicates += 1
            continue
        seen |= keys
        marked += says
        kept.append(stripped)
    return Corpus(tuple(kept), read, unrated, blank, duplicates, marked)


def normalised(text: str) -> str:
    """The words of ``text`` in lower case with one blank between them, in Unicode's NFKC."""
    return _NO_WORD.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def read_database(database: Database, *, images: bool = False) -> list[Example]:
    """Every stored review, in the order of storing; with ``images`` each with its product's first photograph."""
    with database.read() as connection, connection.transaction():
        photographs = dict(connection.execute(SQL["first_images"]).fetchall()) if images else {}
        # A cursor on the server: a shop has more reviews than should lie here twice.
        with connection.cursor("rating_corpus") as cursor:
            cursor.itersize = FETCHED
            return [
                Example(
                    review_id=str(identity),
                    product=sku,
                    user=user,
                    title=title,
                    text=body,
                    rating=rating,
                    helpful_votes=votes,
                    written_at=written,
                    image=photographs.get(sku),
                )
                for identity, sku, user, title, body, rating, votes, written in cursor.execute(SQL["all_reviews"])
            ]


def ratings_of(examples: Sequence[Example]) -> list[int]:
    """The ratings of examples that all have one.

    Raises:
        InvalidInput: one has none.
    """
    ratings = [example.rating for example in examples if example.rating is not None]
    if len(ratings) < len(examples):
        raise InvalidInput(f"{len(examples) - len(ratings)} examples have no rating: leave them out", field="rating")
    return ratings


def _places(example: Example, words: str) -> list[str]:
    """What an equal text must share with this one to be its copy."""
    places = [f"product {example.product}"]
    if example.user is not None:
        places.append(f"user {example.user}")
    if words.count(" ") + 1 >= COPIED_WORDS:
        places.append("anywhere")
    return places
