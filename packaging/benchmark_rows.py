"""The benchmark's rows, by number; what measures memory runs in a process of its own."""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import benchmark_peers as peers
import benchmark_window
import numpy as np
import psutil
import torch
from benchmark_peers import literal, network_of, paper_checkpoint, sample

from sss_gui.display import has_display
from sss_model.analysis.similarity import Similarity
from sss_model.extractor import FeatureExtractor
from sss_model.guided_filter import guided_filter
from sss_model.inference.memory import available_bytes, peak_bytes, reset_peak, resident_bytes
from sss_model.params import ExtractParams, FilterParams, ProjectionParams
from sss_model.pca import fit_pca
from sss_model.postprocess import reduce_features, stretch
from sss_model.progress import Progress
from sss_model.projection.feature_views import FeatureViews
from sss_model.training.params import preset

DIGITS = {"MB": 0, "ms": 0, "%": 0, "": 3}
LAYERS = 5
LITERAL_BYTES = 10700  # a pixel of the literal way: 1024 channels twice, hidden layer and features
CURVE = [(300, 333), (480, 640), (1000, 1000), (1500, 2000), (2000, 3000), (3000, 4000), (4000, 6000)]


@dataclass(frozen=True)
class Line:
    """A measurement; `at_most` is what ours should reach, `times` what the ratio theirs / ours should."""

    what: str
    ours: float | str
    unit: str = "s"
    against: str = ""
    theirs: float | str = ""
    at_most: float | None = None
    times: float | None = None

    def cells(self) -> tuple[str, ...]:
        ratio, reach, met = "", "", True
        if isinstance(self.ours, float) and isinstance(self.theirs, float):
            ratio = f"{self.theirs / self.ours:.2f}x"
        if self.at_most is not None and isinstance(self.ours, float):
            reach, met = f"<= {self.at_most:g} {self.unit}", self.ours <= self.at_most
        if self.times is not None and ratio:
            reach, met = f">= {self.times:.2g}x", float(ratio[:-1]) >= self.times
        values = (self._text(self.ours), self.against, self._text(self.theirs))
        return (self.what, *values, ratio, reach, ("reached" if met else "missed") if reach else "")

    def _text(self, value: float | str) -> str:
        return value if isinstance(value, str) else f"{value:.{DIGITS.get(self.unit, 2)}f} {self.unit}"


def alternate(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The best time of each way in seconds, taken in turn so that a busy machine slows all; one round first to warm."""
    best = dict.fromkeys(ways, float("inf"))
    for turn in range(repeats + (repeats > 1)):
        for name, way in ways.items():
            seconds = timed(way)
            if turn or repeats == 1:
                best[name] = min(best[name], seconds)
    return best


def timed(way: Callable[[], object]) -> float:
    start = time.perf_counter()
    way()
    return time.perf_counter() - start


def apart(function: Callable[..., Any], *arguments: object) -> Any:
    """What `function` returns in a new process; BrokenProcessPool where the system ended that one."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def megapixels(size: tuple[int, int]) -> str:
    return f"{size[0] * size[1] / 1e6:.2g} Mpx"


def shipped_features(image: np.ndarray) -> np.ndarray:
    return FeatureExtractor(None, "cpu").extract(image)


# the network ---------------------------------------------------------------------------------------------------------


def features_row(quick: bool) -> list[Line]:
    checkpoint, image = paper_checkpoint(), sample(96, 128) if quick else sample(480, 640)
    extractor, network = FeatureExtractor(checkpoint, "cpu"), network_of(checkpoint)
    batch = torch.from_numpy(image).permute(2, 0, 1)[None]
    with torch.inference_mode():
        ways = {"ours": partial(extractor.extract, image), "literal": partial(literal, network, image)}
        best = alternate({**ways, "branches": partial(network.branches, batch)}, 1 if quick else 3)
    expected = literal(network, image)
    error = np.abs(extractor.extract(image) - expected).max() / np.abs(expected).max()
    what = f"ResNet-101 features, {image.shape[1]}x{image.shape[0]} (difference {error:.0e})"
    return [
        Line(what, best["ours"], against="literal forward", theirs=best["literal"], times=2.5),
        Line("the same", best["ours"], against="backbone + branches", theirs=best["branches"], times=1 / 1.35),
    ]


def extraction(way: str, height: int, width: int) -> dict[str, float]:
    """Seconds, and bytes at the peak above model, image and features; 'backbone' leaves out the head."""
    if way == "literal":
        network = network_of(None)
        run: Callable[[np.ndarray], object] = partial(literal, network)
    else:
        extractor = FeatureExtractor(None, "cpu")
        dtype = np.float16 if height * width > 4e6 else np.float32
        out = np.ones((height, width, extractor.feature_channels), dtype)
        run = lambda image: extractor.extract(image, out=out if image.shape[:2] == out.shape[:2] else None)  # noqa: E731
    run(sample(64, 64))
    image = sample(height, width)
    if way == "backbone":
        from sss_model.inference.head_run import HeadRun

        HeadRun.run = lambda self, progress: None  # type: ignore[method-assign]
    reset_peak()
    base = resident_bytes()
    seconds = timed(lambda: run(image))
    own = height * width * 128 * 4 if way == "literal" else 0  # its features, which it allocates itself
    return {"bytes": peak_bytes() - base - own, "seconds": seconds}


def memory_row(quick: bool) -> list[Line]:
    lines = []
    for size in [(240, 320)] if quick else [(480, 640), (1500, 2000), (3000, 4000)]:
        ours, backbone = (apart(extraction, way, *size)["bytes"] / 1e6 for way in ("ours", "backbone"))
        small = size[0] * size[1] <= 3e6
        theirs: float | str = "not tried"
        if small:
            try:
                theirs = apart(extraction, "literal", *size)["bytes"] / 1e6
            except (BrokenProcessPool, RuntimeError):
                theirs = f"not within {psutil.virtual_memory().total / 1e9:.0f} GB"
        what = f"memory, shipped model, {megapixels(size)}"
        lines.append(Line(what, ours, "MB", "literal forward", theirs, at_most=1000 if small else 3000))
        lines.append(Line("of it the head's", max(ours - backbone, 0.0), "MB", at_most=100))
    return lines


def size_curves(quick: bool) -> list[dict[str, Any]]:
    """Time and memory against size: way, megapixels, seconds, bytes; the best of two."""
    points = []
    for height, width in [(60, 80), (120, 160)] if quick else CURVE:
        for way in ("ours", "literal"):
            if way == "literal" and height * width * LITERAL_BYTES > available_bytes():
                continue
            runs = [apart(extraction, way, height, width) for _ in range(1 if quick else 2)]
            best = {name: min(run[name] for run in runs) for name in runs[0]}
            points.append({"way": way, "megapixels": height * width / 1e6, **best})
    return points


def huge_extraction(height: int, width: int) -> tuple[float, float, float]:
    """Seconds, GB of the process's own (mapped files not counted), and the longest silence of the progress."""
    extractor, image = FeatureExtractor(None, "cpu"), sample(height, width)
    reports = [time.perf_counter()]
    progress = Progress(lambda fraction, stage: reports.append(time.perf_counter()))
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        benchmark_window.watch_memory(unmapped_bytes) as memory,
    ):
        shape = (height, width, extractor.feature_channels)
        out = np.memmap(Path(folder) / "features", np.float16, "w+", shape=shape)
        seconds = timed(partial(extractor.extract, image, progress, out=out))
    return seconds, max(memory) / 1e9, float(np.diff(reports).max())


def unmapped_bytes() -> int:
    """The memory that this process has resident, without that of mapped files where the system tells."""
    usage = psutil.Process().memory_info()
    return int(usage.rss - getattr(usage, "shared", 0))


def huge_row(quick: bool) -> list[Line]:
    size = (1000, 1000) if quick else (10000, 10000)
    seconds, memory, silence = apart(huge_extraction, *size)
    what = f"{megapixels(size)} into a float16 file"
    return [
        Line(what, seconds),
        Line("memory there", memory, "GB", at_most=8),
        Line("longest wait for a report there", silence, at_most=1),
    ]


def gpu_row(quick: bool) -> list[Line]:
    if not torch.cuda.is_available():
        return [Line("on a GPU", "skipped: this machine has no CUDA device", against="literal forward; kornia")]
    lines, image, checkpoint = [], sample(480, 640), paper_checkpoint()
    network = network_of(checkpoint).cuda()
    for precision in ("float32", "bfloat16", "float16"):
        extractor = FeatureExtractor(checkpoint, "cuda", ExtractParams(device="cuda", precision=precision))
        best = alternate({"ours": partial(extractor.extract, image), "literal": partial(literal, network, image)}, 5)
        error = extractor.error_against(image, ExtractParams(device="cpu"))
        what = f"ResNet-101 features, 640x480, {precision} (error {error:.0e})"
        lines.append(Line(what, best["ours"] * 1e3, "ms", "literal forward", best["literal"] * 1e3, at_most=30))
    features = FeatureExtractor(None, "cuda").extract(image)
    guide, planes = (torch.from_numpy(a).permute(2, 0, 1)[None].contiguous().cuda() for a in (image, features))
    ours = partial(reduce_features, image, features, device="cuda")
    return [*lines, beside("reduce_features, 640x480", ours, partial(peers.kornia_and_torch, guide, planes), "kornia")]


def beside(
    what: str, ours: Callable[[], object], theirs: Callable[[], object], *packages: str, times: float | None = None
) -> Line:
    """A line of ours beside what `packages` do, or without them where one is not installed."""
    try:
        version = peers.version(*packages)
    except PackageNotFoundError as error:
        return Line(what, alternate({"ours": ours}, 3)["ours"], against=f"{error.name} is not installed")
    best = alternate({"ours": ours, "theirs": theirs}, 3)
    return Line(what, best["ours"], against=version, theirs=best["theirs"], times=times)


def training_row(quick: bool) -> list[Line]:
    steps = peers.compare_steps(preset("lite2"), side=64 if quick else 320, repeats=1 if quick else 3)
    what = f"training step, lite2 (gradients differ by {steps.gradient_difference:.0e})"
    return [Line(what, steps.sampled, against="literal step", theirs=steps.literal, times=5)]


def shipped_row(quick: bool) -> list[Line]:
    image = sample(96, 128) if quick else sample(480, 640)
    shipped, paper = FeatureExtractor(None, "cpu"), FeatureExtractor(paper_checkpoint(), "cpu")
    ways = {"ours": partial(shipped.extract, image), "paper": partial(paper.extract, image)}
    best = alternate({**ways, "literal": partial(literal, network_of(None), image)}, 1 if quick else 4)
    return [
        Line("shipped model's features", best["ours"], against="ResNet-101, ours", theirs=best["paper"], times=4),
        Line("the same", best["ours"], against="its literal forward", theirs=best["literal"]),
    ]


# filter, components, similarity --------------------------------------------------------------------------------------


def reduce_row(quick: bool) -> list[Line]:
    lines = []
    for size in [(60, 80)] if quick else [(480, 640), (1000, 1000)]:
        image = sample(*size)
        features = shipped_features(image)
        ours = partial(reduce_features, image, features, radius=5, eps=0.01)
        filtered = guided_filter(image, features, radius=5, eps=0.01)
        exact, found = stretch(fit_pca(filtered, 3).project(filtered)), ours()
        either_way = (np.abs(found - exact).max((0, 1)), np.abs(1 - found - exact).max((0, 1)))  # axes have no sign
        error = np.minimum(*either_way).max() * 512
        what = f"reduce_features, {megapixels(size)} (error {error:.2f}/512)"
        theirs = partial(peers.opencv_and_sklearn, image, features)
        lines.append(beside(what, ours, theirs, "opencv-contrib-python-headless", "scikit-learn", times=5))
    return lines


def tick_row(quick: bool) -> list[Line]:
    lines: list[Line] = []
    projection = ProjectionParams()
    for size in [(120, 160)] if quick else [(1000, 1000), (3000, 4000)]:
        image = sample(*size)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            features = np.memmap(Path(folder) / "f", np.float16, "w+", shape=(*size, 128))
            FeatureExtractor(None, "cpu").extract(image, out=features)
            views = FeatureViews(image, features)
            views.filtered(FilterParams(), projection)
            for name, view in _parts(size):
                filters = [FilterParams(radius=2 + tick % 30) for tick in range(6 if quick else 41)]
                spent = [timed(partial(views.preview, filter, projection, None, view)) * 1e3 for filter in filters]
                lines += _ticks(f"slider's tick, {megapixels(size)}, {name}", spent[1:])
    size = (120, 160) if quick else (1000, 1000)
    spent = apart(benchmark_window.drag, *size, 8 if quick else 43)
    return lines + _ticks(f"the same through the window, {megapixels(size)}", spent)


def _ticks(what: str, milliseconds: list[float]) -> list[Line]:
    """The median, and what 95 % do not exceed."""
    median, late = np.percentile(milliseconds, (50, 95)).tolist()
    return [Line(what, median, "ms", at_most=33), Line("95 % there", late, "ms", at_most=50)]


def _parts(size: tuple[int, int]) -> list[tuple[str, tuple[tuple[int, int, int, int], float]]]:
    """A pane of 780 x 450 pixels, showing all of the picture and its middle at 1:1."""
    height, width = size
    pane = min(450, height), min(780, width)
    top, left = (height - pane[0]) // 2, (width - pane[1]) // 2
    whole = ((0, 0, width, height), min(pane[0] / height, pane[1] / width))
    return [("fitted", whole), ("1:1", ((left, top, left + pane[1], top + pane[0]), 1.0))]


def rest_row(quick: bool) -> list[Line]:
    image = sample(120, 160) if quick else sample(1000, 1000)
    views = FeatureViews(image, shipped_features(image))
    views.filtered(FilterParams(), ProjectionParams())
    filters = [FilterParams(radius=radius) for radius in (7, 9, 14, 4, 20)[: 1 if quick else 5]]
    spent = [timed(partial(views.filtered, filter, ProjectionParams())) for filter in filters]
    return [Line(f"exact picture after rest, {megapixels(image.shape[:2])}", float(np.median(spent)), at_most=0.7)]


def similarity_row(quick: bool) -> list[Line]:
    features = shipped_features(sample(120, 160) if quick else sample(1000, 1000))
    height, width = features.shape[:2]
    compare = Similarity(features)
    vectors = [features[(step * 31) % height, (step * 17) % width] for step in range(5 if quick else 30)]
    spent = [timed(partial(compare.to_vector, vector)) * 1e3 for vector in vectors]
    return [Line(f"similarity map, {megapixels((height, width))}", float(np.median(spent[1:])), "ms", at_most=33)]


# soft segments -------------------------------------------------------------------------------------------------------


def scene(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The sample picture and its features; those of a large picture at most 640 pixels wide."""
    scale = min(1.0, 640 / max(height, width))
    return sample(height, width), shipped_features(sample(round(height * scale), round(width * scale)))


def soft_segmentation(height: int, width: int) -> dict[str, float]:
    """Seconds of all, of the longest silence, of one layer more and of lifting it; bytes above what was there."""
    from sss_model.segmentation import soft_segments

    image, features = scene(height, width)
    soft_segments(image[:48, :64].copy(), features[:48, :64].copy())  # what is loaded and set up only once
    reset_peak()
    base, reports = resident_bytes(), [time.perf_counter()]
    progress = Progress(lambda fraction, stage: reports.append(time.perf_counter()))
    segments = soft_segments(image, features, layers=LAYERS, progress=progress)
    seconds, peak = time.perf_counter() - reports[0], peak_bytes() - base
    more: list[Any] = []
    again = timed(lambda: more.append(segments.with_layers(LAYERS + 1)))
    lift = timed(lambda: more[0].alphas)  # asked for the first time: brought to full size now
    silence = float(np.diff(reports).max())
    return {"seconds": seconds, "MB": peak / 1e6, "silence": silence, "again": again, "lift": lift}


def literal_segmentation(height: int, width: int) -> tuple[float, float, float]:
    """Seconds of the paper's pipeline; mean differences of its alphas from ours, and from its own of another seed.

    All group their components by Ward's tree.
    """
    from evaluate_segments import difference, exact_layers
    from exact_segments import eigenproblem, exact_segments

    from sss_model.segmentation import soft_segments
    from sss_model.segmentation.inputs import affinity_features

    image, features = scene(height, width)
    map3 = affinity_features(image, features, Progress())
    seconds = timed(partial(exact_segments, image, map3, layers=LAYERS))
    problem = eigenproblem(image, map3)
    theirs, again = (exact_layers(problem, image, features, map3, seed) for seed in (0, 1))
    apart_from = difference(soft_segments(image, features, layers=LAYERS).alphas, theirs)
    return seconds, apart_from, difference(again, theirs)


def hard_segmentations(height: int, width: int) -> str:
    from sklearn.cluster import KMeans

    image, features = scene(height, width)
    flat = features.reshape(-1, features.shape[2])
    clusters = timed(partial(KMeans(LAYERS, n_init=1, random_state=0).fit_predict, flat))
    return f"{clusters:.1f} s, {timed(partial(peers.graph_cut, image)):.1f} s"


def segments_row(quick: bool) -> list[Line]:
    """640x480 and 320x240 beside the literal pipeline and two hard clusterings, and 12 megapixels."""
    lines = []
    for size, most in [((240, 320), 2.5)] if quick else [((240, 320), 2.5), ((480, 640), 7.0)]:
        ours, name = apart(soft_segmentation, *size), f"soft segments, {size[1]}x{size[0]}"
        hard = apart(hard_segmentations, *size)
        lines += [
            Line(name, ours["seconds"], against="k-means, graph cut (hard)", theirs=hard, at_most=most),
            Line("memory there", ours["MB"], "MB", at_most=1500),
            Line("another number of layers", ours["again"], at_most=0.3),
            Line("longest wait for a report", ours["silence"], at_most=0.5),
        ]
    small = (90, 120) if quick else (240, 320)
    theirs, difference, scatter = apart(literal_segmentation, *small)
    seconds, name = apart(soft_segmentation, *small)["seconds"], f"soft segments, {small[1]}x{small[0]}"
    lines.append(Line(name, seconds, against="the literal pipeline", theirs=theirs, times=20))
    lines.append(Line("mean difference of alphas", difference, "", "its other seed", scatter, at_most=0.02))
    if not quick:
        ours = apart(soft_segmentation, 3000, 4000)
        lines.append(Line("12 Mpx: lift to full size", ours["lift"], at_most=3.0))
        lines.append(Line("memory there", ours["MB"], "MB", at_most=2500))
    return lines


# mattes --------------------------------------------------------------------------------------------------------------


def matte_row(quick: bool) -> list[Line]:
    """A click on the sample's building, beside OpenCV's GrabCut with a box about the middle and the same click."""
    lines = []
    for size in [(240, 320)] if quick else [(480, 640), (1500, 2000), (3000, 4000)]:
        found, what = apart(matte_seconds, *size), f"matte of {megapixels(size)}"
        lines += [
            Line(f"{what}: ready for a click, from features", found["parts"]),
            Line(f"{what}: what a click would take", found["hover"] * 1000, "ms", at_most=33),
            Line(f"{what}: a click", found["click"], "s", peers.version("opencv-contrib-python-headless"),
                 found["GrabCut"], at_most=0.3),
            Line(f"{what}: its edges solved, too", found["edges"], at_most=2.0),
        ]  # fmt: skip
    return lines


def matte_seconds(height: int, width: int) -> dict[str, float]:
    """Seconds to cut the picture, to foresee a click, to answer it at once and with edges; of GrabCut, one round."""
    from sss_model.matting import MatteEditor, cut_parts, stroke_at
    from sss_model.matting.steps import CLICK_RADIUS

    image, features = scene(height, width)
    parts = cut_parts(image, features)
    editor, size, radius = MatteEditor(image, parts=parts), (height, width), CLICK_RADIUS * max(height, width)
    places = iter([(width * x / 20, height / 2) for x in range(3, 18)])  # each once: an editor remembers
    step = stroke_at([(width / 2, height / 2)], True, radius, size, click=True)

    def click() -> None:
        editor.set_steps([])
        editor.set_steps([step])
        _ = editor.quick

    def edges() -> None:
        click()
        editor.solve()

    seconds = alternate(
        {
            "hover": lambda: editor.hover(*next(places)),
            "click": click,
            "edges": edges,
            "GrabCut": partial(peers.grab_cut, image, step.mask(size)),
        },
        2 if height * width > 1e6 else 5,
    )
    return {"parts": timed(partial(cut_parts, image, features)), **seconds}


# the window ----------------------------------------------------------------------------------------------------------


def photograph_row(quick: bool) -> list[Line]:
    lines = []
    for size, seconds, memory in (
        [((120, 160), 4.0, 2.5)] if quick else [((3000, 4000), 4.0, 2.5), ((6000, 8000), 10.0, 4.0)]
    ):
        found, what = apart(benchmark_window.photograph, *size), f"{megapixels(size)} photograph"
        lines += [
            Line(f"{what}: drop to four full panes, warm window", found["seconds"], at_most=seconds),
            Line(f"{what}: of processor time", found["processor"]),
            Line(f"{what}: memory above the start, at the peak", found["peak"] / 1e9, "GB", at_most=memory),
            Line(f"{what}: above the start, all closed", 100 * found["closed"] / found["start"], "%", at_most=15),
            Line(f"{what}: slider taken again amid the exact pass", max(found["regrab"]), "ms", at_most=100),
            Line(f"{what}: exact picture after rest", float(np.median(found["rest"])), at_most=0.4),
        ]
    return lines


def batch(height: int, width: int, count: int) -> dict[str, float]:
    """Seconds that `sss-extract` takes for each of so many photographs with grain; bytes of the process at the peak."""
    from PIL import Image

    from sss_model.commands.extract import main
    from sss_model.image_io import to_picture

    grain = np.random.default_rng(0).normal(0, 0.02, (height, width, 3)).astype(np.float32)
    picture = to_picture(sample(height, width) + grain)
    del grain
    with tempfile.TemporaryDirectory() as folder:
        Image.fromarray(picture[:64, :64]).save(Path(folder) / "small.png")
        main([str(Path(folder) / "small.png"), "-o", f"{folder}/first", "--quiet"])
        Image.fromarray(picture).save(Path(folder) / "photograph-0.jpg", quality=92)
        names = [Path(folder) / f"photograph-{number}.jpg" for number in range(count)]
        for name in names[1:]:
            os.link(names[0], name)
        reset_peak()
        seconds = timed(lambda: main([*map(str, names), "-o", f"{folder}/out", "--quiet", "--device", "cpu"]))
    return {"seconds": seconds / count, "bytes": peak_bytes()}


def batch_row(quick: bool) -> list[Line]:
    size, count = ((120, 160), 2) if quick else ((3000, 4000), 8)
    found, what = apart(batch, *size, count), f"sss-extract, {count} photographs of {megapixels(size)}"
    return [
        Line(f"{what}: each", found["seconds"], at_most=2.5),
        Line(f"{what}: memory of the process at the peak", found["bytes"] / 1e9, "GB", at_most=3),
    ]


def start_row(quick: bool) -> list[Line]:
    """The best of four starts of the program."""
    best: dict[str, float] = {}
    environment = dict(os.environ) if has_display() else {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    for _ in range(1 if quick else 4):
        with tempfile.TemporaryDirectory() as folder:
            environment |= dict.fromkeys(("XDG_CONFIG_HOME", "XDG_DATA_HOME"), folder)
            command = [sys.executable, benchmark_window.__file__, str(time.time())]
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
        for name, seconds in json.loads(done.stdout.splitlines()[-1]).items():
            best[name] = min(best.get(name, seconds), seconds)
    reach = {
        "window": ("window shown", 1),
        "input": ("the sample's picture", 5),
        "filtered": ("all panes, by the smallest scale", 5),
        "whole": ("all panes, by all features", None),
    }
    return [Line(f"start to {what}", best[name], at_most=limit) for name, (what, limit) in reach.items()]


_ORDER = [
    features_row, memory_row, reduce_row, tick_row, rest_row, similarity_row, start_row, huge_row, gpu_row,
    training_row, shipped_row, segments_row, photograph_row, matte_row, batch_row,
]  # fmt: skip
ROWS: dict[int, Callable[[bool], list[Line]]] = dict(enumerate(_ORDER, 1))
