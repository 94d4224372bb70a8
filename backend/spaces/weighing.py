"""How much each modality of a space counts: from what people write, or from what a recipe had before it was changed."""

from collections.abc import Mapping, Sequence

from backend.errors import InvalidInput
from backend.spaces.models import Modality

# Of reviews beside something else, where nothing is said of weights.
REVIEWS = 0.2
EXAMPLES = {"text": ".6", "image": ".4", "reviews": ".2"}
THREE = "text=.5,image=.3,reviews=.2"
LARGEST = 1_000_000


def weigh(present: Sequence[Modality], before: Mapping[Modality, float], weights: str | None) -> dict[Modality, float]:
    """The weights of the modalities that are ``present``, which add up to 1; the others have 0.

    ``weights`` is such as ``text=.5,image=.3,reviews=.2``, of which the proportion matters. Without them those of
    ``before`` hold in proportion; reviews that had none get 0.2 of the whole, anything else an equal share.

    Raises:
        InvalidInput: they cannot be read, or are not of just these modalities.
    """
    if len(present) == 1:
        if weights is not None:
            raise InvalidInput(
                f"weights are between text, image and reviews, and the space has one of them only, {present[0]}",
                field="weights",
            )
        return dict.fromkeys(before, 0.0) | {present[0]: 1.0}
    shares = _before(present, before) if weights is None else _read(present, weights)
    total = sum(shares.values())
    if weights is None and abs(total - 1) < 1e-12:
        return dict.fromkeys(before, 0.0) | shares
    first = {name: shares[name] / total for name in present[:-1]}
    return dict.fromkeys(before, 0.0) | first | {present[-1]: 1 - sum(first.values())}


def _before(present: Sequence[Modality], before: Mapping[Modality, float]) -> dict[Modality, float]:
    added = {name: REVIEWS if name == "reviews" else 1 / len(present) for name in present if not before[name]}
    kept = {name: before[name] for name in present if before[name]}
    rest = (1 - sum(added.values())) / sum(kept.values()) if kept else 0.0
    return {name: added[name] if name in added else kept[name] * rest for name in present}


def _read(present: Sequence[Modality], weights: str) -> dict[Modality, float]:
    given: dict[str, float] = {}
    for part in weights.split(","):
        name, _, number = part.strip().partition("=")
        try:
            given[name] = float(number)
        except ValueError:
            given[name] = -1
    if set(given) != set(present) or not all(0 < value < LARGEST for value in given.values()):
        names = f"{', '.join(present[:-1])} and {present[-1]}"
        example = THREE if len(present) == 3 else ",".join(f"{name}={EXAMPLES[name]}" for name in present)
        raise InvalidInput(
            f"{weights!r} does not weigh {names}, {'both' if len(present) == 2 else 'all'} above 0: write {example}, "
            "or leave an encoder out",
            field="weights",
        )
    return {name: given[name] for name in present}
