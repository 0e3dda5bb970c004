"""Which grouping makes layers that one can trust: python packaging/evaluate_segments.py --data DIR [--results FILE]

DIR holds sets of labelled pictures, a folder each with images/NAME.jpg and labels/NAME.png (uint8 index; 255 is void).
For each picture and seed the components are computed once, then grouped into layers in several ways:

    stability    mean absolute difference of alphas between seeds, layers matched by the Hungarian method
    IoU, F       for each labelled object the union of layers that overlaps it best, and how well its border agrees
                 (F measure of border pixels within 2 pixels)

beside k-means of the features, as it is and lifted by the guided filter. Prints a table, a line for each way.
With `--results` each picture's scores are kept in a file as they come, and a second call goes on where the first ended.

`--exact` measures instead how far the layers are from those of the literal pipeline, that one's own scatter between two
seeds, and the processor seconds of both; both group by Ward's tree, each its own components.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "model"))  # the literal pipeline is the tests'

import exact_segments as exact
import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans

from sss_model.extractor import FeatureExtractor
from sss_model.filtering.resize import resize
from sss_model.guided_filter import guided_filter
from sss_model.image_io import read_image
from sss_model.pca import fit_pca
from sss_model.progress import Progress
from sss_model.segmentation import SoftSegments, soft_segments
from sss_model.segmentation.clustering import kmeans
from sss_model.segmentation.inputs import affinity_features
from sss_model.segmentation.layers import SMALLEST_SHARE, component_means, ward_tree

SETS = {"ecssd", "pets", "pennfudan", "stanford_bg"}
SALIENT = {"ecssd", "pets", "pennfudan"}  # sets where 0 is everything else, not an object
VOID_BORDERS = {"pets"}  # sets whose objects end at a band of void, which tells nothing of their borders
SMALLEST_OBJECT = 0.02
TOLERANCE = 2
LAYERS = 5
Scores = dict[str, tuple[float, float, float]]
Grouping = Callable[[SoftSegments, np.ndarray, np.ndarray, int], np.ndarray]


def ward(channels: int, weighted: bool = True, slivers: bool = False, count: int | None = LAYERS) -> Grouping:
    """Ward's tree of mean features: all, or reduced to so many channels.

    With `slivers` a small part is a layer like any other; a `count` of None is the one that the tree suggests.
    """

    def group(segments: SoftSegments, features: np.ndarray, map3: np.ndarray, seed: int) -> np.ndarray:
        means, shares = component_means(segments.components, reduced(features, map3, channels))
        tree = ward_tree(means, shares if weighted else np.ones_like(shares))
        smallest = 0.0 if slivers or not weighted else SMALLEST_SHARE
        return tree.groups(tree.suggested_count() if count is None else count, smallest=smallest)

    return group


def clusters(channels: int, weighted: bool = False) -> Grouping:
    """k-means of the components' mean features; the paper's way with 3 channels."""

    def group(segments: SoftSegments, features: np.ndarray, map3: np.ndarray, seed: int) -> np.ndarray:
        means, shares = component_means(segments.components, reduced(features, map3, channels))
        if weighted:
            fit = KMeans(min(LAYERS, len(means)), n_init=10, random_state=seed)
            return np.unique(fit.fit_predict(means, sample_weight=shares), return_inverse=True)[1]
        return kmeans(means, LAYERS, np.random.default_rng(seed))[1]

    return group


GROUPINGS: dict[str, Grouping] = {
    "k-means, 3 channels (the paper)": clusters(3),
    "k-means, 8 channels": clusters(8),
    "k-means, all channels": clusters(0),
    "k-means, all channels, by size": clusters(0, weighted=True),
    "Ward, 3 channels": ward(3),
    "Ward, 8 channels": ward(8),
    "Ward, all channels": ward(0),
    "Ward, all channels, not by size": ward(0, weighted=False),
    "Ward, all channels, with slivers": ward(0, slivers=True),
    "Ward, all channels, own count": ward(0, count=None),
}


def reduced(features: np.ndarray, map3: np.ndarray, channels: int) -> np.ndarray:
    """`features` (h, w, D), their 3-channel map, or their first principal components."""
    if channels == 3:
        return map3
    return fit_pca(features, components=channels).project(features) if channels else features


def pictures(folder: Path, per_set: int, side: int) -> Iterator[tuple[str, np.ndarray, list[np.ndarray]]]:
    """A name, the image (h, w, 3) and the objects, masks with 255 for void, of `per_set` pictures of each set.

    The sets take turns, so that the first few pictures tell of all.
    """
    chosen = []
    for images in sorted(path for path in folder.glob("*/images") if path.parent.name in SETS):
        files = sorted(images.glob("*.jpg"))
        chosen.append(files[:: max(1, len(files) // per_set)][:per_set])
    for file in itertools.chain.from_iterable(zip(*chosen, strict=False)):
        image = read_image(file)
        scale = side / max(image.shape[:2])
        size = round(image.shape[0] * scale), round(image.shape[1] * scale)
        picture_set = file.parent.parent
        labels = Image.open(picture_set / "labels" / f"{file.stem}.png").resize(size[::-1], Image.Resampling.NEAREST)
        found = np.asarray(labels)
        numbers = [n for n in np.unique(found) if n != 255 and not (n == 0 and picture_set.name in SALIENT)]
        objects = [np.where(found == 255, 255, found == n) for n in numbers if (found == n).mean() >= SMALLEST_OBJECT]
        yield f"{picture_set.name}/{file.stem}", np.clip(resize(image, size), 0, 1), objects


def usefulness(alphas: np.ndarray, objects: list[np.ndarray]) -> tuple[float, float]:
    """Mean IoU and border F over `objects` of the best union of the layers `alphas` (h, w, N)."""
    scores = []
    unions = [
        alphas[..., list(chosen)].sum(2) > 0.5
        for count in range(1, alphas.shape[2] + 1)
        for chosen in itertools.combinations(range(alphas.shape[2]), count)
    ]
    for thing in objects:
        known, inside = thing != 255, thing == 1
        overlaps = [(union & inside).sum() / max(((union | inside) & known).sum(), 1) for union in unions]
        best = int(np.argmax(overlaps))
        scores.append((overlaps[best], border_f(unions[best], inside)))
    return tuple(np.mean(scores, axis=0))


def border_f(found: np.ndarray, wanted: np.ndarray) -> float:
    """The F measure of the border pixels of two masks, those within `TOLERANCE` pixels agreeing."""
    borders = [mask ^ ndimage.binary_erosion(mask, border_value=1) for mask in (found, wanted)]
    if not borders[0].any() or not borders[1].any():
        return 0.0
    near = [ndimage.distance_transform_edt(~border) <= TOLERANCE for border in borders]
    precision, recall = near[1][borders[0]].mean(), near[0][borders[1]].mean()
    return float(2 * precision * recall / max(precision + recall, 1e-12))


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """Mean absolute difference of the alphas of two sets of layers, matched one to one."""
    most = max(first.shape[2], second.shape[2])
    a, b = (np.pad(x, ((0, 0), (0, 0), (0, most - x.shape[2]))) for x in (first, second))
    cost = np.array([[np.abs(a[..., i] - b[..., j]).mean() for j in range(most)] for i in range(most)])
    return float(cost[linear_sum_assignment(cost)].mean())


def layers_of(image: np.ndarray, features: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Alphas (h, w, N) of each way for one seed."""
    map3 = affinity_features(image, features, Progress())
    segments = soft_segments(image, features, layers=1, seed=seed)
    ways, relaxed = {}, {}
    for name, grouping in GROUPINGS.items():
        labels = grouping(segments, features, map3, seed)
        order = np.unique(labels, return_index=True)[1].argsort().argsort()
        partition = tuple(order[labels])  # the same for two ways that group alike
        if partition not in relaxed:
            relaxed[partition] = segments.grouped(labels).alphas
        ways[name] = relaxed[partition]
    flat = features.reshape(-1, features.shape[2])
    rng = np.random.default_rng(seed)
    sample = rng.choice(len(flat), min(4000, len(flat)), replace=False)
    centres, _ = kmeans(flat[sample].astype(np.float64), LAYERS, rng)
    nearest = ((centres**2).sum(1) - 2 * flat @ centres.T).argmin(1)
    hard = np.eye(len(centres), dtype=np.float32)[nearest].reshape(*image.shape[:2], -1)
    ways["k-means of the features"] = hard
    ways["k-means + guided filter"] = guided_filter(image, hard, radius=8, eps=1e-4)
    return ways


def against_exact(options: argparse.Namespace) -> int:
    """Print how far alphas are from the literal pipeline's and how much sooner they come, by picture, and medians."""
    extractor = FeatureExtractor(options.model, device="cpu")
    rows = []
    for name, image, _ in pictures(options.data, options.pictures, options.side):
        features = extractor.extract(image)
        started = time.process_time()
        ours = soft_segments(image, features, layers=LAYERS).alphas
        finished = time.process_time()
        map3 = affinity_features(image, features, Progress())
        problem = exact.eigenproblem(image, map3)
        theirs = [exact_layers(problem, image, features, map3, 0)]
        sooner = (time.process_time() - finished) / (finished - started)
        theirs.append(exact_layers(problem, image, features, map3, 1))
        rows.append((difference(ours, theirs[0]), difference(*theirs), sooner))
        print(
            f"{name:30} ours {rows[-1][0]:.4f}   another seed {rows[-1][1]:.4f}   {sooner:.1f} times the speed",
            flush=True,
        )
    ours_apart, seeds_apart, sooner = np.median(rows, axis=0)
    print(
        f"median of {len(rows)} pictures: ours {ours_apart:.4f}, another seed of the literal one {seeds_apart:.4f}, "
        f"{sooner:.1f} times its speed"
    )
    return 0


def exact_layers(
    problem: exact.Eigenproblem, image: np.ndarray, features: np.ndarray, map3: np.ndarray, seed: int
) -> np.ndarray:
    """(h, w, N): the literal pipeline's components, grouped by Ward's tree."""
    components = exact.sparse_components(problem, map3, seed)
    h, w = image.shape[:2]
    means, shares = component_means(components.reshape(h, w, -1).astype(np.float32), features)
    return exact.relax_groups(problem.laplacian, image, components, ward_tree(means, shares).groups(LAYERS))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of sets, each with images/ and labels/")
    parser.add_argument("--model", type=Path, help="model file; the shipped one unless given")
    parser.add_argument("--pictures", type=int, default=8, help="of each set; default 8")
    parser.add_argument("--results", type=Path, help="file that keeps each picture's scores as they come")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--side", type=int, default=320, help="long side that pictures are brought to; default 320")
    parser.add_argument("--exact", action="store_true", help="compare with the literal pipeline; a minute a picture")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.exact:
        return against_exact(options)
    scores = read_scores(options.results)
    extractor = FeatureExtractor(options.model, device="cpu")
    for name, image, objects in pictures(options.data, options.pictures, options.side):
        if name in scores:
            continue
        start = time.process_time()
        features = extractor.extract(image)
        runs = [layers_of(image, features, seed) for seed in range(options.seeds)]
        scores[name] = {way: scored([run[way] for run in runs], objects) for way in runs[0]}
        if options.results:
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"picture": name, "scores": scores[name]}) + "\n")
        print(f"{len(scores)} {name} {time.process_time() - start:.0f} s", file=sys.stderr, flush=True)
    print(table(scores))
    return 0


def read_scores(file: Path | None) -> dict[str, Scores]:
    """What an earlier call has kept: scores by picture."""
    if file is None or not file.exists():
        return {}
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {line["picture"]: line["scores"] for line in lines}


def scored(runs: list[np.ndarray], objects: list[np.ndarray]) -> tuple[float, float, float]:
    """How far the seeds' layers are apart, and the mean IoU and border F of `objects`; NaN where there are none."""
    pairs = list(itertools.combinations(runs, 2))
    apart = float(np.mean([difference(*pair) for pair in pairs])) if pairs else float("nan")
    if not objects:
        return apart, float("nan"), float("nan")
    iou, border = np.mean([usefulness(run, objects) for run in runs], axis=0)
    return apart, float(iou), float(border)


def table(scores: dict[str, Scores]) -> str:
    """The means over pictures, a line for each way."""
    lines = [f"{'way':34} between seeds      IoU  border F   ({len(scores)} pictures)"]
    for way in next(iter(scores.values())):
        apart, iou, _ = np.nanmean([ways[way] for ways in scores.values()], axis=0)
        borders = [ways[way][2] for name, ways in scores.items() if name.split("/")[0] not in VOID_BORDERS]
        border = np.nanmean(borders or [np.nan])
        lines.append(f"{way:34} {apart:13.4f} {iou:8.3f} {border:9.3f}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
