"""docs/http.md: every request in it is sent, in order, and answered as it says."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from api_fixtures import ConformingClient, app, client

__all__ = ["app", "client"]

GUIDE = Path(__file__).parents[2] / "docs" / "http.md"
REQUEST = re.compile(
    r"^```http (?P<status>\d+)\n(?P<method>[A-Z]+) (?P<path>\S+)\n(?P<body>.*?)```$", re.MULTILINE | re.DOTALL
)


def test_the_guide_s_requests_are_answered_as_it_says(client: ConformingClient, drain: Callable[[], int]) -> None:
    requests = list(REQUEST.finditer(GUIDE.read_text(encoding="utf-8")))
    assert len(requests) >= 15
    for request in requests:
        body = json.loads(request["body"]) if request["body"].strip() else None
        response = client.open(request["path"], method=request["method"], json=body)
        assert response.status_code == int(request["status"]), (request[0], response.text)
        if request["status"] == "409":
            drain()


def test_the_guide_names_paths_that_exist(client: ConformingClient) -> None:
    named = set(re.findall(r"`(/(?:v1/)?[a-z][a-z./:]*)`", GUIDE.read_text(encoding="utf-8")))
    assert named
    assert named - {"/v1"} <= set(client.document["paths"])
