"""Where an address leads: only to public machines, whatever a name resolves to."""

import ipaddress
import socket
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from backend.errors import AddressRefused, HostUnavailable

_PORTS = {"http": 80, "https": 443}
# RFC 6052: an IPv4 address behind a translator, in the last four bytes.
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Target(NamedTuple):
    """One request: ``host`` is what the server is asked for, ``path`` all that follows it."""

    scheme: str
    host: str
    port: int
    path: str


def read_url(url: str, *, private: bool = False) -> Target:
    """The parts of an address.

    Args:
        url: as it was written down, or as a redirect had it.
        private: allow other ports than those of the web.

    Raises:
        AddressRefused: it is not of http or https, has no host or holds a password, or its port is none of the web's.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").encode("idna").decode("ascii") if parts.hostname else ""
        port = parts.port
    except ValueError as error:
        raise AddressRefused(f"the address cannot be read: {error}") from error
    if parts.scheme not in _PORTS:
        raise AddressRefused(f"only http and https are fetched, not {parts.scheme or 'an address without a scheme'}")
    if not host:
        raise AddressRefused("the address names no host")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("the address holds a user name or password")
    if not private and port not in (None, *_PORTS.values()):
        raise AddressRefused(f"only the ports 80 and 443 are fetched from, not {port}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], _escaped(path))


def redirected(url: str, location: str) -> str:
    """The address that a redirect leads to, which may be relative."""
    return urljoin(url, location.strip())


def resolve(target: Target, *, private: bool = False) -> list[str]:
    """The addresses of a target's host; the connection must be made to one of these and not resolve the name again.

    Raises:
        AddressRefused: there is no such host, or one of its addresses is not public and ``private`` does not allow it.
        HostUnavailable: the name service does not answer.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise HostUnavailable(f"the name {target.host} cannot be resolved now") from error
        raise AddressRefused(f"there is no host {target.host}") from error
    except UnicodeError as error:
        raise AddressRefused(f"{target.host} is no host name") from error
    addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
    for address in addresses:
        if not private and not is_public(address):
            raise AddressRefused(f"{target.host} is {address}, which is no public address")
    return addresses


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet; what a translator or tunnel would reach counts too."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return all(part.is_global and not part.is_multicast and not part.is_reserved for part in _reached(ip))


def _reached(ip: Address) -> list[Address]:
    if isinstance(ip, ipaddress.IPv4Address):
        return [ip]
    if ip.ipv4_mapped is not None:
        return [ip.ipv4_mapped]
    if ip.sixtofour is not None:
        return [ip, ip.sixtofour]
    if ip in _TRANSLATED:
        # Of the prefix itself nothing need be asked: it is a way to the address in it.
        return [ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)]
    return [ip]


def _escaped(path: str) -> str:
    # What may not stand in a request line: control characters, blanks, and everything beyond ASCII.
    return "".join(c if "!" <= c <= "~" else "".join(f"%{byte:02X}" for byte in c.encode()) for c in path)
