"""Teach the judge of mattes: python packaging/train_matting.py FOLDER... [--out resources/matting.safetensors]

FOLDER is a set of labelled pictures, images/NAME.jpg and labels/NAME.png (uint8 index). A label whose pixels hang
together is an object to be cut out, but for 0 and 255; the picture itself and parts of it about the object, which it
may fill to the frame, are where a user is simulated: clicks, a box and clicks, or strokes and clicks. At every step the
cues of some superpixels are kept with what is true of them. Rounds of this and of teaching take turns, so that the
judge learns from the mattes that it makes itself (Ross et al., "DAgger", 2011).

Features are those of the shipped model or `--model`, kept in `--features` between calls.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save_file
from scipy import ndimage
from torch.nn import functional as F

from sss_model.extractor import FeatureExtractor
from sss_model.image_io import read_image
from sss_model.matting.cues import Situation, cues
from sss_model.matting.judge import FARTHEST, Judge
from sss_model.matting.parts import Parts, cut_parts, touching
from sss_model.matting.solve import plain_odds, relaxed, weighed
from sss_model.matting.state import locally, under_brush
from sss_model.matting.steps import Stroke
from sss_model.storage.shipped_files import resource
from sss_model.working_grid import extract_grid

SHARES = 0.008, 0.7  # of the picture that an object may cover
WHOLE = 0.8  # of an object that hangs together
OBJECTS = 5  # of a picture, the largest
CROPS = 1  # of an object
MARGINS = -0.15, 0.5  # of such a part about the object, in parts of the object's sides
MARKS = 5
RADIUS = 0.008  # of a click, in parts of the long side
SAMPLED = 400  # superpixels a step
HIDDEN = 24
SEEDS = 3  # networks whose answers are averaged
RATE, DECAY, BATCH = 4e-3, 0.03, 1024


@dataclass(frozen=True, eq=False)
class Target:
    """An object to be cut out.

    Attributes
    ----------
    labels : (h, w) the superpixels of `parts`, at a smaller size than theirs
    inside, counted : (h, w) bool
    """

    parts: Parts
    labels: np.ndarray
    inside: np.ndarray
    counted: np.ndarray


@dataclass(frozen=True, eq=False)
class Sample:
    """Cues (N, C) of superpixels, how much of each is inside (N,), and what it counts (N,)."""

    cues: np.ndarray
    inside: np.ndarray
    weight: np.ndarray


def targets(folder: Path, every: int, kept: Path | None, model: Path | None) -> Iterator[Target]:
    """The objects of `folder`'s pictures, each in the whole picture and in parts of it."""
    extractor = None
    for file in sorted((folder / "images").glob("*.jpg"))[::every]:
        image, labels = read_image(file), np.asarray(Image.open(folder / "labels" / f"{file.stem}.png"))
        objects = whole_objects(labels)
        if not objects:
            continue
        name = kept / f"{folder.name}-{file.stem}.npy" if kept else None
        if name is not None and name.exists():
            features = np.load(name).astype(np.float32)
        else:
            extractor = extractor or FeatureExtractor(model, device="cpu")
            features = extract_grid(extractor, image).features
            if name is not None:
                name.parent.mkdir(parents=True, exist_ok=True)
                np.save(name, features.astype(np.float16))
        parts = cut_parts(image, features)
        rng = np.random.default_rng(0)
        for number in objects:
            whole = target(parts, labels == number, labels != 255)
            yield whole
            yield from (crop for _ in range(CROPS) if (crop := part_of(whole, rng)) is not None)


def whole_objects(labels: np.ndarray) -> list[int]:
    """The numbers of the largest objects in `labels` (H, W) that hang together."""
    shares = {int(n): float((labels == n).mean()) for n in np.unique(labels) if n not in (0, 255)}
    found = []
    for number in sorted(shares, key=lambda n: -shares[n]):
        if SHARES[0] < shares[number] < SHARES[1]:
            sizes = np.bincount(ndimage.label(labels == number)[0].ravel())[1:]
            if sizes.max() > WHOLE * sizes.sum():
                found.append(number)
    return found[:OBJECTS]


def target(parts: Parts, inside: np.ndarray, counted: np.ndarray) -> Target:
    """At half the grid's size."""
    size = tuple(max(1, side // 2) for side in parts.size)
    small = [
        cv2.resize(plane.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST) > 0
        for plane in (inside, counted)
    ]
    return Target(parts, _smaller(parts.labels, size), *small)


def _smaller(labels: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    rows, columns = (((np.arange(n) + 0.5) * full / n).astype(int) for n, full in zip(size, labels.shape, strict=True))
    return labels[rows[:, None], columns]


def part_of(whole: Target, rng: np.random.Generator) -> Target | None:
    """A part of the picture about the object, or through it; None where too little would be left."""
    ys, xs = np.nonzero(whole.inside)
    spans = []
    for low, high, side in (
        (ys.min(), ys.max() + 1, whole.inside.shape[0]),
        (xs.min(), xs.max() + 1, whole.inside.shape[1]),
    ):
        margins = (high - low) * rng.uniform(*MARGINS, 2)
        spans.append((int(np.clip(low - margins[0], 0, side)), int(np.clip(high + margins[1], 0, side))))
    (y0, y1), (x0, x1) = spans
    inside, counted = whole.inside[y0:y1, x0:x1], whole.counted[y0:y1, x0:x1]
    if min(inside.shape) < 40 or not 0.02 < inside.mean() < 0.85 or not (inside & counted).any():
        return None
    grid = whole.parts.labels[2 * y0 : 2 * y1, 2 * x0 : 2 * x1]
    chosen, numbers = np.unique(grid, return_inverse=True)
    labels = numbers.reshape(grid.shape)
    return Target(cut_from(whole.parts, chosen, labels), _smaller(labels, inside.shape), inside, counted)


def cut_from(parts: Parts, chosen: np.ndarray, labels: np.ndarray) -> Parts:
    """`parts` with only those `chosen`, numbered as in `labels` (h, w)."""
    h, w = labels.shape
    sizes = np.bincount(labels.ravel())
    rows, columns = np.indices((h, w))
    places = np.stack([np.bincount(labels.ravel(), plane.ravel()) / sizes for plane in (rows, columns)], axis=1)
    frame = np.zeros(len(chosen), bool)
    frame[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = True
    shares, features, colours = sizes / labels.size, parts.features[chosen], parts.colours[chosen]
    centred = features - shares @ features
    scale = float(np.sqrt(shares @ (centred**2).mean(1))) or 1.0
    pairs, borders = touching(labels)
    steps = [np.linalg.norm(values[pairs[:, 0]] - values[pairs[:, 1]], axis=1) for values in (features, colours)]
    return Parts(
        labels, features, scale, colours, (places + 0.5) / (h, w), shares, frame, pairs, borders,
        steps[0] / scale / np.sqrt(features.shape[1]), steps[1],
    )  # fmt: skip


# The user


class Session:
    """One simulated user at one object."""

    def __init__(self, aim: Target, judges: list[Judge], rng: np.random.Generator) -> None:
        self.aim, self.judges, self.rng = aim, judges, rng
        self.marks = np.zeros(aim.parts.count, np.int8)
        self.alpha: np.ndarray | None = None
        self.boxed = False
        self.samples: list[Sample] = []

    def run(self, kind: str) -> float:
        """Mark as a user does who begins with a click, box or strokes; the IoU at the end."""
        aim = self.aim
        if kind == "box":
            self.box()
        elif kind == "strokes":
            self.mark(self.line(aim.inside & aim.counted), True)
            for _ in range(2):
                self.mark(self.line(~aim.inside & aim.counted), False)
        while len(self.samples) < MARKS:
            missing, surplus = aim.inside & ~self.taken & aim.counted, ~aim.inside & self.taken & aim.counted
            depths = [depth(mask) for mask in (missing, surplus)]
            keep = bool(depths[0].max() >= depths[1].max())
            thickness = depths[0 if keep else 1]
            if thickness.max() == 0:
                break
            y, x = np.unravel_index(int(thickness.argmax()), thickness.shape)
            h, w = thickness.shape
            self.mark(under_brush(aim.parts, Stroke((((x + 0.5) / w, (y + 0.5) / h),), keep, RADIUS)), keep)
        taken = self.taken & aim.counted
        return float((taken & aim.inside).sum() / max(((taken | aim.inside) & aim.counted).sum(), 1))

    @property
    def taken(self) -> np.ndarray:
        """(h, w) bool"""
        return np.zeros(self.aim.inside.shape, bool) if self.alpha is None else self.alpha[self.aim.labels] > 0.5

    def line(self, mask: np.ndarray) -> np.ndarray:
        """Superpixels under a straight stroke between two places well within `mask`."""
        depths = depth(mask)
        ys, xs = np.nonzero(depths > 0.4 * depths.max())
        if not len(ys):
            return np.zeros(0, np.intp)
        a, b = self.rng.integers(len(ys), size=2)
        count = max(abs(int(ys[a]) - int(ys[b])), abs(int(xs[a]) - int(xs[b]))) + 2
        y, x = (np.linspace(values[a], values[b], count).round().astype(int) for values in (ys, xs))
        on = mask[y, x]
        return np.unique(self.aim.labels[y[on], x[on]])

    def box(self) -> None:
        """The box about the object, judged twice, as the editor does."""
        aim, box = self.aim, np.zeros(self.aim.inside.shape, bool)
        ys, xs = np.nonzero(aim.inside & aim.counted)
        box[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1] = True
        inside, all_of = (
            np.bincount(labels, minlength=aim.parts.count) for labels in (aim.labels[box], aim.labels.ravel())
        )
        outside = inside < 0.5 * np.maximum(all_of, 1)
        if outside.all() or not outside.any():
            return
        self.marks[outside] = -1
        self.boxed, self.alpha = True, (~outside).astype(np.float64)
        for _ in range(2):
            self.judge(Situation(self.marks, self.alpha, np.flatnonzero(~outside), True, True), whole=True)

    def mark(self, under: np.ndarray, keep: bool) -> None:
        under = under[self.marks[under] == 0] if (self.marks[under] == 0).any() else under
        if len(under):
            self.marks = self.marks.copy()
            self.marks[under] = 1 if keep else -1
            self.judge(Situation(self.marks, self.alpha, under, keep, self.boxed), whole=self.alpha is None)

    def judge(self, now: Situation, *, whole: bool) -> None:
        found = cues(self.aim.parts, now)
        self.keep(found)
        odds = np.mean([judge.odds(found) for judge in self.judges], axis=0) if self.judges else plain_odds(found)
        solved = relaxed(self.aim.parts, weighed(odds, found, now), now.marks)
        self.alpha = solved if whole else locally(self.aim.parts, self.alpha, solved, now.under, now.keep)

    def keep(self, found: np.ndarray) -> None:
        """Some superpixels with the truth: what is not inside counts at most four times as much as what is."""
        aim, count = self.aim, self.aim.parts.count
        pixels = np.bincount(aim.labels[aim.counted], minlength=count)
        inside = np.bincount(aim.labels[aim.counted & aim.inside], minlength=count) / np.maximum(pixels, 1)
        weight = pixels / max((pixels * inside).sum(), 1)
        weight *= np.where(inside > 0.5, 1, min(1, 4 / max((weight * (1 - inside)).sum(), 1e-6)))
        weight[self.marks != 0] = 0
        root = np.sqrt(weight)
        if root.sum():
            chosen = self.rng.choice(count, min(SAMPLED, int((root > 0).sum())), replace=False, p=root / root.sum())
            self.samples.append(Sample(found[chosen], inside[chosen], root[chosen] / root[chosen].mean()))


def depth(mask: np.ndarray) -> np.ndarray:
    return cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]


# Teaching


def taught(samples: list[Sample], epochs: int, seed: int) -> Judge:
    """A judge of all `samples`."""
    values = np.concatenate([sample.cues for sample in samples])
    mean, deviation = values.mean(0), values.std(0) + 1e-3
    x = torch.from_numpy(np.clip((values - mean) / deviation, -FARTHEST, FARTHEST).astype(np.float32))
    y, weight = (
        torch.from_numpy(np.concatenate([getattr(sample, name) for sample in samples]).astype(np.float32))
        for name in ("inside", "weight")
    )
    torch.manual_seed(seed)
    sizes = (x.shape[1], HIDDEN, HIDDEN, 1)
    layers = [torch.nn.Linear(a, b) for a, b in pairwise(sizes)]
    net = torch.nn.Sequential(layers[0], torch.nn.Tanh(), layers[1], torch.nn.Tanh(), layers[2])
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    steps = max(10, epochs * len(x) // BATCH)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        chosen = torch.randint(0, len(x), (BATCH,), generator=generator)
        loss = F.binary_cross_entropy_with_logits(net(x[chosen])[:, 0], y[chosen], weight[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        pace.step()
    weights = tuple((layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy()) for layer in layers)
    return Judge(mean.astype(np.float32), deviation.astype(np.float32), weights)


def joined(judges: list[Judge]) -> Judge:
    """One judge that answers with the mean of `judges`, of the same cues."""
    first, *others = judges
    layers = []
    for number in range(len(first.layers)):
        weights = [judge.layers[number][0] for judge in judges]
        biases = [judge.layers[number][1] for judge in judges]
        if number == 0:
            layers.append((np.concatenate(weights, axis=1), np.concatenate(biases)))
        elif number + 1 < len(first.layers):
            diagonal = np.zeros((sum(map(len, weights)), sum(len(each[0]) for each in weights)), np.float32)
            for k, each in enumerate(weights):
                diagonal[k * len(each) : (k + 1) * len(each), k * each.shape[1] : (k + 1) * each.shape[1]] = each
            layers.append((diagonal, np.concatenate(biases)))
        else:
            layers.append((np.concatenate(weights) / len(judges), np.mean(biases, axis=0)))
    return replace(first, layers=tuple(layers)) if others else first


def teach(aims: list[Target], rounds: int, epochs: int) -> Judge:
    """The judge after so many rounds of sessions at all `aims`."""
    judges: list[Judge] = []
    samples: list[Sample] = []
    rng = np.random.default_rng(0)
    for number in range(rounds):
        scores = []
        for place, aim in enumerate(aims):
            session = Session(aim, judges, rng)
            kinds = ("click", "box", "click", "strokes")
            scores.append(session.run(kinds[(place + number) % len(kinds)]))
            samples += session.samples
        last = number + 1 == rounds
        judges = [taught(samples, epochs, seed) for seed in range(SEEDS if last else 1)]
        print(
            f"round {number}: IoU {np.mean(scores):.3f}, {len(samples)} steps, {time.process_time():.0f} s", flush=True
        )
    return joined(judges)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", help="sets, each with images/ and labels/")
    parser.add_argument("--every", type=int, default=1, help="take every N-th picture; default 1")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=6, help="over all samples in each round")
    parser.add_argument("--model", type=Path, help="model file; the shipped one unless given")
    parser.add_argument("--features", type=Path, help="folder that keeps the features between calls, float16")
    parser.add_argument("--out", type=Path, default=resource("sample.jpg").with_name("matting.safetensors"))
    options = parser.parse_args()
    aims = [
        aim for folder in options.folders for aim in targets(folder, options.every, options.features, options.model)
    ]
    if not aims:
        parser.error("No object was found in the folders.")
    judge = teach(aims, options.rounds, options.epochs)
    save_file(judge.tensors(), options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
