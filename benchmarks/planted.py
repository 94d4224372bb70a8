"""Whether the rating predictor's image branch finds what is in a picture, and leaves what is not: two planted sets.

Real reviews, real photographs of another shop, joined by lot (backend/ratings/planted.py says how and why). On the set
where the picture carries part of the rating the ablation has to keep the branch, on the other one to drop it.
"""

import argparse
import json
import os
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backend.evaluation.intervals import Estimate
from backend.ratings.ablation import ablate
from backend.ratings.charts import draw_ablation, to_svg
from backend.ratings.corpus import Example, clean
from backend.ratings.files import read_file
from backend.ratings.models import Form
from backend.ratings.planted import BY_LOT, CARRIED, KINDS, plant, read_photographs
from backend.ratings.report import Ablation
from backend.ratings.side_by_side import Encoders, split_held_out, try_form
from benchmarks._setup import parser_for, show

DATA = Path(__file__).parents[2] / "shared" / "data"
FORM: Form = "frozen-mlp"
# What the issue asks for.
EXPECTED = {CARRIED: "kept", BY_LOT: "dropped"}


def main() -> None:
    options = _options()
    began = time.perf_counter()

    def say(line: str) -> None:
        if options.verbose:
            print(f"{time.perf_counter() - began:7.1f} s  {line}", file=sys.stderr, flush=True)

    corpus = clean(read_file(options.data / "reviews" / "womens_clothing.csv.gz"))
    photographs = read_photographs(options.data / "fashion")
    sets = plant(corpus.examples, photographs, reviews=options.reviews, seed=options.seed)
    found = {name: _measure(examples, options, say) for name, examples in sets.items()}
    for name, one in found.items():
        _print(name, sets[name], one)
    seconds = time.perf_counter() - began
    print(f"{seconds:.0f} s")
    wrong = [name for name, one in found.items() if one.without[0].verdict != EXPECTED[name]]
    if options.out:
        _write(options, sets, found, seconds)
    if wrong:
        sys.exit(f"not as planted: {', '.join(wrong)}")


def _options() -> argparse.Namespace:
    parser = parser_for((__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="has reviews/womens_clothing.csv.gz and fashion/")
    parser.add_argument("--reviews", type=int, help="only so many reviews, of whole products")
    parser.add_argument("--folds", type=int, default=5, help="parts, by whole products")
    parser.add_argument("--measured", type=int, default=1, help="parts that are tested in turn")
    parser.add_argument("--text", default="minilm", help="text encoder")
    parser.add_argument("--image", default="efficientnet-lite0", help="image encoder")
    parser.add_argument("--seed", type=int, default=0, help="of the lots, the split and the models")
    parser.add_argument("--out", type=Path, help="write planted.json and a chart of each set into this directory")
    parser.add_argument("--verbose", action="store_true", help="say what is trained")
    return parser.parse_args()


def _measure(examples: list[Example], options: argparse.Namespace, say: Any) -> Ablation:
    make = Encoders(options.text, options.image).maker(options.seed)
    split, _ = split_held_out(examples, options.folds, options.measured, options.seed)
    folds = split.folds[: options.measured]
    whole = try_form(make, FORM, examples, folds, seed=options.seed, say=say)
    return ablate(make, FORM, examples, folds, whole, parts=("image",), seed=options.seed, say=say)


def _print(name: str, examples: list[Example], found: Ablation) -> None:
    products = len({example.product for example in examples})
    show(
        f"{name}: {len(examples):,} reviews of {products:,} products, photographs of {' and '.join(KINDS)}",
        ["reads", "MAE", "kappa", "MAE less, with the rest", "verdict"],
        [
            ["text and image", _mean(found.whole["mae"]), _mean(found.whole["quadratic_kappa"]), "", ""],
            *(
                [
                    f"without {one.part}",
                    _mean(one.measures["mae"]),
                    _mean(one.measures["quadratic_kappa"]),
                    _difference(one.gain["mae"]),
                    f"{one.part} {one.verdict}",
                ]
                for one in found.without
            ),
        ],
    )


def _write(
    options: argparse.Namespace, sets: dict[str, list[Example]], found: dict[str, Ablation], seconds: float
) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    document = {
        "benchmark": "planted",
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"cores": os.cpu_count(), "processor": platform.machine(), "python": platform.python_version()},
        "settings": {key: str(value) if isinstance(value, Path) else value for key, value in vars(options).items()},
        "seconds": seconds,
        "figures": {name: {"reviews": len(sets[name]), **asdict(one)} for name, one in found.items()},
    }
    (options.out / "planted.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    for name, one in found.items():
        path = options.out / f"planted-{name.replace(' ', '-')}.svg"
        path.write_text(to_svg(draw_ablation(one), title=f"Planted set, {name}") + "\n", encoding="utf-8")
    print(options.out / "planted.json")


def _mean(estimate: Estimate) -> str:
    return f"{estimate.mean:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _difference(estimate: Estimate) -> str:
    return f"{estimate.mean:+.3f} ({estimate.low:+.3f} to {estimate.high:+.3f})"


if __name__ == "__main__":
    main()
