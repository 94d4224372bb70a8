"""Whatever is killed, the server comes back, loses nothing, and signals nobody else's process."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
from embedded_fixtures import ask, eventually, fresh_home, postmasters, processes, stop, supervisor, used_home

from backend.database import embedded
from backend.database.embedded import cluster
from backend.errors import DatabaseUnavailable


@pytest.fixture
def home() -> Iterator[Path]:
    with used_home() as path:
        yield path


@pytest.fixture
def new_home() -> Iterator[Path]:
    with fresh_home() as path:
        yield path


@contextmanager
def unrelated_process(home: Path, program: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the server's own account: one that the server could signal, if it wanted."""
    owner = (home / "postgres").stat().st_uid
    sleeping = subprocess.Popen([program, "300"], cwd="/", **({"user": owner} if os.geteuid() == 0 else {}))
    try:
        yield sleeping
    finally:
        sleeping.kill()
        sleeping.wait()


@pytest.mark.parametrize("name", ["sleep", "postgres"])
def test_a_stale_pid_file_that_names_an_unrelated_process_is_cleared_and_the_process_lives(home, name):
    with embedded.running(home) as server, psycopg.connect(server.dsn()) as connection:
        connection.execute("CREATE TABLE kept ()")
    stop(home)
    program = shutil.copy(shutil.which("sleep"), home.parent / name)
    with unrelated_process(home, program) as unrelated:
        pid_file = home / "postgres" / "data" / "postmaster.pid"
        pid_file.write_text(f"{unrelated.pid}\n{home / 'postgres' / 'data'}\n1700000000\n5432\n")
        with embedded.running(home) as server:
            assert ask(server.dsn(), "SELECT to_regclass('kept')") == "kept"
        stop(home)
        assert unrelated.poll() is None


@pytest.mark.parametrize("text", ["", "not a number\n"])
def test_a_pid_file_cut_off_by_a_power_failure_is_cleared(home, text):
    with embedded.running(home):
        pass
    stop(home)
    (home / "postgres" / "data" / "postmaster.pid").write_text(text)
    with embedded.running(home) as server:
        assert ask(server.dsn()) == 1


def test_a_server_that_somebody_else_runs_on_the_data_is_left_alone(home):
    with embedded.running(home) as server:
        dsn, data = server.dsn(), home / "postgres" / "data"
        with pytest.raises(DatabaseUnavailable, match=r"did not start \(pid \d+\).*stop it, or set DATABASE_URL"):
            cluster.clear_stale_pid(data)
        assert (data / "postmaster.pid").exists()
        assert ask(dsn) == 1


def test_when_the_owner_is_killed_the_server_returns_for_the_commands_that_use_it(home):
    with embedded.running(home) as server:
        dsn = server.dsn()
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
        orphaned = postmasters(home)[0]
        supervisor(home).kill()
        orphaned.wait(60)
        eventually(lambda: ask(dsn, "SELECT value FROM kept") == 7)
        assert len(postmasters(home)) == 1


def test_when_the_owner_is_killed_and_nobody_uses_the_server_it_ends(home):
    with embedded.running(home, linger=600):
        pass
    supervisor(home).kill()
    assert embedded.wait_until_stopped(home, 50)
    eventually(lambda: not processes(home))


def test_a_killed_postmaster_is_replaced_although_a_backend_was_busy(home):
    with embedded.running(home) as server:
        dsn = server.dsn()
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
        busy = threading.Thread(target=_count_without_end, args=(dsn,))
        busy.start()
        eventually(lambda: ask(dsn, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%999999999%%'") > 1)
        killed = postmasters(home)[0]
        killed.kill()
        busy.join(60)
        assert not busy.is_alive()
        eventually(lambda: ask(dsn, "SELECT value FROM kept") == 7)
        assert [process.pid for process in postmasters(home)] != [killed.pid]
        assert len(postmasters(home)) == 1


def test_when_owner_and_postmaster_are_killed_the_next_command_gets_a_server(home):
    with embedded.running(home, linger=600) as server, psycopg.connect(server.dsn()) as connection:
        connection.execute("CREATE TABLE kept ()")
    victims = [supervisor(home), *postmasters(home)]
    for process in victims:
        process.send_signal(signal.SIGSTOP)  # neither may react to the other's end
    for process in victims:
        process.kill()
    psutil.wait_procs(victims, 60)
    with embedded.running(home) as server:
        assert ask(server.dsn(), "SELECT to_regclass('kept')") == "kept"


def test_a_server_that_keeps_dying_is_given_up_in_the_log(home):
    with embedded.running(home, linger=600):
        pass
    owner = supervisor(home)
    for _ in range(6):
        eventually(lambda: postmasters(home) or not owner.is_running())
        for process in postmasters(home):
            process.kill()
            psutil.wait_procs([process], 60)
    owner.wait(60)
    assert "Postgres died 6 times within a minute" in (home / "postgres.log").read_text()
    with embedded.running(home) as server:
        assert ask(server.dsn()) == 1


def test_a_start_cut_short_leaves_no_half_made_data_directory(new_home):
    starting = threading.Thread(target=_start_and_fail, args=(new_home,))
    starting.start()
    eventually(lambda: (new_home / "postgres" / "data.unfinished" / "PG_VERSION").exists())
    supervisor(new_home).kill()
    starting.join(60)
    assert not starting.is_alive()
    with embedded.running(new_home) as server:
        assert ask(server.dsn()) == 1
    assert not (new_home / "postgres" / "data.unfinished").exists()


def _start_and_fail(home: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="supervisor of the embedded server died"), embedded.running(home):
        pass


def _count_without_end(dsn: str) -> None:
    with pytest.raises(psycopg.OperationalError):
        ask(dsn, "SELECT count(*) FROM generate_series(1, 999999999) a, generate_series(1, 999999999) b")
