"""Soft segments beside the literal pipeline and hard clusterings: time, memory and how far they are apart.

    python packaging/benchmark_segments.py [--quick] [--threads 2]

Features are computed beforehand and not counted. Each way is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from benchmark_peers import sample
from benchmark_table import Row, table, verdict

from sss_model.extractor import FeatureExtractor
from sss_model.inference.memory import peak_bytes, reset_peak, resident_bytes
from sss_model.progress import Progress

LAYERS = 5
Scene = tuple[np.ndarray, np.ndarray]
Found = dict[str, float]


def scene(height: int, width: int) -> Scene:
    """The sample picture and its features; those of a large picture at most 640 pixels wide."""
    image = sample(height, width)
    scale = min(1.0, 640 / max(height, width))
    small = sample(round(height * scale), round(width * scale))
    return image, FeatureExtractor(device="cpu").extract(small)


def ours(image: np.ndarray, features: np.ndarray) -> Found:
    """Seconds of the whole, of its longest silence and of another number of layers; bytes above what was there."""
    from sss_model.segmentation import soft_segments

    soft_segments(image[:48, :64].copy(), features[:48, :64].copy())  # what is loaded and set up only once
    reset_peak()
    base, told = resident_bytes(), [time.perf_counter()]
    segments = soft_segments(
        image, features, layers=LAYERS, progress=Progress(lambda fraction, stage: told.append(time.perf_counter()))
    )
    seconds, peak = time.perf_counter() - told[0], peak_bytes() - base
    start = time.perf_counter()
    more = segments.with_layers(LAYERS + 1)
    again = time.perf_counter() - start
    start = time.perf_counter()
    _ = more.alphas  # asked for the first time: brought to full size now
    lift = time.perf_counter() - start
    return {"seconds": seconds, "bytes": peak, "silence": max(np.diff(told)), "again": again, "lift": lift}


def literal(image: np.ndarray, features: np.ndarray) -> Found:
    """Seconds of the paper's pipeline, and mean differences of alphas from its: ours, and its own of another seed.

    All group their components by Ward's tree.
    """
    from evaluate_segments import difference, exact_layers
    from exact_segments import eigenproblem, exact_segments

    from sss_model.segmentation import soft_segments
    from sss_model.segmentation.inputs import affinity_features

    map3 = affinity_features(image, features, Progress())
    start = time.perf_counter()
    exact_segments(image, map3, layers=LAYERS)
    seconds = time.perf_counter() - start
    problem = eigenproblem(image, map3)
    theirs, again = (exact_layers(problem, image, features, map3, seed) for seed in (0, 1))
    apart = difference(soft_segments(image, features, layers=LAYERS).alphas, theirs)
    return {"seconds": seconds, "difference": apart, "scatter": difference(again, theirs)}


def kmeans(image: np.ndarray, features: np.ndarray) -> Found:
    from sklearn.cluster import KMeans

    start = time.perf_counter()
    KMeans(LAYERS, n_init=1, random_state=0).fit_predict(features.reshape(-1, features.shape[2]))
    return {"seconds": time.perf_counter() - start}


def graph_cut(image: np.ndarray, features: np.ndarray) -> Found:
    """scikit-image's superpixels and normalised cut of their colours."""
    from skimage import graph, segmentation

    start = time.perf_counter()
    labels = segmentation.slic(image, n_segments=400, start_label=0)
    graph.cut_normalized(labels, graph.rag_mean_color(image, labels, mode="similarity"))
    return {"seconds": time.perf_counter() - start}


WAYS: dict[str, Callable[[np.ndarray, np.ndarray], Found]] = {
    "ours": ours,
    "literal": literal,
    "kmeans": kmeans,
    "graph-cut": graph_cut,
}


def measured(way: str, height: int, width: int) -> Found:
    """The measurement of `way` in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    command = [sys.executable, __file__, "--measure", way, str(height), str(width)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[2:])} failed ({done.returncode}):\n{done.stderr[-2000:]}")
    found: Found = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def segments_row(quick: bool) -> list[Row]:
    """640x480 and 320x240 beside the literal pipeline and two hard clusterings, and 12 megapixels."""
    rows = []
    limits = {(240, 320): 2.5} if quick else {(240, 320): 2.5, (480, 640): 7.0}
    for size, limit in limits.items():
        found = measured("ours", *size)
        name = f"soft segments, {size[1]}x{size[0]}"
        hard = {way: measured(way, *size)["seconds"] for way in ("kmeans", "graph-cut")}
        beside = ", ".join(f"{seconds:.1f} s" for seconds in hard.values())
        rows += [
            _row(name, found["seconds"], limit, "s", "k-means, graph cut (hard)", beside),
            _row("memory there", found["bytes"] / 1e6, 1500, "MB"),
            _row("another number of layers", found["again"], 0.3, "s"),
            _row("longest wait for a report", found["silence"], 0.5, "s"),
        ]
        if size == (240, 320):
            rows += _literal_rows((90, 120) if quick else size)
    if not quick:
        found = measured("ours", 3000, 4000)
        rows.append(_row("12 Mpx: lift to full size", found["lift"], 3.0, "s"))
        rows.append(_row("memory there", found["bytes"] / 1e6, 2500, "MB"))
    return rows


def _literal_rows(size: tuple[int, int]) -> list[Row]:
    theirs, found = measured("literal", *size), measured("ours", *size)
    ratio = theirs["seconds"] / found["seconds"]
    what = f"soft segments, {size[1]}x{size[0]}"
    timed = Row(
        what,
        f"{found['seconds']:.1f} s",
        "the literal pipeline",
        f"{theirs['seconds']:.0f} s",
        f"{ratio:.0f}x",
        ">= 20x",
        verdict(ratio >= 20),
        {"ours": found["seconds"], "literal": theirs["seconds"]},
    )
    scatter = f"{theirs['scatter']:.3f}"
    return [timed, _row("mean difference of alphas from it", theirs["difference"], 0.02, "", "its other seed", scatter)]


def _row(what: str, value: float, limit: float, unit: str, peer: str = "", theirs: str = "") -> Row:
    digits = 0 if unit == "MB" else 3 if unit == "" else 2
    text = f"{value:.{digits}f} {unit}".strip()
    return Row(what, text, peer, theirs, "", f"<= {limit:g} {unit}".strip(), verdict(value <= limit), {"ours": value})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a small picture, to see that it works")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="processor cores; default 2")
    parser.add_argument("--measure", nargs=3, metavar=("WAY", "HEIGHT", "WIDTH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        way, height, width = options.measure
        print(json.dumps(WAYS[way](*scene(int(height), int(width)))))
        return 0
    torch.set_num_threads(options.threads)
    print(table([{"row": 12, **dataclasses.asdict(row)} for row in segments_row(options.quick)]))
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    sys.exit(main())
