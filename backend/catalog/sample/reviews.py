"""Reviews whose words agree with their stars and with the product."""

from datetime import UTC, datetime, timedelta

from backend.catalog.sample import review_phrases as say
from backend.catalog.sample.chance import Dice
from backend.catalog.sample.family import Family
from backend.catalog.sample.look import Look
from backend.catalog.sample.model import SampleReview

# Stars by how good the product is: most are good, a few are not.
_STARS = {
    "loved": {5: 0.68, 4: 0.24, 3: 0.05, 2: 0.02, 1: 0.01},
    "liked": {5: 0.46, 4: 0.33, 3: 0.12, 2: 0.06, 1: 0.03},
    "doubtful": {5: 0.18, 4: 0.26, 3: 0.26, 2: 0.18, 1: 0.12},
}
_SENTIMENT = {"loved": 0.35, "liked": 0.52, "doubtful": 0.13}
_COUNTS = {0: 3, 1: 3, 2: 4, 3: 4, 4: 3, 5: 3, 6: 2, 7: 2, 8: 1.5, 9: 1, 10: 1, 11: 0.6, 12: 0.6}
# Good and bad remarks by stars.
_REMARKS = {5: (2, 0), 4: (1, 1), 3: (1, 1), 2: (0, 2), 1: (0, 2)}
_UNTIL = datetime(2025, 12, 31, tzinfo=UTC)


def _remarks(stars: int, topic: str, dice: Dice) -> list[str]:
    good, bad = _REMARKS[stars]
    if stars == 4 and dice.random() < 0.55:
        good, bad = 2, 0
    # Twice the topic's own: what is said of anything should not be said of everything.
    praise = _several([*say.GOOD[topic], *say.GOOD[topic], *say.GOOD["any"]], good, dice)
    blame = _several([*say.BAD[topic], *say.BAD[topic], *say.BAD["any"]], bad, dice)
    if praise and blame:
        return [
            praise[0],
            dice.choice(("But: ", "On the other hand: ", "My only complaint: ", "Then again: "))
            + blame[0][0].lower()
            + blame[0][1:],
        ]
    return praise + blame


def _several(phrases: list[str], count: int, dice: Dice) -> list[str]:
    """``count`` different phrases, those that stand in the list twice more likely."""
    dice.shuffle(phrases)
    return list(dict.fromkeys(phrases))[:count]


def _review(family: Family, look: Look, stars: int, dice: Dice) -> SampleReview:
    words = {
        "noun": f"pair of {family.kind.noun}" if family.kind.plural else family.kind.noun,
        "colour": look.colour.name.lower(),
        "material": look.material,
        "brand": family.brand.name,
    }
    sentences = _remarks(stars, family.kind.topic, dice)
    if dice.random() < 0.72:
        sentences.insert(0, dice.choice(say.OPENINGS[stars]))
    if dice.random() < 0.45:
        sentences.append(dice.choice(say.CLOSINGS[stars]))
    text = " ".join(sentences).format(**words)
    start = datetime(family.year, 3, 1, tzinfo=UTC)
    span = int((_UNTIL - start).total_seconds())
    return SampleReview(
        rating=stars,
        title=dice.choice(say.TITLES[stars]).format(**words),
        body=text,
        author=f"{dice.choice(say.FIRST_NAMES)} {dice.choice('ABCDEFGHKLMNPRSTVW')}.",
        helpful_votes=int(dice.expovariate(0.45)) if dice.random() < 0.6 else 0,
        verified=dice.random() < 0.86,
        created_at=start + timedelta(seconds=dice.randrange(span)),
    )


def reviews(family: Family, look: Look, dice: Dice) -> list[SampleReview]:
    """From none to twelve reviews, oldest first."""
    stars = _STARS[family.dice("sentiment").pick(_SENTIMENT)]
    written = [_review(family, look, dice.pick(stars), dice) for _ in range(dice.pick(_COUNTS))]
    return sorted(written, key=lambda review: review.created_at)
