"""Ranking measures of one list, best first, against the products that are right; relevance is binary.

``found`` says of each product of the list, best first, whether it is right; ``right`` is how many right products there
are in all. Measures are 0 to 1. What is beyond the first k does not count, and a list shorter than k is not forgiven.
"""

from collections.abc import Sequence
from math import log2


def precision_at_k(found: Sequence[bool], k: int) -> float:
    """Right ones among the first k, over k."""
    return sum(found[:k]) / k


def recall_at_k(found: Sequence[bool], right: int, k: int) -> float:
    """Right ones among the first k, over all that are right, so that more than k right ones cannot reach 1."""
    return sum(found[:k]) / right


def ndcg_at_k(found: Sequence[bool], right: int, k: int) -> float:
    """Normalised discounted cumulative gain: a right one at place i gains 1 / log2(i + 1), over the best list's gain.

    Jarvelin and Kekalainen, Cumulated gain-based evaluation of IR techniques, ACM TOIS 20 (2002), with the discount
    that is usual since Burges and others (2005); the best list has min(right, k) right ones in front.
    """
    gain = sum(1 / log2(place + 1) for place, is_right in enumerate(found[:k], start=1) if is_right)
    return gain / sum(1 / log2(place + 1) for place in range(1, min(right, k) + 1))


def reciprocal_rank_at_k(found: Sequence[bool], k: int) -> float:
    """1 over the place of the first right one, 0 when none is among the first k; its mean is the MRR.

    Voorhees, The TREC-8 question answering track report (1999).
    """
    return next((1 / place for place, is_right in enumerate(found[:k], start=1) if is_right), 0.0)
