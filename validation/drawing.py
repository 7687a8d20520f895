"""Figures of the report: matplotlib drawings as SVG text that takes the font and the colours of the page around it.

The colours below stand in the drawing for variables of the page (``--ink``, ``--blue``, ...), so that one figure serves
light and dark. Every panel is an SVG of its own: side by side where there is room, one below the other on a phone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from validation.claim import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, PAPER = "#1c2024", "#6b7480", "#fefefe"
BLUE, ORANGE, GREEN, RED, PURPLE = "#1f6fb8", "#c06000", "#2c8246", "#c2303a", "#7d4fb0"
VARIABLES = {
    INK: "ink", MUTED: "muted", PAPER: "paper", BLUE: "blue", ORANGE: "orange", GREEN: "green", RED: "red",
    PURPLE: "purple", "#000000": "ink", "#ffffff": "paper",
}  # fmt: skip

# In points, which are the units of the viewBox: on a phone one of them is about one pixel.
WIDTH, TEXT = 300.0, 11.0
SUPERSCRIPTS = str.maketrans("0123456789-\N{MINUS SIGN}", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")


def figure(
    caption: str, description: str, draw: Callable[..., None], panels: int = 1, height: float = 0.75 * WIDTH
) -> Figure:
    """What ``draw`` puts on the axes that it is handed, one argument a panel.

    description : what the figure shows, for those who cannot see it
    height : of a panel in points, of which it is 300 wide
    """
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    with matplotlib.rc_context(_settings()):
        drawings = [Canvas(figsize=(WIDTH / 72.0, height / 72.0), layout="constrained") for _ in range(panels)]
        axes = [drawing.add_subplot() for drawing in drawings]
        draw(*axes)
        for ax in axes:
            _powers_as_text(ax)
        texts = [_svg(drawing) for drawing in drawings]
    return Figure(caption, description, "".join(_for_the_page(text, caption, description) for text in texts))


def _settings() -> dict[str, Any]:
    from cycler import cycler  # comes with matplotlib

    return {
        "svg.fonttype": "none",
        "svg.hashsalt": "fokker-planck",
        "font.family": "DejaVu Sans",
        "font.size": TEXT,
        "axes.titlesize": TEXT,
        "axes.labelsize": TEXT,
        "xtick.labelsize": TEXT - 1.0,
        "ytick.labelsize": TEXT - 1.0,
        "legend.fontsize": TEXT - 1.0,
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "axes.facecolor": "none",
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": MUTED,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "grid.color": MUTED,
        "grid.alpha": 0.25,
        "axes.grid": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, RED, PURPLE]),
        "lines.color": INK,
        "lines.linewidth": 1.5,
        "lines.markersize": 5.0,
        "patch.edgecolor": INK,
        "patch.facecolor": BLUE,
        "hatch.color": MUTED,
        "errorbar.capsize": 2.0,
        "legend.frameon": False,
        "legend.labelcolor": INK,
    }


def _powers_as_text(ax: Axes) -> None:
    """10⁻³ instead of typeset mathematics, whose glyphs would be placed for another font than that of the page."""
    from matplotlib.ticker import LogFormatterSciNotation

    class Plain(LogFormatterSciNotation):
        def __call__(self, x: float, pos: int | None = None) -> str:
            low, high = sorted(self.axis.get_view_interval())
            if f"{x:e}"[0] not in "1235" and high > 2.5 * low > 0.0:
                return ""  # they would run into each other
            text = re.sub(r"\$|\\mathdefault|\s", "", str(super().__call__(x, pos))).replace(r"\times", "×")
            power = re.fullmatch(r"\{(.*?)\^\{(.*?)\}\}", text)
            return power[1] + power[2].translate(SUPERSCRIPTS) if power else text.strip("{}")

    for axis in (ax.xaxis, ax.yaxis):
        if axis.get_scale() == "log":
            if type(axis.get_major_formatter()) is LogFormatterSciNotation:
                axis.set_major_formatter(Plain())
            if type(axis.get_minor_formatter()) is LogFormatterSciNotation:
                axis.set_minor_formatter(Plain(minor_thresholds=(1, 0.4)))


def _svg(drawing: Any) -> str:
    from io import StringIO

    text = StringIO()
    drawing.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return text.getvalue()


def _for_the_page(svg: str, caption: str, description: str) -> str:
    """The drawing as an element of a page: the page's font and colours, ids that no other figure has."""
    mark = "f" + hashlib.sha256(f"{caption}{svg}".encode()).hexdigest()[:10]
    body = svg[svg.index("<svg") :]
    body = body[body.index(">") + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style\b.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda found: f' id="{mark}-{found[1]}"' if found[1] in used else "", body)
    body = re.sub(r'(?:xlink:)?href="#', f'href="#{mark}-', body).replace("url(#", f"url(#{mark}-")
    body = re.sub(r'style="([^"]*)"', lambda found: f'style="{_style(found[1])}"', body)
    body = re.sub(r'(?<= )(d|x|y)="([^"]*)"', lambda found: f'{found[1]}="{_rounded(found[2])}"', body)
    body = re.sub(r">\s+<", "><", body)
    view = re.search(r'viewBox="([^"]*)"', svg)
    if view is None:
        raise ValueError("the drawing has no viewBox")
    return (
        f'<svg class="panel" viewBox="{view[1]}" role="img" aria-labelledby="{mark}-title {mark}-desc" '
        'stroke-linejoin="round" stroke-linecap="butt">'
        f'<title id="{mark}-title">{escape(caption)}</title><desc id="{mark}-desc">{escape(description)}</desc>{body}'
    )


def _style(style: str) -> str:
    # older and newer matplotlib: "font: italic 11px 'DejaVu Sans', ..." or "font-family: 'DejaVu Sans'"
    style = re.sub(r"font-family: [^;]*(; )?", "", style)
    style = re.sub(r"font: ([^;'\"]*?)([\d.]+px) [^;]*", r"font: \1\2 var(--font)", style)
    return re.sub(r"#[0-9a-fA-F]{6}\b", lambda found: _variable(found[0].lower()), style)


def _variable(colour: str) -> str:
    if colour not in VARIABLES:
        raise ValueError(f"a figure: found the colour {colour}; wanted those of validation/drawing.py alone")
    return f"var(--{VARIABLES[colour]}, {colour})"


def _rounded(numbers: str) -> str:
    numbers = re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), numbers)
    return " ".join(numbers.split())
