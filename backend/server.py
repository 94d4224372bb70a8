"""Gunicorn in this process: one worker process with threads, so that one copy of a model serves them all."""

import logging
import os
import socket
import sys
from contextlib import ExitStack
from ipaddress import ip_address
from threading import Event, Thread
from typing import Any

import psycopg
from flask import Flask
from gunicorn.app.base import BaseApplication

from backend.app import create_app
from backend.database.connection import Database
from backend.errors import ConfigurationError, DatabaseUnavailable, ShelfmateError
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from backend.spaces.space import Space, list_spaces

log = logging.getLogger("shelfmate.http")

# What requests in hand may still take after SIGTERM; `shelfmate up` waits longer than that before it kills.
GRACEFUL_SECONDS = 10
BACKLOG = 1024
# A space that was filled is looked for this often.
SECONDS_BETWEEN_LOOKS = 5.0


def serve(database: Database, settings: Settings) -> None:
    """Answer HTTP at the address of the settings until SIGTERM or SIGINT; requests in hand are finished first.

    Connections and encoders belong to the worker process, which opens them itself.

    Raises:
        ConfigurationError: the address cannot be listened on, or the worker process does not start.
    """
    parent = os.getpid()
    listener = _listen(settings)
    try:
        _Server(database, settings, listener.detach()).run()
    except SystemExit as end:
        if os.getpid() != parent:
            # The worker process comes back here too; what the parent's callers hold is not its to release.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(end.code if isinstance(end.code, int) else 1)
        if end.code:
            raise ConfigurationError("the HTTP server could not start; the reason is above") from end


def require_free_port(settings: Settings) -> None:
    """Raise ConfigurationError unless the address of the settings can be listened on."""
    _listen(settings).close()


def address_of(settings: Settings) -> str:
    """Where the server of these settings is, as a browser takes it: an IPv6 address in brackets (RFC 3986, 3.2.2)."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.host, settings.port
    remedy = "set SHELFMATE_HOST and SHELFMATE_PORT to an address of this machine that is free"
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        # Python adds the address, which is said already.
        reason = (error.strerror or str(error)).partition(" (while")[0]
        raise ConfigurationError(f"cannot listen on {host} port {port}: {reason}; {remedy}") from error


class _Server(BaseApplication):  # type: ignore[misc]  # Gunicorn ships no types.
    """Gunicorn's way of asking for its settings and for the application."""

    def __init__(self, database: Database, settings: Settings, listener: int) -> None:
        self.database, self.settings, self.listener = database, settings, listener
        self.opened = ExitStack()
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from Gunicorn's defaults."""
        chosen: dict[str, Any] = {
            "bind": f"fd://{self.listener}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": self.settings.threads,
            "graceful_timeout": GRACEFUL_SECONDS,
            # Longer than the idle time of usual proxies, so that it is they who hang up.
            "keepalive": 75,
            "accesslog": None,
            "loglevel": "warning",
            "control_socket_disable": True,
            "proc_name": "shelfmate",
            # Gunicorn counts a hook's parameters.
            "post_worker_init": lambda _worker: self._say_where(),
            "worker_exit": lambda _server, _worker: self.opened.close(),
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application; called in the worker process."""
        logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s")
        given = self.database
        database = self.opened.enter_context(
            Database(given.dsn, given.read_dsn, given.pool_size, self.settings.statement_timeout)
        )
        embedder = Embedder(database)
        stopping = Event()
        self.opened.callback(stopping.set)
        Thread(target=_keep_warm, args=(database, embedder, stopping), name="keep-warm", daemon=True).start()
        return create_app(database, embedder, self.settings)

    def _say_where(self) -> None:
        if not self.settings.require_keys and not _is_loopback(self.settings.host):
            log.warning("whoever reaches %s may change everything: set SHELFMATE_REQUIRE_KEYS=true", self.settings.host)
        address = address_of(self.settings)
        print(f"serving {address}/ with its documentation at {address}/docs", flush=True)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _keep_warm(database: Database, embedder: Embedder, stopping: Event) -> None:
    """Load the text encoders of the spaces that answer, or may soon: no search waits for one, nor an activation."""
    warm: set[int] = set()
    while not stopping.is_set():
        try:
            known = list_spaces(database)
            embedder.keep_only(known)
            spaces = [space for space in known if space.state in ("active", "shadow")]
            for space in sorted(spaces, key=lambda space: space.state):
                if space.text_encoder is not None and space.id not in warm and not stopping.is_set():
                    _warm_up(embedder, space)
                    warm.add(space.id)
        except (ShelfmateError, psycopg.Error) as error:
            log.warning("the text encoders are not loaded yet: %s", error)
        stopping.wait(SECONDS_BETWEEN_LOOKS)


def _warm_up(embedder: Embedder, space: Space) -> None:
    try:
        embedder.texts(space, ["warm-up"])
    except DatabaseUnavailable:
        raise
    except ShelfmateError as error:
        # The request that needs the encoder meets the same error and answers with it.
        log.warning("the text encoder of the space %s is not loaded: %s", space.name, error)
