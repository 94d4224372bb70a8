"""Named SQL: each ``backend/database/sql/TOPIC.sql`` holds statements headed ``-- name: what it does``."""

import re
from functools import cache
from importlib.resources import files

HEAD = re.compile(r"^-- (?P<name>[a-z_]+): .+\n", re.MULTILINE)


@cache
def load_queries(topic: str) -> dict[str, bytes]:
    """The statements of one file by name, with psycopg's ``%(name)s`` placeholders.

    Bytes, because psycopg takes text only where a type checker can prove that it is a literal.
    """
    source = files("backend.database").joinpath("sql", f"{topic}.sql").read_text(encoding="utf-8")
    heads = list(HEAD.finditer(source))
    ends = [head.start() for head in heads[1:]] + [len(source)]
    return {
        head["name"]: source[head.end() : end].strip().rstrip(";").encode()
        for head, end in zip(heads, ends, strict=True)
    }
