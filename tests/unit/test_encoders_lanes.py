"""Batches side by side: order, errors, bounds, and what a forked process does."""

import os
import threading
import time

import pytest

from backend.encoders.lanes import Lanes, unhurried, usable_cores
from tests.eventually import eventually


def test_results_come_in_order_whichever_ends_first() -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.05 if number == 0 else 0)
        return number * 10

    assert Lanes(4).map(slow_first, range(8)) == [0, 10, 20, 30, 40, 50, 60, 70]
    assert Lanes(4).map(slow_first, []) == []


def test_an_error_in_one_batch_is_raised_and_the_next_call_works() -> None:
    lanes = Lanes(2)
    with pytest.raises(ZeroDivisionError):
        lanes.map(lambda number: 1 // number, [1, 0, 2])
    assert lanes.map(lambda number: 1 // number, [1, 2]) == [1, 0]


def test_no_more_run_at_once_than_there_are_lanes_however_many_ask() -> None:
    lanes, running, most, lock = Lanes(2), 0, 0, threading.Lock()

    def count(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        # Until both lanes were taken, and then long enough for a third.
        eventually(lambda: most >= 2)
        time.sleep(0.01)
        with lock:
            running -= 1

    askers = [threading.Thread(target=lanes.map, args=(count, range(4))) for _ in range(4)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert most == 2


def test_what_a_person_waits_for_overtakes_a_backfill() -> None:
    lanes, begun, asked, order = Lanes(1), threading.Event(), threading.Event(), []

    def note(name: str) -> None:
        begun.set()
        asked.wait(60)
        order.append(name)

    def backfill() -> None:
        with unhurried():
            lanes.map(note, [f"backfill {number}" for number in range(5)])

    filling = threading.Thread(target=backfill)
    filling.start()
    assert begun.wait(60)
    searching = threading.Thread(target=lanes.map, args=(note, ["search 0", "search 1"]))
    searching.start()
    eventually(lambda: len(lanes._waiting) == 6)
    asked.set()
    searching.join()
    filling.join()
    assert order == ["backfill 0", "search 0", "search 1", *(f"backfill {number}" for number in range(1, 5))]


def test_after_an_error_what_has_not_begun_is_not_begun() -> None:
    lanes, raised, ran = Lanes(1), threading.Event(), []

    def fail_first(number: int) -> None:
        ran.append(number)
        if number == 0:
            raise ZeroDivisionError
        raised.wait(60)

    with pytest.raises(ZeroDivisionError):
        lanes.map(fail_first, range(100))
    raised.set()
    lanes.map(abs, [0])
    # The second may have begun before the error was seen.
    assert ran in ([0], [0, 1])


def test_a_lane_uses_one_torch_thread() -> None:
    import torch

    assert Lanes(1).map(lambda _: torch.get_num_threads(), [0]) == [1]


def test_a_forked_process_has_lanes_of_its_own() -> None:
    lanes = Lanes(1)
    assert lanes.map(abs, [-1]) == [1]
    child = os.fork()
    if child == 0:
        os._exit(0 if lanes.map(abs, [-2]) == [2] else 1)
    deadline = time.monotonic() + 60
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.fail("the forked process waits for threads that it does not have")
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(ended[1]) == 0


def test_there_is_a_lane_for_each_core_that_may_be_used() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
