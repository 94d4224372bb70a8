"""The sample catalogue as a stream of products."""

from collections.abc import Iterator
from itertools import islice

from backend.catalog.sample.chance import Dice
from backend.catalog.sample.family import Family, families
from backend.catalog.sample.kinds import KINDS
from backend.catalog.sample.look import Look
from backend.catalog.sample.model import SampleProduct
from backend.catalog.sample.picture import studio
from backend.catalog.sample.picture.part import Shot
from backend.catalog.sample.reviews import reviews
from backend.catalog.sample.wording import attributes, description, title
from backend.errors import InvalidInput

_WITHOUT_PICTURE = 0.012
_IN_STOCK = 0.92


def generate(seed: int = 7, products: int = 1200) -> Iterator[SampleProduct]:
    """The sample catalogue, one product at a time.

    The same ``seed`` gives the same products, byte for byte, in the same order, whatever ``products`` is (with one
    build of Pillow: JPEG encoders differ). Raises InvalidInput if ``products`` is negative.
    """
    if products < 0:
        raise InvalidInput(f"The number of sample products cannot be {products}.", field="products")
    return islice(_stream(seed), products)


def _stream(seed: int) -> Iterator[SampleProduct]:
    number = 0
    for family in families(seed):
        for look in family.looks:
            number += 1
            yield _product(family, look, number)


def _product(family: Family, look: Look, number: int) -> SampleProduct:
    dice = family.dice(f"product/{look.colour.name}")
    return SampleProduct(
        sku=f"SM-{number:06d}",
        title=title(family, look),
        description=description(family, look),
        brand=family.brand.name,
        category=family.kind.category,
        price=family.price,
        currency="EUR",
        in_stock=dice.random() < _IN_STOCK,
        variant_group=f"SG-{family.number:05d}" if len(family.looks) > 1 else None,
        attributes=attributes(family, look),
        image=None if dice.random() < _WITHOUT_PICTURE else _photograph(family, look, dice),
        reviews=reviews(family, look, dice),
    )


def _photograph(family: Family, look: Look, dice: Dice) -> bytes:
    kind = KINDS[look.kind]
    scene = kind.painter(look)
    mirror = kind.mirrored and family.dice("shot").random() < 0.5
    shot = Shot(
        turn=0.0 if scene.floors else dice.wobble(0.035),
        scale=kind.zoom * dice.uniform(0.95, 1.04),
        shift=(dice.wobble(4), 0.0 if scene.floors else dice.wobble(4)),
        mirror=mirror,
        backdrop=family.brand.backdrop,
    )
    return studio.jpeg(studio.render(scene, shot))
