"""Reviews and categories over HTTP."""

import pytest
from api_fixtures import ConformingClient, app, client

__all__ = ["app", "client"]

PATH = "/v1/products/A1/reviews"
REVIEW = {
    "rating": 4,
    "title": "Good",
    "body": "Fits well",
    "author": "Kim",
    "user_id": "u7",
    "helpful_votes": 3,
    "verified": True,
    "written_at": "2024-05-01T12:00:00+02:00",
}


@pytest.fixture(autouse=True)
def product(client: ConformingClient) -> None:
    client.put("/v1/products/A1", json={"title": "Red shirt"})
    client.put("/v1/products/A2", json={"title": "Blue shirt"})


def test_a_review_is_stored_once_a_product(client: ConformingClient) -> None:
    first = client.post(PATH, json=REVIEW)
    assert first.status_code == 201
    assert {name: first.json[name] for name in REVIEW} == {**REVIEW, "written_at": "2024-05-01T10:00:00Z"}
    same_moment = {**REVIEW, "written_at": "2024-05-01T10:00:00Z", "helpful_votes": 9}
    again = client.post(PATH, json=same_moment)
    assert (again.status_code, again.json) == (200, first.json)
    assert client.post(PATH, json={**REVIEW, "rating": 5}).status_code == 201
    assert client.post("/v1/products/A2/reviews", json=REVIEW).status_code == 201
    listed = client.get(PATH).json
    assert ([item["rating"] for item in listed["items"]], listed["count"], listed["mean_rating"]) == ([5, 4], 2, 4.5)


def test_the_source_s_own_key_decides_when_it_is_given(client: ConformingClient) -> None:
    assert client.post(PATH, json={**REVIEW, "source_id": "r1"}).status_code == 201
    assert client.post(PATH, json={"rating": 1, "source_id": "r1"}).status_code == 200
    assert client.post(PATH, json={**REVIEW, "source_id": "r2"}).status_code == 201


def test_who_wrote_it_is_known_by_the_shop_s_key_and_not_by_the_name_shown(client: ConformingClient) -> None:
    assert client.post(PATH, json=REVIEW).status_code == 201
    assert client.post(PATH, json={**REVIEW, "author": "Kimberley"}).status_code == 200
    assert client.post(PATH, json={**REVIEW, "user_id": "u8"}).status_code == 201
    assert [item["user_id"] for item in client.get(PATH).json["items"]] == ["u8", "u7"]
    nobody = {name: value for name, value in REVIEW.items() if name not in ("user_id", "author")}
    assert client.post(PATH, json=nobody).json["user_id"] is None


def test_reviews_are_paged_last_first(client: ConformingClient) -> None:
    empty = client.get(PATH).json
    assert empty == {"items": [], "next_cursor": None, "count": 0, "mean_rating": None}
    for number in range(5):
        client.post(PATH, json={"rating": 5, "title": str(number)})
    first = client.get(f"{PATH}?limit=3").json
    second = client.get(PATH, query_string={"limit": 3, "cursor": first["next_cursor"]}).json
    assert [item["title"] for item in first["items"] + second["items"]] == ["4", "3", "2", "1", "0"]
    assert (second["next_cursor"], second["count"]) == (None, 5)


def test_what_does_not_fit_is_refused(client: ConformingClient, subtests: pytest.Subtests) -> None:
    for changes, field in [
        ({"rating": 0}, "rating"),
        ({"rating": 6}, "rating"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "u" * 201}, "user_id"),
        ({"rating": 4.5}, "rating"),
        ({"rating": "4"}, "rating"),
        ({"helpful_votes": -1}, "helpful_votes"),
        ({"helpful_votes": 2**31}, "helpful_votes"),
        ({"written_at": "yesterday"}, "written_at"),
        ({"written_at": "2024"}, "written_at"),
        ({"written_at": 1714564800}, "written_at"),
        ({"written_at": "2024-05-01T12:00:00"}, "written_at"),
        ({"body": "nul \0"}, "body"),
        ({"stars": 4}, "stars"),
    ]:
        with subtests.test(changes=changes):
            response = client.post(PATH, json={**REVIEW, **changes})
            assert response.status_code == 400
            assert [error["field"] for error in response.json["errors"]] == [field]
    assert client.post(PATH, json={}).json["errors"] == [{"field": "rating", "message": "is required"}]
    products_cursor = client.get("/v1/products?limit=1").json["next_cursor"]
    assert client.get(PATH, query_string={"cursor": products_cursor}).status_code == 400
    assert client.get(PATH).json["count"] == 0


def test_an_unknown_product_has_no_reviews(client: ConformingClient) -> None:
    assert client.post("/v1/products/nobody/reviews", json=REVIEW).status_code == 404
    assert client.get("/v1/products/nobody/reviews").status_code == 404


def test_the_category_tree_counts_what_is_in_and_below(client: ConformingClient) -> None:
    assert client.get("/v1/categories").json == {"items": []}
    for sku, category in (("1", "A/B/C"), ("2", "A/B"), ("3", "A"), ("4", "Ab"), ("5", "A/B/C")):
        client.put(f"/v1/products/{sku}", json={"title": "x", "category": category})

    def counts(nodes: list[dict[str, object]]) -> dict[str, object]:
        return {n["path"]: (n["products"], n["direct_products"], counts(n["children"])) for n in nodes}

    assert counts(client.get("/v1/categories").json["items"]) == {
        "A": (4, 1, {"A/B": (3, 1, {"A/B/C": (2, 2, {})})}),
        "Ab": (1, 1, {}),
    }
    assert client.get("/v1/categories?depth=1").json["errors"][0]["field"] == "depth"
