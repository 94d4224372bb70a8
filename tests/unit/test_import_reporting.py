"""Where reports go, and what a person who watches sees."""

from pathlib import Path

from backend.catalog.importers import Progress, progress_bar, report_path


def test_two_imports_of_one_file_report_to_two_files_of_its_name(tmp_path):
    first, second = (report_path(tmp_path, Path("shop/products.csv")) for _ in range(2))
    assert first.parent == second.parent == tmp_path / "reports"
    assert first.name.startswith("products.csv-")
    assert first != second


def test_there_is_no_bar_where_nobody_watches():
    with progress_bar("Products") as show:
        assert show is None


def test_a_person_who_watches_sees_rows_rate_and_share(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with progress_bar("Products") as show:
        assert show is not None
        show(Progress(12_000, 50, 100))
    shown = capsys.readouterr().err
    assert "12,000 rows" in shown
    assert "50%" in shown
    assert "/s" in shown
