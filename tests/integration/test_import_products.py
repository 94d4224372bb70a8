"""Products from CSV and JSON Lines."""

import gzip
import shutil
from decimal import Decimal

import pytest
from click.testing import CliRunner
from import_fixtures import (
    ask,
    finish_jobs,
    jpeg,
    one,
    queued,
    reported,
    state,
    write_csv,
    write_jsonl,
)

from backend.catalog.importers import Progress, import_products
from backend.cli.main import main
from backend.errors import InvalidInput
from backend.settings import settings

SHIRT = {
    "sku": "A1",
    "title": "Red shirt",
    "description": "A shirt, of linen",
    "brand": "NA",
    "category": "Apparel/Shirts",
    "price": "19.90",
    "currency": "EUR",
    "in_stock": "no",
    "variant_group": "A",
    "season": "Fall",
    "note": "",
}
COLUMNS = "sku, title, description, brand, category, price, currency, in_stock, variant_group, attributes"
STORED = f"SELECT {COLUMNS} FROM products"


def test_every_field_arrives_and_other_columns_become_attributes(database, tmp_path):
    result = import_products(database, write_csv(tmp_path / "p.csv", [SHIRT]))
    assert (result.read, result.inserted, result.bad, result.report) == (1, 1, 0, None)
    assert ask(database, STORED) == [
        (
            "A1",
            "Red shirt",
            "A shirt, of linen",
            "NA",
            "Apparel/Shirts",
            Decimal("19.90"),
            "EUR",
            False,
            "A",
            {"season": "Fall"},
        )
    ]
    assert ask(database, "SELECT path FROM categories ORDER BY 1") == [("Apparel",), ("Apparel/Shirts",)]
    assert queued(database) == ["A1"]
    assert one(database, "SELECT priority FROM embedding_jobs") == 1, "an import must not pass interactive inserts"


def test_json_lines_keep_the_types_of_attributes(database, tmp_path):
    row = {
        "sku": 7,
        "title": "Mug",
        "category": ["Home", "Mugs"],
        "price": 4.5,
        "in_stock": True,
        "attributes": {"volume": 0.3, "colours": ["red", "blue"]},
        "year": 2011,
        "empty": None,
    }
    import_products(database, write_jsonl(tmp_path / "p.jsonl", [row]), currency="EUR")
    [stored] = ask(database, STORED)
    assert stored == (
        "7",
        "Mug",
        "",
        None,
        "Home/Mugs",
        Decimal("4.50"),
        "EUR",
        True,
        None,
        {"volume": 0.3, "colours": ["red", "blue"], "year": 2011},
    )


def test_columns_are_mapped_by_options(database, tmp_path):
    row = {"code": "A1", "name": "Red shirt", "cost": "5", "colour": "Red", "title": "not this"}
    import_products(
        database,
        write_csv(tmp_path / "p.csv", [row]),
        columns={"sku": "code", "title": "name", "price": "cost", "attributes.baseColour": "colour"},
    )
    assert ask(database, "SELECT sku, title, price, attributes FROM products") == [
        ("A1", "Red shirt", Decimal(5), {"baseColour": "Red", "title": "not this"})
    ]


def test_a_column_that_is_asked_for_as_an_attribute_no_longer_feeds_the_field_of_its_name(database, tmp_path):
    path = write_csv(tmp_path / "p.csv", [{"sku": "A1", "title": "T", "image": "https://example.org/a.jpg"}])
    result = import_products(database, path, columns={"attributes.link": "image"})
    assert (result.inserted, result.images_bad) == (1, 0)
    assert one(database, "SELECT attributes FROM products") == {"link": "https://example.org/a.jpg"}


def test_compressed_files_give_the_same(database, tmp_path):
    for path in (write_csv(tmp_path / "p.csv", [SHIRT]), write_jsonl(tmp_path / "p.jsonl", [SHIRT])):
        with path.open("rb") as source, gzip.open(f"{path}.gz", "wb") as target:
            shutil.copyfileobj(source, target)
    assert import_products(database, tmp_path / "p.csv.gz").inserted == 1
    assert import_products(database, tmp_path / "p.csv").unchanged == 1
    assert import_products(database, tmp_path / "p.jsonl").unchanged == 1
    assert import_products(database, tmp_path / "p.jsonl.gz").unchanged == 1


def test_running_it_again_writes_nothing_at_all(database, tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg())
    rows = [{**SHIRT, "sku": f"A{number}", "image": "a.jpg"} for number in range(50)]
    path = write_csv(tmp_path / "p.csv", rows)
    first = import_products(database, path)
    assert (first.inserted, first.images_inserted) == (50, 50)
    finish_jobs(database)
    before = state(database)
    again = import_products(database, path)
    assert (again.read, again.unchanged, again.images_unchanged) == (50, 50, 50)
    assert (again.inserted, again.updated, again.images_inserted, again.images_updated) == (0, 0, 0, 0)
    assert state(database) == before


def test_an_edited_title_updates_one_row_and_queues_one_job_and_a_price_none(database, tmp_path):
    rows = [{**SHIRT, "sku": f"A{number}"} for number in range(9)]
    import_products(database, write_csv(tmp_path / "p.csv", rows))
    finish_jobs(database)
    rows[3]["title"] = "Blue shirt"
    result = import_products(database, write_csv(tmp_path / "p.csv", rows))
    assert (result.updated, result.unchanged) == (1, 8)
    assert queued(database) == ["A3"]
    finish_jobs(database)
    rows[4]["price"] = "20.00"
    result = import_products(database, write_csv(tmp_path / "p.csv", rows))
    assert (result.updated, result.unchanged) == (1, 8)
    assert queued(database) == []


def test_an_edited_photograph_is_stored_and_queued(database, tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.jpg").write_bytes(jpeg())
    path = write_csv(tmp_path / "p.csv", [{**SHIRT, "sku": name, "image": f"{name}.jpg"} for name in ("a", "b")])
    import_products(database, path)
    finish_jobs(database)
    (tmp_path / "b.jpg").write_bytes(jpeg("blue", (10, 20)))
    result = import_products(database, path)
    assert (result.unchanged, result.images_unchanged, result.images_updated) == (2, 1, 1)
    assert queued(database) == ["b"]
    query = "SELECT media_type, width, height, content FROM product_images i JOIN products p ON p.id = product_id"
    assert ask(database, f"{query} WHERE sku = 'b'") == [("image/jpeg", 10, 20, jpeg("blue", (10, 20)))]


def test_what_a_file_does_not_have_stays_and_what_it_has_empty_is_cleared(database, tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg())
    import_products(database, write_csv(tmp_path / "p.csv", [{**SHIRT, "fit": "slim", "image": "a.jpg"}]))
    import_products(
        database, write_csv(tmp_path / "q.csv", [{"sku": "A1", "title": "T", "brand": "", "season": "", "new": "x"}])
    )
    assert ask(database, STORED) == [
        (
            "A1",
            "T",
            "A shirt, of linen",
            None,
            "Apparel/Shirts",
            Decimal("19.90"),
            "EUR",
            False,
            "A",
            {"fit": "slim", "new": "x"},
        )
    ]
    assert one(database, "SELECT count(*) FROM product_images") == 1


def test_photographs_may_lie_in_another_directory(database, tmp_path):
    (tmp_path / "shots" / "sub").mkdir(parents=True)
    (tmp_path / "shots" / "sub" / "a.png").write_bytes(jpeg())
    path = write_csv(tmp_path / "p.csv", [{**SHIRT, "photo": "sub/a.png"}])
    result = import_products(database, path, columns={"image": "photo"}, images=tmp_path / "shots")
    assert result.images_inserted == 1
    assert one(database, "SELECT attributes FROM products") == {"season": "Fall"}


BAD_CSV = [
    ("A2,,5,yes,{},Apparel,", "title", "is missing"),
    (",T,5,yes,{},Apparel,", "sku", "is missing"),
    ("A2,T,cheap,yes,{},Apparel,", "price", "must be a number"),
    ("A2,T,5,perhaps,{},Apparel,", "in_stock", "must be true or false"),
    ("A2,T,5,yes,[1],Apparel,", "attributes", "must be a JSON object"),
    ("A2,T,5,yes,{},Apparel//Shirts,", "category", "must be names joined by slashes"),
    ("A2,T,5,yes,{},Apparel,,", None, "8 columns where the header has 7"),
    ("A2,T", None, "2 columns where the header has 7"),
    ("A2,T\0,5,yes,{},Apparel,", "title", "contains a NUL character at character 2"),
    (b"A2,caf\xe9,5,yes,{},Apparel,", None, "not UTF-8"),
    ('A2,"T,5,yes,{},Apparel,', None, "a quote is opened and not closed"),
    ("A/2,T,5,yes,{},Apparel,", "sku", "must not contain a slash"),
    ("GOOD1,T,5,yes,{},Apparel,", "sku", "the same sku is in line 2"),
    (f"A2,T,5,yes,{{}},{'/'.join(map(str, range(900)))},", "category", "more than 1,000"),
]


def test_bad_lines_are_reported_and_the_others_are_imported(database, tmp_path):
    content = b"sku,title,price,in_stock,attributes,category,image\nGOOD1,T,5,yes,{},Apparel,\n"
    for number, (line, _, _) in enumerate(BAD_CSV, 2):
        content += (line if isinstance(line, bytes) else line.encode()) + f"\nGOOD{number},T,5,no,{{}},A,\n".encode()
    (tmp_path / "p.csv").write_bytes(content)
    report = tmp_path / "reports" / "r.jsonl"
    result = import_products(database, tmp_path / "p.csv", report=report)
    goods = {f"GOOD{number + 1}" for number in range(len(BAD_CSV) + 1)}
    assert {sku for (sku,) in ask(database, "SELECT sku FROM products")} == goods
    assert (result.read, result.inserted, result.bad) == (2 * len(BAD_CSV) + 1, len(goods), len(BAD_CSV))
    entries = sorted(reported(report), key=lambda entry: entry["line"])
    assert [(entry["file"], entry["line"], entry["field"]) for entry in entries] == [
        ("p.csv", 1 + 2 * number, field) for number, (_, field, _) in enumerate(BAD_CSV, 1)
    ]
    for entry, (_, _, reason) in zip(entries, BAD_CSV, strict=True):
        assert reason in entry["reason"]
    assert result.report == report
    assert len(result.problems) == 10


BAD_JSON = [
    ('{"sku": "A2", "title": 5}', "title", "must be text, not a number"),
    ('{"sku": "A2", "title": null}', "title", "is missing"),
    ('{"sku": "A2", "title": "T", "price": "free"}', "price", "must be a number"),
    ('{"sku": "A2", "title": "T", "x": {"y": ["a\\u0000"]}}', "attributes.x", "contains a NUL character"),
    ('{"sku": "A2", "title": "T", "brand": "\\ud83d"}', "brand", "half a surrogate pair"),
    ('{"sku": "A2", "title": "T"', None, "not JSON"),
    ('["A2", "T"]', None, "not a JSON object"),
    ('{"sku": "A2", "title": "T", "price": 1e400}', "price", "must be a number"),
]


def test_bad_json_lines_are_reported_and_the_others_are_imported(database, tmp_path):
    lines = [f'{line}\n{{"sku": "G{number}", "title": "T"}}\n' for number, (line, _, _) in enumerate(BAD_JSON)]
    (tmp_path / "p.jsonl").write_text("".join(lines))
    result = import_products(database, tmp_path / "p.jsonl", report=tmp_path / "r.jsonl")
    assert (result.inserted, result.bad) == (len(BAD_JSON), len(BAD_JSON))
    for number, (entry, bad) in enumerate(zip(reported(tmp_path / "r.jsonl"), BAD_JSON, strict=True)):
        assert (entry["line"], entry["field"]) == (2 * number + 1, bad[1])
        assert bad[2] in entry["reason"]


def test_a_value_that_only_the_database_refuses_costs_its_own_line_only(database, tmp_path):
    # A btree takes no value of this size that does not compress.
    brand = "".join(chr(0x4E00 + number * 37 % 20_000) for number in range(5000))
    rows = [{"sku": f"A{number}", "title": "T", "brand": brand if number == 41 else "B"} for number in range(100)]
    result = import_products(database, write_csv(tmp_path / "p.csv", rows), report=tmp_path / "r.jsonl")
    assert (result.inserted, result.bad) == (99, 1)
    [entry] = reported(tmp_path / "r.jsonl")
    assert entry["line"] == 43
    assert "index row" in entry["reason"]


def test_everything_that_is_wrong_with_a_line_is_reported(database, tmp_path):
    path = write_csv(tmp_path / "p.csv", [{"sku": "a/b", "title": " ", "price": "x"}])
    result = import_products(database, path, report=tmp_path / "r.jsonl")
    assert result.bad == 1
    assert [entry["field"] for entry in reported(tmp_path / "r.jsonl")] == ["sku", "title", "price"]


REASONS = ("no such file", "empty", "damaged", "web page", "must be a path below", "is an address")


def test_a_product_whose_photograph_cannot_be_used_is_imported_without_it(database, tmp_path):
    outside = "../secret", "https://example.org/a"
    contents = {"absent": None, "empty": b"", "cut": jpeg()[:300], "page": b"<html>", "good": jpeg()}
    for name, content in contents.items():
        if content is not None:
            (tmp_path / f"{name}.jpg").write_bytes(content)
    path = write_csv(
        tmp_path / "p.csv",
        [{**SHIRT, "sku": str(number), "image": f"{name}.jpg"} for number, name in enumerate((*contents, *outside))],
    )
    result = import_products(database, path, report=tmp_path / "r.jsonl")
    assert (result.inserted, result.bad, result.images_inserted, result.images_bad) == (7, 0, 1, 6)
    reasons = {entry["line"]: (entry["field"], entry["reason"]) for entry in reported(tmp_path / "r.jsonl")}
    for line, said in zip((2, 3, 4, 5, 7, 8), REASONS, strict=True):
        assert reasons[line][0] == "image"
        assert said in reasons[line][1]


def test_a_photograph_that_became_unreadable_does_not_take_the_stored_one_away(database, tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg())
    path = write_csv(tmp_path / "p.csv", [{**SHIRT, "image": "a.jpg"}])
    import_products(database, path)
    (tmp_path / "a.jpg").write_bytes(jpeg()[:200])
    assert import_products(database, path).images_bad == 1
    assert one(database, "SELECT content FROM product_images") == jpeg()


UNFIT = [
    ({}, "no column for sku, title; its columns are id, name. Name the column of each: --column sku=COLUMN"),
    ({"columns": {"sku": "id"}}, "no column for title"),
    ({"columns": {"sku": "id", "title": "titel"}}, "no column titel; its columns are id, name"),
    ({"columns": {"sku": "id", "naem": "name"}}, "no field naem: there are sku, title"),
    ({"columns": {"sku": "id", "title": "name"}, "currency": "euro"}, "currency must be three capital letters"),
    ({"delimiter": ";;"}, "one character"),
]


def test_a_header_or_an_option_that_does_not_fit_is_one_error(database, tmp_path):
    path = write_csv(tmp_path / "p.csv", [{"id": "1", "name": "T"}])
    for options, message in UNFIT:
        with pytest.raises(InvalidInput) as raised:
            import_products(database, path, **options)
        assert message in str(raised.value)


def test_a_file_of_another_separator_is_told_so_and_taken_with_it(database, tmp_path, monkeypatch):
    path = tmp_path / "p.csv"
    path.write_text("sku;title;price\nA1;Shirt, red;4.50\n")
    with pytest.raises(InvalidInput, match="--delimiter ';'"):
        import_products(database, path)
    monkeypatch.setenv("DATABASE_URL", database.dsn)
    monkeypatch.setenv("SHELFMATE_HOME", str(tmp_path))
    settings.cache_clear()
    try:
        run = CliRunner().invoke(main, ["import", "products", str(path), "--delimiter", ";"])
    finally:
        settings.cache_clear()
    assert run.exit_code == 0, run.output
    assert one(database, "SELECT title || ' ' || price FROM products") == "Shirt, red 4.50"


def test_a_report_never_overwrites_the_file_and_does_not_outlive_its_problems(database, tmp_path):
    path = write_csv(tmp_path / "p.csv", [SHIRT])
    with pytest.raises(InvalidInput, match="overwrite"):
        import_products(database, path, report=path)
    report = tmp_path / "r.jsonl"
    report.write_text("of an earlier run\n")
    assert import_products(database, path, report=report).report is None
    assert not report.exists()


def test_a_damaged_compressed_file_is_imported_up_to_the_damage(database, tmp_path):
    content = "sku,title\n" + "".join(f"A{number},Shirt {number * 7919}\n" for number in range(5000))
    whole = gzip.compress(content.encode())
    (tmp_path / "p.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidInput, match="damaged after line") as raised:
        import_products(database, tmp_path / "p.csv.gz")
    last = int(str(raised.value).split("after line ")[1].split()[0])
    assert one(database, "SELECT count(*) FROM products") == last - 1
    (tmp_path / "p.csv.gz").write_bytes(whole)
    assert import_products(database, tmp_path / "p.csv.gz").unchanged == last - 1


def test_progress_counts_rows_and_bytes_up_to_the_whole_file(database, tmp_path):
    path = write_csv(tmp_path / "p.csv", [{"sku": f"A{number}", "title": "T"} for number in range(2500)])
    seen: list[Progress] = []
    import_products(database, path, progress=seen.append)
    assert [step.read for step in seen] == [1000, 2000, 2500]
    assert [step.position for step in seen] == sorted(step.position for step in seen)
    assert seen[-1].position == seen[-1].size == path.stat().st_size
