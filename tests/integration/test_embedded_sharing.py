"""The server lives as long as anybody uses it, and no longer."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from embedded_fixtures import COMMAND, ask, command, eventually, postmasters, processes, supervisor, used_home

from backend.database import embedded

LONGER_THAN_THE_GRACE = 1.6


@pytest.fixture
def home() -> Iterator[Path]:
    with used_home() as path:
        yield path


def test_the_server_outlives_the_command_that_started_it_while_another_uses_it(home):
    with command(home) as first, command(home) as second:
        assert second.dsn == first.dsn
        first.leave()
        time.sleep(LONGER_THAN_THE_GRACE)
        assert ask(second.dsn) == 1
        assert len(postmasters(home)) == 1


def test_the_server_outlives_a_killed_starter_and_ends_after_the_last_is_killed(home):
    with command(home) as first, command(home) as second:
        first.kill()
        time.sleep(LONGER_THAN_THE_GRACE)
        assert ask(second.dsn) == 1
        second.kill()
        assert embedded.wait_until_stopped(home, 60)
        eventually(lambda: not processes(home))


def test_ctrl_c_in_one_command_does_not_reach_the_server(home):
    with command(home) as first, command(home) as second:
        os.killpg(first.process.pid, signal.SIGINT)
        first.process.wait()
        assert os.getsid(supervisor(home).pid) not in {first.process.pid, second.process.pid, os.getsid(0)}
        assert ask(second.dsn) == 1


def test_a_process_that_inherited_a_command_s_lease_keeps_the_server(home):
    with embedded.running(home) as server:
        dsn = server.dsn()
        # As the forked workers of a web server do.
        holder = subprocess.Popen(["sleep", "600"], pass_fds=[_lease(home)])
    try:
        time.sleep(LONGER_THAN_THE_GRACE)
        assert ask(dsn) == 1
    finally:
        holder.kill()
        holder.wait()


def test_a_command_substitution_returns_at_once_and_its_answer_works_for_a_while(home):
    # `psql "$(shelfmate dsn)"`: the server may hold neither the pipe open nor end before psql is there.
    answer = subprocess.run(
        [sys.executable, "-c", COMMAND, str(home), "6"], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert answer.stderr == ""
    time.sleep(LONGER_THAN_THE_GRACE)
    assert ask(answer.stdout.strip()) == 1
    assert embedded.wait_until_stopped(home, 60)


def test_a_connected_client_keeps_the_server_after_the_last_command(home):
    with embedded.running(home) as server:
        client = psycopg.connect(server.dsn())
    with client:
        time.sleep(LONGER_THAN_THE_GRACE)
        assert client.execute("SELECT 1").fetchone() == (1,)
    assert embedded.wait_until_stopped(home, 60)


def _lease(home: Path) -> int:
    wanted = (home / "postgres.users").stat().st_ino
    open_here = (entry for entry in Path("/proc/self/fd").iterdir() if entry.exists())
    return next(int(entry.name) for entry in open_here if entry.stat().st_ino == wanted)
