"""Fifty pages while others insert, delete, edit, reprice and hide: no repeats, no gaps, nothing outside the filter."""

import random
from threading import Event, Thread
from typing import Any, Self

from recommendation_fixtures import Shop, own_shop, skus_of
from small_catalogue import KINDS

from tests.eventually import eventually
from workers.progress import Progress
from workers.worker import Worker

__all__ = ["own_shop"]

PAGES = 50
K = 4
QUERY = {
    "like": [{"sku": "SKU-003"}, {"text": "plain red shirt", "weight": 0.5}],
    "filter": {"all": [{"field": "price", "gte": 10}, {"not": {"field": "brand", "eq": "Nobody"}}]},
}


class Writers:
    """Threads that change the catalogue until told to stop; each keeps to skus of its own."""

    def __init__(self, shop: Shop, skus: list[str]) -> None:
        self.shop = shop
        self.stopped = Event()
        self.writes = dict.fromkeys(("insert", "delete", "reprice", "edit", "hide"), 0)
        self.failures: list[BaseException] = []
        chance = random.Random(11)
        chance.shuffle(skus)
        self.deleted, self.repriced, self.edited, self.hidden = skus[:40], skus[40:90], skus[90:150], skus[150:160]
        self.worker = Worker(shop.database, shop.settings, Progress())
        self.threads = [Thread(target=self._until_stopped, args=(name,)) for name in self.writes]
        self.threads.append(Thread(target=self.worker.run))

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stopped.set()
        self.worker.stopping.set()
        for thread in self.threads:
            thread.join()

    def _until_stopped(self, name: str) -> None:
        chance = random.Random(name)
        try:
            while not self.stopped.is_set():
                getattr(self, f"_{name}")(chance, self.writes[name])
                self.writes[name] += 1
                self.stopped.wait(0.005)
        except BaseException as error:
            self.failures.append(error)
            raise

    def _insert(self, chance: random.Random, number: int) -> None:
        self.shop.run(
            "INSERT INTO products (sku, title, category, price) VALUES (%s, 'Arbor plain red Shirt', %s, 30)",
            f"NEW-{number}",
            chance.choice(list(KINDS.values())),
        )

    def _delete(self, chance: random.Random, number: int) -> None:
        if number < len(self.deleted):
            self.shop.run("DELETE FROM products WHERE sku = %s", self.deleted[number])
        self.stopped.wait(0.05)

    def _reprice(self, chance: random.Random, number: int) -> None:
        # In and out of the filter, and last within it.
        self.shop.run(
            "UPDATE products SET price = %s WHERE sku = %s", chance.choice([1, 50]), chance.choice(self.repriced)
        )

    def _edit(self, chance: random.Random, number: int) -> None:
        self.shop.run(
            "UPDATE products SET title = %s WHERE sku = %s",
            f"Arbor plain green Skirt {number}",
            chance.choice(self.edited),
        )

    def _hide(self, chance: random.Random, number: int) -> None:
        if number < len(self.hidden):
            self.shop.run(
                "INSERT INTO ranking_rules (name, action, filter)"
                " VALUES (%s, 'hide', jsonb_build_object('field', 'sku', 'eq', %s::text))",
                f"hide-{number}",
                self.hidden[number],
            )
        self.stopped.wait(0.05)


def test_fifty_pages_while_others_write(own_shop: Shop) -> None:
    everything = own_shop.ask(QUERY | {"k": 1000})
    expected = skus_of(everything)
    assert len(expected) > PAGES * K
    answer = own_shop.ask(QUERY | {"k": K})
    pages: list[dict[str, Any]] = [answer]
    with Writers(own_shop, list(expected)) as writers:
        eventually(lambda: writers.failures or all(writers.writes.values()))
        while answer["next_cursor"] is not None:
            answer = own_shop.page(answer["recommendation_id"], answer["next_cursor"])
            pages.append(answer)
            # What a page shows satisfied the filter when it was read; a price may have changed since.
            assert all(item["price"] >= 10 and item["brand"] != "Nobody" for item in answer["items"])
            writers.stopped.wait(0.01)
    assert writers.failures == []
    found = [sku for page in pages for sku in skus_of(page)]
    assert len(pages) >= PAGES
    assert len(found) == len(set(found))
    assert set(found) <= set(expected)
    touched = {*writers.deleted, *writers.repriced, *writers.hidden}
    # What nobody deleted, hid or repriced is there, and in order what nobody edited either.
    assert set(expected) - set(found) <= touched
    kept = set(expected) - touched - set(writers.edited)
    assert [sku for sku in found if sku in kept] == [sku for sku in expected if sku in kept]
