"""When ef_search goes up, when down, and when it stays."""

from collections.abc import Callable

import pytest

from backend.recommend.tuning import LADDER, Measured, decide

N = 100


def by_width(recalls: dict[int, float]) -> Callable[[int], Measured]:
    """A graph with these recalls; what is not listed must not be asked for."""
    return lambda step: Measured(N, recalls[step], 0.002)


def forbidden(_step: int) -> bool:
    return False


def allowed(_step: int) -> bool:
    return True


def test_a_mean_knows_how_sure_it_is() -> None:
    assert Measured.of([]) == Measured(0, 0.0, 1.0, 0.0)
    assert Measured.of([1.0] * 50) == Measured(50, 1.0, 0.01)
    mixed = Measured.of([1.0, 0.0] * 50)
    assert mixed.recall == 0.5
    assert mixed.error == pytest.approx(0.0502, abs=1e-4)
    assert mixed.p5 == 0
    assert Measured.of([0.2] * 4 + [0.8] + [1.0] * 95).p5 == 1.0
    assert Measured.of([0.2] * 6 + [1.0] * 94).p5 == 0.2


def test_it_goes_up_to_the_first_step_that_reaches_the_target() -> None:
    graph = by_width({100: 0.97, 150: 0.985, 200: 0.992})
    decision = decide(80, Measured(N, 0.95, 0.01), 0.99, graph, allowed)
    assert decision is not None
    assert (decision.old, decision.new) == (80, 200)
    assert (decision.before.recall, decision.after.recall) == (0.95, 0.992)
    assert "is 0.9500, below the target 0.99" in decision.reason


def test_where_no_step_reaches_the_target_the_first_that_finds_as_much_as_any_is_taken() -> None:
    graph = by_width({100: 0.955, 150: 0.97, **{step: 0.971 for step in LADDER if step > 150}})
    decision = decide(80, Measured(N, 0.95, 0.01), 0.99, graph, allowed)
    assert decision is not None
    assert decision.new == 150
    assert "finds as much as any wider one" in decision.reason


def test_a_wider_search_that_finds_no_more_is_not_paid_for() -> None:
    assert decide(80, Measured(N, 0.9, 0.01), 0.99, lambda _: Measured(N, 0.901, 0.01), allowed) is None


def test_it_goes_down_one_step_where_recall_surely_stays() -> None:
    decision = decide(200, Measured(N, 0.998, 0.002), 0.99, by_width({150: 0.997}), allowed)
    assert decision is not None
    assert decision.new == 150
    assert decide(200, Measured(N, 0.998, 0.002), 0.99, by_width({150: 0.991}), allowed) is None
    assert decide(200, Measured(N, 0.998, 0.002), 0.99, by_width({}), forbidden) is None
    assert decide(20, Measured(N, 1.0, 0.002), 0.99, by_width({}), allowed) is None


@pytest.mark.parametrize("recall", [0.985, 0.99, 0.991])
def test_between_the_two_chance_does_not_move_it(recall: float) -> None:
    assert decide(100, Measured(N, recall, 0.005), 0.99, by_width({}), allowed) is None


def test_a_few_queries_are_not_given_up_for_a_good_mean() -> None:
    assert decide(200, Measured(N, 1.0, 0.002), 0.99, lambda _: Measured(N, 0.995, 0.001, 0.8), allowed) is None


def test_few_queries_decide_nothing() -> None:
    assert decide(100, Measured(29, 0.5, 0.01), 0.99, by_width({}), allowed) is None


def test_a_measurement_that_was_cut_short_lowers_nothing() -> None:
    assert decide(100, Measured(N, 1.0, 0.002), 0.99, lambda _: Measured(40, 1.0, 0.002), allowed) is None


def test_it_comes_to_rest() -> None:
    # A graph that gains with the width: from either end it ends where nothing moves it any more.
    def graph(step: int) -> Measured:
        return Measured(N, 1 - 0.8 / step, 0.001)

    for start in (40, 1000):
        ef = start
        for _ in LADDER:
            decision = decide(ef, graph(ef), 0.99, graph, allowed)
            ef = decision.new if decision else ef
        assert decide(ef, graph(ef), 0.99, graph, allowed) is None
        assert graph(ef).recall + graph(ef).error >= 0.99
        assert ef <= 100
