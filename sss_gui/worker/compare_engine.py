"""The engine's answers about several models on one picture. It keeps the last comparison, for pins and the report."""

from __future__ import annotations

from collections.abc import Callable

from sss_gui.requests.compare import (
    CompareReportRequest,
    CompareRequest,
    CompareResult,
    CompareSimilarityRequest,
    EndCompareRequest,
)
from sss_gui.requests.panes import ExportResult, Pyramid, Source
from sss_gui.requests.worker import Deliver
from sss_gui.worker.image_pyramid import make_pyramid
from sss_model.analysis.compare_models import ComparedModel, ModelComparison, compare_models, read_labels
from sss_model.analysis.comparison_report import COLUMNS, table_rows, write_report
from sss_model.analysis.overlay_colours import heat
from sss_model.array_types import Floats
from sss_model.inference.memory import release
from sss_model.progress import Progress


class CompareEngine:
    """Runs models side by side.

    Parameters
    ----------
    photograph : reads the photograph of a source
    make_room : told how many bytes are needed, before they are
    give_way : answers what is more urgent; called between two models
    """

    def __init__(
        self,
        photograph: Callable[[Source, Deliver], Floats],
        make_room: Callable[[int], None],
        give_way: Callable[[], None],
    ) -> None:
        self._photograph, self._make_room, self._give_way = photograph, make_room, give_way
        self._last: tuple[CompareRequest, ModelComparison] | None = None

    def compare(self, request: CompareRequest, progress: Progress, deliver: Deliver) -> CompareResult:
        """The models' pictures in common colours, and the table."""
        self._last = None
        progress.report(0.0, "Reading")
        labels = None if request.labels is None else read_labels(request.labels)
        comparison = compare_models(
            self._photograph(request.source, deliver),
            [ComparedModel(model.title, model.path, model.grid) for model in request.models],
            labels=labels,
            filter=request.filter,
            range=request.range,
            params=request.extract,
            progress=progress,
            between=self._give_way,
            make_room=self._make_room,
        )
        self._last = request, comparison
        rows = table_rows(comparison.rows)
        return CompareResult(
            request.source,
            comparison.size,
            make_pyramid(comparison.picture),
            tuple(row.title for row in comparison.rows),
            tuple(make_pyramid(picture) for picture in comparison.pictures),
            tuple(make_pyramid(picture) for picture in comparison.filtered),
            COLUMNS[: len(rows[0])],
            tuple(rows),
            tuple(f"{row.title}: {note}" for row in comparison.rows for note in row.notes),
        )

    def similar_pixels(
        self, request: CompareSimilarityRequest, progress: Progress, deliver: Deliver
    ) -> tuple[Pyramid, ...] | None:
        """How alike to one pixel, in every model; None where nothing is compared."""
        if self._last is None:
            return None
        maps = self._last[1].similarity(request.point, request.metric)
        return tuple(make_pyramid(heat(values, 0.0)) for values in maps)

    def write_page(self, request: CompareReportRequest, progress: Progress, deliver: Deliver) -> ExportResult | None:
        """Write the page; None where nothing is compared."""
        if self._last is None:
            return None
        asked, comparison = self._last
        progress.report(0.0, "Writing")
        write_report(
            request.path,
            comparison,
            name=asked.source.name,
            filter=asked.filter,
            pins=request.pins,
            metric=request.metric,
        )
        return ExportResult((request.path,))

    def end_comparison(self, request: EndCompareRequest, progress: Progress, deliver: Deliver) -> None:
        """Give the memory back."""
        self._last = None
        release()
