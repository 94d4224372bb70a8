"""Rating models in the database: saved whole with their report, found by name, refused where they do not agree."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from backend.database.connection import Database, Row
from backend.database.queries import load_queries
from backend.errors import Conflict, InvalidInput, NotFound, NotReady

SQL = load_queries("ratings")

# How the bytes of a model are laid out; it changes when older ones cannot be read any more.
FORMAT = 1
PRODUCT_RIDGE = "product-ridge"
NAME = re.compile(r"[a-z0-9][a-z0-9._+-]{0,99}")


@dataclass(frozen=True)
class StoredModel:
    """A row of ``rating_models`` without its weights, which are ``size`` bytes."""

    id: int
    name: str
    form: str
    format: int
    fingerprint: bytes
    digest: bytes
    is_default: bool
    created_at: datetime
    size: int

    @property
    def reads_products(self) -> bool:
        """Whether it rates products by what they are, and not reviews by what they say."""
        return self.form == PRODUCT_RIDGE


def save_model(
    database: Database,
    name: str,
    form: str,
    weights: bytes,
    *,
    fingerprint: bytes,
    report: dict[str, Any],
    default: bool,
) -> StoredModel:
    """Keep a trained model under a new name. The first that reads reviews, or products, is the default anyway.

    Args:
        database: where.
        name: ``a-z 0-9 . _ + -``, at most 100 characters.
        form: one of the three forms, or ``product-ridge``.
        weights: what the model's ``to_bytes`` gave.
        fingerprint: SHA-256 of the data that it was trained on, 32 bytes.
        report: what was measured, as JSON has it.
        default: whether it answers from now on where none is named.

    Raises:
        InvalidInput: the name cannot be used.
        Conflict: there is a model of this name.
    """
    check_name(name)
    with database.write() as connection:
        insert_model(connection, name, form, weights, fingerprint=fingerprint, report=report, default=default)
        return _there(connection, name)


def insert_model(
    connection: Connection[Row],
    name: str,
    form: str,
    weights: bytes,
    *,
    fingerprint: bytes,
    report: dict[str, Any],
    default: bool,
) -> int:
    """As ``save_model``, in the caller's transaction; returns the id."""
    connection.execute(SQL["one_at_a_time"])
    row = connection.execute(
        SQL["save"],
        {
            "name": name,
            "form": form,
            "fingerprint": fingerprint,
            "format": FORMAT,
            "digest": digest_of(form, FORMAT, fingerprint, weights),
            "report": Jsonb(report),
            "weights": weights,
        },
    ).fetchone()
    if row is None:
        raise Conflict(f"there is a rating model {name}: choose another name, or delete that one", field="name")
    others = connection.execute(SQL["list"]).fetchall()
    alone = not any(other[0] != row[0] and (other[2] == PRODUCT_RIDGE) == (form == PRODUCT_RIDGE) for other in others)
    if default or alone:
        _make_default(connection, int(row[0]), form)
    return int(row[0])


def check_names_free(database: Database, names: Sequence[str]) -> None:
    """So that a training of an hour does not end in a name that is taken.

    Raises:
        InvalidInput: one cannot be used.
        Conflict: one is taken.
    """
    for name in names:
        check_name(name)
    with database.read() as connection:
        taken = connection.execute(SQL["names"], {"names": list(names)}).fetchone()
    if taken is not None:
        raise Conflict(f"there is a rating model {taken[0]}: choose another name, or delete that one", field="name")


def check_name(name: str) -> None:
    """Refuse what cannot be a model's name.

    Raises:
        InvalidInput: it holds other characters, or is too long.
    """
    if not NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} cannot be a model's name: a-z, 0-9 and . _ + -, 100 at most", field="name")


def list_models(database: Database) -> list[StoredModel]:
    """Every model, the defaults and the newest first."""
    with database.read() as connection, connection.cursor(row_factory=class_row(StoredModel)) as cursor:
        return cursor.execute(SQL["list"]).fetchall()


def find_model(database: Database, name: str | None = None) -> StoredModel:
    """The model of this name; without one the default among those that read reviews.

    Raises:
        NotFound: there is none of this name.
        NotReady: none is named, and none is trained.
    """
    with database.read() as connection:
        found = _find(connection, name)
    if found is not None:
        return found
    if name is not None:
        raise NotFound(f"no rating model {name}; GET /v1/ratings/models or shelfmate ratings list shows them")
    raise NotReady("no rating model is trained: shelfmate ratings train makes one", retry_after=None)


def read_weights(database: Database, model: StoredModel) -> bytes:
    """The bytes of a model, whole and of a format that is known.

    Raises:
        Conflict: it is of another format, or its row was changed since it was saved.
        NotFound: it was deleted meanwhile.
    """
    if model.format != FORMAT:
        raise Conflict(
            f"the rating model {model.name} is of format {model.format}, and this version reads {FORMAT}: train again"
        )
    with database.read() as connection:
        # Binary: as text it would take thrice the room on the way.
        row = connection.execute(SQL["weights"], {"id": model.id, "digest": model.digest}, binary=True).fetchone()
    if row is None:
        raise NotFound(f"the rating model {model.name} was deleted meanwhile")
    weights = bytes(row[0])
    if digest_of(model.form, model.format, model.fingerprint, weights) != model.digest:
        raise Conflict(
            f"the rating model {model.name} is damaged: its weights, form and fingerprint are not those that were "
            "saved together. Delete it and train again"
        )
    return weights


def read_model_report(database: Database, model: StoredModel) -> dict[str, Any]:
    """What was measured when it was trained, as JSON has it.

    Raises:
        NotFound: it was deleted meanwhile.
    """
    with database.read() as connection:
        row = connection.execute(SQL["report"], {"id": model.id}).fetchone()
    if row is None:
        raise NotFound(f"the rating model {model.name} was deleted meanwhile")
    found: dict[str, Any] = row[0]
    return found


def list_reports(database: Database) -> dict[int, dict[str, Any]]:
    """The report of every model by its id."""
    with database.read() as connection:
        return {int(identity): report for identity, report in connection.execute(SQL["reports"]).fetchall()}


def read_photographs(database: Database, skus: Collection[str]) -> dict[str, bytes | None]:
    """The first photograph of each product there is of these; None where it has none."""
    if not skus:
        return {}
    with database.read() as connection:
        rows = connection.execute(SQL["photographs"], {"skus": list(skus)}, binary=True).fetchall()
    return {str(sku): None if content is None else bytes(content) for sku, content in rows}


def use_model(database: Database, name: str) -> StoredModel:
    """Make this model the one that answers where none is named.

    Raises:
        NotFound: there is none of this name.
    """
    with database.write() as connection:
        connection.execute(SQL["one_at_a_time"])
        found = _there(connection, name)
        _make_default(connection, found.id, found.form)
        return _there(connection, name)


def delete_model(database: Database, name: str) -> None:
    """Forget a model and what it predicted; the newest left that reads the same becomes the default in its place.

    Raises:
        NotFound: there is none of this name.
    """
    with database.write() as connection:
        connection.execute(SQL["one_at_a_time"])
        row = connection.execute(SQL["delete"], {"name": name}).fetchone()
        if row is None:
            raise NotFound(f"no rating model {name}; shelfmate ratings list shows them")
        form, was_default = row
        newest = connection.execute(SQL["newest"], {"form": form}).fetchone() if was_default else None
        if newest is not None:
            _make_default(connection, newest[0], form)


def digest_of(form: str, layout: int, fingerprint: bytes, weights: bytes) -> bytes:
    """SHA-256 over what belongs together: a row that was put together from two does not agree with it."""
    digest = sha256(f"{form}\0{layout}\0{fingerprint.hex()}\0".encode())
    digest.update(weights)
    return digest.digest()


def _make_default(connection: Connection[Row], identity: int, form: str) -> None:
    connection.execute(SQL["unset_default"], {"form": form})
    connection.execute(SQL["set_default"], {"id": identity})


def _find(connection: Connection[Row], name: str | None) -> StoredModel | None:
    with connection.cursor(row_factory=class_row(StoredModel)) as cursor:
        return cursor.execute(SQL["find"], {"name": name}).fetchone()


def _there(connection: Connection[Row], name: str) -> StoredModel:
    found = _find(connection, name)
    if found is None:
        raise NotFound(f"no rating model {name}; shelfmate ratings list shows them")
    return found
