"""The admin's rule form: text fields to what a rule is, and back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from backend.errors import InvalidInput
from backend.recommend.rules import Rule, RuleData
from backend.web.json_field import read_object

_SHORT_TEXTS = ("amount", "category", "brand", "sku", "position", "placement", "starts_at", "ends_at", "seen")
_LONG_TEXTS = ("filter", "note")
_ACTIONS = {"boost", "bury", "pin", "hide"}


@dataclass
class RuleForm:
    """What stands in the fields, and what is wrong with it by field ("" for the whole form).

    ``category`` and ``brand`` are the two conditions that most rules have; ``filter`` holds all others as JSON.
    ``seen`` is the ``updated_at`` of the rule that the form was filled with.
    """

    name: str = ""
    action: str = "boost"
    amount: str = "0.1"
    category: str = ""
    brand: str = ""
    filter: str = ""
    sku: str = ""
    position: str = "1"
    placement: str = ""
    starts_at: str = ""
    ends_at: str = ""
    note: str = ""
    enabled: bool = True
    seen: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, rule: Rule) -> "RuleForm":
        """The form filled with a rule."""
        category, brand, others = take_apart(rule.filter)
        return cls(
            name=rule.name,
            action=rule.action,
            amount="" if rule.amount is None else str(rule.amount),
            category=category,
            brand=brand,
            filter="" if others is None else write_conditions(others, indent=2),
            sku=rule.sku or "",
            position="" if rule.position is None else str(rule.position),
            placement=rule.placement or "",
            starts_at=_as_field(rule.starts_at),
            ends_at=_as_field(rule.ends_at),
            note=rule.note,
            enabled=rule.enabled,
            seen=rule.updated_at.astimezone(UTC).isoformat(),
        )

    @classmethod
    def sent(cls, name: str, fields: Mapping[str, str]) -> "RuleForm":
        """The form as it was sent; browsers send lines that end in CR LF, which no stored text has."""
        form = cls(name=name, action=fields.get("action", "boost"), enabled=bool(fields.get("enabled")))
        for text in _SHORT_TEXTS + _LONG_TEXTS:
            setattr(form, text, fields.get(text, "").replace("\r\n", "\n").strip())
        return form

    def note_problem(self, error: InvalidInput) -> None:
        """Remember what is wrong, to be shown beside the field."""
        message = str(error)
        place = (error.field or "").partition(".")[0].partition("[")[0]
        self.problems[place] = message[:1].upper() + message[1:]

    def rule_filter(self) -> dict[str, Any] | None:
        """The filter that category, brand and the other conditions make together; None where nothing is said.

        Raises:
            InvalidInput: the other conditions are not a JSON object.
        """
        return put_together(self.category, self.brand, self.other_conditions())

    def data(self) -> RuleData:
        """What is to be stored; what the action does not take is left out, whatever stands in its field.

        Raises:
            InvalidInput: a field cannot be read; the error names it.
        """
        if self.action not in _ACTIONS:
            raise InvalidInput("must be boost, bury, pin or hide", field="action")
        pins, scores = self.action == "pin", self.action in ("boost", "bury")
        rule_filter = None if pins else self.rule_filter()
        if not pins and rule_filter is None:
            raise InvalidInput(
                'say which products: a category, a brand or other conditions; {"all": []} is every product',
                field="filter",
            )
        return RuleData(
            action=self.action,  # type: ignore[arg-type]  # one of _ACTIONS
            filter=rule_filter,
            amount=_number(self.amount, "amount") if scores else None,
            sku=self.sku or None if pins else None,
            position=_whole_number(self.position, "position") if pins else None,
            placement=self.placement or None,
            starts_at=_time(self.starts_at, "starts_at"),
            ends_at=_time(self.ends_at, "ends_at"),
            enabled=self.enabled,
            note=self.note,
        )

    def unchanged_since(self) -> datetime:
        """When the rule was last changed that the form was filled with.

        Raises:
            InvalidInput: the form does not say so.
        """
        try:
            return datetime.fromisoformat(self.seen)
        except ValueError as error:
            raise InvalidInput("the form is not one of ours: open the rule again") from error

    def other_conditions(self) -> dict[str, Any] | None:
        """What stands in the field for conditions other than category and brand; None where it is empty.

        Raises:
            InvalidInput: it is not a JSON object.
        """
        if not self.filter:
            return None
        return read_object(self.filter, "filter", '{"field": "price", "lt": 50}')


def put_together(category: str, brand: str, others: dict[str, Any] | None) -> dict[str, Any] | None:
    """One filter of a category, a brand and other conditions; None of none of them."""
    members: list[dict[str, Any]] = []
    if category:
        members.append({"field": "category", "under": category})
    if brand:
        members.append({"field": "brand", "eq": brand})
    if others is not None:
        # As the admin would write them: side by side.
        members += others["all"] if members and set(others) == {"all"} and isinstance(others["all"], list) else [others]
    return {"all": members} if len(members) > 1 else members[0] if members else None


def take_apart(rule_filter: Mapping[str, Any] | None) -> tuple[str, str, dict[str, Any] | None]:
    """Category, brand and the other conditions of a filter, of which ``put_together`` makes the same one again."""
    if rule_filter is None:
        return "", "", None
    whole = dict(rule_filter)
    members = list(whole["all"]) if set(whole) == {"all"} and isinstance(whole["all"], list) else [whole]
    category = _take(members, "category", "under")
    brand = _take(members, "brand", "eq")
    others = None if not members else members[0] if len(members) == 1 else {"all": members}
    if put_together(category, brand, others) != whole:
        return "", "", whole
    return category, brand, others


def write_conditions(others: Any, *, indent: int | None = None) -> str:
    """Conditions as people write them: the field before what is asked of it, which jsonb does not keep."""
    return json.dumps(_field_first(others), ensure_ascii=False, indent=indent)


def _field_first(node: Any) -> Any:
    if isinstance(node, list):
        return [_field_first(member) for member in node]
    if isinstance(node, dict):
        return {name: _field_first(node[name]) for name in sorted(node, key=lambda name: (name != "field", name))}
    return node


def _take(members: list[Any], name: str, operator: str) -> str:
    first = members[0] if members else None
    if isinstance(first, dict) and set(first) == {"field", operator} and first["field"] == name:
        value = first[operator]
        if isinstance(value, str) and value and value == value.strip():
            del members[0]
            return value
    return ""


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InvalidInput("must be a number such as 0.1", field=name) from error


def _whole_number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidInput("must be a whole number such as 1", field=name)
    return int(text)


def _time(text: str, name: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("must be a day and a time such as 2026-05-04T12:00", field=name) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _as_field(moment: datetime | None) -> str:
    """A time as a datetime-local field takes it, in UTC, to the second where it has any."""
    if moment is None:
        return ""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    if utc.microsecond:
        return utc.isoformat(timespec="milliseconds")
    return utc.isoformat(timespec="seconds" if utc.second else "minutes")
