# SPDX-License-Identifier: MIT
"""The first figure of each scenario as an SVG: bars with their spread; lines where the number of connections grows."""

import math
from xml.sax.saxutils import escape

WIDTH, ROW, LEFT, RIGHT, TOP = 720, 26, 170, 130, 48
COLOURS = ["#4878a8", "#d1793b", "#55925a", "#8d6bb0", "#a94f57", "#777777"]


def _svg(height, title, parts):
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
         'font-family="sans-serif" font-size="12">',
         f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
         f'<text x="12" y="22" font-size="15">{escape(title)}</text>', *parts, "</svg>", ""])


def _text(x, y, text, anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(x1, y1, x2, y2, colour="#222222"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def bars(title, unit, rows):
    """`rows`: (name, median, low, high); a row without a median is left out."""
    rows = [row for row in rows if row[1] is not None]
    most = max((row[3] for row in rows), default=0) or 1
    scale = (WIDTH - LEFT - RIGHT) / most
    parts = []
    for i, (name, median, low, high) in enumerate(rows):
        y = TOP + i * ROW
        middle = y + ROW / 2 - 2
        parts += [_text(LEFT - 8, middle + 4, name, "end"),
                  f'<rect x="{LEFT}" y="{y}" width="{median * scale:.1f}" height="{ROW - 6}" fill="{COLOURS[0]}"/>',
                  _line(LEFT + low * scale, middle, LEFT + high * scale, middle),
                  _text(LEFT + high * scale + 8, middle + 4, f"{median:.4g} {unit}")]
    return _svg(TOP + len(rows) * ROW + 12, title, parts)


def lines(title, unit, series):
    """`series`: name -> [(connections, median)], both axes logarithmic."""
    height, bottom = 360, 310
    series = {name: [(x, y) for x, y in points if y] for name, points in series.items()}
    points = [point for line in series.values() for point in line]
    if not points:
        return _svg(height, title, [])
    left, right = (math.log10(f(x for x, _ in points)) for f in (min, max))
    # To whole decades, so that a small difference does not fill the height.
    low, high = math.floor(math.log10(min(y for _, y in points))), math.ceil(math.log10(max(y for _, y in points)))
    across = (WIDTH - 70 - RIGHT) / ((right - left) or 1)
    up = (bottom - TOP) / ((high - low) or 1)

    def place(x, y):
        return 70 + (math.log10(x) - left) * across, bottom - (math.log10(y) - low) * up

    parts = [_line(70, bottom, WIDTH - RIGHT, bottom), _line(70, TOP, 70, bottom),
             _text((WIDTH - RIGHT + 70) / 2, bottom + 40, "connections", "middle"), _text(12, TOP - 8, unit)]
    for x in sorted({x for x, _ in points}):
        parts.append(_text(place(x, 10 ** low)[0], bottom + 18, str(x), "middle"))
    for exponent in range(low, high + 1):
        y = place(10 ** left, 10 ** exponent)[1]
        parts += [_text(62, y + 4, f"{10.0 ** exponent:g}", "end"), _line(70, y, WIDTH - RIGHT, y, "#dddddd")]
    for i, (name, line) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        places = [place(x, y) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        parts += [f'<rect x="{WIDTH - RIGHT + 16}" y="{TOP + i * 20}" width="12" height="12" fill="{colour}"/>',
                  _text(WIDTH - RIGHT + 34, TOP + i * 20 + 11, name)]
    return _svg(height, title, parts)


def _name(row):
    return f"{row['server']} / {row['client']}"


def write_all(folder, measured):
    """One file for each scenario with its summary, and one for all with a growing number of connections."""
    folder.mkdir(parents=True, exist_ok=True)
    growing = {}
    for scenario, summary in measured:
        first = scenario.figures[0]
        values = [(_name(row), row["figures"][first.key]) for row in summary["rows"]]
        rows = [(name, value["median"], value["low"], value["high"]) for name, value in values]
        (folder / f"{scenario.key}.svg").write_text(bars(scenario.title, first.title, rows))
        number = scenario.key.removeprefix("connections")
        if number.isdigit():
            for row in summary["rows"]:
                growing.setdefault(_name(row), []).append((int(number), row["figures"]["server_cpu"]["median"]))
    if growing:
        (folder / "connections.svg").write_text(lines("Server CPU for a 1 KiB request", "microseconds", growing))
