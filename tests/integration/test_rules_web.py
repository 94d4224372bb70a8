"""The admin's pages of ranking rules, as a browser without scripts uses them."""

import re
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from web_fixtures import Page, read, shop
from werkzeug.test import TestResponse

from backend.catalog.categories import rename_category
from backend.catalog.products import delete_product
from backend.database.connection import Database
from backend.recommend.rules import RuleData, create_rule, get_rule, list_rules, put_rule

__all__ = ["shop"]

HERE = {"Sec-Fetch-Site": "same-origin"}
SHIRTS = {"field": "category", "under": "Clothes/Shirts"}
CHEAP = {"field": "price", "lt": 30}
NEW = {
    "name": "cheap-shirts",
    "action": "boost",
    "amount": "0.2",
    "category": "Clothes/Shirts",
    "brand": "Atelier Nord",
    "filter": '{\r\n  "field": "price", "lt": 30}',
    "sku": "",
    "position": "1",
    "placement": "home",
    "starts_at": "2026-05-04T12:00",
    "ends_at": "",
    "note": "For May.\r\nAgreed.",
    "enabled": "1",
}


def send(client: FlaskClient, path: str, fields: dict[str, str], status: int = 303) -> TestResponse:
    response = client.post(path, data=fields, headers=HERE)
    assert response.status_code == status, response.text
    return response


def filled(page: Page) -> dict[str, str]:
    """What a browser would send of the page's form, pressing its first button."""
    radios = {a["name"]: a["value"] or "" for _, a in page.tags if a.get("type") == "radio" and "checked" in a}
    assert radios.keys() == {"action"}
    return {name: value for name, value in {**page.fields, **radios}.items() if name and name != "q"}


def test_a_rule_is_added_shown_and_edited(shop: FlaskClient, database: Database) -> None:
    assert "There are none" in read(shop, "/admin/rules").text
    added = send(shop, "/admin/rules/new", NEW)
    assert added.location == "/admin/rules/cheap-shirts/edit?saved=1"
    rule = get_rule(database, "cheap-shirts")
    assert rule.filter == {"all": [SHIRTS, {"field": "brand", "eq": "Atelier Nord"}, CHEAP]}
    assert (rule.amount, rule.sku, rule.position, rule.placement) == (0.2, None, None, "home")
    assert (rule.starts_at, rule.note) == (datetime(2026, 5, 4, 12, tzinfo=UTC), "For May.\nAgreed.")
    page = read(shop, added.location)
    assert "Saved." in page.text
    assert "2 products of 20 match:" in page.text
    assert page.links("/p/") == ["/p/P02", "/p/P01"]
    fields = filled(page)
    assert (fields["category"], fields["brand"]) == ("Clothes/Shirts", "Atelier Nord")
    # Sent as it came, it changes nothing.
    send(shop, "/admin/rules/cheap-shirts/edit", fields)
    assert get_rule(database, "cheap-shirts") == rule
    send(shop, "/admin/rules/cheap-shirts/edit", fields | {"action": "pin", "sku": "P07", "position": "2"})
    rule = get_rule(database, "cheap-shirts")
    assert (rule.action, rule.filter, rule.amount, rule.sku, rule.position) == ("pin", None, None, "P07", 2)
    assert "blue wool coat" in read(shop, "/admin/rules/cheap-shirts/edit").text


def test_the_list_says_what_each_rule_does_and_whether_it_applies(shop: FlaskClient, database: Database) -> None:
    later = datetime(2999, 1, 1, tzinfo=UTC)
    create_rule(database, "a", RuleData("boost", {"all": [SHIRTS, CHEAP]}, 0.2, note="Why not"))
    create_rule(database, "b", RuleData("hide", CHEAP, starts_at=later, placement="cart"))
    create_rule(database, "c", RuleData("pin", sku="P01", position=3, enabled=False))
    page = read(shop, "/admin/rules")
    lines = re.split(r"(?:Disable|Enable) [abc] Delete [abc]", page.text)
    assert 'a active Boost by 0.2 Clothes/Shirts {"field": "price", "lt": 30} 2 products · every placement' in lines[0]
    assert "Why not" in lines[0]
    assert 'b scheduled Hide {"field": "price", "lt": 30} 2 products · placement cart' in lines[1]
    assert "from 1 January 2999 00:00 UTC" in lines[1]
    assert "c disabled Pin P01 at position 3 every placement" in lines[2]
    assert page.links("/admin/rules?") == [
        "/admin/rules?state=active",
        "/admin/rules?state=scheduled",
        "/admin/rules?state=disabled",
    ]
    only = read(shop, "/admin/rules?state=scheduled")
    assert [link for link in only.links("/admin/rules/") if link.endswith("/edit")] == ["/admin/rules/b/edit"]
    assert "No rule is ended." in read(shop, "/admin/rules?state=ended").text


def test_a_rule_is_switched_off_and_on(shop: FlaskClient, database: Database) -> None:
    create_rule(database, "a", RuleData("hide", CHEAP))
    send(shop, "/admin/rules/a/enabled", {"enabled": "0"})
    assert get_rule(database, "a").state == "disabled"
    back = send(shop, "/admin/rules/a/enabled?state=disabled", {"enabled": "1"})
    assert back.location == "/admin/rules?state=disabled"
    assert get_rule(database, "a").state == "active"


def test_a_rule_is_deleted_after_a_question(shop: FlaskClient, database: Database) -> None:
    create_rule(database, "a", RuleData("hide", CHEAP))
    page = read(shop, "/admin/rules/a/delete")
    assert "Delete the rule a?" in page.text
    assert "2 products" in page.text
    assert [rule.name for rule in list_rules(database)] == ["a"]
    gone = send(shop, "/admin/rules/a/delete", {})
    assert list_rules(database) == []
    assert "The rule a is deleted." in read(shop, gone.location).text
    for path in ("/admin/rules/a/edit", "/admin/rules/a/delete"):
        assert "No rule named a" in read(shop, path, 404).text
    send(shop, "/admin/rules/a/delete", {}, 404)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Big Sale"}, "Must be 1 to 100 of a-z"),
        ({"action": "promote"}, "Must be boost, bury, pin or hide"),
        ({"amount": "much"}, "Must be a number such as 0.1"),
        ({"amount": "2"}, "Is needed, above 0 and at most 1"),
        ({"category": "Gone"}, "There is no category Gone."),
        ({"filter": "{"}, "Is not JSON: "),
        ({"filter": '{"field": "colour", "eq": "red"}'}, 'Filter.field is unknown: the string "colour"'),
        ({"filter": '{"all": [{"field": "price", "lt": "ten"}]}'}, "Filter.all[0].lt must be a number"),
        ({"category": "", "brand": "", "filter": ""}, "Say which products"),
        ({"action": "pin"}, "Is needed by pin"),
        ({"action": "pin", "sku": "gone"}, "No product with sku gone"),
        ({"action": "pin", "sku": "P01", "position": "0"}, "Is needed, from 1 to 1000, by pin"),
        ({"starts_at": "soon"}, "Must be a day and a time"),
        ({"ends_at": "2026-05-04T12:00"}, "Must be later than starts_at"),
        ({"placement": "x" * 101}, "Must be 1 to 100 characters"),
        ({"note": "x" * 2001}, "Must not be longer than 2000 characters"),
    ],
)
def test_what_does_not_fit_is_said_beside_the_field_and_nothing_is_lost(
    shop: FlaskClient, database: Database, changes: dict[str, str], said: str
) -> None:
    page = Page(send(shop, "/admin/rules/new", NEW | changes, 422).text)
    assert "Nothing was saved." in page.text
    assert said in page.text
    assert list_rules(database) == []
    sent = NEW | changes
    for name in ("name", "amount", "category", "brand", "filter", "sku", "position", "placement", "note"):
        assert page.fields[name] == sent[name].replace("\r\n", "\n")


def test_of_two_who_add_the_same_name_the_second_is_told_so(shop: FlaskClient, database: Database) -> None:
    send(shop, "/admin/rules/new", NEW)
    page = Page(send(shop, "/admin/rules/new", NEW | {"note": "mine"}, 409).text)
    assert "A rule named cheap-shirts exists already." in page.text
    assert page.fields["note"] == "mine"
    assert get_rule(database, "cheap-shirts").note == "For May.\nAgreed."


def test_of_two_who_edit_the_same_rule_the_second_is_told_so(shop: FlaskClient, database: Database) -> None:
    create_rule(database, "a", RuleData("hide", CHEAP))
    fields = filled(read(shop, "/admin/rules/a/edit"))
    put_rule(database, "a", RuleData("hide", SHIRTS))
    page = Page(send(shop, "/admin/rules/a/edit", fields | {"note": "mine"}, 409).text)
    assert "was changed by somebody else meanwhile" in page.text
    assert page.fields["note"] == "mine"
    assert get_rule(database, "a").filter == SHIRTS
    # Again from what it shows: still of the old state.
    send(shop, "/admin/rules/a/edit", filled(page), 409)


def test_a_rule_whose_category_was_renamed_says_so_and_is_still_edited(shop: FlaskClient, database: Database) -> None:
    send(shop, "/admin/rules/new", NEW)
    rename_category(database, "Clothes/Shirts", "Clothes/Tops")
    assert "No longer there: Clothes/Shirts." in read(shop, "/admin/rules").text
    page = read(shop, "/admin/rules/cheap-shirts/edit")
    assert "names what is no longer there: Clothes/Shirts" in page.text
    assert "0 products of 20 match" in page.text
    send(shop, "/admin/rules/cheap-shirts/edit", filled(page) | {"note": "still mine"})
    assert get_rule(database, "cheap-shirts").note == "still mine"
    page = read(shop, "/admin/rules/cheap-shirts/edit")
    changed = filled(page) | {"brand": ""}
    assert "There is no category Clothes/Shirts." in send(shop, "/admin/rules/cheap-shirts/edit", changed, 422).text
    send(shop, "/admin/rules/cheap-shirts/edit", changed | {"category": "Clothes/Tops"})
    assert get_rule(database, "cheap-shirts").missing == []


def test_a_pin_whose_product_is_gone_says_so(shop: FlaskClient, database: Database) -> None:
    create_rule(database, "pin", RuleData("pin", sku="P01", position=1))
    delete_product(database, "P01")
    assert "No longer there: P01." in read(shop, "/admin/rules").text
    assert "There is no product with SKU P01." in read(shop, "/admin/rules/pin/edit").text


def test_a_button_counts_without_saving(shop: FlaskClient, database: Database) -> None:
    page = Page(send(shop, "/admin/rules/new", NEW | {"preview": "1", "filter": ""}, 200).text)
    assert "5 products of 20 match:" in page.text
    assert page.fields["note"] == "For May.\nAgreed."
    assert list_rules(database) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "No products are named yet"),
        ({"category": "Clothes"}, "10 products of 20 match; the newest:"),
        ({"category": "Clothes/Shirts", "filter": '{"field": "price", "lt": 20}'}, "1 product of 20 matches:"),
        ({"category": "Gone"}, "0 products of 20 match. Filter.under is no category: Gone. It matches nothing."),
        ({"filter": '{"field": "price"'}, "Is not JSON"),
        ({"filter": '{"field": "price", "lt": "x"}', "category": "Clothes"}, "Filter.lt must be a number"),
        ({"filter": '{"all": []}'}, "20 products of 20 match; the newest:"),
        ({"action": "pin"}, "No product is named yet."),
        ({"action": "pin", "sku": "gone"}, "There is no product with SKU gone."),
        ({"action": "pin", "sku": "P01"}, "red linen shirt"),
    ],
)
def test_the_form_says_which_products_it_is_about(shop: FlaskClient, fields: dict[str, str], said: str) -> None:
    assert said in read(shop, f"/admin/rules/preview?{urlencode(fields)}").text


def test_a_rule_may_have_the_name_of_a_page(shop: FlaskClient, database: Database) -> None:
    for name in ("new", "preview"):
        send(shop, "/admin/rules/new", NEW | {"name": name})
        assert f"Edit {name}" in read(shop, f"/admin/rules/{name}/edit").text


def test_forms_of_other_sites_are_refused(shop: FlaskClient, database: Database) -> None:
    create_rule(database, "a", RuleData("hide", CHEAP))
    for path in ("/admin/rules/new", "/admin/rules/a/edit", "/admin/rules/a/enabled", "/admin/rules/a/delete"):
        assert shop.post(path, data=NEW).status_code == 403
    assert [rule.state for rule in list_rules(database)] == ["active"]


def test_names_are_shown_as_they_are_and_never_as_markup(shop: FlaskClient, database: Database) -> None:
    mark = "<b>&\"'"
    send(shop, "/admin/rules/new", NEW | {"brand": mark, "placement": mark, "note": mark})
    for path in ("/admin/rules", "/admin/rules/cheap-shirts/edit", "/admin/rules/cheap-shirts/delete"):
        html = shop.get(path).text
        assert "<b>" not in html
        assert "&lt;b&gt;&amp;" in html
