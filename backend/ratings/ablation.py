"""What each part of a review is worth: the form trained again without it, on the same folds, compared in pairs.

A part is kept where the whole model is less off than the one without it by more than chance: the interval of the paired
difference, drawn over whole products, lies below 0. Taking a part out of a trained model would measure how much that
model leans on it; training again measures what it adds.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from backend.ratings.comparing import compare, interval
from backend.ratings.corpus import Example
from backend.ratings.models import Form
from backend.ratings.report import DECIDING, Ablation, Without
from backend.ratings.side_by_side import RESAMPLES, Make, Say, Tested, try_form
from backend.ratings.splits import Fold

PARTS = ("image", "text", "title", "body")
# A part that so few reviews have is not worth a training.
LEAST_SHARE = 0.02

_WITHOUT: dict[str, Callable[[Example], Example]] = {
    "image": lambda example: replace(example, image=None),
    "text": lambda example: replace(example, title="", text=""),
    "title": lambda example: replace(example, title=""),
    "body": lambda example: replace(example, text=""),
}
_HAS: dict[str, Callable[[Example], bool]] = {
    "image": lambda example: example.image is not None,
    "text": lambda example: bool(example.title.strip() or example.text.strip()),
    "title": lambda example: bool(example.title.strip()),
    "body": lambda example: bool(example.text.strip()),
}


def ablate(
    make: Make,
    form: Form,
    examples: Sequence[Example],
    folds: Sequence[Fold],
    whole: Tested,
    *,
    parts: Sequence[str] = PARTS,
    resamples: int = RESAMPLES,
    seed: int = 0,
    say: Say | None = None,
) -> Ablation:
    """Train the form without each of the parts in turn and compare it with ``whole``, its answers on the same folds.

    A part that fewer than 2 % of the reviews have is not tried, nor one that nothing would be left without.
    """
    without, not_tried = [], []
    for part in parts:
        reason = _reason_not_to(part, examples)
        if reason:
            not_tried.append(f"{part}: {reason}")
            continue
        less = [_WITHOUT[part](example) for example in examples]
        shown = say and _prefixed(say, f"without {part}")
        other = try_form(make, form, less, folds, seed=seed, say=shown)
        without.append(_judge(part, whole, other, resamples, seed))
    scores = interval(whole.truth, whole.stars, whole.products, resamples=resamples, seed=seed)
    return Ablation(form, scores, tuple(without), tuple(not_tried))


def _judge(part: str, whole: Tested, other: Tested, resamples: int, seed: int) -> Without:
    gain = compare(whole.truth, whole.stars, other.stars, whole.products, resamples=resamples, seed=seed)
    measures = interval(other.truth, other.stars, other.products, resamples=resamples, seed=seed)
    return Without(part, measures, gain, "kept" if gain[DECIDING].high < 0 else "dropped")


def _reason_not_to(part: str, examples: Sequence[Example]) -> str:
    have = sum(map(_HAS[part], examples))
    if have < LEAST_SHARE * len(examples):
        what = "photograph" if part == "image" else part
        return f"{have:,} of {len(examples):,} reviews have a {what}"
    if not any(_HAS["text"](less) or _HAS["image"](less) for less in map(_WITHOUT[part], examples)):
        return "nothing is left without it"
    return ""


def _prefixed(say: Say, words: str) -> Say:
    return lambda line: say(f"{words}: {line}")
