"""What training found out: the forms side by side on the same held-out reviews, as it is kept, drawn and printed.

A report is made of plain dataclasses, so that it goes into JSON and comes back whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from backend.errors import InvalidInput
from backend.evaluation.intervals import Estimate
from backend.ratings.calibration import Calibration
from backend.ratings.measures import NAMES, Measures
from backend.ratings.models import Form, History

FORMAT = 1
# By it a modality is kept or dropped, and the default model is chosen: stars off on average.
DECIDING = "mae"

Estimates = dict[str, Estimate]
Verdict = Literal["kept", "dropped"]


@dataclass(frozen=True)
class Data:
    """What was learnt from: counts of reviews unless said otherwise; ``fingerprint`` is SHA-256 in hex.

    ``stars`` counts 1, 2, 3, 4 and 5. Of those ``read``, ``unrated``, ``blank`` and ``duplicates`` were left out; of
    those ``used``, ``title_marked`` had a title that said the rating, which was stripped.
    """

    source: str
    fingerprint: str
    read: int
    used: int
    unrated: int
    blank: int
    duplicates: int
    title_marked: int
    products: int
    users: int
    with_image: int
    stars: tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Held:
    """How test reviews were kept apart: ``measured`` of ``folds`` parts were tested in turn, ``tested`` reviews in
    all."""

    folds: int
    measured: int
    tested: int
    grouped_by: str
    seed: int
    note: str = ""


@dataclass(frozen=True)
class FormResult:
    """One form on the test reviews. ``against_baseline`` holds paired differences, this form less the baseline.

    Times are in seconds, over all measured folds; ``histories`` has one entry a fold.
    """

    form: Form
    measures: Measures
    intervals: Estimates
    calibration: Calibration
    against_baseline: Estimates | None
    histories: tuple[History, ...]
    fit_seconds: float
    predict_seconds: float


@dataclass(frozen=True)
class Gap:
    """What a split by single reviews pretends: each measure on such folds, and on the grouped ones."""

    form: Form
    random: dict[str, float]
    grouped: dict[str, float]


@dataclass(frozen=True)
class Without:
    """The model trained again without one part of its input.

    ``gain`` holds paired differences, the whole model less this one; the part is kept where it lowers the deciding
    measure by more than chance, that is, where the interval lies below 0.
    """

    part: str
    measures: Estimates
    gain: Estimates
    verdict: Verdict


@dataclass(frozen=True)
class Ablation:
    """What each part of the input is worth to one form; ``not_tried`` says why a part is missing."""

    form: Form
    whole: Estimates
    without: tuple[Without, ...]
    not_tried: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """Everything a training leaves to be read. Times are RFC 3339 in UTC and seconds."""

    name: str
    data: Data
    held: Held
    forms: tuple[FormResult, ...]
    gaps: tuple[Gap, ...]
    ablation: Ablation | None
    versions: dict[str, str]
    machine: dict[str, str]
    began: str
    seconds: float
    format: int = FORMAT
    notes: tuple[str, ...] = field(default=())

    def of(self, form: Form) -> FormResult:
        """The result of one form.

        Raises:
            InvalidInput: it was not measured.
        """
        for result in self.forms:
            if result.form == form:
                return result
        raise InvalidInput(f"the report {self.name} has no {form}", field="form")

    @property
    def best(self) -> FormResult:
        """The form that is least off."""
        return min(self.forms, key=lambda result: result.measures.mae)

    def to_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        found: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return found


def read_report(content: Any) -> Report:
    """A report from its JSON.

    Raises:
        InvalidInput: it is of another format, or none.
    """
    written = content.get("format") if isinstance(content, dict) else None
    if written != FORMAT:
        raise InvalidInput(
            f"the report is of format {written}, and this version reads {FORMAT}: train again", field="report"
        )
    try:
        return _adapter().validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise InvalidInput(f"the report cannot be read at {place}: {first['msg']}", field="report") from error


def plain(measures: Measures, names: Sequence[str] = NAMES) -> dict[str, float]:
    """The named measures as numbers."""
    return {name: float(getattr(measures, name)) for name in names}


@cache
def _adapter() -> TypeAdapter[Report]:
    return TypeAdapter(Report)
