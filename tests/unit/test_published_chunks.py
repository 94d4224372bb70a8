"""Reviews of a published file in chunks, read by this process and by one of their own."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from backend.catalog.importers.published_chunks import Chunk, Limits, read_chunks
from backend.catalog.importers.reading_process import reading_apart
from backend.errors import ConfigurationError, InvalidInput
from benchmarks._made_reviews import review_lines

LIMITS = Limits(lanes=2, rows=300, size=2**20)
ONE_LANE = Limits(lanes=1, rows=300, size=2**20)
REVIEW = {
    "rating": 4.0,
    "title": "Fine",
    "text": "Works",
    "parent_asin": "B2",
    "user_id": "AE7",
    "timestamp": 1_677_938_767_351,
    "helpful_vote": 3,
    "verified_purchase": False,
}
# Somebody who asks and is killed.
KILLED = """
import os, signal, sys
from pathlib import Path
from backend.catalog.importers.published_chunks import Limits
from backend.catalog.importers.reading_process import reading_apart
with reading_apart(Path(sys.argv[1]), Limits(2, 300, 2**20)) as parts:
    next(parts)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def made(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text("".join(review_lines(3000, products=100, users=500)))
    return path


def test_every_line_is_in_one_chunk_or_a_problem_and_a_product_in_one_lane(made):
    parts = list(read_chunks(made, LIMITS))
    chunks = [part for part in parts if isinstance(part, Chunk)]
    bad = [part[0].line for part in parts if isinstance(part, list)]
    assert len(bad) >= 3
    again = [line for chunk in chunks for lines in chunk.again.values() for line in lines]
    assert sorted([*bad, *again, *(line for chunk in chunks for line in chunk.lines)]) == list(range(1, 3001))
    assert all(len(chunk.lines) == chunk.copy.count(b"\n") <= LIMITS.rows for chunk in chunks)
    products = [
        {row.split(b"\t")[0] for c in chunks if c.lane == lane for row in c.copy.splitlines()} for lane in (0, 1)
    ]
    assert all(products)
    assert not products[0] & products[1]
    positions = [chunk.position for chunk in chunks]
    assert positions == sorted(positions)
    assert positions[-1] == made.stat().st_size


def test_a_process_of_its_own_finds_the_same(made):
    with reading_apart(made, LIMITS) as parts:
        assert list(parts) == list(read_chunks(made, LIMITS))


def test_a_review_said_again_is_one_row_with_the_most_votes(tmp_path):
    path = write(tmp_path, [REVIEW, {**REVIEW, "helpful_vote": 9}, {**REVIEW, "user_id": "AE8"}])
    [chunk] = read_chunks(path, ONE_LANE)
    assert (chunk.lines, chunk.again) == ([1, 3], {1: [2]})
    assert chunk.copy.splitlines()[0].split(b"\t")[-3:] == [b"9", b"False", b"2023-03-04T14:06:07.351000+00:00"]


def test_a_chunk_ends_at_its_size_as_well(tmp_path):
    long = [{**REVIEW, "text": "x" * 1000, "user_id": f"U{number}"} for number in range(6)]
    chunks = list(read_chunks(write(tmp_path, long), Limits(lanes=1, rows=300, size=3000)))
    assert [len(chunk.lines) for chunk in chunks] == [3, 3]
    wide = [{**review, "text": "\N{GRINNING FACE}" * 250} for review in long]
    path = tmp_path / "w.jsonl"
    path.write_text("\n".join(json.dumps(review, ensure_ascii=False) for review in wide))
    chunks = list(read_chunks(path, Limits(lanes=1, rows=300, size=3000)))
    assert [len(chunk.lines) for chunk in chunks] == [2, 2, 2]


def test_what_copy_takes_for_its_own_is_escaped(tmp_path):
    said = {**REVIEW, "title": "a\tb\\N", "text": "one\ntwo\r\\.", "user_id": None}
    [chunk] = read_chunks(write(tmp_path, [said]), ONE_LANE)
    fields = chunk.copy.removesuffix(b"\n").split(b"\t")
    assert fields[:3] == [b"B2", rb"a\tb\\N", rb"one\ntwo\r\\."]
    assert fields[5:7] == [rb"\N", rb"\N"]


@pytest.mark.parametrize("apart", [False, True])
def test_damage_is_told_after_what_came_before_it(tmp_path, apart):
    packed = gzip.compress("".join(review_lines(3000, products=50, users=300)).encode())
    path = tmp_path / "r.jsonl.gz"
    path.write_bytes(packed[: len(packed) * 2 // 3])
    found = []
    with (
        reading_apart(path, LIMITS) if apart else closing(read_chunks(path, LIMITS)) as parts,
        pytest.raises(InvalidInput, match=r"is damaged after line") as raised,
    ):
        take(parts, found)
    assert raised.value.field == "file"
    assert sum(len(part.lines) for part in found if isinstance(part, Chunk)) > 1000


def test_a_process_that_is_killed_is_told_with_its_remedy(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text("".join(review_lines(20_000, products=100, users=500)))
    with reading_apart(path, LIMITS) as parts:
        next(parts)
        [child] = readers()
        os.kill(child, signal.SIGKILL)
        with pytest.raises(ConfigurationError, match=r"status -9 .* import the file again"):
            take(parts, [])


def test_who_stops_listening_leaves_no_process(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text("".join(review_lines(20_000, products=100, users=500)))
    with reading_apart(path, LIMITS) as parts:
        next(parts)
        assert len(readers()) == 1
    assert readers() == []


def test_a_process_whose_reader_is_gone_ends_without_a_word(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text("".join(review_lines(20_000, products=100, users=500)))
    ran = subprocess.run([sys.executable, "-c", KILLED, path], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (-9, "")
    deadline = time.monotonic() + 20
    while any(str(path) in line for line in command_lines()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def take(parts, found):
    for part in parts:
        found.append(part)  # What came before an error is kept.


def write(directory, rows):
    path = directory / "r.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def readers():
    """Children of this process that read a published file."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(child) for child in children if "reading_process" in Path(f"/proc/{child}/cmdline").read_text()]


def command_lines():
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield process.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
