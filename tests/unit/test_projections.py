"""Projections: against scikit-learn, learned ones on planted data, and their form in the database."""

import json
from collections.abc import Callable

import numpy as np
import pytest
import safetensors.numpy
from numpy.typing import NDArray
from sklearn.decomposition import PCA, TruncatedSVD

from backend.encoders.unit import unit_rows
from backend.errors import ConfigurationError, InvalidInput, NotReady
from backend.spaces.fusion import Vectors, fuse
from backend.spaces.projections import Links, Projection, fit_half_whitened, fit_learned, fit_pca, fit_svd
from backend.spaces.projections.held_out import judge, part
from backend.spaces.projections.training_batches import MOST_OF_GROUP, batches

NONE = np.zeros((0, 2), dtype=np.int64)
FITS = {"pca": fit_pca, "half-whitened": fit_half_whitened, "svd": fit_svd}


def rows_of(count: int, dimensions: int, seed: int = 0) -> Vectors:
    """Unit rows whose variance falls from axis to axis."""
    random = np.random.default_rng(seed)
    scales = 0.9 ** np.arange(dimensions)
    return unit_rows((random.normal(size=(count, dimensions)) * scales + 0.3).astype(np.float32))


class Planted:
    """480 products of 8 categories and 160 variant groups; most axes tell nothing of what they share.

    The first 360, whole groups, are for training.
    """

    def __init__(self, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.groups = np.repeat(np.arange(160), 3)
        self.categories = self.groups % 8
        kinds, groups = random.normal(size=(8, 6)), random.normal(size=(160, 6))
        signal = np.hstack([kinds[self.categories], groups[self.groups]])
        self.text = self._hidden(signal, 40, random)
        self.image = self._hidden(signal, 56, random)
        self.links = Links(self.groups, self.categories, NONE)
        self.training, self.test = np.arange(360), np.arange(360, 480)

    def _hidden(self, signal: NDArray[np.float64], dimensions: int, random: np.random.Generator) -> Vectors:
        noise = random.normal(size=(len(signal), dimensions - signal.shape[1]))
        turn, _ = np.linalg.qr(random.normal(size=(dimensions, dimensions)))
        return unit_rows((np.hstack([signal, noise]) @ turn).astype(np.float32))

    def learn(self, seed: int = 0) -> tuple[Projection, Projection]:
        """Projections to 16 + 16 dimensions that never saw the test products."""
        links = self.links.among(self.training)
        learned = fit_learned(
            self.text[self.training], self.image[self.training], links, dimensions=(16, 16), seed=seed
        )
        assert learned.text is not None
        assert learned.image is not None
        return learned.text, learned.image


@pytest.fixture(scope="module")
def planted() -> Planted:
    return Planted()


@pytest.fixture(scope="module")
def learned(planted: Planted) -> tuple[Projection, Projection]:
    return planted.learn()


def same_up_to_signs(ours: Vectors, theirs: NDArray[np.floating]) -> bool:
    signs = np.sign((ours * theirs).sum(axis=0))
    return bool(np.allclose(ours, theirs * signs, atol=2e-4))


def test_pca_gives_the_unit_rows_of_scikit_learn() -> None:
    rows = rows_of(300, 24)
    theirs = PCA(8, svd_solver="full").fit_transform(rows.astype(np.float64))
    ours = fit_pca(rows, 8)
    assert same_up_to_signs(ours.apply(rows), unit_rows(theirs.astype(np.float32)))
    assert (ours.method, ours.input_dimensions, ours.output_dimensions) == ("pca", 24, 8)


def test_half_whitened_pca_divides_by_the_root_of_the_deviations() -> None:
    rows = rows_of(300, 24)
    model = PCA(8, svd_solver="full").fit(rows.astype(np.float64))
    theirs = model.transform(rows.astype(np.float64)) / np.sqrt(np.sqrt(model.explained_variance_))
    assert same_up_to_signs(fit_half_whitened(rows, 8).apply(rows), unit_rows(theirs.astype(np.float32)))


@pytest.mark.parametrize("dimensions", [8, 24])
def test_svd_gives_the_unit_rows_of_scikit_learn_and_takes_no_mean_off(dimensions: int) -> None:
    rows = rows_of(300, 24)
    ours = fit_svd(rows, dimensions)
    assert not ours.offset.any()
    if dimensions < 24:
        theirs = TruncatedSVD(dimensions, algorithm="arpack", random_state=0).fit_transform(rows.astype(np.float64))
        assert same_up_to_signs(ours.apply(rows), unit_rows(theirs.astype(np.float32)))
    else:
        # Every axis is kept, so it only turns.
        assert np.allclose(ours.apply(rows) @ ours.apply(rows).T, rows @ rows.T, atol=1e-5)


@pytest.mark.parametrize("name", FITS)
def test_zero_rows_neither_count_in_a_fit_nor_become_anything_else(name: str) -> None:
    rows = rows_of(200, 16)
    with_gaps = np.concatenate([rows, np.zeros((50, 16), dtype=np.float32)])
    fitted, again = FITS[name](with_gaps, 6), FITS[name](rows, 6)
    assert np.allclose(fitted.matrix, again.matrix, atol=1e-6)
    projected = fitted.apply(with_gaps)
    assert projected.dtype == np.float32
    assert not projected[200:].any()
    assert np.allclose(np.linalg.norm(projected[:200], axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", FITS)
def test_the_same_rows_give_the_same_bytes(name: str) -> None:
    assert FITS[name](rows_of(200, 16), 6, seed=3).to_bytes() == FITS[name](rows_of(200, 16), 6, seed=3).to_bytes()


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize(("count", "dimensions"), [(5, 8), (0, 4), (50, 17)])
def test_too_few_rows_or_inputs_are_refused_with_the_remedy(name: str, count: int, dimensions: int) -> None:
    with pytest.raises(InvalidInput, match=r"add some|has 1 to 16") as refused:
        FITS[name](rows_of(count, 16), dimensions, modality="image")
    assert refused.value.field == "projection"


@pytest.mark.parametrize("fit", [fit_pca, fit_half_whitened])
def test_directions_of_rounding_do_not_drown_the_others(fit: Callable[..., Projection]) -> None:
    flat = rows_of(300, 12)
    random = np.random.default_rng(1)
    rows = np.hstack([flat, random.normal(size=(300, 4)).astype(np.float32) * np.float32(1e-7)])
    alike = fit(rows, 16).apply(rows) @ fit(rows, 16).apply(rows).T
    expected = fit(flat, 12).apply(flat) @ fit(flat, 12).apply(flat).T
    assert np.allclose(alike, expected, atol=1e-3)


def test_a_scale_makes_the_mean_square_length_one_and_only_divides() -> None:
    rows = rows_of(300, 24) * 40
    plain = fit_pca(rows, 8)
    scaled = plain.scaled(rows)
    lengths = np.linalg.norm(scaled.apply_linear(rows), axis=1)
    assert np.mean(lengths**2) == pytest.approx(1, rel=1e-4)
    assert np.allclose(scaled.apply_linear(rows) * scaled.scale, plain.apply_linear(rows), rtol=1e-4, atol=1e-4)
    assert Projection.from_bytes(scaled.to_bytes()).scale == scaled.scale
    assert not scaled.apply_linear(np.zeros((2, 24), dtype=np.float32)).any()


def test_a_projection_survives_its_bytes() -> None:
    before = fit_half_whitened(rows_of(300, 24), 8)
    after = Projection.from_bytes(before.to_bytes())
    assert after.method == "half-whitened"
    assert np.array_equal(after.apply(rows_of(10, 24, seed=1)), before.apply(rows_of(10, 24, seed=1)))


def damaged() -> dict[str, bytes]:
    good = fit_pca(rows_of(100, 8), 4).to_bytes()
    parts = safetensors.numpy.load(good)
    saved = {
        "transposed": {"matrix": parts["matrix"].T.copy()},
        "of doubles": {"matrix": parts["matrix"].astype(np.float64)},
        "not finite": {"offset": np.full(8, np.nan, dtype=np.float32)},
        "without scale": {"scale": np.zeros(1)},
    }
    made = {
        name: safetensors.numpy.save({**parts, **change}, metadata={"method": "pca"}) for name, change in saved.items()
    }
    made["without a part"] = safetensors.numpy.save({"matrix": parts["matrix"]}, metadata={"method": "pca"})
    made["without a method"] = safetensors.numpy.save(parts)
    return made | {
        "cut": good[:-1],
        "longer": good + b"\0",
        "empty": b"",
        "a header alone": good[:20],
        "other": b"x" * 99,
    }


@pytest.mark.parametrize("how", damaged())
def test_damaged_bytes_are_refused(how: str) -> None:
    with pytest.raises(ConfigurationError, match=r"projection is damaged \(.+\): drop its space and make it anew"):
        Projection.from_bytes(damaged()[how])


def test_a_learned_projection_finds_what_products_never_seen_share(
    planted: Planted, learned: tuple[Projection, Projection]
) -> None:
    before = judge(fuse([planted.text, planted.image], [0.5, 0.5], [40, 56]), planted.test, planted.links)
    text, image = (fitted.apply(rows) for fitted, rows in zip(learned, (planted.text, planted.image), strict=True))
    after = judge(fuse([text, image], [0.5, 0.5], [16, 16]), planted.test, planted.links)
    whitened = [fit_half_whitened(rows, 16).apply(rows) for rows in (planted.text, planted.image)]
    unsupervised = judge(fuse(whitened, [0.5, 0.5], [16, 16]), planted.test, planted.links)
    for measure in ("same_category_at_5", "variants_at_10"):
        best = max(float(before[measure] or 0), float(unsupervised[measure] or 0))
        assert float(after[measure] or 0) > best + 0.15


def test_a_learned_projection_is_the_same_for_a_seed_and_another_for_another(
    planted: Planted, learned: tuple[Projection, Projection]
) -> None:
    assert [fitted.to_bytes() for fitted in planted.learn()] == [fitted.to_bytes() for fitted in learned]
    assert planted.learn(seed=1)[0].to_bytes() != learned[0].to_bytes()


@pytest.mark.parametrize("kind", ["groups", "categories"])
def test_variants_alone_and_categories_alone_are_enough(planted: Planted, kind: str) -> None:
    none = np.full(480, -1)
    links = Links(
        planted.groups if kind == "groups" else none, planted.categories if kind == "categories" else none, NONE
    )
    fitted = fit_learned(planted.text[:360], None, links.among(planted.training), dimensions=(16, 0))
    assert fitted.text is not None
    assert fitted.image is None
    measure = "variants_at_10" if kind == "groups" else "same_category_at_5"
    after = judge(fitted.text.apply(planted.text), planted.test, planted.links)
    before = judge(planted.text, planted.test, planted.links)
    assert float(after[measure] or 0) > float(before[measure] or 0) + 0.1


def test_missing_blocks_stay_zero_and_do_not_spoil_the_training(planted: Planted) -> None:
    image = planted.image.copy()
    image[::4] = 0
    fitted = fit_learned(planted.text, image, planted.links, dimensions=(8, 8))
    assert fitted.image is not None
    projected = fitted.image.apply(image)
    assert np.isfinite(projected).all()
    assert not projected[::4].any()
    assert fitted.report["products"] == 480


def test_fewer_products_than_dimensions_are_enough_to_learn_from() -> None:
    planted = Planted()
    fitted = fit_learned(
        planted.text[:102], planted.image[:102], planted.links.among(np.arange(102)), dimensions=(40, 56)
    )
    assert fitted.text is not None
    assert np.isfinite(fitted.text.matrix).all()


@pytest.mark.parametrize(
    ("count", "groups", "categories", "said"),
    [
        (99, True, True, "needs 100 products"),
        (360, False, False, "fill in variant_group or category"),
        (360, False, "one", "two categories"),
    ],
)
def test_too_little_to_learn_from_is_refused_with_the_remedy(
    planted: Planted, count: int, groups: bool, categories: bool | str, said: str
) -> None:
    none = np.full(480, -1)
    numbers = np.zeros(480, dtype=np.int64) if categories == "one" else planted.categories if categories else none
    links = Links(planted.groups if groups else none, numbers, NONE).among(np.arange(count))
    with pytest.raises(InvalidInput, match=said) as refused:
        fit_learned(planted.text[:count], planted.image[:count], links, dimensions=(8, 8))
    assert refused.value.field == "projection"


def test_more_dimensions_than_the_encoder_has_are_refused(planted: Planted) -> None:
    with pytest.raises(InvalidInput, match="1 to 56, not 57"):
        fit_learned(planted.text, planted.image, planted.links, dimensions=(8, 57))


def test_training_can_be_interrupted(planted: Planted) -> None:
    told: list[float] = []
    with pytest.raises(NotReady, match="interrupted"):
        fit_learned(
            planted.text,
            None,
            planted.links,
            dimensions=(8, 0),
            report=told.append,
            interrupted=lambda: len(told) >= 3,
        )
    assert len(told) == 3


def test_what_was_bought_together_comes_together_in_batches() -> None:
    bought = np.array([[0, 900], [1, 901]])
    links = Links(np.full(1000, -1), np.zeros(1000, dtype=np.int64), bought)
    found = sum({0, 900} <= set(batch.tolist()) for batch in batches(links, 20, 400, np.random.default_rng(0)))
    # By chance two of 1,000 products meet in 400 batches of 20 less than once.
    assert found >= 4


def test_a_batch_holds_whole_groups_each_product_once_and_of_a_huge_group_a_part() -> None:
    groups = np.concatenate([np.repeat(np.arange(50), 4), np.full(500, 50), np.full(100, -1)])
    links = Links(groups, np.zeros(800, dtype=np.int64), NONE)
    for batch in batches(links, 100, 30, np.random.default_rng(0)):
        assert len(np.unique(batch)) == len(batch)
        numbers, counts = np.unique(groups[batch], return_counts=True)
        for number, count in zip(numbers, counts, strict=True):
            assert count == (MOST_OF_GROUP if number == 50 else 4) or number == -1


def test_held_out_products_take_their_kin_with_them() -> None:
    random = np.random.default_rng(0)
    links = Links(random.integers(-1, 900, size=3000), np.zeros(3000, dtype=np.int64), NONE)
    photographs = np.where(random.random(3000) < 0.1, random.integers(0, 100, size=3000), -1)
    kin = links.kin(photographs)
    training, held_out = part(kin, 0)
    assert 50 < len(held_out) <= 150
    assert len(training) + len(held_out) == 3000
    for numbers in (links.groups, photographs):
        assert not (set(numbers[training].tolist()) & set(numbers[held_out].tolist())) - {-1}


def test_judgement_is_worked_out_by_hand() -> None:
    # Products on a line: 0 1 2 | 3 4 5 in two categories, 0 and 2 variants of each other, 5 of none.
    places = np.array([0.0, 0.1, 0.2, 1.0, 1.1, 1.2])
    rows = np.stack([np.cos(places), np.sin(places)], axis=1).astype(np.float32)
    links = Links(np.array([0, -1, 0, -1, -1, -1]), np.array([0, 0, 0, 1, 1, -1]), NONE)
    found = judge(rows, np.arange(6), links)
    # With six products all five others are found: 2, 2, 2, 1, 1 of 5 are of the category; product 5 has none.
    assert found["same_category_at_5"] == pytest.approx((3 * 0.4 + 2 * 0.2) / 5, abs=1e-4)
    assert (found["category_queries"], found["variants_at_10"], found["variant_queries"]) == (5, 1.0, 2)


def test_the_report_of_a_training_is_json(planted: Planted) -> None:
    fitted = fit_learned(planted.text, None, planted.links, dimensions=(8, 0))
    assert json.loads(json.dumps(fitted.report))["links"] == {"variants": 480, "categories": 480, "bought together": 0}
