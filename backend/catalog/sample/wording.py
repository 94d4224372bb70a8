"""Titles and descriptions, in words that agree with the picture."""

# Tables read as rows, not as one entry a line.
# fmt: off
import re

from backend.catalog.sample.family import Family
from backend.catalog.sample.look import Look

_PATTERNS = {
    "solid": "", "breton": "breton-striped", "wide stripe": "wide-striped", "pinstripe": "pinstriped",
    "awning": "striped", "gingham": "gingham", "plaid": "plaid", "windowpane": "windowpane check",
    "dots": "polka-dot", "floral": "floral", "chevron": "zigzag", "diamonds": "diamond-patterned",
    "herringbone": "herringbone", "marl": "marled", "speckle": "speckled",
}

_PATTERN_SENTENCES = {
    "breton": "narrow horizontal stripes in {accent} on {colour}",
    "wide stripe": "broad stripes of {colour} and {accent}", "pinstripe": "fine {accent} pinstripes on {colour}",
    "awning": "upright stripes of {colour} and {accent}", "gingham": "a {colour} and {accent} gingham check",
    "plaid": "a plaid of {colour} crossed with {accent}",
    "windowpane": "a thin {accent} windowpane check on {colour}", "dots": "{accent} polka dots on {colour}",
    "floral": "a scatter of {accent} flowers on {colour}", "chevron": "zigzags of {accent} on {colour}",
    "diamonds": "a diamond pattern of {accent} on {colour}",
    "herringbone": "a {colour} and {accent} herringbone weave", "marl": "{colour} yarn marled with {accent}",
    "speckle": "{accent} speckles over {colour}",
}

_CARE = {
    "cotton": "Machine wash at 40 degrees.", "organic cotton": "Organic cotton; machine wash at 30 degrees.",
    "jersey": "Wash cool, dry flat, skip the iron.", "poplin": "Machine wash at 40, iron while damp.",
    "linen": "Linen softens with every wash at 30 degrees.", "denim": "Wash inside out, cold, and not too often.",
    "merino": "Wool cycle, dry flat.", "lambswool": "Hand wash and dry flat, away from heat.",
    "cashmere": "Hand wash in lukewarm water and fold, never hang.",
    "cotton knit": "Machine wash at 30 degrees in a net.", "wool": "Air it after use; dry clean when needed.",
    "felt": "Brush with a soft brush; keep it out of heavy rain.", "tweed": "Dry clean only.",
    "corduroy": "Wash inside out at 30 degrees.", "canvas": "Wipe with a damp cloth.",
    "twill": "Machine wash at 30 degrees, warm iron.", "viscose": "Delicate cycle, hang to dry.",
    "satin": "Hand wash cold; steam from the inside.", "silk": "Hand wash cold with a mild soap.",
    "nylon": "Wipe clean; do not tumble dry.", "leather": "Feed the leather twice a year.",
    "suede": "Brush when dry and spray before the first wear.", "patent leather": "Wipe with a soft cloth.",
    "mesh": "Spot clean with mild soap.", "fleece": "Machine wash at 30 degrees, no softener.",
    "velvet": "Vacuum gently along the pile.", "boucle": "Vacuum with a soft brush.",
    "porcelain": "Safe in the dishwasher and the microwave.",
    "stoneware": "Fired at 1,240 degrees, so the dishwasher does not worry it.",
    "enamel": "Enamel on steel; do not scour.", "steel": "Stainless steel; rinse and dry.", "glass": "Rinse by hand.",
    "terracotta": "It darkens a little where water soaks in.", "concrete": "Cast by hand and sealed.",
    "ceramic": "Wipe with a damp cloth.", "wood": "Solid wood; oil it once a year.",
    "painted wood": "Solid beech under a matt paint; wipe with a damp cloth.",
    "rattan": "Keep it dry; dust with a brush.", "paper": "Dust with a feather, not a cloth.",
}

_OPENINGS = (
    "{A} {adjective} {noun} in {quality} {material}.", "This {adjective} {noun} is made of {quality} {material}.",
    "{brand}'s {adjective} {noun}, in {quality} {material}.", "Our take on the {adjective} {noun}, in {material}.",
)
_PLURAL_OPENINGS = (
    "{Adjective} {noun} in {quality} {material}.", "These {adjective} {noun} are made of {quality} {material}.",
    "{brand}'s {adjective} {noun}, in {quality} {material}.", "Our take on {adjective} {noun}, in {material}.",
)
_ADJECTIVES = (
    "well-made", "quietly handsome", "everyday", "sturdy", "pared-back", "generous", "carefully finished", "honest",
    "long-lasting", "easy-going", "smart", "cheerful",
)
_QUALITIES = (
    "good", "hard-wearing", "carefully chosen", "first-rate", "responsibly sourced", "lovely", "well-finished",
)
_MADE = (
    "Made in Portugal.", "Made in small batches in Galicia.", "Made in a family workshop near Brno.",
    "Made in northern Italy.", "Made in Estonia.", "Finished by hand in Normandy.",
)


def titled(words: str) -> str:
    """Capital first letters, also after a hyphen; capitals that are there stay."""
    small = {"in", "with", "and", "a", "of"}
    return " ".join(w if w in small else re.sub(r"(^|-)(\w)", lambda m: m[1] + m[2].upper(), w) for w in words.split())


def title(family: Family, look: Look) -> str:
    """For example "Linden & Rook Breton-Striped Linen Shirt in Sage"."""
    template = family.dice("title").choice(family.kind.titles)
    hidden = {"regular", "classic", "no strap"}
    words = {part: "" if choice in hidden else choice for part, choice in look.shape.items()}
    if not words.get("strap", "x"):
        template = template.replace(" with {strap}", "")
    body = titled(template.format(pattern=_PATTERNS[look.pattern], material=look.material, **words))
    return f"{family.brand.name} {body} in {look.colour.name}"


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _details(family: Family, look: Look) -> str | None:
    phrases = [p for part, choice in look.shape.items() for p in [family.kind.shapes[part][choice][1]] if p]
    shown = [p for p in phrases if p.startswith("Shown")]
    built = [p for p in phrases if not p.startswith("Shown")]
    built = family.dice("details").some(built, 4)
    lead = family.dice("lead").choice(
        ("With", "It has", "Details:", "Look for")
        if not family.kind.plural
        else ("With", "They have", "Details:", "Look for")
    )
    parts = [f"{lead} {_listed(built)}."] if built else []
    if shown:
        parts.append(f"{shown[0]}, which is not included.")
    return " ".join(parts) or None


def _coloured(look: Look, family: Family) -> str:
    colour, accent = look.colour.name.lower(), look.accent.name.lower()
    if look.pattern == "solid":
        plain = (
            "The colour is {colour}.", "Here in {colour}.", "Shown in {colour}.",
            "In {colour}, which goes with more than you think.",
        )
        return family.dice("colour").choice(plain).format(colour=colour)
    patterned = (
        "The pattern: {p}.", "They come with {p}." if family.kind.plural else "It comes with {p}.", "All over: {p}.",
    )
    return (
        family.dice("colour")
        .choice(patterned)
        .format(p=_PATTERN_SENTENCES[look.pattern].format(colour=colour, accent=accent))
    )


def description(family: Family, look: Look) -> str:
    """Two to five sentences: material, details that the picture shows, use, care."""
    dice = family.dice("description")
    adjective = dice.choice(_ADJECTIVES)
    opening = dice.choice(_PLURAL_OPENINGS if family.kind.plural else _OPENINGS).format(
        A="An" if adjective[0] in "aeiou" or adjective == "honest" else "A", adjective=adjective,
        Adjective=adjective.capitalize(), quality=dice.choice(_QUALITIES), noun=family.kind.noun,
        material=look.material, brand=family.brand.name,
    )
    middle = [s for s in (_details(family, look), _coloured(look, family)) if s]
    if dice.random() < 0.3:
        middle.reverse()
    ending = [dice.choice(family.kind.uses)]
    if dice.random() < 0.75:
        ending.append(_CARE[look.material])
    elif dice.random() < 0.6:
        ending.append(dice.choice(_MADE))
    return " ".join([opening, *middle, *ending])


def attributes(family: Family, look: Look) -> dict[str, str | int]:
    """Filterable facts, all of which the picture or the text shows."""
    facts: dict[str, str | int] = {
        "colour": look.colour.name, "colour_family": look.colour.family,
        "pattern": _PATTERNS[look.pattern] or "plain", "material": look.material, "season": family.season,
        "year": family.year,
    }
    if family.audience is not None:
        facts["gender" if family.kind.people else "room"] = family.audience
    facts.update({part: choice for part, choice in look.shape.items() if not choice.startswith(("no ", "plain"))})
    return facts
