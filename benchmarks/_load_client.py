"""One client of a load test, a process of its own that loads little: ``python -m benchmarks._load_client``.

Reads its task as one line of JSON, says ``ready``, starts at the next line, and prints how often it was answered.
"""

import http.client
import json
import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg


def main() -> None:
    task = json.loads(sys.stdin.readline())
    if "port" in task:
        with closing(http.client.HTTPConnection("127.0.0.1", task["port"])) as connection:
            count(lambda path: get(connection, path), task["paths"], task["seconds"])
    else:
        statement = task["statement"].encode()
        with psycopg.connect(task["dsn"], autocommit=True) as session:
            count(
                lambda values: session.execute(statement, values, prepare=True).fetchall(),
                task["values"],
                task["seconds"],
            )


def get(connection: http.client.HTTPConnection, path: str) -> None:
    """One request on a connection that stays open."""
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise AssertionError(body)


def count(ask: Callable[[Any], object], tasks: list[Any], seconds: float) -> None:
    """Ask again and again for so long."""
    ask(tasks[0])
    print("ready", flush=True)
    sys.stdin.readline()
    end = time.monotonic() + seconds
    done = 0
    while time.monotonic() < end:
        ask(tasks[done % len(tasks)])
        done += 1
    print(done, flush=True)


if __name__ == "__main__":
    main()
