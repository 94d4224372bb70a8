"""Kinds: garments."""

# Tables read as rows, not as one entry a line.
# fmt: off
from backend.catalog.sample.kind import Choices, Kind
from backend.catalog.sample.picture import lower, outer, tops

ALL = ("Women", "Men", "Unisex")
_WARM, _COLD = ("Spring", "Summer"), ("Autumn", "Winter")
_PRINTS = {"solid": 5.0, "breton": 2.0, "wide stripe": 1.0, "dots": 1.0, "floral": 1.0, "marl": 1.2}
_CHECKS = {
    "solid": 4.0, "gingham": 1.5, "plaid": 1.6, "pinstripe": 1.5, "awning": 1.0, "windowpane": 0.8, "floral": 0.8,
    "dots": 0.7,
}
_FIT: Choices = {
    "slim": (2, "a slim cut"), "regular": (4, None), "relaxed": (2, "a relaxed fit"),
    "oversized": (1, "an oversized shape"),
}
_TRIM: Choices = {"plain": (3, None), "contrast": (1, "contrast trims")}
_LENGTH: Choices = {"mini": (1, "a mini length"), "midi": (2, "a midi length"), "maxi": (1, "a full-length hem")}

APPAREL = {
    "tee": Kind(
        "Apparel/Topwear/T-Shirts", "T-shirt", "clothes", tops.tee, (14, 45),
        {"cotton": 3, "organic cotton": 2, "jersey": 2, "linen": 1}, _PRINTS,
        ("{pattern} {material} T-Shirt", "{neck} {pattern} {material} T-Shirt", "{fit} {pattern} {material} Tee"),
        (
            "It sits close enough for layering and loose enough for a hot afternoon.",
            "Pre-washed, so it will not shrink on you.", "Good under a jacket, better on its own.",
            "The shoulder seam is taped so that it keeps its line.",
        ),
        {
            "fit": _FIT,
            "neck": {
                "crew neck": (3, "a ribbed crew neck"), "V-neck": (2, "a V-neck"), "scoop neck": (1, "a scoop neck"),
            },
            "sleeve": {
                "short": (4, "short sleeves"), "elbow-length": (1, "elbow-length sleeves"),
                "long": (1, "long sleeves"),
            },
            "trim": _TRIM, "pocket": {"no pocket": (3, None), "chest pocket": (1, "a chest pocket")},
        },
        people=ALL, seasons=_WARM,
    ),
    "shirt": Kind(
        "Apparel/Topwear/Shirts", "shirt", "clothes", tops.shirt, (32, 95),
        {"linen": 3, "poplin": 3, "cotton": 2, "viscose": 1, "corduroy": 0.7}, _CHECKS,
        ("{pattern} {material} Shirt", "{collar} {pattern} {material} Shirt", "{fit} {pattern} {material} Shirt"),
        (
            "Works tucked in at a desk and open over a tee at the weekend.",
            "Cut with a little ease across the back so that nothing pulls.",
            "The curved hem stays put when tucked and looks right when not.",
        ),
        {
            "fit": _FIT, "sleeve": {"short": (2, "short sleeves"), "long": (3, "long sleeves with buttoned cuffs")},
            "pocket": {
                "no pocket": (3, None), "chest pocket": (2, "one chest pocket"),
                "two chest pockets": (1, "two chest pockets"),
            },
            "collar": {
                "button-down": (2, "a button-down collar"), "spread": (2, "a spread collar"),
                "band": (1, "a band collar"),
            },
        },
        people=ALL, seasons=("Spring", "Summer", "Autumn"),
    ),
    "jumper": Kind(
        "Apparel/Knitwear/Jumpers", "jumper", "clothes", tops.jumper, (45, 150),
        {"lambswool": 3, "merino": 3, "cashmere": 1, "cotton knit": 2},
        {"solid": 4, "breton": 1.5, "wide stripe": 1, "marl": 2, "diamonds": 1, "chevron": 0.7},
        ("{pattern} {material} Jumper", "{neck} {pattern} {material} Jumper"),
        (
            "Warm without bulk, and soft enough to wear against the skin.",
            "Ribbed cuffs and hem hold their shape year after year.",
            "The kind of knit that lives on the back of a chair from October to April.",
        ),
        {
            "fit": _FIT,
            "neck": {
                "crew neck": (3, "a crew neck"), "V-neck": (2, "a V-neck"), "roll neck": (1.5, "a deep roll neck"),
            },
            "trim": _TRIM,
        },
        people=ALL, seasons=_COLD,
        zoom=0.97,
    ),
    "hoodie": Kind(
        "Apparel/Knitwear/Hoodies", "hoodie", "clothes", tops.hoodie, (38, 90), {"fleece": 3, "organic cotton": 2},
        {"solid": 6, "marl": 2, "breton": 0.7},
        ("{pattern} {material} Hoodie", "{front} {pattern} {material} Hoodie", "{fit} {pattern} Hoodie"),
        (
            "Brushed inside, so it feels like a blanket that you may wear outdoors.",
            "The hood is lined and keeps its shape.", "Made for early trains, late dogs and long sofas.",
        ),
        {
            "fit": _FIT, "front": {"pullover": (2, "a pouch pocket"), "zip": (1, "a full zip and two pockets")},
            "trim": _TRIM,
        },
        people=ALL, seasons=_COLD,
        zoom=0.97,
    ),
    "jacket": Kind(
        "Apparel/Outerwear/Jackets", "jacket", "clothes", outer.jacket, (75, 240),
        {"twill": 2, "denim": 2, "nylon": 2, "wool": 2, "corduroy": 1, "leather": 1},
        {"solid": 6, "plaid": 1, "herringbone": 1, "windowpane": 0.6},
        ("{pattern} {material} {style}", "{fit} {pattern} {material} {style}"),
        (
            "Room for a jumper underneath, and pockets where hands expect them.",
            "Fully lined, with an inside pocket for a phone.",
            "A light layer for the weeks when the weather cannot decide.",
        ),
        {
            "fit": _FIT,
            "style": {
                "bomber jacket": (2, "a ribbed hem and collar"),
                "trucker jacket": (2, "flap pockets and a buttoned front"),
                "blazer": (2, "notched lapels and a two-button front"),
                "puffer jacket": (2, "quilted channels and a high collar"),
            },
            "trim": _TRIM,
        },
        people=ALL, seasons=("Autumn", "Spring"),
    ),
    "coat": Kind(
        "Apparel/Outerwear/Coats", "coat", "clothes", outer.coat, (130, 380),
        {"wool": 4, "tweed": 2, "cashmere": 1, "twill": 2},
        {"solid": 5, "herringbone": 2, "plaid": 1.2, "windowpane": 0.7},
        ("{pattern} {material} Coat", "{front} {pattern} {material} Coat", "{length} {pattern} {material} Coat"),
        (
            "Heavy enough for January, smart enough for an interview or a first date.",
            "A back vent lets you stride for the bus.", "Half-lined in satin so that it slides over knitwear.",
        ),
        {
            "fit": _FIT,
            "length": {
                "short": (1, "a hem above the knee"), "knee-length": (2, "a knee-length hem"),
                "long": (2, "a long hem"),
            },
            "belt": {"belted": (1, "a tie belt"), "no belt": (2, None)},
            "front": {
                "double-breasted": (1, "a double-breasted front"), "single-breasted": (2, "a single-breasted front"),
            },
        },
        people=("Women", "Men"), seasons=_COLD,
    ),
    "trousers": Kind(
        "Apparel/Bottomwear/Trousers", "trousers", "clothes", lower.trousers, (38, 120),
        {"twill": 3, "linen": 2, "corduroy": 1.5, "wool": 1.5},
        {"solid": 6, "pinstripe": 1, "herringbone": 0.8, "plaid": 0.8},
        ("{leg} {pattern} {material} Trousers", "{pattern} {material} Trousers"),
        (
            "A mid rise, deep pockets and a hem that you can let down.", "Smart with a shirt, easy with trainers.",
            "The cloth has enough give for a day on a bicycle.",
        ),
        {
            "leg": {
                "slim": (2, "a slim leg"), "straight": (3, "a straight leg"), "wide-leg": (2, "a wide leg"),
                "tapered": (2, "a tapered leg"),
            },
            "waist": {"button waist": (3, None), "drawcord": (1, "a drawcord waist")},
        },
        people=ALL, plural=True,
    ),
    "jeans": Kind(
        "Apparel/Bottomwear/Jeans", "jeans", "clothes", lower.trousers, (48, 130), {"denim": 1}, {"solid": 1},
        ("{leg} {material} Jeans", "{leg} Five-Pocket {material} Jeans"),
        (
            "They soften within a week and fade the way you wear them.",
            "Copper rivets, contrast stitching and a proper button fly.",
            "A little stretch keeps the knees from bagging.",
        ),
        {
            "leg": {
                "skinny": (1, "a skinny leg"), "slim": (2, "a slim leg"), "straight": (3, "a straight leg"),
                "wide-leg": (2, "a wide leg"), "tapered": (1, "a tapered leg"),
            },
            "waist": {"button waist": (1, None)},
        },
        people=("Women", "Men"), plural=True,
    ),
    "shorts": Kind(
        "Apparel/Bottomwear/Shorts", "shorts", "clothes", lower.shorts, (25, 65),
        {"twill": 2, "linen": 2, "denim": 1, "cotton": 1},
        {"solid": 5, "gingham": 1, "awning": 1, "floral": 1, "plaid": 0.7},
        ("{pattern} {material} Shorts", "{length} {pattern} {material} Shorts"),
        (
            "They dry quickly and crease politely.", "Deep pockets, because summer has things to carry.",
            "For ferries, picnics and long Sundays.",
        ),
        {
            "length": {
                "short": (1, "a short inseam"), "mid-length": (2, "a mid-length leg"),
                "knee-length": (1, "a hem at the knee"),
            },
            "waist": {"button waist": (2, None), "drawcord": (1, "a drawcord waist")},
        },
        people=ALL, seasons=("Summer",), plural=True, zoom=1.25,
    ),
    "skirt": Kind(
        "Apparel/Bottomwear/Skirts", "skirt", "clothes", lower.skirt, (32, 98),
        {"viscose": 2, "linen": 2, "wool": 1.5, "satin": 1.5, "corduroy": 0.8, "denim": 0.8},
        {"solid": 4, "floral": 2, "dots": 1.2, "plaid": 1.4, "gingham": 0.8, "awning": 0.6},
        ("{cut} {pattern} {material} Skirt", "{pattern} {material} {length} Skirt"),
        (
            "It moves well and does not cling.", "A hidden side zip keeps the waist flat.",
            "Pockets in the side seams, as there should be.",
        ),
        {
            "cut": {
                "A-line": (3, "an A-line cut"), "pleated": (2, "crisp pleats"), "pencil": (1, "a pencil cut"),
                "flared": (2, "a generous flare"),
            },
            "length": _LENGTH, "front": {"plain front": (3, None), "button-through": (1, "buttons all the way down")},
        },
        people=("Women",), zoom=1.1,
    ),
    "dress": Kind(
        "Apparel/Dresses/Day Dresses", "dress", "clothes", lower.dress, (48, 160),
        {"viscose": 2, "linen": 2, "cotton": 2, "satin": 1, "silk": 1, "jersey": 1},
        {"solid": 3, "floral": 3, "dots": 1.5, "gingham": 1, "breton": 0.8, "awning": 0.7},
        (
            "{pattern} {material} {length} Dress", "{neck} {pattern} {material} Dress",
            "{cut} {pattern} {material} Dress",
        ),
        (
            "For garden tables, weddings of friends and ordinary Tuesdays.",
            "Lined to the knee, with pockets in the seams.", "It packs small and shakes out without an iron.",
        ),
        {
            "neck": {"crew neck": (1, "a round neck"), "V-neck": (2, "a V-neck"), "scoop neck": (2, "a scoop neck")},
            "sleeve": {"sleeveless": (2, "no sleeves"), "short": (3, "short sleeves"), "long": (1, "long sleeves")},
            "cut": {
                "A-line": (3, "an A-line skirt"), "pleated": (1, "a pleated skirt"), "flared": (2, "a flared skirt"),
                "straight": (1, "a straight skirt"),
            },
            "length": _LENGTH, "waist": {"seamed": (2, None), "belted": (1, "a slim belt")},
        },
        people=("Women",), seasons=_WARM,
    ),
}
