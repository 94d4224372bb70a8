"""A shop that is served for real, and a browser to visit it with."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from threading import Thread
from uuid import uuid4

import psycopg
import pytest
from chromium import Browser, Tab, running
from psycopg.conninfo import make_conninfo
from werkzeug.serving import make_server

from backend.app import create_app
from backend.catalog.events import EventData, add_events
from backend.catalog.images import put_image
from backend.catalog.products import ProductData, put_product
from backend.catalog.reviews import ReviewData, add_review
from backend.database.connection import Database, open_database
from backend.recommend.rules import RuleData, create_rule
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from backend.spaces.space import ensure_default_space
from tests.pictures import jpeg
from workers.progress import Progress
from workers.worker import Worker

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

COLOURS = {"red": 0xD03020, "blue": 0x2040C0, "green": 0x208040, "black": 0x101010, "sand": 0xD8C8A0}
KINDS = ("linen shirt", "wool coat", "running shoe", "stoneware mug", "leather bag", "reading lamp")


@pytest.fixture(scope="session")
def executable() -> str:
    """Where the browser is."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser is installed: none of {', '.join(NAMES)} is in PATH")
    return found


@pytest.fixture(scope="session")
def browser(executable: str) -> Iterator[Browser]:
    """One browser for all tests."""
    with (
        tempfile.TemporaryDirectory(prefix="shelfmate-browser-", ignore_cleanup_errors=True) as profile,
        running(executable, Path(profile)) as started,
    ):
        yield started


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """A fresh tab on a desk."""
    opened = browser.open_tab()
    opened.resize(1440, 900)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def settings(
    executable: str, server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """One database for all browser tests; it depends on the browser, so that nothing starts where none is."""
    name = f"browser_{uuid4().hex}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield Settings(
            home=tmp_path_factory.mktemp("home"),
            database_url=make_conninfo(server_dsn, dbname=name),
            text_encoder="hashing:64",
            image_encoder="hashing:64",
        )
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def database(settings: Settings) -> Iterator[Database]:
    """30 products, all embedded: photographed and not, sold out and not, with long words and long texts."""
    with open_database(settings) as opened:
        ensure_default_space(opened, settings)
        number = 0
        for kind in KINDS:
            for colour, shade in COLOURS.items():
                number += 1
                sku = f"P{number:02}"
                data = ProductData(
                    title=f"{colour} {kind}" + (" with-a-very-long-word" * 6 if number == 7 else ""),
                    description=f"A {kind} in {colour}. " * 12,
                    brand="Atelier Nord",
                    category=f"Shop/{kind.title()}",
                    price=Decimal(number * 1000) / 7,
                    currency="EUR",
                    in_stock=colour != "green",
                    variant_group=kind,
                    attributes={"colour": colour, "a_" * 30: "x" * 80},
                )
                put_product(opened, sku, data)
                if colour != "sand":
                    put_image(opened, sku, jpeg(shade + number, 400))
        add_review(opened, "P01", ReviewData(4, "A" * 60, "Fits. " * 40, "Mira", 2, True))
        person = "a-person-of-a-very-long-key" * 6
        done = [("like", "P07", None), ("view", "P01", None), ("purchase", "P12", None), ("rating", "P18", 1)]
        add_events(opened, [EventData(person, kind, sku, stars) for kind, sku, stars in done])
        add_events(opened, [EventData(f"u{n}", "purchase", sku) for n in range(5) for sku in ("P01", "P07")])
        # Off, so that no ranking of the other tests changes.
        conditions = [{"field": "category", "under": "Shop/Wool Coat"}, {"field": "attributes.colour", "eq": "x" * 200}]
        rule = RuleData("boost", {"all": conditions}, 0.1, placement="p" * 100, enabled=False, note="word" * 100)
        create_rule(opened, "with-a-very-long-name" * 4, rule)
        create_rule(opened, "pin", RuleData("pin", sku="P01", position=1, enabled=False))
        Worker(opened, settings, Progress(), drain=True).run()
        yield opened


@pytest.fixture
def drain(database: Database, settings: Settings) -> Callable[[], int]:
    """Embeds everything that waits."""
    return lambda: Worker(database, settings, Progress(), drain=True).run()


@pytest.fixture(scope="session")
def address(database: Database, settings: Settings) -> Iterator[str]:
    """Where the shop is served."""
    server = make_server("127.0.0.1", 0, create_app(database, Embedder(), settings), threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
