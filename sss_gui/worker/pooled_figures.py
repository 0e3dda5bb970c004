"""The figures of many pictures for one basis, made one after the other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from sss_gui.requests.panes import BasisRequest, BasisStep, ComputeFeatures, Source
from sss_gui.requests.worker import Deliver
from sss_gui.worker.feature_cache import CachedFeatures
from sss_model.errors import SSSError
from sss_model.progress import Progress

if TYPE_CHECKING:
    from sss_model.projection.feature_views import FeatureViews  # loads torch

FILTERING = 0.3
"""Of the work on a picture: what is left of it where its features are known."""


class PooledFigures:
    """Each figure comes with its share of the progress; that it is done is delivered as a `BasisStep`.

    After each, `give_way` lets a picture in that was chosen meanwhile. One whose features are `known` counts for less,
    so that the time left can be told by what is done.

    Attributes
    ----------
    fitted, failed : the pictures that came, and those that could not, each with a sentence
    """

    def __init__(
        self,
        make: Callable[..., CachedFeatures],
        like: CachedFeatures,
        request: BasisRequest,
        progress: Progress,
        deliver: Deliver,
        give_way: Callable[[], None],
        known: Callable[[ComputeFeatures], bool],
    ) -> None:
        self._make, self._request, self._progress, self._deliver = make, request, progress, deliver
        self._give_way, self._known = give_way, known
        self._channels = like.figure.features.shape[2]
        self.fitted: list[Source] = []
        self.failed: list[tuple[Source, str]] = []

    def __iter__(self) -> Iterator[tuple[FeatureViews, Progress]]:
        panes = self._request.panes
        asked = [replace(panes.features, source=source, fresh=False) for source in self._request.sources]
        steps = [FILTERING if self._known(features) else 1.0 for features in asked]
        ends = [0.0, *itertools.accumulate(steps)]
        for features, step, begun, end in zip(asked, steps, ends, ends[1:], strict=False):
            part, source = self._progress.part(begun / ends[-1], end / ends[-1]), features.source
            computed, problem = 1.0 - FILTERING / step, ""
            try:
                figure = self._make(features, part.part(0.0, computed), lambda _result: None).figure
                channels = figure.features.shape[2]
                if channels != self._channels:
                    problem = f"It has {channels} dimensions, not {self._channels}."
            except SSSError as error:
                problem = str(error)
            if problem:
                self.failed.append((source, problem))
            else:
                self.fitted.append(source)
                yield figure, part.part(computed, 1.0)
            self._deliver(BasisStep(source, problem))
            self._give_way()
