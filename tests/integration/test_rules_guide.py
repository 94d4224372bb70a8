"""docs/rules.md: its requests are answered as it says, and its statements run, in order."""

import json
import re
from pathlib import Path

from api_fixtures import ConformingClient, app, client

from backend.database.connection import Database

__all__ = ["app", "client"]

GUIDE = Path(__file__).parents[2] / "docs" / "rules.md"
FENCE = re.compile(r"^```(?P<language>http|sql)(?P<status> \d+)?\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_guide_does_as_it_says(client: ConformingClient, database: Database) -> None:
    page = GUIDE.read_text(encoding="utf-8")
    fences = list(FENCE.finditer(page))
    assert page.count("```") == 2 * len(fences) > 10
    for fence in fences:
        if fence["language"] == "sql":
            with database.write() as connection:
                connection.execute(fence["body"].encode())
            continue
        first, _, body = fence["body"].partition("\n")
        method, path = first.split()
        response = client.open(path, method=method, json=json.loads(body) if body else None)
        assert response.status_code == int(fence["status"]), (fence[0], response.text)
    assert [rule["name"] for rule in client.get("/v1/rules").json["items"]] == ["shirt-of-the-week", "bury-sold-out"]
