"""Pictures of what a query gives. Nothing here computes on weights.

Every function takes a pandas frame, as spark.sql(...).toPandas() gives it, and draws it with matplotlib.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import TwoSlopeNorm

COLOURS = ["#2a6f97", "#e07a3f", "#3a9d6e", "#b5507f", "#8c6bb1", "#c9a227", "#5c677d", "#7fb3d5"]
SEQUENTIAL = "viridis"
DIVERGING = "RdBu_r"

plt.rcParams.update(
    {
        "figure.dpi": 110,
        "figure.constrained_layout.use": True,
        "axes.prop_cycle": plt.cycler(color=COLOURS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.titlesize": 11,
        "axes.labelcolor": "#444444",
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#e6e6e6",
        "legend.frameon": False,
        "font.size": 9,
    }
)


def _short(label):
    """Names of models and tensors without what all of them share."""
    text = str(label)
    return text.split("/")[-1].removesuffix(".weight").removeprefix("model.")


def _ticks(axis, labels):
    """Labels at 0, 1, …; slanted only where they would touch."""
    short = [_short(label) for label in labels]
    slant = axis.axis_name == "x" and max(map(len, short)) > 60 / len(short)
    style = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if slant else {}
    axis.set_ticks(range(len(short)), short, **style)


def _order(values):
    """The order in which values come, for a query has sorted them."""
    return list(dict.fromkeys(values))


def heatmap(frame, x, y, value, title, unit="", middle=None, form="{:.2f}"):
    """A square for each pair of x and y, its number in it.

    middle: the value that is neither good nor bad; colours then tell the two sides apart.
    """
    columns, rows = _order(frame[x]), _order(frame[y])
    cells = frame.pivot(index=y, columns=x, values=value).reindex(index=rows, columns=columns)
    grid = cells.to_numpy(dtype=float)
    figure, axes = plt.subplots(
        figsize=(min(11, 1.6 + 0.72 * len(columns)), min(9, 1.2 + 0.42 * len(rows)))
    )
    norm = None
    if middle is not None:
        reach = max(np.nanmax(np.abs(grid - middle)), 1e-12)
        norm = TwoSlopeNorm(middle, middle - reach, middle + reach)
    image = axes.imshow(grid, cmap=SEQUENTIAL if middle is None else DIVERGING, norm=norm, aspect="auto")
    _ticks(axes.xaxis, columns)
    _ticks(axes.yaxis, rows)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    for i, j in np.ndindex(grid.shape):
        if np.isfinite(grid[i, j]):
            red, green, blue, _ = image.cmap(image.norm(grid[i, j]))
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
            axes.text(
                j, i, form.format(grid[i, j]), ha="center", va="center", fontsize=8,
                color="white" if dark else "#222222",
            )
    bar = figure.colorbar(image, ax=axes, shrink=0.9, label=unit, format=lambda v, _: form.format(v))
    bar.outline.set_visible(False)
    axes.set(title=title, xlabel=x if frame[x].dtype.kind in "iu" else "")
    plt.show()


def lines(frame, x, y, by, title, xlabel="", ylabel="", log=False, percent=False):
    """A line for each value of by."""
    figure, axes = plt.subplots(figsize=(7.2, 3.6))
    for name in _order(frame[by]):
        part = frame[frame[by] == name]
        axes.plot(part[x], part[y], marker="o", markersize=4, linewidth=1.6, label=_short(name))
    if log:
        axes.set_yscale("log")
    if percent:
        axes.yaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f} %")
    if frame[x].dtype.kind in "iu":
        axes.set_xticks(sorted(set(frame[x])))
    axes.set(title=title, xlabel=xlabel or x, ylabel=ylabel or y)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    plt.show()


def bars(frame, x, y, title, by=None, ylabel="", form=None, percent=False):
    """Bars; side by side for each value of by."""
    names = _order(frame[x])
    groups = [None] if by is None else _order(frame[by])
    width = 0.8 / len(groups)
    figure, axes = plt.subplots(figsize=(max(5.0, 1.4 + 0.34 * len(names) * max(2, len(groups))), 3.4))
    for i, group in enumerate(groups):
        part = frame if group is None else frame[frame[by] == group]
        heights = part.set_index(x)[y].reindex(names).to_numpy(dtype=float)
        at = np.arange(len(names)) + (i - (len(groups) - 1) / 2) * width
        drawn = axes.bar(at, heights, width * 0.94, label=None if group is None else _short(group))
        if form is not None:
            axes.bar_label(drawn, [form.format(h) for h in heights], fontsize=8, padding=2)
    _ticks(axes.xaxis, names)
    axes.grid(axis="x", visible=False)
    if percent:
        axes.yaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f} %")
    axes.set(title=title, ylabel=ylabel or y)
    if by is not None:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    plt.show()


def histogram(frame, edge, count, by, title, xlabel, ylabel="share of elements"):
    """Counts of bins as steps, each series divided by its sum; edge is a bin's lower edge."""
    figure, axes = plt.subplots(figsize=(7.2, 3.4))
    for name in _order(frame[by]):
        part = frame[frame[by] == name].sort_values(edge)
        axes.step(part[edge], part[count] / part[count].sum(), where="post", linewidth=1.5, label=_short(name))
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.set_ylim(bottom=0)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    plt.show()
