"""The plot: what each server does against nginx, and how time and memory grow with the data."""

import math
import statistics
from html import escape

import figures

WIDTH = 860
LEFT = 230
ROW = 22
INK, PALE, GRID = "#24292f", "#8c959f", "#d8dee4"
COLOURS = {"ours": "#0969da", "nginx": "#1a7f37", "reference": "#bc4c00"}


def draw(results):
    """An SVG of all that was measured."""
    parts, y = [], 10
    if "throughput" in results:
        drawn, y = against_nginx(results["throughput"]["figures"]["scenarios"], y)
        parts += drawn
    if "growth" in results:
        drawn, y = growth(results["growth"]["figures"], y + 20)
        parts += drawn
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" '
        'font-family="sans-serif" font-size="13">'
    )
    background = f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>'
    return "\n".join([head, background, *parts, "</svg>"]) + "\n"


def against_nginx(scenarios, y):
    """A bar for the median of each server's ratio to nginx, a line from its least to its most. The
    axis is logarithmic: the slowest is hundreds of times slower."""
    parts = [text(10, y + 16, "requests/s against nginx with the same bytes (nginx = 1)", bold=True)]
    y += 30
    top = y
    for key, words in figures.SCENARIOS.items():
        if key not in scenarios:
            continue
        scenario = scenarios[key]
        parts.append(text(10, y + 15, words))
        for name in scenario["rounds"]:
            if name in figures.NGINX or "logging" in name:
                continue
            values = figures.ratios(scenario, mine=name)
            parts += bar(y, name, values)
            y += ROW
        y += 8
    grid = []
    for value in (0.002, 0.01, 0.05, 0.2, 1, 2):
        x = across(value)
        colour, width = (COLOURS["nginx"], 2) if value == 1 else (GRID, 1)
        grid.append(line(x, top, x, y, colour, width))
        grid.append(text(x, y + 14, f"{value:g}", anchor="middle", colour=PALE))
    return parts[:1] + grid + parts[1:], y + 24


def bar(y, name, values):
    middle = statistics.median(values)
    left, right = across(0.002), across(middle)
    colour = COLOURS["ours" if name == figures.OURS else "reference"]
    opacity = 1 if name != "reference, 2 workers" else 0.6
    spread = line(across(min(values)), y + 9, across(max(values)), y + 9, INK, 1.5)
    label = f"{middle:.2f}" if middle >= 0.1 else f"{middle:.4f}"
    label_x = max(right, across(max(values))) + 6
    return [
        f'<rect x="{left:.1f}" y="{y + 2}" width="{max(right - left, 1):.1f}" height="14" fill="{colour}" '
        f'fill-opacity="{opacity}"/>',
        spread,
        text(label_x, y + 14, f"{label}  {name}", colour=INK),
    ]


def across(value):
    low, high = math.log(0.002), math.log(2)
    share = (math.log(max(value, 0.002)) - low) / (high - low)
    return LEFT + share * (WIDTH - LEFT - 190)


def growth(sizes, y):
    """What is measured at each size relative to the smallest, on two logarithmic axes; the broken line
    is growth in step with the data."""
    measures = {
        "one model, p50": [figures.median(size["load"], "p50_us") for size in sizes],
        "start": [statistics.median(size["start_ms"]) for size in sizes],
        "resident memory": [size["memory"]["rss_kib"] for size in sizes],
        "adoption of an edit": [statistics.median(size["adoption_ms"]) for size in sizes],
    }
    factors = [size["factor"] for size in sizes]
    left, height, width = 60, 200, 460
    bottom = y + 30 + height

    def place(factor, value):
        x = left + math.log(factor) / math.log(factors[-1]) * width
        return x, bottom - max(math.log(value), -0.3) / math.log(factors[-1]) * height

    parts = [text(10, y + 16, "growth with the data (1 = with the data as it is)", bold=True)]
    for mark in factors:
        x, up = place(mark, mark)
        parts += [line(left, up, left + width, up, GRID, 1), line(x, bottom, x, bottom - height, GRID, 1)]
        parts.append(text(x, bottom + 32, f"{mark} times", anchor="middle", colour=PALE))
        parts.append(text(left - 8, up + 4, f"{mark}", anchor="end", colour=PALE))
    parts.append(path([place(1, 1), place(factors[-1], factors[-1])], PALE, dashed=True))
    colours = ("#0969da", "#bc4c00", "#8250df", "#1a7f37")
    for index, (name, values) in enumerate(measures.items()):
        points = [place(factor, value / values[0]) for factor, value in zip(factors, values, strict=True)]
        parts.append(path(points, colours[index]))
        legend = y + 60 + index * ROW
        last = values[-1] / values[0]
        parts.append(line(560, legend - 4, 584, legend - 4, colours[index], 3))
        parts.append(text(592, legend, f"{name}: {last:.1f} times at {factors[-1]}"))
    return parts, bottom + 44


def path(points, colour, dashed=False):
    steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<polyline points="{steps}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'


def line(x1, y1, x2, y2, colour, width):
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"/>'


def text(x, y, words, anchor="start", colour=INK, bold=False):
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{weight}>{escape(words)}</text>'
    )
