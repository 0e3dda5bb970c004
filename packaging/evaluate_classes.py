"""How well classes taught by strokes are found in other pictures: python packaging/evaluate_classes.py --data DIR

DIR has the sets pets, stanford_bg and nyuv2_40, each with images/STEM.jpg and labels/STEM.png. Of each 30 held-out
pictures are taken, 10 to teach and 20 to test. A user is simulated: three short strokes on every class of a picture.
Beside the classes stand today's similarity to pins (one in each stroke, cosine at least 0.8), the nearest pin, and a
random forest on colours and filter responses, as ilastik has it. Prints a table of mean IoU over a set's classes.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scipy.ndimage import distance_transform_edt
from scipy.stats import spearmanr
from skimage.feature import multiscale_basic_features
from sklearn.ensemble import RandomForestClassifier

from sss_model.analysis.similarity import Similarity
from sss_model.classes import FeatureSource, TaughtClasses, class_alphas, confidence
from sss_model.datasets.dataset import is_held_out
from sss_model.extractor import FeatureExtractor
from sss_model.image_io import read_image
from sss_model.working_grid import extract_grid

SETS = {
    "pets": ("rest", "pet"),
    "stanford_bg": ("sky", "tree", "road", "grass", "water", "building", "mountain", "foreground"),
    "nyuv2_40": ("wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf"),
}
TEACH, TEST = 10, 20
DRAWS = {1: (0, 3, 6), 3: (0, 3, 6), 10: (0,)}  # pictures that teach: the first of each draw
SMALLEST = 0.01  # of the picture: a smaller class is not stroked
STROKES, LENGTH, RADIUS = 3, 0.06, 0.005  # a class; in parts of the long side
THRESHOLD = 0.8
STRIDE = 4  # every so many pixels are compared
Stroke = tuple[int, list[tuple[int, int]]]


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture: `labels` (H, W) with 255 for what is in no class, features (float16) and guide on the grid."""

    image: np.ndarray
    labels: np.ndarray
    features: np.ndarray
    guide: np.ndarray
    strokes: list[Stroke]


def pictures(folder: Path, classes: int, cache: Path | None, extractor: FeatureExtractor) -> Iterator[Picture]:
    """30 held-out pictures of the set in `folder`, in an order of chance that is always the same."""
    files = [file for file in sorted((folder / "images").glob("*.jpg")) if is_held_out(file.stem, 0.1)][: TEACH + TEST]
    for place in np.random.default_rng(0).permutation(len(files)):
        file = files[place]
        image = read_image(file)
        labels = np.array(Image.open(folder / "labels" / f"{file.stem}.png"))
        labels[labels >= classes] = 255
        kept = cache / f"{folder.name}__{file.stem}.npz" if cache else None
        if kept is None or not kept.exists():
            found = extract_grid(extractor, image)
            features, guide = found.features.astype(np.float16), found.guide
            if kept is not None:
                np.savez(kept, features=features, guide=guide)
        else:
            with np.load(kept) as arrays:
                features, guide = arrays["features"], arrays["guide"]
        rng = np.random.default_rng(zlib.crc32(file.stem.encode()))
        yield Picture(image, labels, features, guide, list(strokes(labels, classes, rng)))


def strokes(labels: np.ndarray, classes: int, rng: np.random.Generator) -> Iterator[Stroke]:
    """Short strokes that stay within their class, as points in pixels."""
    side = max(labels.shape)
    for k in range(classes):
        mask = labels == k
        if mask.mean() < SMALLEST:
            continue
        inside = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
        starts = np.argwhere(inside >= min(2 * RADIUS * side + 1, inside.max()))
        for _ in range(STROKES):
            y, x = starts[rng.integers(len(starts))]
            angle = rng.uniform(0, 2 * np.pi)
            points = [(int(x), int(y))]
            for step in np.linspace(0, LENGTH * side, 13)[1:]:
                px, py = round(x + np.cos(angle) * step), round(y + np.sin(angle) * step)
                if not (0 <= px < labels.shape[1] and 0 <= py < labels.shape[0]) or inside[py, px] < RADIUS * side:
                    break
                points.append((px, py))
            yield k, points


# Each way learns from pictures and gives a function from a picture to labels (H, W); -1 is none of the classes


def by_classes(names: tuple[str, ...], teachers: list[Picture], *, edges: bool) -> Callable[[Picture], np.ndarray]:
    seen = sorted({k for picture in teachers for k, _ in picture.strokes})
    taught = TaughtClasses(FeatureSource(teachers[0].features.shape[2]), tuple(names[k] for k in seen))
    for picture in teachers:
        size = picture.labels.shape
        for k, points in picture.strokes:
            radius = RADIUS * max(size)
            taught = taught.with_stroke(names[k], points, radius=radius, features=picture.features, size=size)

    def label(picture: Picture) -> np.ndarray:
        probabilities = taught.probabilities(picture.features)
        sureness[id(picture)].append(confidence(probabilities))
        if edges:
            return np.array(seen)[class_alphas(probabilities, picture.guide, picture.image).argmax(2)]
        return to_picture(np.array(seen)[probabilities.argmax(2)], picture)

    return label


def by_pins(teachers: list[Picture], threshold: float) -> Callable[[Picture], np.ndarray]:
    pins = [(k, vector_at(p, points[len(points) // 2])) for p in teachers for k, points in p.strokes]

    def label(picture: Picture) -> np.ndarray:
        features = picture.features.astype(np.float32)
        vectors = np.stack([vector for _, vector in pins])
        nearest = Similarity(features).nearest(vectors).astype(int)
        labels = np.array([k for k, _ in pins])[nearest]
        units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        dots = np.einsum("hwd,hwd->hw", features, units[nearest])
        labels[dots < threshold * np.linalg.norm(features, axis=2)] = -1
        return to_picture(labels, picture)

    return label


def by_forest(teachers: list[Picture]) -> Callable[[Picture], np.ndarray]:
    rows, targets = [], []
    for picture in teachers:
        responses = filters(picture.image)
        for k, points in picture.strokes:
            mask = np.zeros(picture.labels.shape, np.uint8)
            cv2.polylines(mask, [np.array(points)], False, 1, round(2 * RADIUS * max(mask.shape)))
            mask[points[0][1], points[0][0]] = 1
            rows.append(responses[mask > 0])
            targets.append(np.full(int(mask.sum()), k))
    forest = RandomForestClassifier(100, class_weight="balanced", random_state=0, n_jobs=1)
    forest.fit(np.concatenate(rows), np.concatenate(targets))

    def label(picture: Picture) -> np.ndarray:
        labels = np.zeros(picture.labels.shape, int)
        some = filters(picture.image)[::STRIDE, ::STRIDE]
        labels[::STRIDE, ::STRIDE] = forest.predict(some.reshape(-1, some.shape[2])).reshape(some.shape[:2])
        return labels

    return label


def filters(image: np.ndarray) -> np.ndarray:
    """(H, W, C): colours, and Gaussian, gradient magnitude and eigenvalues of the Hessian at six scales."""
    responses = multiscale_basic_features(image, channel_axis=2, sigma_min=0.5, sigma_max=16)
    return np.concatenate([image, responses], axis=2).astype(np.float32)


def to_picture(labels: np.ndarray, picture: Picture) -> np.ndarray:
    size = picture.labels.shape[::-1]
    return cv2.resize(labels.astype(np.int16), size, interpolation=cv2.INTER_NEAREST_EXACT)


def vector_at(picture: Picture, point: tuple[int, int]) -> np.ndarray:
    (h, w), (H, W) = picture.features.shape[:2], picture.labels.shape
    return picture.features[int((point[1] + 0.5) * h / H), int((point[0] + 0.5) * w / W)].astype(np.float32)


sureness: dict[int, list[float]] = defaultdict(list)  # by picture, of each draw


def measure(folder: Path, cache: Path | None, extractor: FeatureExtractor) -> dict[tuple[str, int], float]:
    """Mean IoU of the set in `folder` by way and number of pictures that taught."""
    names = SETS[folder.name]
    found = list(pictures(folder, len(names), cache, extractor))
    teach, test = found[:TEACH], found[TEACH:]
    results: dict[tuple[str, int], list[float]] = defaultdict(list)
    agree = []
    for count, draws in DRAWS.items():
        for first in draws:
            teachers = teach[first : first + count]
            ways = {
                "classes": by_classes(names, teachers, edges=False),
                "classes along edges": by_classes(names, teachers, edges=True),
                "nearest pin": by_pins(teachers, -2),
                "similarity to pins >= 0.8": by_pins(teachers, THRESHOLD),
                "random forest on filters": by_forest(teachers),
            }
            for way, label in ways.items():
                sureness.clear()
                counts = np.zeros((len(names), len(names) + 1))
                right = []
                for picture in test:
                    truth = picture.labels[::STRIDE, ::STRIDE].astype(int)
                    known = truth != 255
                    given = label(picture)[::STRIDE, ::STRIDE][known]
                    np.add.at(counts, (truth[known], given), 1)
                    right.append(float((given == truth[known]).mean()) if known.any() else 1.0)
                results[way, count].append(mean_iou(counts))
                if way == "classes":
                    agree.append(spearmanr([sureness[id(picture)][-1] for picture in test], right)[0])
    print(f"{folder.name}: rank correlation of confidence and share of right pixels {np.mean(agree):.2f}", flush=True)
    return {key: float(np.mean(values)) for key, values in results.items()}


def mean_iou(counts: np.ndarray) -> float:
    """Of `counts` (K, K + 1), true by given class with none last, over the classes that occur."""
    square = counts[:, :-1]
    both = np.diag(square)
    either = counts.sum(1) + square.sum(0) - both
    occurs = counts.sum(1) > 0
    return float((both[occurs] / either[occurs]).mean())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--cache", type=Path, help="folder that keeps the pictures' features")
    options = parser.parse_args()
    extractor = FeatureExtractor(device="cpu")
    tables = {name: measure(options.data / name, options.cache, extractor) for name in SETS}
    columns = [(name, count) for name in SETS for count in DRAWS]
    print("| way | " + " | ".join(f"{name}, {count}" for name, count in columns) + " |")
    for way in dict.fromkeys(way for way, _ in tables["pets"]):
        print(f"| {way} | " + " | ".join(f"{tables[name][way, count]:.3f}" for name, count in columns) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
