"""The forms trained and tested on the same folds: what the report says of each of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.errors import InvalidInput
from backend.ratings.calibration import calibrate
from backend.ratings.comparing import compare, interval
from backend.ratings.corpus import Example, ratings_of
from backend.ratings.measures import measure
from backend.ratings.models import MODALITIES, Form, History, Modality, RatingModel, Step
from backend.ratings.report import FormResult, Gap, Held, plain
from backend.ratings.splits import Fold, Split, grouped_folds, hold_out, random_folds

Say = Callable[[str], None]
Make = Callable[[Form], RatingModel]

LEAST_REVIEWS = 50
# Of what trains; it chooses the epoch and the thresholds.
VALIDATION_SHARE = 0.1
RESAMPLES = 1_000
# What the gap between a random and a grouped split is told of.
GAP_MEASURES = ("accuracy", "skill", "mae", "quadratic_kappa", "within_one")


@dataclass(frozen=True)
class Encoders:
    """What frozen features are made by; see ``backend.encoders``."""

    text: str = "minilm"
    image: str = "efficientnet-lite0"

    def maker(self, seed: int, modalities: Sequence[Modality] = MODALITIES) -> Make:
        """Makes untrained models of a form with these encoders; what those said of a text is kept for the next one."""
        # They bring the model libraries, which the server does without until a model is asked.
        from backend.ratings.features import Features
        from backend.ratings.forms import new_model

        features = Features(self.text, self.image)

        def make(form: Form) -> RatingModel:
            return new_model(
                form,
                seed=seed,
                modalities=modalities,
                text_encoder=self.text,
                image_encoder=self.image,
                features=features,
            )

        return make


@dataclass(frozen=True)
class Tested:
    """A form's answers to test reviews: ``truth`` (n,) and ``stars`` (n,) from 1 to 5, ``probabilities`` (n, 5)."""

    truth: NDArray[np.int64]
    stars: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    products: tuple[str, ...]
    histories: tuple[History, ...]
    fit_seconds: float
    predict_seconds: float


def check_learnable(examples: Sequence[Example]) -> None:
    """Refuse what no form could learn from.

    Raises:
        InvalidInput: too few reviews, one rating only, or a review without a rating.
    """
    if len(examples) < LEAST_REVIEWS:
        raise InvalidInput(
            f"{len(examples)} reviews can be learnt from, and {LEAST_REVIEWS} are needed: import more, or name a file "
            "with --data",
            field="data",
        )
    if len(set(ratings_of(examples))) < 2:
        raise InvalidInput("all reviews have the same rating: there is nothing to tell apart", field="data")


def try_form(
    make: Make, form: Form, examples: Sequence[Example], folds: Sequence[Fold], *, seed: int = 0, say: Say | None = None
) -> Tested:
    """Train the form anew for each of the folds and let it answer the fold's test reviews."""
    truth, stars, probabilities, products, histories = [], [], [], [], []
    fitting = predicting = 0.0
    for number, fold in enumerate(folds, 1):
        where = f"{form}, fold {number} of {len(folds)}"
        test = [examples[place] for place in fold.test]
        began = time.perf_counter()
        model, history = fit(make(form), [examples[place] for place in fold.train], seed=seed, say=say, where=where)
        fitted = time.perf_counter()
        if say is not None:
            say(f"{where}: predicting {len(test):,} reviews")
        rows = model.probabilities(test)
        predicting += time.perf_counter() - fitted
        fitting += fitted - began
        truth += ratings_of(test)
        stars.append(model.decide(rows))
        probabilities.append(rows)
        products += [example.product for example in test]
        histories.append(history)
    return Tested(
        np.array(truth, dtype=np.int64),
        np.concatenate(stars),
        np.concatenate(probabilities),
        tuple(products),
        tuple(histories),
        fitting,
        predicting,
    )


def fit(
    model: RatingModel, examples: Sequence[Example], *, seed: int = 0, say: Say | None = None, where: str = ""
) -> tuple[RatingModel, History]:
    """Train a model on these examples, a part of them held out to choose by; returns it and its history."""
    train, validation = hold_out(examples, VALIDATION_SHARE, seed)
    began = time.perf_counter()

    def progress(step: Step) -> None:
        if say is not None:
            say(
                f"{where}: epoch {step.epoch}, batch {step.done:,} of {step.total:,}, loss {step.loss:.3f}, "
                f"{time.perf_counter() - began:.0f} s"
            )

    if say is not None:
        say(f"{where}: {len(train):,} reviews to learn from")
    history = model.fit(
        [examples[place] for place in train], [examples[place] for place in validation], progress=progress
    )
    return model, history


def split_held_out(examples: Sequence[Example], folds: int, measured: int, seed: int) -> tuple[Split, Held]:
    """Grouped folds, of which the first ``measured`` are tested.

    Raises:
        InvalidInput: more are to be measured than there are, or the reviews do not go into so many.
    """
    if not 1 <= measured <= folds:
        raise InvalidInput(f"{measured} of {folds} folds cannot be measured: 1 to {folds} can", field="measured")
    split = grouped_folds(examples, folds, seed)
    tested = sum(len(fold.test) for fold in split.folds[:measured])
    return split, Held(folds, measured, tested, split.grouped_by, seed, split.note)


def results(tested: dict[Form, Tested], *, resamples: int = RESAMPLES, seed: int = 0) -> tuple[FormResult, ...]:
    """Measures, intervals over whole products and paired differences against the baseline, form by form."""
    baseline = tested.get("baseline")
    return tuple(
        FormResult(
            form=form,
            measures=measure(one.truth, one.stars),
            intervals=interval(one.truth, one.stars, one.products, resamples=resamples, seed=seed),
            calibration=calibrate(one.truth, one.probabilities),
            against_baseline=None
            if baseline is None or form == "baseline"
            else compare(one.truth, one.stars, baseline.stars, one.products, resamples=resamples, seed=seed),
            histories=one.histories,
            fit_seconds=one.fit_seconds,
            predict_seconds=one.predict_seconds,
        )
        for form, one in tested.items()
    )


def gap(
    make: Make, form: Form, examples: Sequence[Example], grouped: Tested, held: Held, *, say: Say | None = None
) -> Gap:
    """The same form on as many folds of single reviews, beside what it does on grouped ones."""
    pretended = random_folds(examples, held.folds, held.seed).folds[: held.measured]
    shown = say and (lambda line: say(f"random split: {line}"))
    other = try_form(make, form, examples, pretended, seed=held.seed, say=shown)
    return Gap(
        form,
        random=plain(measure(other.truth, other.stars), GAP_MEASURES),
        grouped=plain(measure(grouped.truth, grouped.stars), GAP_MEASURES),
    )
