"""Two to four models, backbones or scales on one picture: colours that mean the same, times, memory, and AUC.

Each model's features have axes of their own, so their principal components have nothing to do with each other. Here the
three components of every model are turned into those of the first one: with A and B (P, 3) the components of all P
pixels, centred and of length 1,

    R = argmin |B R - A|   over orthogonal R (3, 3), which is U V' of the singular value decomposition U S V' = B'A

(the orthogonal Procrustes problem; Schönemann 1966). The sum of S is 1 where both are the same but for a turn, and
small where they have nothing in common: `MeasuredModel.agreement`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sss_model import budget
from sss_model.analysis.evaluate_params import EvaluateParams
from sss_model.analysis.similarity import Similarity
from sss_model.array_types import AnyFloats, Floats, Labels, Picture
from sss_model.datasets.border_sampling import choose_edge_pairs
from sss_model.datasets.label_maps import read_label_map
from sss_model.datasets.pair_sampling import VOID, choose_probe
from sss_model.errors import DatasetError, DeviceError, ParameterError
from sss_model.extractor import FeatureExtractor
from sss_model.filtering.resize import resize
from sss_model.guided_filter import guided_filter
from sss_model.image_io import to_picture
from sss_model.inference.memory import peak_bytes, release, reset_peak, resident_bytes
from sss_model.params import ExtractParams, FilterParams, GridParams
from sss_model.pca import fit_pca
from sss_model.progress import Progress, silent
from sss_model.projection.stretch import range_of, stretch
from sss_model.training.validation import edge_auc, pair_auc
from sss_model.working_grid import GridFeatures, WorkingGrid, choose_grid, extract_grid

FEWEST, MOST = 2, 4
_HALF = 1024.0  # largest number of features that are kept in half precision


@dataclass(frozen=True)
class ComparedModel:
    """One of the models: what it is called, its file (None is the shipped one), at which size and scales it looks."""

    title: str
    checkpoint: Path | None = None
    grid: GridParams = field(default_factory=GridParams)


@dataclass(frozen=True)
class MeasuredModel:
    """A row of the table.

    Attributes
    ----------
    title, checkpoint, sha256 : which model
    dimensions, weights : numbers of a pixel's features, and of the network
    grid, scales : (h, w) that the features live on, and the scales whose features are averaged
    seconds : of the network on this picture, once it is loaded
    peak_bytes : by how much the memory of the process, or of the GPU, rose meanwhile, the features included
    feature_bytes : of the features, as float32
    explained : shares of the variance that the three components shown have
    agreement : with the first model's components, from 0 to 1; see the module
    pair_auc, edge_auc : as `sss-eval` measures them, where there are labels that can tell
    device, notes : where it ran, and what was done differently
    """

    title: str
    checkpoint: str
    sha256: str
    dimensions: int
    weights: int
    grid: tuple[int, int]
    scales: tuple[float, ...]
    seconds: float
    peak_bytes: int
    feature_bytes: int
    explained: tuple[float, ...]
    agreement: float
    pair_auc: float | None
    edge_auc: float | None
    device: str
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}


class ModelComparison:
    """What `compare_models` found.

    Attributes
    ----------
    picture : (h, w, 3) uint8, the photograph on the first model's grid
    size : (H, W) of the photograph
    rows : one `MeasuredModel` each
    pictures, filtered : (h, w, 3) uint8 each, the components in common colours; and filtered along the picture's edges
    """

    def __init__(
        self,
        picture: Picture,
        size: tuple[int, int],
        rows: Sequence[MeasuredModel],
        maps: Sequence[Floats],
        filtered: Sequence[Floats],
        features: Sequence[AnyFloats],
    ) -> None:
        self.picture, self.size, self.rows = picture, size, tuple(rows)
        self.pictures = [to_picture(values) for values in maps]
        self.filtered = [to_picture(values) for values in filtered]
        self._features = list(features)
        self._similar: list[Similarity | None] = [None] * len(rows)

    @property
    def nbytes(self) -> int:
        """Bytes of the features that are kept."""
        return sum(int(values.nbytes) for values in self._features)

    def similarity(self, point: tuple[int, int], metric: str = "cosine") -> list[Floats]:
        """How alike every pixel is to `point` (x, y) of the photograph, for each model: (h, w) float32 in [0, 1].

        Raises
        ------
        ParameterError : a point outside the picture, or an unknown metric
        """
        height, width = self.size
        x, y = point
        if not (0 <= x < width and 0 <= y < height):
            raise ParameterError(f"The pixel ({x}, {y}) is outside the picture of {width} x {height}.")
        maps = []
        for number, features in enumerate(self._features):
            similar = self._similar[number] or Similarity(features)
            self._similar[number] = similar
            rows, columns = features.shape[:2]
            vector = np.asarray(features[y * rows // height, x * columns // width], np.float32)
            maps.append(similar.to_vector(vector, metric))
        return maps


def compare_models(
    image: Floats,
    models: Sequence[ComparedModel],
    *,
    labels: Labels | None = None,
    filter: FilterParams | None = None,
    range: str = "full",
    params: ExtractParams | None = None,
    evaluation: EvaluateParams | None = None,
    progress: Progress | None = None,
    between: Callable[[], None] | None = None,
    make_room: Callable[[int], None] | None = None,
) -> ModelComparison:
    """Run each of `models` on `image` and bring their components into common colours.

    Parameters
    ----------
    image : (H, W, 3) float32 RGB in [0, 1]
    models : two to four; the first one's colours are the others' too
    labels : (H, W) int32, -1 where nothing is known; None leaves the AUC out
    filter : radius and eps, in cells of the first model's grid
    range : which values become 0 and 1, one range for all; as `ProjectionParams.range`
    params : device and precision; sizes and scales are each model's own
    evaluation : how many pixels are compared for the AUC, and the seed
    between : called before each model, as to let more urgent work pass
    make_room : told how many bytes a model's features take, before they are computed

    Raises
    ------
    ParameterError : fewer or more models, labels of another size
    CheckpointError, DeviceError : a model that cannot be used
    Cancelled : `progress` was asked to stop
    """
    _check(image, models, labels)
    filter, params, steps = filter or FilterParams(), params or ExtractParams(), silent(progress)
    judge = None if labels is None else _Judge(labels, evaluation or EvaluateParams())
    rows: list[MeasuredModel] = []
    coordinates: list[Floats] = []
    kept: list[AnyFloats] = []
    guide = np.empty((0, 0, 3), np.float32)
    for number, model in enumerate(unlike_titles(models)):
        if between is not None:
            between()
        part = steps.part(number / len(models), (number + 1) / len(models), model.title)
        found, row = _run(model, image, params, part.part(0.0, 0.8, model.title), make_room)
        guide = guide if number else found.guide
        part.report(0.8)
        basis = fit_pca(found.features, 3, part.part(0.8, 0.95, model.title))
        coordinates.append(_unit(resize(basis.project(found.features), (guide.shape[0], guide.shape[1]))))
        told = (None, None) if judge is None else judge.auc(found)
        explained = tuple(float(share) for share in basis.explained_variance_ratio)
        rows.append(replace(row, explained=explained, pair_auc=told[0], edge_auc=told[1]))
        kept.append(_halved(found.features))
    turned, agreements = zip(*(turned_into(coordinates[0], values) for values in coordinates), strict=True)
    rows = [replace(row, agreement=agreement) for row, agreement in zip(rows, agreements, strict=True)]
    smooth = [guided_filter(guide, values, radius=filter.radius, eps=filter.eps) for values in turned]
    maps = in_one_range(turned, range), in_one_range(smooth, range)
    return ModelComparison(to_picture(guide), (image.shape[0], image.shape[1]), rows, *maps, kept)


def _check(image: Floats, models: Sequence[ComparedModel], labels: Labels | None) -> None:
    if not FEWEST <= len(models) <= MOST:
        raise ParameterError(f"Between {FEWEST} and {MOST} models can be compared, got {len(models)}.")
    if labels is not None and labels.shape != image.shape[:2]:
        shapes = " x ".join(map(str, labels.shape[::-1])), " x ".join(map(str, image.shape[1::-1]))
        raise ParameterError(f"The label map is {shapes[0]} pixels, the picture {shapes[1]}: they must be of one size.")


def turned_into(reference: Floats, values: Floats) -> tuple[Floats, float]:
    """`values` (h, w, 3) turned and mirrored so that they are as near to `reference` as can be, and how near.

    Returns
    -------
    (h, w, 3) float32, and the agreement from 0 to 1 of two maps that are centred and of length 1

    Examples
    --------
    >>> map3 = np.random.default_rng(0).standard_normal((4, 5, 3)).astype(np.float32)
    >>> map3 -= map3.mean((0, 1))
    >>> map3 /= np.linalg.norm(map3)
    >>> back, agreement = turned_into(map3, map3[..., ::-1])
    >>> bool(np.abs(back - map3).max() < 1e-6), round(agreement, 4)
    (True, 1.0)
    """
    from scipy.linalg import orthogonal_procrustes

    first, second = (each.reshape(-1, each.shape[-1]).astype(np.float64) for each in (reference, values))
    turn, agreement = orthogonal_procrustes(second, first)
    turned: Floats = (second @ turn).astype(np.float32).reshape(values.shape)
    return turned, float(min(agreement, 1.0))


def in_one_range(maps: Sequence[Floats], kind: str = "full") -> list[Floats]:
    """Maps (h, w, 3) as colours in [0, 1], a channel's range the same for all: equal numbers have equal colours."""
    low, high = range_of(np.concatenate([values.reshape(-1, 1, values.shape[-1]) for values in maps]), kind)
    return [stretch(values, low, high) for values in maps]


def read_labels(path: Path) -> Labels:
    """The label map or mask `path`, (H, W) int32; 255 is unknown (-1), but in a mask of 0 and 255.

    Raises
    ------
    DatasetError : it cannot be read, is in colour, or holds one label only
    """
    if not path.is_file():
        raise DatasetError(f"There is no label map at {path}.", missing=True)
    numbers = read_label_map(path)
    kinds = np.unique(numbers)
    if kinds.tolist() != [0, 255]:
        numbers = np.where(numbers == 255, VOID, numbers).astype(np.int32)
        kinds = kinds[kinds != 255]
    if len(kinds) < 2:
        raise DatasetError(f"The label map {path.name} holds one label only: there is nothing to tell apart.")
    return numbers


def unlike_titles(models: Sequence[ComparedModel]) -> list[ComparedModel]:
    """The models with titles of their own: their size and scales are named, then equal ones numbered.

    Examples
    --------
    >>> [model.title for model in unlike_titles([ComparedModel("A"), ComparedModel("A", grid=GridParams("320"))])]
    ['A', 'A at 320']
    """
    told = []
    for model in models:
        grid = model.grid
        size = "" if grid.size == GridParams().size else f" at {grid.size}"
        scales = f", scales {', '.join(f'{scale:g}' for scale in grid.scales)}" if grid.scales else ""
        told.append(f"{model.title}{size}{scales}")
    return [
        replace(model, title=f"{title} ({told[: k + 1].count(title)})" if told.count(title) > 1 else title)
        for k, (model, title) in enumerate(zip(models, told, strict=True))
    ]


def _run(
    model: ComparedModel,
    image: Floats,
    params: ExtractParams,
    progress: Progress,
    make_room: Callable[[int], None] | None,
) -> tuple[GridFeatures, MeasuredModel]:
    """The model's features, and its row but for what is compared."""
    progress.report(0.0, f"Loading {model.title}")
    extractor = FeatureExtractor(model.checkpoint, params=replace(params, size="auto", scales=()))
    height, width = choose_grid((image.shape[0], image.shape[1]), model.grid.size).size
    needed = 6 * extractor.feature_channels * height * width  # in float32, and in half precision
    if make_room is not None:
        make_room(needed)
    if needed > (free := budget.free_memory()):
        sizes = f"{needed / budget.GIB:.1f} GB of memory, {free / budget.GIB:.1f} GB are free"
        raise DeviceError(f"The features of {model.title} need {sizes}.", hint="Choose a smaller size for it.")
    on_gpu = extractor.device.startswith("cuda")
    release(extractor.device)
    reset_peak()
    before = resident_bytes()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(extractor.device)
        before = torch.cuda.memory_allocated(extractor.device)
    begun = time.perf_counter()
    found = extract_grid(extractor, image, size=model.grid.size, scales=model.grid.scales, progress=progress)
    seconds = time.perf_counter() - begun
    peak = torch.cuda.max_memory_allocated(extractor.device) if on_gpu else peak_bytes()
    file = extractor.checkpoint.path
    row = MeasuredModel(
        title=model.title,
        checkpoint=file.name,
        sha256=extractor.checkpoint.sha256,
        dimensions=int(found.features.shape[2]),
        weights=sum(weight.numel() for weight in extractor.network.parameters()),
        grid=found.grid.size,
        scales=model.grid.network_scales,
        seconds=seconds,
        peak_bytes=max(int(peak) - int(before), 0),
        feature_bytes=4 * int(np.prod(found.features.shape, dtype=np.int64)),
        explained=(),
        agreement=1.0,
        pair_auc=None,
        edge_auc=None,
        device=found.device,
        notes=found.notes,
    )
    return found, row


def _unit(values: Floats) -> Floats:
    """`values` (h, w, 3) less their mean, of length 1; zeros where all pixels are the same."""
    centred = values - values.mean((0, 1), dtype=np.float64)
    length = float(np.linalg.norm(centred))
    unit: Floats = (centred / length if length > 0 else centred).astype(np.float32)
    return unit


def _halved(features: AnyFloats) -> NDArray[np.float16]:
    """`features` in half precision, scaled to what it holds: similarities do not depend on the scale."""
    largest = float(np.abs(features).max()) or 1.0
    half = np.empty(features.shape, np.float16)
    for row, values in zip(half, features, strict=True):
        np.multiply(values, np.float32(_HALF / largest), out=row, casting="same_kind")
    return half


class _Judge:
    """The AUC of features by labels: the same pixels for every model, drawn once, as `sss-eval` draws them."""

    def __init__(self, labels: Labels, params: EvaluateParams) -> None:
        height, width = labels.shape
        factor = min(1.0, params.longest / max(height, width))
        small = WorkingGrid((max(1, round(height * factor)), max(1, round(width * factor))), (height, width))
        rows, columns = small.cells()
        labels = np.ascontiguousarray(labels[rows, columns])
        self._size = small.picture
        rng = (np.random.default_rng([params.seed, number]) for number in (0, 2))
        p = params
        self._probe = choose_probe(labels, next(rng), regions=p.regions, pixels=p.pixels, min_area=p.min_area)
        self._pairs = choose_edge_pairs(labels, next(rng), pairs=p.edge_pairs)

    def auc(self, found: GridFeatures) -> tuple[float | None, float | None]:
        """Pair and edge AUC; None where the labels cannot tell."""
        grid = WorkingGrid(self._size, found.grid.size)

        def at(points: NDArray[np.int64]) -> torch.Tensor:
            return torch.from_numpy(grid.sample(found.features, points))

        pair = edge = None
        if self._probe is not None:
            pair = pair_auc(at(self._probe.points), torch.from_numpy(self._probe.labels))
        if self._pairs is not None:
            edge = edge_auc(at(self._pairs.first), at(self._pairs.second), self._pairs.same)
        return pair, edge
