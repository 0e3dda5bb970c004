"""Teach the click decoder: python packaging/train_decoder.py FOLDER... --features KEPT [--out FILE]

FOLDER is a set of labelled pictures: images/NAME.jpg with labels/NAME.png (uint8 index; 0 and 255 are no object), or
COCO's images/train2017 with annotations/instances_train2017.json. Where labels are the parts of one thing, such as the
clothes of a person, name the folder after `--joined` too: what hangs together is an object there.

With `--start` a decoder is taught further, at a lower `--rate` (1e-3, say), and the mean of its weights before and
after is written: it has gained nearly as much, and forgotten less (Wortsman et al., "Robust fine-tuning", 2022).

A user is simulated at objects in whole pictures and in parts of them, which the object may fill to the frame: a click,
a box or strokes, then clicks where the error is largest. Every answer teaches, and is what the next mark corrects
(Sofiiuk et al., "RITM", 2021). A tenth of the pictures, by a hash of their names, is kept apart and measured.

Features are those of the shipped model or `--model`, kept in `--features` between calls: 1 to 4 s a picture.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval
from train_matting import depth

from sss_model.datasets.coco import instance_mask, read_instances
from sss_model.extractor import FeatureExtractor
from sss_model.filtering.resize import resize
from sss_model.image_io import read_image
from sss_model.matting.click_decoder import CELLS, COLOUR, COMPONENTS, ClickDecoder, Prompt, prompt_planes
from sss_model.storage.shipped_files import resource
from sss_model.working_grid import extract_grid

KEPT, LEARNT = 160, 112  # the long side of features in files, and in memory
SHARES, WHOLE, OBJECTS = (0.006, 0.75), 0.7, 8  # of the picture; that hang together; of a picture
SIDES = (48, 64), (44, 64), (40, 64), (64, 48), (64, 44), (56, 56)  # cells
PARTS, MARGINS, STRETCH = 0.5, (-0.12, 0.7), 1.25  # of pictures cut; about the object; of a side against the other
BATCH, CLICKS, RATE, DECAY = 12, (1, 2, 3, 4, 6), 2e-3, 0.05
BOXES, STROKES, NEARLY = 0.27, 0.13, 0.1  # of first marks; the last after a matte that is nearly right
EMA, WARM = 0.998, 150  # the weights' running mean; updates until the full rate


@dataclass(frozen=True, eq=False)
class Picture:
    """Components (h, w, C) float16, Lab / 100 (h', w', 3) float16, labels (H, W) and the numbers of its objects."""

    components: np.ndarray
    colours: np.ndarray
    labels: np.ndarray
    objects: tuple[int, ...]


@dataclass(eq=False)
class Example:
    """An object on cells (h, w), and what the user has said of it; `truth` and `counted` are shares of cells."""

    components: np.ndarray
    colours: np.ndarray
    truth: np.ndarray
    counted: np.ndarray
    now: Prompt = field(init=False)

    def __post_init__(self) -> None:
        none = np.zeros(self.truth.shape, np.float32)
        self.now = Prompt(none, none, none, 1.0, None, False)


# Pictures


def labelled(folder: Path, joined: bool) -> Iterator[tuple[str, Path, Callable[[], np.ndarray]]]:
    """Name, file and reader of the labels (H, W) uint8 of each picture of `folder`."""
    notes = folder / "annotations" / "instances_train2017.json"
    if notes.exists():
        for stem, found in sorted(read_instances(notes).items()):
            file = folder / "images" / "train2017" / f"{stem}.jpg"
            yield f"{folder.name}-{stem}", file, partial(painted, file, [each.segmentation for each in found.instances])
        return
    for file in sorted((folder / "images").glob("*.jpg")):
        yield f"{folder.name}-{file.stem}", file, partial(read_labels, folder / "labels" / f"{file.stem}.png", joined)


def painted(file: Path, outlines: list[object]) -> np.ndarray:
    """COCO's instances, the largest first, one over the other."""
    with Image.open(file) as picture:
        labels = np.zeros(picture.size[::-1], np.uint8)
    for number, outline in enumerate(outlines[:250], 1):
        labels[instance_mask(outline, labels.shape)] = number
    return labels


def read_labels(file: Path, joined: bool) -> np.ndarray:
    labels = np.asarray(Image.open(file))
    if joined:
        things = ndimage.label((labels > 0) & (labels != 255))[0]
        return np.where(labels == 255, 255, np.minimum(things, 254)).astype(np.uint8)
    return labels


def whole_objects(labels: np.ndarray) -> tuple[int, ...]:
    """The numbers of the largest objects that hang together."""
    shares = np.bincount(labels.ravel(), minlength=256)[1:255] / labels.size
    found = []
    for number in 1 + np.argsort(-shares):
        if SHARES[0] < shares[number - 1] < SHARES[1]:
            sizes = np.bincount(ndimage.label(labels == number)[0].ravel())[1:]
            found += [int(number)] * bool(sizes.max() > WHOLE * sizes.sum())
    return tuple(found[:OBJECTS])


def features_of(file: Path, kept: Path, extractor: Callable[[], FeatureExtractor]) -> np.ndarray:
    """(h, w, 128) float32, of `KEPT` cells a side at most."""
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, shrunk(extract_grid(extractor(), read_image(file)).features, KEPT).astype(np.float16))
    return np.load(kept).astype(np.float32)


def shrunk(values: np.ndarray, side: int) -> np.ndarray:
    """`values` (h, w, C) with means of a long side of `side`, or as they are where they are smaller."""
    scale = min(1.0, side / max(values.shape[:2]))
    return resize(values, (max(1, round(values.shape[0] * scale)), max(1, round(values.shape[1] * scale))))


def basis(features: list[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Mean (D,) and axes (D, C) of the features' principal components, half whitened, of mean square 1."""
    rows = np.concatenate([rng.permutation(each.reshape(-1, each.shape[2]))[:300] for each in features])
    mean = rows.mean(0, dtype=np.float64)
    variances, axes = np.linalg.eigh(np.cov((rows - mean).T))
    variances, axes = variances[::-1][:COMPONENTS], axes[:, ::-1][:, :COMPONENTS]
    scale = variances**0.25
    scale *= np.sqrt((variances / scale**2).mean())
    return mean.astype(np.float32), (axes / scale).astype(np.float32)


# Examples


def example(picture: Picture, number: int, size: tuple[int, int], rng: np.random.Generator | None) -> Example | None:
    """`number` in the picture, or in a part of it, flipped and tinted; without `rng` the picture as it is."""
    height, width = picture.labels.shape
    spans = (0.0, float(height)), (0.0, float(width))
    if rng is not None:
        spans = window(picture.labels == number, size, rng)
    cut = [part(plane, spans, picture.labels.shape) for plane in (picture.components, picture.colours, picture.labels)]
    planes = [to_cells(plane, size) for plane in (*cut[:2], cut[2] == number, cut[2] != 255)]
    if rng is not None:
        planes[0] = planes[0] @ mixed(rng) + rng.normal(0, 0.2, COMPONENTS).astype(np.float32)
        planes[1] = planes[1] * rng.uniform(0.8, 1.2) + rng.normal(0, 0.03, 3).astype(np.float32)
        planes = [plane[:, ::-1] for plane in planes] if rng.random() < 0.5 else planes
    planes[1] = planes[1] - planes[1].mean((0, 1))
    found = Example(*(np.ascontiguousarray(plane, np.float32) for plane in planes))
    return found if ((found.truth > 0.5) & (found.counted > 0.5)).sum() >= 12 else None


def mixed(rng: np.random.Generator) -> np.ndarray:
    """A change of the components (C, C), so that what is like what tells more than what each means."""
    mix = np.diag(np.exp(rng.normal(0, 0.2, COMPONENTS)))
    mix += rng.normal(0, 0.15 / COMPONENTS**0.5, mix.shape)
    mix[:, rng.random(COMPONENTS) < 0.06] = 0
    return mix.astype(np.float32)


def to_cells(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`values` (h, w) or (h, w, C) at another size."""
    planes = torch.from_numpy(np.ascontiguousarray(np.atleast_3d(values), np.float32)).permute(2, 0, 1)[None]
    smaller = F.interpolate(planes, size=size, mode="bilinear", antialias=True, align_corners=False)
    return smaller[0].permute(1, 2, 0).numpy().reshape(*size, *values.shape[2:])


def part(values: np.ndarray, spans: tuple[tuple[float, float], ...], size: tuple[int, ...]) -> np.ndarray:
    """`values` (h, w, ...) within `spans`, in pixels of a picture of `size`."""
    slices = []
    for (low, high), full, own in zip(spans, size, values.shape, strict=False):
        first = int(np.clip(np.floor(low / full * own), 0, own - 1))
        slices.append(slice(first, int(np.clip(np.ceil(high / full * own), first + 1, own))))
    return values[tuple(slices)]


def window(inside: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    """Rows and columns of the whole picture or about the object, of the proportions of `size` but for `STRETCH`."""
    bounds = [np.flatnonzero(inside.any(axis))[[0, -1]] + (0, 1) for axis in (1, 0)]
    spans = [[0.0, float(side)] for side in inside.shape]
    if rng.random() < PARTS:
        for k, (low, high) in enumerate(bounds):
            before, behind = (high - low) * rng.uniform(*MARGINS, 2)
            more = max(0.35 * inside.shape[k] - (high - low + before + behind), 0) / 2
            spans[k] = [max(low - before - more, 0.0), min(high + behind + more, float(inside.shape[k]))]
    for k in (0, 1):  # the side that is too long for the other: the other grows, and then it is cut
        other, side = 1 - k, float(inside.shape[1 - k])
        proportion = size[other] / size[k] / STRETCH
        missing = (spans[k][1] - spans[k][0]) * proportion - (spans[other][1] - spans[other][0])
        if missing > 0:
            wanted = spans[other][1] - spans[other][0] + missing
            first = float(np.clip(spans[other][0] - missing / 2, 0, max(side - wanted, 0)))
            spans[other] = [first, min(side, first + wanted)]
            length = (spans[other][1] - spans[other][0]) / proportion
            if length < spans[k][1] - spans[k][0]:
                middle = np.clip(rng.uniform(*bounds[k]), spans[k][0] + length / 2, spans[k][1] - length / 2)
                spans[k] = [middle - length / 2, middle + length / 2]
    return tuple((low, high) for low, high in spans)


# The user


def click(it: Example, rng: np.random.Generator | None) -> bool:
    """A click well within the thickest part that is wrong, in its very middle without `rng`; whether anything is."""
    taken = np.zeros(it.truth.shape, np.bool_) if it.now.before is None else it.now.before > 0.5
    inside, counted = it.truth > 0.5, it.counted > 0.5
    depths = [depth(inside & ~taken & counted), depth(~inside & taken & counted)]
    keep = bool(depths[0].max() >= depths[1].max())
    if rng is not None and it.now.before is not None and rng.random() < 0.12 and min(each.max() for each in depths) > 1:
        keep = not keep
    found = depths[0 if keep else 1]
    if found.max() == 0:
        return False
    least = 1.0 if rng is None else rng.choice([1.0, 0.8, 0.6, 0.2], p=[0.4, 0.3, 0.2, 0.1])
    ys, xs = np.nonzero(found >= least * found.max())
    chosen = 0 if rng is None else int(rng.integers(len(ys)))
    rows, columns = np.ogrid[: found.shape[0], : found.shape[1]]
    radius = 1.5 if rng is None else rng.uniform(1.0, 1.8)
    disc = np.clip(radius - np.hypot(rows - ys[chosen], columns - xs[chosen]), 0, 1)
    mark(it, disc.astype(np.float32), keep)
    return True


def mark(it: Example, covered: np.ndarray, keep: bool) -> None:
    """Say that the cells `covered` (h, w), in [0, 1], are to be kept or dropped."""
    own, other = (it.now.keep, it.now.drop) if keep else (it.now.drop, it.now.keep)
    own, other = np.maximum(own, covered), np.where(covered > 0.2, 0, other).astype(np.float32)
    sides = (own, other) if keep else (other, own)
    it.now = Prompt(*sides, covered, 1.0 if keep else -1.0, it.now.before, it.now.boxed)


def box(it: Example, rng: np.random.Generator | None) -> None:
    """The box about the object, some cells off in half of the cases."""
    inside = (it.truth > 0.5) & (it.counted > 0.5)
    spans = [np.flatnonzero(inside.any(axis))[[0, -1]] + (0, 1) for axis in (1, 0)]
    if rng is not None and rng.random() < 0.5:
        spans = [np.maximum(np.rint(ends + rng.normal(0, 0.03, 2) * np.ptp(ends)).astype(int), 0) for ends in spans]
    within = np.zeros(inside.shape, np.float32)
    within[spans[0][0] : spans[0][1], spans[1][0] : spans[1][1]] = 1
    it.now = Prompt(it.now.keep, 1 - within, within, 1.0, within, True)


def strokes(it: Example, rng: np.random.Generator) -> None:
    """A straight stroke within the object and two in the rest."""
    for keep in (True, False, False):
        side = ((it.truth > 0.5) == keep) & (it.counted > 0.5)
        depths = depth(side)
        ys, xs = np.nonzero(depths > 0.4 * depths.max())
        if len(ys):
            a, b = rng.integers(len(ys), size=2)
            line = np.zeros(side.shape, np.uint8)
            cv2.line(line, (int(xs[a]), int(ys[a])), (int(xs[b]), int(ys[b])), 1, int(rng.integers(1, 4)))
            mark(it, (line * side).astype(np.float32), keep)


def answered(it: Example, likely: np.ndarray, rng: np.random.Generator | None) -> None:
    """Let what the editor would make of the probabilities `likely` (h, w) be the matte so far."""
    now, matte = it.now, likely
    if now.before is not None and (rng is None or rng.random() < 0.7):
        changed = (now.sign * (likely - now.before) > 0.02) | (now.last > 0.2)
        groups = cv2.connectedComponents(changed.astype(np.uint8), connectivity=4)[1]
        here = changed & np.isin(groups, np.unique(groups[now.last > 0.2]))
        matte = np.where(here, likely, now.before)
    sharper = 1 if rng is None else rng.choice([1, 2, 6])
    matte = np.clip(0.5 + (matte - 0.5) * sharper, 0, 1)
    matte[now.keep > 0.5], matte[now.drop > 0.5] = 1, 0
    it.now = Prompt(now.keep, now.drop, now.last, now.sign, matte.astype(np.float32), now.boxed)


# Teaching


def normed(net: ClickDecoder) -> ClickDecoder:
    """`net` with a normalisation over the batch after each layer, while it is taught."""
    for name, layer in list(net.named_modules()):
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3):
            parent = net.get_submodule(name.rpartition(".")[0])
            setattr(parent, name.rpartition(".")[2], nn.Sequential(layer, nn.BatchNorm2d(layer.out_channels)))
    return net.to(memory_format=torch.channels_last)


def settled(net: ClickDecoder, examples: list[Example]) -> ClickDecoder:
    """`net`, which knows something already, with its normalisations such that at `examples` they change nothing."""
    hooks = [
        pair[0].register_forward_hook(partial(_settle, pair[1]))
        for pair in net.modules()
        if type(pair) is nn.Sequential
    ]
    with torch.no_grad():
        logits_of(net.eval(), examples)
    for hook in hooks:
        hook.remove()
    return net


def _settle(norm: nn.BatchNorm2d, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    variance, mean = torch.var_mean(output, (0, 2, 3))
    norm.running_mean, norm.running_var = mean, variance
    norm.bias.copy_(mean)
    norm.weight.copy_((variance + norm.eps).sqrt())


def plain(net: ClickDecoder) -> ClickDecoder:
    """The same in its usual form."""
    result = ClickDecoder()
    for name, layer in list(net.eval().named_modules()):
        if isinstance(layer, nn.Sequential):
            result.get_submodule(name).load_state_dict(fuse_conv_bn_eval(layer[0], layer[1]).state_dict())
        elif not list(layer.children()) and not isinstance(layer, nn.BatchNorm2d) and "." not in name:
            result.get_submodule(name).load_state_dict(layer.state_dict())
    for shift, taught in zip(result.shifts, net.shifts, strict=True):
        shift.load_state_dict(taught.state_dict())
    result.mean.copy_(net.mean)
    result.axes.copy_(net.axes)
    return result


def logits_of(net: ClickDecoder, examples: list[Example]) -> Tensor:
    cells = np.stack([np.concatenate([it.components, COLOUR * it.colours], 2) for it in examples])
    planes, said = zip(*(prompt_planes(it.components, it.colours, it.now) for it in examples), strict=True)
    stacked = (torch.from_numpy(np.stack(values)) for values in (np.moveaxis(cells, 3, 1), planes, said))
    seen, marks, means = (values.contiguous() for values in stacked)
    return net(net.embed(seen.contiguous(memory_format=torch.channels_last)), marks, means)


def loss_of(logits: Tensor, truth: Tensor, counted: Tensor) -> Tensor:
    """Cross entropy, half of it with both sides of equal weight, and one less the soft IoU."""
    inside, outside = (truth * counted).sum((1, 2)), ((1 - truth) * counted).sum((1, 2))
    total = counted.sum((1, 2))
    weight = counted * sum(
        share * side / size.clamp(min=4)[:, None, None]
        for share, side, size in ((0.5, 1, total), (0.25, truth, inside), (0.25, 1 - truth, outside))
    )
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    likely = torch.sigmoid(logits)
    both, either = ((values * counted).sum((1, 2)) for values in (likely * truth, likely + truth - likely * truth))
    return (entropy * weight).sum((1, 2)).mean() + (1 - both / either.clamp(min=1)).mean()


def teach(
    pictures: dict[str, list[Picture]], net: ClickDecoder, updates: int, seed: int, *, rate: float, started: bool
) -> ClickDecoder:
    """The running mean of `net` over so many updates at the objects of `pictures`, which sets share alike.

    `started` says that `net` knows something already.
    """
    rng, net = np.random.default_rng(seed), normed(net)
    if started:
        first = [it for size in [SIDES[0]] * 8 for it in batch(pictures, size, rng)]
        for it in first:
            begin(it, rng)
        settled(net, first)
    net.train()
    mean = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(EMA), use_buffers=True
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=DECAY, betas=(0.9, 0.99))
    pace = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda k: min(1, (k + 1) / WARM) * (0.5 + 0.49 * np.cos(np.pi * min(k / updates, 1)))
    )
    losses: list[float] = []
    while len(losses) < updates:
        examples = batch(pictures, SIDES[rng.integers(len(SIDES))], rng)
        truth, counted = (torch.from_numpy(np.stack([getattr(it, n) for it in examples])) for n in ("truth", "counted"))
        for number in range(int(rng.choice(CLICKS))):
            for it in examples:
                begin(it, rng) if number == 0 else click(it, rng)
            logits = logits_of(net, examples)
            loss = loss_of(logits, truth, counted)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            optimiser.step()
            pace.step()
            mean.update_parameters(net)
            for it, likely in zip(examples, torch.sigmoid(logits.detach()).numpy(), strict=True):
                answered(it, likely, rng)
            losses.append(loss.item())
            if len(losses) % 500 == 0:
                recent = np.mean(losses[-500:])
                print(f"{len(losses)} updates, loss {recent:.3f}, {time.process_time():.0f} s", flush=True)
    return plain(mean.module)


def batch(pictures: dict[str, list[Picture]], size: tuple[int, int], rng: np.random.Generator) -> list[Example]:
    """Objects of pictures that mostly lie as `size` does, on cells; a set is drawn by the root of its pictures."""
    names = list(pictures)
    weights = np.sqrt([len(pictures[name]) for name in names])
    found: list[Example] = []
    while len(found) < BATCH:
        of_set = pictures[names[rng.choice(len(names), p=weights / weights.sum())]]
        picture = of_set[rng.integers(len(of_set))]
        height, width = picture.labels.shape
        across = (height - width) * (size[0] - size[1]) < 0 and max(height, width) > 1.1 * min(height, width)
        if not across or rng.random() < 0.15:
            it = example(picture, picture.objects[rng.integers(len(picture.objects))], size, rng)
            found += [it] if it is not None else []
    return found


def begin(it: Example, rng: np.random.Generator) -> None:
    """The first mark."""
    kind = rng.random()
    if kind < BOXES:
        box(it, rng)
    elif kind < BOXES + STROKES:
        strokes(it, rng)
    else:
        if kind > 1 - NEARLY:
            nearly_right(it, rng)
        click(it, rng)


def nearly_right(it: Example, rng: np.random.Generator) -> None:
    """Let the matte so far be the truth but for an ellipse that is missing, or too much: the next click is about it."""
    ys, xs = np.nonzero(cv2.dilate((it.truth > 0.5).astype(np.uint8), None, iterations=3))
    at = int(rng.integers(len(ys)))
    reach = np.sqrt((it.truth > 0.5).sum()) * rng.uniform(0.1, 0.45, 2) + 1
    rows, columns = np.ogrid[: it.truth.shape[0], : it.truth.shape[1]]
    wrong = ((rows - ys[at]) / reach[0]) ** 2 + ((columns - xs[at]) / reach[1]) ** 2 < 1
    matte = np.where(wrong, float(rng.random() < 0.5), it.truth).astype(np.float32)
    it.now = Prompt(it.now.keep, it.now.drop, it.now.last, it.now.sign, matte, it.now.boxed)


@torch.no_grad()
def measured(net: ClickDecoder, pictures: list[Picture]) -> str:
    """IoU on cells at each picture's largest object after a first click, and after five; the same with a box."""
    rows = []
    for picture in pictures:
        scale = CELLS / max(picture.labels.shape)
        size = tuple(max(1, round(side * scale)) for side in picture.labels.shape)
        row: list[float] = []
        for boxed in (False, True):
            it = example(picture, picture.objects[0], size, None)
            for number in range(5 if it is not None else 0):
                if number == 0 and boxed:
                    box(it, None)
                elif not click(it, None):
                    break
                answered(it, torch.sigmoid(logits_of(net, [it]))[0].numpy(), None)
                if number == 0:
                    row.append(iou(it))
            row += [iou(it)] if it is not None else []
        rows += [row] if len(row) == 4 else []
    first, last, box_first, box_last = np.mean(rows, axis=0) if rows else np.full(4, np.nan)
    return f"{len(rows)} held back: click {first:.3f}, five {last:.3f}; box {box_first:.3f}, and four {box_last:.3f}"


def iou(it: Example) -> float:
    taken, inside, counted = it.now.before > 0.5, it.truth > 0.5, it.counted > 0.5
    return float((taken & inside & counted).sum() / max(((taken | inside) & counted).sum(), 1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", help="sets of labelled pictures")
    parser.add_argument("--joined", type=Path, nargs="*", default=[], help="those whose labels are parts of things")
    parser.add_argument("--every", type=int, default=1, help="take every N-th picture; default 1")
    parser.add_argument("--updates", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=RATE, help=f"of learning, at its highest; default {RATE}")
    parser.add_argument("--start", type=Path, help="a decoder to go on from, whose components are kept")
    parser.add_argument("--model", type=Path, help="model file; the shipped one unless given")
    parser.add_argument("--features", type=Path, required=True, help="folder that keeps features between calls")
    parser.add_argument("--out", type=Path, default=resource("sample.jpg").with_name("click_decoder.safetensors"))
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    extractor = cache(lambda: FeatureExtractor(options.model, device="cpu"))
    found: dict[str, list[tuple[str, Path, np.ndarray, tuple[int, ...]]]] = {}
    for folder in options.folders:
        for name, file, read in list(labelled(folder, folder in options.joined))[:: options.every]:
            labels = read()
            if objects := whole_objects(labels):
                found.setdefault(folder.name, []).append((name, file, labels, objects))
    if not found:
        parser.error("No object was found in the folders.")
    net = ClickDecoder()
    everything = [entry for entries in found.values() for entry in entries]
    kept = {name: options.features / f"{name}.npy" for name, *_ in everything}
    rng = np.random.default_rng(options.seed)
    if options.start is not None:
        net.load_state_dict({name: value.float() for name, value in load_file(options.start).items()})
    else:
        some = [
            features_of(file, kept[name], extractor) for name, file, *_ in everything[:: 1 + len(everything) // 300]
        ]
        for own, found_value in zip((net.mean, net.axes), basis(some, rng), strict=True):
            own.copy_(torch.from_numpy(found_value))
    mean, axes = net.mean, net.axes
    learnt: dict[str, list[Picture]] = {}
    apart: list[Picture] = []
    for folder, entries in found.items():
        for name, file, labels, objects in entries:
            values = shrunk(features_of(file, kept[name], extractor), LEARNT)
            components = ((values - mean.numpy()) @ axes.numpy()).astype(np.float16)
            picture = Picture(components, lab_of(file), labels, objects)
            apart_too = zlib.crc32(name.encode()) % 10 == 0
            (apart if apart_too else learnt.setdefault(folder, [])).append(picture)
    net = teach(learnt, net, options.updates, options.seed, rate=options.rate, started=options.start is not None)
    if options.start is not None:
        before = load_file(options.start)
        net.load_state_dict({name: (value + before[name].float()) / 2 for name, value in net.state_dict().items()})
    print(measured(net, apart))
    save(net, options.out)
    return 0


def lab_of(file: Path) -> np.ndarray:
    """(h, w, 3) float16: Lab / 100, twice as fine as features."""
    return (cv2.cvtColor(shrunk(np.asarray(read_image(file)), 2 * LEARNT), cv2.COLOR_RGB2Lab) / 100).astype(np.float16)


def save(net: ClickDecoder, path: Path) -> None:
    """Weights as float16, which halves the file; the basis as float32."""
    tensors = {name: value.contiguous() for name, value in net.state_dict().items()}
    save_file({name: value if name in ("mean", "axes") else value.half() for name, value in tensors.items()}, path)


if __name__ == "__main__":
    sys.exit(main())
