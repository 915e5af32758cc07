"""Results as a picture: time against width or size, and the steps of a develop."""

from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from phos_bench.tables import whole_s

__all__ = ["check_plot", "draw"]

SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "phos",
    "svg.fonttype": "path",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "font.size": 9.0,
    "legend.frameon": False,
}
OURS = ("#c0392b", "#e08214", "#2e8b57", "#2c6fbb", "#7b3294", "#00897b")
THEIRS = ("#222222", "#777777", "#aaaaaa", "#444444", "#999999", "#555555")
MARKERS = "osDv^P"
PANEL_INCHES = 7.4, 3.2  # wide, high

Result = dict[str, Any]


def check_plot(path: Path) -> None:
    """Raise what is the matter before anything is measured: no matplotlib, or a wrong ending."""
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError as error:
        raise ValueError("a plot needs matplotlib: pip install matplotlib") from error
    known = FigureCanvasBase.filetypes
    if path.suffix.removeprefix(".").lower() not in known:
        endings = ", ".join(f".{ending}" for ending in known)
        raise ValueError(f"cannot plot into {path}; it must end in one of {endings}")


def draw(record: dict[str, Any], path: Path) -> None:
    """Draw the results of a record.

    Parameters
    ----------
    record : dict
        As `run_cases` returns it.
    path : Path
        Where to; its ending says in which format.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    drawings = _drawings(record["results"])
    with mpl.rc_context(SETTINGS):
        wide, high = PANEL_INCHES
        figure = Figure(figsize=(wide, high * len(drawings)), layout="constrained")
        panels = figure.subplots(len(drawings), squeeze=False)[:, 0]
        for axes, drawing in zip(panels, drawings, strict=True):
            drawing(axes)
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else {}
        figure.savefig(path, metadata=metadata)


def _drawings(results: list[Result]) -> list[Callable[[Any], None]]:
    """A panel for each kind of PSF, and one for the develops."""
    measured = [result for result in results if "trouble" not in result]
    styles = _styles(measured)
    panels: list[Callable[[Any], None]] = []
    for psf in dict.fromkeys(r["case"]["psf"] for r in measured if "psf" in r["case"]):
        alike = [r for r in measured if r["case"].get("psf") == psf]
        panels.append(partial(_draw_times, psf, alike, styles))
    developed = [r for r in measured if r["case"]["work"] == "develop"]
    if developed:
        panels.append(partial(_draw_steps, developed))
    return panels


def _styles(measured: list[Result]) -> dict[str, dict[str, Any]]:
    """How each contender is drawn, in all panels: phos's in colour, the others in grey."""
    kinds = {each["name"]: each["kind"] for r in measured for each in r["contenders"]}
    ours = [name for name, kind in kinds.items() if kind == "phos"]
    theirs = [name for name, kind in kinds.items() if kind == "peer"]
    styles: dict[str, dict[str, Any]] = {
        name: {"color": "#bbbbbb", "linestyle": ":"}
        for name, kind in kinds.items()
        if kind == "floor"
    }
    for name, colour in zip(ours, cycle(OURS)):
        styles[name] = {"label": f"phos, {name}", "color": colour, "marker": "o", "linewidth": 2.0}
    for name, colour, marker in zip(theirs, cycle(THEIRS), cycle(MARKERS)):
        styles[name] = {"color": colour, "marker": marker, "linestyle": "--"}
    return styles


def _draw_times(
    psf: str, alike: list[Result], styles: dict[str, dict[str, Any]], axes: Any
) -> None:
    """Time a picture against what varies, both logarithmic."""
    by_width = len({r["case"]["width"] for r in alike}) > 1
    found: dict[str, list[tuple[float, float]]] = {}
    for result in alike:
        case = result["case"]
        x = case["width"] if by_width else case["rows"] * case["cols"] / 1e6
        for each in result["contenders"]:
            if "trouble" not in each and each["name"] in styles:
                point = (x, 1000 * whole_s(each) / case["batch"])
                found.setdefault(each["name"], []).append(point)
    for name, points in found.items():
        drawn = {"label": name, "markersize": 3.5} | styles[name]
        axes.plot(*zip(*sorted(points), strict=True), **drawn)
    sizes = {(r["case"]["rows"], r["case"]["cols"]) for r in alike}
    where = " × ".join(map(str, *sizes)) if len(sizes) == 1 else "all sizes"
    across = "width of the PSF, pixels" if by_width else "megapixels"
    axes.set(xscale="log", yscale="log", title=f"{psf} PSF, {where}", xlabel=across, ylabel="ms")
    ticks = sorted({x for points in found.values() for x, _ in points})
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.legend(fontsize=6.5, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _draw_steps(developed: list[Result], axes: Any) -> None:
    """A bar for each backend and size, in steps, milliseconds a megapixel."""
    bars = [(r["case"], each) for r in developed for each in r["contenders"] if each.get("steps_s")]
    labels = [
        f"{each['name']}, {case['rows'] * case['cols'] / 1e6:.3g} MP"
        + (f", {case['batch']} together" if case["batch"] > 1 else "")
        for case, each in bars
    ]
    pixels = [case["rows"] * case["cols"] * case["batch"] / 1e6 for case, _ in bars]
    left = [0.0] * len(bars)
    steps = dict.fromkeys(step for _, each in bars for step in each["steps_s"])
    for index, step in enumerate(steps):
        widths = [
            1000 * each["steps_s"].get(step, 0.0) / size
            for (_, each), size in zip(bars, pixels, strict=True)
        ]
        axes.barh(labels, widths, left=left, label=step, color=OURS[index % len(OURS)])
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(title="develop, step by step", xlabel="ms a megapixel")
    axes.legend(fontsize=6.5, loc="upper left", bbox_to_anchor=(1.0, 1.0))
