"""What reviewers say, by rating and by the topic of the product; words in braces are filled in."""

# Tables read as rows, not as one entry a line.
# fmt: off
FIRST_NAMES = (
    "Anneke", "Bruno", "Carla", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Katja", "Liam",
    "Mireille", "Nadia", "Oskar", "Paula", "Quentin", "Rosa", "Stefan", "Tove", "Ugo", "Vera", "Wim", "Xenia",
    "Yusuf", "Zoe", "Aoife", "Bartek", "Chiara", "Duarte", "Emese", "Fleur", "Giulia", "Henrik", "Ioana", "Jakub",
    "Kirsten", "Lorenzo", "Matilde", "Noor",
)

TITLES: dict[int, tuple[str, ...]] = {
    5: (
        "Love it", "Better than the photo", "Exactly what I wanted", "Could not be happier", "A keeper",
        "My new favourite", "Worth every cent", "Perfect {noun}", "Beautiful in {colour}", "Would buy again",
        "So well made", "Ten out of ten",
    ),
    4: (
        "Very good", "Nearly perfect", "Happy with it", "Good {noun}, small quibble", "Solid choice",
        "Lovely, with one remark", "Nice quality", "Recommended", "Good value", "Pleased",
    ),
    3: (
        "It is all right", "Mixed feelings", "Decent, not great", "Average {noun}", "Fine for the price",
        "Not quite what I expected", "Good idea, so-so execution", "In between",
    ),
    2: ("Disappointed", "Expected more", "Not for me", "Looks better than it is", "Would not buy again", "Below par"),
    1: ("Sent it back", "Avoid", "Very poor", "Waste of money", "Broken within a month", "Not as described"),
}

OPENINGS: dict[int, tuple[str, ...]] = {
    5: (
        "I have had this {noun} for a few months and still smile when I see it.",
        "Bought on a whim and it became a favourite.", "This is my second from {brand} and it is just as good.",
        "A present for my sister, who now refuses to share.",
        "I looked for a {noun} in {colour} for ages and this is the one.",
        "Arrived quickly and was even nicer out of the box.", "Everyone asks me where it is from.",
        "I waited for the sale, and it would have been worth the full price.",
        "My second one, because the first is always in the wash or in use.",
        "Third month of daily use, and no regrets.", "Saw it at a friend's and had to have it.",
        "I rarely write reviews, but this deserves one.",
    ),
    4: (
        "Really pleased with it on the whole.", "A good {noun} for the money.",
        "Had it three weeks now and it holds up well.", "A lovely shade of {colour}, close to the picture.",
        "Good quality, and it came well packed.", "Does what it should and looks nice doing it.",
        "My partner picked it and was right, nearly.",
    ),
    3: (
        "It is fine, but I expected a little more from {brand}.", "Some things I like, some I do not.",
        "Looks good, though I am not convinced by all of it.", "For the price it is acceptable.",
        "I kept it, but I hesitated.", "Not bad, not memorable.",
    ),
    2: (
        "I wanted to like this {noun}, but no.", "The photo promises more than the thing delivers.",
        "Two weeks in and I regret it a bit.", "Not the quality that I know from {brand}.",
        "It went to the back of the cupboard quickly.",
    ),
    1: (
        "Very disappointing.", "I returned it the day after it came.", "I do not understand the good reviews.",
        "This did not last.", "Nothing about it is as described.",
    ),
}

GOOD: dict[str, tuple[str, ...]] = {
    "any": (
        "The {colour} colour is exactly as shown.", "You can tell that somebody cared about the details.",
        "Great value for what it is.", "Delivery took two days.", "The {material} is lovely.",
        "Not a loose thread or a sharp edge anywhere.", "Packed without a gram of plastic.",
        "It arrived a day early.", "{brand} has done it again.", "It looks more expensive than it was.",
    ),
    "clothes": (
        "The fit is spot on.", "It washes well and has not lost its colour.",
        "The {material} feels wonderful on the skin.", "Seams are straight and nothing itches.",
        "True to size, I took my usual.", "It falls beautifully.", "I wear it to the office and on Sundays alike.",
        "No pilling after a dozen wears.",
    ),
    "shoes": (
        "Comfortable from the first step.", "No blisters, not even after a city day.",
        "True to size, with room for the toes.", "The {material} has softened nicely.",
        "The sole grips well in the wet.", "I walked ten kilometres in them.",
    ),
    "bags": (
        "It holds far more than it seems to.", "The stitching is tidy and strong.",
        "The straps do not cut into the shoulder.", "The {material} ages well.", "The zips and clasps run smoothly.",
        "My laptop, lunch and a jumper fit in.",
    ),
    "headwear": (
        "Soft, and it does not itch.", "It stays on in the wind.", "Keeps its shape even after a day in a bag.",
        "Warm without being heavy.", "I get compliments every time.", "It suits my small head, which is rare.",
    ),
    "watches": (
        "Keeps perfect time.", "Easy to read at a glance.", "The strap was comfortable at once.",
        "It slides under a cuff.", "No scratch on the glass so far.", "Light enough to forget.",
    ),
    "tableware": (
        "Survives the dishwasher without a mark.", "It has a pleasing weight.",
        "The glaze is even nicer in daylight.", "No chips, no wobble.",
        "It stands on my windowsill and makes me happy.", "Just the right size.",
    ),
    "soft": (
        "It keeps its shape after weeks of children.", "The cover comes off easily and washes well.",
        "It ties the whole sofa together.", "The texture is lovely.", "Plump and comfortable.",
        "The zip is well hidden.",
    ),
    "furniture": (
        "Very comfortable, even for an evening.", "Assembly took ten minutes.", "Solid, no creaks at all.",
        "It fits our small flat perfectly.", "The legs are sturdy and level.",
        "The cat approves and the {material} survives.",
    ),
    "lamps": (
        "The light is warm and gentle.", "The switch is where you want it.", "Stands firmly and does not tip.",
        "It makes the corner look finished.", "The shade spreads the light evenly.",
        "Looks good even when it is off.",
    ),
}

BAD: dict[str, tuple[str, ...]] = {
    "any": (
        "The {colour} colour is duller than on the page.", "It smelled odd for the first week.",
        "The packaging was damaged.", "Overpriced for what it is.", "Customer service took long to answer.",
    ),
    "clothes": (
        "It runs small, so order a size up.", "It shrank a little in the first wash.",
        "A seam came loose after two wears.", "The {material} is thinner than I hoped.",
        "It creases if you look at it.", "The hem sits lower than in the photo.",
    ),
    "shoes": (
        "They rub at the heel.", "They run narrow.", "The sole started to come off.", "The {material} scuffs easily.",
        "Too stiff, and they stayed stiff.",
    ),
    "bags": (
        "The strap is a bit short.", "One of the seams is coming apart.", "It is heavier than it looks.",
        "The lining tore.", "Things get lost at the bottom.",
    ),
    "headwear": (
        "It sits too tight on me.", "It lost its shape after a week.", "It sheds a little.",
        "Smaller than I thought.",
    ),
    "watches": (
        "The strap feels cheap.", "It loses a minute a week.", "The crown is fiddly.",
        "Larger on the wrist than in the picture.",
    ),
    "tableware": (
        "There was a small chip at the rim.", "It is smaller than I imagined.", "The glaze is uneven on one side.",
        "It leaves a ring on wood.",
    ),
    "soft": (
        "It went flat quickly.", "The zip got stuck.", "The fabric catches on everything.", "Thinner than expected.",
    ),
    "furniture": (
        "One leg is a little shorter than the others.", "The instructions make no sense.",
        "Harder to sit on than it looks.", "The {material} shows every crumb.", "It arrived with a scratch.",
    ),
    "lamps": (
        "The cord is too short.", "The shade sits a little crooked.", "It hums at low light.",
        "It wobbles on carpet.",
    ),
}

CLOSINGS: dict[int, tuple[str, ...]] = {
    5: (
        "Highly recommended.", "I will order another in a different colour.", "Do not hesitate.",
        "Five stars, easily.", "I would give six.",
    ),
    4: ("Would buy again.", "Recommended all the same.", "One star off for that, otherwise great.", "Good buy."),
    3: ("Three stars seems fair.", "Maybe wait for the sale.", "Others may like it more.", "It will do."),
    2: ("I would not choose it again.", "A pity.", "Two stars for the looks."),
    1: ("Do not bother.", "Money back, please.", "Never again.", "One star is generous."),
}
