"""Which addresses are fetched from."""

import socket

import pytest

from backend.catalog.downloads.addresses import Target, is_public, read_url, redirected, resolve
from backend.errors import AddressRefused, HostUnavailable


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
    ],
)
def test_no_address_of_an_inner_network_is_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "151.101.1.16", "2606:4700::1111", "64:ff9b::808:808"])
def test_those_of_the_open_internet_are(address):
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://i.example/a.jpg", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("//i.example/a.jpg", "without a scheme"),
        ("https:///a.jpg", "no host"),
        ("https://user:secret@i.example/a.jpg", "password"),
        ("https://i.example:8080/a.jpg", "ports 80 and 443"),
        ("https://i.example:port/a.jpg", "cannot be read"),
        ("https://[::1/a.jpg", "cannot be read"),
        (f"https://{'a' * 64}.example/a.jpg", "cannot be read"),
    ],
)
def test_an_address_that_is_not_of_the_web_is_refused(url, reason):
    with pytest.raises(AddressRefused, match=reason):
        read_url(url)


def test_an_address_is_read_into_what_is_asked_of_whom():
    assert read_url("https://I.Example./a b/é.jpg?x=1#part") == Target(
        "https", "i.example", 443, "/a%20b/%C3%A9.jpg?x=1"
    )
    assert read_url("http://bücher.example") == Target("http", "xn--bcher-kva.example", 80, "/")
    assert read_url("http://i.example:8080/", private=True).port == 8080


def test_a_line_break_never_reaches_the_request():
    assert "\n" not in read_url("https://i.example/a%0d%0ab\r\nX: y").path


def test_a_redirect_may_be_relative():
    assert redirected("https://i.example/a/b.jpg", "../c.jpg") == "https://i.example/c.jpg"
    assert redirected("https://i.example/a", "http://other.example/") == "http://other.example/"


def answer(monkeypatch, *addresses):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_a_name_with_one_address_inside_is_refused_as_a_whole(monkeypatch):
    answer(monkeypatch, "8.8.8.8", "127.0.0.1")
    target = read_url("https://i.example/")
    with pytest.raises(AddressRefused, match=r"127\.0\.0\.1, which is no public address"):
        resolve(target)
    assert resolve(target, private=True) == ["8.8.8.8", "127.0.0.1"]


@pytest.mark.parametrize("name", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
def test_another_way_to_write_the_own_machine_leads_nowhere(name):
    with pytest.raises((AddressRefused, HostUnavailable)):
        resolve(read_url(f"http://{name}/"))


@pytest.mark.parametrize(
    ("number", "error"), [(socket.EAI_NONAME, AddressRefused), (socket.EAI_AGAIN, HostUnavailable)]
)
def test_a_name_that_does_not_exist_is_refused_and_a_silent_name_service_is_asked_again(monkeypatch, number, error):
    def fail(*_, **__):
        raise socket.gaierror(number, "no")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(error):
        resolve(read_url("https://i.example/"))
