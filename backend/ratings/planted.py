"""Two planted sets over real reviews and real photographs: in one the picture carries part of the rating, in one none.

No data within reach joins reviews with photographs, so nothing real can show whether the image branch finds what is in
a picture, or claims to find what is not. Here every product of a file of reviews is given the photograph of another
shop's product, by lot, half of them of one kind and half of another (tops and shoes). Then

- ``carried``: products whose photograph is of the second kind lose a star in every review (never under 1), and nothing
  of it is in the text;
- ``by lot``: as many products lose a star, but they are drawn by lot, whatever their photograph shows.

Both have the same texts, photographs and numbers of stars taken off. Only the first has anything to be seen.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.errors import InvalidInput
from backend.ratings.corpus import Example

CARRIED, BY_LOT = "carried", "by lot"
KINDS = ("Topwear", "Shoes")
_COLUMN = "subCategory"


@dataclass(frozen=True)
class Photographs:
    """Files of two kinds, each photograph once: ``plain`` and ``marked``, whose products lose a star."""

    plain: tuple[bytes, ...]
    marked: tuple[bytes, ...]


def read_photographs(directory: Path, kinds: tuple[str, str] = KINDS) -> Photographs:
    """The photographs of two subcategories of a fashion directory (``styles.csv`` and ``images/<id>.jpg``).

    Raises:
        InvalidInput: there is no such directory, or a kind has no photograph.
    """
    found: dict[str, dict[bytes, bytes]] = {kind: {} for kind in kinds}
    try:
        # "NA" is a value of this file like any other.
        with (directory / "styles.csv").open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                image = directory / "images" / f"{row['id']}.jpg"
                if row[_COLUMN] in found and image.is_file():
                    content = image.read_bytes()
                    # Some products share one photograph, which would then be in both parts of a split.
                    found[row[_COLUMN]].setdefault(sha256(content).digest(), content)
    except (FileNotFoundError, KeyError) as error:
        raise InvalidInput(f"{directory} is no fashion directory: {error!r}", field="data") from error
    for kind, images in found.items():
        if not images:
            raise InvalidInput(f"{directory} has no photograph of {kind}", field="data")
    plain, marked = (tuple(found[kind].values()) for kind in kinds)
    return Photographs(plain, marked)


def plant(
    examples: Sequence[Example], photographs: Photographs, *, reviews: int | None = None, seed: int = 0
) -> dict[str, list[Example]]:
    """The two sets, by name, over the same ``reviews`` of whole products, drawn by lot; all reviews without a number.

    Raises:
        InvalidInput: there are more products than photographs of a kind for half of them.
    """
    random = np.random.default_rng(seed)
    chosen = _whole_products(examples, reviews, random)
    products = list(dict.fromkeys(example.product for example in chosen))
    marked = np.zeros(len(products), dtype=bool)
    marked[random.permutation(len(products))[: len(products) // 2]] = True
    plain = _drawn(photographs.plain, int((~marked).sum()), random)
    other = _drawn(photographs.marked, int(marked.sum()), random)
    images = dict(zip(products, (other.pop() if mark else plain.pop() for mark in marked), strict=True))
    return {
        CARRIED: _taken_off(chosen, images, dict(zip(products, marked, strict=True))),
        BY_LOT: _taken_off(chosen, images, dict(zip(products, random.permutation(marked), strict=True))),
    }


def _taken_off(examples: Sequence[Example], images: dict[str, bytes], lose: dict[str, np.bool]) -> list[Example]:
    planted = []
    for example in examples:
        if example.rating is None:
            raise InvalidInput("a review without a rating cannot be planted: leave it out", field="rating")
        rating = max(1, example.rating - int(lose[example.product]))
        planted.append(replace(example, rating=rating, image=images[example.product]))
    return planted


def _whole_products(examples: Sequence[Example], reviews: int | None, random: np.random.Generator) -> Sequence[Example]:
    """All reviews of products drawn by lot, until there are so many."""
    if reviews is None or reviews >= len(examples):
        return examples
    names = list(dict.fromkeys(example.product for example in examples))
    sizes = dict.fromkeys(names, 0)
    for example in examples:
        sizes[example.product] += 1
    kept, size = set[str](), 0
    for place in random.permutation(len(names)):
        if size >= reviews:
            break
        kept.add(names[place])
        size += sizes[names[place]]
    return [example for example in examples if example.product in kept]


def _drawn(images: tuple[bytes, ...], number: int, random: np.random.Generator) -> list[bytes]:
    if number > len(images):
        raise InvalidInput(
            f"{number} products need a photograph of one kind each, and there are {len(images)}: take fewer reviews",
            field="reviews",
        )
    order: NDArray[np.int64] = random.permutation(len(images))[:number]
    return [images[place] for place in order]
