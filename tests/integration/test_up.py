"""``shelfmate up``: everything under one parent, as ``make demo`` starts it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.eventually import eventually


@dataclass
class Up:
    process: "subprocess.Popen[bytes]"
    address: str

    def get(self, path: str) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(self.address + path, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return 0, None

    def wait_for(self, path: str, seconds: float = 180) -> Any:
        deadline = time.monotonic() + seconds
        while True:
            status, body = self.get(path)
            if status == 200:
                return body
            assert time.monotonic() < deadline, f"{path} still answers {status}: {body}"
            assert self.process.poll() is None, "it ended"
            time.sleep(0.1)

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def workers(self) -> list[psutil.Process]:
        found = []
        for child in self.family():
            # One that was killed is a zombie until its parent looks.
            with contextlib.suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
                if child.cmdline()[-1:] == ["worker"]:
                    found.append(child)
        return found


@pytest.fixture
def up() -> Iterator[Up]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="shelfmate-up-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        environment |= {
            "SHELFMATE_HOME": home,
            "SHELFMATE_PORT": str(port),
            "SHELFMATE_TEXT_ENCODER": "hashing:64",
            "SHELFMATE_IMAGE_ENCODER": "hashing:64",
        }
        process = subprocess.Popen([sys.executable, "-m", "backend.cli", "up", "--sample"], env=environment)
        running = Up(process, f"http://127.0.0.1:{port}")
        try:
            yield running
        finally:
            left = running.family() if process.poll() is None else []
            process.terminate()
            process.wait(90)
            _gone, alive = psutil.wait_procs(left, timeout=30)
            for straggler in alive:
                straggler.kill()
            assert alive == [], "processes outlived their parent"


def test_the_sample_becomes_recommendable_and_parts_are_restarted(up: Up) -> None:
    similar = "/v1/products/SM-000001/similar?k=5"
    eventually(lambda: len(up.wait_for(similar)["items"]) == 5)
    (worker,) = up.workers()
    worker.send_signal(signal.SIGKILL)
    eventually(lambda: [child for child in up.workers() if child.pid != worker.pid])


def test_children_end_when_the_parent_is_killed(up: Up) -> None:
    up.wait_for("/readyz")
    family = up.family()
    assert len(family) >= 2
    up.process.kill()
    up.process.wait()
    _gone, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []


def test_a_port_that_is_taken_is_said_before_anything_starts(up: Up) -> None:
    up.wait_for("/readyz")
    environment = {**os.environ, "SHELFMATE_PORT": up.address.rpartition(":")[2]}
    second = subprocess.run(
        [sys.executable, "-m", "backend.cli", "up"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert second.returncode == 2
    assert "SHELFMATE_PORT" in second.stderr
