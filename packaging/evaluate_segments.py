"""Which grouping makes layers that one can trust: python packaging/evaluate_segments.py --data DIR [--pictures 8]

DIR holds sets of labelled pictures, a folder each with images/NAME.jpg and labels/NAME.png (uint8 index; 255 is void).
For each picture and seed the components are computed once, then grouped into layers in several ways:

    stability    mean absolute difference of alphas between seeds, layers matched by the Hungarian method
    IoU, F       for each labelled object the union of layers that overlaps it best, and how well its border agrees
                 (F measure of border pixels within 2 pixels)

beside k-means of the features, as it is and lifted by the guided filter. Prints a table, a line for each way.

`--exact` measures instead how far the layers are from those of the literal pipeline, and that one's own scatter between
two seeds; both group by Ward's tree, each its own components.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import exact_segments as exact
import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from sss_model.extractor import FeatureExtractor
from sss_model.guided_filter import guided_filter
from sss_model.image_io import read_image
from sss_model.pca import fit_pca
from sss_model.progress import Progress
from sss_model.segmentation import SoftSegments, soft_segments
from sss_model.segmentation.clustering import kmeans
from sss_model.segmentation.layers import component_means, ward_tree
from sss_model.segmentation.working_grid import affinity_features, resized

SALIENT = {"ecssd", "pets", "pennfudan"}  # sets where 0 is everything else, not an object
SMALLEST_OBJECT = 0.02
TOLERANCE = 2
LAYERS = 5
Grouping = Callable[[SoftSegments, np.ndarray, np.ndarray, int], np.ndarray]


def ward(channels: int, weighted: bool = True) -> Grouping:
    """Ward's tree of mean features: all, or reduced to so many channels."""

    def group(segments: SoftSegments, features: np.ndarray, map3: np.ndarray, seed: int) -> np.ndarray:
        means, shares = component_means(segments.components, reduced(features, map3, channels))
        return ward_tree(means, shares if weighted else np.ones_like(shares)).groups(LAYERS)

    return group


def clusters(channels: int) -> Grouping:
    """k-means of the components' mean features; the paper's way with 3 channels."""

    def group(segments: SoftSegments, features: np.ndarray, map3: np.ndarray, seed: int) -> np.ndarray:
        means, _ = component_means(segments.components, reduced(features, map3, channels))
        return kmeans(means, LAYERS, np.random.default_rng(seed))

    return group


GROUPINGS: dict[str, Grouping] = {
    "k-means, 3 channels (the paper)": clusters(3),
    "k-means, all channels": clusters(0),
    "Ward, 3 channels": ward(3),
    "Ward, 8 channels": ward(8),
    "Ward, all channels": ward(0),
    "Ward, 3 channels, unweighted": ward(3, weighted=False),
    "Ward, all channels, unweighted": ward(0, weighted=False),
}


def reduced(features: np.ndarray, map3: np.ndarray, channels: int) -> np.ndarray:
    """`features` (h, w, D), their 3-channel map, or their first principal components."""
    if channels == 3:
        return map3
    return fit_pca(features, components=channels).project(features) if channels else features


def pictures(folder: Path, per_set: int, side: int) -> Iterator[tuple[str, np.ndarray, list[np.ndarray]]]:
    """A name, the image (h, w, 3) and the objects, masks with 255 for void, of `per_set` pictures of each set."""
    for images in sorted(folder.glob("*/images")):
        files = sorted(images.glob("*.jpg"))
        for file in files[:: max(1, len(files) // per_set)][:per_set]:
            image = read_image(file)
            scale = side / max(image.shape[:2])
            size = round(image.shape[0] * scale), round(image.shape[1] * scale)
            labels = Image.open(images.parent / "labels" / f"{file.stem}.png").resize(
                size[::-1], Image.Resampling.NEAREST
            )
            found = np.asarray(labels)
            numbers = [n for n in np.unique(found) if n != 255 and not (n == 0 and images.parent.name in SALIENT)]
            objects = [
                np.where(found == 255, 255, found == n) for n in numbers if (found == n).mean() >= SMALLEST_OBJECT
            ]
            small = resized(image, size).clamp_(0, 1).movedim(0, 2).numpy()
            yield f"{images.parent.name}/{file.stem}", np.ascontiguousarray(small), objects


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
    ways = {
        name: segments.grouped(grouping(segments, features, map3, seed)).alphas for name, grouping in GROUPINGS.items()
    }
    flat = features.reshape(-1, features.shape[2])
    rng = np.random.default_rng(seed)
    sample = rng.choice(len(flat), min(4000, len(flat)), replace=False)
    labels = kmeans(flat[sample].astype(np.float64), LAYERS, rng)
    centres = np.stack([flat[sample][labels == k].mean(0) for k in range(labels.max() + 1)])
    nearest = ((centres**2).sum(1) - 2 * flat @ centres.T).argmin(1)
    hard = np.eye(len(centres), dtype=np.float32)[nearest].reshape(*image.shape[:2], -1)
    ways["k-means of the features"] = hard
    ways["k-means + guided filter"] = guided_filter(image, hard, radius=8, eps=1e-4)
    return ways


def against_exact(options: argparse.Namespace) -> int:
    """Print the mean absolute difference of alphas from the literal pipeline's, picture by picture, and the medians."""
    extractor = FeatureExtractor(device="cpu")
    rows = []
    for name, image, _ in pictures(options.data, options.pictures, options.side):
        features = extractor.extract(image)
        map3 = affinity_features(image, features, Progress())
        ours = soft_segments(image, features, layers=LAYERS).alphas
        problem = exact.eigenproblem(image, map3)
        theirs = [exact_layers(problem, image, features, map3, seed) for seed in range(2)]
        rows.append((difference(ours, theirs[0]), difference(theirs[0], theirs[1])))
        print(f"{name:30} ours {rows[-1][0]:.4f}   another seed {rows[-1][1]:.4f}", flush=True)
    medians = np.median(rows, axis=0)
    print(f"median of {len(rows)} pictures: ours {medians[0]:.4f}, another seed of the literal one {medians[1]:.4f}")
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
    parser.add_argument("--pictures", type=int, default=8, help="of each set; default 8")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--side", type=int, default=320, help="long side that pictures are brought to; default 320")
    parser.add_argument("--exact", action="store_true", help="compare with the literal pipeline; a minute a picture")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.exact:
        return against_exact(options)
    extractor = FeatureExtractor(device="cpu")
    results: dict[str, list[tuple[float, float, float]]] = {}
    for count, (name, image, objects) in enumerate(pictures(options.data, options.pictures, options.side), 1):
        features = extractor.extract(image)
        runs = [layers_of(image, features, seed) for seed in range(options.seeds)]
        for way in runs[0]:
            pairs = itertools.combinations([run[way] for run in runs], 2)
            apart = float(np.mean([difference(*pair) for pair in pairs])) if len(runs) > 1 else 0.0
            useful = np.mean([usefulness(run[way], objects) for run in runs], axis=0) if objects else (np.nan, np.nan)
            results.setdefault(way, []).append((apart, *useful))
        print(f"{count} {name}", file=sys.stderr, flush=True)
        if count % 5 == 0:
            print(table(results), file=sys.stderr, flush=True)
    print(table(results))
    return 0


def table(results: dict[str, list[tuple[float, float, float]]]) -> str:
    """The means over pictures, a line for each way."""
    lines = [f"{'way':34} between seeds      IoU  border F   ({len(next(iter(results.values())))} pictures)"]
    for way, rows in results.items():
        apart, iou, border = np.nanmean(rows, axis=0)
        lines.append(f"{way:34} {apart:13.4f} {iou:8.3f} {border:9.3f}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
