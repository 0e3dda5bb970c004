"""How good mattes are after a few clicks: python packaging/evaluate_mattes.py FOLDER [--results FILE]

FOLDER holds pictures with true mattes: alpha/STEM.jpg with STEM.alpha.png (and STEM.trimap.png: 0, 128, 255), and
objects/STEM.jpg with STEM.mask.png (255 the object, 128 not counted) and, where there are, STEM.scribbles1.png and
STEM.scribbles2.png (255 the object, 128 the rest, 0 nothing), two people's strokes.

A user is simulated: one click in the middle of the object, then four where the error is largest: in the middle of the
thickest part that is wrongly left out or taken. The same with the truth's box first, and with people's strokes alone.
Beside it stand OpenCV's GrabCut with the same clicks, box and strokes, the best of k-means' clusters under the click,
and the closed form from the true trimap. Prints a table; scores are those of `Scores`.

With `--results` each picture's scores are kept in a file as they come, and a second call goes on where the first ended.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.morphology import skeletonize

from sss_model.extractor import FeatureExtractor
from sss_model.image_io import read_image
from sss_model.matting import MatteEditor, cut_parts, stroke_at
from sss_model.matting.band import solved_band
from sss_model.segmentation.clustering import kmeans
from sss_model.working_grid import extract_grid

CLICKS = 5
TOLERANCE = 0.0075  # of the diagonal: borders that close agree
CLUSTERS = 5
_SIGMA, _REACH = 1.4, 4  # of the filters whose gradients are compared, and their half width
_LEVELS = np.linspace(0.1, 0.9, 9)  # at which connectedness is looked at
_FREE = 0.15  # of alpha, that connectedness does not count
_CLICK = 0.008  # of the long side: what GrabCut is told by a click


@dataclass(frozen=True, eq=False)
class Truth:
    """A picture, its true matte (H, W) in [0, 1], which pixels count, its trimap and people's strokes."""

    kind: str
    stem: str
    image: np.ndarray
    alpha: np.ndarray
    counted: np.ndarray
    trimap: np.ndarray | None
    scribbles: tuple[np.ndarray, ...]

    @property
    def inside(self) -> np.ndarray:
        return self.alpha > 0.5

    @property
    def box(self) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1: the edges of what is inside."""
        rows, columns = (np.flatnonzero(self.inside.any(axis)) for axis in (1, 0))
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@dataclass(frozen=True)
class Scores:
    """SAD, gradient and connectedness errors for each 1000 pixels of the picture, MSE times 1000, and agreement.

    Errors are those of alphamatting.com (Rhemann et al. 2009), over the whole picture in place of a trimap's unknown
    part: times its megapixels they are sums over 1000, as the tables there have them.

    Attributes
    ----------
    iou : of what is above 1/2
    border : F of its border's pixels, those within `TOLERANCE` agreeing
    seconds : of the last click
    """

    sad: float
    mse: float
    grad: float
    conn: float
    iou: float
    border: float
    seconds: float


def truths(folder: Path) -> Iterator[Truth]:
    """The pictures of `folder` with their true mattes."""
    for file in sorted((folder / "objects").glob("*.jpg")) + sorted((folder / "alpha").glob("*.jpg")):
        beside = {
            path.name.removeprefix(f"{file.stem}.").removesuffix(".png"): np.asarray(Image.open(path).convert("L"))
            for path in sorted(file.parent.glob(f"{file.stem}.*.png"))
        }
        image = np.asarray(read_image(file))
        scribbles = tuple(beside[name] for name in ("scribbles1", "scribbles2") if name in beside)
        if "mask" in beside:
            alpha, counted = (beside["mask"] == 255).astype(np.float32), beside["mask"] != 128
        else:
            alpha = beside["alpha"].astype(np.float32) / 255
            counted = np.ones(alpha.shape, bool)
        yield Truth(file.parent.name, file.stem, image, alpha, counted, beside.get("trimap"), scribbles)


# How far a matte is from the truth


def scores(alpha: np.ndarray, truth: Truth, seconds: float) -> Scores:
    """Errors of `alpha` (H, W), over the pixels that count."""
    found, true = (np.where(truth.counted, each, 0).astype(np.float64) for each in (alpha, truth.alpha))
    pixels = truth.counted.sum() / 1000
    taken, inside = found > 0.5, true > 0.5
    return Scores(
        float(np.abs(found - true).sum() / pixels),
        float(((found - true) ** 2).sum() / pixels),
        float(((_slope(found) - _slope(true)) ** 2 * truth.counted).sum() / pixels),
        float((_disconnected(found, true) * truth.counted).sum() / pixels),
        iou(taken, truth),
        border_f(taken, inside, truth.counted),
        seconds,
    )


def iou(taken: np.ndarray, truth: Truth) -> float:
    """Of two masks, over the pixels that count."""
    both, either = taken & truth.inside & truth.counted, (taken | truth.inside) & truth.counted
    return float(both.sum() / max(either.sum(), 1))


def border_f(taken: np.ndarray, inside: np.ndarray, counted: np.ndarray) -> float:
    """The F measure of two masks' border pixels."""
    reach = TOLERANCE * float(np.hypot(*taken.shape))
    near_void = ndimage.binary_dilation(~counted, iterations=2)
    borders = [(mask ^ ndimage.binary_erosion(mask, border_value=1)) for mask in (taken, inside)]
    if not near_void.all():
        borders[0] &= counted
    if not borders[0].any() or not borders[1].any():
        return 0.0
    near = [ndimage.distance_transform_edt(~border) <= reach for border in borders]
    precision, recall = near[1][borders[0]].mean(), near[0][borders[1]].mean()
    return float(2 * precision * recall / max(precision + recall, 1e-12))


def _slope(alpha: np.ndarray) -> np.ndarray:
    """The gradient's length, by filters whose squares sum to 1."""
    x = np.arange(-_REACH, _REACH + 1)
    across = np.exp(-(x**2) / (2 * _SIGMA**2))
    along = x * across
    across, along = (values / np.linalg.norm(values) for values in (across, along))
    slopes = [
        cv2.sepFilter2D(alpha, -1, *pair, borderType=cv2.BORDER_REPLICATE)
        for pair in ((along, across), (across, along))
    ]
    return np.hypot(*slopes)


def _disconnected(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """(H, W): the difference of how far either matte is from the part that both hold (Rhemann et al. 2009)."""
    reached = np.zeros(found.shape)  # the highest level up to which the pixel belongs to the common part
    belongs = np.ones(found.shape, bool)
    for level in _LEVELS:
        labels, count = ndimage.label((found >= level) & (true >= level))
        if count == 0:
            break
        largest = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
        belongs &= largest
        reached[belongs] = level
    away = [each - reached for each in (found, true)]
    degree = [1 - each * (each >= _FREE) for each in away]
    return np.abs(degree[0] - degree[1])


# The user


def first_click(truth: Truth) -> tuple[int, int, bool]:
    """The middle of the object's thickest part."""
    y, x, _ = _thickest(truth.inside & truth.counted)
    return x, y, True


def next_click(alpha: np.ndarray, truth: Truth) -> tuple[int, int, bool] | None:
    """The middle of the thickest part that is wrongly left out or taken; None where nothing is."""
    taken = alpha > 0.5
    missing = _thickest(truth.inside & ~taken & truth.counted)
    surplus = _thickest(~truth.inside & taken & truth.counted)
    if max(missing[2], surplus[2]) == 0:
        return None
    y, x, _ = missing if missing[2] >= surplus[2] else surplus
    return x, y, bool(missing[2] >= surplus[2])


def _thickest(mask: np.ndarray) -> tuple[int, int, float]:
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(y), int(x), float(depth[y, x])


def human_strokes(scribbles: np.ndarray) -> list[tuple[list[tuple[float, float]], bool, float]]:
    """Points, whether to keep, and the brush's radius of each stroke in a picture of strokes."""
    strokes = []
    for value, keep in ((255, True), (128, False)):
        labels, count = ndimage.label(scribbles == value, np.ones((3, 3)))
        for number in range(1, count + 1):
            mask = labels == number
            radius = float(ndimage.distance_transform_edt(mask).max())
            strokes.append((_walk(skeletonize(mask) if mask.sum() > 1 else mask), keep, max(radius - 0.5, 0.0)))
    return strokes


def _walk(line: np.ndarray) -> list[tuple[float, float]]:
    """The pixels of a thin connected `line`, x then y, in an order in which each is beside the one before."""
    left = {(int(y), int(x)) for y, x in zip(*np.nonzero(line), strict=True)}
    path, trail = [], [min(left)]
    left.discard(trail[0])
    path.append(trail[0])
    while trail:
        y, x = trail[-1]
        following = next(((y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (y + dy, x + dx) in left), None)
        if following is None:
            trail.pop()
            if trail and left:
                path.append(trail[-1])
            continue
        left.discard(following)
        trail.append(following)
        path.append(following)
    return [(float(x), float(y)) for y, x in path]


# The ways to a matte


class Ours:
    """`MatteEditor`."""

    def __init__(self, truth: Truth, parts: Any) -> None:
        self.editor = MatteEditor(truth.image, parts=parts)

    def box(self, truth: Truth) -> np.ndarray:
        return self.editor.box(*truth.box)

    def click(self, x: int, y: int, keep: bool) -> np.ndarray:
        return self.editor.click(x, y, keep)

    def strokes(self, scribbles: np.ndarray) -> np.ndarray:
        for points, keep, radius in human_strokes(scribbles):
            self.editor.apply(stroke_at(points, keep, radius, self.editor.size))
        return self.editor.alpha


class GrabCut:
    """OpenCV's, five rounds at first and two after each click. Without a box everything may be the object."""

    def __init__(self, truth: Truth, parts: Any) -> None:
        self.picture = np.round(truth.image[..., ::-1] * 255).astype(np.uint8)
        self.mask = np.full(truth.alpha.shape, cv2.GC_PR_BGD, np.uint8)
        self.models = [np.zeros((1, 65)) for _ in range(2)]
        self.boxed = False

    def box(self, truth: Truth) -> np.ndarray:
        x0, y0, x1, y1 = truth.box
        self.mask[:] = cv2.GC_BGD
        self.mask[y0:y1, x0:x1] = cv2.GC_PR_FGD
        self.boxed = True
        return self._cut(5)

    def click(self, x: int, y: int, keep: bool) -> np.ndarray:
        height, width = self.mask.shape
        at = stroke_at([(x, y)], keep, _CLICK * max(height, width), (height, width)).mask((height, width))
        self.mask[at] = cv2.GC_FGD if keep else cv2.GC_BGD
        if not self.boxed:
            self.mask[[0, -1]] = np.where(self.mask[[0, -1]] == cv2.GC_FGD, cv2.GC_FGD, cv2.GC_BGD)
            self.mask[:, [0, -1]] = np.where(self.mask[:, [0, -1]] == cv2.GC_FGD, cv2.GC_FGD, cv2.GC_BGD)
        return self._cut(2)

    def strokes(self, scribbles: np.ndarray) -> np.ndarray:
        self.mask[scribbles == 255] = cv2.GC_FGD
        self.mask[scribbles == 128] = cv2.GC_BGD
        return self._cut(5)

    def _cut(self, rounds: int) -> np.ndarray:
        cv2.setRNGSeed(0)
        sides = np.isin(self.mask, (cv2.GC_FGD, cv2.GC_PR_FGD))
        if sides.all() or not sides.any():
            return sides.astype(np.float32)
        cv2.grabCut(self.picture, self.mask, None, *self.models, rounds, cv2.GC_INIT_WITH_MASK)
        return np.isin(self.mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)


Way = Callable[[Truth, Any], Ours | GrabCut]


WAYS: dict[str, Way] = {"ours": Ours, "GrabCut": GrabCut}
TOOLS = (*WAYS, "bounds")


def clicked(way: Way, truth: Truth, parts: Any, *, boxed: bool) -> dict[str, Any]:
    """Scores after the first mark and after the last click, and whether clicks helped."""
    tool = way(truth, parts)
    click: tuple[int, int, bool] | None = first_click(truth)
    rows, helped = [], {"keep": [], "drop": [], "right": []}
    started = time.perf_counter()
    if boxed:
        alpha = tool.box(truth)
        rows.append(scores(alpha, truth, time.perf_counter() - started))
        click = next_click(alpha, truth)
    while click is not None and len(rows) < CLICKS:
        x, y, keep = click
        started = time.perf_counter()
        alpha = tool.click(x, y, keep)
        rows.append(scores(alpha, truth, time.perf_counter() - started))
        if len(rows) > 1:
            helped["keep" if keep else "drop"].append(rows[-1].sad < rows[-2].sad)
            helped["right"].append(bool(alpha[y, x] > 0.95 if keep else alpha[y, x] < 0.05))
        click = next_click(alpha, truth)
    return {"first": asdict(rows[0]), "last": asdict(rows[-1]), "helped": helped}


def stroked(way: Way, truth: Truth, parts: Any, scribbles: np.ndarray) -> dict[str, Any]:
    """Scores after a person's strokes."""
    tool, started = way(truth, parts), time.perf_counter()
    return {"last": asdict(scores(tool.strokes(scribbles), truth, time.perf_counter() - started))}


def best_clusters(truth: Truth, features: np.ndarray) -> dict[str, Any]:
    """k-means of the features: the cluster under the first click, then the best union of all five."""
    h, w = features.shape[:2]
    flat = features.reshape(h * w, -1)
    rng = np.random.default_rng(0)
    sample = rng.choice(len(flat), min(4000, len(flat)), replace=False)
    centres, _ = kmeans(flat[sample].astype(np.float64), CLUSTERS, rng)
    nearest = ((centres**2).sum(1) - 2 * flat @ centres.T).argmin(1).reshape(h, w).astype(np.uint8)
    full = cv2.resize(nearest, truth.alpha.shape[::-1], interpolation=cv2.INTER_NEAREST)
    x, y, _ = first_click(truth)
    masks = [np.isin(full, [k for k in range(len(centres)) if n >> k & 1]) for n in range(1, 2 ** len(centres))]
    best = max(masks, key=lambda mask: iou(mask, truth))
    first, last = (scores(mask.astype(np.float32), truth, 0.0) for mask in (full == full[y, x], best))
    return {"first": asdict(first), "last": asdict(last)}


def from_trimap(truth: Truth) -> dict[str, Any]:
    """The closed form from the true trimap."""
    started = time.perf_counter()
    alpha = solved_band(truth.image, (truth.trimap / 255).astype(np.float32), truth.trimap == 128)
    return {"last": asdict(scores(alpha, truth, time.perf_counter() - started))}


def measured(truth: Truth, features: np.ndarray, tools: list[str]) -> dict[str, Any]:
    """The scores of one picture by each way of the `tools`."""
    started = time.perf_counter()
    parts = cut_parts(truth.image, features)
    found: dict[str, Any] = {"tools": tools, "prepare": time.perf_counter() - started}
    for name, way in ((name, way) for name, way in WAYS.items() if name in tools):
        found[f"{name}, clicks"] = clicked(way, truth, parts, boxed=False)
        found[f"{name}, box + clicks"] = clicked(way, truth, parts, boxed=True)
        for number, scribbles in enumerate(truth.scribbles, 1):
            found[f"{name}, strokes {number}"] = stroked(way, truth, parts, scribbles)
    if "bounds" in tools:
        found["k-means, best of 5"] = best_clusters(truth, features)
        if truth.trimap is not None:
            found["closed form, true trimap"] = from_trimap(truth)
    return found


def table(results: dict[str, dict[str, Any]]) -> str:
    """A line for each way, and kind of picture."""
    lines = []
    for kind in ("objects", "alpha"):
        of_kind = {name: found for name, found in results.items() if name.startswith(kind)}
        if not of_kind:
            continue
        ways = dict.fromkeys(way for found in of_kind.values() for way in found if "," in way)
        lines += [
            f"{kind}, {len(of_kind)} pictures: first IoU, then after {CLICKS} marks",
            f"{'way':26} {'n':>3} first   IoU median least border     SAD median    MSE   Grad   Conn seconds",
        ]
        for way in ways:
            runs = [found[way] for found in of_kind.values() if way in found]
            first = np.mean([run["first"]["iou"] for run in runs]) if "first" in runs[0] else float("nan")
            last = {key: np.array([run["last"][key] for run in runs]) for key in runs[0]["last"]}
            lines.append(
                f"{way:26} {len(runs):3} {first:5.3f} {last['iou'].mean():5.3f} {np.median(last['iou']):6.3f} "
                f"{last['iou'].min():5.2f} {last['border'].mean():6.3f} {last['sad'].mean():7.2f} "
                f"{np.median(last['sad']):6.2f} {last['mse'].mean():6.2f} {last['grad'].mean():6.2f} "
                f"{last['conn'].mean():6.2f} {np.median(last['seconds']):7.2f}"
            )
        lines += [*_helps(of_kind, ways), ""]
    return "\n".join(lines)


def _helps(results: dict[str, dict[str, Any]], ways: dict[str, None]) -> list[str]:
    lines = []
    for way in ways:
        helped = [found[way]["helped"] for found in results.values() if "helped" in found.get(way, {})]
        if helped:
            counts = {kind: [hit for run in helped for hit in run[kind]] for kind in ("keep", "drop", "right")}
            words = (f"{kind} {sum(hits)} of {len(hits)}" for kind, hits in counts.items())
            lines.append(f"  {way}: clicks that lowered SAD, and alphas right at the click: {', '.join(words)}")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with alpha/ and objects/")
    parser.add_argument("--model", type=Path, help="model file; the shipped one unless given")
    parser.add_argument("--features", type=Path, help="folder that keeps the features between calls, float16")
    parser.add_argument("--results", type=Path, help="file that keeps each picture's scores as they come")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS), help="default: all")
    parser.add_argument("--every", default="0/1", help="K/N: every N-th picture from the K-th on")
    options = parser.parse_args()
    start, step = map(int, options.every.split("/"))
    results = read_results(options.results)
    extractor: FeatureExtractor | None = None
    for truth in list(truths(options.folder))[start::step]:
        name = f"{truth.kind}/{truth.stem}"
        tools = [tool for tool in options.tools if tool not in results.get(name, {}).get("tools", ())]
        if not tools:
            continue
        kept = options.features / f"{truth.kind}-{truth.stem}.npy" if options.features else None
        if kept is not None and kept.exists():
            features = np.load(kept).astype(np.float32)
        else:
            extractor = extractor or FeatureExtractor(options.model, device="cpu")
            features = extract_grid(extractor, truth.image).features
            if kept is not None:
                kept.parent.mkdir(parents=True, exist_ok=True)
                np.save(kept, features.astype(np.float16))
        found = measured(truth, features, tools)
        if options.results:
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"picture": name, "found": found}) + "\n")
        merge(results, name, found)
        print(name, *tools, file=sys.stderr, flush=True)
    print(table(results))
    return 0


def read_results(file: Path | None) -> dict[str, dict[str, Any]]:
    """What an earlier call has kept."""
    if file is None or not file.exists():
        return {}
    results: dict[str, dict[str, Any]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        merge(results, entry["picture"], entry["found"])
    return results


def merge(results: dict[str, dict[str, Any]], name: str, found: dict[str, Any]) -> None:
    """Add what was `found` of the picture `name` to what was found before."""
    before = results.get(name, {})
    results[name] = before | found | {"tools": [*before.get("tools", ()), *found["tools"]]}


if __name__ == "__main__":
    sys.exit(main())
