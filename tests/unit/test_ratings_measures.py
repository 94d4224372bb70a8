"""Measures, their intervals and calibration, against scikit-learn and by hand."""

import json

import numpy as np
import pytest
from sklearn import metrics

from backend.errors import InvalidInput
from backend.evaluation.intervals import estimate
from backend.ratings.calibration import calibrate
from backend.ratings.comparing import compare, interval
from backend.ratings.measures import measure, of_confusion
from backend.ratings.models import expected_stars, most_probable


def ratings(seed: int, count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.choice(5, count, p=[0.05, 0.1, 0.1, 0.25, 0.5]) + 1
    return truth, np.clip(truth + random.choice([-2, -1, 0, 0, 0, 1], count), 1, 5)


@pytest.mark.parametrize("seed", range(4))
def test_measures_are_scikit_learns(seed: int) -> None:
    truth, predicted = ratings(seed)
    found = measure(truth, predicted)
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, predicted))
    assert found.mae == pytest.approx(metrics.mean_absolute_error(truth, predicted))
    assert found.macro_f1 == pytest.approx(metrics.f1_score(truth, predicted, average="macro"))
    assert found.quadratic_kappa == pytest.approx(metrics.cohen_kappa_score(truth, predicted, weights="quadratic"))
    assert np.array(found.confusion).tolist() == metrics.confusion_matrix(truth, predicted, labels=range(1, 6)).tolist()
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        truth, predicted, labels=range(1, 6), zero_division=0
    )
    assert [row.precision for row in found.per_class] == pytest.approx(precision.tolist())
    assert [row.recall for row in found.per_class] == pytest.approx(recall.tolist())
    assert [row.f1 for row in found.per_class] == pytest.approx(f1.tolist())
    assert [row.support for row in found.per_class] == support.tolist()


def test_skill_is_what_is_covered_of_the_way_from_the_most_frequent_rating_to_all_right() -> None:
    found = measure([5, 5, 5, 1, 3], [5, 5, 5, 1, 5])
    assert found.majority == pytest.approx(0.6)
    assert found.skill == pytest.approx((0.8 - 0.6) / 0.4)
    assert measure([5, 5, 5, 1], [5, 5, 5, 5]).skill == 0
    assert found.within_one == pytest.approx(0.8)


def test_ratings_that_do_not_occur_do_not_lower_macro_f1() -> None:
    assert measure([4, 5, 5], [4, 5, 5]).macro_f1 == 1


def test_all_of_one_rating_has_no_skill_and_no_agreement_beyond_chance() -> None:
    found = measure([5, 5], [5, 5])
    assert (found.accuracy, found.skill, found.quadratic_kappa, found.mae) == (1, 0, 0, 0)


def test_measures_go_into_json_and_back() -> None:
    found = measure(*ratings(0)).to_json()
    assert json.loads(json.dumps(found))["confusion"][4][4] > 0


@pytest.mark.parametrize(
    ("truth", "predicted"), [([], []), ([1, 2], [1]), ([0], [1]), ([1], [6]), ([1.5], [1]), ([[1]], [[1]])]
)
def test_what_is_no_rating_is_refused(truth: list[float], predicted: list[float]) -> None:
    with pytest.raises(InvalidInput):
        measure(truth, predicted)


def test_a_stack_of_matrices_is_measured_as_each_alone() -> None:
    one, other = (np.array(measure(*ratings(seed)).confusion) for seed in range(2))
    both = of_confusion(np.stack([one, other]))
    for name, values in both.items():
        assert values.tolist() == pytest.approx([float(of_confusion(one)[name]), float(of_confusion(other)[name])])


def test_intervals_of_means_are_those_of_the_evaluation() -> None:
    truth, predicted = ratings(1)
    units = [f"p{number % 17}" for number in range(len(truth))]
    found = interval(truth, predicted, units, seed=3)
    expected = estimate(truth == predicted, units, seed=3)
    assert expected is not None
    assert found["accuracy"].low == pytest.approx(expected.low)
    assert found["accuracy"].high == pytest.approx(expected.high)
    assert found["quadratic_kappa"].low < measure(truth, predicted).quadratic_kappa < found["quadratic_kappa"].high


def test_differences_are_paired() -> None:
    truth, ours = ratings(1)
    units = [f"p{number % 17}" for number in range(len(truth))]
    same = compare(truth, ours, ours, units)
    assert all((value.mean, value.low, value.high) == (0, 0, 0) for value in same.values())
    worse = np.where(np.arange(len(truth)) % 5 == 0, 1, ours)
    found = compare(truth, ours, worse, units)
    assert found["accuracy"].mean == pytest.approx(measure(truth, ours).accuracy - measure(truth, worse).accuracy)
    assert found["accuracy"].low > 0 > found["mae"].high
    expected = estimate((truth == ours).astype(float) - (truth == worse), units)
    assert expected is not None
    assert found["accuracy"].low == pytest.approx(expected.low)


def test_each_review_needs_a_unit() -> None:
    with pytest.raises(InvalidInput):
        interval([1, 2], [1, 2], ["a"])


def test_a_calibrated_forecast_has_no_calibration_error() -> None:
    rows = np.tile([0.25, 0, 0, 0, 0.75], (4, 1))
    found = calibrate([5, 5, 5, 1], rows)
    assert found.ece == pytest.approx(0)
    assert found.brier == pytest.approx((3 * 2 * 0.25**2 + 2 * 0.75**2) / 4)
    assert [(one.n, one.confidence, one.accuracy) for one in found.bins] == [(4, 0.75, 0.75)]


def test_certain_and_half_wrong_is_half_off() -> None:
    rows = np.tile([0, 0, 0, 0, 1.0], (4, 1))
    found = calibrate([5, 5, 1, 1], rows)
    assert found.ece == pytest.approx(0.5)
    assert found.log_loss == pytest.approx(-np.log(1e-12) / 2)
    with pytest.raises(InvalidInput):
        calibrate([5], rows)


def test_the_decision_and_the_expectation_of_a_distribution() -> None:
    rows = np.array([[0.5, 0, 0, 0, 0.5], [0, 0.1, 0.2, 0.3, 0.4]])
    assert most_probable(rows).tolist() == [1, 5]
    assert expected_stars(rows).tolist() == pytest.approx([3, 4])
