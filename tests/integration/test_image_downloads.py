"""Photographs fetched from a server on this machine."""

import itertools
import socket
import threading
import time
from collections import Counter
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from import_fixtures import ask, finish_jobs, jpeg, one, queued, reported, write_jsonl

from backend.catalog.downloads import Limits, Politeness, download_images
from backend.catalog.downloads import download as downloading
from backend.catalog.downloads.politeness import Hosts
from backend.catalog.images import put_image
from backend.catalog.importers import import_amazon
from tests.eventually import eventually

# Long enough that a loaded machine is not taken for a host that does not answer.
LIMITS = Limits(step=30, whole=60, private=True)
QUICK = Politeness(delay=0)
IMAGE = {"Content-Type": "image/jpeg"}
STATES = (
    "SELECT p.sku, d.state, d.attempts FROM image_downloads d JOIN products p ON p.id = d.product_id ORDER BY p.sku"
)


class Shop(ThreadingHTTPServer):
    """Answers by path: status, headers, body; a list item by item, and a function is called with the handler."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = {}
        self.asked = Counter()
        self.headers = []
        self.times = []
        self.now = self.most = 0
        self.lock = threading.Lock()
        self.address = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self):
        shop = self.server
        with shop.lock:
            number = shop.asked[self.path]
            shop.asked[self.path] += 1
            shop.headers.append(dict(self.headers))
            shop.times.append(time.monotonic())
            shop.now += 1
            shop.most = max(shop.most, shop.now)
        try:
            answer = shop.answers[self.path]
            if callable(answer):
                answer(self)
                return
            status, headers, body = answer[min(number, len(answer) - 1)] if isinstance(answer, list) else answer
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        finally:
            with shop.lock:
                shop.now -= 1

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture
def shop():
    """A server of photographs."""
    server = Shop()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def listed(database, shop, tmp_path):
    """A function that imports products whose photographs are behind these paths of the server."""

    def imports(**answers):
        shop.answers.update({f"/{sku}": answer for sku, answer in answers.items()})
        rows = [{"parent_asin": sku, "title": "T", "images": [{"hi_res": f"{shop.address}/{sku}"}]} for sku in answers]
        import_amazon(database, meta=write_jsonl(tmp_path / "m.jsonl", rows))
        finish_jobs(database)

    return imports


@pytest.fixture(autouse=True)
def _no_backoff(monkeypatch):
    monkeypatch.setattr(downloading, "BACKOFF", 0.0)


def test_a_photograph_is_stored_and_not_fetched_again(database, shop, listed):
    listed(A1=(200, IMAGE, jpeg()), A2=(200, {}, jpeg("blue")))
    result = download_images(database, politeness=QUICK, limits=LIMITS)
    assert (result.images_inserted, result.images_bad, result.images_left, result.report) == (2, 0, 0, None)
    stored = "SELECT p.sku, i.media_type, i.width, i.height, i.content FROM product_images i JOIN products p"
    assert ask(database, f"{stored} ON p.id = i.product_id ORDER BY p.sku") == [
        ("A1", "image/jpeg", 60, 80, jpeg()),
        ("A2", "image/jpeg", 60, 80, jpeg("blue")),
    ]
    assert queued(database) == ["A1", "A2"]
    again = download_images(database, politeness=QUICK, limits=LIMITS)
    assert (again.images_inserted, again.images_unchanged) == (0, 0)
    assert sum(shop.asked.values()) == 2
    assert shop.headers[0]["User-Agent"].startswith("Shelfmate/")
    assert shop.headers[0]["Host"] == shop.address.removeprefix("http://")


def test_what_will_never_work_is_refused_reported_and_not_asked_again(database, shop, listed, tmp_path):
    listed(
        absent=(404, {}, b""),
        forbidden=(403, {}, b""),
        page=(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>"),
        text=(200, IMAGE, b"no image at all"),
        cut=(200, IMAGE, jpeg(size=(600, 800))[:1500]),
        large=(200, IMAGE, b"x" * 5000),
        packed=(200, {**IMAGE, "Content-Encoding": "gzip"}, jpeg()),
        loop=(302, {"Location": "/loop"}, b""),
        lost=(301, {}, b""),
        file=(302, {"Location": "file:///etc/passwd"}, b""),
    )
    report = tmp_path / "bad.jsonl"
    limits = replace(LIMITS, size=4000)
    result = download_images(database, politeness=QUICK, limits=limits, report=report)
    assert (result.images_inserted, result.images_bad, result.images_left) == (0, 10, 0)
    reasons = {entry["file"]: entry["reason"] for entry in reported(report)}
    expected = {
        "absent": "HTTP 404",
        "forbidden": "HTTP 403",
        "page": "text/html",
        "text": "no format",
        "cut": "damaged",
        "large": "more than",
        "packed": "compressed",
        "loop": "more than 5 redirects",
        "lost": "without a Location",
        "file": "only http and https",
    }
    assert {sku: part in reasons[sku] for sku, part in expected.items()} == dict.fromkeys(expected, True)
    assert {entry["value"] for entry in reported(report)} == {f"{shop.address}/{sku}" for sku in expected}
    assert {state for _, state, _ in ask(database, STATES)} == {"refused"}
    asked = sum(shop.asked.values())
    download_images(database, politeness=QUICK, limits=limits)
    assert sum(shop.asked.values()) == asked


def test_a_body_without_a_length_is_cut_off_at_the_limit(database, listed):
    sent = []

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            while len(sent) < 1000:
                handler.wfile.write(b"x" * 10_000)
                sent.append(1)
        except OSError:
            return

    listed(A1=endless)
    limits = replace(LIMITS, size=50_000)
    assert download_images(database, politeness=QUICK, limits=limits).images_bad == 1
    assert len(sent) < 1000


def test_what_fails_for_now_is_tried_again_in_the_run_and_by_the_next(database, shop, listed):
    good = (200, IMAGE, jpeg())
    listed(
        soon=[(503, {}, b""), (500, {}, b""), good],
        later=[(503, {}, b"")] * 3 + [good],
        short=[(200, {**IMAGE, "Content-Length": "99999"}, jpeg())] * 3 + [good],
    )
    result = download_images(database, politeness=QUICK, limits=LIMITS)
    assert (result.images_inserted, result.images_left, result.images_bad) == (1, 2, 0)
    assert ask(database, STATES) == [("later", "waiting", 1), ("short", "waiting", 1), ("soon", "stored", 1)]
    again = download_images(database, politeness=QUICK, limits=LIMITS)
    assert (again.images_inserted, again.images_left) == (2, 0)
    assert shop.asked == {"/soon": 3, "/later": 4, "/short": 4}


def test_a_pause_that_a_host_asks_for_is_kept(database, shop, listed):
    listed(A1=[(429, {"Retry-After": "1"}, b""), (200, IMAGE, jpeg())])
    assert download_images(database, politeness=QUICK, limits=LIMITS).images_inserted == 1
    assert shop.times[1] - shop.times[0] >= 1


def test_a_host_that_asks_for_a_long_pause_is_left_alone(database, shop, listed, monkeypatch, tmp_path):
    monkeypatch.setattr(downloading, "THREADS", 1)
    listed(**dict.fromkeys(("A1", "A2", "A3"), (503, {"Retry-After": "3600"}, b"")))
    report = tmp_path / "r.jsonl"
    result = download_images(database, politeness=QUICK, limits=LIMITS, report=report)
    assert (result.images_left, result.images_bad) == (3, 0)
    assert sum(shop.asked.values()) == 1
    assert "3,600 s" in reported(report)[-1]["reason"]
    assert "next run" in reported(report)[-1]["reason"]


def test_a_host_is_asked_by_few_at_once(database, shop, listed):
    def slow(handler):
        # Until there were two at once, and then long enough for a third to come.
        eventually(lambda: shop.most >= 2)
        time.sleep(0.05)
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(jpeg())

    listed(**{f"A{number}": slow for number in range(12)})
    result = download_images(database, politeness=Politeness(at_once=2, delay=0), limits=LIMITS)
    assert result.images_inserted == 12
    assert shop.most == 2


def test_the_turns_of_a_host_are_apart_however_many_it_allows_at_once():
    # A clock that goes on by 1 ms whenever it is asked.
    ticks = itertools.count()
    hosts = Hosts(Politeness(at_once=9, delay=0.02), clock=lambda: next(ticks) / 1000)
    begun = []
    for _ in range(4):
        hosts.begin("a")
        begun.append(next(ticks))
    assert all(later - sooner >= 20 for sooner, later in itertools.pairwise(begun))
    hosts.begin("b")
    assert next(ticks) - begun[-1] < 20


def test_nothing_of_an_inner_network_is_asked_unless_it_is_allowed(database, shop, listed):
    listed(A1=(200, IMAGE, jpeg()))
    result = download_images(database, politeness=QUICK, limits=Limits())
    assert (result.images_bad, sum(shop.asked.values())) == (1, 0)
    assert "port" in one(database, "SELECT reason FROM image_downloads")


def test_every_redirect_is_checked(database, shop, listed, monkeypatch):
    # This machine stands for one of the open internet, and another of its addresses for one inside.
    monkeypatch.setattr("backend.catalog.downloads.addresses.is_public", lambda address: address == "127.0.0.1")
    monkeypatch.setattr(
        "backend.catalog.downloads.addresses._PORTS", {"http": shop.server_address[1], "https": shop.server_address[1]}
    )
    listed(
        inside=(302, {"Location": f"http://127.0.0.2:{shop.server_address[1]}/good"}, b""),
        good=(302, {"Location": "/moved"}, b""),
    )
    shop.answers["/moved"] = (200, IMAGE, jpeg())
    result = download_images(database, politeness=QUICK, limits=replace(LIMITS, private=False))
    assert (result.images_inserted, result.images_bad) == (1, 1)
    assert shop.asked == {"/inside": 1, "/good": 1, "/moved": 1}
    assert "127.0.0.2, which is no public address" in one(
        database, "SELECT reason FROM image_downloads WHERE state = 'refused'"
    )


def test_the_name_is_resolved_once_for_the_check_and_the_connection(database, shop, listed, monkeypatch):
    listed(A1=(200, IMAGE, jpeg()))
    asked = []
    real = socket.getaddrinfo

    def resolve(host, *arguments, **options):
        asked.append(host)
        return real("127.0.0.1" if host == "i.example" else host, *arguments, **options)

    monkeypatch.setattr("backend.catalog.downloads.addresses.socket.getaddrinfo", resolve)
    with database.write() as connection:
        connection.execute("UPDATE image_downloads SET url = replace(url, '127.0.0.1', 'i.example')")
    assert download_images(database, politeness=QUICK, limits=LIMITS).images_inserted == 1
    assert asked.count("i.example") == 1
    assert shop.headers[-1]["Host"].startswith("i.example:")


def test_a_host_that_sends_a_byte_now_and_then_does_not_hold_a_run(database, listed, monkeypatch):
    monkeypatch.setattr(downloading, "ATTEMPTS", 1)

    def drip(handler):
        try:
            for _ in range(1000):
                handler.wfile.write(b"H")
                time.sleep(0.1)
        except OSError:
            return

    listed(A1=drip)
    began = time.monotonic()
    result = download_images(database, politeness=QUICK, limits=Limits(step=1, whole=0.5, private=True))
    assert result.images_left == 1
    assert time.monotonic() - began < 60


def test_a_host_that_does_not_answer_is_left_for_the_next_run(database, listed):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        listed(A1=(200, IMAGE, jpeg()))
        with database.write() as connection:
            connection.execute("UPDATE image_downloads SET url = %s", [f"http://127.0.0.1:{port}/"])
        assert download_images(database, politeness=QUICK, limits=LIMITS).images_left == 1


def test_a_run_that_was_broken_off_goes_on_where_it_was(database, shop, listed, monkeypatch):
    monkeypatch.setattr(downloading, "THREADS", 1)
    listed(**{f"A{number}": (200, IMAGE, jpeg()) for number in range(6)})

    def give_up(progress):
        if progress.read == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download_images(database, politeness=QUICK, limits=LIMITS, progress=give_up)
    stored = one(database, "SELECT count(*) FROM product_images")
    assert stored == 2
    assert download_images(database, politeness=QUICK, limits=LIMITS).images_inserted == 4
    # What was under way when the run ended was asked for in vain.
    assert sum(shop.asked.values()) <= 7


def test_a_photograph_of_the_shop_s_own_is_left_alone_and_one_that_was_fetched_is_replaced(
    database, shop, listed, tmp_path
):
    listed(A1=(200, IMAGE, jpeg()), A2=(200, IMAGE, jpeg()))
    put_image(database, "A1", jpeg("green"))
    assert download_images(database, politeness=QUICK, limits=LIMITS).images_inserted == 1
    assert shop.asked["/A1"] == 0
    shop.answers |= {"/new": (200, IMAGE, jpeg("blue"))}
    rows = [{"parent_asin": sku, "title": "T", "images": [{"hi_res": f"{shop.address}/new"}]} for sku in ("A1", "A2")]
    import_amazon(database, meta=write_jsonl(tmp_path / "n.jsonl", rows))
    assert download_images(database, politeness=QUICK, limits=LIMITS).images_updated == 1
    put_image(database, "A2", jpeg("black"))
    rows[1]["images"] = [{"hi_res": f"{shop.address}/newer"}]
    import_amazon(database, meta=write_jsonl(tmp_path / "n.jsonl", rows))
    result = download_images(database, politeness=QUICK, limits=LIMITS)
    assert (result.images_inserted, result.images_updated, result.images_bad) == (0, 0, 0)
    contents = ask(database, "SELECT content FROM product_images ORDER BY product_id")
    assert contents == [(jpeg("green"),), (jpeg("black"),)]


def test_a_photograph_that_somebody_stores_meanwhile_stays(database, listed):
    def late(handler):
        put_image(database, "A1", jpeg("green"))
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(jpeg())

    listed(A1=late)
    result = download_images(database, politeness=QUICK, limits=LIMITS)
    assert (result.images_inserted, result.images_updated, result.images_unchanged) == (0, 0, 1)
    assert ask(database, "SELECT content FROM product_images") == [(jpeg("green"),)]


def test_the_command_imports_and_fetches(database, shop, tmp_path, monkeypatch):
    from click.testing import CliRunner

    from backend.cli.main import main
    from backend.settings import settings

    monkeypatch.setenv("DATABASE_URL", database.dsn)
    monkeypatch.setenv("SHELFMATE_HOME", str(tmp_path))
    settings.cache_clear()
    shop.answers["/h.jpg"] = (200, IMAGE, jpeg())
    meta = write_jsonl(
        tmp_path / "m.jsonl",
        [{"parent_asin": "B1", "title": "Case", "images": [{"large": f"{shop.address}/h.jpg"}]}, {"title": "x"}],
    )
    reviews = write_jsonl(tmp_path / "r.jsonl", [{"parent_asin": "B1", "rating": 5, "text": "Good", "user_id": "U"}])
    arguments = ["import", "amazon", "--reviews", str(reviews), "--meta", str(meta), "--download-images"]
    try:
        run = CliRunner().invoke(main, [*arguments, "--private-addresses", "--host-delay", "0"])
        usage = CliRunner().invoke(main, ["import", "amazon"])
    finally:
        settings.cache_clear()
    assert run.exit_code == 0, run.output
    assert "2 products in" in run.output
    assert "1 reviews in" in run.output
    assert "m.jsonl:2: no product" in run.output
    assert "1 photographs: 1 inserted" in run.output
    assert usage.exit_code == 2
    assert "--reviews FILE" in usage.output
