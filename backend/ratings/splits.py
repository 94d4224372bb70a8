"""Which examples train and which test: never a product in both, nor a user where users are known.

Reviews of one product repeat each other, and a user has a style and a habit of rating: a random split lets the model
recognise both and shows more than it knows of a new product.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.errors import InvalidInput
from backend.ratings.corpus import Example

Indices = NDArray[np.int64]
# Of all examples; with users apart too, a fold that trains on less is not worth the training.
LEAST_TRAINED = 0.25


@dataclass(frozen=True, slots=True)
class Fold:
    """Positions in the list of examples, ascending; ``unused`` are neither trained nor tested on in this fold."""

    train: Indices
    test: Indices
    unused: int = 0


@dataclass(frozen=True, slots=True)
class Split:
    """``grouped_by`` says what no two parts of a fold share: "product", "product and user", or "nothing" (random).

    ``note`` is a sentence for the report where the groups did not allow the plain way, else empty.
    """

    folds: tuple[Fold, ...]
    grouped_by: str
    note: str = ""


def grouped_folds(examples: Sequence[Example], n: int = 5, seed: int = 0) -> Split:
    """``n`` folds about equal in size: no product and no known user has reviews in both parts of any.

    Products and users that are joined by reviews form components, and each component is tested in one fold. Where one
    component is larger than two folds (in most shops everybody is joined to everybody), products and users are put into
    folds apart, a user into the one that has most of his reviews: a fold tests its own users on its own products and
    trains on what is neither. The rest is unused in that fold, so not every example is tested. Where that leaves a fold
    next to nothing (a handful of users wrote most reviews), only products are kept apart. ``note`` says so.

    Raises:
        InvalidInput: there are fewer products than folds, or fewer than 2 folds.
    """
    _check(examples, n)
    random = np.random.default_rng(seed)
    products = _numbered([example.product for example in examples])
    if products.max() + 1 < n:
        raise InvalidInput(f"{n} folds need as many products, and there are {products.max() + 1}", field="folds")
    if all(example.user is None for example in examples):
        return Split(_by_group(_spread(products, n, random), n), "product")
    components = _components(examples)
    if np.bincount(components).max() <= 2 * len(examples) / n and components.max() + 1 >= n:
        return Split(_by_group(_spread(components, n, random), n), "product and user")
    places = _spread(products, n, random)
    folds = _blocks(places, _users_folds(examples, places, n, random), n)
    if not all(len(fold.test) and len(fold.train) >= LEAST_TRAINED * len(examples) for fold in folds):
        note = "Too few users wrote most reviews to keep users apart: folds share users, but no product."
        return Split(_by_group(places, n), "product", note)
    tested = sum(len(fold.test) for fold in folds)
    note = (
        "Nearly all products and users are joined by reviews, so each fold tests its own users on its own products: "
        f"{tested:,} of {len(examples):,} reviews are tested, and on average "
        f"{np.mean([len(fold.train) for fold in folds]):,.0f} train."
    )
    return Split(folds, "product and user", note)


def random_folds(examples: Sequence[Example], n: int = 5, seed: int = 0) -> Split:
    """``n`` folds of single reviews, whatever they are of; only to show what such a split pretends.

    Raises:
        InvalidInput: there are fewer examples than folds, or fewer than 2 folds.
    """
    _check(examples, n)
    places = np.arange(len(examples)) % n
    np.random.default_rng(seed).shuffle(places)
    return Split(_by_group(places, n), "nothing")


def hold_out(examples: Sequence[Example], share: float = 0.1, seed: int = 0) -> tuple[Indices, Indices]:
    """The positions that train and those that validate, about ``share`` of them and one at least, by whole products.

    Only products are kept apart: what validation chooses (an epoch, a threshold) cannot learn a user by heart.

    Raises:
        InvalidInput: there are fewer than two examples.
    """
    if len(examples) < 2:
        raise InvalidInput("one part trains and one validates, so two reviews are needed", field="data")
    products = _numbered([example.product for example in examples])
    groups = np.random.default_rng(seed).permutation(int(products.max()) + 1)
    sizes = np.bincount(products)
    wanted = max(1.0, share * len(examples))
    # A product that would take the part far over its share stays in training: some shops have one with half of all.
    chosen, size = set[int](), 0
    for group in groups:
        if size < wanted and size + sizes[group] <= 1.5 * wanted:
            chosen.add(int(group))
            size += int(sizes[group])
    if not chosen or len(chosen) == len(groups):
        # One product, or none small enough: single reviews are drawn.
        drawn = np.random.default_rng(seed).permutation(len(examples))[: max(1, round(wanted))]
        held = np.isin(np.arange(len(examples)), drawn)
    else:
        held = np.isin(products, sorted(chosen))
    return np.flatnonzero(~held), np.flatnonzero(held)


def _check(examples: Sequence[Example], n: int) -> None:
    if n < 2:
        raise InvalidInput(f"folds is {n}, but must be 2 or more", field="folds")
    if len(examples) < n:
        raise InvalidInput(f"{n} folds need as many reviews, and there are {len(examples)}", field="folds")


def _numbered(keys: Sequence[Hashable]) -> Indices:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _components(examples: Sequence[Example]) -> Indices:
    """Of each example the number of its component: products and users, joined where a review has both."""
    parents: dict[tuple[str, str], tuple[str, str]] = {}

    def root(node: tuple[str, str]) -> tuple[str, str]:
        parents.setdefault(node, node)
        while parents[node] != node:
            # Path halving keeps the trees flat (Tarjan and van Leeuwen 1984).
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    for example in examples:
        if example.user is not None:
            parents[root(("product", example.product))] = root(("user", example.user))
    return _numbered([root(("product", example.product)) for example in examples])


def _spread(groups: Indices, n: int, random: np.random.Generator) -> Indices:
    """Of each example the fold of its group: the largest groups first, each into the smallest fold."""
    sizes = np.bincount(groups)
    order = random.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled = np.zeros(n, dtype=np.int64)
    places = np.zeros(len(sizes), dtype=np.int64)
    for group in order:
        places[group] = int(filled.argmin())
        filled[places[group]] += sizes[group]
    return places[groups]


def _users_folds(examples: Sequence[Example], places: Indices, n: int, random: np.random.Generator) -> Indices:
    """Of each example the fold in which its user has most reviews, ties by lot; -1 where the user is not known."""
    counts: dict[str, NDArray[np.float64]] = defaultdict(lambda: random.random(n) / 2)
    for example, place in zip(examples, places, strict=True):
        if example.user is not None:
            counts[example.user][place] += 1
    best = {user: int(count.argmax()) for user, count in counts.items()}
    return np.array([-1 if example.user is None else best[example.user] for example in examples], dtype=np.int64)


def _blocks(places: Indices, of_users: Indices, n: int) -> tuple[Fold, ...]:
    """Each fold's users on its products, against all others on all others."""
    folds = []
    for fold in range(n):
        test = (places == fold) & ((of_users < 0) | (of_users == fold))
        train = (places != fold) & (of_users != fold)
        folds.append(Fold(np.flatnonzero(train), np.flatnonzero(test), int((~train & ~test).sum())))
    return tuple(folds)


def _by_group(places: Indices, n: int) -> tuple[Fold, ...]:
    return tuple(Fold(np.flatnonzero(places != fold), np.flatnonzero(places == fold)) for fold in range(n))
