"""The rows of the benchmark: what is measured, against what, and what to reach."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
MEGA = 1e6


@dataclass
class Row:
    """One line of the table; `ratio` is the alternative's figure over ours unless the words say otherwise."""

    number: int
    what: str
    ours: str = ""
    against: str = ""
    ratio: float | None = None
    reach: str = ""

    def line(self) -> str:
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        return f"| {self.number} | {self.what} | {self.ours} | {self.against} | {ratio} | {self.reach} |"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def machine() -> dict[str, str]:
    import torch

    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"
    threads = f"{os.cpu_count()} cores, {torch.get_num_threads()} threads"
    return {
        "date": datetime.date.today().isoformat(),
        "CPU": name,
        "cores": threads,
        "torch": torch.__version__,
        "GPU": gpu,
    }


def race(*runs: Callable[[], object], repeats: int = 3) -> list[float]:
    """Best seconds of each of `runs`, taken in turn, after one round that does not count."""
    best = [float("inf")] * len(runs)
    for turn in range(repeats + 1):
        for k, run in enumerate(runs):
            start = time.perf_counter()
            run()
            if turn:
                best[k] = min(best[k], time.perf_counter() - start)
    return best


def photograph(height: int, width: int) -> Image:
    """The sample photograph, mirrored into a mosaic and resized: real texture at any size."""
    from PIL import Image as Pillow

    from sss_model.shipped import SAMPLE, resource

    with Pillow.open(resource(SAMPLE)) as file:
        sample = np.asarray(file.convert("RGB"))
    tall = np.concatenate([sample, sample[::-1]])
    mosaic = np.concatenate([tall, tall[:, ::-1]], 1)
    return np.asarray(Pillow.fromarray(mosaic).resize((width, height)), np.float32) / 255


def features_of(image: Image) -> NDArray[np.float32]:
    from sss_model.extractor import FeatureExtractor

    return np.asarray(FeatureExtractor(device="cpu").extract(image), np.float32)


def paper_network(folder: str) -> Path:
    """A model file of the supplement's network on ResNet-101, weights random."""
    import torch

    from sss_model.checkpoint import write_checkpoint
    from sss_model.network import build_network
    from sss_model.params import NetworkParams

    torch.manual_seed(0)
    path = Path(folder) / "resnet101.safetensors"
    write_checkpoint(path, build_network(NetworkParams()), half=False)
    return path


def features_row(quick: bool) -> list[Row]:
    import torch

    from sss_model.extractor import FeatureExtractor

    height, width = (120, 160) if quick else (480, 640)
    image = photograph(height, width)
    batch = torch.from_numpy(image).permute(2, 0, 1)[None]
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        extractor = FeatureExtractor(paper_network(folder), "cpu")
        network = extractor.network
        ours, literal, backbone = race(
            lambda: extractor.extract(image), lambda: network.literal(batch), lambda: network.branches(batch), repeats=2
        )
    what = f"features, ResNet-101, {width}x{height}"
    return [
        Row(1, what, f"{ours:.2f} s", f"literal forward {literal:.2f} s", literal / ours, ">= 2.5"),
        Row(
            1,
            what,
            f"{ours:.2f} s",
            f"backbone + branches alone {backbone:.2f} s (ours / theirs)",
            ours / backbone,
            "<= 1.35",
        ),
    ]


_MEMORY = """
import sys
import numpy as np, torch
sys.path.insert(0, sys.argv[1])
from benchmark_rows import photograph
from sss_model.extractor import FeatureExtractor
from sss_model.memory import peak_bytes, reset_peak, resident_bytes
way, height, width, model = sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5] or None
extractor = FeatureExtractor(model, "cpu")
extractor.extract(np.zeros((64, 64, 3), np.float32))
image = photograph(height, width)
batch = torch.from_numpy(image).permute(2, 0, 1)[None]
out = np.zeros((height, width, extractor.feature_channels), np.float32) + 1
reset_peak()
base = resident_bytes()
with torch.inference_mode():
    if way == "ours":
        extractor.extract(image, out=out)
    elif way == "literal":
        out[:] = extractor.network.literal(batch)[0].permute(1, 2, 0).numpy()
    else:
        kept = extractor.network.branches(batch)
print(peak_bytes() - base)
"""


def peak(way: str, height: int, width: int, model: Path | None = None) -> float:
    """Peak bytes above model, input and output of one extraction, in a process of its own."""
    here = str(Path(__file__).resolve().parent)
    command = [sys.executable, "-c", _MEMORY, here, way, str(height), str(width), str(model or "")]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def memory_rows(quick: bool) -> list[Row]:
    height, width = (240, 320) if quick else (480, 640)
    with tempfile.TemporaryDirectory() as folder:
        model = paper_network(folder)
        ours, literal, backbone = (peak(way, height, width, model) / MEGA for way in ("ours", "literal", "backbone"))
    rows = [
        Row(
            2,
            f"peak memory, ResNet-101, {width}x{height}",
            f"{ours:.0f} MB",
            f"literal {literal:.0f} MB",
            literal / ours,
        ),
        Row(
            2, "the same", f"{ours:.0f} MB", f"backbone + branches alone {backbone:.0f} MB", None, "head adds <= 100 MB"
        ),
    ]
    sizes = (
        {"0.3 Mpx": (480, 640, "")} if quick else {"3 Mpx": (1500, 2000, "<= 1 GB"), "12 Mpx": (3000, 4000, "<= 3 GB")}
    )
    for name, (tall, wide, reach) in sizes.items():
        used = peak("ours", tall, wide) / MEGA
        rows.append(Row(2, f"peak memory, shipped model, {name}", f"{used:.0f} MB", "", None, reach))
    return rows


def reduce_rows(quick: bool) -> list[Row]:
    import cv2
    from sklearn.decomposition import PCA

    from sss_model.postprocess import reduce_features, unit_range

    if not hasattr(cv2, "ximgproc"):
        raise ImportError("cv2.ximgproc is missing; opencv-contrib-python-headless has it")
    rows = []
    for name, (height, width) in {"0.3 Mpx": (480, 640), **({} if quick else {"1 Mpx": (866, 1155)})}.items():
        image = photograph(height, width)
        features = features_of(image)

        def peer(image: Image = image, features: Image = features) -> Image:
            guided = cv2.ximgproc.createGuidedFilter(image, 5, 0.01)
            filtered = np.empty_like(features)
            for k in range(features.shape[2]):
                filtered[..., k] = guided.filter(np.ascontiguousarray(features[..., k]))
            flat = PCA(3).fit_transform(filtered.reshape(-1, features.shape[2]))
            return unit_range(flat.reshape(*features.shape[:2], 3))

        def ours_run(image: Image = image, features: Image = features) -> Image:
            return reduce_features(image, features, radius=5, eps=0.01)

        ours, theirs = race(ours_run, peer, repeats=1 if quick else 2)
        against = f"OpenCV {cv2.__version__} + scikit-learn {theirs:.2f} s"
        rows.append(
            Row(3, f"guided filter + PCA of 128 channels, {name}", f"{ours:.2f} s", against, theirs / ours, ">= 5")
        )
    return rows


def slider_rows(quick: bool) -> list[Row]:
    from sss_model.figure import Figure
    from sss_model.params import FilterParams, ProjectionParams

    rows = []
    for name, (height, width) in {"1 Mpx": (866, 1155), **({} if quick else {"12 Mpx": (3000, 4000)})}.items():
        image = photograph(height, width)
        small = features_of(photograph(height // 4, width // 4)).astype(np.float16)
        features = small.repeat(4, 0).repeat(4, 1)  # real values at any size; only their number matters here
        image = image[: features.shape[0], : features.shape[1]]
        figure, projection = Figure(image, features), ProjectionParams()
        basis = figure.locked_basis(FilterParams())
        view = ((0, 0, width, height), min(700 / width, 500 / height))
        seconds = []
        for k in range(40):
            start = time.perf_counter()
            figure.preview(FilterParams(radius=3 + k % 17, eps=0.001 * (1 + k % 5)), projection, basis, view)
            seconds.append(time.perf_counter() - start)
        settled = sorted(seconds[3:])
        middle, late = 1e3 * statistics.median(settled), 1e3 * settled[int(0.95 * len(settled))]
        what = f"slider tick, {name}, a 700x500 pane"
        rows.append(Row(4, what, f"median {middle:.0f} ms, 95 % {late:.0f} ms", "", None, "33 ms, 50 ms"))
    return rows


def rest_row(quick: bool) -> list[Row]:
    from sss_model.figure import Figure
    from sss_model.params import FilterParams, ProjectionParams

    image = photograph(*((240, 320) if quick else (866, 1155)))
    figure = Figure(image, features_of(image))
    figure.filtered(FilterParams(), ProjectionParams())
    start = time.perf_counter()
    figure.filtered(FilterParams(radius=9, eps=0.002), ProjectionParams())
    seconds = time.perf_counter() - start
    return [
        Row(
            5,
            f"exact result after the slider rests, {image.size / 3e6:.1f} Mpx",
            f"{seconds:.2f} s",
            "",
            None,
            "<= 0.7 s",
        )
    ]


def similarity_row(quick: bool) -> list[Row]:
    from sss_model.similarity import Similarity

    features = features_of(photograph(*((240, 320) if quick else (866, 1155))))
    index = Similarity(features)
    flat = features.reshape(-1, features.shape[2])
    vector = flat[1234]
    ours, plain = race(
        lambda: index.to_vector(vector, "distance"), lambda: np.linalg.norm(flat - vector, axis=1), repeats=5
    )
    what = f"similarity of a hovered pixel, {len(flat) / MEGA:.1f} Mpx"
    return [
        Row(
            6,
            what,
            f"{1e3 * ours:.0f} ms",
            f"numpy's norm of differences {1e3 * plain:.0f} ms",
            plain / ours,
            "<= 33 ms",
        )
    ]


_START = """
import time
begun = time.time()
import os, sys, tempfile
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
from pathlib import Path
from PySide6.QtWidgets import QApplication
from sss_gui.app import Program
from sss_gui.settings import Settings
from sss_model.shipped import SAMPLE, resource
app = QApplication(["sss-gui"])
with tempfile.TemporaryDirectory() as folder:
    program = Program(Settings(Path(folder) / "settings.ini"))
    program.window.show()
    app.processEvents()
    print(time.time() - begun, flush=True)
    program.session.opened.connect(lambda source: (print(time.time() - begun, flush=True), app.quit()))
    program.start([resource(SAMPLE)])
    app.exec()
    os._exit(0)
"""


def start_rows(quick: bool) -> list[Row]:
    best = [float("inf")] * 2
    for _ in range(1 if quick else 3):
        start = time.time()
        lines = subprocess.run(
            [sys.executable, "-c", _START], capture_output=True, text=True, check=True
        ).stdout.split()
        outside = time.time() - start - float(lines[1])  # starting and ending the interpreter; counted whole
        best = [min(old, float(new) + outside) for old, new in zip(best, lines, strict=True)]
    return [
        Row(7, "process start to window shown", f"{best[0]:.2f} s", "", None, "<= 1 s"),
        Row(7, "process start to the four panes of the sample", f"{best[1]:.2f} s", "", None, "<= 5 s"),
    ]


def large_row(quick: bool) -> list[Row]:
    from sss_model.extractor import FeatureExtractor
    from sss_model.memory import peak_bytes, reset_peak, resident_bytes

    height, width = (1000, 1000) if quick else (10000, 10000)
    extractor, image = FeatureExtractor(device="cpu"), photograph(height, width)
    with tempfile.TemporaryDirectory() as folder:
        shape = (height, width, extractor.feature_channels)
        out = np.lib.format.open_memmap(f"{folder}/features.npy", "w+", np.float16, shape)
        reset_peak()
        base, start = resident_bytes(), time.perf_counter()
        extractor.extract(image, out=out)
        seconds = time.perf_counter() - start
    used = (peak_bytes() - base) / MEGA
    words = f"{seconds:.0f} s, {used:.0f} MB with the disk's cached pages"
    return [
        Row(
            8,
            f"{height * width / MEGA:.0f} Mpx to float16 on disk",
            words,
            extractor.plan(image.shape).words,
            None,
            "8 GB",
        )
    ]


def gpu_rows(quick: bool) -> list[Row]:
    import torch

    if not torch.cuda.is_available():
        return [Row(9, "GPU", "not measured: no CUDA device here")]
    from sss_model.extractor import FeatureExtractor
    from sss_model.params import ExtractParams

    image, rows = photograph(480, 640), []
    for precision in ("float32", "bfloat16"):
        extractor = FeatureExtractor(device="cuda", params=ExtractParams(precision=precision))
        batch = torch.from_numpy(image).permute(2, 0, 1)[None].cuda()

        def literal(extractor: FeatureExtractor = extractor, batch: torch.Tensor = batch) -> None:
            with torch.inference_mode():
                extractor.network.literal(batch.to(next(extractor.network.parameters()).dtype)).float().cpu()

        ours, theirs = race(lambda e=extractor: e.extract(image), literal, repeats=10)
        what, against = f"GPU, 640x480, {precision}", f"literal {1e3 * theirs:.0f} ms"
        rows.append(Row(9, what, f"{1e3 * ours:.0f} ms", against, theirs / ours, "<= 30 ms"))
    return rows


def training_row(quick: bool) -> list[Row]:
    from sss_model.step_benchmark import compare_steps
    from sss_model.train_params import preset

    side = 96 if quick else 320
    found = compare_steps(preset("lite2"), side=side, repeats=1 if quick else 3)
    what = f"training step, {side} px, gradients {found.gradient_difference:.0e} apart"
    against = f"full-resolution head, then gather {found.literal:.2f} s"
    return [Row(10, what, f"{found.sampled:.2f} s", against, found.times_faster, ">= 5, 1e-5")]


def shipped_row(quick: bool) -> list[Row]:
    from sss_model.extractor import FeatureExtractor

    image = photograph(*((120, 160) if quick else (480, 640)))
    with tempfile.TemporaryDirectory() as folder:
        small, paper = FeatureExtractor(device="cpu"), FeatureExtractor(paper_network(folder), "cpu")
        ours, theirs = race(lambda: small.extract(image), lambda: paper.extract(image), repeats=2)
    what = f"features, shipped model, {image.shape[1]}x{image.shape[0]}"
    return [Row(11, what, f"{ours:.2f} s", f"the paper's ResNet-101 {theirs:.2f} s", theirs / ours, ">= 4")]


ROWS: dict[int, Callable[[bool], list[Row]]] = {
    1: features_row,
    2: memory_rows,
    3: reduce_rows,
    4: slider_rows,
    5: rest_row,
    6: similarity_row,
    7: start_rows,
    8: large_row,
    9: gpu_rows,
    10: training_row,
    11: shipped_row,
}


def curve(quick: bool) -> dict[str, list[float]]:
    """Seconds and peak MB of the shipped model against picture size, and of the literal way as far as 4 GB go."""
    from sss_model.extractor import FeatureExtractor

    found: dict[str, list[float]] = {
        "mpx": [],
        "seconds": [],
        "megabytes": [],
        "literal_megabytes": [],
        "literal_mpx": [],
    }
    extractor = FeatureExtractor(device="cpu")
    for mpx in (0.1, 0.3) if quick else (0.1, 0.3, 1.0, 3.0, 6.0, 12.0, 24.0):
        height = round((mpx * MEGA * 3 / 4) ** 0.5)
        width = round(height * 4 / 3)
        image = photograph(height, width)
        out = np.empty((height, width, extractor.feature_channels), np.float16)
        start = time.perf_counter()
        extractor.extract(image, out=out)
        found["mpx"].append(mpx)
        found["seconds"].append(time.perf_counter() - start)
        found["megabytes"].append(peak("ours", height, width) / MEGA)
        if mpx <= 1.0:
            found["literal_mpx"].append(mpx)
            found["literal_megabytes"].append(peak("literal", height, width) / MEGA)
    return found


def draw(found: dict[str, list[float]], path: Path) -> None:
    """Two log-log plots, time and memory, into a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.loglog(found["mpx"], found["seconds"], "o-", label="this program")
    left.set(xlabel="Mpx", ylabel="seconds", title="Features, shipped model")
    right.loglog(found["mpx"], found["megabytes"], "o-", label="this program")
    right.loglog(found["literal_mpx"], found["literal_megabytes"], "s--", label="literal forward")
    right.set(xlabel="Mpx", ylabel="peak MB above model, input, output", title="Memory")
    right.legend()
    figure.savefig(path, dpi=130)
