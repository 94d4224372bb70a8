"""Published products on their way into the database, each with the address of its photograph."""

from collections.abc import Sequence

from backend.catalog.importers.amazon_products import PublishedProduct
from backend.catalog.importers.chunks import Transaction
from backend.catalog.importers.product_rows import load_products, prepare_products
from backend.catalog.importers.result import Outcome
from backend.database.queries import load_queries


def prepare_published_products(connection: Transaction) -> None:
    """Make the temporary tables that the loader needs; they last as long as the connection."""
    prepare_products(connection)
    connection.execute(load_queries("imports")["create_staged_addresses"])


def load_published_products(connection: Transaction, rows: Sequence[PublishedProduct]) -> Outcome:
    """Write one chunk, inside the caller's transaction."""
    queries = load_queries("imports")
    outcome = load_products(connection, [row.row for row in rows])
    # The first line of a product counts: what a later one says goes the way of that line.
    repeated = {problem.line for problem in outcome.problems}
    kept = [row for row in rows if row.line not in repeated]
    for row in kept:
        outcome.problems += row.left_out
        outcome.counts["details_bad"] += len(row.left_out)
    addresses = [(row.row.sku, row.address) for row in kept if row.address is not None]
    if addresses:
        with connection.cursor() as cursor:
            with cursor.copy(queries["copy_addresses"]) as copy:
                for address in addresses:
                    copy.write_row(address)
            cursor.execute(queries["write_addresses"])
    outcome.problems.sort(key=lambda problem: problem.line)
    return outcome
