"""One photograph over HTTP: checked address by checked address, within limits of time and size."""

import http.client
import math
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.metadata import version
from typing import Self

from backend.catalog.downloads.addresses import Target, read_url, redirected, resolve
from backend.encoders.images import MAX_BYTES
from backend.errors import AddressRefused, HostUnavailable

MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Request Timeout, Too Early, Too Many Requests; and every 5xx.
_LATER = frozenset({408, 425, 429})
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for one step of the network, and for a photograph as a whole; and its most bytes.

    ``private`` allows machines that are not on the open internet, and other ports than the web's.
    """

    step: float = 10.0
    whole: float = 60.0
    size: int = MAX_BYTES
    private: bool = False


def fetch(url: str, limits: Limits, turn: Callable[[str], None] = lambda _host: None) -> bytes:
    """The bytes behind an address; redirects are followed, each checked as the address was.

    Args:
        url: what was written down.
        limits: of time and size.
        turn: called with the host before each request, and returns when it may be made.

    Raises:
        AddressRefused: it will not work later either: not an image, too large, not there, not a public machine.
        HostUnavailable: it may.
    """
    ends = time.monotonic() + limits.whole
    for _ in range(MOST_REDIRECTS + 1):
        target = read_url(url, private=limits.private)
        turn(target.host)
        answer = _request(target, limits, ends)
        if isinstance(answer, bytes):
            return answer
        url = redirected(url, answer)
    raise AddressRefused(f"more than {MOST_REDIRECTS} redirects")


def _request(target: Target, limits: Limits, ends: float) -> bytes | str:
    """The body, or where to go instead."""
    try:
        with _Connection(target, limits, ends) as connection:
            connection.request("GET", target.path, headers=_headers())
            with closing(connection.getresponse()) as response:
                if response.status in _REDIRECTS:
                    location = response.getheader("Location")
                    if not location:
                        raise AddressRefused(f"HTTP {response.status} without a Location")
                    return location
                _check(response, limits)
                return _body(response, limits)
    except (TimeoutError, ConnectionError, http.client.IncompleteRead, http.client.RemoteDisconnected) as error:
        raise HostUnavailable(f"{target.host} does not answer: {error or type(error).__name__}") from error
    except ssl.SSLCertVerificationError as error:
        raise AddressRefused(f"the certificate of {target.host} does not hold: {error.verify_message}") from error
    except (OSError, http.client.HTTPException) as error:
        raise HostUnavailable(f"{target.host}: {error or type(error).__name__}") from error


class _Connection(http.client.HTTPConnection):
    """A connection to an address that was checked, whatever the name would resolve to a second time."""

    def __init__(self, target: Target, limits: Limits, ends: float) -> None:
        super().__init__(target.host, target.port, timeout=limits.step)
        self.default_port = 443 if target.scheme == "https" else 80
        self._target, self._limits, self._ends = target, limits, ends
        self._watch: threading.Timer | None = None
        self._line: socket.socket | None = None

    def connect(self) -> None:
        """Connect to the first address that answers."""
        failure: OSError | None = None
        for address in resolve(self._target, private=self._limits.private):
            try:
                connected = socket.create_connection((address, self.port), _left(self._ends, self._limits.step))
            except OSError as error:
                failure = error
                continue
            # A host that sends a byte now and then never exceeds the time for one step; from the handshake on.
            # TLS takes the socket over, so that the watch holds it a second time.
            self.sock, self._line = connected, connected.dup()
            self._watch = threading.Timer(self._ends - time.monotonic(), _hang_up, [self._line])
            self._watch.daemon = True
            self._watch.start()
            if self._target.scheme == "https":
                self.sock = _tls().wrap_socket(connected, server_hostname=self.host)
            return
        raise failure or OSError("no address")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._watch is not None and self._line is not None:
            self._watch.cancel()
            self._line.close()
        self.close()


def _check(response: http.client.HTTPResponse, limits: Limits) -> None:
    status = response.status
    if status in _LATER or status >= 500:
        raise HostUnavailable(
            f"HTTP {status} {response.reason}", retry_after=_retry_after(response.getheader("Retry-After"))
        )
    if status != 200:
        raise AddressRefused(f"HTTP {status} {response.reason}")
    kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
    if kind and not kind.startswith("image/") and kind not in ("application/octet-stream", "binary/octet-stream"):
        raise AddressRefused(f"not an image but {kind}")
    if (response.getheader("Content-Encoding") or "identity").strip().lower() != "identity":
        raise AddressRefused("sent compressed, though it was asked for as it is")
    if response.length is not None and response.length > limits.size:
        raise AddressRefused(_too_large(limits))


def _body(response: http.client.HTTPResponse, limits: Limits) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(_PIECE):
        size += len(piece)
        if size > limits.size:
            raise AddressRefused(_too_large(limits))
        pieces.append(piece)
    if response.length:
        raise HostUnavailable(f"the connection ended {response.length:,} bytes too early")
    return b"".join(pieces)


def _left(ends: float, step: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError("it takes too long")
    return min(step, left)


def _hang_up(connected: socket.socket) -> None:
    with suppress(OSError):  # It has ended by itself.
        connected.shutdown(socket.SHUT_RDWR)


def _retry_after(value: str | None) -> int | None:
    """Seconds, which the header gives as a number or as a date (RFC 9110, 10.2.3); None where it does not."""
    if value is None:
        return None
    if re.fullmatch("[0-9]{1,9}", value.strip()):
        return int(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, math.ceil((moment - datetime.now(UTC)).total_seconds()))


def _too_large(limits: Limits) -> str:
    return f"more than the {limits.size / 2**20:.0f} MiB accepted"


def _headers() -> dict[str, str]:
    return {
        "User-Agent": f"Shelfmate/{_version()} (catalogue import)",
        "Accept": "image/jpeg, image/png, image/webp, image/gif, image/avif",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


@cache
def _version() -> str:
    return version("shelfmate")


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
