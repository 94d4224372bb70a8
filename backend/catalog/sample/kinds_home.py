"""Kinds: things for the house."""

# Tables read as rows, not as one entry a line.
# fmt: off
from backend.catalog.sample.kind import Choices, Kind
from backend.catalog.sample.picture import rooms, seating, vessels

_GLAZE: Choices = {
    "plain glaze": (3, None), "dipped base": (1.5, "a base dipped in a second colour"),
    "dripping glaze": (1, "a glaze that runs over the rim"),
}
_CLAY = {"solid": 5.0, "speckle": 2.0, "breton": 1.0, "dots": 1.0}
_LEGS: Choices = {
    "Oak": (2, "oak legs"), "Walnut": (2, "walnut legs"), "Ash": (1, "ash legs"), "Black": (1, "black-stained legs"),
}
_SHADES: Choices = {
    "drum shade": (2, "a drum shade"), "cone shade": (2, "a cone shade"), "dome shade": (1, "a dome shade"),
}
_LOUNGE = ("Living room", "Bedroom")

HOME = {
    "mug": Kind(
        "Home/Kitchen/Mugs", "mug", "tableware", vessels.mug, (9, 32), {"stoneware": 3, "porcelain": 3, "enamel": 2},
        {**_CLAY, "gingham": 0.6, "floral": 1.0, "awning": 0.6},
        ("{pattern} {material} Mug", "{form} {pattern} {material} Mug"),
        (
            "It holds a generous 350 ml.", "Warm in the hand, steady on the desk.",
            "Each one differs a little, as hand-glazed things do.",
        ),
        {
            "form": {
                "straight": (2, "straight sides"), "tapered": (2, "a tapered body"),
                "rounded": (2, "a rounded belly"), "tall": (1, "a tall body"), "camper": (1, "a low, wide body"),
            },
            "handle": {"round handle": (2, "a round handle"), "square handle": (1, "a squared handle")},
            "glaze": _GLAZE, "drink": {"empty": (2, None), "coffee": (1, None), "tea": (1, None)},
        },
        rooms=("Kitchen",), mirrored=True, zoom=1.22,
    ),
    "bottle": Kind(
        "Home/Kitchen/Water Bottles", "water bottle", "tableware", vessels.bottle, (16, 45),
        {"steel": 4, "glass": 1, "enamel": 1},
        {"solid": 6, "dots": 0.8, "floral": 0.8, "speckle": 1, "wide stripe": 0.8},
        ("{pattern} {material} Water Bottle", "{form} {pattern} {material} Bottle"),
        (
            "Cold for a day, hot for half of one.", "It fits a cup holder and a bicycle cage.",
            "The mouth is wide enough for ice and a brush.",
        ),
        {
            "form": {
                "straight": (2, "straight sides"), "waisted": (2, "a waisted grip"),
                "narrow neck": (1, "a narrow neck"), "tumbler": (1, "a tumbler shape"),
            },
            "lid": {
                "steel lid": (2, "a steel lid"), "wooden lid": (1, "a wooden lid"),
                "coloured lid": (1, "a coloured lid"),
            },
            "wrap": {
                "bare": (2, None), "silicone sleeve": (1, "a silicone sleeve"), "two bands": (1, "two painted bands"),
            },
            "carry": {"no loop": (1, None), "carry loop": (1, "a carry loop")},
        },
        rooms=("Kitchen",), zoom=1.1,
    ),
    "vase": Kind(
        "Home/Decor/Vases", "vase", "tableware", vessels.vase, (18, 85),
        {"ceramic": 3, "stoneware": 3, "glass": 1, "concrete": 1}, {**_CLAY, "awning": 0.7, "chevron": 0.5},
        ("{pattern} {material} {form} Vase", "{form} {pattern} {material} Vase"),
        (
            "Good with one branch, better with three.", "Glazed inside, so it holds water.",
            "Heavy enough not to tip over with tall stems.",
        ),
        {
            "form": {
                "bottle": (1, "a bottle neck"), "amphora": (1, "an amphora shape"),
                "cylinder": (1, "a plain cylinder"), "bulb": (1, "a round belly"),
                "hourglass": (1, "an hourglass waist"),
            },
            "stems": {"empty": (1, None), "dried grass": (1, None), "eucalyptus": (1, None)},
            "glaze": {"plain glaze": (2, None), "dipped base": (1, "a base dipped in a second colour")},
        },
        rooms=_LOUNGE, zoom=1.0,
    ),
    "pot": Kind(
        "Home/Garden/Plant Pots", "plant pot", "tableware", vessels.plant_pot, (12, 58),
        {"terracotta": 3, "ceramic": 3, "concrete": 2, "stoneware": 1}, _CLAY,
        ("{pattern} {material} Plant Pot", "{form} {pattern} {material} Planter"),
        (
            "A drainage hole keeps roots out of standing water.", "Sized for a plant that is past its nursery pot.",
            "Frost-proof, if you forget it outside.",
        ),
        {
            "form": {
                "tapered": (2, "a tapered body"), "rounded": (2, "a rounded body"),
                "cylinder": (1, "a plain cylinder"), "footed": (1, "a footed base"),
            },
            "plant": {
                "snake plant": (1, "Shown with a snake plant"), "fern": (1, "Shown with a fern"),
                "rubber plant": (1, "Shown with a rubber plant"), "cactus": (1, "Shown with a cactus"),
                "succulent": (1, "Shown with a succulent"),
            },
            "glaze": {
                "plain glaze": (2, None), "dipped base": (1, "a base dipped in a second colour"),
                "raised rim": (1, "a raised rim"),
            },
            "saucer": {"no saucer": (1, None), "with saucer": (1, "a matching saucer")},
        },
        rooms=("Living room", "Balcony"), zoom=1.08,
    ),
    "cushion": Kind(
        "Home/Textiles/Cushions", "cushion", "soft", rooms.cushion, (18, 65),
        {"linen": 3, "velvet": 2, "boucle": 1, "wool": 1, "cotton": 2},
        {
            "solid": 3, "wide stripe": 1, "plaid": 1.2, "floral": 1.3, "chevron": 1, "diamonds": 1, "gingham": 0.7,
            "dots": 0.6, "herringbone": 0.8,
        },
        ("{pattern} {material} Cushion", "{form} {pattern} {material} Cushion"),
        (
            "The feather pad is included and plumps up with one slap.",
            "A hidden zip, so the cover comes off for washing.", "Two together look planned; one looks found.",
        ),
        {
            "form": {
                "square": (3, "a square shape"), "oblong": (2, "an oblong shape"),
                "round": (1, "a round shape with a centre button"),
            },
            "edge": {
                "plain edge": (2, None), "piping": (1.5, "contrast piping"), "tassels": (1, "tassels at the corners"),
                "ruffle": (0.8, "a ruffled edge"),
            },
        },
        rooms=_LOUNGE, zoom=0.95,
    ),
    "armchair": Kind(
        "Home/Furniture/Armchairs", "armchair", "furniture", seating.armchair, (240, 780),
        {"velvet": 3, "linen": 3, "boucle": 2, "leather": 2, "wool": 1},
        {"solid": 6, "herringbone": 1.2, "plaid": 0.8, "floral": 0.6},
        ("{pattern} {material} {form} Armchair", "{form} {pattern} {material} Easy Chair"),
        (
            "Made for a long book and a short nap.",
            "The frame is kiln-dried beech and carries a ten-year guarantee.",
            "It arrives assembled, save for the legs.",
        ),
        {
            "form": {
                "club": (2, "deep, rounded arms"), "wing-back": (2, "high wings that keep draughts away"),
                "tub": (1, "a low, wrap-around back"),
            },
            "legs": _LEGS, "back": {"plain back": (2, None), "buttoned": (1, "a buttoned back")},
            "extra": {"no cushion": (2, None), "scatter cushion": (1, "a scatter cushion")},
        },
        rooms=_LOUNGE, zoom=1.1,
    ),
    "sofa": Kind(
        "Home/Furniture/Sofas", "sofa", "furniture", seating.sofa, (520, 1650),
        {"linen": 3, "velvet": 3, "boucle": 2, "leather": 1.5, "corduroy": 1},
        {"solid": 7, "herringbone": 1, "plaid": 0.5},
        ("{seats} {pattern} {material} Sofa", "{arms} {pattern} {material} Sofa"),
        (
            "Seat cushions turn over, so they wear evenly.", "It goes through a 75 cm door.",
            "Deep enough to lie down on, and nobody will ask.",
        ),
        {
            "seats": {"two-seat": (1, "seats for two"), "three-seat": (1, "seats for three")},
            "legs": {**_LEGS, "Brass": (1, "brass feet")},
            "back": {
                "tight back": (1, "a tight back"), "arched back": (1, "an arched back"),
                "loose cushions": (1, "loose back cushions"),
            },
            "arms": {
                "square arms": (2, "square arms"), "rolled arms": (1, "rolled arms"),
                "rounded arms": (1, "rounded arms"),
            },
            "extra": {
                "no cushion": (1, None), "scatter cushion": (1, "a scatter cushion"),
                "two scatter cushions": (1, "two scatter cushions"),
            },
        },
        rooms=("Living room",), zoom=0.96,
    ),
    "chair": Kind(
        "Home/Furniture/Dining Chairs", "dining chair", "furniture", seating.chair, (75, 240),
        {"wood": 3, "painted wood": 2}, {"solid": 1}, ("{back} Dining Chair", "{back} {material} Chair"),
        (
            "Comfortable through a third course.", "Light enough to lift with one hand.",
            "Joints are pegged and glued; nothing wobbles.",
        ),
        {
            "back": {
                "spindle back": (2, "slim spindles"), "slatted back": (2, "three curved slats"),
                "panel back": (1, "a solid panel"), "padded back": (1, "a padded back"),
            },
            "seat": {
                "wooden seat": (2, "a shaped wooden seat"), "upholstered seat": (2, "an upholstered seat"),
                "woven seat": (1, "a woven cord seat"),
            },
        },
        rooms=("Dining room", "Kitchen"),
    ),
    "table": Kind(
        "Home/Furniture/Side Tables", "side table", "furniture", rooms.side_table, (65, 290),
        {"wood": 4, "painted wood": 1}, {"solid": 1}, ("{form} {material} Side Table", "{form} Side Table"),
        (
            "The height of a sofa arm, so a cup is where you reach.",
            "Oiled by hand; rings wipe off if you are quick.",
            "Small enough for a corner, useful enough for the middle.",
        ),
        {
            "form": {
                "tripod": (2, "three splayed legs"), "shelf": (1, "a lower shelf"), "drum": (1, "a closed drum body"),
                "pedestal": (1, "a turned pedestal"),
            },
            "trim": {"plain": (1, None), "brass": (1, "brass details")},
            "top": {"clear": (1, None), "with a book and cup": (1, None)},
        },
        rooms=_LOUNGE, mirrored=True,
    ),
    "lamp": Kind(
        "Home/Lighting/Table Lamps", "table lamp", "lamps", rooms.table_lamp, (38, 160),
        {"ceramic": 3, "stoneware": 2, "glass": 1, "wood": 1.5},
        {"solid": 5, "speckle": 1.5, "breton": 0.8, "dots": 0.6},
        ("{pattern} {material} Table Lamp", "{pattern} {material} Table Lamp with {shade}"),
        (
            "It takes an E27 bulb and has a cord switch.", "A warm pool of light for the end of the day.",
            "The flex is covered in cloth and two metres long.",
        ),
        {
            "foot": {
                "bottle": (1, "a bottle-shaped base"), "ball": (1, "a round base"), "column": (1, "a slim column"),
                "stacked": (1, "a stacked, sculptural base"),
            },
            "shade": _SHADES,
        },
        rooms=_LOUNGE,
    ),
    "floor lamp": Kind(
        "Home/Lighting/Floor Lamps", "floor lamp", "lamps", rooms.floor_lamp, (85, 320),
        {"linen": 3, "cotton": 1, "paper": 1}, {"solid": 1},
        ("{foot} Floor Lamp with {material} Shade", "{stem} {foot} Floor Lamp with {material} Shade"),
        (
            "A foot switch saves bending.", "It lights a reading chair without glaring at the room.",
            "The base is weighted, so cats are welcome.",
        ),
        {
            "foot": {"tripod": (2, "three legs"), "slim pole": (2, "a slim pole"), "arc": (1, "a wide arc")},
            "stem": {
                "oak": (2, "an oak stand"), "walnut": (1, "a walnut stand"), "brass": (2, "a brass stand"),
                "black steel": (2, "a black steel stand"),
            },
            "shade": _SHADES,
        },
        rooms=("Living room",), mirrored=True,
    ),
}
