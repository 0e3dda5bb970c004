"""How well a model's features tell regions apart on labelled pictures, beside colours and the bare backbone.

For every picture: pair AUC and edge AUC of the 128 numbers, of their first three principal components as shown, of the
same after the guided filter, of RGB, and of the backbone's stages with no head; agreement of k-means with the regions;
how much of a thing one click and five clicks find (`training.click_probe`), where a data set knows things; drift inside
large regions; how well edges of the three-channel map follow region boundaries. The network sees the
picture on its working grid; all is compared at the pixels of the label map, where the filtered components are lifted
along the picture's edges and everything else is bilinear.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sss_model.analysis.evaluate_params import EvaluateParams
from sss_model.analysis.metrics import BoundaryCounts, best_match_iou, boundary_counts
from sss_model.array_types import Floats
from sss_model.datasets.border_sampling import choose_edge_pairs
from sss_model.datasets.dataset import Dataset, Example
from sss_model.datasets.pair_sampling import VOID, choose_probe
from sss_model.errors import DatasetError
from sss_model.extractor import FeatureExtractor
from sss_model.filtering.lift import GuidedLift, lift_region
from sss_model.filtering.resize import resize
from sss_model.network.grid_maps import FeatureNet, GridMap
from sss_model.network.supplement import SupplementNet
from sss_model.params import FilterParams, GridParams
from sss_model.pca import fit_pca
from sss_model.postprocess import stretch
from sss_model.projection.filtered_pca import Reducer
from sss_model.segmentation.clustering import kmeans
from sss_model.training.augment import shrink, to_array
from sss_model.training.click_probe import probe_objects
from sss_model.training.validation import drift, edge_auc, pair_auc, probe_seed, taps_at
from sss_model.working_grid import GridFeatures, WorkingGrid, extract_grid

MEASURED = ("features", "pca", "filtered", "rgb", "taps")
"""The D features; PCA to 3; guided filter, then PCA to 3; the picture's colours; the backbone's stages."""
MEASURES = {
    "auc": "pair AUC", "edge_auc": "edge AUC", "drift": "drift", "clusters": "k-means mIoU", "click": "1 click IoU",
    "clicks": "5 clicks IoU", "boundary_f": "boundary F",
}  # fmt: skip
"""Names in JSON and in the table; `click` and `clicks` are the IoU of things after one click and after five."""


@dataclass
class PictureScores:
    """One picture's numbers, by what was measured; `None` where the picture cannot tell."""

    name: str
    auc: dict[str, float] = field(default_factory=dict)
    edge_auc: dict[str, float] = field(default_factory=dict)
    drift: dict[str, float] = field(default_factory=dict)
    clusters: dict[str, float] = field(default_factory=dict)
    click: dict[str, float] = field(default_factory=dict)
    clicks: dict[str, float] = field(default_factory=dict)
    boundaries: dict[str, BoundaryCounts] = field(default_factory=dict)


@dataclass
class Maps:
    """A picture on its way through the pipeline, for the contact sheet: `pca` and `filtered` (H, W, 3) in [0, 1]."""

    example: Example
    image: Floats
    pca: Floats
    filtered: Floats


@dataclass(frozen=True)
class Summary:
    """Means over a data set's pictures, by measure and by what was measured.

    `counted` says how many of the pictures each measure could tell about.
    """

    name: str
    pictures: int
    means: dict[str, dict[str, float]]
    counted: dict[str, int]
    problems: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        counts = {"counted": self.counted, "problems": list(self.problems)}
        return {"name": self.name, "pictures": self.pictures, **self.means, **counts}


class Evaluator:
    """Measures one model.

    Parameters
    ----------
    extractor : the model
    params, filter_params : what is measured; the guided filter's radius and eps, in cells of the working grid
    grid : at which size and scales the network sees the pictures
    taps : the network whose bare stages are the yardstick; None takes the model's own
    seen : called with the maps of every picture, for a contact sheet
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        params: EvaluateParams,
        filter_params: FilterParams,
        *,
        grid: GridParams | None = None,
        taps: FeatureNet | None = None,
        seen: Callable[[Maps, PictureScores], None] | None = None,
    ) -> None:
        self._extractor, self._params, self._filter, self._seen = extractor, params, filter_params, seen
        self._grid = grid or GridParams()
        yardstick = taps if taps is not None else extractor.network
        self._taps = yardstick.to(extractor.device).eval() if isinstance(yardstick, SupplementNet) else None

    def pictures(self, data: Dataset) -> Iterator[tuple[int, PictureScores | DatasetError]]:
        """Index and scores of every chosen picture, or what was wrong with it."""
        count, limit = len(data), self._params.limit
        chosen = range(count) if not limit or limit >= count else np.linspace(0, count - 1, limit).round().astype(int)
        for index in chosen:
            try:
                yield int(index), self.measure(data, int(index))
            except DatasetError as error:
                if self._params.on_bad == "refuse":
                    raise
                yield int(index), error

    def measure(self, data: Dataset, index: int) -> PictureScores:
        """All numbers of the picture `index`: of several annotators the mean AUC, and the first one's other numbers."""
        example = shrink(data.read(index), self._params.longest)
        image = np.ascontiguousarray(to_array(example.picture).transpose(1, 2, 0))
        found = extract_grid(self._extractor, image, size=self._grid.size, scales=self._grid.scales)
        maps = self._maps(found, image)
        # compared at the network's own size, as the features are
        dense = Dense(found.grid, maps, self._bare_stages(found.guide))
        scores = PictureScores(example.name)
        others = [shrink(data.read(index, k), self._params.longest).labels for k in range(1, data.annotators(index))]
        annotated = [example.labels, *others]
        self._pair_auc(scores, annotated, dense)
        self._edge_auc(scores, annotated, dense)
        self._clusters(scores, example.labels, dense)
        self._clicks(scores, example, data.objects(example), dense)
        plain = resize(maps["pca"], found.grid.picture)
        for name, values in (("pca", plain), ("filtered", maps["filtered"]), ("rgb", image)):
            scores.boundaries[name] = boundary_counts(values, example.labels, tolerance=self._params.tolerance)
        for name, values in maps.items():
            # the labels' pixels on the map's own grid: a mean over a region needs no more
            labels = example.labels[WorkingGrid((values.shape[0], values.shape[1]), example.labels.shape).cells()]
            if (wander := drift(values, labels)) is not None:
                scores.drift[name] = wander
        if self._seen is not None:
            self._seen(Maps(example, image, plain, maps["filtered"]), scores)
        return scores

    def _maps(self, found: GridFeatures, image: Floats) -> dict[str, Floats]:
        """Features and PCA on the grid, filtered PCA and colours at the picture's pixels."""
        radius, eps = self._filter.radius, self._filter.eps
        reduction = Reducer(found.guide, found.features).reduce(radius, eps)
        coefficients = GuidedLift(found.guide, radius=radius, eps=eps).coefficients(reduction.projection)
        filtered = lift_region(coefficients.stretched(reduction.low, reduction.high), image)
        plain = stretch(fit_pca(found.features).project(found.features))
        return {
            "features": np.asarray(found.features, np.float32),
            "pca": plain,
            "filtered": np.clip(filtered, 0, 1),
            "rgb": image,
        }

    def _pair_auc(self, scores: PictureScores, maps: Sequence[NDArray[np.int32]], dense: Dense) -> None:
        rng = np.random.default_rng([self._params.seed, probe_seed(scores.name)])
        p = self._params
        probes = [choose_probe(labels, rng, regions=p.regions, pixels=p.pixels, min_area=p.min_area) for labels in maps]
        found: dict[str, list[float]] = {}
        for probe in probes:
            if probe is not None:
                for name, values in dense.at(probe.points).items():
                    found.setdefault(name, []).append(pair_auc(values, torch.from_numpy(probe.labels)))
        scores.auc = {name: float(np.mean(values)) for name, values in found.items()}

    def _edge_auc(self, scores: PictureScores, maps: Sequence[NDArray[np.int32]], dense: Dense) -> None:
        rng = np.random.default_rng([self._params.seed, probe_seed(scores.name), 2])
        told: dict[str, list[float]] = {}
        for pairs in [choose_edge_pairs(labels, rng, pairs=self._params.edge_pairs) for labels in maps]:
            if pairs is not None:
                first, second = dense.at(pairs.first), dense.at(pairs.second)
                for name in first:
                    told.setdefault(name, []).append(edge_auc(first[name], second[name], pairs.same))
        scores.edge_auc = {name: float(np.mean(values)) for name, values in told.items()}

    def _clusters(self, scores: PictureScores, labels: NDArray[np.int32], dense: Dense) -> None:
        rng = np.random.default_rng([self._params.seed, probe_seed(scores.name), 1])
        known = np.flatnonzero(labels.ravel() != VOID)
        chosen = rng.choice(known, min(self._params.cluster_pixels, len(known)), replace=False)
        kinds = labels.ravel()[chosen].astype(np.int64)
        count = len(np.unique(kinds))
        if count < 2:
            return
        points = np.stack([chosen % labels.shape[1], chosen // labels.shape[1]], 1).astype(np.int64)
        for name, values in dense.at(points).items():
            centred = (values - values.mean(0)).numpy()
            _, groups = kmeans(centred, count, np.random.default_rng(self._params.seed), starts=3, rounds=60)
            scores.clusters[name] = best_match_iou(groups, kinds)

    def _clicks(self, scores: PictureScores, example: Example, things: list[int], dense: Dense) -> None:
        size = example.regions.shape
        if not things or not self._params.things:
            return
        side = min(1.0, self._params.click_side / max(size))
        grid = WorkingGrid(size, (max(1, round(size[0] * side)), max(1, round(size[1] * side))))
        rows, columns = WorkingGrid(grid.size, size).cells()  # the pixel under the centre of each cell
        points = np.stack(np.broadcast_arrays(columns, rows), -1).reshape(-1, 2)
        regions = example.regions[rows, columns]
        for name, values in dense.at(points).items():
            found = probe_objects(values.reshape(*grid.size, -1).numpy(), regions, things, most=self._params.things)
            if found is not None:
                scores.click[name], scores.clicks[name] = found

    def _bare_stages(self, image: Floats) -> list[GridMap]:
        """The yardstick's stages of an image, on the CPU; none for a network without any."""
        if self._taps is None:
            return []
        picture = torch.from_numpy(image.transpose(2, 0, 1)[None].copy()).to(next(self._taps.parameters()).device)
        with torch.no_grad():
            return [GridMap(g.values.cpu(), g.stride, g.centre) for g in self._taps.taps(picture)]


@dataclass(frozen=True)
class Dense:
    """A picture's maps (h, w, C), each on a grid of its own, and the bare backbone's stages on the working grid."""

    grid: WorkingGrid
    maps: dict[str, Floats]
    stages: list[GridMap]

    def at(self, points: NDArray[np.int64]) -> dict[str, torch.Tensor]:
        """What each representation holds at `points` (P, 2) of the picture, x then y: (P, C)."""
        values = {}
        for name, held in self.maps.items():
            grid = WorkingGrid(self.grid.picture, (held.shape[0], held.shape[1]))
            values[name] = torch.from_numpy(grid.sample(held, points))
        if self.stages:
            cells = torch.from_numpy(self.grid.to_grid(points).astype(np.float32))
            values["taps"] = taps_at(self.stages, cells[None])[0]
        return values


def summarise(name: str, pictures: Sequence[PictureScores], problems: Sequence[str] = ()) -> Summary:
    """Means over `pictures`; boundary F at the one threshold that is best for all of them."""
    told = {kind: [p.boundaries[kind] for p in pictures if kind in p.boundaries] for kind in MEASURED}
    told = {kind: [counts for counts in found if counts.labelled] for kind, found in told.items()}
    boundary = {kind: reduce(operator.add, found).best_f() for kind, found in told.items() if found}
    scores = {measure: [getattr(p, measure) for p in pictures] for measure in MEASURES if measure != "boundary_f"}
    counted = {measure: sum(map(bool, rows)) for measure, rows in scores.items() if measure != "click"}
    means = {measure: _means(rows) for measure, rows in scores.items()} | {"boundary_f": boundary}
    counted["boundary_f"] = max(map(len, told.values()))
    return Summary(name, len(pictures), means, counted, tuple(problems))


def _means(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    found = {kind: [row[kind] for row in rows if kind in row] for kind in MEASURED}
    return {kind: float(np.mean(values)) for kind, values in found.items() if values}


def table(summaries: Sequence[Summary], *, own_taps: bool = False) -> str:
    """The summaries as text, a line for each data set and measure that is known, with the pictures it is a mean of.

    Parameters
    ----------
    own_taps : whether the yardstick is the model's own, trained backbone, which the heading then says
    """
    width = max([len("data set"), *(len(s.name) for s in summaries)])
    heads = ["own taps" if kind == "taps" and own_taps else kind for kind in MEASURED]
    lines = [f"{'data set':{width}}  {'measure':11}  " + "".join(f"{head:>10}" for head in heads) + "   pictures"]
    for summary in summaries:
        for measure, title in MEASURES.items():
            if not (values := summary.means[measure]):
                continue
            cells = "".join(f"{values[kind]:10.3f}" if kind in values else f"{'-':>10}" for kind in MEASURED)
            count = summary.counted["clicks" if measure == "click" else measure]
            lines.append(f"{summary.name:{width}}  {title:12} {cells}   {count:8d}")
    return "\n".join(lines)
