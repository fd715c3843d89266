"""Line plots of time series as SVG, arranged as the panels of a Grafana dashboard."""

from html import escape

WIDTH, ROW = 1200, 215  # pixels of the picture's width, and of a panel's height
TOP, BOTTOM, LEFT, RIGHT = 34, 56, 52, 12  # margins of a panel
LINE = 16  # pixels of a line of text
COLORS = ("#1f6f50", "#2a6fdb", "#c0392b", "#b7791f", "#6b46c1", "#0e7490", "#be185d", "#4d7c0f", "#57534e", "#1e293b")
UNITS = {"reqps": "requests/s", "s": "seconds", "ms": "ms", "decmbytes": "MB", "short": ""}


def dashboard(panels, series, end):
    """Return an SVG. `series[panel id]` is {name: [(seconds, value)]}, from 0 to `end` seconds."""
    height = ROW * (max(panel["gridPos"]["y"] for panel in panels) // 8 + 1)
    return svg(height, [plot(panel, series[panel["id"]], end) for panel in panels])


def svg(height, parts):
    style = "text { font: 11px sans-serif; fill: #444 } .title { font-size: 13px; font-weight: bold; fill: #111 }"
    style += " .unit { font-size: 11px; font-weight: normal }"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"><style>{style}</style>'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="white"/>', *parts, "</svg>"])


def plot(panel, series, end, events=()):
    """Return one panel. `events` are pairs of seconds, between which the background is grey."""
    x, y = panel["gridPos"]["x"] * WIDTH // 24, panel["gridPos"]["y"] // 8 * ROW
    width = panel["gridPos"]["w"] * WIDTH // 24
    highest = max((value for points in series.values() for _, value in points), default=0) or 1
    parts = [heading(panel), *[band(begin, until, end, width) for begin, until in events]]
    parts += [grid_line(highest, share, width) for share in (0, 0.5, 1)]
    parts += [f'<text x="{across(at, end, width)}" y="{ROW - 40}">{name}</text>' for at, name in times(end)]
    for color, points in zip(COLORS, series.values(), strict=False):
        line = " ".join(f"{across(second, end, width):.1f},{up(value, highest):.1f}" for second, value in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1.5"/>')
    return f'<g transform="translate({x},{y})">{"".join(parts)}{legend(series)}</g>'


def timeline(rows, end, y):
    """Return a line for each name, with a bar for each pair of seconds, over the picture's width."""
    parts = []
    for number, (name, events) in enumerate(rows.items()):
        top, color = LINE * number, COLORS[number % len(COLORS)]
        parts.append(f'<text x="{LEFT + 4}" y="{top + 12}">{escape(name)}</text>')
        parts += [band(begin, until, end, WIDTH, top + 3, LINE - 4, color) for begin, until in events]
    return f'<g transform="translate(0,{y})">{"".join(parts)}</g>'


def heading(panel):
    unit = UNITS[panel["fieldConfig"]["defaults"]["unit"]]
    title = f'{escape(panel["title"])}<tspan dx="8" class="unit">{unit}</tspan>'
    return f'<text class="title" x="{LEFT}" y="20">{title}</text>'


def times(end):
    """Return the labels of the horizontal axis, each with its seconds."""
    if end <= 300:
        return [(seconds, f"{seconds} s") for seconds in range(0, end, 30)]
    return [(seconds, f"{seconds // 60} min") for seconds in range(0, end, 300)]


def across(seconds, end, width):
    return LEFT + (width - LEFT - RIGHT) * min(seconds, end) / end


def up(value, highest):
    return ROW - BOTTOM - (ROW - BOTTOM - TOP) * value / highest


def band(begin, until, end, width, top=TOP, height=ROW - BOTTOM - TOP, color="#e8e8e8"):
    """Return a rectangle, wide enough to be seen."""
    x = across(begin, end, width)
    wide = max(1.5, across(until, end, width) - x)
    return f'<rect x="{x:.1f}" y="{top}" width="{wide:.1f}" height="{height}" fill="{color}"/>'


def grid_line(highest, share, width):
    y = up(share, 1)
    line = f'<line x1="{LEFT}" x2="{width - RIGHT}" y1="{y}" y2="{y}" stroke="#ddd"/>'
    value = highest * share
    label = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    return f'{line}<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{label}</text>'


def legend(series):
    """Return the names in lines of four."""
    names = list(zip(COLORS, series, strict=False))
    lines = [names[:4], names[4:]]
    return "".join(
        f'<text x="{LEFT - 12}" y="{ROW - 22 + LINE * number}">'
        + "".join(f'<tspan dx="12" style="fill: {color}">● {escape(name)}</tspan>' for color, name in line)
        + "</text>"
        for number, line in enumerate(lines)
    )
