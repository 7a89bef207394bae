"""`python -m bot.adapters.chart`: sums as JSON on standard input become a PNG on standard output, in a process of its own.

matplotlib takes a second of CPU, most of it for loading; in the bot's own process everybody would wait for it.
The picture has an opaque background, so that it reads the same in Discord's dark and light mode, and models differ by
hatching as well as by colour.
"""

import json
import sys
from io import BytesIO
from typing import Any

SIZE, DOTS = (7.5, 5.0), 144
"""Inches, and dots per inch: 1080 by 720 pixels, which a phone shows at a third of that."""
LETTERS, TITLE = 17, 20
"""Points: 10 and more pixels on a phone."""
BACKGROUND, INK, GRID = "#1e2127", "#f2f3f5", "#4a4e57"
COLOURS = ("#4cc2ff", "#ffb454", "#7ee787", "#ff8fa3", "#c9a7ff", "#f2f3f5")
HATCHES = ("", "//", "..", "xx", "--", "oo")
LABELS = 5
"""Days with a label, at most."""


def draw(given: dict[str, Any]) -> bytes:
    """A stacked bar a day. `given`: title, unit, days (labels) and series (name -> a number a day)."""
    import matplotlib as mpl  # noqa: PLC0415 - only the process that draws pays for loading it

    mpl.use("Agg")
    from matplotlib.figure import Figure  # noqa: PLC0415 - after the choice of what it draws with

    figure: Any = Figure(figsize=SIZE, dpi=DOTS, facecolor=BACKGROUND, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    axes = figure.add_subplot(facecolor=BACKGROUND)
    places = list(range(len(given["days"])))
    bottom = [0.0] * len(places)
    for number, (name, values) in enumerate(given["series"].items()):
        axes.bar(
            places,
            values,
            bottom=bottom,
            label=name,
            color=COLOURS[number % len(COLOURS)],
            hatch=HATCHES[number % len(HATCHES)],
            edgecolor=BACKGROUND,
        )
        bottom = [below + value for below, value in zip(bottom, values, strict=True)]
    step = max(1, -(-len(places) // LABELS))
    axes.set_xticks(places[::step], given["days"][::step])
    axes.set_title(given["title"], color=INK, loc="left", fontsize=TITLE, pad=12)
    axes.set_ylabel(given["unit"], color=INK, fontsize=LETTERS)
    axes.tick_params(colors=INK, labelsize=LETTERS)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    if given["series"]:
        figure.legend(loc="outside lower center", ncols=2, fontsize=LETTERS, labelcolor=INK, frameon=False)
    else:
        axes.set_ylim(0, 1)
    made = BytesIO()
    figure.savefig(made, format="png")
    return made.getvalue()


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(json.load(sys.stdin)))
