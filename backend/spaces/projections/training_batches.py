"""The batches that a learned projection is trained on: whole variant groups, and with them what was bought together."""

from collections.abc import Iterator

import numpy as np

from backend.spaces.projections.links import Indices, Links

# Products of one group in one batch at most: a group of thousands is no group of variants.
MOST_OF_GROUP = 64


def batches(links: Links, size: int, steps: int, random: np.random.Generator) -> Iterator[Indices]:
    """``steps`` batches of the places of about ``size`` different products, or of all where there are fewer.

    Products of one variant group come together, and half of the time with one that was bought together with them;
    every product has come once before one comes again, but for those.
    """
    members = _members(links.groups)
    of = np.empty(len(links), dtype=np.int64)
    for number, places in enumerate(members):
        of[places] = number
    bought = links.adjacency()
    waiting: list[int] = []
    for _ in range(steps):
        chosen: dict[int, None] = {}
        count = 0
        while count < size and len(chosen) < len(members):
            if not waiting:
                waiting = random.permutation(len(members)).tolist()
            drawn = [waiting.pop()]
            place = random.choice(members[drawn[0]])
            partners = bought.indices[bought.indptr[place] : bought.indptr[place + 1]]
            if len(partners) and random.random() < 0.5:
                drawn.append(int(of[random.choice(partners)]))
            for number in drawn:
                if number not in chosen:
                    chosen[number] = None
                    count += min(len(members[number]), MOST_OF_GROUP)
        yield np.concatenate([_some(members[number], random) for number in chosen])


def _members(groups: Indices) -> list[Indices]:
    """The places of each group; a product of none is a group of its own."""
    order = np.argsort(groups, kind="stable")
    first = int(np.searchsorted(groups[order], 0))
    alone = [order[place : place + 1] for place in range(first)]
    grouped = order[first:]
    if not len(grouped):
        return alone
    return alone + np.split(grouped, np.flatnonzero(np.diff(groups[grouped])) + 1)


def _some(places: Indices, random: np.random.Generator) -> Indices:
    return places if len(places) <= MOST_OF_GROUP else random.choice(places, MOST_OF_GROUP, replace=False)
