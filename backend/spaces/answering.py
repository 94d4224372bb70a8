"""Which space a question may name: the active one, or a shadow that is tried out."""

from backend.database.connection import Database
from backend.errors import Conflict, InvalidInput, NotReady
from backend.spaces.space import Space, list_spaces

# A fill takes minutes: asked much sooner, the answer is the same.
RETRY_SECONDS = 10


def require_answering(database: Database, name: str) -> Space:
    """The space of this name, which answers questions completely.

    Raises:
        InvalidInput: there is none.
        NotReady: it is being filled.
        Conflict: it is retired, so that its answers would be of former products.
    """
    spaces = list_spaces(database, from_primary=True)
    space = next((space for space in spaces if space.name == name), None)
    if space is None:
        names = ", ".join(space.name for space in spaces if space.state in ("active", "shadow")) or "none"
        raise InvalidInput(f"no embedding space named {name}; those that answer are {names}", field="space")
    if space.state == "building":
        raise NotReady(
            f"the embedding space {name} is still being filled: ask again when it is a shadow (GET /v1/spaces/{name}, "
            "or the admin's page of spaces, says how far it is)",
            retry_after=RETRY_SECONDS,
        )
    if space.state == "retired":
        raise Conflict(
            f"the embedding space {name} is retired and knows former products only: resume it first "
            f"(POST /v1/spaces/{name}:resume, or shelfmate space resume {name})",
            field="space",
        )
    return space
