"""Charts as SVG, by hand: bars for a comparison, lines for a course, both on a logarithmic scale."""

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH = 760
COLOURS = ("#2f6f8f", "#c8553d", "#588157", "#8d6a9f", "#b08900", "#5c677d", "#d4a373", "#023047", "#9b2226", "#606c38")
TEXT = 'font-family="system-ui, sans-serif" fill="#222"'


def bars(
    title: str,
    unit: str,
    values: Sequence[tuple[str, float, float, float]],
    line: str = "least to greatest of the rounds",
) -> str:
    """Horizontal bars on a logarithmic scale: (label, value, least, greatest), the last two drawn as a whisker."""
    left, top, step = 250, 50, 26
    low = min(least for _, _, least, _ in values) * 0.7
    high = max(greatest for _, _, _, greatest in values) * 1.6

    def x(value: float) -> float:
        return left + (WIDTH - left - 90) * (math.log(value / low) / math.log(high / low))

    parts = []
    for number, (label, value, least, greatest) in enumerate(values):
        y = top + number * step
        colour = COLOURS[0] if number == 0 else COLOURS[5]
        parts += [
            _text(left - 8, y + 14, label, anchor="end"),
            f'<rect x="{left}" y="{y}" width="{x(value) - left:.1f}" height="18" fill="{colour}"/>',
            f'<line x1="{x(least):.1f}" y1="{y + 9}" x2="{x(greatest):.1f}" y2="{y + 9}" stroke="#222"/>',
            _text(x(greatest) + 6, y + 14, f"{value:.3g}"),
        ]
    height = top + len(values) * step + 20
    return _document(title, f"{unit}, logarithmic; line: {line}", height, parts)


def lines(title: str, unit: str, ticks: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> str:
    """One line for each series over the same ticks, on a logarithmic scale; None leaves a gap."""
    left, top, height, right = 60, 60, 320, 210
    known = [value for values in series.values() for value in values if value is not None and value > 0]
    low, high = min(known) * 0.8, max(known) * 1.25
    across = (WIDTH - left - right) / max(1, len(ticks) - 1)

    def y(value: float) -> float:
        return top + height * (1 - math.log(value / low) / math.log(high / low))

    parts = [_text(left + i * across, top + height + 20, tick, anchor="middle") for i, tick in enumerate(ticks)]
    for mark in _marks(low, high):
        parts += [
            f'<line x1="{left}" y1="{y(mark):.1f}" x2="{WIDTH - right}" y2="{y(mark):.1f}" stroke="#ddd"/>',
            _text(left - 6, y(mark) + 4, f"{mark:g}", anchor="end"),
        ]
    for number, (name, values) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = [(left + i * across, y(v)) for i, v in enumerate(values) if v is not None and v > 0]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts += [
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{3 if number == 0 else 1.5}"/>',
            f'<rect x="{WIDTH - right + 16}" y="{top + number * 20}" width="12" height="12" fill="{colour}"/>',
            _text(WIDTH - right + 34, top + number * 20 + 11, name),
        ]
    return _document(title, f"{unit}, logarithmic", top + height + 40, parts)


def _marks(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [m * 10.0**d for d in decades for m in (1, 2, 5) if low <= m * 10.0**d <= high]


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" {TEXT}>{escape(words)}</text>'


def _document(title: str, unit: str, height: float, parts: Sequence[str]) -> str:
    head = [_text(16, 22, title, size=15), _text(16, 40, unit, size=11)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}"'
        f' viewBox="0 0 {WIDTH} {height:.0f}" role="img"><title>{escape(title)}</title>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join([*head, *parts])}</svg>\n'
    )
