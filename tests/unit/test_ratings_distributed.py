"""torchrun with two processes is the same training as one."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from backend.ratings.distributed import World, joined, world
from backend.ratings.layers import BatchNorm, Dropout, GlobalBatch
from tests.unit.rating_training import trained

# Sums in another order, 30 steps of them: measured 2e-6.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, np.ndarray]]:
    directory = tmp_path_factory.mktemp("two")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "tests.unit.rating_training", str(directory / "found")]
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return [dict(np.load(directory / f"found-{rank}-of-2.npz")) for rank in range(2)]


@pytest.fixture(scope="module")
def alone() -> dict[str, np.ndarray]:
    from backend.ratings import fine_tuned, frozen, training

    before = frozen.BATCH, fine_tuned.BATCH, training.half_is_fast
    try:
        return trained()
    finally:
        frozen.BATCH, fine_tuned.BATCH, training.half_is_fast = before


@pytest.mark.parametrize("form", ["frozen", "tuned"])
def test_two_processes_learn_what_one_learns(
    form: str, both: list[dict[str, np.ndarray]], alone: dict[str, np.ndarray]
) -> None:
    names = [name for name in alone if name.startswith(form)]
    assert len(names) > 10
    for name in names:
        np.testing.assert_allclose(both[0][name], alone[name], atol=TOLERANCE, err_msg=name)
        np.testing.assert_allclose(both[1][name], both[0][name], atol=TOLERANCE, err_msg=name)


@pytest.mark.parametrize("form", ["frozen", "tuned"])
def test_the_training_that_is_compared_moved_the_weights(form: str, alone: dict[str, np.ndarray]) -> None:
    losses = alone[f"{form} losses"]
    assert losses[1:].min() < losses[0] - 0.01


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("rows", [0, 1, 2, 6, 13])
def test_every_row_of_a_batch_is_computed_once(size: int, rows: int) -> None:
    computed = [row for rank in range(size) for row in range(rows)[World(rank, size).share(rows)]]
    assert computed == list(range(rows))


def test_without_torchrun_one_process_is_alone_and_writes() -> None:
    with joined() as joint:
        assert joint == world() == World(0, 1)
        assert joint.writes


def test_dropout_of_a_share_is_that_of_the_whole_batch() -> None:
    whole, first, second = (GlobalBatch(5) for _ in range(3))
    for batch, rows in ((whole, slice(0, 6)), (first, slice(0, 2)), (second, slice(2, 6))):
        batch.rows, batch.total = rows, 6
    values = torch.ones(6, 3, 50)
    together = Dropout(0.25, whole)(values)
    apart = torch.cat([Dropout(0.25, first)(values[:2]), Dropout(0.25, second)(values[2:])])
    assert torch.equal(together, apart)
    assert together.mean() == pytest.approx(1, abs=0.1)
    assert together.unique().tolist() == pytest.approx([0, 256 / 192])


def test_batch_norm_is_torchs_own() -> None:
    batch = GlobalBatch(0)
    batch.rows, batch.total, batch.weights = slice(0, 9), 9, torch.ones(9)
    ours, theirs = BatchNorm(4, batch), torch.nn.BatchNorm1d(4)
    # From the tenth step on; before, the running statistics are plain means.
    ours.steps.fill_(9)
    values = torch.randn(9, 4, generator=torch.Generator().manual_seed(0)) * 3 + 1
    torch.testing.assert_close(ours(values), theirs(values))
    torch.testing.assert_close(ours.eval()(values), theirs.eval()(values))


def test_the_first_running_statistics_of_batch_norm_are_plain_means() -> None:
    batch = GlobalBatch(0)
    batch.rows, batch.total, batch.weights = slice(0, 9), 9, torch.ones(9)
    ours, theirs = BatchNorm(4, batch), torch.nn.BatchNorm1d(4, momentum=None)
    random = torch.Generator().manual_seed(0)
    for _ in range(3):
        values = torch.randn(9, 4, generator=random) * 3 + 1
        torch.testing.assert_close(ours(values), theirs(values))
    torch.testing.assert_close(ours.eval()(values), theirs.eval()(values))


def test_a_row_that_only_fills_a_share_does_not_count_in_batch_norm() -> None:
    batch = GlobalBatch(0)
    batch.rows, batch.total, batch.weights = slice(0, 3), 2, torch.tensor([1.0, 1.0, 0.0])
    values = torch.tensor([[1.0], [3.0], [1000.0]])
    found = BatchNorm(1, batch)(values)
    torch.testing.assert_close(found[:2], torch.tensor([[-1.0], [1.0]]), atol=1e-4, rtol=0)
