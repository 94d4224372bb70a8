"""Single values of Amazon's files."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalog.importers import amazon_reviews
from backend.catalog.importers.amazon_images import best_address
from backend.catalog.importers.amazon_lines import plain, plain_line, read_published
from backend.catalog.importers.amazon_products import PublishedProduct, read_product
from backend.catalog.importers.amazon_reviews import PublishedReview, read_review
from backend.catalog.importers.records import Record, read_json_line
from backend.catalog.importers.result import Problem
from backend.catalog.reviews import said_fingerprint
from backend.errors import InvalidInput

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3),
    max_leaves=6,
)
KEYS = [
    "asin",
    "parent_asin",
    "overall",
    "rating",
    "reviewerID",
    "user_id",
    "reviewText",
    "text",
    "title",
    "summary",
    "vote",
    "helpful",
    "helpful_vote",
    "verified",
    "unixReviewTime",
    "reviewTime",
    "timestamp",
    "reviewerName",
    "price",
    "images",
    "imageURL",
    "categories",
    "category",
    "description",
    "features",
    "details",
    "store",
    "brand",
    "main_category",
    "average_rating",
]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a &amp; b &#34;c&#34;", 'a & b "c"'),
        ("one<br />two<BR>three", "one\ntwo\nthree"),
        ('<a href="x">link</a> <b>bold</b>', "link bold"),
        ("I <3 it, 2 < 3 > 1", "I <3 it, 2 < 3 > 1"),
        ("&lt;b&gt;", ""),
    ],
)
def test_a_text_is_as_a_person_reads_it(written, read):
    assert plain(written) == read


def test_a_title_is_one_line_without_doubled_blanks():
    assert plain_line("  a <br> b\t\tc ") == "a b c"


@given(st.text(), st.text(), st.text(), st.integers(1, 5), st.none() | st.text())
def test_the_fingerprint_is_of_what_json_writes(writer, title, body, rating, written):
    import hashlib

    expected = hashlib.sha256(json.dumps([writer, title, body, rating, written]).encode()).digest()
    assert said_fingerprint(writer, title, body, rating, written) == expected


@given(st.dictionaries(st.sampled_from(KEYS), JSON))
def test_whatever_a_line_holds_it_is_a_row_or_a_problem(values):
    record = Record(1, values, 10)
    review = read_review(record, "f")
    assert isinstance(review, PublishedReview) or (review and all(isinstance(item, Problem) for item in review))
    product = read_product(record, "f", "USD")
    assert isinstance(product, PublishedProduct) or (product and all(isinstance(item, Problem) for item in product))


@given(JSON)
def test_an_address_is_found_or_refused(value):
    try:
        found = best_address(value)
    except InvalidInput:
        return
    assert found is None or found.startswith("http")


@pytest.mark.parametrize(
    ("images", "best"),
    [
        ([{"large": "https://i/l", "hi_res": "https://i/h", "thumb": "https://i/t", "variant": "PT01"}], "https://i/h"),
        ([{"hi_res": "https://i/1", "variant": "PT01"}, {"large": "https://i/2", "variant": "MAIN"}], "https://i/2"),
        ([{"thumb": "https://i/1", "variant": "PT01"}, {"variant": "MAIN"}], "https://i/1"),
        ({"hi_res": [None, "https://i/2"], "large": ["https://i/1", ""], "variant": ["PT01", "MAIN"]}, "https://i/2"),
        (["https://i/1", "https://i/2"], "https://i/1"),
        ("http://i/1", "http://i/1"),
        ("//i/1", "https://i/1"),
        ([], None),
        ([{"hi_res": None}], None),
    ],
)
def test_the_main_photograph_is_fetched_in_its_largest_size(images, best):
    assert best_address(images) == best


@pytest.mark.parametrize("images", [7, ["ftp://i/1"], [{"large": "javascript:alert(1)"}], ["http://i/a b"], [9]])
def test_what_is_no_address_is_refused(images):
    with pytest.raises(InvalidInput):
        best_address(images)


@pytest.mark.parametrize(
    ("price", "stored"),
    [
        ("$1,299.99", "1299.99"),
        ("$9.99 - $19.99", "9.99"),
        ("from 5.00", "5.00"),
        (12.5, "12.5"),
        ("—", "None"),
        ("None", "None"),
        (None, "None"),
    ],
)
def test_prices_as_they_are_published(price, stored):
    product = read_product(Record(1, {"asin": "B1", "price": price}, 1), "f", "USD")
    assert str(product.row.price) == stored
    assert product.left_out == []
    assert product.row.currency == (None if stored == "None" else "USD")


def test_the_text_of_a_python_dict_is_read_and_nothing_in_it_is_run():
    assert read_published("{'asin': 'B1', 'title': u'x', 'ok': True, 'path': 'a\\/b'}") == {
        "asin": "B1",
        "title": "x",
        "ok": True,
        "path": "a\\/b",
    }
    for text in ("{'a': __import__('os').getpid()}", "{'a': 1", "{'a': " + "(" * 5000):
        with pytest.raises((ValueError, RecursionError)):
            read_published(text)


USUAL = {
    "rating": 4.0,
    "title": "Fine",
    "text": "Works",
    "images": [],
    "asin": "B1",
    "parent_asin": "B2",
    "user_id": "AE7",
    "timestamp": 1_677_938_767_351,
    "helpful_vote": 3,
    "verified_purchase": True,
}
ODD = st.sampled_from(
    [
        None,
        "",
        "x",
        "a b",
        "a&amp;b",
        "1<br>2",
        "caf\u00e9",
        "a\0b",
        "\ud800",
        "B/1",
        "B" * 201,
        "7",
        "4.0",
        "[2, 3]",
        True,
        False,
        0,
        1,
        5,
        6,
        -1,
        2**31,
        10**13,
        10**20,
        -5.0,
        2.5,
        5.0,
        float("inf"),
        [],
        {},
    ]
)


@given(st.dictionaries(st.sampled_from([*USUAL, "overall", "reviewText", "reviewerID"]), ODD, max_size=4))
def test_a_usual_line_is_read_as_any_other_is(changes):
    record = Record(7, USUAL | changes, 100)
    quick = read_review(record, "f")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(amazon_reviews, "_quick", lambda _values: None)
        assert read_review(record, "f") == quick


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "  \n", "\t\r\n"])
@pytest.mark.parametrize("start", ["", " ", "\t"])
def test_blanks_around_a_line_of_json_are_nothing(start, end):
    assert read_json_line(f'{start}{{"a": [1]}}{end}') == {"a": [1]}


@pytest.mark.parametrize("text", ['{"a": 1} x', '{"a": 1}{', '{"a": 1', "x", '{"a": NaN}'])
def test_what_is_no_json_is_told_as_json_tells_it(text):
    with pytest.raises(ValueError) as told:
        read_json_line(text)
    with pytest.raises(ValueError) as expected:
        json.loads(text, parse_constant=lambda name: (_ for _ in ()).throw(ValueError(f"{name} is not a JSON value")))
    assert str(told.value) == str(expected.value)
