"""A whole training: forms tested side by side on held-out reviews, then trained on all of them to be kept."""

import os
import platform
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version

from backend.errors import InvalidInput
from backend.ratings.ablation import PARTS, ablate
from backend.ratings.corpus import Corpus, Example, ratings_of
from backend.ratings.models import FORMS, MODALITIES, Form, Modality
from backend.ratings.report import Ablation, Data, Gap, Report
from backend.ratings.side_by_side import (
    RESAMPLES,
    Encoders,
    Say,
    Tested,
    check_learnable,
    fit,
    gap,
    results,
    split_held_out,
    try_form,
)

# Fast enough to be trained once more to show what a random split would pretend, and to be taken apart.
QUICK: tuple[Form, ...] = ("baseline", "frozen-mlp")
LIBRARIES = ("shelfmate", "torch", "scikit-learn", "transformers", "numpy")


@dataclass(frozen=True)
class Plan:
    """What to train and how to test it.

    ``forms`` are kept; the baseline is tested beside them whatever they are. Of ``folds`` parts the first ``measured``
    are tested in turn. ``parts`` are taken out one by one to see what each is worth; without any there is no ablation.
    """

    forms: tuple[Form, ...] = FORMS
    folds: int = 5
    measured: int = 1
    seed: int = 0
    encoders: Encoders = field(default_factory=Encoders)
    parts: tuple[str, ...] = PARTS
    random_split: bool = True
    resamples: int = RESAMPLES

    @property
    def tested(self) -> tuple[Form, ...]:
        """The forms that are tested, in the order of the report."""
        return tuple(form for form in FORMS if form in self.forms or form == "baseline")

    @property
    def ablated(self) -> Form | None:
        """The form that is taken apart: the one that reads photographs too and is quick to train."""
        if not self.parts:
            return None
        return "frozen-mlp" if "frozen-mlp" in self.forms else "baseline"


@dataclass(frozen=True)
class Learnt:
    """What a training leaves: its report, and each form's bytes as trained on everything."""

    report: Report
    models: dict[Form, bytes]
    fingerprint: bytes


def learn(corpus: Corpus, plan: Plan, *, name: str, source: str, say: Say | None = None) -> Learnt:
    """Test the plan's forms, then train each on all examples.

    Raises:
        InvalidInput: there is too little to learn from, or it does not go into so many folds.
        WeightsMissing: an encoder's weights are not on this machine.
    """
    began, at = time.perf_counter(), datetime.now(UTC)
    examples = corpus.examples
    check_learnable(examples)
    _check_plan(plan)
    modalities: tuple[Modality, ...] = MODALITIES if any(example.image for example in examples) else ("text",)
    make = plan.encoders.maker(plan.seed, modalities)
    split, held = split_held_out(examples, plan.folds, plan.measured, plan.seed)
    folds = split.folds[: plan.measured]
    tested: dict[Form, Tested] = {}
    for form in plan.tested:
        tested[form] = try_form(make, form, examples, folds, seed=plan.seed, say=say)
    gaps: list[Gap] = []
    if plan.random_split:
        gaps = [gap(make, form, examples, tested[form], held, say=say) for form in QUICK if form in tested]
    taken_apart: Ablation | None = None
    if plan.ablated is not None:
        form = plan.ablated
        taken_apart = ablate(
            make,
            form,
            examples,
            folds,
            tested[form],
            parts=plan.parts,
            resamples=plan.resamples,
            seed=plan.seed,
            say=say,
        )
    models = {}
    for form in plan.forms:
        model, _ = fit(make(form), examples, seed=plan.seed, say=say, where=f"{form}, on everything")
        models[form] = model.to_bytes()
    fingerprint = fingerprint_of(examples)
    report = Report(
        name=name,
        data=describe_data(corpus, source, fingerprint),
        held=held,
        forms=results(tested, resamples=plan.resamples, seed=plan.seed),
        gaps=tuple(gaps),
        ablation=taken_apart,
        versions={library: version(library) for library in LIBRARIES},
        machine={"processor": platform.machine(), "cores": str(os.cpu_count()), "python": platform.python_version()},
        began=at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        seconds=time.perf_counter() - began,
    )
    return Learnt(report, models, fingerprint)


def describe_data(corpus: Corpus, source: str, fingerprint: bytes) -> Data:
    """What a report says of a corpus."""
    examples = corpus.examples
    stars = Counter(ratings_of(examples))
    return Data(
        source=source,
        fingerprint=fingerprint.hex(),
        read=corpus.read,
        used=len(examples),
        unrated=corpus.unrated,
        blank=corpus.blank,
        duplicates=corpus.duplicates,
        title_marked=corpus.title_marked,
        products=len({example.product for example in examples}),
        users=len({example.user for example in examples if example.user is not None}),
        with_image=sum(example.image is not None for example in examples),
        stars=(stars[1], stars[2], stars[3], stars[4], stars[5]),
    )


def fingerprint_of(examples: Sequence[Example]) -> bytes:
    """SHA-256 of what can be learnt from these examples, in whatever order they come; 32 bytes."""
    digests = sorted(map(_digest, examples))
    return sha256(b"".join(digests)).digest()


def _digest(example: Example) -> bytes:
    image = b"" if example.image is None else sha256(example.image).digest()
    parts = [example.product, example.user or "", example.title, example.text, str(example.rating)]
    # Lengths before the parts, so that what ends one cannot begin the next.
    words = b"".join(len(part.encode()).to_bytes(8) + part.encode() for part in parts)
    return sha256(words + image).digest()


def _check_plan(plan: Plan) -> None:
    unknown = [part for part in plan.parts if part not in PARTS]
    if unknown:
        raise InvalidInput(f"{unknown[0]!r} is no part of a review: {', '.join(PARTS)} are", field="parts")
    if not plan.forms:
        raise InvalidInput(f"no form is to be trained: {', '.join(FORMS)} can", field="form")
