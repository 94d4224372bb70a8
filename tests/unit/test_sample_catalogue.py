"""The sample catalogue: what it promises about its products, as data."""

import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

import pytest

from backend.catalog.sample import SampleProduct, generate
from backend.catalog.sample.kinds import KINDS
from backend.errors import InvalidInput


@pytest.fixture(scope="module")
def unpictured() -> list[SampleProduct]:
    """The default catalogue without its pictures, which make nearly all the work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backend.catalog.sample.catalogue._photograph", lambda *_: b"picture")
        return list(generate())


def test_default_catalogue_has_a_thousand_products_or_more_in_twelve_leaf_categories_or_more(
    unpictured: list[SampleProduct],
) -> None:
    per_category = Counter(product.category for product in unpictured)
    assert len(unpictured) >= 1000
    assert len(per_category) == len(KINDS) >= 12
    assert min(per_category.values()) >= 10
    assert all(len(category.split("/")) == 3 for category in per_category)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_as_many_products_come_as_were_asked_for(count: int) -> None:
    assert len(list(generate(products=count))) == count


def test_a_negative_number_of_products_is_refused_at_once() -> None:
    with pytest.raises(InvalidInput, match="-1"):
        generate(products=-1)


def test_skus_are_unique(unpictured: list[SampleProduct]) -> None:
    assert len({product.sku for product in unpictured}) == len(unpictured)


def test_prices_are_positive_euros_with_two_decimals_at_most(unpictured: list[SampleProduct]) -> None:
    for product in unpictured:
        assert product.price > 0
        assert product.price == round(product.price, 2)
        assert product.currency == "EUR"


def test_titles_name_brand_and_colour_and_no_template_is_left_open(unpictured: list[SampleProduct]) -> None:
    for product in unpictured:
        assert product.title.startswith(product.brand)
        assert product.title.endswith(f" in {product.attributes['colour']}")
        assert "{" not in product.title + product.description
        assert "  " not in product.title + product.description


def test_descriptions_are_long_and_name_colour_and_material(unpictured: list[SampleProduct]) -> None:
    for product in unpictured:
        assert len(product.description) > 60
        assert str(product.attributes["colour"]).lower() in product.description
        assert str(product.attributes["material"]) in product.description


def test_descriptions_differ_between_designs(unpictured: list[SampleProduct]) -> None:
    designs = {product.variant_group or product.sku: product.description for product in unpictured}
    assert len(set(designs.values())) > 0.99 * len(designs)


def test_variants_share_all_but_the_colour(unpictured: list[SampleProduct]) -> None:
    groups = defaultdict(list)
    for product in unpictured[:-10]:  # the last family may be cut short
        if product.variant_group is not None:
            groups[product.variant_group].append(product)
    assert len(groups) > 100
    for variants in groups.values():
        assert len({v.attributes["colour"] for v in variants}) == len(variants)
        assert len({(v.brand, v.category, v.price, v.attributes["pattern"]) for v in variants}) == 1
    assert sum(len(variants) > 1 for variants in groups.values()) >= len(groups) - 1


def test_about_one_product_in_a_hundred_has_no_picture(unpictured: list[SampleProduct]) -> None:
    without = sum(product.image is None for product in unpictured)
    assert 0.003 < without / len(unpictured) < 0.03


def test_most_but_not_all_products_are_in_stock(unpictured: list[SampleProduct]) -> None:
    assert 0.85 < sum(product.in_stock for product in unpictured) / len(unpictured) < 0.98


def test_reviews_have_one_to_five_stars_and_are_mostly_good(unpictured: list[SampleProduct]) -> None:
    stars = Counter(review.rating for product in unpictured for review in product.reviews)
    assert set(stars) == {1, 2, 3, 4, 5}
    assert stars[4] + stars[5] > 0.65 * stars.total()
    assert {len(product.reviews) for product in unpictured} == set(range(13))


def test_reviews_are_filled_in_timed_in_utc_and_seldom_alike(unpictured: list[SampleProduct]) -> None:
    reviews = [review for product in unpictured for review in product.reviews]
    for review in reviews:
        assert review.created_at.utcoffset() == timedelta(0)
        assert review.helpful_votes >= 0
        assert "{" not in review.title + review.body
        assert len(review.body) > 10
    assert len({review.body for review in reviews}) > 0.9 * len(reviews)


def test_words_of_a_review_agree_with_its_stars(unpictured: list[SampleProduct]) -> None:
    for product in unpictured:
        for review in product.reviews:
            good = any(word in review.body for word in ("Highly recommended", "Five stars", "exactly as shown"))
            bad = any(word in review.body for word in ("Never again", "Do not bother", "Two stars for the looks"))
            assert not (good and review.rating <= 2)
            assert not (bad and review.rating >= 3)


def test_products_come_one_at_a_time() -> None:
    stream = generate(products=10**9)
    assert isinstance(stream, Iterator)
    assert [product.sku for product in islice(stream, 2)] == ["SM-000001", "SM-000002"]


# In a process of its own: tracemalloc counts what every thread allocates, and other tests leave servers running here.
MEASURE_PEAK = """
import tracemalloc
from itertools import islice

from backend.catalog.sample import catalogue, generate

catalogue._photograph = lambda *_: bytes(100_000)
stream = generate(products=10**9)
for _ in islice(stream, 50):
    pass
tracemalloc.start()
for _ in islice(stream, 300):
    pass
print(tracemalloc.get_traced_memory()[1])
"""


def test_memory_does_not_grow_with_the_number_of_products() -> None:
    measured = subprocess.run([sys.executable, "-c", MEASURE_PEAK], capture_output=True, text=True, check=True)
    assert int(measured.stdout) < 3_000_000  # 300 products held would be 30 MB
