"""Reviews of a published file as COPY text in chunks, ready for the database: all of a product in the same lane."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from backend.catalog.importers.amazon_lines import open_published
from backend.catalog.importers.amazon_reviews import PublishedReview, read_review
from backend.catalog.importers.result import Problem
from backend.errors import InvalidInput

_NULL = "\\N"


class Limits(NamedTuple):
    """How the reviews are cut: ``lanes``, and the most rows and the most bytes, about, of a lane's chunk."""

    lanes: int
    rows: int
    size: int


class Chunk(NamedTuple):
    """Reviews of one lane, each once.

    Attributes:
        lane: from 0 on.
        position: bytes of the file read so far.
        lines: of each review, the line that says it first.
        again: by that line, the others that say the same review, where there are any.
        copy: a line of COPY text in UTF-8 for each review, in the order of ``lines``.
    """

    lane: int
    position: int
    lines: Sequence[int]
    again: Mapping[int, Sequence[int]]
    copy: bytes


def read_chunks(path: Path, limits: Limits) -> Generator[Chunk | list[Problem], None, None]:
    """The reviews of a file, and for each line that is none what is wrong with it.

    Raises:
        InvalidInput: the file cannot be read, or ends in damage; what came before it was given.
    """
    with open_published(path) as records:
        lines = records.lines
        lanes = [_Lane(number) for number in range(limits.lanes)]
        damage: InvalidInput | None = None
        try:
            for record in records:
                review = [record] if isinstance(record, Problem) else read_review(record, lines.name)
                if isinstance(review, list):
                    yield review
                    continue
                lane = lanes[crc32(review.sku.encode()) % limits.lanes]
                lane.add(review)
                if len(lane.reviews) >= limits.rows or lane.size >= limits.size:
                    yield lane.take(lines.position)
        except InvalidInput as error:
            damage = error
        for lane in lanes:
            if lane.reviews:
                yield lane.take(lines.position)
        if damage is not None:
            raise damage


@dataclass(slots=True)
class _Lane:
    """A chunk that is being filled."""

    number: int
    size: int = 0
    reviews: dict[tuple[str, bytes], PublishedReview] = field(default_factory=dict)
    again: dict[int, list[int]] = field(default_factory=dict)

    def add(self, review: PublishedReview) -> None:
        """Take a review in; one that is there already gains its votes, since one statement cannot write a row twice."""
        kept = self.reviews.setdefault((review.sku, review.fingerprint), review)
        if kept is review:
            # A character is up to four bytes, in memory and on the way.
            self.size += review.size if review.body.isascii() else 4 * review.size
            return
        self.again.setdefault(kept.line, []).append(review.line)
        kept.helpful_votes = max(kept.helpful_votes, review.helpful_votes)
        kept.verified |= review.verified
        kept.author = review.author if kept.author is None else kept.author

    def take(self, position: int) -> Chunk:
        """What is in it, which is empty then."""
        reviews = self.reviews.values()
        copy = "".join(map(_copied, reviews)).encode()
        chunk = Chunk(self.number, position, [review.line for review in reviews], self.again, copy)
        self.reviews, self.again, self.size = {}, {}, 0
        return chunk


def _copied(row: PublishedReview) -> str:
    # No text has a NUL: three fields are escaped at once.
    said = _text(f"{row.sku}\0{row.title}\0{row.body}").replace("\0", "\t")
    author = _NULL if row.author is None else _text(row.author)
    user_id = _NULL if row.user_id is None else _text(row.user_id)
    return (
        f"{said}\t\\\\x{row.fingerprint.hex()}\t{row.rating}\t{author}\t{user_id}"
        f"\t{row.helpful_votes}\t{row.verified}\t{row.written_at or _NULL}\n"
    )


def _text(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
