"""The forms of the rating predictor by name, and models read back from their bytes."""

from collections.abc import Iterable

from backend.encoders.engines import Runtime
from backend.errors import InvalidInput
from backend.ratings.models import FORMS, MODALITIES, Form, Modality, RatingModel
from backend.ratings.state import from_bytes


def new_model(
    form: Form,
    *,
    seed: int = 0,
    modalities: Iterable[Modality] = MODALITIES,
    text_encoder: str = "minilm",
    image_encoder: str = "efficientnet-lite0",
    runtime: Runtime | None = None,
    features: object | None = None,
) -> RatingModel:
    """An untrained model of a form. Model libraries are imported here, not before.

    Args:
        form: one of ``models.FORMS``.
        seed: decides everything that is drawn by lot.
        modalities: what it reads; the baseline reads text only.
        text_encoder: ``frozen-mlp`` asks it as it is (any of the registry that needs no fitting), ``fine-tuned`` trains
            it (minilm, or a BERT or DistilBERT in a directory).
        image_encoder: asked as it is by both.
        runtime: by which engine the frozen encoders run; None: the reference, torch.
        features: a ``features.Features`` of the same encoders, so that models share what those said; modalities and
            encoders given beside it are taken from ``modalities`` and from it.

    Raises:
        InvalidInput: there is no such form or modality, or it cannot do without one that is left out.
    """
    wanted = frozenset(modalities)
    if not wanted or not wanted <= set(MODALITIES):
        raise InvalidInput(f"modalities are one or both of {' and '.join(MODALITIES)}", field="modalities")
    if form not in FORMS:
        raise InvalidInput(f"there is no form {form!r}: {', '.join(FORMS)}", field="form")
    if form == "baseline":
        from backend.ratings.baseline import Baseline

        return Baseline(seed=seed, modalities=wanted)
    from backend.ratings.features import Features

    shared = features.only(wanted) if isinstance(features, Features) else None
    asked = shared or Features(text_encoder, image_encoder, wanted, runtime)
    if form == "frozen-mlp":
        from backend.ratings.frozen import FrozenMlp

        return FrozenMlp(asked, seed=seed)
    from backend.ratings.fine_tuned import FineTuned

    return FineTuned(asked, seed=seed)


def read_model(content: bytes) -> RatingModel:
    """The model whose ``to_bytes`` gave ``content``.

    Raises:
        InvalidInput: these are no bytes of a model, or damaged ones.
        Conflict: a frozen encoder that it asks has another version than when it was trained.
        WeightsMissing: a frozen encoder that it asks is not on this machine.
    """
    described, tensors = from_bytes(content)
    form = described.get("form")
    try:
        if form == "baseline":
            from backend.ratings.baseline import Baseline

            return Baseline.from_tensors(tensors, balanced=described["balanced"])
        if form == "frozen-mlp":
            from backend.ratings.frozen import FrozenMlp

            return FrozenMlp.from_state(described, tensors)
        if form == "fine-tuned":
            from backend.ratings.fine_tuned import FineTuned

            return FineTuned.from_state(described, tensors)
    except KeyError as error:
        raise InvalidInput(f"the model's bytes lack {error}: train it again", field="model") from error
    raise InvalidInput(f"the bytes are of a form {form!r} that this version does not know", field="model")
