"""Records of CSV and JSON Lines files, good and bad."""

import csv
import gzip
import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalog.importers.lines import MAX_LINE_BYTES
from backend.catalog.importers.records import Record, open_records
from backend.catalog.importers.result import Problem
from backend.errors import InvalidInput

TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)


def read(path, content, **options):
    """The records of a file with this content."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_records(path, **options) as records:
        return list(records)


def lines(records):
    """Their line numbers, negative for problems."""
    return [-record.line if isinstance(record, Problem) else record.line for record in records]


@given(st.lists(st.tuples(TEXT.filter(str.strip), TEXT, TEXT), max_size=8))
def test_what_the_csv_module_writes_comes_back(tmp_path_factory, rows):
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerows([("a", "b", "c"), *rows])
    found = read(tmp_path_factory.mktemp("csv") / "x.csv", written.getvalue())
    assert [tuple(record.values.values()) for record in found] == rows


@given(st.lists(st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT, max_size=4), max_size=8))
def test_what_the_json_module_writes_comes_back(tmp_path_factory, rows):
    content = "\n".join(json.dumps(row) for row in rows)
    found = read(tmp_path_factory.mktemp("jsonl") / "x.jsonl", content)
    assert [record.values for record in found] == rows


@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_a_reader_fail_otherwise_than_it_says(tmp_path_factory, content):
    directory = tmp_path_factory.mktemp("bytes")
    for name, before in (("x.jsonl", b""), ("x.csv", b"a,b\n")):
        if before or not content.startswith((b"\xff\xfe", b"\xfe\xff")):
            for record in read(directory / name, before + content):
                assert isinstance(record, Record | Problem)


def test_a_record_is_numbered_by_its_first_line(tmp_path):
    found = read(tmp_path / "x.csv", 'a,b\n1,"two\nlines"\n\n2,x\n')
    assert [(record.line, record.values["b"]) for record in found] == [(2, "two\nlines"), (5, "x")]


def test_a_stray_quote_costs_its_own_line_only(tmp_path):
    content = 'a,b\n1,x\n2,"open\n3,x\n4,"a ""quoted"" one"\n5,x\n6,"open\n7,x\n'
    found = read(tmp_path / "x.csv", content)
    assert lines(found) == [2, -3, 4, 5, 6, -7, 8]
    assert "quote" in found[1].reason


def test_an_open_quote_before_a_long_file_costs_its_own_line_only(tmp_path):
    found = read(tmp_path / "x.csv", 'a,b\n1,"open\n' + "2,some text here\n" * 20_000)
    assert sum(isinstance(record, Problem) for record in found) == 1
    assert len(found) == 20_001


def test_a_carriage_return_alone_is_named_with_its_remedy(tmp_path):
    found = read(tmp_path / "x.csv", "a,b\n1,x\n2,y\r3,z\n4,x\n")
    assert lines(found) == [2, -3, 4]
    assert "save the file with line ends LF or CRLF" in found[1].reason


def test_columns_too_many_and_too_few_are_said_with_both_numbers(tmp_path):
    found = read(tmp_path / "x.csv", "a,b\n1,2,3\n1\n1,2\n")
    assert lines(found) == [-2, -3, 4]
    assert "3 columns where the header has 2" in found[0].reason
    assert "1 columns where the header has 2" in found[1].reason
    assert found[0].value == "1,2,3"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a": }', "not JSON: .* at character 7"),
        ("[1]", "not a JSON object"),
        ('{"a": NaN}', "NaN"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON that can be stored"),
        ("[" * 100_000, "nested too deep"),
        ('{"a": "b\\ud8"}', "not JSON"),
    ],
)
def test_a_malformed_json_line_costs_itself_only(tmp_path, line, reason):
    found = read(tmp_path / "x.jsonl", f'{{"a": 1}}\n{line}\n{{"a": 2}}\n')
    assert lines(found) == [1, -2, 3]
    assert re.search(reason, found[1].reason)


def test_invalid_utf_8_and_endless_lines_cost_themselves_only(tmp_path):
    long = b"1," + b"x" * (2 * MAX_LINE_BYTES)
    found = read(tmp_path / "x.csv", b"a,b\n1,caf\xe9\n" + long + b"\n2,caf\xc3\xa9\n")
    assert lines(found) == [-2, -3, 4]
    assert "byte 6 of the line is 0xe9" in found[0].reason
    assert "longer than 8 MiB" in found[1].reason


def test_a_byte_order_mark_windows_line_ends_and_a_missing_last_line_end_are_fine(tmp_path):
    found = read(tmp_path / "x.csv", b"\xef\xbb\xbfa,b\r\n1,2\r\n3,4")
    assert [record.values for record in found] == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_tabs_semicolons_and_columns_without_a_name(tmp_path):
    assert read(tmp_path / "x.tsv", "a\tb\n1\t2,3\n")[0].values == {"a": "1", "b": "2,3"}
    assert read(tmp_path / "x.csv", ";a\n0;1,5\n", delimiter=";")[0].values == {"a": "1,5"}


def test_compressed_files_are_read_by_their_name(tmp_path):
    assert read(tmp_path / "x.csv.gz", gzip.compress(b"a\n1\n"))[0].values == {"a": "1"}
    assert read(tmp_path / "x.JSONL.GZ", gzip.compress(b'{"a": 1}\n'))[0].values == {"a": 1}


def test_a_compressed_file_that_is_cut_short_says_after_which_line(tmp_path):
    whole = gzip.compress(b"a,b\n" + "".join(f"{number},{number * 7919}\n" for number in range(10_000)).encode())
    path = tmp_path / "x.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with open_records(path) as records, pytest.raises(InvalidInput, match=r"damaged after line \d{3}"):
        list(records)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"", "is empty"),
        ("x.csv", b"\xff\xfea\0", "UTF-16"),
        ("x.csv", b"a,b,a\n", "more than one column a"),
        ("x.csv", b"a,\xe9\n", "not UTF-8"),
        ("x.xlsx", b"PK", "its name must end in .csv"),
        ("x.csv.gz", b"a,b\n", "is not compressed: take .gz off its name"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_error(tmp_path, name, content, message):
    with pytest.raises(InvalidInput, match=message):
        read(tmp_path / name, content)


def test_a_file_that_is_not_there_or_a_directory_is_one_error(tmp_path):
    with pytest.raises(InvalidInput, match="No such file"), open_records(tmp_path / "none.csv"):
        pass
    (tmp_path / "dir.csv").mkdir()
    with pytest.raises(InvalidInput, match="directory"), open_records(tmp_path / "dir.csv"):
        pass
