"""Search over HTTP."""

from backend.api.answers import Answer
from backend.api.routing import Routes
from backend.api.search_types import FacetItem, FoundAnswer, FoundBy, FoundItem, SearchBody
from backend.api.services import Services
from backend.errors import Conflict, InvalidInput, NotReady, UnreadableImage
from backend.recommend.search import FacetValue, count_facets
from backend.recommend.search import search as find
from backend.spaces.answering import require_answering

routes = Routes("Search")

TOTAL = "total"


@routes.add("POST", "/v1/search", {200: FoundAnswer}, problems=[UnreadableImage, NotReady, Conflict], scope="read")
def search(services: Services, body: SearchBody) -> Answer:
    """Find products by words, by meaning, by a photograph, or by all of them.

    Exactly k come, or all that satisfy the filter and match the words or have vectors. Facets say what the answer could
    be narrowed to.
    """
    if body.space is not None:
        require_answering(services.database, body.space)
    facets = _count(services, body)
    found = find(services.database, services.embedder, body.to_search())
    total = facets.pop(TOTAL, None)
    return Answer(
        FoundAnswer(
            items=[FoundItem.model_validate(item) for item in found.items],
            search=FoundBy(mode=found.mode, complete=True, by=found.by),
            space=found.space,
            matching=None if total is None else total[0].count,
            facets={name: [FacetItem.model_validate(value) for value in values] for name, values in facets.items()},
        )
    )


def _count(services: Services, body: SearchBody) -> dict[str, list[FacetValue]]:
    if TOTAL in body.facets:
        raise InvalidInput("total is always there: it is matching", field=f"facets[{body.facets.index(TOTAL)}]")
    if not body.facets:
        return {}
    if body.facets_of == "words" and body.text is None:
        raise InvalidInput("is words, but there is no text", field="facets_of")
    text = body.text if body.facets_of == "words" else None
    return count_facets(services.database, [*body.facets, TOTAL], filter=body.filter, text=text)
