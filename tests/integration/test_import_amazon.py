"""Amazon's published reviews and products, of 2018 and of 2023."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from import_fixtures import ask, finish_jobs, one, queued, reported, state, write_jsonl

from backend.catalog.importers import import_amazon, import_products, import_reviews
from backend.catalog.reviews import ReviewData, add_review
from backend.errors import InvalidInput
from benchmarks._made_reviews import review_lines

OF_2018 = {
    "overall": 5.0,
    "vote": "1,234",
    "verified": True,
    "reviewTime": "05 31, 2014",
    "reviewerID": "A1X",
    "asin": "B1",
    "style": {"Color:": " Red"},
    "reviewerName": "Ann",
    "reviewText": 'Fits my 12" case.<br />It&#39;s good\tand cheap \\o/',
    "summary": "Good &amp; cheap",
    "unixReviewTime": 1401494400,
    "image": ["https://images.example/r.jpg"],
}
OF_2023 = {
    "rating": 4.0,
    "title": "Fine",
    "text": "Works",
    "images": [],
    "asin": "B2V",
    "parent_asin": "B2",
    "user_id": "AE7",
    "timestamp": 1677938767351,
    "helpful_vote": 3,
    "verified_purchase": False,
}
META_2023 = {
    "main_category": "All Beauty",
    "title": "Hair &amp; Spray",
    "average_rating": 4.8,
    "rating_number": 10,
    "features": ["Holds all day", "Smells of nothing"],
    "description": ["A spray.<br>For hair.", "Holds all day"],
    "price": 12.99,
    "images": [
        {"thumb": "https://i.example/t1", "large": "https://i.example/l1", "hi_res": None, "variant": "PT01"},
        {
            "thumb": "https://i.example/t2",
            "large": "https://i.example/l2",
            "variant": "MAIN",
            "hi_res": "https://i.example/h2",
        },
    ],
    "videos": [],
    "store": "Sprayer",
    "categories": ["Beauty", "Hair/Styling"],
    "details": {"Scent": "None", "Item Weight": "3 oz"},
    "parent_asin": "B2",
    "bought_together": None,
}
META_2018 = {
    "asin": "B1",
    "title": "Phone case",
    "description": ["Protects."],
    "feature": ["Red"],
    "price": "$9.99 - $19.99",
    "brand": "Caser",
    "category": ["Phones", "Cases", "</span></span>"],
    "imageURL": ["https://i.example/small.jpg"],
    "imageURLHighRes": ["https://i.example/big.jpg"],
    "also_buy": ["B9"],
}
STORED = (
    "SELECT p.sku, r.rating, r.title, r.body, r.author, r.user_id, r.helpful_votes, r.verified, r.written_at"
    " FROM reviews r JOIN products p ON p.id = r.product_id ORDER BY p.sku, r.id"
)


def test_both_layouts_in_one_file(database, tmp_path):
    result = import_amazon(database, reviews=write_jsonl(tmp_path / "r.json", [OF_2018, OF_2023]))
    assert result.products is None
    assert (result.reviews.read, result.reviews.inserted, result.reviews.products_created) == (2, 2, 2)
    assert ask(database, STORED) == [
        (
            "B1",
            5,
            "Good & cheap",
            "Fits my 12\" case.\nIt's good\tand cheap \\o/",
            "Ann",
            "A1X",
            1234,
            True,
            datetime(2014, 5, 31, tzinfo=UTC),
        ),
        ("B2", 4, "Fine", "Works", None, "AE7", 3, False, datetime(2023, 3, 4, 14, 6, 7, 351000, tzinfo=UTC)),
    ]
    assert ask(database, "SELECT sku, title, rating, review_count FROM products ORDER BY sku") == [
        ("B1", "B1", 5, 1),
        ("B2", "B2", 4, 1),
    ]


def test_a_compressed_file_and_one_of_python_dicts(database, tmp_path):
    packed = tmp_path / "Beauty.jsonl.gz"
    packed.write_bytes(gzip.compress((json.dumps(OF_2023) + "\n").encode()))
    assert import_amazon(database, reviews=packed).reviews.inserted == 1
    dicts = tmp_path / "reviews_2014.json"
    dicts.write_text(f"{ {**OF_2018, 'helpful': [2, 3], 'vote': None}!r}\n")
    assert import_amazon(database, reviews=dicts).reviews.inserted == 1
    assert one(database, "SELECT helpful_votes FROM reviews WHERE user_id = 'A1X'") == 2


def test_products_come_first_and_are_joined_on_the_parent(database, tmp_path):
    reviews = write_jsonl(tmp_path / "r.jsonl", [OF_2018, OF_2023])
    meta = write_jsonl(tmp_path / "m.jsonl", [META_2018, META_2023])
    result = import_amazon(database, reviews=reviews, meta=meta)
    assert (result.products.inserted, result.products.bad, result.products.details_bad) == (2, 0, 0)
    assert (result.reviews.inserted, result.reviews.products_created) == (2, 0)
    columns = "sku, title, description, brand, category, price::text, currency, attributes, review_count"
    assert ask(database, f"SELECT {columns} FROM products ORDER BY sku") == [
        ("B1", "Phone case", "Protects.\nRed", "Caser", "Phones/Cases", "9.99", "USD", {}, 1),
        (
            "B2",
            "Hair & Spray",
            "A spray.\nFor hair.\nHolds all day\nSmells of nothing",
            "Sprayer",
            "Beauty/Hair-Styling",
            "12.99",
            "USD",
            {
                "main_category": "All Beauty",
                "average_rating": 4.8,
                "rating_number": 10,
                "Scent": "None",
                "Item Weight": "3 oz",
            },
            1,
        ),
    ]
    assert ask(database, "SELECT url, state FROM image_downloads ORDER BY product_id") == [
        ("https://i.example/big.jpg", "waiting"),
        ("https://i.example/h2", "waiting"),
    ]


def test_the_same_files_again_write_nothing(database, tmp_path):
    reviews = write_jsonl(tmp_path / "r.jsonl", [OF_2018, OF_2023, {**OF_2023, "helpful_vote": 9}, OF_2018])
    meta = write_jsonl(tmp_path / "m.jsonl", [META_2018, META_2023])
    first = import_amazon(database, reviews=reviews, meta=meta)
    assert (first.reviews.inserted, first.reviews.unchanged) == (2, 2)
    before = state(database), ask(database, "SELECT ctid::text, xmin::text, d.* FROM image_downloads d ORDER BY 1")
    again = import_amazon(database, reviews=reviews, meta=meta)
    assert (again.products.unchanged, again.reviews.unchanged) == (2, 4)
    assert before == (
        state(database),
        ask(database, "SELECT ctid::text, xmin::text, d.* FROM image_downloads d ORDER BY 1"),
    )


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_a_review_said_more_than_once_has_its_most_votes_in_any_order_and_chunk(database, tmp_path, monkeypatch, chunk):
    monkeypatch.setattr("backend.catalog.importers.amazon.MOST_ROWS", chunk)
    times = [{**OF_2023, "helpful_vote": votes, "verified_purchase": votes == 2} for votes in (2, 7, 5)]
    import_amazon(database, reviews=write_jsonl(tmp_path / "r.jsonl", times))
    votes = "SELECT helpful_votes, verified FROM reviews"
    assert ask(database, votes) == [(7, True)]
    again = import_amazon(database, reviews=write_jsonl(tmp_path / "r.jsonl", times[::-1])).reviews
    assert (again.updated, again.unchanged) == (0, 3)
    more = import_amazon(database, reviews=write_jsonl(tmp_path / "r.jsonl", [{**OF_2023, "helpful_vote": 8}])).reviews
    assert (more.inserted, more.updated) == (0, 1)
    assert ask(database, votes) == [(8, True)]


def test_two_writers_of_the_same_words_are_two_reviews(database, tmp_path):
    rows = [{**OF_2018, "reviewerID": user, "reviewerName": "Ann"} for user in ("U1", "U2")]
    assert import_amazon(database, reviews=write_jsonl(tmp_path / "r.jsonl", rows)).reviews.inserted == 2


def test_a_review_that_came_by_another_door_is_the_same_one(database, tmp_path):
    import_amazon(database, reviews=write_jsonl(tmp_path / "r.jsonl", [OF_2023]))
    columns = {
        "sku": "parent_asin",
        "body": "text",
        "written_at": "timestamp",
        "helpful_votes": "helpful_vote",
        "verified": "verified_purchase",
    }
    again = import_reviews(database, tmp_path / "r.jsonl", columns=columns)
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 1)
    when = datetime.fromtimestamp(OF_2023["timestamp"] / 1000, UTC)
    said = ReviewData(rating=4, title="Fine", body="Works", user_id="AE7", written_at=when)
    assert add_review(database, "B2", said)[1] is False


def test_bad_lines_are_reported_and_nothing_else_is_lost(database, tmp_path):
    path = tmp_path / "r.jsonl"
    good = json.dumps(OF_2023)
    bad = [
        '{"rating": 4.0, "parent_a',
        json.dumps({**OF_2023, "rating": 6.0}),
        json.dumps({key: value for key, value in OF_2023.items() if key != "rating"}),
        json.dumps({**OF_2018, "asin": "a/b", "vote": "many"}),
        json.dumps(META_2023),
        json.dumps({"x": 1}),
        json.dumps({**OF_2023, "text": "a\0b"}),
        json.dumps({**OF_2023, "timestamp": "yesterday"}),
        "{'overall': open('x')}",
        json.dumps({**OF_2018, "overall": "", "asin": None}),
    ]
    path.write_text("\n".join([*bad, good]) + "\n")
    report = tmp_path / "bad.jsonl"
    result = import_amazon(database, reviews=path, report=report).reviews
    assert (result.read, result.inserted, result.bad) == (11, 1, 10)
    found = [(entry["line"], entry["field"]) for entry in reported(report)]
    assert found == [
        (1, None),
        (2, "rating"),
        (3, "rating"),
        (4, "asin"),
        (4, "vote"),
        (5, None),
        (6, None),
        (7, "text"),
        (8, "timestamp"),
        (9, None),
        (10, "asin"),
        (10, "overall"),
    ]
    reasons = {entry["line"]: entry["reason"] for entry in reported(report)}
    assert "--meta" in reasons[5]
    assert "parent_asin" in reasons[6]


def test_of_a_product_what_cannot_be_used_is_left_out_and_the_rest_goes_in(database, tmp_path):
    rows = [
        {**META_2018, "price": ".a-box-inner{background-color:#fff}"},
        {**META_2023, "images": 7, "details": ["x"], "title": None},
        {**META_2023, "title": "Again"},
        OF_2023,
        {"title": "No asin"},
    ]
    report = tmp_path / "bad.jsonl"
    result = import_amazon(database, meta=write_jsonl(tmp_path / "m.jsonl", rows), report=report).products
    assert (result.read, result.inserted, result.bad, result.details_bad) == (5, 2, 3, 3)
    # What is wrong with a whole line is known before its chunk is stored.
    assert sorted((entry["line"], entry["field"] or "") for entry in reported(report)) == [
        (1, "price"),
        (2, "details"),
        (2, "images"),
        (3, "sku"),
        (4, ""),
        (5, ""),
    ]
    assert ask(database, "SELECT sku, title, price FROM products ORDER BY sku") == [
        ("B1", "Phone case", None),
        ("B2", "B2", Decimal("12.99")),
    ]


def test_metadata_that_comes_later_names_the_product_and_clears_nothing(database, tmp_path):
    import_amazon(database, reviews=write_jsonl(tmp_path / "r.jsonl", [OF_2023]))
    with database.write() as connection:
        connection.execute("UPDATE products SET variant_group = 'g', attributes = '{\"season\": \"Fall\"}'")
    finish_jobs(database)
    bare = {"parent_asin": "B2", "title": "Spray", "price": None, "description": [], "store": None}
    assert import_amazon(database, meta=write_jsonl(tmp_path / "m.jsonl", [bare])).products.updated == 1
    assert ask(database, "SELECT title, variant_group, attributes FROM products") == [
        ("Spray", "g", {"season": "Fall"})
    ]
    assert queued(database) == ["B2"]
    # A later line of metadata without a title takes none away.
    import_amazon(database, meta=write_jsonl(tmp_path / "n.jsonl", [{**bare, "title": "", "store": "S"}]))
    assert ask(database, "SELECT title, brand FROM products") == [("Spray", "S")]


def test_another_address_of_a_photograph_is_to_be_fetched_again(database, tmp_path):
    import_amazon(database, meta=write_jsonl(tmp_path / "m.jsonl", [META_2018]))
    with database.write() as connection:
        connection.execute("UPDATE image_downloads SET state = 'refused', reason = 'HTTP 404', attempts = 1")
    import_amazon(database, meta=write_jsonl(tmp_path / "m.jsonl", [META_2018]))
    assert ask(database, "SELECT state, attempts FROM image_downloads") == [("refused", 1)]
    other = {**META_2018, "imageURLHighRes": ["https://i.example/other.jpg"]}
    import_amazon(database, meta=write_jsonl(tmp_path / "m.jsonl", [other]))
    assert ask(database, "SELECT url, state, attempts, reason FROM image_downloads") == [
        ("https://i.example/other.jpg", "waiting", 0, None)
    ]


def test_what_cannot_work_is_said_before_anything_is_imported(database, tmp_path):
    meta = write_jsonl(tmp_path / "m.jsonl", [META_2018])
    with pytest.raises(InvalidInput, match="name a file"):
        import_amazon(database)
    with pytest.raises(InvalidInput, match="No such file"):
        import_amazon(database, meta=meta, reviews=tmp_path / "none.jsonl")
    with pytest.raises(InvalidInput, match="currency"):
        import_amazon(database, meta=meta, currency="dollars")
    assert one(database, "SELECT count(*) FROM products") == 0


def test_a_damaged_file_keeps_what_came_before(database, tmp_path):
    lines = "".join(review_lines(3000, products=50, users=300))
    packed = gzip.compress(lines.encode())
    path = tmp_path / "r.jsonl.gz"
    path.write_bytes(packed[: len(packed) * 2 // 3])
    with pytest.raises(InvalidInput, match=r"is damaged after line"):
        import_amazon(database, reviews=path)
    assert one(database, "SELECT count(*) FROM reviews") > 1000


def test_one_value_that_the_database_refuses_costs_its_own_line_alone(database, tmp_path):
    # The category of a product is no part of a review: a check of the table stands in for a refusal.
    with database.write() as connection:
        connection.execute("ALTER TABLE reviews ADD CHECK (body <> 'refuse me')")
    rows = [{**OF_2023, "user_id": f"U{number}"} for number in range(40)]
    rows[17]["text"] = "refuse me"
    report = tmp_path / "bad.jsonl"
    result = import_amazon(database, reviews=write_jsonl(tmp_path / "r.jsonl", rows), report=report).reviews
    assert (result.inserted, result.bad) == (39, 1)
    assert [entry["line"] for entry in reported(report)] == [18]
    assert one(database, "SELECT review_count FROM products") == 39


def test_every_line_of_a_refused_review_is_reported(database, tmp_path):
    with database.write() as connection:
        connection.execute("ALTER TABLE reviews ADD CHECK (body <> 'refuse me')")
    bad = {**OF_2023, "text": "refuse me"}
    rows = [OF_2023, bad, OF_2023, {**bad, "helpful_vote": 50}, bad]
    report = tmp_path / "bad.jsonl"
    result = import_amazon(database, reviews=write_jsonl(tmp_path / "r.jsonl", rows), report=report).reviews
    assert (result.read, result.inserted, result.unchanged, result.bad) == (5, 1, 1, 3)
    assert sorted(entry["line"] for entry in reported(report)) == [2, 4, 5]


def test_a_file_read_by_a_process_of_its_own_gives_the_same(database, tmp_path, monkeypatch):
    path = tmp_path / "r.jsonl"
    path.write_text("".join(review_lines(3000, products=100, users=300)))
    seen = []
    monkeypatch.setattr("backend.catalog.importers.amazon.MOST_ROWS", 200)
    here = import_amazon(database, reviews=path, report=tmp_path / "here.jsonl").reviews
    stored = ask(database, STORED)
    with database.write() as connection:
        connection.execute("TRUNCATE products CASCADE")
    monkeypatch.setattr("backend.catalog.importers.amazon.APART_FROM", 0)
    apart = import_amazon(database, reviews=path, report=tmp_path / "apart.jsonl", progress=seen.append).reviews
    assert apart.inserted == here.inserted > 2900
    assert reported(tmp_path / "apart.jsonl") == reported(tmp_path / "here.jsonl")
    assert sorted(ask(database, STORED), key=str) == sorted(stored, key=str)
    assert (seen[-1].position, seen[-1].size) == (path.stat().st_size, path.stat().st_size)
    assert len(seen) > 10
    assert [step.position for step in seen] == sorted(step.position for step in seen)
    before = state(database)
    assert import_amazon(database, reviews=path).reviews.unchanged == here.inserted + here.unchanged
    assert state(database) == before


def test_a_ctrl_c_ends_the_statements_and_the_reader_and_the_file_goes_in_afterwards(database, tmp_path, monkeypatch):
    path = tmp_path / "r.jsonl"
    path.write_text("".join(review_lines(3000, products=100, users=300)))
    monkeypatch.setattr("backend.catalog.importers.amazon.APART_FROM", 0)
    monkeypatch.setattr("backend.catalog.importers.amazon.MOST_ROWS", 200)

    def interrupt(_progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_amazon(database, reviews=path, progress=interrupt)
    stored = one(database, "SELECT count(*) FROM reviews")
    assert 0 < stored < 2500
    again = import_amazon(database, reviews=path).reviews
    assert again.inserted + stored == one(database, "SELECT count(*) FROM reviews") > 2900
    counted = "SELECT count(*) FROM reviews r WHERE r.product_id = p.id"
    assert one(database, f"SELECT count(*) FROM products p WHERE review_count <> ({counted})") == 0


def test_products_that_exist_are_not_made_anew(database, tmp_path):
    import_products(database, write_jsonl(tmp_path / "p.jsonl", [{"sku": "B1", "title": "Case"}]))
    result = import_amazon(database, reviews=write_jsonl(tmp_path / "r.jsonl", [OF_2018])).reviews
    assert result.products_created == 0
    assert one(database, "SELECT title FROM products") == "Case"
