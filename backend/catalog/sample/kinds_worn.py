"""Kinds: shoes, bags, hats, scarves, watches."""

# Tables read as rows, not as one entry a line.
# fmt: off
from backend.catalog.sample.kind import Choices, Kind
from backend.catalog.sample.kinds_apparel import ALL
from backend.catalog.sample.picture import bags, headwear, shoes, wearing

_TRIM: Choices = {"plain": (2, None), "contrast": (1, "contrast details")}
_LEATHER_TRIM: Choices = {
    "plain": (2, None), "tan leather": (2, "tan leather trims"), "contrast": (1, "contrast trims"),
}

WORN = {
    "trainers": Kind(
        "Footwear/Shoes/Trainers", "trainers", "shoes", shoes.trainers, (55, 150),
        {"leather": 2, "suede": 2, "canvas": 3, "mesh": 1}, {"solid": 7, "gingham": 0.6, "breton": 0.6},
        ("{height} {pattern} {material} Trainers", "{pattern} {material} Trainers"),
        (
            "Cushioned inside for a day on hard pavements.", "The sole is stitched as well as glued.",
            "They come with a second pair of laces.",
        ),
        {
            "height": {"low-top": (3, None), "high-top": (1, "a padded high top")},
            "sole": {"flat": (2, "a flat sole"), "chunky": (2, "a chunky sole"), "wedge": (1, "a slight wedge")},
            "trim": _TRIM,
            "side": {
                "side stripe": (2, "a stripe along the side"), "two bars": (1, "two bars on the side"),
                "clean sides": (2, None),
            },
        },
        people=ALL, mirrored=True, plural=True, zoom=1.0,
    ),
    "boots": Kind(
        "Footwear/Shoes/Boots", "boots", "shoes", shoes.boots, (85, 220),
        {"leather": 4, "suede": 3, "patent leather": 1}, {"solid": 1},
        ("{height} {material} Boots", "{sole} {material} Boots", "{material} Boots with {closure}"),
        (
            "They can be resoled, and deserve to be.", "Broken in after two walks.",
            "Warm and dry up to the next puddle.",
        ),
        {
            "height": {"ankle": (3, "a shaft to the ankle"), "mid-calf": (1, "a shaft to mid-calf")},
            "sole": {
                "flat": (2, "a low stacked heel"), "block heel": (2, "a block heel"),
                "lug sole": (2, "a deep lug sole"),
            },
            "closure": {
                "elastic sides": (2, "elastic side panels and a pull loop"), "laced": (2, "a laced front"),
                "side zip": (1, "a side zip"),
            },
            "trim": _TRIM,
        },
        people=("Women", "Men"), seasons=("Autumn", "Winter"), mirrored=True, plural=True, zoom=1.05,
    ),
    "heels": Kind(
        "Footwear/Shoes/Heels", "heels", "shoes", shoes.heels, (60, 170),
        {"leather": 2, "suede": 2, "patent leather": 1.5, "satin": 1.5},
        {"solid": 6, "dots": 0.6, "plaid": 0.6, "floral": 0.5},
        (
            "{heel} {pattern} {material} Heels", "{toe} {pattern} {material} Court Shoes",
            "{pattern} {material} Heels with {strap}",
        ),
        (
            "Padded under the ball of the foot, where it counts.", "Steady enough to dance in, and we tried.",
            "They make trousers look intended.",
        ),
        {
            "height": {"low": (2, "a low heel"), "mid": (2, "a mid-height heel"), "high": (1, "a high heel")},
            "toe": {"pointed toe": (2, "a pointed toe"), "round toe": (1, "a round toe")},
            "heel": {"stiletto": (2, None), "block": (2, None), "kitten": (1, None)},
            "strap": {
                "no strap": (3, None), "ankle strap": (1.5, "a buckled ankle strap"),
                "bow": (1, "a bow at the front"),
            },
        },
        people=("Women",), mirrored=True, plural=True, zoom=1.06,
    ),
    "tote": Kind(
        "Accessories/Bags/Tote Bags", "tote bag", "bags", bags.tote, (28, 140),
        {"canvas": 4, "leather": 2, "linen": 1},
        {"solid": 4, "breton": 1.5, "wide stripe": 1, "gingham": 1, "floral": 1, "dots": 0.7},
        ("{pattern} {material} Tote Bag", "{form} {pattern} {material} Tote"),
        (
            "It takes a laptop, a loaf and a library book.", "An inside pocket keeps keys from going to the bottom.",
            "Handles long enough for a shoulder in a winter coat.",
        ),
        {
            "form": {"tall": (2, "a tall body"), "wide": (2, "a wide opening"), "slouchy": (1, "a soft, slouchy body")},
            "handles": {"long handles": (2, "long handles"), "short handles": (1, "short handles")},
            "trim": _LEATHER_TRIM,
            "front": {
                "clean front": (2, None), "front pocket": (1, "a front pocket with a tab"),
                "leather base": (1, "a leather base"),
            },
        },
        people=("Unisex", "Women"), zoom=1.05,
    ),
    "handbag": Kind(
        "Accessories/Bags/Handbags", "handbag", "bags", bags.handbag, (65, 260),
        {"leather": 5, "suede": 2, "patent leather": 1, "canvas": 1}, {"solid": 8, "plaid": 0.5, "floral": 0.4},
        ("{pattern} {material} {form} Bag", "{form} {pattern} {material} Handbag"),
        (
            "Structured enough to stand on a restaurant chair.", "Two compartments and a zipped pocket inside.",
            "The hardware is solid and does not rattle.",
        ),
        {
            "form": {
                "satchel": (2, "a flap with a turn clasp"), "bowling": (2, "a zipped top"),
                "half-moon": (1.5, "a half-moon shape"),
            },
            "strap": {"top handle only": (1, None), "shoulder strap": (1, "a detachable shoulder strap")},
            "trim": _TRIM, "charm": {"no charm": (2, None), "tassel": (1, "a tassel charm")},
        },
        people=("Women",), mirrored=True, zoom=1.08,
    ),
    "backpack": Kind(
        "Accessories/Bags/Backpacks", "backpack", "bags", bags.backpack, (48, 165),
        {"canvas": 4, "nylon": 3, "leather": 1, "twill": 1},
        {"solid": 6, "plaid": 0.8, "floral": 0.7, "diamonds": 0.4},
        ("{pattern} {material} {form} Backpack", "{pattern} {material} Backpack"),
        (
            "A padded sleeve fits a 15-inch laptop.", "Water runs off it for the length of a commute.",
            "The straps are curved, so they do not slip.",
        ),
        {
            "form": {
                "zipped": (2, "a zipped main compartment and front pocket"), "flap": (2, "a flap with two buckles"),
                "roll-top": (1, "a roll top"),
            },
            "trim": _LEATHER_TRIM,
        },
        people=ALL,
    ),
    "cap": Kind(
        "Accessories/Headwear/Caps", "cap", "headwear", headwear.cap, (18, 42),
        {"cotton": 3, "corduroy": 2, "twill": 3, "wool": 1, "suede": 0.7},
        {"solid": 6, "plaid": 1, "gingham": 0.7, "floral": 0.6},
        ("{pattern} {material} Cap", "{crown} {pattern} {material} Cap"),
        (
            "A brass slider at the back fits most heads.",
            "The peak is curved already; no need to bend it over a mug.", "It folds into a coat pocket.",
        ),
        {
            "crown": {"low crown": (1, "a low crown"), "high crown": (1, "a high crown")},
            "trim": {"plain": (2, None), "contrast": (1, "a contrast peak")},
            "badge": {
                "no badge": (2, None), "woven patch": (1, "a woven patch"),
                "stitched circle": (1, "a stitched circle on the front"),
            },
        },
        people=ALL, seasons=("Spring", "Summer"), mirrored=True, zoom=1.08,
    ),
    "beanie": Kind(
        "Accessories/Headwear/Beanies", "beanie", "headwear", headwear.beanie, (16, 48),
        {"lambswool": 3, "merino": 3, "cashmere": 1, "cotton knit": 1},
        {"solid": 4, "breton": 1.5, "marl": 1.5, "chevron": 1, "diamonds": 0.8},
        ("{pattern} {material} Beanie", "{fit} {pattern} {material} Beanie"),
        (
            "Deep enough to cover cold ears.", "It does not itch, not even on the forehead.",
            "Knitted in one piece, with no seam to rub.",
        ),
        {
            "fit": {"snug": (2, "a snug fit"), "slouchy": (1, "a slouchy shape")},
            "trim": {"plain": (2, None), "contrast": (1, "a contrast cuff")},
            "badge": {
                "no badge": (2, None), "bobble": (1.5, "a bobble on top"),
                "woven patch": (1, "a leather patch on the cuff"),
            },
        },
        people=ALL, seasons=("Winter",), zoom=1.1,
    ),
    "hat": Kind(
        "Accessories/Headwear/Hats", "hat", "headwear", headwear.sun_hat, (28, 85),
        {"felt": 3, "rattan": 2, "canvas": 2, "linen": 1}, {"solid": 8, "gingham": 0.5, "floral": 0.5},
        ("{pattern} {material} {form} Hat", "{form} Hat of {pattern} {material}"),
        (
            "Shade for the face and the back of the neck.", "An inner ribbon keeps it on in a breeze.",
            "It keeps its shape after a night in a suitcase.",
        ),
        {
            "form": {
                "wide brim": (2, "a wide brim"), "fedora": (2, "a pinched crown"),
                "bucket": (2, "a soft stitched brim"),
            },
            "badge": {"plain band": (2, None), "ribbon bow": (1, "a ribbon bow")},
        },
        people=("Women", "Unisex"), seasons=("Summer", "Spring"), mirrored=True, zoom=1.02,
    ),
    "scarf": Kind(
        "Accessories/Neckwear/Scarves", "scarf", "headwear", wearing.scarf, (22, 95),
        {"lambswool": 3, "cashmere": 1.5, "merino": 2, "silk": 1, "linen": 1},
        {
            "solid": 2.5, "plaid": 3, "herringbone": 1, "breton": 1, "gingham": 0.6, "dots": 0.8, "chevron": 0.8,
            "floral": 0.7,
        },
        ("{pattern} {material} Scarf", "{fit} {pattern} {material} Scarf"),
        ("Long enough for two turns.", "Soft from the first wearing.", "Woven on narrow looms, then brushed."),
        {
            "fit": {"slim": (1, "a slim width"), "classic": (2, None), "blanket": (1, "a generous blanket width")},
            "ends": {"plain hem": (1, None), "fringed": (3, "fringed ends"), "pompoms": (1, "pompoms at both ends")},
        },
        people=ALL, seasons=("Autumn", "Winter"), mirrored=True, zoom=1.12,
    ),
    "watch": Kind(
        "Accessories/Jewellery/Watches", "watch", "watches", wearing.watch, (75, 290),
        {"leather": 3, "canvas": 2, "steel": 2}, {"solid": 8, "breton": 0.5},
        ("{form} {function} Watch with {material} Strap", "{size} {form} Watch with {material} Strap"),
        (
            "The battery lasts about three years.", "Water will not trouble it down to 50 metres.",
            "Hardened glass, and a strap that swaps without tools.",
        ),
        {
            "form": {
                "round": (3, "a round case"), "square": (1, "a square case"), "cushion": (1, "a cushion-shaped case"),
            },
            "size": {"small": (1, "a small face"), "medium": (2, None), "large": (1, "a large face")},
            "case": {
                "steel": (2, "steel fittings"), "gold": (2, "gold-tone fittings"),
                "rose gold": (1, "rose-gold fittings"), "black": (1, "black fittings"),
            },
            "dial": {
                "white dial": (2, "a white dial"), "black dial": (2, "a black dial"),
                "coloured dial": (1, "a coloured dial"),
            },
            "function": {"three-hand": (2, None), "chronograph": (1, "three chronograph counters")},
        },
        people=ALL,
    ),
}
