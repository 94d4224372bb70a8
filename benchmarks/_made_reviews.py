"""Review lines as Amazon's published files have them, drawn from a seed: as many as wanted, in memory for one."""

import json
import random
from collections.abc import Iterator

# One line in so many is damaged: cut short, without a rating, or with one of six stars.
BAD_EVERY = 1000

_PHRASES = (
    "I bought this for my daughter and she uses it every day.",
    "The quality is better than I expected at this price.",
    "It broke after two weeks, and the seller did not answer.",
    "Fits as described; I ordered my usual size.",
    "The colour is a bit darker than in the picture, but I like it.",
    "Delivery was quick and everything was well packed.",
    'My old one was 12" long, this one is shorter.',
    "Would buy again without a second thought.",
    "The instructions are hard to follow - better look for a video.",
    "Not what I hoped for. The cloth is thin and it smells.",
    "Works great with my café's machine.<br />I have had no trouble so far.",
    "Three stars because the strap came loose; otherwise it&#39;s fine.",
)
_TITLES = ("Great", "Five Stars", "Not for me", "Good value for the money", "Broke at once", "As described", "Love it!")


def review_lines(lines: int, *, products: int, users: int, layout: int = 2023, seed: int = 7) -> Iterator[str]:
    """Lines of JSON, each with its end; one in ``BAD_EVERY`` is damaged, at random places.

    Args:
        lines: how many.
        products: how many products at most; the popular ones have most of the lines.
        users: how many writers at most.
        layout: 2018 or 2023.
        seed: the same one gives the same lines.
    """
    chance = random.Random(seed)
    make = _review_2018 if layout == 2018 else _review_2023
    for number in range(lines):
        # A cube puts a tenth of the lines on a thousandth of the products.
        sku = f"B{int(products * chance.random() ** 3):09d}"
        user = f"AE{int(users * chance.random()):026d}"
        text = " ".join(chance.choices(_PHRASES, k=1 + int(11 * chance.random() ** 2)))
        review = make(number, sku, user, text, chance)
        if number % BAD_EVERY == chance.randrange(BAD_EVERY):
            yield _damaged(review, chance)
        else:
            yield json.dumps(review) + "\n"


def _review_2018(number: int, sku: str, user: str, text: str, chance: random.Random) -> dict[str, object]:
    moment = 1_100_000_000 + 86_400 * (number % 5000)
    review: dict[str, object] = {
        "overall": float(chance.choice((1, 2, 3, 4, 5, 5, 5))),
        "verified": chance.random() < 0.8,
        "reviewTime": "05 31, 2014",
        "reviewerID": user,
        "asin": sku,
        "style": {"Color:": " Black"},
        "reviewerName": "Somebody",
        "reviewText": text,
        "summary": chance.choice(_TITLES),
        "unixReviewTime": moment,
    }
    if chance.random() < 0.1:
        review["vote"] = f"{chance.randrange(2, 5000):,}"
    return review


def _review_2023(number: int, sku: str, user: str, text: str, chance: random.Random) -> dict[str, object]:
    return {
        "rating": float(chance.choice((1, 2, 3, 4, 5, 5, 5))),
        "title": chance.choice(_TITLES),
        "text": text,
        "images": [],
        "asin": sku,
        "parent_asin": sku,
        "user_id": user,
        "timestamp": 1_300_000_000_000 + 300_007 * number,
        "helpful_vote": int(20 * chance.random() ** 6),
        "verified_purchase": chance.random() < 0.8,
    }


def _damaged(review: dict[str, object], chance: random.Random) -> str:
    kind = chance.randrange(3)
    if kind == 0:
        return json.dumps(review)[: chance.randrange(20, 100)] + "\n"
    rating = "rating" if "rating" in review else "overall"
    if kind == 1:
        del review[rating]
    else:
        review[rating] = 6.0
    return json.dumps(review) + "\n"
