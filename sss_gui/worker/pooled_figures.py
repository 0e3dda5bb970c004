"""The figures of many pictures for one basis, made one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from sss_gui.requests.panes import BasisRequest, BasisStep, Source
from sss_gui.requests.worker import Deliver
from sss_gui.worker.feature_cache import CachedFeatures
from sss_model.errors import SSSError
from sss_model.progress import Progress

if TYPE_CHECKING:
    from sss_model.projection.feature_views import FeatureViews  # loads torch


class PooledFigures:
    """Each figure comes with its share of the progress; that it is done is delivered as a `BasisStep`.

    After each, `give_way` lets a picture in that was chosen meanwhile.

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
    ) -> None:
        self._make, self._request, self._progress, self._deliver = make, request, progress, deliver
        self._give_way = give_way
        self._channels = like.figure.features.shape[2]
        self.fitted: list[Source] = []
        self.failed: list[tuple[Source, str]] = []

    def __iter__(self) -> Iterator[tuple[FeatureViews, Progress]]:
        count = len(self._request.sources)
        for number, source in enumerate(self._request.sources):
            part = self._progress.part(number / count, (number + 1) / count)
            problem = ""
            try:
                features = replace(self._request.panes.features, source=source, fresh=False)
                figure = self._make(features, part.part(0.0, 0.7), lambda _result: None).figure
                channels = figure.features.shape[2]
                if channels != self._channels:
                    problem = f"It has {channels} dimensions, not {self._channels}."
            except SSSError as error:
                problem = str(error)
            if problem:
                self.failed.append((source, problem))
            else:
                self.fitted.append(source)
                yield figure, part.part(0.7, 1.0)
            self._deliver(BasisStep(source, problem))
            self._give_way()
