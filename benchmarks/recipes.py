"""Each recipe of the three prototypes on real products: built, filled, indexed by HNSW, and asked.

The networks are the real ones with random weights that are made here and saved to files (``_made_weights``), so that
nothing is downloaded: dimensions, sizes, rates and recall are those of the recipe, quality is not (``quality`` has it).
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from psycopg import Connection

from backend.database.connection import Row
from backend.errors import InvalidInput
from backend.evaluation.answers import Answers, measured_space
from backend.evaluation.compare import recall
from backend.evaluation.size import read_size
from backend.spaces.recipe import Recipe, choose_recipe
from benchmarks._filled_spaces import Shop, shop
from benchmarks._held_out import Catalogue
from benchmarks._judged import sampled
from benchmarks._made_weights import make_distilbert, make_network, make_sentence_transformer
from benchmarks._setup import DATA, parser_for, show

K = 10
NETWORKS = {
    "sbert-resnet50": "resnet50",
    "densenet-tfidf": "densenet121",
    "vgg-tfidf": "vgg16",
    "distilbert-resnet50": "resnet50",
}


@dataclass(frozen=True)
class Figures:
    """One recipe: its block dimensions, seconds of the fit, products a second of the fill with its indexes, bytes of
    the index of the fused vector, the share of queries that it answered, mean recall@10 and median ms."""

    text: int
    image: int
    fit_seconds: float
    fill_rate: float
    index_bytes: int
    row_and_index: float
    ann: float
    recall: float
    p50_ms: float


def main() -> None:
    options = _options()
    began = time.perf_counter()

    def report(said: str) -> None:
        print(f"{time.perf_counter() - began:7.1f} s  {said}", file=sys.stderr, flush=True)

    catalogue = Catalogue.read(options.data).smaller(options.rows, options.seed)
    figures: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory(prefix="shelfmate-weights-") as weights, shop(catalogue, report) as shelves:
        recipes = make_recipes(options.recipes, Path(weights), [item.title for item in catalogue.items], options.layers)
        asked = sampled(frozenset(shelves.ids), options.queries, options.seed)
        for name, recipe in recipes.items():
            report(f"{name}: {recipe.text} and {recipe.image}")
            shelves.make(name, recipe)
            embedded = shelves.fill(name)
            with shelves.database.read() as connection:
                figures[name] = _ask(connection, shelves, name, embedded, asked)
    if options.json:
        print(
            json.dumps(
                {"benchmark": "recipes", "figures": {name: asdict(one) for name, one in figures.items()}}, indent=1
            )
        )
    else:
        _print(len(catalogue.items), len(asked), figures)


def make_recipes(names: Sequence[str], directory: Path, texts: Sequence[str], layers: int) -> Mapping[str, Recipe]:
    """The named recipes with encoders whose weights are made in ``directory``.

    Raises:
        InvalidInput: one of them is none of the prototypes'.
    """
    unknown = [name for name in names if name not in NETWORKS]
    if unknown:
        raise InvalidInput(f"{unknown[0]} is none of the prototypes' recipes: {', '.join(NETWORKS)}", field="recipes")
    files = {network: make_network(network, directory) for network in sorted({NETWORKS[name] for name in names})}
    texts_of: dict[str, str] = {}
    if {"sbert-resnet50", "distilbert-resnet50"}.intersection(names):
        distilbert = make_distilbert(directory, texts, layers=layers)
        texts_of["distilbert-resnet50"] = f"distilbert:{distilbert}?pooling=mean"
        texts_of["sbert-resnet50"] = f"sentence-transformer:{make_sentence_transformer(directory, distilbert)}"
    pooling = {"vgg16": "pooling=max&"}
    return {
        name: choose_recipe(
            recipe=name,
            text=texts_of.get(name),
            image=f"{network}?{pooling.get(network, '')}weights={files[network]}",
        )
        for name, network in NETWORKS.items()
        if name in names
    }


def _options() -> argparse.Namespace:
    parser = parser_for((__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=DATA, help="styles.csv, images/, products.jsonl.gz, colour_variants.csv"
    )
    parser.add_argument("--rows", type=int, default=2_000, help="products")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--recipes", nargs="+", default=list(NETWORKS), metavar="RECIPE")
    parser.add_argument("--layers", type=int, default=6, help="of the DistilBERT that is made")
    parser.add_argument("--seed", type=int, default=0, help="of the products and queries")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


def _ask(connection: Connection[Row], shelves: Shop, name: str, embedded: int, asked: Sequence[str]) -> Figures:
    answers = Answers(connection, measured_space(connection, name), K)
    for sku in asked[:5]:
        answers.ask(sku)
    seconds, recalls, ann = [], [], 0
    for sku in asked:
        began = time.perf_counter()
        found = answers.ask(sku)
        seconds.append(time.perf_counter() - began)
        exact = answers.ask_exactly(sku)
        if found and exact:
            recalls.append(recall(found, exact))
            ann += found[0].mode == "ann"
    size = read_size(connection, answers.space.id)
    return Figures(
        text=answers.space.text_dimensions,
        image=answers.space.image_dimensions,
        fit_seconds=shelves.seconds[f"fit {name}"],
        fill_rate=embedded / shelves.seconds[f"fill {name}"],
        index_bytes=size.fused_index,
        row_and_index=size.row_and_index,
        ann=ann / len(asked),
        recall=statistics.fmean(recalls),
        p50_ms=1e3 * statistics.median(seconds),
    )


def _print(products: int, queries: int, figures: Mapping[str, Figures]) -> None:
    head = [
        "recipe",
        "dimensions",
        "fit s",
        "products/s",
        "index MiB",
        "bytes a product",
        "by index",
        f"recall@{K}",
        "p50 ms",
    ]
    rows = [
        [
            name,
            f"{one.text} + {one.image} = {one.text + one.image}",
            f"{one.fit_seconds:.1f}",
            f"{one.fill_rate:.1f}",
            f"{one.index_bytes / 2**20:.1f}",
            f"{one.row_and_index:,.0f}",
            f"{one.ann:.0%}",
            f"{one.recall:.4f}",
            f"{one.p50_ms:.2f}",
        ]
        for name, one in figures.items()
    ]
    show(f"{products:,} products, {queries} queries, weights made at random", head, rows)


if __name__ == "__main__":
    main()
