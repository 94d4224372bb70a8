"""The admin's rule form: what stands in its fields makes the same rule again."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InvalidInput
from backend.recommend.rules import Rule, RuleData
from backend.web.rule_form import RuleForm, put_together, take_apart, write_conditions

UNDER = {"field": "category", "under": "Apparel/Shoes"}
BRAND = {"field": "brand", "eq": "Birch"}
CHEAP = {"field": "price", "lt": 50}
BLUE = {"field": "attributes.colour", "in": ["blue", "navy"]}
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("whole", "parts"),
    [
        (None, ("", "", None)),
        (UNDER, ("Apparel/Shoes", "", None)),
        (BRAND, ("", "Birch", None)),
        (CHEAP, ("", "", CHEAP)),
        ({"all": [UNDER, BRAND]}, ("Apparel/Shoes", "Birch", None)),
        ({"all": [UNDER, CHEAP]}, ("Apparel/Shoes", "", CHEAP)),
        ({"all": [UNDER, BRAND, CHEAP, BLUE]}, ("Apparel/Shoes", "Birch", {"all": [CHEAP, BLUE]})),
        ({"all": [BRAND, UNDER]}, ("", "Birch", UNDER)),
        ({"all": [CHEAP, UNDER]}, ("", "", {"all": [CHEAP, UNDER]})),
        # What would not come together again as it is stored stays whole.
        ({"all": [UNDER, {"all": [CHEAP, BLUE]}]}, ("", "", {"all": [UNDER, {"all": [CHEAP, BLUE]}]})),
        ({"all": [UNDER]}, ("", "", {"all": [UNDER]})),
        ({"all": []}, ("", "", {"all": []})),
        ({"any": [UNDER, BRAND]}, ("", "", {"any": [UNDER, BRAND]})),
        ({"field": "category", "under": ["A", "B"]}, ("", "", {"field": "category", "under": ["A", "B"]})),
        ({"field": "brand", "eq": " Birch"}, ("", "", {"field": "brand", "eq": " Birch"})),
    ],
)
def test_category_and_brand_have_fields_of_their_own(
    whole: dict[str, Any] | None, parts: tuple[str, str, dict[str, Any] | None]
) -> None:
    assert take_apart(whole) == parts
    assert put_together(*parts) == whole


leaves = st.sampled_from([UNDER, BRAND, CHEAP, BLUE])
trees = st.recursive(
    leaves,
    lambda nodes: (
        st.fixed_dictionaries({"all": st.lists(nodes, max_size=4)})
        | st.fixed_dictionaries({"any": st.lists(nodes, max_size=4)})
        | st.fixed_dictionaries({"not": nodes})
    ),
    max_leaves=8,
)


@given(
    trees,
    st.sampled_from(["boost", "bury", "hide"]),
    st.sampled_from([None, NOON, NOON.replace(second=7, microsecond=5000)]),
)
def test_a_rule_that_is_opened_and_saved_stays_the_same(
    tree: dict[str, Any], action: Any, starts_at: datetime | None
) -> None:
    data = RuleData(
        action, tree, None if action == "hide" else 0.25, placement="home", starts_at=starts_at, note="a\nb"
    )
    rule = Rule(**asdict(data), id=1, name="r", state="active", missing=[], created_at=NOON, updated_at=NOON)
    fields = {name: str(value) for name, value in vars(RuleForm.of(rule)).items() if name != "problems"}
    # A browser's lines end in CR LF, and a box that is not ticked is not sent.
    sent = RuleForm.sent("r", {name: value.replace("\n", "\r\n") for name, value in fields.items()})
    assert sent.data() == data
    assert sent.unchanged_since() == NOON


def test_what_the_action_does_not_take_is_left_out() -> None:
    everything = {"category": "A", "amount": "0.5", "sku": "S1", "position": "2"}
    assert RuleForm.sent("r", {"action": "pin", **everything}).data() == RuleData(
        "pin", sku="S1", position=2, enabled=False
    )
    assert RuleForm.sent("r", {"action": "hide", **everything, "enabled": "1"}).data() == RuleData(
        "hide", {"field": "category", "under": "A"}
    )


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"action": "promote"}, "action"),
        ({"action": "hide"}, "filter"),
        ({"filter": "{"}, "filter"),
        ({"filter": "[]"}, "filter"),
        ({"filter": '{"field": "price", "lt": NaN}'}, "filter"),
        ({"filter": "[" * 100_000}, "filter"),
        ({"filter": f'{{"field": "price", "lt": 1{"0" * 5000}}}'}, "filter"),
        ({"category": "A", "amount": "much"}, "amount"),
        ({"category": "A", "amount": "0.1", "starts_at": "tomorrow"}, "starts_at"),
        ({"action": "pin", "sku": "S1", "position": "first"}, "position"),
        ({"action": "pin", "sku": "S1", "position": "9" * 20}, "position"),
    ],
)
def test_what_cannot_be_read_is_noted_beside_its_field(fields: dict[str, str], field: str) -> None:
    form = RuleForm.sent("r", fields)
    with pytest.raises(InvalidInput) as refused:
        form.data()
    form.note_problem(refused.value)
    assert list(form.problems) == [field]


def test_a_form_that_does_not_say_what_it_was_filled_with_is_refused() -> None:
    with pytest.raises(InvalidInput, match="open the rule again"):
        RuleForm.sent("r", {}).unchanged_since()


def test_conditions_are_written_with_the_field_first() -> None:
    stored = {"any": [{"eq": 1, "field": "price"}, {"not": {"eq": "x", "field": "sku"}}]}
    assert write_conditions(stored) == '{"any": [{"field": "price", "eq": 1}, {"not": {"field": "sku", "eq": "x"}}]}'
