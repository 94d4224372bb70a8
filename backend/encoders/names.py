"""Encoder names, ``NAME[:ARGUMENT][?option=value&option=value]``, read and written in this one place.

``%`` followed by two hexadecimal digits stands for a character, as in a web address, so that a path may hold ``?``
(``%3F``), ``&`` (``%26``) or ``%`` (``%25``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from backend.errors import ConfigurationError

# What a value is, where it is not one of a few: these two are made absolute, so that a name means the same everywhere.
FILE = "FILE"
DIR_OR_NAME = "DIR_OR_NAME"

# Everything that can be printed, but for the signs that divide a name and the one that escapes them.
_SAFE = "".join(chr(code) for code in range(33, 127) if chr(code) not in "?&%") + " "


@dataclass(frozen=True, slots=True)
class EncoderName:
    """A name in its parts; ``options`` are in alphabetical order, so equal encoders have equal names."""

    base: str
    argument: str | None = None
    options: tuple[tuple[str, str], ...] = ()

    def option(self, option: str, default: str) -> str:
        """The value given for ``option``, or ``default``."""
        return dict(self.options).get(option, default)

    def __str__(self) -> str:
        argument = "" if self.argument is None else ":" + _quoted(self.argument)
        options = "&".join(f"{option}={_quoted(value)}" for option, value in self.options)
        return self.base + argument + (f"?{options}" if options else "")


def parse_name(text: str) -> EncoderName:
    """``text`` in its parts.

    Raises:
        ConfigurationError: it has an option without a value, or one option twice.
    """
    head, question, query = text.partition("?")
    base, colon, argument = head.partition(":")
    options: dict[str, str] = {}
    for part in query.split("&") if question else ():
        option, equals, value = part.partition("=")
        if not option or not equals or not value:
            raise ConfigurationError(f"In the encoder {text!r} an option must be written option=value, not {part!r}.")
        if option in options:
            raise ConfigurationError(f"In the encoder {text!r} the option {option!r} is given twice: keep one.")
        options[option] = unquote(value)
    return EncoderName(base, unquote(argument) if colon else None, tuple(sorted(options.items())))


@dataclass(frozen=True, slots=True)
class Form:
    """What the names of one encoder look like.

    ``argument`` says what stands behind the colon (None: nothing may), ``options`` what each option's value is: a
    list of choices (``average|max``), ``FILE``, or a word for people whose rule the encoder checks itself. ``fitted``:
    the encoder must be fitted on texts before it encodes.
    """

    base: str
    argument: str | None = None
    argument_needed: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    fitted: bool = False

    def __str__(self) -> str:
        argument = "" if self.argument is None else f":{self.argument}"
        if argument and not self.argument_needed:
            argument = f"[{argument}]"
        options = "&".join(f"{option}={value}" for option, value in self.options.items())
        return self.base + argument + (f"[?{options}]" if options else "")

    def checked(self, name: EncoderName) -> EncoderName:
        """``name`` with its paths made absolute.

        Raises:
            ConfigurationError: the name has what this form has not, lacks what it needs, or a value that is no choice.
        """
        if name.argument is not None and self.argument is None:
            raise ConfigurationError(f"{self.base} takes nothing behind a colon, but {str(name)!r} has it: {self}")
        if self.argument_needed and not name.argument:
            raise ConfigurationError(f"{str(name)!r} lacks what follows the name: write {self}")
        for option, value in name.options:
            self._check_option(name, option, value)
        argument = name.argument
        if argument and self.argument == DIR_OR_NAME:
            argument = _absolute_if_path(argument)
        options = [(o, _absolute(v) if self.options[o] == FILE else v) for o, v in name.options]
        return EncoderName(name.base, argument, tuple(options))

    def _check_option(self, name: EncoderName, option: str, value: str) -> None:
        if option not in self.options:
            known = f"It has: {', '.join(sorted(self.options))}." if self.options else "It has none."
            raise ConfigurationError(f"{self.base} has no option {option!r}, as in {str(name)!r}. {known}")
        choices = self.options[option].split("|")
        if len(choices) > 1 and value not in choices:
            raise ConfigurationError(
                f"In {str(name)!r} the option {option} must be one of {', '.join(choices)}, not {value!r}."
            )


def whole_number(name: EncoderName, text: str, least: int, most: int, what: str) -> int:
    """``text``, a part of ``name``, as a number.

    Raises:
        ConfigurationError: it is none from ``least`` to ``most``; ``what`` says what it counts.
    """
    if re.fullmatch("[0-9]{1,9}", text) and least <= int(text) <= most:
        return int(text)
    raise ConfigurationError(f"In {str(name)!r} the {what} must be a number from {least} to {most}, not {text!r}.")


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def _absolute_if_path(argument: str) -> str:
    # "org/model" is a name unless such a directory is here; "./model" and "/model" are never names.
    if argument.startswith((".", "/", "~")) or Path(argument).is_dir():
        return _absolute(argument)
    return argument


def _quoted(value: str) -> str:
    return "".join(character if ord(character) > 126 else quote(character, safe=_SAFE) for character in value)
