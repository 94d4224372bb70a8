"""Reviews from CSV and JSON Lines."""

from datetime import UTC, datetime

import pytest
from import_fixtures import ask, finish_jobs, one, reported, state, write_csv, write_jsonl

from backend.catalog.importers import import_products, import_reviews
from backend.catalog.reviews import ReviewData, add_review
from backend.errors import InvalidInput

REVIEW = {
    "id": "r1",
    "sku": "A1",
    "rating": "5",
    "title": "Good",
    "body": "Fits well",
    "author": "Kim",
    "user_id": "u7",
    "helpful_votes": "3",
    "verified": "yes",
    "written_at": "2024-05-31",
    "colour": "red",
}
STORED = "SELECT rating, title, body, author, user_id, helpful_votes, verified, written_at FROM reviews ORDER BY id"
WOMENS = {"sku": "product_id", "body": "text", "helpful_votes": "helpful", "id": "review_id"}
AMAZON = {
    "sku": "product_id",
    "body": "text",
    "helpful_votes": "helpful",
    "author": "user_id",
    "written_at": "date",
}


@pytest.fixture
def shop(database, tmp_path):
    """A database with the products A1 and A2."""
    import_products(database, write_csv(tmp_path / "p.csv", [{"sku": sku, "title": "T"} for sku in ("A1", "A2")]))
    finish_jobs(database)
    return database


def test_every_field_arrives(shop, tmp_path):
    result = import_reviews(shop, write_csv(tmp_path / "r.csv", [REVIEW]))
    assert (result.read, result.inserted, result.bad) == (1, 1, 0)
    assert ask(shop, STORED) == [(5, "Good", "Fits well", "Kim", "u7", 3, True, datetime(2024, 5, 31, tzinfo=UTC))]


def test_json_lines_and_mapped_columns(shop, tmp_path):
    row = {"asin": "A2", "overall": 4.0, "reviewText": "Fine", "unixReviewTime": 1393545600, "helpful": [13, 14]}
    columns = {
        "sku": "asin",
        "rating": "overall",
        "body": "reviewText",
        "written_at": "unixReviewTime",
        "helpful_votes": "helpful",
    }
    import_reviews(shop, write_jsonl(tmp_path / "r.jsonl", [row]), columns=columns)
    assert ask(shop, STORED) == [(4, "", "Fine", None, None, 13, False, datetime(2014, 2, 28, tzinfo=UTC))]


def test_the_same_file_again_writes_nothing(shop, tmp_path):
    rows = [{**REVIEW, "id": f"r{number}", "sku": f"A{number % 2 + 1}"} for number in range(20)]
    path = write_csv(tmp_path / "r.csv", rows)
    assert import_reviews(shop, path).inserted == 20
    before = state(shop)
    again = import_reviews(shop, path)
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 20)
    assert state(shop) == before


def test_a_review_with_an_id_is_updated_and_one_without_is_known_by_what_it_says(shop, tmp_path):
    import_reviews(shop, write_csv(tmp_path / "r.csv", [REVIEW]))
    assert import_reviews(shop, write_csv(tmp_path / "r.csv", [{**REVIEW, "body": "Shrank"}])).updated == 1
    assert [row[2] for row in ask(shop, STORED)] == ["Shrank"]
    said = {key: value for key, value in REVIEW.items() if key != "id"}
    import_reviews(shop, write_csv(tmp_path / "s.csv", [said]))
    more = import_reviews(shop, write_csv(tmp_path / "s.csv", [{**said, "helpful_votes": "9"}]))
    assert (more.inserted, more.updated) == (0, 1)
    assert import_reviews(shop, write_csv(tmp_path / "s.csv", [{**said, "body": "Other"}])).inserted == 1
    assert [row[2] for row in ask(shop, STORED)] == ["Shrank", "Fits well", "Other"]


def test_what_a_file_does_not_have_stays(shop, tmp_path):
    import_reviews(shop, write_csv(tmp_path / "r.csv", [REVIEW]))
    row = {"id": "r1", "sku": "A1", "rating": "4", "author": "", "verified": ""}
    import_reviews(shop, write_csv(tmp_path / "s.csv", [row]))
    assert ask(shop, STORED) == [(4, "Good", "Fits well", None, "u7", 3, True, datetime(2024, 5, 31, tzinfo=UTC))]


def test_a_review_that_came_by_the_other_door_is_the_same(shop, tmp_path):
    add_review(shop, "A1", ReviewData(rating=5, title="Good", body="Fits well", source_id="r1"))
    row = {"id": "r1", "sku": "A1", "rating": "5", "title": "Good", "body": "Fits well"}
    assert import_reviews(shop, write_csv(tmp_path / "r.csv", [row])).unchanged == 1


BAD = [
    ({"rating": "4.5"}, "rating", "from 1 to 5"),
    ({"rating": ""}, "rating", "is missing"),
    ({"sku": "Z9"}, "sku", "no such product"),
    ({"helpful_votes": "-1"}, "helpful_votes", "must be a whole number"),
    ({"verified": "perhaps"}, "verified", "true or false"),
    ({"written_at": "soon"}, "written_at", "date or time"),
    ({"body": "a\0b"}, "body", "NUL"),
    ({"id": "good0"}, None, "the same review is in line 2"),
]


def test_bad_lines_are_reported_and_the_others_are_imported(shop, tmp_path):
    rows = [{**REVIEW, "id": "good0"}]
    for number, (changed, _, _) in enumerate(BAD, 1):
        rows += [{**REVIEW, "id": f"bad{number}", **changed}, {**REVIEW, "id": f"good{number}"}]
    result = import_reviews(shop, write_csv(tmp_path / "r.csv", rows), report=tmp_path / "report.jsonl")
    assert (result.read, result.inserted, result.bad) == (len(rows), len(BAD) + 1, len(BAD))
    entries = sorted(reported(tmp_path / "report.jsonl"), key=lambda entry: entry["line"])
    assert [(entry["line"], entry["field"]) for entry in entries] == [
        (1 + 2 * number, field) for number, (_, field, _) in enumerate(BAD, 1)
    ]
    for entry, (_, _, reason) in zip(entries, BAD, strict=True):
        assert reason in entry["reason"]


def test_unknown_products_are_made_when_asked_for(shop, tmp_path):
    rows = [{**REVIEW, "id": f"r{number}", "sku": sku} for number, sku in enumerate(("Z9", "A1", "Z9", "Z8"))]
    path = write_csv(tmp_path / "r.csv", rows)
    result = import_reviews(shop, path, create_products=True)
    assert (result.inserted, result.products_created, result.bad) == (4, 2, 0)
    assert ask(shop, "SELECT sku, title FROM products ORDER BY 1") == [
        ("A1", "T"),
        ("A2", "T"),
        ("Z8", "Z8"),
        ("Z9", "Z9"),
    ]
    again = import_reviews(shop, path, create_products=True)
    assert (again.unchanged, again.products_created) == (4, 0)


def test_a_header_that_does_not_fit_is_one_error(shop, tmp_path):
    path = write_csv(tmp_path / "r.csv", [{"product_id": "A1", "stars": "5"}])
    with pytest.raises(InvalidInput, match="no column for sku, rating; its columns are product_id, stars"):
        import_reviews(shop, path)


@pytest.mark.parametrize(
    ("name", "columns", "reviews", "products", "mean"),
    [
        ("womens_clothing.csv.gz", WOMENS, 16_256, 844, 4.2),
        ("amazon_musical_instruments_5core.csv.gz", AMAZON, 10_261, 900, 4.5),
    ],
)
def test_real_reviews(database, fashion, name, columns, reviews, products, mean):
    path = fashion.parent / "reviews" / name
    result = import_reviews(database, path, columns=columns, create_products=True)
    assert (result.inserted, result.products_created, result.bad) == (reviews, products, 0)
    assert float(one(database, "SELECT avg(rating) FROM reviews")) == pytest.approx(mean, abs=0.1)
    before = state(database)
    again = import_reviews(database, path, columns=columns, create_products=True)
    assert again.unchanged == reviews
    assert state(database) == before
