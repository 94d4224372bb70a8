"""The rating predictor's three forms on the same folds of a file of reviews, paired against the baseline.

Folds are grouped by product, and by user where users are known. Each fold's answers are kept in the directory that
--cache names, so that a run goes on where another ended, one fold at a time if wished: --only 0, then --only 1, ...
On a machine that others use too, two processes of one thread each are faster than one of two threads: OMP_NUM_THREADS=1
torchrun --standalone --nproc-per-node 2 -m benchmarks.ratings ... gives the same within rounding.
Intervals hold 95 % of bootstrap means over products; differences are paired. ``of baseline`` is the fine-tuned (or
frozen) form's MAE as a share of the baseline's.
"""

import argparse
import dataclasses
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.intervals import Estimate
from backend.ratings.calibration import calibrate
from backend.ratings.comparing import compare, interval
from backend.ratings.corpus import Corpus, Example, clean
from backend.ratings.distributed import joined, world
from backend.ratings.files import read_file
from backend.ratings.forms import new_model
from backend.ratings.measures import NAMES
from backend.ratings.models import FORMS, Form, Step
from backend.ratings.splits import Fold, Split, grouped_folds, hold_out
from benchmarks._setup import show

# What the issue asks of the fine-tuned form on the clothing reviews.
TARGETS = {"mae": -0.20, "quadratic_kappa": 0.08, "within_one": 0.97, "skill": 0.35}
# Seconds between two lines about one training.
TOLD = 60.0

Arrays = dict[str, NDArray[Any]]


def main() -> None:
    options = _options()
    corpus = clean(read_file(options.data))
    split = grouped_folds(corpus.examples, options.folds, options.seed)
    wanted = options.only if options.only is not None else list(range(options.folds))
    with joined() as joint:
        found = {
            form: [_answers(form, number, split.folds[number], corpus.examples, options) for number in wanted]
            for form in options.forms
        }
    if not joint.writes:
        return
    figures = _figures(found, corpus, split, wanted)
    if options.json:
        settings = {key: str(value) if isinstance(value, Path) else value for key, value in vars(options).items()}
        print(
            json.dumps({"benchmark": "ratings", "settings": settings, **figures}, indent=1, default=dataclasses.asdict)
        )
    else:
        _print(figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="shelfmate bench ratings", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="reviews: .csv or .jsonl, gzipped or not")
    parser.add_argument("--folds", type=int, default=5, help="how many folds there are (5)")
    parser.add_argument("--only", type=int, nargs="+", metavar="FOLD", help="measure these folds only, from 0")
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS), help="which forms (all)")
    parser.add_argument("--seed", type=int, default=0, help="decides folds, validation parts and training (0)")
    parser.add_argument("--text-encoder", default="minilm", help="trained on by one form, asked by another (minilm)")
    parser.add_argument("--cache", type=Path, help="directory in which each fold's answers are kept")
    parser.add_argument("--models", action="store_true", help="keep each fold's models in the cache too")
    parser.add_argument("--json", action="store_true", help="print everything as JSON instead of tables")
    return parser.parse_args()


def _answers(form: Form, number: int, fold: Fold, examples: Sequence[Example], options: argparse.Namespace) -> Arrays:
    """``truth``, ``stars``, ``probabilities``, ``products``, ``seconds`` of the fold's test part, kept or made now."""
    train = [examples[place] for place in fold.train]
    test = [examples[place] for place in fold.test]
    path = None
    if options.cache is not None:
        options.cache.mkdir(parents=True, exist_ok=True)
        key = _fingerprint(train, test, form, options)
        path = options.cache / f"fold-{number}-{form}-{key}.npz"
        if path.is_file():
            return dict(np.load(path))
    model = new_model(form, seed=options.seed, text_encoder=options.text_encoder)
    learnt, validation = hold_out(train, seed=options.seed)
    began, told = time.perf_counter(), [0.0]

    def progress(step: Step) -> None:
        now = time.perf_counter() - began
        if now - told[0] >= TOLD:
            told[0] = now
            _say(f"fold {number}, {form}: epoch {step.epoch}, batch {step.done} of {step.total}, {now:.0f} s")

    mine = world().writes
    history = model.fit(
        [train[place] for place in learnt], [train[place] for place in validation], progress if mine else None
    )
    if not mine:
        return {}
    fitted = time.perf_counter() - began
    probabilities = model.probabilities(test)
    asked = time.perf_counter() - began - fitted
    _say(f"fold {number}, {form}: trained in {fitted:.0f} s, {len(test) / asked:.0f} reviews a second predicted")
    for epoch in history.epochs:
        _say(f"  {epoch}")
    answers: Arrays = {
        "truth": np.array([example.rating for example in test]),
        "stars": model.decide(probabilities),
        "probabilities": probabilities,
        "products": np.array([example.product for example in test]),
        "seconds": np.array([fitted, asked]),
    }
    if path is not None:
        if options.models:
            path.with_suffix(".safetensors").write_bytes(model.to_bytes())
        unfinished = path.with_suffix(".part.npz")
        np.savez_compressed(unfinished, allow_pickle=False, **answers)
        unfinished.replace(path)
    return answers


def _figures(found: dict[str, list[Arrays]], corpus: Corpus, split: Split, wanted: Sequence[int]) -> dict[str, Any]:
    joined: dict[str, Arrays] = {
        form: {part: np.concatenate([fold[part] for fold in folds]) for part in ("truth", "stars", "probabilities")}
        for form, folds in found.items()
    }
    products = [str(name) for fold in next(iter(found.values())) for name in fold["products"]]
    figures: dict[str, Any] = {
        "reviews": {
            "read": corpus.read,
            "used": len(corpus.examples),
            "blank": corpus.blank,
            "duplicates": corpus.duplicates,
            "title_marked": corpus.title_marked,
            "tested": len(products),
            "products_tested": len(set(products)),
        },
        "grouped_by": split.grouped_by,
        "note": split.note,
        "folds": list(wanted),
        "forms": {},
        "against_baseline": {},
    }
    for form, answers in joined.items():
        calibration = calibrate(answers["truth"], answers["probabilities"])
        figures["forms"][form] = {
            **interval(answers["truth"], answers["stars"], products),
            "ece": calibration.ece,
            "seconds": [float(fold["seconds"][0]) for fold in found[form]],
            "each_fold": [interval(f["truth"], f["stars"], [str(p) for p in f["products"]]) for f in found[form]],
        }
    if "baseline" in joined:
        base = joined["baseline"]
        for form, answers in joined.items():
            if form != "baseline":
                figures["against_baseline"][form] = compare(base["truth"], answers["stars"], base["stars"], products)
    return figures


def _print(figures: dict[str, Any]) -> None:
    counts = figures["reviews"]
    left_out = f"{counts['blank']:,} blank, {counts['duplicates']:,} copies"
    print(
        f"{counts['used']:,} of {counts['read']:,} reviews ({left_out}), {counts['title_marked']:,} titles stripped of "
        f"a rating, grouped by {figures['grouped_by']}; folds {figures['folds']}: {counts['tested']:,} reviews of "
        f"{counts['products_tested']:,} products tested"
    )
    if figures["note"]:
        print(figures["note"])
    rows = [
        [form, *(_estimate(measured[name]) for name in NAMES), f"{measured['ece']:.3f}", _seconds(measured["seconds"])]
        for form, measured in figures["forms"].items()
    ]
    show("Forms on the same folds", ["form", *NAMES, "ece", "training, s"], rows)
    rows = [
        [form, *(_estimate(differences[name], sign="+") for name in NAMES if name != "majority")]
        for form, differences in figures["against_baseline"].items()
    ]
    if rows:
        show("Paired difference to the baseline", ["form", *(name for name in NAMES if name != "majority")], rows)
    ours, base = figures["forms"].get("fine-tuned"), figures["forms"].get("baseline")
    if ours and base:
        kept = [
            ["MAE, relative to the baseline", ours["mae"].mean / base["mae"].mean - 1, TARGETS["mae"]],
            [
                "kappa, more than the baseline",
                ours["quadratic_kappa"].mean - base["quadratic_kappa"].mean,
                TARGETS["quadratic_kappa"],
            ],
            ["within one star", ours["within_one"].mean, TARGETS["within_one"]],
            ["skill", ours["skill"].mean, TARGETS["skill"]],
        ]
        rows = [
            [name, f"{value:+.3f}", f"{aim:+.3f}", "yes" if (value <= aim if aim < 0 else value >= aim) else "no"]
            for name, value, aim in kept
        ]
        show("Asked of the fine-tuned form on the clothing reviews", ["what", "found", "asked", "reached"], rows)


def _estimate(value: Estimate, sign: str = "") -> str:
    return f"{value.mean:{sign}.3f} ({value.low:{sign}.3f} to {value.high:{sign}.3f})"


def _seconds(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.0f}" for value in values)


def _fingerprint(train: Sequence[Example], test: Sequence[Example], form: Form, options: argparse.Namespace) -> str:
    digest = hashlib.sha256(json.dumps([form, options.seed, options.text_encoder]).encode())
    for part in (train, test):
        for example in part:
            digest.update(json.dumps([example.product, example.title, example.text, example.rating]).encode())
        digest.update(b"|")
    return digest.hexdigest()[:12]


def _say(said: str) -> None:
    print(said, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
