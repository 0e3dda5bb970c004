"""Mattes made by clicks, strokes and a box: the `MatteEditor` of the picture that is looked at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sss_gui.requests.panes import ComputeFeatures, Patch
from sss_gui.requests.segments import (
    Alphas,
    CarriedTo,
    HoverRequest,
    MatteLiftRequest,
    MatteRequest,
    MatteResult,
    PrepareMatteRequest,
    RecipeRequest,
)
from sss_gui.requests.worker import Deliver
from sss_gui.worker.layer_pictures import matte_picture
from sss_gui.worker.sources import read_source, source_stamp
from sss_model.files.export import ExportError, prepare_folder
from sss_model.image_io import to_picture
from sss_model.layer_io.layers import whole_numbers
from sss_model.matting import Given, MatteEditor
from sss_model.matting.parts import GRID
from sss_model.progress import Progress
from sss_model.segmentation.foreground import estimate_foreground
from sss_model.segmentation.inputs import grid_image
from sss_model.segmentation.matte import adjust_matte
from sss_model.storage.atomic_write import replacing

if TYPE_CHECKING:
    from sss_gui.worker.layers.segment_engine import SegmentEngine

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class _Edited:
    """The editor of one picture, and what it began with.

    Attributes
    ----------
    number : of the features
    begun : name of what was carried here; '' where it begins with nothing
    grid : (h, w, 3) float32, the photograph on the editor's grid
    """

    number: int
    begun: str
    editor: MatteEditor
    grid: Floats

    @property
    def scale(self) -> float:
        """Pixels of the grid for each of the picture."""
        return float(max(self.grid.shape[:2]) / max(self.editor.size))


class MatteEngine:
    """Answers what is asked about mattes with steps; the editor of the last picture is remembered.

    Parameters
    ----------
    segmenter : knows features, photographs and the layers that a matte may begin with
    """

    def __init__(self, segmenter: SegmentEngine) -> None:
        self._segmenter = segmenter
        self._edited: _Edited | None = None
        self._recipe: tuple[Any, dict[str, Any]] | None = None
        self._begun: tuple[Any, Given] | None = None  # the sum of layers that the matte begins with

    def clear(self) -> None:
        """Forget the editor, and the last recipe."""
        self._edited = self._begun = self._recipe = None

    def keep_only(self, numbers: set[int]) -> None:
        """Forget the editor unless its features are among those."""
        if self._edited is not None and self._edited.number not in numbers:
            self._edited = self._begun = None

    def prepare(self, request: PrepareMatteRequest, progress: Progress, deliver: Deliver) -> None:
        """Make the editor, so that the first click finds it."""
        self._edited_of(request.features, progress, deliver, request.carried)

    def matte(self, request: MatteRequest, progress: Progress, deliver: Deliver) -> MatteResult:
        """The matte at once as the superpixels have it, then with its edges solved."""
        edited = self._at(request, progress.part(0.0, 0.2), deliver)
        asked, editor, source = request.matte, edited.editor, request.features.source
        quick = adjust_matte(editor.quick, asked.params, scale=edited.scale)
        if not (asked.edges and editor.steps):  # what was carried is solved already
            return self._result(request, edited, quick)
        deliver(MatteResult(source, whole_numbers(quick, 255), to_picture(edited.grid), solved=False))
        alpha = editor.solve(progress.part(0.3, 1.0, "Edges"))
        height, width = edited.grid.shape[:2]
        small = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA).clip(0, 1)
        return self._result(request, edited, small)

    @staticmethod
    def _result(request: MatteRequest, edited: _Edited, matte: Floats) -> MatteResult:
        own = to_picture(estimate_foreground(edited.grid, matte)) if request.decontaminate else None
        return MatteResult(request.features.source, whole_numbers(matte, 255), to_picture(edited.grid), own)

    def hover(self, request: HoverRequest, progress: Progress, deliver: Deliver) -> Alphas:
        """What the matte would be after a click."""
        edited = self._at(request.matte, progress, deliver)
        return whole_numbers(edited.editor.hover(*request.point, request.keep), 255)

    def lift_matte(self, request: MatteLiftRequest, progress: Progress, deliver: Deliver) -> Patch | None:
        """The part of the matte that is looked at, at the photograph's own size; None where the grid is as fine."""
        asked = request.matte
        edited = self._at(asked, progress.part(0.0, 0.2), deliver)
        place = self._segmenter.part_seen(request.view, edited.editor.size, edited.scale)
        if place is None:
            return None
        (x0, y0, x1, y1), step = place
        rows, columns = (slice(start + step // 2, end, step) for start, end in ((y0, y1), (x0, x1)))
        alpha = edited.editor.solve(progress.part(0.2, 0.8, "Edges"))[rows, columns]
        photo = np.ascontiguousarray(edited.editor.image[rows, columns], np.float32)
        own = asked.decontaminate and request.look.alpha != "red"
        colours = estimate_foreground(photo, alpha, progress=progress.part(0.8, 1.0)) if own else photo
        box = (float(x0), float(y0), float(x0 + alpha.shape[1] * step), float(y0 + alpha.shape[0] * step))
        picture = matte_picture(
            whole_numbers(alpha, 255),
            to_picture(colours),
            request.look.alpha,
            colour=request.look.colour,
            backdrop=self._segmenter.backdrop_part(request.look.backdrop, edited.editor.size, box, alpha.shape),
            place=(x0, y0, step, max(edited.editor.size)),
        )
        return picture, box

    def full(self, request: MatteRequest, progress: Progress, deliver: Deliver) -> tuple[Floats, Floats]:
        """The photograph (H, W, 3), and its matte (H, W) in [0, 1]."""
        editor = self._at(request, progress.part(0.0, 0.2), deliver).editor
        return np.asarray(editor.image, np.float32), editor.solve(progress.part(0.2, 1.0, "Edges"))

    def recipe(self, request: RecipeRequest, progress: Progress, deliver: Deliver) -> Path:
        """Write all that makes the matte."""
        recipe = self.values(request.matte, progress, deliver)
        prepare_folder(request.path.parent)
        with replacing(request.path, ExportError) as path:
            path.write_text(json.dumps(recipe), encoding="utf-8")
        return request.path

    def values(self, request: MatteRequest, progress: Progress, deliver: Deliver) -> dict[str, Any]:
        """All that makes the matte, as JSON has it; the last one is remembered, for all pictures of a batch."""
        key = request, source_stamp(request.features.source)
        if self._recipe is None or self._recipe[0] != key:
            self._recipe = key, self._at(request, progress, deliver).editor.recipe()
        return self._recipe[1]

    def _at(self, request: MatteRequest, progress: Progress, deliver: Deliver) -> _Edited:
        """The editor, at the request's steps."""
        edited, asked = self._edited_of(request.features, progress, deliver, request.carried), request.matte
        steps = asked.steps
        if asked.picked and request.layers.groups:
            steps = (self._begin(request, edited, progress, deliver), *steps)
        edited.editor.edges, edited.editor.params = asked.edges, asked.params
        edited.editor.set_steps(steps)
        return edited

    def _begin(self, request: MatteRequest, edited: _Edited, progress: Progress, deliver: Deliver) -> Given:
        """The step that begins with the sum of the picked layers."""
        key = edited.number, request.layers, request.matte.picked
        if self._begun is None or self._begun[0] != key:
            self._begun = key, edited.editor.begin_with(self._segmenter.picked(request, progress, deliver))
        return self._begun[1]

    def _edited_of(
        self, features: ComputeFeatures, progress: Progress, deliver: Deliver, carried: CarriedTo | None = None
    ) -> _Edited:
        document = self._segmenter.document(features, progress.part(0.0, 0.5), deliver)
        begun = "" if carried is None else self._segmenter.sequences.begun_with(carried, deliver)
        if self._edited is None or (self._edited.number, self._edited.begun) != (document.number, begun):
            self._edited = self._begun = None
            image, rest = read_source(features.source).image, progress.part(0.5, 1.0)
            values = document.figure.features
            if carried is None:
                editor = MatteEditor(image, values, progress=rest)
            else:
                editor = self._segmenter.sequences.editor(carried, image, values, rest)
            editor.model = document.record.get("checkpoint", {}).get("sha256", "")
            grid = np.ascontiguousarray(grid_image(image, GRID).numpy())
            self._edited = _Edited(document.number, begun, editor, grid)
        return self._edited
