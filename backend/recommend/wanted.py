"""What the words of a search mean, without what only a word index understands."""

import re

# As websearch_to_tsquery reads it: a minus before a word or a phrase excludes it; one that stands alone does not.
_EXCLUDED = re.compile(r'(?:(?<=\s)|^)-+(?:"[^"]*(?:"|$)|[^\s"-]\S*)')
_OPERATOR = re.compile(r"(?:(?<=\s)|^)or(?=\s|$)", re.IGNORECASE)


def wanted(text: str) -> str:
    """The text for an encoder: without excluded words, quotation marks and the word "or" between alternatives.

    Empty when it only excludes.
    """
    left = _EXCLUDED.sub(" ", text)
    if left != text and not left.strip():
        return ""
    return " ".join(_OPERATOR.sub(" ", left.replace('"', " ")).split()) or left.strip()
