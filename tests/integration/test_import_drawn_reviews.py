"""Reviews drawn in the published layouts, as the benchmark of the import draws them."""

import subprocess
import sys

from import_fixtures import reported

from backend.catalog.importers import import_amazon
from benchmarks._made_reviews import review_lines


def test_the_benchmark_in_a_short_form_takes_little_memory_and_counts_every_line():
    command = [sys.executable, "-m", "backend.cli", "bench", "import_reviews", "--", "--lines", "20000"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    [row] = [line.split() for line in ran.stdout.splitlines() if line.split()[:1] == ["first"]]
    megabytes, inserted, unchanged, bad, in_report, _products = (int(cell.replace(",", "")) for cell in row[-6:])
    assert (inserted + bad, unchanged, bad) == (20_000, 0, in_report)
    assert bad > 5
    assert 30 < megabytes < 250


def test_lines_drawn_in_the_layout_of_2018_are_read(database, tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text("".join(review_lines(2500, products=100, users=500, layout=2018)))
    result = import_amazon(database, reviews=path, report=tmp_path / "bad.jsonl").reviews
    assert result.bad == len(reported(tmp_path / "bad.jsonl")) == 2500 - result.inserted > 0
