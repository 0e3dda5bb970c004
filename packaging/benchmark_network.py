"""The benchmark's rows of the network: features, memory, huge pictures, GPUs, training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import psutil
import torch
from benchmark_peers import (
    alternate,
    kornia_and_torch,
    literal,
    missing,
    network_of,
    paper_checkpoint,
    sample,
    versions,
)
from benchmark_step import compare_steps
from benchmark_table import Row, child, verdict

from sss_model.extractor import FeatureExtractor
from sss_model.params import ExtractParams
from sss_model.postprocess import reduce_features
from sss_model.training.params import preset


def features_row(quick: bool) -> list[Row]:
    size = (96, 128) if quick else (480, 640)
    checkpoint, image = paper_checkpoint(), sample(*size)
    extractor, network = FeatureExtractor(checkpoint, "cpu"), network_of(checkpoint)
    batch = torch.from_numpy(image).permute(2, 0, 1)[None]
    with torch.inference_mode():
        best = alternate(
            {
                "ours": lambda: extractor.extract(image),
                "literal": lambda: literal(network, image),
                "branches": lambda: network.branches(batch),
            },
            1 if quick else 3,
        )
        expected = literal(network, image)
    error = float(np.abs(extractor.extract(image) - expected).max() / np.abs(expected).max())
    faster, over = best["literal"] / best["ours"], best["ours"] / best["branches"]
    what = f"ResNet-101 features, {size[1]}x{size[0]} (difference {error:.0e})"
    ours = f"{best['ours']:.2f} s"
    return [
        Row(
            what,
            ours,
            "literal forward",
            f"{best['literal']:.2f} s",
            f"{faster:.1f}x",
            ">= 2.5x",
            verdict(faster >= 2.5),
            {**best, "difference": error},
        ),
        Row(
            "the same",
            ours,
            "backbone + branches",
            f"{best['branches']:.2f} s",
            f"{over:.2f}",
            "<= 1.35",
            verdict(over <= 1.35),
        ),
    ]


def memory_row(quick: bool) -> list[Row]:
    rows = []
    sizes = [(240, 320)] if quick else [(480, 640), (1500, 2000), (3000, 4000)]
    for size in sizes:
        ours = child("peak", "ours", "shipped", *size)["bytes"] / 1e6
        backbone = child("peak", "backbone", "shipped", *size)["bytes"] / 1e6
        pixels = size[0] * size[1] / 1e6
        limit = 1000 if pixels <= 3 else 3000
        beside = _literal_memory(size) if pixels <= 3 else "not tried"
        what = f"memory, shipped model, {pixels:.2g} Mpx"
        values = {"ours": ours, "backbone": backbone}
        rows.append(
            Row(what, f"{ours:.0f} MB", "literal forward", beside, "", f"<= {limit} MB", verdict(ours <= limit), values)
        )
        added = max(ours - backbone, 0.0)
        rows.append(Row("of it the head's", f"{added:.0f} MB", "", "", "", "<= 100 MB", verdict(added <= 100)))
    return rows


def _literal_memory(size: tuple[int, int]) -> str:
    """The literal forward's peak; it may need more than there is, and is killed then."""
    try:
        return f"{child('peak', 'literal', 'shipped', *size)['bytes'] / 1e6:.0f} MB"
    except RuntimeError:
        return f"not within {psutil.virtual_memory().total / 1e9:.0f} GB"


def huge_row(quick: bool) -> list[Row]:
    size = (1000, 1000) if quick else (10000, 10000)
    found = child("huge", *size)
    memory, silence = found["bytes"] / 1e9, found["silence"]
    what = f"{size[0] * size[1] / 1e6:.3g} Mpx into a float16 file"
    return [
        Row(what, f"{found['seconds']:.0f} s, {memory:.1f} GB", "", "", "", "<= 8 GB", verdict(memory <= 8), found),
        Row("longest wait for a report there", f"{silence:.2f} s", "", "", "", "<= 1 s", verdict(silence <= 1)),
    ]


def gpu_row(quick: bool) -> list[Row]:
    if not torch.cuda.is_available():
        return [Row("on a GPU", "skipped: this machine has no CUDA device", "literal forward; kornia")]
    rows = []
    image, checkpoint = sample(480, 640), paper_checkpoint()
    network = network_of(checkpoint).cuda()
    for precision in ("float32", "bfloat16", "float16"):
        extractor = FeatureExtractor(checkpoint, "cuda", ExtractParams(device="cuda", precision=precision))
        best = alternate({"ours": lambda e=extractor: e.extract(image), "literal": lambda: literal(network, image)}, 5)
        error = extractor.error_against(image, ExtractParams(device="cpu"))
        what = f"ResNet-101 features, 640x480, {precision} (error {error:.0e})"
        ours = best["ours"] * 1000
        rows.append(
            Row(
                what,
                f"{ours:.0f} ms",
                "literal forward",
                f"{best['literal'] * 1000:.0f} ms",
                f"{best['literal'] / best['ours']:.1f}x",
                "<= 30 ms",
                verdict(ours <= 30),
                {**best, "error": error},
            )
        )
    return rows + _gpu_filter(image)


def _gpu_filter(image: np.ndarray) -> list[Row]:
    if absent := missing("kornia"):
        return [Row("reduce_features on the GPU", f"skipped: {absent} is not installed")]
    features = FeatureExtractor(None, "cuda").extract(image)
    guide, planes = (torch.from_numpy(a).permute(2, 0, 1)[None].contiguous().cuda() for a in (image, features))

    def peer() -> None:
        kornia_and_torch(guide, planes)
        torch.cuda.synchronize()

    best = alternate({"ours": lambda: reduce_features(image, features, device="cuda"), "peer": peer}, 5)
    ratio = best["peer"] / best["ours"]
    theirs = f"{best['peer'] * 1000:.0f} ms"
    return [
        Row(
            "reduce_features, 640x480",
            f"{best['ours'] * 1000:.0f} ms",
            versions("kornia"),
            theirs,
            f"{ratio:.1f}x",
            "",
            "",
            best,
        )
    ]


def training_row(quick: bool) -> list[Row]:
    found = compare_steps(preset("lite2"), side=64 if quick else 320, repeats=1 if quick else 3)
    ratio = found.times_faster
    what = f"training step, lite2 (gradients differ by {found.gradient_difference:.0e})"
    return [
        Row(
            what,
            f"{found.sampled:.2f} s",
            "literal step",
            f"{found.literal:.2f} s",
            f"{ratio:.1f}x",
            "",
            "",
            {"ratio": ratio},
        )
    ]


def shipped_row(quick: bool) -> list[Row]:
    image = sample(96, 128) if quick else sample(480, 640)
    shipped, paper = FeatureExtractor(None, "cpu"), FeatureExtractor(paper_checkpoint(), "cpu")
    network = network_of(None)
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: shipped.extract(image),
        "paper": lambda: paper.extract(image),
        "literal": lambda: literal(network, image),
    }
    best = alternate(ways, 1 if quick else 4)
    share, faster = best["ours"] / best["paper"], best["literal"] / best["ours"]
    ours = f"{best['ours']:.2f} s"
    return [
        Row(
            "shipped model's features",
            ours,
            "ResNet-101, ours",
            f"{best['paper']:.2f} s",
            f"{share:.2f}",
            "<= 0.25",
            verdict(share <= 0.25),
            best,
        ),
        Row("the same", ours, "its literal forward", f"{best['literal']:.2f} s", f"{faster:.1f}x"),
    ]
