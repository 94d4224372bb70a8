"""Rating models in the database: whole or refused, one of each kind the default."""

import pytest

from backend.database.connection import Database
from backend.errors import Conflict, InvalidInput, NotFound, NotReady
from backend.ratings.store import (
    FORMAT,
    StoredModel,
    check_names_free,
    delete_model,
    find_model,
    list_models,
    read_model_report,
    read_weights,
    save_model,
    use_model,
)

FINGERPRINT = bytes(range(32))


def save(database: Database, name: str, form: str = "baseline", *, default: bool = False) -> StoredModel:
    weights = f"weights of {name}".encode()
    return save_model(database, name, form, weights, fingerprint=FINGERPRINT, report={"of": name}, default=default)


def test_a_model_comes_back_with_its_report(database: Database) -> None:
    saved = save(database, "first")
    assert (saved.name, saved.form, saved.format, saved.fingerprint) == ("first", "baseline", FORMAT, FINGERPRINT)
    assert find_model(database, "first") == saved
    assert read_weights(database, saved) == b"weights of first"
    assert saved.size == len(b"weights of first")
    assert read_model_report(database, saved) == {"of": "first"}


def test_large_weights_come_back_as_they_were(database: Database) -> None:
    weights = bytes(range(256)) * 40_000
    saved = save_model(database, "large", "fine-tuned", weights, fingerprint=FINGERPRINT, report={}, default=True)
    assert read_weights(database, saved) == weights


def test_the_first_is_the_default_and_later_ones_when_they_are_told_to_be(database: Database) -> None:
    with pytest.raises(NotReady, match="shelfmate ratings train"):
        find_model(database)
    save(database, "first")
    assert find_model(database).name == "first"
    save(database, "second")
    assert find_model(database).name == "first"
    save(database, "third", default=True)
    assert find_model(database).name == "third"
    assert use_model(database, "second").is_default
    assert [(one.name, one.is_default) for one in list_models(database)] == [
        ("second", True),
        ("third", False),
        ("first", False),
    ]
    with pytest.raises(NotFound, match="no rating model other"):
        use_model(database, "other")


def test_models_of_products_have_a_default_of_their_own(database: Database) -> None:
    products = save(database, "products", "product-ridge")
    assert products.is_default
    with pytest.raises(NotReady):
        find_model(database)
    save(database, "first")
    assert find_model(database).name == "first"
    assert find_model(database, "products").is_default


def test_when_the_default_goes_the_newest_takes_its_place(database: Database) -> None:
    for name in ("first", "second", "third"):
        save(database, name, default=True)
    save(database, "products", "product-ridge")
    delete_model(database, "third")
    assert find_model(database).name == "second"
    delete_model(database, "first")
    assert find_model(database).name == "second"
    delete_model(database, "second")
    with pytest.raises(NotReady):
        find_model(database)
    assert [one.name for one in list_models(database)] == ["products"]
    with pytest.raises(NotFound):
        delete_model(database, "second")


def test_a_name_is_used_once_and_has_no_odd_signs(database: Database) -> None:
    save(database, "first")
    with pytest.raises(Conflict, match="there is a rating model first"):
        save(database, "first")
    with pytest.raises(Conflict, match="first"):
        check_names_free(database, ["other", "first"])
    check_names_free(database, ["other"])
    for name in ("", "a b", "Ä", "../x", "x" * 101):
        with pytest.raises(InvalidInput, match="cannot be a model's name"):
            save(database, name)
        with pytest.raises(InvalidInput, match="cannot be a model's name"):
            check_names_free(database, [name])


@pytest.mark.parametrize(
    "damage",
    [
        "weights = weights || '\\x00'",
        "fingerprint = sha256('other')",
        "form = 'fine-tuned'",
    ],
)
def test_a_row_that_is_not_as_it_was_saved_is_refused(database: Database, damage: str) -> None:
    save(database, "first")
    with database.write() as connection:
        connection.execute(f"UPDATE rating_models SET {damage}".encode())
    with pytest.raises(Conflict, match="damaged"):
        read_weights(database, find_model(database, "first"))


def test_another_format_is_refused(database: Database) -> None:
    save(database, "first")
    with database.write() as connection:
        connection.execute("UPDATE rating_models SET format = 7")
    with pytest.raises(Conflict, match="format 7, and this version reads 1: train again"):
        read_weights(database, find_model(database, "first"))


def test_weights_of_a_model_that_is_gone_are_not_found(database: Database) -> None:
    saved = save(database, "first")
    delete_model(database, "first")
    with pytest.raises(NotFound, match="deleted meanwhile"):
        read_weights(database, saved)
    with pytest.raises(NotFound, match="deleted meanwhile"):
        read_model_report(database, saved)
