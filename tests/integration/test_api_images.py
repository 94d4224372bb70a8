"""Photographs over HTTP."""

import io
from collections.abc import Callable

import pytest
from api_fixtures import ConformingClient, a_picture, app, client

__all__ = ["app", "client"]

PATH = "/v1/products/A1/image"


@pytest.fixture(autouse=True)
def product(client: ConformingClient) -> None:
    client.put("/v1/products/A1", json={"title": "Red shirt"})


def test_an_uploaded_image_comes_back_byte_for_byte(client: ConformingClient) -> None:
    picture = a_picture("red", "JPEG")
    created = client.put(PATH, data=picture, content_type="image/jpeg")
    assert created.status_code == 201
    assert (created.json["media_type"], created.json["width"], created.json["height"]) == ("image/jpeg", 30, 20)
    assert created.headers["Location"] == created.json["url"] == client.get("/v1/products/A1").json["image"]
    shown = client.get(PATH)
    assert (shown.data, shown.content_type) == (picture, "image/jpeg")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"


def test_the_type_is_what_the_bytes_are_not_what_the_client_says(client: ConformingClient) -> None:
    client.put(PATH, data=a_picture(kind="WEBP"), content_type="image/png")
    assert client.get(PATH).content_type == "image/webp"


def test_every_accepted_format_is_taken_as_a_form(client: ConformingClient) -> None:
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "AVIF"):
        picture = a_picture(kind=kind)
        stored = client.put(PATH, data={"image": (io.BytesIO(picture), "a.bin")})
        assert stored.json["media_type"] == f"image/{kind.lower()}"
        assert client.get(PATH).data == picture


def test_another_image_replaces_and_the_same_changes_nothing(
    client: ConformingClient, drain: Callable[[], int]
) -> None:
    first = client.put(PATH, data=a_picture("red"), content_type="image/png").json
    drain()
    again = client.put(PATH, data=a_picture("red"), content_type="image/png")
    assert (again.status_code, again.json) == (200, first | {"embedding": "embedded"})
    assert client.get("/v1/products/A1").json["embedding"] == "embedded"
    other = client.put(PATH, data=a_picture("blue"), content_type="image/png")
    assert other.status_code == 200
    assert other.json["url"] != first["url"]
    assert client.get("/v1/products/A1").json["embedding"] == "pending"


def test_an_address_with_the_mark_of_its_content_may_be_kept(client: ConformingClient) -> None:
    url = client.put(PATH, data=a_picture("red"), content_type="image/png").json["url"]
    assert "immutable" in client.get(url).headers["Cache-Control"]
    assert "immutable" not in client.get(PATH).headers["Cache-Control"]
    client.put(PATH, data=a_picture("blue"), content_type="image/png")
    assert "immutable" not in client.get(url).headers["Cache-Control"]
    assert "immutable" not in client.get(f"{PATH}?v=").headers["Cache-Control"]


def test_a_known_etag_is_answered_304(client: ConformingClient) -> None:
    client.put(PATH, data=a_picture("red"), content_type="image/png")
    etag = client.get(PATH).headers["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}'):
        assert client.get(PATH, headers={"If-None-Match": known}).status_code == 304
    client.put(PATH, data=a_picture("blue"), content_type="image/png")
    assert client.get(PATH, headers={"If-None-Match": etag}).status_code == 200


def test_positions_hold_images_of_their_own(client: ConformingClient) -> None:
    client.put(f"{PATH}?position=1", data=a_picture("blue"), content_type="image/png")
    assert client.get(PATH).status_code == 404
    only = client.get("/v1/products/A1").json["image"]
    assert client.get(only).data == a_picture("blue")
    client.put(PATH, data=a_picture("red"), content_type="image/png")
    assert client.get(client.get("/v1/products/A1").json["image"]).data == a_picture("red")
    assert client.delete(PATH).status_code == 204
    assert client.delete(PATH).status_code == 404
    assert client.get("/v1/products/A1").json["image"] == only


def test_what_is_no_image_is_answered_422(client: ConformingClient, subtests: pytest.Subtests) -> None:
    whole = a_picture("red", "JPEG", (600, 400))
    for data in (b"", b"hello", b"<svg/>", whole[: len(whole) // 2], b"\x89PNG\r\n\x1a\n"):
        with subtests.test(data=data[:10]):
            response = client.put(PATH, data=data, content_type="image/jpeg")
            assert (response.status_code, response.json["type"]) == (422, "/problems/unreadable-image")
    assert client.get(PATH).status_code == 404


def test_other_bodies_and_forms_are_refused(client: ConformingClient) -> None:
    picture = a_picture()
    assert client.put(PATH, data=picture).status_code == 415
    assert client.put(PATH, data=picture, content_type="application/json").status_code == 415
    for form in (
        {"photo": (io.BytesIO(picture), "a.png")},
        {"image": [(io.BytesIO(picture), "a.png"), (io.BytesIO(picture), "b.png")]},
        {"image": (io.BytesIO(picture), "a.png"), "title": "x"},
        {"image": "text"},
    ):
        assert client.put(PATH, data=form, content_type="multipart/form-data").status_code == 400
    assert client.put(f"{PATH}?position=100", data=picture, content_type="image/png").status_code == 400
    assert client.put(f"{PATH}?position=-1", data=picture, content_type="image/png").status_code == 400


def test_too_large_a_body_is_answered_413(client: ConformingClient) -> None:
    client.application.config["MAX_CONTENT_LENGTH"] = 1000
    for response in (
        client.put(PATH, data=b"x" * 1001, content_type="image/png"),
        client.put(PATH, data={"image": (io.BytesIO(b"x" * 1001), "a.png")}),
        client.put("/v1/products/A1", data=b" " * 1001, content_type="application/json"),
        # Without a length the end of what may be read looks like the end of the body.
        client.put(
            PATH,
            input_stream=io.BytesIO(b"x" * 1001),
            content_type="image/png",
            environ_overrides={"wsgi.input_terminated": True},
        ),
    ):
        assert (response.status_code, response.json["type"]) == (413, "/problems/request-entity-too-large")
        assert "1,000 bytes" in response.json["detail"]


def test_a_body_that_was_cut_off_is_refused(client: ConformingClient) -> None:
    picture = a_picture()
    response = client.put(
        PATH,
        input_stream=io.BytesIO(picture),
        content_type="image/png",
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": str(len(picture) + 10)},
    )
    assert response.status_code == 400
    assert client.get(PATH).status_code == 404


def test_an_unknown_product_has_no_images(client: ConformingClient) -> None:
    assert client.put("/v1/products/nobody/image", data=a_picture(), content_type="image/png").status_code == 404
    assert "nobody" in client.get("/v1/products/nobody/image").json["detail"]
    assert client.delete("/v1/products/nobody/image").status_code == 404


def test_several_images_stand_in_order_with_addresses_of_their_own(client: ConformingClient) -> None:
    colours = {0: "red", 2: "blue", 1: "green"}
    for position, colour in colours.items():
        stored = client.put(f"/v1/products/A1/images/{position}", data=a_picture(colour), content_type="image/png")
        assert stored.status_code == 201
        assert stored.headers["Location"] == stored.json["url"]
    listed = client.get("/v1/products/A1/images").json["items"]
    assert [image["position"] for image in listed] == [0, 1, 2]
    product = client.get("/v1/products/A1").json
    assert [image["url"] for image in product["images"]] == [image["url"] for image in listed]
    assert product["image"] == product["images"][0]["url"]
    for image in listed:
        shown = client.get(image["url"])
        assert shown.data == a_picture(colours[image["position"]])
        assert "immutable" in shown.headers["Cache-Control"]
        assert client.get(image["url"], headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304


def test_deleting_the_first_image_makes_the_next_the_embedded_one(
    client: ConformingClient, drain: Callable[[], int]
) -> None:
    for position, colour in enumerate(("red", "blue")):
        client.put(f"/v1/products/A1/images/{position}", data=a_picture(colour), content_type="image/png")
    drain()
    assert client.delete("/v1/products/A1/images/0").status_code == 204
    product = client.get("/v1/products/A1").json
    assert (product["embedding"], [image["position"] for image in product["images"]]) == ("pending", [1])
    assert drain() == 1
    assert client.delete("/v1/products/A1/images/0").status_code == 404


def test_an_added_image_goes_behind_the_others_and_is_not_stored_twice(client: ConformingClient) -> None:
    path = "/v1/products/A1/images"
    client.put(f"{path}/4", data=a_picture("red"), content_type="image/png")
    added = client.post(path, data=a_picture("blue"), content_type="image/png")
    assert (added.status_code, added.json["position"]) == (201, 5)
    again = client.post(path, data=a_picture("red"), content_type="image/png")
    assert (again.status_code, again.json["position"]) == (200, 4)
    assert len(client.get(path).json["items"]) == 2
    client.put(f"{path}/99", data=a_picture("white"), content_type="image/png")
    full = client.post(path, data=a_picture("black"), content_type="image/png")
    assert (full.status_code, full.json["errors"][0]["field"]) == (400, "position")


@pytest.mark.parametrize("position", ["-1", "100", "first", "1.5", "%20"])
def test_a_position_that_is_none_is_named(client: ConformingClient, position: str) -> None:
    answer = client.get(f"/v1/products/A1/images/{position}")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, "position")


def test_images_of_no_product_are_not_found_and_of_a_bare_one_none(client: ConformingClient) -> None:
    assert client.get("/v1/products/A1/images").json == {"items": []}
    assert client.get("/v1/products/none/images").status_code == 404
    assert client.post("/v1/products/none/images", data=a_picture(), content_type="image/png").status_code == 404
