"""One photograph from a host that means no good."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest

from backend.catalog.downloads.fetching import Limits, fetch
from backend.errors import HostUnavailable


@contextmanager
def host(serve: Callable[[socket.socket, Event], None]) -> Iterator[int]:
    """The port of a host that answers one visitor; told when the visitor has gone."""
    gone = Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            visitor, _ = listening.accept()
            with visitor, suppress(OSError):
                serve(visitor, gone)

        thread = Thread(target=answer)
        thread.start()
        yield listening.getsockname()[1]
        gone.set()
        thread.join()


def test_a_handshake_byte_by_byte_ends_with_the_time_for_the_whole() -> None:
    def drip(visitor: socket.socket, gone: Event) -> None:
        visitor.sendall(b"\x16\x03\x03\x40\x00")  # a TLS handshake record of 16 kB is to come
        while not gone.wait(0.02):
            visitor.sendall(b"\x00")

    with host(drip) as port:
        began = time.monotonic()
        with pytest.raises(HostUnavailable):
            fetch(f"https://127.0.0.1:{port}/a.jpg", Limits(step=30, whole=0.5, private=True))
        # Left alone the record would take more than five minutes.
        assert 0.5 <= time.monotonic() - began < 30


@pytest.mark.parametrize("value", ["\u00b2", "9" * 5000, "-1", "soon", ""])
def test_a_time_to_come_back_that_is_none_is_not_waited_for(value: str) -> None:
    def refuse(visitor: socket.socket, _gone: Event) -> None:
        visitor.recv(65536)
        head = f"HTTP/1.1 503 Busy\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n"
        visitor.sendall(head.encode("latin-1"))

    with host(refuse) as port, pytest.raises(HostUnavailable) as refused:
        fetch(f"http://127.0.0.1:{port}/a.jpg", Limits(private=True))
    assert refused.value.retry_after is None
