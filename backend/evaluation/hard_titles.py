"""Titles without what gives the article type away, for a mode in which the title's words alone cannot win."""

import re

WORDS = re.compile(r"\w+")


def hard_title(title: str, article_type: str) -> str:
    """The title without the words that begin with one of the article type's words less their plural s.

    Whatever the case; empty when nothing else is in it.
    """
    words = (word.removesuffix("s") for word in WORDS.findall(article_type.lower()))
    stems = tuple(word for word in words if word)
    return " ".join(word for word in title.split() if not word.lower().startswith(stems))
