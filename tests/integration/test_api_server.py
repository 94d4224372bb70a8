"""The server as a process: one worker, up at once, ends gracefully, says what keeps it from listening."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread

import psutil
import pytest

from backend.catalog.products import ProductData, put_product
from backend.database.connection import Database
from backend.errors import ConfigurationError
from backend.server import _keep_warm, require_free_port
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from backend.spaces.fusion import Vectors
from backend.spaces.recipe import Recipe
from backend.spaces.space import Space, insert_space
from tests.eventually import eventually

COMMAND = """
from backend.database.connection import open_database
from backend.server import serve
from backend.settings import load_settings
with open_database(load_settings()) as database:
    serve(database, load_settings())
    print("left in order", flush=True)
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def serving(settings: Settings, port: int) -> Iterator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url or "",
        "SHELFMATE_HOME": str(settings.home),
        "SHELFMATE_PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def get(port: int, path: str, method: str = "GET", body: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def wait_until_alive(port: int) -> None:
    def is_alive() -> bool:
        with suppress(OSError):
            return get(port, "/healthz")[0] == 200
        return False

    eventually(is_alive, 120)


def is_waiting(database: Database) -> bool:
    with database.read() as connection:
        return bool(
            connection.execute(
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            ).fetchall()
        )


def test_a_request_in_hand_is_finished_before_the_server_ends(database: Database, settings: Settings) -> None:
    put_product(database, "A1", ProductData("Red shirt"))
    port = free_port()
    answers: list[tuple[int, str]] = []
    with serving(settings, port) as process:
        wait_until_alive(port)
        assert get(port, "/readyz") == (200, '{"status":"ready","space":"default"}')
        assert len(psutil.Process(process.pid).children()) == 1
        patch = Thread(target=lambda: answers.append(get(port, "/v1/products/A1", "PATCH", '{"title": "Blue"}')))
        with database.write() as connection:
            # The request waits for this row.
            connection.execute("SELECT FROM products FOR UPDATE")
            patch.start()
            eventually(lambda: is_waiting(database))
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            assert process.poll() is None
        patch.join(60)
        said, complaints = process.communicate(timeout=60)
    assert [status for status, _ in answers] == [200]
    assert process.returncode == 0
    # The parent's own blocks were left once, by the parent.
    assert said.count("left in order") == 1
    assert f"http://127.0.0.1:{port}/" in said
    assert complaints == ""


def test_a_dead_worker_process_is_replaced(database: Database, settings: Settings) -> None:
    port = free_port()
    with serving(settings, port) as process:
        wait_until_alive(port)
        (worker,) = psutil.Process(process.pid).children()
        worker.kill()
        worker.wait(60)
        wait_until_alive(port)
        (successor,) = psutil.Process(process.pid).children()
        assert successor.pid != worker.pid


def test_a_port_that_is_taken_is_said_before_anything_starts(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port}: Address already in use; set SHELFMATE_HOST"):
            require_free_port(settings.model_copy(update={"port": port}))
    require_free_port(settings.model_copy(update={"port": port}))


def test_an_address_of_another_machine_is_refused(settings: Settings) -> None:
    for host in ("192.0.2.1", "no.such.host.invalid"):
        with pytest.raises(ConfigurationError, match=host):
            require_free_port(settings.model_copy(update={"host": host, "port": free_port()}))


class NotingEmbedder(Embedder):
    """Notes which spaces it was asked to encode texts for."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.asked: list[str] = []

    def texts(self, space: Space, texts: Sequence[str]) -> Vectors:
        self.asked.append(space.name)
        return super().texts(space, texts)


def test_encoders_of_every_space_that_may_answer_are_loaded_once_before_they_are_needed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.server.SECONDS_BETWEEN_LOOKS", 0.05)
    with database.write() as connection:
        insert_space(connection, "broken", Recipe(text="hashing:32", image=None, text_weight=1, image_weight=0))
        connection.execute(
            "UPDATE shelfmate.embedding_spaces SET text_version = 'other', state = 'shadow' WHERE name = 'broken'"
        )
    embedder, stopping = NotingEmbedder(database), Event()
    thread = Thread(target=_keep_warm, args=(database, embedder, stopping))
    thread.start()
    try:
        eventually(lambda: embedder.asked == ["default", "broken"])
        with database.write() as connection:
            insert_space(connection, "next", Recipe(text="hashing:16", image=None, text_weight=1, image_weight=0))
        time.sleep(0.3)
        assert embedder.asked == ["default", "broken"]
        with database.write() as connection:
            connection.execute("UPDATE shelfmate.embedding_spaces SET state = 'shadow' WHERE name = 'next'")
        eventually(lambda: len(embedder.asked) >= 3)
        time.sleep(0.2)
    finally:
        stopping.set()
        thread.join()
    assert embedder.asked == ["default", "broken", "next"]
