"""A directory in the layout of Fashion Product Images."""

import gzip
import json
import subprocess
import sys
from decimal import Decimal

import pytest
from import_fixtures import ask, finish_jobs, jpeg, one, queued, reported, state

from backend.catalog.importers import import_fashion
from backend.errors import InvalidInput

HEADER = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName\n"
STYLES = (
    "1163,Men,Apparel,Topwear,Tshirts,Blue,Summer,2011,NA,Nike Round Neck Jersey\n"
    "1164,Men,Apparel,Topwear,Tshirts,,Fall,2012,Sports,Puma Jersey\n"
)
DETAILS = {
    "id": 1163,
    "productDisplayName": "Nike Round Neck Jersey",
    "brandName": "Nike",
    "price": 895.0,
    "discountedPrice": 450.5,
    "description": "Blue jersey",
    "gender": "Men",
    "year": 2011,
    "ageGroup": "Adults-Men",
    "size_fit_desc": None,
    "attributes": '{"Fit": "Regular Fit"}',
}


@pytest.fixture
def directory(tmp_path):
    """Two products, one of them with a photograph."""
    (tmp_path / "images").mkdir()
    (tmp_path / "styles.csv").write_text(HEADER + STYLES)
    (tmp_path / "images" / "1163.jpg").write_bytes(jpeg())
    return tmp_path


def test_styles_alone_make_products_with_category_attributes_and_photographs(database, directory):
    result = import_fashion(database, directory)
    assert (result.read, result.inserted, result.images_inserted, result.images_missing) == (2, 2, 1, 1)
    assert (result.bad, result.images_bad, result.report) == (0, 0, None)
    rows = ask(database, "SELECT sku, title, category, brand, price, currency, description, attributes FROM products")
    shared = {"gender": "Men"}
    assert rows == [
        (
            "1163",
            "Nike Round Neck Jersey",
            "Apparel/Topwear/Tshirts",
            None,
            None,
            None,
            "",
            {**shared, "baseColour": "Blue", "season": "Summer", "year": 2011, "usage": "NA"},
        ),
        (
            "1164",
            "Puma Jersey",
            "Apparel/Topwear/Tshirts",
            None,
            None,
            None,
            "",
            {**shared, "season": "Fall", "year": 2012, "usage": "Sports"},
        ),
    ]


@pytest.mark.parametrize("compressed", [False, True])
def test_details_give_brand_price_description_and_more_attributes(database, directory, compressed):
    content = json.dumps(DETAILS).encode() + b"\n"
    if compressed:
        (directory / "products.jsonl.gz").write_bytes(gzip.compress(content))
    else:
        (directory / "products.jsonl").write_bytes(content)
    import_fashion(database, directory)
    [row] = ask(database, "SELECT brand, price, currency, description, attributes FROM products WHERE sku = %s", "1163")
    assert row == (
        "Nike",
        Decimal("895.00"),
        "INR",
        "Blue jersey",
        {
            "gender": "Men",
            "baseColour": "Blue",
            "season": "Summer",
            "year": 2011,
            "usage": "NA",
            "discountedPrice": 450.5,
            "ageGroup": "Adults-Men",
            "Fit": "Regular Fit",
        },
    )
    assert one(database, "SELECT price IS NULL AND currency IS NULL FROM products WHERE sku = '1164'")


def test_the_currency_is_an_option(database, directory):
    (directory / "products.jsonl").write_text(json.dumps(DETAILS) + "\n")
    import_fashion(database, directory, currency="EUR")
    assert one(database, "SELECT currency FROM products WHERE sku = '1163'") == "EUR"


def test_bad_lines_of_both_files_are_reported_and_the_others_are_imported(database, directory):
    with (directory / "styles.csv").open("a") as file:
        file.write("1165,Men,Apparel,Topwear,Tshirts,Blue,Fall,2011,Sports,A jersey, with a comma\n")
        file.write("1166,Men,Apparel,,Tshirts,Blue,Fall,2011,Sports,No middle\n")
        file.write("1163,Men,Apparel,Topwear,Tshirts,Blue,Fall,2011,Sports,The same again\n")
        file.write("1167,Men,Apparel,Topwear,Tshirts,Blue,Fall,2011,Sports,Good\n")
    (directory / "images" / "1167.jpg").write_bytes(b"GIF89a")
    lines = [
        json.dumps(DETAILS),
        json.dumps({**DETAILS, "brandName": "Second"}),
        "{",
        json.dumps({**DETAILS, "id": 1167, "price": "a lot"}),
    ]
    (directory / "products.jsonl").write_text("\n".join(lines))
    result = import_fashion(database, directory, report=directory / "r.jsonl")
    assert (result.read, result.inserted, result.bad, result.images_bad, result.details_bad) == (6, 3, 3, 1, 3)
    entries = {(entry["file"], entry["line"]): entry for entry in reported(directory / "r.jsonl")}
    expected = {
        ("styles.csv", 4): (None, "11 columns where the header has 10"),
        ("styles.csv", 5): ("subCategory", "is missing"),
        ("styles.csv", 6): ("sku", "the same sku is in line 2"),
        ("styles.csv", 7): ("image", "header of the GIF"),
        ("products.jsonl", 2): ("id", "the same id is in line 1"),
        ("products.jsonl", 3): (None, "not JSON"),
        ("products.jsonl", 4): ("price", "must be a number"),
    }
    assert {key: entry["field"] for key, entry in entries.items()} == {key: want[0] for key, want in expected.items()}
    for key, (_, reason) in expected.items():
        assert reason in entries[key]["reason"]
    assert ask(database, "SELECT sku, brand FROM products ORDER BY 1") == [
        ("1163", "Nike"),
        ("1164", None),
        ("1167", None),
    ]


def test_a_directory_without_styles_or_with_other_columns_is_one_error(database, tmp_path):
    with pytest.raises(InvalidInput, match="no such directory"):
        import_fashion(database, tmp_path / "none")
    (tmp_path / "products.csv").write_text("x\n")
    with pytest.raises(InvalidInput, match=r"has no styles\.csv: it has products\.csv"):
        import_fashion(database, tmp_path)
    (tmp_path / "styles.csv").write_text("id,title\n")
    with pytest.raises(InvalidInput, match=r"no column articleType, masterCategory, .*its columns are id, title"):
        import_fashion(database, tmp_path)


IMPORT = """
import sys
from pathlib import Path
from backend.catalog.importers import import_fashion
from backend.database.connection import Database, with_search_path
from tests.memory import peak_megabytes

result = import_fashion(Database(with_search_path(sys.argv[1])), Path(sys.argv[2]))
print(result.inserted, result.images_inserted, peak_megabytes())
print(*sorted({"torch", "pandas", "sklearn"} & set(sys.modules)))
"""


def test_the_real_catalogue_arrives_whole_in_bounded_memory_and_only_once(database, database_url, fashion):
    command = [sys.executable, "-c", IMPORT, database_url, str(fashion)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout.splitlines()
    inserted, images, megabytes = map(int, output[0].split())
    assert (inserted, images) == (12_000, 11_919)
    assert megabytes < 300
    assert output[1] == "", "an import needs no model"
    assert one(database, "SELECT count(*) FROM products WHERE brand IS NOT NULL AND price IS NOT NULL") == 12_000
    assert one(database, "SELECT count(*) FROM products WHERE attributes->>'usage' = 'NA'") > 0
    assert len(queued(database)) == 12_000
    finish_jobs(database)
    before = state(database)
    again = import_fashion(database, fashion)
    assert (again.unchanged, again.images_unchanged, again.images_missing) == (12_000, 11_919, 81)
    assert state(database) == before
