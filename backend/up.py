"""Everything at once: database, worker and server under one parent."""

import os
import time
import urllib.error
import urllib.request
from threading import Thread

from backend.catalog.importers import load_sample
from backend.catalog.products import count_products
from backend.catalog.sample import generate
from backend.database.connection import Database, open_database
from backend.database.migrate import upgrade
from backend.processes import Child, Processes, stop_on_signals
from backend.server import address_of, require_free_port
from backend.settings import Settings
from backend.spaces.space import ensure_default_space

SAMPLE_PRODUCTS = 1_200


def run(settings: Settings, *, sample: bool) -> None:
    """Run until SIGTERM or Ctrl-C; with ``sample`` an empty catalogue is filled with sample products first.

    Raises:
        ConfigurationError: a setting or this machine keeps one of the parts from working.
    """
    require_free_port(settings)
    with open_database(settings) as database:
        upgrade(database)
        ensure_default_space(database, settings)
        processes = Processes([Child(("worker",)), Child(("serve",))], os.environ)
        stop_on_signals(processes.stopping)
        processes.start()
        # Beside the children, so that the worker embeds the first products while the next are drawn.
        filling = Thread(target=_fill, args=(database, settings, sample, processes), name="fill", daemon=True)
        filling.start()
        try:
            processes.watch()
        finally:
            processes.stop()


def _fill(database: Database, settings: Settings, sample: bool, processes: Processes) -> None:
    began = time.monotonic()
    if sample and count_products(database) == 0:
        print(f"drawing {SAMPLE_PRODUCTS:,} sample products", flush=True)
        load_sample(database, generate(products=SAMPLE_PRODUCTS))
    address = address_of(settings)
    while not processes.stopping.wait(0.2):
        if _ready(address):
            print(f"ready after {time.monotonic() - began:.0f} s: open {address}/", flush=True)
            return


def _ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=2) as answer:  # noqa: S310  # Our own server.
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False
