"""Titles that say the rating ("Five Stars", "4/5") are stripped of it, in training and in prediction alike.

Shops fill such titles in by themselves when the writer leaves them empty. A model that reads them looks better than it
is, and learns to look at nothing else. What stands in the review's text is the writer's own and stays.
"""

import re

_NUMBER = (
    r"(?:\d{1,2}(?:[.,]\d+)?(?:\s?[-\s]?1/2|\s?½)?|½|one|two|three|four|five|six|seven|eight|nine|ten|zero|no|half|"
    r"un|une|uno|una|ein|einen|deux|trois|quatre|cinq|dos|tres|cuatro|cinco|zwei|drei|vier|fünf|"
    r"due|tre|quattro|cinque|um|uma|dois|duas|quatro|cero|zéro|null|zero)"
)
_STARS = r"(?:stars?|étoiles?|etoiles?|estrellas?|estrelas?|sterne?n?|stelle|stella)"
_OF_FIVE = r"(?:\s*(?:out\s+of|of|von|sur|de|su)\s+(?:a\s+)?(?:possible\s+)?(?:5|five|cinq|cinco|fünf|cinque|10|ten))"
_RATING = re.compile(
    rf"""(?<![\w/.])(?:
        {_NUMBER}(?:\s+and\s+(?:a|one)\s+half)?[\s-]*(?:{_OF_FIVE}[\s-]*)?(?:big|bright|gold|full|solid|shiny|huge)?[\s-]*
            {_STARS}(?:[\s-]*rat(?:ed|ing))?{_OF_FIVE}?      # five stars, 4.5-star rating, 4 out of 5 stars
      | {_NUMBER}{_OF_FIVE}                                     # 4 out of 5
      | \d{{1,2}}(?:[.,]\d+)?\s*/\s*(?:5|10)                  # 4/5, 9/10
    )(?![\w/]|[.,]\d)
    | [★☆⭐🌟✩✪✭✮✯]+                                             # ★★★★☆
    | (?<!\S)\*{{2,5}}(?!\S)                                  # *****
    """,
    re.IGNORECASE | re.VERBOSE,
)
_EDGES = " \t\n-\u2013\u2014:;,.!|/~_"
_SPACES = re.compile(r"\s+")


def says_rating(title: str) -> bool:
    """Whether ``title`` names a number of stars, or of points out of 5 or 10."""
    return _RATING.search(title) is not None


def strip_rating(title: str) -> str:
    """``title`` without what says the rating, and without the punctuation that is left over at its ends.

    A title that says none is returned as it is. Doing it twice changes nothing more.
    """
    if not says_rating(title):
        return title
    while says_rating(title):
        title = _RATING.sub(" ", title)
    return _SPACES.sub(" ", title).strip(_EDGES)
