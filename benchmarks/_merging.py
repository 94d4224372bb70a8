"""The usual way to weigh modalities: ask an index of each for its best, and merge the two lists."""

from collections.abc import Mapping
from typing import Any

from psycopg import Connection

from backend.database.connection import Row

# One more than 50, since the product itself comes too.
DEPTH = 51
# Cormack, Clarke and Buettcher 2009.
RRF = 60
LIST = (
    "SELECT a.product_id, a.{0} <=> (SELECT {0} FROM active_embeddings WHERE sku = %(sku)s) AS distance"
    " FROM active_embeddings a ORDER BY distance LIMIT %(depth)s"
)
SHOWN = "SELECT id, sku, title, brand, category, price, currency, in_stock FROM products WHERE id = ANY (%s)"


class Merger:
    """Two prepared statements for each question, each over its own index, and one for what is shown."""

    def __init__(self, connection: Connection[Row], skus: list[str]) -> None:
        self.connection, self.skus = connection, skus
        connection.execute("SELECT set_config('hnsw.ef_search', %s, false)", [str(DEPTH)])

    def by_rank(self, row: int, w_text: float, k: int) -> list[Any]:
        """Weighted reciprocal rank fusion."""
        scores: dict[int, float] = {}
        for column, weight in _weighed(w_text):
            for rank, product_id in enumerate(self._list(column, row), 1):
                scores[product_id] = scores.get(product_id, 0.0) + weight / (RRF + rank)
        return self._shown(scores, row, k)

    def by_score(self, row: int, w_text: float, k: int) -> list[Any]:
        """The weighted sum of the cosines that the lists have; what a list lacks counts nothing."""
        scores: dict[int, float] = {}
        for column, weight in _weighed(w_text):
            for product_id, distance in self._list(column, row).items():
                scores[product_id] = scores.get(product_id, 0.0) + weight * (1 - distance)
        return self._shown(scores, row, k)

    def _list(self, column: str, row: int) -> dict[int, float]:
        values = {"sku": self.skus[row], "depth": DEPTH}
        return dict(self.connection.execute(LIST.format(column).encode(), values, prepare=True).fetchall())

    def _shown(self, scores: Mapping[int, float], row: int, k: int) -> list[Any]:
        order = sorted((-score, product_id) for product_id, score in scores.items() if product_id != row + 1)[:k]
        best = [product_id for _, product_id in order]
        shown = {found[0]: found for found in self.connection.execute(SHOWN, [best], prepare=True).fetchall()}
        return [shown[product_id] for product_id in best]


def _weighed(w_text: float) -> list[tuple[str, float]]:
    """What weighs nothing is not asked for."""
    return [(column, weight) for column, weight in (("text", w_text), ("image", 1 - w_text)) if weight > 0]
