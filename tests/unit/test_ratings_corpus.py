"""What is read, what is left out, and what titles may say."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.errors import InvalidInput
from backend.ratings.corpus import Example, clean, normalised, ratings_of
from backend.ratings.files import read_file
from backend.ratings.leak import says_rating, strip_rating
from backend.ratings.written import joined, pair


@pytest.mark.parametrize(
    "title",
    ["Five Stars", "five stars!", "1 star", "4/5", "★★★★★", "*****", "Four out of Five Stars", "4.5 stars", "9/10",
     "5 étoiles", "cinco estrellas", "5 Sterne", "3-Star rating", "5 out of 5", "⭐⭐⭐"],
)  # fmt: skip
def test_a_title_that_only_says_the_rating_is_empty_without_it(title: str) -> None:
    assert says_rating(title)
    assert strip_rating(title) == ""


@pytest.mark.parametrize(
    ("title", "left"),
    [
        ("5 stars, but I still prefer my old tuner", "but I still prefer my old tuner"),
        ("A five star product at this price", "A product at this price"),
        ("Great dress - 5/5", "Great dress"),
        ("Solid 5 star product", "Solid product"),
        ("★★★☆☆ runs small", "runs small"),
    ],
)
def test_the_rest_of_a_title_stays(title: str, left: str) -> None:
    assert strip_rating(title) == left
    assert strip_rating(left) == left


@pytest.mark.parametrize(
    "title", ["Rock star!", "star trek villain", "1/5th the price", "Super cute * runs small", "Size 5", "Size 4/6",
              "3 stories", "Starter kit", "2 pairs for 10", "Bought 1/2 price", ""],
)  # fmt: skip
def test_titles_that_say_no_rating_are_left_as_they_are(title: str) -> None:
    assert not says_rating(title)
    assert strip_rating(title) == title


def review(text: str = "a nice dress that fits me well", **parts: object) -> Example:
    return Example(**{"product": "p", "text": text, "rating": 5, **parts})  # type: ignore[arg-type]


def test_what_cannot_be_learnt_from_is_left_out_and_counted() -> None:
    found = clean([review(), review("", title=" "), review("unrated and long enough to be read", rating=None)])
    assert (found.read, len(found.examples), found.blank, found.unrated) == (3, 1, 1, 1)


def test_a_review_without_words_but_with_a_photograph_stays() -> None:
    assert len(clean([review("", image=b"png")] * 2).examples) == 2


def test_a_copy_is_kept_once() -> None:
    copies = [review(), review("A nice DRESS, that fits me -- well!"), review(product="q", rating=1)]
    found = clean(copies)
    assert found.examples == (copies[0],)
    assert found.duplicates == 2


def test_short_texts_of_others_are_no_copies_unless_of_one_product_or_user() -> None:
    found = clean([review("love it", product=name, user=user) for name, user in [("a", "u"), ("b", "v"), ("c", None)]])
    assert found.duplicates == 0
    assert clean([review("love it"), review("Love it!")]).duplicates == 1
    assert clean([review("love it", user="u"), review("love it", product="q", user="u")]).duplicates == 1


def test_titles_are_stripped_and_the_share_is_told() -> None:
    found = clean([review(title="Five Stars"), review("another text that is long enough here", title="Nice")])
    assert [example.title for example in found.examples] == ["", "Nice"]
    assert found.marked_share == 0.5


def test_prediction_reads_no_rating_from_a_title_either() -> None:
    example = Example(product="p", title="Two Stars", text="It broke. ")
    assert pair(example) == ("", "It broke.")
    assert joined(example) == "It broke."
    assert joined(Example(product="p", title="Broken", text="no")) == "Broken. no"


def test_words_are_what_counts_of_a_text() -> None:
    assert normalised("  \uff26ine,\nDRESS!! ") == "fine dress"


def test_an_unrated_review_teaches_nothing() -> None:
    with pytest.raises(InvalidInput, match="no rating"):
        ratings_of([review(rating=None)])


def write(path: Path, text: str) -> Path:
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["r.csv", "r.csv.gz"])
def test_csv_is_read(tmp_path: Path, name: str) -> None:
    rows = "\ufeffreview_id,product_id,rating,title,text,helpful,user_id,date\n"
    rows += '7,NA,4,Nice,"two\nlines",3,u1,2014-02-28\n8,b,,,"",,,\n'
    first, second = read_file(write(tmp_path / name, rows))
    assert first == Example(
        product="NA",
        title="Nice",
        text="two\nlines",
        rating=4,
        review_id="7",
        user="u1",
        helpful_votes=3,
        written_at=datetime(2014, 2, 28, tzinfo=UTC),
    )
    assert second == Example(product="b", review_id="8")


LAYOUTS = {
    "2018": {"asin": "B1", "reviewerID": "A", "overall": 4.0, "summary": "Hi", "reviewText": "ok",
             "unixReviewTime": 1393545600, "vote": "1,204"},
    "2023": {"asin": "B2", "parent_asin": "B1", "user_id": "A", "rating": 4.0, "title": "Hi", "text": "ok",
             "timestamp": 1393545600000, "helpful_vote": 1204},
    "2014": {"asin": "B1", "reviewerID": "A", "overall": 4, "summary": "Hi", "reviewText": "ok",
             "unixReviewTime": 1393545600, "helpful": [1204, 1300]},
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_amazons_layouts_are_read_alike(tmp_path: Path, layout: str) -> None:
    found = read_file(write(tmp_path / "r.jsonl.gz", "\n" + json.dumps(LAYOUTS[layout]) + "\n"))
    time = datetime(2014, 2, 28, tzinfo=UTC)
    assert found == [
        Example(product="B1", title="Hi", text="ok", rating=4, user="A", helpful_votes=1204, written_at=time)
    ]


def test_a_photograph_beside_the_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"png")
    row = {"product": "p", "rating": 1, "image_path": "a.png"}
    assert read_file(write(tmp_path / "r.jsonl", json.dumps(row)))[0].image == b"png"


@pytest.mark.parametrize(
    ("name", "text", "field"),
    [
        ("r.txt", "x", "data"),
        ("r.jsonl", "{", "data"),
        ("r.jsonl", "[1]", "data"),
        ("r.jsonl", '{"rating": 5}', "product"),
        ("r.csv", "sku,rating\na,4.5", "rating"),
        ("r.csv", "sku,rating\na,6", "rating"),
        ("r.csv", "sku,rating\na,good", "rating"),
        ("r.csv", "sku,helpful\na,many", "helpful_votes"),
        ("r.csv", "sku,date\na,soon", "written_at"),
        ("r.csv", "sku,image_path\na,gone.png", "image_path"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, text: str, field: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_file(write(tmp_path / name, text))
    assert raised.value.field == field


def test_reviews_to_predict_need_no_product_and_their_ratings_are_not_looked_at(tmp_path: Path) -> None:
    (found,) = read_file(write(tmp_path / "r.csv", "text,rating\nlovely,none yet"), rated=False)
    assert (found.product, found.text, found.rating) == ("", "lovely", None)


def test_a_file_that_is_not_there_or_no_gzip_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no file"):
        read_file(tmp_path / "none.csv")
    (tmp_path / "r.csv.gz").write_bytes(b"sku\na")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_file(tmp_path / "r.csv.gz")
