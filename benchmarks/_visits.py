"""Ratings by person and day, cut at several moments: what was known before each, and what each person came for next."""

import csv
import gzip
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from backend.errors import InvalidInput

COLUMNS = ("user_id", "product_id", "rating", "title", "text", "date", "helpful")


@dataclass(frozen=True)
class Visit:
    """One review: who, of what, how many stars, its words and votes, and the day it was written."""

    user: str
    sku: str
    stars: int
    title: str
    body: str
    votes: int
    day: date


@dataclass(frozen=True)
class Cut:
    """A moment: ``before`` was known then; ``next`` has the new products of each known person in the days after it.

    ``cold`` are products with fewer than five reviews by then, those without any included.
    """

    day: date
    before: list[Visit]
    next: dict[str, list[str]]
    cold: frozenset[str]


def read_visits(path: Path) -> list[Visit]:
    """The reviews of a file with the columns of ``amazon_musical_instruments_5core.csv.gz``, oldest first.

    Raises:
        InvalidInput: it has other columns.
    """
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if missing := set(COLUMNS) - set(rows.fieldnames or ()):
            raise InvalidInput(f"{path} lacks the columns {', '.join(sorted(missing))}", field="data")
        found = [
            Visit(
                row["user_id"],
                row["product_id"],
                round(float(row["rating"])),
                row["title"],
                row["text"],
                # Votes are written [helpful, all].
                int((re.findall(r"\d+", row["helpful"]) or [0])[0]),
                date.fromisoformat(row["date"]),
            )
            for row in rows
        ]
    return sorted(found, key=lambda visit: (visit.day, visit.user, visit.sku))


def cut(visits: list[Visit], cuts: int, days: int) -> list[Cut]:
    """The last ``cuts`` stretches of ``days`` days each: one cut at the beginning of each."""
    end = visits[-1].day
    found = []
    for number in range(cuts, 0, -1):
        day = end - timedelta(days=days * number)
        before = [visit for visit in visits if visit.day < day]
        had: dict[str, set[str]] = defaultdict(set)
        for visit in before:
            had[visit.user].add(visit.sku)
        following: dict[str, list[str]] = defaultdict(list)
        for visit in visits:
            new = visit.sku not in had[visit.user] if visit.user in had else False
            if day <= visit.day < day + timedelta(days=days) and new and visit.sku not in following[visit.user]:
                following[visit.user].append(visit.sku)
        counts = Counter(visit.sku for visit in before)
        cold = frozenset(visit.sku for visit in visits if counts[visit.sku] < 5)
        found.append(Cut(day, before, {user: skus for user, skus in following.items() if skus}, cold))
    return found
