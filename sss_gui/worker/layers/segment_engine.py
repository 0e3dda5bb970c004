"""Soft segments: cuts pictures into components, groups these into layers, and sums layers into a matte."""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_gui.requests.panes import ComputeFeatures, Patch, Picture, Source, View
from sss_gui.requests.segments import (
    Alphas,
    BackdropRequest,
    CutOutRequest,
    Groups,
    LayersRequest,
    LayersResult,
    MatteRequest,
    MatteResult,
    SegmentsLiftRequest,
    SegmentsRequest,
    SegmentsResult,
)
from sss_gui.requests.worker import Deliver
from sss_gui.worker.feature_cache import CachedFeatures, FeatureCache
from sss_gui.worker.layer_pictures import flat_colours, in_grey, matte_picture
from sss_gui.worker.layers.class_engine import ClassEngine, ClassLayers
from sss_gui.worker.layers.layer_sources import Box, HardLayers, LayerSource, SoftLayers, part_step
from sss_gui.worker.layers.matte_engine import MatteEngine
from sss_gui.worker.sequences.sequence_engine import FeaturesOf, SequenceEngine
from sss_gui.worker.sources import read_source
from sss_model.classes import TaughtClasses
from sss_model.errors import CheckpointError
from sss_model.files.allocation import file_stamp
from sss_model.filtering.resize import resize
from sss_model.image_io import read_reduced, to_picture
from sss_model.layer_io.layers import whole_alphas, whole_numbers
from sss_model.params.layers import NETWORKS
from sss_model.progress import Progress
from sss_model.segmentation import SoftSegments
from sss_model.segmentation.comparisons import network_weights
from sss_model.segmentation.describe import describe_layers
from sss_model.segmentation.foreground import estimate_foreground
from sss_model.segmentation.matte import adjust_matte
from sss_model.segmentation.recipe import segment_picture, segment_side
from sss_model.weights.published import SEGMENTATION_WEIGHTS

log = logging.getLogger(__name__)

_CACHE_SHARE = 0.25  # of the memory for features
_BACKDROP_SIDE = 4096  # a picture behind a matte is read no larger
Floats = NDArray[np.float32]
DocumentOf = Callable[[ComputeFeatures, Progress, Deliver], CachedFeatures]


class SegmentEngine:
    """Answers what is asked about segments; the last cuts are remembered.

    Parameters
    ----------
    document : the features of a picture, remembered or computed
    documents : the remembered ones; the cuts of others are forgotten, and the oldest of all that take too much memory
    of_frame : the features of a frame, which are not remembered
    give_way : answers what is more urgent
    """

    def __init__(
        self,
        document: DocumentOf,
        documents: FeatureCache,
        of_frame: FeaturesOf,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self.document, self._documents, self._give_way = document, documents, give_way
        self._cuts: OrderedDict[tuple[Any, ...], LayerSource] = OrderedDict()
        self._grey: tuple[int, list[Picture]] | None = None
        self._backdrop: tuple[Any, Floats] | None = None
        self.mattes, self.classes = MatteEngine(self), ClassEngine(self)
        self.sequences = SequenceEngine(self, of_frame, give_way)

    def clear(self) -> None:
        """Forget everything."""
        self._cuts.clear()
        self._grey = self._backdrop = None
        self.mattes.clear()
        self.sequences.clear()

    # cuts and layers -------------------------------------------------------------------------------------------------

    def segments(self, request: SegmentsRequest, progress: Progress, deliver: Deliver) -> SegmentsResult:
        """Cut the picture into components, or find those that are known."""
        document, cut = self.cut(request, progress, deliver)
        if self._grey is None or self._grey[0] != document.number:
            self._grey = document.number, [in_grey(level) for level in document.full_picture()]
        result = SegmentsResult(
            request.features.source,
            document.number,
            to_picture(cut.grid),
            self._grey[1],
            cut.shares,
            cut.groupings,
            cut.merges,
            cut.names,
        )
        if not isinstance(cut, ClassLayers):
            return replace(result, matched=self._matched(request, cut))
        asked = LayersRequest(request, cut.groupings[0])
        if not cut.is_exact:
            deliver(replace(result, layers=_layers_result(asked, cut.grid, cut.quick, exact=False)))
        layers = _layers_result(asked, cut.grid, cut.exact(self._giving_way(progress)), exact=True)
        return replace(result, layers=layers, confidence=cut.confidence)

    def layers(self, request: LayersRequest, progress: Progress, deliver: Deliver) -> LayersResult:
        """The layers on the grid: at once what their components sum to, then as they are."""
        _, cut = self.cut(request.cut, progress.part(0.0, 0.5), deliver)
        if (quick := cut.at_once(request.groups)) is not None:
            deliver(_layers_result(request, cut.grid, quick, exact=False))
        layers = cut.on_grid(request.groups, progress.part(0.5, 1.0, "Layers"))
        return _layers_result(request, cut.grid, layers, exact=True)

    def cut(self, request: SegmentsRequest, progress: Progress, deliver: Deliver) -> tuple[CachedFeatures, LayerSource]:
        """The features of the picture and its cut, remembered or computed."""
        document = self.document(request.features, progress.part(0.0, 0.02), deliver)  # mostly known
        params, key = request.params, _cut_key(request, document)
        cut = self._cuts.get(key)
        if request.classes is not None:  # of one teaching: a stroke more makes the former one worthless
            cut = self._cuts[key] = self._taught(request.classes, request.features.source, document, cut)
        log.debug("cut of %s by %s: %s", document.source.name, params.method, "computed" if cut is None else "known")
        if cut is None:
            cut = self._cuts[key] = self._compute(request, document, progress.part(0.02, 1.0))
        self._cuts.move_to_end(key)
        self.forget_closed()
        return document, cut

    def _matched(self, request: SegmentsRequest, cut: LayerSource) -> Groups:
        """Which layer of the other frame each component goes to, as far as that frame's cut is still remembered."""
        like = request.like
        document = None if like is None else self._documents.last_of(like.cut.features.source)
        other = None if like is None or document is None else self._cuts.get(_cut_key(like.cut, document))
        if like is None or not (isinstance(cut, SoftLayers) and isinstance(other, SoftLayers)):
            return ()
        return cut.matched_to(other, like.groups)

    def forget_closed(self) -> None:
        """Keep cuts of remembered pictures only, and of these the last ones that fit into their share of the memory."""
        alive = {document.number for document in self._documents}
        for key in [key for key in self._cuts if key[0] not in alive]:
            del self._cuts[key]
        if self._grey is not None and self._grey[0] not in alive:
            self._grey = None
        self.mattes.keep_only(alive)
        limit = self._documents.budget * _CACHE_SHARE
        while len(self._cuts) > 1 and sum(kept.nbytes for kept in self._cuts.values()) > limit:
            self._cuts.popitem(last=False)

    @staticmethod
    def _taught(
        classes: TaughtClasses, source: Source, document: CachedFeatures, known: LayerSource | None
    ) -> LayerSource:
        """The classes of a picture: `known` where it is by the same strokes; else what that has read is taken over."""
        if not isinstance(known, ClassLayers):
            classes.check_source(document.record, document.figure.features)
            return ClassLayers(classes, document, lambda: read_source(source).image)
        return known if known.classes is classes else known.taught_anew(classes)

    def _compute(self, request: SegmentsRequest, document: CachedFeatures, progress: Progress) -> LayerSource:
        """As `sss-segment` does it, on the photograph as its file has it."""
        params = request.params
        progress = self._giving_way(progress)
        image = read_source(request.features.source).image
        grid = segment_side(params, (image.shape[0], image.shape[1]))
        segments = segment_picture(
            image,
            params,
            lambda: document.figure.features,
            file=_weights(request, progress) if params.method in NETWORKS else request.file,
            stem=request.features.source.stem,
            device=request.features.extract.device,
            progress=progress,
        )
        if isinstance(segments, SoftSegments):
            return SoftLayers(segments, image, grid)
        return HardLayers(segments, image, grid)

    def _giving_way(self, progress: Progress) -> Progress:
        """`progress`, which answers what is more urgent wherever it is told: a click need not wait for the layers."""

        def listen(fraction: float, stage: str) -> None:
            progress.report(fraction, stage)
            self._give_way()

        return Progress(listen)

    # mattes ----------------------------------------------------------------------------------------------------------

    def matte(self, request: MatteRequest, progress: Progress, deliver: Deliver) -> MatteResult:
        """The matte on the grid: the sum of the picked layers, or what the steps make of it."""
        if request.drawn:
            return self.mattes.matte(request, progress, deliver)
        _, cut = self.cut(request.layers.cut, progress, deliver)
        matte = adjust_matte(self._sum(request, cut), request.matte.params, scale=_scale_of(cut))
        colours = _own_colours(cut.grid, matte, progress) if request.decontaminate else None
        return MatteResult(request.features.source, whole_numbers(matte, 255), to_picture(cut.grid), colours)

    def picked(self, request: MatteRequest, progress: Progress, deliver: Deliver) -> Floats:
        """(h, w) in [0, 1]: the sum of the picked layers on the grid."""
        return self._sum(request, self.cut(request.layers.cut, progress, deliver)[1])

    @staticmethod
    def _sum(request: MatteRequest, cut: LayerSource) -> Floats:
        return picked_sum(cut.on_grid(request.layers.groups, Progress()), request.matte.picked)

    def full_matte(self, request: MatteRequest, progress: Progress, deliver: Deliver) -> tuple[Floats, Floats]:
        """The photograph (H, W, 3), and its matte (H, W) in [0, 1]."""
        if request.drawn:
            return self.mattes.full(request, progress, deliver)
        _, cut = self.cut(request.layers.cut, progress.part(0.0, 0.2), deliver)
        alphas = cut.at_full_size(request.layers.groups, progress.part(0.2, 1.0, "Full size"))
        return cut.image, adjust_matte(picked_sum(alphas, request.matte.picked), request.matte.params)

    def cut_out(self, request: CutOutRequest, progress: Progress, deliver: Deliver) -> Picture:
        """The matte as the alpha of the photograph, or of its own colours."""
        image, matte = self.full_matte(request.matte, progress.part(0.0, 0.7), deliver)
        if request.matte.decontaminate:
            image = estimate_foreground(image, matte, progress=progress.part(0.7, 1.0, "Foreground colours"))
        picture: Picture = np.empty((*matte.shape, 4), np.uint8)
        picture[..., :3] = to_picture(image)
        picture[..., 3] = whole_numbers(matte, 255)
        return picture

    # what is looked at -----------------------------------------------------------------------------------------------

    def lift_segments(
        self, request: SegmentsLiftRequest, progress: Progress, deliver: Deliver
    ) -> dict[str, Patch] | None:
        """The part of layers and matte that is looked at; None where the grid is as fine as the screen."""
        asked, look = request.matte, request.look
        _, cut = self.cut(asked.layers.cut, progress, deliver)
        seen_part = self.part_seen(request.view, cut.image.shape[:2], _scale_of(cut))
        if seen_part is None:
            return None
        (x0, y0, x1, y1), step = seen_part
        part = cut.part(asked.layers.groups, (x0, y0, x1, y1), step)
        rows, columns = part.shape[:2]
        box = (float(x0), float(y0), float(x0 + columns * step), float(y0 + rows * step))
        photo, place = _photo_of(cut.image, (x0, y0), (rows, columns), step), (x0, y0, step, max(cut.image.shape[:2]))
        alphas = whole_alphas(part, 255)
        if look.solo is None:
            patches: dict[str, Patch] = {"layers": (flat_colours(alphas, look.colours, look.shown), box)}
        else:
            alone = matte_picture(alphas[..., look.solo], to_picture(photo), "checkerboard", place=place)
            patches = {"layers": (alone, box)}
        if asked.matte.picked and not asked.drawn:
            progress.report(0.5)
            matte = self._matte_part(asked, cut, (x0, y0, x0 + columns * step, y0 + rows * step), step)
            own = asked.decontaminate and look.alpha != "red"  # red shows what is left out, too
            seen = matte_picture(
                whole_numbers(matte, 255),
                _own_colours(photo, matte, progress) if own else to_picture(photo),
                look.alpha,
                colour=look.colour,
                backdrop=self.backdrop_part(look.backdrop, cut.image.shape, box, (rows, columns)),
                place=place,
            )
            patches["matte"] = (seen, box)
        return patches

    def _matte_part(self, request: MatteRequest, cut: LayerSource, box: Box, step: int) -> Floats:
        """The matte in `box`, computed with as much around it as its borders move and blur."""
        asked, (height, width) = request.matte, cut.image.shape[:2]
        reach = math.ceil((abs(asked.params.grow) + 3 * asked.params.feather) / step) * step
        x0, y0 = (
            max(box[0] - box[0] // step * step, box[0] - reach),
            max(box[1] - box[1] // step * step, box[1] - reach),
        )
        wide = x0, y0, min(width, box[2] + reach), min(height, box[3] + reach)
        matte = picked_sum(cut.part(request.layers.groups, wide, step), asked.picked)
        matte = adjust_matte(matte, asked.params, scale=1 / step)
        rows, columns = (box[3] - box[1]) // step, (box[2] - box[0]) // step
        top, left = (box[1] - y0) // step, (box[0] - x0) // step
        return matte[top : top + rows, left : left + columns]

    @staticmethod
    def part_seen(view: View, size: tuple[int, ...], grid_scale: float) -> tuple[Box, int] | None:
        """The box of a picture of `size` that is on screen, and how many of its pixels become one; None: the grid, of
        `grid_scale` cells a pixel, is enough."""
        (left, top, right, bottom), scale = view
        height, width = size[:2]
        if scale <= grid_scale or grid_scale == 1:
            return None
        box = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
        step = part_step(scale)
        return (box, step) if box[2] - box[0] >= step and box[3] - box[1] >= step else None

    def backdrop(self, request: BackdropRequest, progress: Progress, deliver: Deliver) -> Picture:
        """Read the picture, and cut it to the grid's shape."""
        height, width = request.size
        return to_picture(resize(_covering(self._read(request.path), height / width), request.size))

    def backdrop_part(
        self, path: Path | None, shape: tuple[int, ...], box: tuple[float, ...], size: tuple[int, ...]
    ) -> Picture | None:
        """(h, w, 3) of `size`: what lies behind the part `box` of a picture of `shape`."""
        if path is None:
            return None
        covering = _covering(self._read(path), shape[0] / shape[1])
        across, down = covering.shape[1] / shape[1], covering.shape[0] / shape[0]
        x0, y0 = int(box[0] * across), int(box[1] * down)
        part = covering[y0 : max(int(box[3] * down), y0 + 1), x0 : max(int(box[2] * across), x0 + 1)]
        return to_picture(resize(part, (size[0], size[1])))

    def _read(self, path: Path) -> Floats:
        key = path, _stamp(path)
        if self._backdrop is None or self._backdrop[0] != key:
            self._backdrop = key, read_reduced(path, _BACKDROP_SIDE).image
        return self._backdrop[1]


def _cut_key(request: SegmentsRequest, document: CachedFeatures) -> tuple[Any, ...]:
    """What a cut is remembered by."""
    if request.classes is not None:
        return document.number, "classes"
    params = request.params
    return document.number, params.method, params.size, params.segment_seed, request.file, _stamp(request.file)


def _weights(request: SegmentsRequest, progress: Progress) -> Path:
    """The network's weights, which are downloaded by consent only."""
    method, published = request.params.method, SEGMENTATION_WEIGHTS.get(request.params.method)
    if request.file is None and published is not None and not published.here:
        if not request.consent:
            raise CheckpointError(
                "The weights of this network are not on this machine, and nothing is downloaded unasked.",
                hint="Choose the method again to download them, or a file of them.",
            )
        progress.report(0.0, f"Downloading weights ({published.megabytes} MB)")
    return network_weights(method, request.file, consent=request.consent)


def picked_sum(alphas: Floats, picked: tuple[int, ...]) -> Floats:
    """(h, w) in [0, 1]: the sum of the picked layers of `alphas` (h, w, N)."""
    matte: Floats = np.clip(alphas[..., list(picked)].sum(axis=2), 0, 1)
    return matte


def _layers_result(request: LayersRequest, grid: Floats, alphas: Floats, *, exact: bool) -> LayersResult:
    shares = alphas.mean(axis=(0, 1), dtype=np.float64)
    whole: Alphas = whole_alphas(alphas, 255)
    source = request.cut.features.source
    words = describe_layers(grid, whole) if exact else ()
    return LayersResult(source, request.groups, whole, tuple(shares.tolist()), exact, words)


def _scale_of(cut: LayerSource) -> float:
    """Cells of the grid for each pixel of the photograph."""
    return float(max(cut.grid.shape[:2]) / max(cut.image.shape[:2]))


def _own_colours(photo: Floats, matte: Floats, progress: Progress) -> Picture:
    return to_picture(estimate_foreground(photo, matte, progress=progress))


def _photo_of(image: Floats, corner: tuple[int, int], size: tuple[int, int], step: int) -> Floats:
    """Every `step`-th pixel of `image` from the corner (x, y) on, (rows, columns, 3)."""
    (x, y), (rows, columns) = corner, size
    half = step // 2
    part = image[y + half : y + rows * step : step, x + half : x + columns * step : step]
    return np.ascontiguousarray(part, np.float32)


def _covering(picture: Floats, ratio: float) -> Floats:
    """The middle of `picture` (H, W, 3) that is `ratio` times as high as wide."""
    height, width = picture.shape[:2]
    rows, columns = min(height, max(round(width * ratio), 1)), min(width, max(round(height / ratio), 1))
    y, x = (height - rows) // 2, (width - columns) // 2
    return picture[y : y + rows, x : x + columns]


def _stamp(path: Path | None) -> Any:
    return file_stamp(path) if path is not None else None
