"""What the rating predictor reads from the database."""

from datetime import UTC, datetime

from backend.catalog.images import put_image
from backend.catalog.products import ProductData, put_product
from backend.catalog.reviews import ReviewData, add_review
from backend.database.connection import Database
from backend.ratings.corpus import Example, clean, read_database
from tests.pictures import jpeg

WRITTEN = datetime(2024, 5, 31, 12, tzinfo=UTC)


def test_every_review_is_read_with_its_product_and_writer(database: Database) -> None:
    for sku in ("A1", "B2"):
        put_product(database, sku, ProductData(title=f"Dress {sku}"))
    first, second = jpeg(1), jpeg(2)
    put_image(database, "A1", second, position=3)
    put_image(database, "A1", first, position=1)
    said = ReviewData(4, "Four Stars", "It fits.", helpful_votes=3, written_at=WRITTEN, source_id="1")
    add_review(database, "A1", said)
    add_review(database, "B2", ReviewData(1, "", "It broke.", source_id="2"))
    with database.write() as connection:
        connection.execute("UPDATE shelfmate.reviews SET user_id = 'u1' WHERE rating = 4")

    found = read_database(database, images=True)
    identities = [example.review_id for example in found]
    assert found == [
        Example(
            product="A1",
            title="Four Stars",
            text="It fits.",
            rating=4,
            image=first,
            review_id=identities[0],
            user="u1",
            helpful_votes=3,
            written_at=WRITTEN,
        ),
        Example(product="B2", text="It broke.", rating=1, review_id=identities[1]),
    ]
    assert [example.image for example in read_database(database)] == [None, None]
    assert [example.title for example in clean(found).examples] == ["", ""]
