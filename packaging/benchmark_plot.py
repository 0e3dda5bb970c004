"""Time and memory against the picture's size, the literal way beside ours, each point in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmark_table import child

from sss_model.inference.memory import available_bytes

SIZES = [(300, 333), (480, 640), (1000, 1000), (1500, 2000), (2000, 3000), (3000, 4000), (4000, 6000)]
QUICK = [(60, 80), (120, 160)]
LITERAL_BYTES = 10700  # a pixel of the literal way: 1024 channels twice, hidden layer and features
REPEATS = 2


def measure(quick: bool) -> list[dict[str, object]]:
    """Points of both curves: way, megapixels, seconds, bytes above model, image and features."""
    points: list[dict[str, object]] = []
    for height, width in QUICK if quick else SIZES:
        for way in ("ours", "literal"):
            if way == "literal" and height * width * LITERAL_BYTES > available_bytes():
                continue
            print(f"{way}, {height * width / 1e6:.2g} Mpx ...", file=sys.stderr, flush=True)
            found = [child("peak", way, "shipped", height, width) for _ in range(1 if quick else REPEATS)]
            seconds, most = (min(point[name] for point in found) for name in ("seconds", "bytes"))
            points.append({"way": way, "megapixels": height * width / 1e6, "seconds": seconds, "bytes": most})
    return points


def draw(points: list[dict[str, object]], machine: dict[str, str], path: Path) -> None:
    """Two panels, time and memory, on logarithmic axes."""
    import matplotlib
    import psutil

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, name, unit, scale in ((axes[0], "seconds", "s", 1.0), (axes[1], "bytes", "GB", 1e-9)):
        far = f"literal forward, as far as {psutil.virtual_memory().total / 1e9:.0f} GB go"
        for way, style, label in (("literal", "o--", far), ("ours", "o-", "this program")):
            mine = [point for point in points if point["way"] == way]
            axis.plot([p["megapixels"] for p in mine], [float(str(p[name])) * scale for p in mine], style, label=label)
        axis.set(xscale="log", yscale="log", xlabel="megapixels", ylabel=unit)
        for scale_axis in (axis.xaxis, axis.yaxis):
            scale_axis.set_major_formatter("{x:g}")
        axis.grid(alpha=0.3, which="both")
        axis.legend()
    axes[0].set_title("time of one extraction, shipped model")
    axes[1].set_title("memory above model, picture and features")
    figure.suptitle(
        f"{machine['processor']}, {machine['cores']} cores, torch {machine['torch']}, {machine['date']}", fontsize=9
    )
    figure.savefig(path, dpi=120)
