"""Which of a product's published addresses its photograph is fetched from."""

from backend.catalog.importers.values import read_text
from backend.errors import InvalidInput

MAX_ADDRESS = 2000
# Largest first; what the 2023 files call them.
_SIZES = ("hi_res", "large", "thumb")


def best_address(value: object) -> str | None:
    """The largest address of the main photograph: of the variant MAIN where there is one, else of the first with any.

    Args:
        value: 2023's list of ``{"thumb", "large", "hi_res", "variant"}``, or its object of lists; or 2018's list of
            addresses, or 2014's one.

    Raises:
        InvalidInput: it is none of these, or the address is none of the web.
    """
    images = _images(value)
    main = [image for image in images if image.get("variant") == "MAIN"]
    for image in [*main, *images]:
        for size in _SIZES:
            if image.get(size):
                return _address(image[size])
    return None


def _images(value: object) -> list[dict[str, object]]:
    match value:
        case str():
            return [{"large": value}]
        case dict() if all(isinstance(part, list) for part in value.values()):
            # The same in columns, as the data set's loader hands them out.
            longest = max((len(part) for part in value.values()), default=0)
            return [
                {str(name): part[number] for name, part in value.items() if number < len(part)}
                for number in range(longest)
            ]
        case list():
            return [part if isinstance(part, dict) else {"large": part} for part in value]
    raise InvalidInput("must be a list of addresses, or of objects with thumb, large, hi_res and variant")


def _address(value: object) -> str:
    address = read_text(value).strip()
    if address.startswith("//"):
        address = f"https:{address}"
    if not address.lower().startswith(("http://", "https://")):
        raise InvalidInput("must be an address that begins with http:// or https://")
    if len(address) > MAX_ADDRESS or any(character.isspace() for character in address):
        raise InvalidInput(f"must be an address without blanks, of at most {MAX_ADDRESS:,} characters")
    return address
