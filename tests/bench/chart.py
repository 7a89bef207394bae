"""The table as a picture."""
# matplotlib leaves its **kwargs without types:
# pyright: reportUnknownMemberType=false

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from tests.bench.plan import Side
from tests.bench.report import COLUMNS, Column, Results, number

COLOURS = {Side.OURS: "#2a6f97", Side.NAIVE: "#e07a5f"}
NAMES = {Side.OURS: "this bot", Side.NAIVE: "naive bot"}
LEFT_OUT = {"its workers' memory per order", "finished", "429s"}
BAR = 0.38
"""Of the room of a load, for each of its two bars."""
ROWS = 2


def draw(results: Results, file: Path, subtitle: str) -> None:
    """A panel for each figure; shorter is better in all of them."""
    shown = [column for column in COLUMNS if column.title not in LEFT_OUT]
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(14, 6.4), layout="constrained")
        panels: Sequence[Axes] = figure.subplots(ROWS, len(shown) // ROWS).flatten().tolist()
        for panel, column in zip(panels, shown, strict=True):
            _fill(panel, column, results)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False)
        figure.suptitle(
            f"Shorter is better; times and memory on logarithmic scales\n{subtitle}", x=0.01, ha="left", fontsize=9
        )
        figure.savefig(file, dpi=120)


def _tick(value: float, _place: int | None = None) -> str:
    return number(value)


def _fill(panel: Axes, column: Column, results: Results) -> None:
    names = [load.name.replace(" of ", "\nof ").replace(" × ", "×") for load in results]
    for offset, side in enumerate(Side):
        places, heights, labels = list[float](), list[float](), list[str]()
        for place, sides in enumerate(results.values()):
            value = column.value(sides[side]) if side in sides else None
            if value is not None and value > 0:
                places.append(place + (offset - 0.5) * BAR)
                heights.append(value)
                labels.append(number(value))
        bars = panel.bar(places, heights, BAR, color=COLOURS[side], label=NAMES[side])
        panel.bar_label(bars, labels, fontsize=6, padding=1)
    if column.unit and panel.patches:  # a scale of nothing but zeros cannot be logarithmic
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter(FuncFormatter(_tick))
        panel.yaxis.set_minor_formatter(NullFormatter())
    panel.margins(y=0.15)
    panel.set_title(f"{column.title}{f' ({column.unit})' if column.unit else ''}", fontsize=9)
    panel.set_xticks(range(len(names)), names, fontsize=8)
