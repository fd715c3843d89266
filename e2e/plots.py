"""Line plots of time series as SVG, arranged as the panels of a Grafana dashboard."""

from html import escape

WIDTH, ROW = 1200, 215  # pixels of the picture's width, and of a panel's height
TOP, BOTTOM, LEFT, RIGHT = 34, 56, 52, 12  # margins of a panel
COLORS = ("#1f6f50", "#2a6fdb", "#c0392b", "#b7791f", "#6b46c1", "#0e7490", "#be185d", "#4d7c0f", "#57534e", "#1e293b")
UNITS = {"reqps": "requests/s", "s": "seconds", "short": ""}


def dashboard(panels, series, end):
    """Return an SVG. `series[panel id]` is {name: [(seconds, value)]}, from 0 to `end` seconds."""
    height = ROW * (max(panel["gridPos"]["y"] for panel in panels) // 8 + 1)
    drawn = [plot(panel, series[panel["id"]], end) for panel in panels]
    style = "text { font: 11px sans-serif; fill: #444 } .title { font-size: 13px; font-weight: bold; fill: #111 }"
    style += " .unit { font-size: 11px; font-weight: normal }"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"><style>{style}</style>'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="white"/>', *drawn, "</svg>"])


def plot(panel, series, end):
    x, y = panel["gridPos"]["x"] * WIDTH // 24, panel["gridPos"]["y"] // 8 * ROW
    highest = max((value for points in series.values() for _, value in points), default=0) or 1
    unit = UNITS[panel["fieldConfig"]["defaults"]["unit"]]
    title = f'{escape(panel["title"])}<tspan dx="8" class="unit">{unit}</tspan>'
    parts = [f'<text class="title" x="{LEFT}" y="20">{title}</text>']
    parts += [grid_line(highest, share) for share in (0, 0.5, 1)]
    parts += [f'<text x="{across(seconds, end)}" y="{ROW - 40}">{seconds} s</text>' for seconds in range(0, end, 30)]
    for color, points in zip(COLORS, series.values(), strict=False):
        line = " ".join(f"{across(second, end):.1f},{up(value, highest):.1f}" for second, value in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1.5"/>')
    return f'<g transform="translate({x},{y})">{"".join(parts)}{legend(series)}</g>'


def across(seconds, end):
    return LEFT + (WIDTH / 2 - LEFT - RIGHT) * seconds / end


def up(value, highest):
    return ROW - BOTTOM - (ROW - BOTTOM - TOP) * value / highest


def grid_line(highest, share):
    y = up(share, 1)
    line = f'<line x1="{LEFT}" x2="{WIDTH // 2 - RIGHT}" y1="{y}" y2="{y}" stroke="#ddd"/>'
    return f'{line}<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{highest * share:.3g}</text>'


def legend(series):
    """Return the names in lines of four."""
    names = list(zip(COLORS, series, strict=False))
    lines = [names[:4], names[4:]]
    return "".join(
        f'<text x="{LEFT - 12}" y="{ROW - 22 + 16 * number}">'
        + "".join(f'<tspan dx="12" style="fill: {color}">● {escape(name)}</tspan>' for color, name in line)
        + "</text>"
        for number, line in enumerate(lines)
    )
