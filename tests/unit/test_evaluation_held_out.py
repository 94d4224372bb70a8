"""The split of a real catalogue: kin stay together, hard titles give nothing away."""

import gzip
import json
from pathlib import Path

import pytest

from backend.errors import InvalidInput
from benchmarks._held_out import Catalogue, Item, join


def item(title: str, article_type: str) -> Item:
    return Item("1", title, article_type, None)


@pytest.mark.parametrize(
    ("title", "article_type", "hard"),
    [
        ("Nike Men Blue Tshirts", "Tshirts", "Nike Men Blue"),
        ("Nike Men Blue TSHIRT", "Tshirts", "Nike Men Blue"),
        ("Puma Sports Shoe for sport", "Sports Shoes", "Puma for"),
        ("Red Dress", "Dress", "Red"),
        ("Belts", "Belts", "-"),
        ("Nike's Flip Flops", "Men's Flip Flops", "Nike's"),
        ("Handbag with Zip", "Handbags", "with Zip"),
        ("Undershirt", "Shirts", "Undershirt"),
    ],
)
def test_hard_titles_lack_the_words_of_the_article_type(title: str, article_type: str, hard: str) -> None:
    assert item(title, article_type).hard_title == hard


def test_links_join_what_they_lead_to() -> None:
    parts = join(list("abcdefg"), [("a", "b"), ("c", "b"), ("e", "f"), ("a", "c")])
    assert sorted("".join(sorted(part)) for part in parts) == ["abc", "d", "ef", "g"]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """200 products; n and n + 100 are variants, n and n + 50 share a photograph below 20, one link leads nowhere."""
    heads = "id,articleType,productDisplayName\n"
    (tmp_path / "styles.csv").write_text(heads + "".join(f"{n},NA,NA Thing {n}\n" for n in range(200)))
    links = "".join(f"{n},{n + 100},1\n" for n in range(100)) + "3,999,1\n"
    (tmp_path / "colour_variants.csv").write_text("id_a,id_b,same_article_type\n" + links)
    with gzip.open(tmp_path / "products.jsonl.gz", "wt") as file:
        for n in range(200):
            photograph = f"hash{n % 50}" if n % 50 < 20 and n < 100 else f"own{n}" if n % 3 else None
            file.write(json.dumps({"id": n, "img_md5": photograph, "description": f"About {n}"}) + "\n")
    return tmp_path


def test_kin_are_never_parted_and_nothing_is_lost(directory: Path) -> None:
    catalogue = Catalogue.read(directory)
    training, test = catalogue.split(0.3, seed=1)
    assert training | test == {str(n) for n in range(200)}
    assert not training & test
    assert 60 <= len(test) <= 63
    for n in range(100):
        assert (str(n) in test) == (str(n + 100) in test)
    for n in range(20):
        assert (str(n) in test) == (str(n + 50) in test)
    assert catalogue.split(0.3, seed=1) == (training, test)
    assert catalogue.split(0.3, seed=2) != (training, test)


def test_groups_are_those_of_the_links_alone(directory: Path) -> None:
    groups = Catalogue.read(directory).groups()
    assert groups["5"] == groups["105"] == {"5", "105"}
    assert len(groups) == 200


def test_photographs_are_told_apart_by_their_files_where_nothing_else_says_so(directory: Path) -> None:
    (directory / "products.jsonl.gz").unlink()
    (directory / "images").mkdir()
    for number, content in (("1", b"same"), ("2", b"same"), ("3", b"other")):
        (directory / "images" / f"{number}.jpg").write_bytes(content)
    kin = Catalogue.read(directory).kin()
    assert {"1", "2", "101", "102"} in kin
    assert {"3", "103"} in kin


def test_a_part_of_a_catalogue_is_a_catalogue(directory: Path, tmp_path: Path) -> None:
    part = Catalogue.read(directory).smaller(40, seed=0)
    assert 40 <= len(part.items) <= 43
    out = tmp_path / "part"
    out.mkdir()
    part.write(out)
    written = [line.split(",")[0] for line in (out / "styles.csv").read_text().splitlines()[1:]]
    assert written == [one.sku for one in part.items]
    details = [str(json.loads(line)["id"]) for line in (out / "products.jsonl").read_text().splitlines()]
    assert details == written
    assert all({one, other} <= set(written) for one, other in part.variants)
    assert part.items[0].title.startswith("NA")


def test_a_directory_that_is_not_such_a_catalogue_is_refused(directory: Path) -> None:
    (directory / "colour_variants.csv").unlink()
    with pytest.raises(InvalidInput, match=r"no colour_variants\.csv"):
        Catalogue.read(directory)
    (directory / "colour_variants.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InvalidInput, match="no id_a, id_b"):
        Catalogue.read(directory)


def test_the_real_catalogue_is_split_by_its_links_and_photographs(fashion: Path) -> None:
    catalogue = Catalogue.read(fashion)
    training, test = catalogue.split(0.3, seed=0)
    sides = {sku: sku in test for sku in training | test}
    assert len(sides) == len(catalogue.items)
    assert all(sides[one] == sides[other] for one, other in catalogue.variants)
    photographs: dict[str, bool] = {}
    for one in catalogue.items:
        if one.photograph is not None:
            assert photographs.setdefault(one.photograph, sides[one.sku]) == sides[one.sku]
