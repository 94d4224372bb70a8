"""What the rating models are made of: ordinal logits, stacking, decisions, weights and scores."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.ratings.decision import Decision, choose_decision
from backend.ratings.frozen import Perceptron, Rows
from backend.ratings.measures import measure
from backend.ratings.ordinal import cumulative_loss, cumulative_probabilities
from backend.ratings.schedules import Plateau
from backend.ratings.stacking import fit_stack, stack
from backend.ratings.training import Settings, balanced_weights, probabilities, ranked_probability_score, train
from tests.unit.rating_models import examples

TRAIN, VALIDATION, ASKED = examples(300, images=True), examples(60, seed=1, images=True), examples(40, seed=2)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-8, 8, width=32), min_size=4, max_size=4))
def test_cumulative_logits_are_a_distribution_whatever_they_are(logits: list[float]) -> None:
    found = cumulative_probabilities(torch.tensor([logits]))
    assert found.sum() == pytest.approx(1, abs=1e-5)
    assert (found >= 0).all()


def test_the_cumulative_loss_is_least_at_the_given_rating() -> None:
    sure = torch.tensor([[9.0, 9.0, -9.0, -9.0]])
    losses = [float(cumulative_loss(sure, torch.tensor([target]))) for target in range(5)]
    assert losses[2] < 0.01
    assert losses == pytest.approx([18, 9, 0, 9, 18], abs=0.01)
    assert cumulative_probabilities(sure).argmax() == 2


def test_stacking_trusts_the_better_model() -> None:
    random = np.random.default_rng(0)
    targets = random.integers(0, 5, 2_000)
    good = np.full((2_000, 5), 0.05)
    good[np.arange(2_000), np.where(random.random(2_000) < 0.8, targets, random.integers(0, 5, 2_000))] = 0.8
    useless = random.dirichlet(np.ones(5), 2_000)
    weights, offsets = fit_stack([useless, good], targets)
    assert weights[1] > 0.8 > 0.1 > weights[0]
    assert np.abs(offsets).max() < 0.2
    stacked = stack([useless, good], weights, offsets)
    np.testing.assert_allclose(stacked.sum(1), 1)
    assert ranked_probability_score(targets, stacked) < ranked_probability_score(targets, good)


def test_few_reviews_do_not_move_the_stack_far() -> None:
    rows = np.full((3, 5), 0.2)
    weights, offsets = fit_stack([rows, rows], np.array([4, 4, 4]))
    assert weights == pytest.approx([1, 0], abs=0.1)
    assert np.abs(offsets).max() < 0.3


def test_a_decision_weighs_misses_distance_and_rarity() -> None:
    rows = np.array([[0.4, 0.0, 0.0, 0.25, 0.35]])
    assert Decision(miss=1).stars(rows).tolist() == [1]
    assert Decision(miss=0).stars(rows).tolist() == [4]
    assert Decision().stars(rows).tolist() == [4]
    frequent = (0.4, 0.1, 0.1, 0.1, 0.3)
    assert Decision(miss=1, rarity=1, frequencies=frequent).stars(rows).tolist() == [4]


def test_the_decision_is_chosen_for_agreement_among_the_accurate() -> None:
    random = np.random.default_rng(0)
    targets = random.choice(5, 2_000, p=[0.05, 0.1, 0.15, 0.2, 0.5])
    centres = targets + random.normal(0, 0.8, 2_000)
    rows = np.exp(-((np.arange(5) - centres[:, None]) ** 2)) * [0.05, 0.1, 0.15, 0.2, 0.5]
    rows /= rows.sum(1, keepdims=True)
    chosen = choose_decision(rows, targets, targets)
    best, found = Decision().stars(rows), chosen.stars(rows)
    assert chosen.rarity > 0
    assert np.mean(found == targets + 1) > np.mean(best == targets + 1) - 0.01
    assert measure(targets + 1, found).quadratic_kappa > measure(targets + 1, best).quadratic_kappa
    assert choose_decision(rows[:50], targets[:50], targets) == Decision()


def test_balanced_weights_are_scikit_learns() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    targets = np.array([0, 0, 0, 2, 4, 4])
    expected = compute_class_weight("balanced", classes=np.array([0, 2, 4]), y=targets)
    found = balanced_weights(targets)
    assert [found[0], found[2], found[4]] == pytest.approx(expected.tolist())
    assert found[1] == found[3] == 0
    assert balanced_weights(targets, 0.5) == pytest.approx(np.sqrt(found).tolist())


def test_what_is_kept_is_the_average_of_weights_and_of_batch_norms_statistics() -> None:
    random = np.random.default_rng(0)
    data = Rows(random.normal(size=(64, 4)).astype(np.float32), random.integers(0, 5, 64))
    kept = []
    for average in (0.0, 0.99):
        torch.manual_seed(0)
        network = Perceptron(4, (8,))
        optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
        train(
            network,
            data,
            data,
            optimizer,
            Plateau(optimizer),
            Settings(epochs=1, batch=8, patience=1, seed=0, average=average),
        )
        kept.append(network.state_dict())
    for name in ("layers.0.weight", "layers.1.running_mean"):
        assert not torch.equal(kept[0][name], kept[1][name])


def test_the_ranked_probability_score_counts_how_far_off() -> None:
    near, far = np.eye(5)[[1]], np.eye(5)[[4]]
    assert ranked_probability_score(np.array([0]), np.eye(5)[[0]]) == 0
    assert ranked_probability_score(np.array([0]), near) == 1
    assert ranked_probability_score(np.array([0]), far) == 4


def test_a_learner_by_class_weights_answers_without_them() -> None:
    random = np.random.default_rng(0)
    # Nothing can be told from the rows: what is left to learn is how frequent each rating is.
    targets = random.choice(5, 4_000, p=[0.05, 0.1, 0.15, 0.2, 0.5])
    rows = np.zeros((4_000, 4), dtype=np.float32)
    weights = balanced_weights(targets)
    network = Perceptron(4, (8,), class_weights=weights)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    data = Rows(rows, targets)
    settings_ = Settings(epochs=20, batch=500, patience=20, seed=0, class_weights=weights)
    train(network, data, data, optimizer, Plateau(optimizer), settings_)
    with torch.no_grad():
        weighted = network(torch.zeros(1, 4)).softmax(1).numpy()[0]
    assert weighted == pytest.approx([0.2] * 5, abs=0.05)
    found = probabilities(network, data, half=False)[0]
    assert found == pytest.approx(np.bincount(targets) / 4_000, abs=0.05)
