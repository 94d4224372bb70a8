"""What of an example is read as text."""

from backend.ratings.corpus import Example
from backend.ratings.leak import strip_rating


def pair(example: Example) -> tuple[str, str]:
    """Title and text, the title without what says the rating."""
    return strip_rating(example.title).strip(), example.text.strip()


def joined(example: Example) -> str:
    """Title and text as one, for encoders that read one text."""
    return ". ".join(part for part in pair(example) if part)
