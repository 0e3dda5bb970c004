"""The one way from clicks to an alpha, for the window, the command and notebooks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sss_model import budget
from sss_model.array_types import AnyFloats, Doubles, Floats
from sss_model.errors import DeviceError, ParameterError
from sss_model.extractor import check_image
from sss_model.inference.plan import memory_words
from sss_model.matting.edges import fine_image, full_alpha, lifted_alpha, quick_alpha
from sss_model.matting.find import find_thing, match_score, thing_of
from sss_model.matting.one_thread import one_thread
from sss_model.matting.parts import GRID, Parts, cut_parts
from sss_model.matting.recipe import Recipe, Thing, recipe_from
from sss_model.matting.state import State, after, empty, given, under_brush, under_point
from sss_model.matting.steps import CLICK_RADIUS, Given, Point, Step, box_at, stroke_at
from sss_model.params.layers import MatteParams
from sss_model.progress import Progress, silent
from sss_model.segmentation.inputs import grid_image, grid_size
from sss_model.segmentation.matte import adjust_matte, check_matte

if TYPE_CHECKING:
    from sss_model.extractor import FeatureExtractor


_GRID_BYTES, _PIXEL_BYTES = 400, 32  # a pixel of the grid, beside its features, and one of the picture
_DIGEST_ROWS = 512
_HOVERS = 500  # answers that are remembered


class MatteEditor:
    """A matte of one picture, made by clicks, strokes and a box.

    Steps are answered from the picture's superpixels, which are made at the beginning, in some hundredths of a second.
    `quick` shows the answer on the grid; `alpha` has its edges solved at the picture's own size when it is asked for.
    `click`, `stroke` and `box` give `alpha`; to show `quick` first, call `apply` with a step, then `solve`.

    Parameters
    ----------
    image : (H, W, 3) float RGB in [0, 1]
    features : (h, w, D) of any float type, on a grid of any size over the picture; None: those of `model`
    model : a checkpoint file or an extractor; None: the shipped model
    parts : the picture's superpixels, where `cut_parts` has made them already
    progress : told while features and superpixels are computed; may raise `Cancelled`

    Attributes
    ----------
    edges : whether `alpha` has solved edges; else it is `quick`, lifted
    params : what is done to `alpha` at the end: tightness, growth, feather, invert

    Raises
    ------
    ParameterError : an array of the wrong shape or type, or not finite
    DeviceError : there is not enough memory

    Examples
    --------
    >>> image = np.full((60, 80, 3), 0.2, np.float32)
    >>> image[20:40, 30:60] = (0.9, 0.5, 0.1)
    >>> editor = MatteEditor(image, image)  # any features will do
    >>> alpha = editor.click(45, 30)
    >>> alpha.shape, float(alpha[30, 45]), float(alpha[5, 5])
    ((60, 80), 1.0, 0.0)
    >>> alpha = editor.click(33, 25, keep=False)
    >>> float(editor.undo()[25, 33])
    1.0
    """

    def __init__(
        self,
        image: AnyFloats,
        features: AnyFloats | None = None,
        *,
        model: str | os.PathLike[str] | FeatureExtractor | None = None,
        parts: Parts | None = None,
        progress: Progress | None = None,
    ) -> None:
        check_image(image)
        steps, self.model = silent(progress), ""
        check_memory(image.shape)
        if features is None and parts is None:
            features, self.model = _model_features(image, model, steps.part(0.0, 0.8, "Features"))
        if parts is None and features is not None:
            parts = cut_parts(image, features, progress=steps.part(0.8, 1.0))
        if parts is None or parts.size != grid_size(image.shape, GRID):
            raise ParameterError("The superpixels given must be those of the image, made by cut_parts.")
        self.image, self.parts = image, parts
        self.edges, self.params = True, MatteParams()
        self._guide = np.ascontiguousarray(grid_image(image, GRID).numpy())
        self._start: Thing | None = None
        self._steps: list[Step] = []
        self._states: list[State] = [empty(parts)]
        self._undone: list[tuple[Step, State]] = []
        self._solved: dict[bool, Floats] = {}
        self._hovered: tuple[State, dict[tuple[bytes, int, bool], Doubles]] = self._states[0], {}
        self._sha256 = ""

    # What a user does

    def click(
        self, x: float, y: float, keep: bool = True, *, more: int = 0, progress: Progress | None = None
    ) -> Floats:
        """Take the thing at (x, y) in pixels, or leave it out; the matte (H, W) float32 in [0, 1] after that.

        The first click picks; later ones correct what is connected to them. A click where one has said the same already
        takes the next larger part, as `more=1` does at once; `more=-1` takes the next smaller one, and so on.

        Raises
        ------
        ParameterError : a place outside the picture, or a `more` beyond 6
        """
        radius = CLICK_RADIUS * max(self.image.shape[:2])
        return self._stepped(stroke_at([(x, y)], keep, radius, self.size, click=True, more=more), progress)

    def stroke(
        self, points: Sequence[Point], keep: bool = True, radius: float = 6, *, progress: Progress | None = None
    ) -> Floats:
        """Draw with a round brush of `radius` pixels along `points`: what is under it is in the matte, or out.

        Raises
        ------
        ParameterError : no points, or one outside the picture
        """
        return self._stepped(stroke_at(points, keep, radius, self.size), progress)

    def box(self, x0: float, y0: float, x1: float, y1: float, *, progress: Progress | None = None) -> Floats:
        """Say that the thing lies between two corners, with nothing of it outside.

        Raises
        ------
        ParameterError : a box without area in the picture
        """
        return self._stepped(box_at(x0, y0, x1, y1, self.size), progress)

    def undo(self, *, progress: Progress | None = None) -> Floats:
        """Take the last step back, if there is one; `alpha` before it."""
        if self._steps:
            self._undone.append((self._steps.pop(), self._states.pop()))
            self._solved.clear()
        return self.solve(progress)

    def redo(self, *, progress: Progress | None = None) -> Floats:
        """Do again what was undone last, if no step came since; `alpha` after it."""
        if self._undone:
            step, state = self._undone.pop()
            self._steps.append(step)
            self._states.append(state)
            self._solved.clear()
        return self.solve(progress)

    @one_thread()
    def apply(self, step: Step) -> None:
        """Do `step`, of `stroke_at` or `box_at`, without computing `alpha`."""
        state = after(self.parts, self._states[-1], step)
        self._steps.append(step)
        self._states.append(state)
        self._undone.clear()
        self._solved.clear()

    def begin_with(self, matte: Floats) -> Given:
        """The step that starts from `matte`, (h, w) float in [0, 1] over the picture, such as a sum of layers.

        Raises
        ------
        ParameterError : another shape or type, or values outside [0, 1]
        """
        check_matte(matte)
        height, width = self.parts.size
        on_grid: Floats = np.asarray(
            cv2.resize(np.asarray(matte, np.float32), (width, height), interpolation=cv2.INTER_AREA), np.float32
        )
        return given(self.parts, on_grid)

    def set_steps(self, steps: Sequence[Step]) -> None:
        """Let these steps be what was done, without computing `alpha`; those that are done already are not repeated."""
        same = next((k for k, pair in enumerate(zip(self._steps, steps, strict=False)) if pair[0] != pair[1]), None)
        same = min(len(self._steps), len(steps)) if same is None else same
        if same < len(self._steps):
            del self._steps[same:], self._states[same + 1 :]
            self._undone.clear()
            self._solved.clear()
        for step in steps[same:]:
            self.apply(step)

    def _stepped(self, step: Step, progress: Progress | None) -> Floats:
        self.apply(step)
        return self.solve(progress)

    # What comes of it

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return int(self.image.shape[0]), int(self.image.shape[1])

    @property
    def steps(self) -> tuple[Step, ...]:
        """What was done and not undone."""
        return tuple(self._steps)

    @property
    def state(self) -> State:
        """The matte of the superpixels after the steps."""
        return self._states[-1]

    @property
    @one_thread()
    def quick(self) -> Floats:
        """(h, w) float32 in [0, 1]: the matte on the grid, before edges are solved; some hundredths of a second."""
        return quick_alpha(self._guide, self._coarse(self._states[-1].alpha), self._steps)

    @one_thread()
    def hover(self, x: float, y: float, keep: bool = True) -> Floats:
        """(h, w) float32 in [0, 1]: what the matte would be on the grid after a click at (x, y), with rough borders."""
        step = stroke_at([(x, y)], keep, CLICK_RADIUS * max(self.size), self.size, click=True)
        state = self._states[-1]
        if self._hovered[0] is not state or len(self._hovered[1]) >= _HOVERS:
            self._hovered = state, {}
        known, key = self._hovered[1], (under_brush(self.parts, step).tobytes(), under_point(self.parts, step), keep)
        if key not in known:
            known[key] = after(self.parts, state, step).alpha
        return self._coarse(known[key])

    @property
    def alpha(self) -> Floats:
        """(H, W) float32 in [0, 1]: the matte at the picture's size."""
        return self.solve()

    @one_thread()
    def solve(self, progress: Progress | None = None) -> Floats:
        """`alpha`, computed if it is not known yet; `progress` may raise `Cancelled`, which loses nothing."""
        if self.edges not in self._solved:
            state = self._states[-1]
            coarse = self._coarse(state.alpha)
            if self.edges:
                contested = state.contested[self.parts.labels]
                alpha = full_alpha(self.image, coarse, contested, self._steps, fine=self._fine, progress=progress)
            else:
                alpha = lifted_alpha(self.image, self._guide, coarse, self._steps, progress=progress)
            self._solved = {self.edges: alpha}
        return adjust_matte(self._solved[self.edges], self.params)

    @cached_property
    def _fine(self) -> Floats:
        """The picture at the size that edges are solved at."""
        return fine_image(self.image)

    @property
    def confidence(self) -> float:
        """From 0 to 1: how sure the matte is of what it takes; after `from_recipe`, how like the thing it is."""
        alpha = self._states[-1].alpha
        if self._start is not None and not self._steps:
            return match_score(self.parts, alpha, self._start)
        weight = self.parts.shares * alpha
        return float(weight @ np.abs(2 * alpha - 1) / weight.sum()) if weight.sum() else 0.0

    def _coarse(self, alpha: Doubles) -> Floats:
        coarse: Floats = alpha.astype(np.float32)[self.parts.labels]
        return coarse

    # The record

    def recipe(self) -> dict[str, Any]:
        """All that makes this matte, as JSON takes it, and what finds its thing in other pictures."""
        thing = thing_of(self.parts, self._states[-1].alpha)
        return Recipe(
            self.size, self._digest(), self.model, tuple(self._steps), self._start, thing, self.params, self.edges
        ).to_dict()

    @classmethod
    def from_recipe(
        cls,
        image: AnyFloats,
        recipe: dict[str, Any],
        features: AnyFloats | None = None,
        *,
        model: str | os.PathLike[str] | FeatureExtractor | None = None,
        parts: Parts | None = None,
        progress: Progress | None = None,
    ) -> MatteEditor:
        """The editor that `recipe` came from, where `image` is its picture; on another, with the same thing found.

        Parameters
        ----------
        image, features, model, parts, progress : as for `MatteEditor`

        Raises
        ------
        ParameterError : no recipe, or one that was made with another model or features of another length

        Examples
        --------
        >>> image = np.full((60, 80, 3), 0.2, np.float32)
        >>> image[20:40, 30:60] = (0.9, 0.5, 0.1)
        >>> editor = MatteEditor(image, image)
        >>> alpha = editor.click(45, 30)
        >>> bool((MatteEditor.from_recipe(image, editor.recipe(), image).alpha == alpha).all())
        True
        >>> moved = np.roll(image, 20, axis=1)
        >>> found = MatteEditor.from_recipe(moved, editor.recipe(), moved)
        >>> float(found.alpha[30, 70]), float(found.alpha[30, 35]), found.confidence > 0.9
        (1.0, 0.0, True)
        """
        known = recipe_from(recipe)
        editor = cls(image, features, model=model, parts=parts, progress=progress)
        if known.model and editor.model and known.model != editor.model:
            raise ParameterError(
                f"The recipe was made with the model {known.model[:12]}..., got {editor.model[:12]}....",
                hint="Use that model, or make the recipe anew.",
            )
        editor.params, editor.edges = known.params, known.edges
        same = known.size == editor.size and known.picture == editor._digest()
        editor._begin(known.start if same else known.thing)
        for step in known.steps if same else ():
            editor.apply(step)
        return editor

    def _begin(self, thing: Thing | None) -> None:
        """Start from `thing`, found by its features."""
        self._start = thing
        if thing is None:
            return
        dimensions = self.parts.features.shape[1]
        if len(thing.inside) != dimensions:
            raise ParameterError(
                f"The recipe was made with features of {len(thing.inside)} dimensions, got {dimensions}."
            )
        first = empty(self.parts)
        self._states = [State(find_thing(self.parts, thing), first.marks, first.contested, True)]

    def _digest(self) -> str:
        """Of the picture's pixels, as float32."""
        if not self._sha256:
            digest = hashlib.sha256()
            for top in range(0, self.size[0], _DIGEST_ROWS):
                digest.update(np.ascontiguousarray(self.image[top : top + _DIGEST_ROWS], np.float32).tobytes())
            self._sha256 = digest.hexdigest()
        return self._sha256


def forecast(shape: tuple[int, ...]) -> int:
    """About the most bytes that a `MatteEditor` takes for an image of `shape` (H, W, 3), beside image and features."""
    height, width = grid_size(shape, GRID)
    return height * width * _GRID_BYTES + int(shape[0]) * int(shape[1]) * _PIXEL_BYTES


def check_memory(shape: tuple[int, ...]) -> None:
    """Raise `DeviceError` where a matte of an image of `shape` takes more memory than is free."""
    needed, free = forecast(shape), budget.free_memory()
    if needed > free:
        raise DeviceError(
            f"A matte of {shape[1]} x {shape[0]} pixels needs {memory_words(needed)}; {memory_words(free)} are free.",
            hint="Close other programs, or make the picture smaller.",
        )


def _model_features(
    image: AnyFloats, model: str | os.PathLike[str] | FeatureExtractor | None, progress: Progress
) -> tuple[Floats, str]:
    """The features of `image` on the model's grid, and the digest of the model's file."""
    from sss_model.extractor import FeatureExtractor
    from sss_model.working_grid import extract_grid

    extractor = (
        model if isinstance(model, FeatureExtractor) else FeatureExtractor(None if model is None else Path(model))
    )
    found = extract_grid(extractor, np.asarray(image, np.float32), progress=progress)
    return found.features, extractor.checkpoint.sha256
