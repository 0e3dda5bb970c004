"""The engine's answers that lie over the pictures: similarity, nearest pin, clusters; and their files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_gui import colours
from sss_gui.document import Document, Documents
from sss_gui.pyramid import make_pyramid
from sss_gui.request import (
    ClusterRequest,
    ClusterResult,
    ExportResult,
    HeatRequest,
    HeatResult,
    MaskRequest,
    Source,
)
from sss_model.clusters import Clusters, cluster_features
from sss_model.errors import ParameterError
from sss_model.export import write_index
from sss_model.params import ClusterParams
from sss_model.progress import Progress
from sss_model.similarity import Similarity, best_match

MATCH_APART = 0.04  # of the longer side: nearer pixels are no match, they are the pixel itself


class OverlayEngine:
    """Compares and groups the features that the documents remember."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._compared: dict[int, tuple[Document, Similarity]] = {}
        self._clusters: tuple[Document, ClusterParams, Clusters] | None = None
        self.answers: dict[type, Callable[[Any, Progress], Any]] = {
            HeatRequest: self.heat,
            ClusterRequest: self.clusters,
            MaskRequest: self.mask,
        }

    def clear(self) -> None:
        """Forget everything."""
        self._compared.clear()
        self._clusters = None

    def heat(self, request: HeatRequest, progress: Progress) -> HeatResult | None:
        """How alike, or nearest to which."""
        document = self._documents.last_of(request.source)
        if document is None:
            return None
        progress.report(0.0, "Similarity")
        if len(request.points) > 1:
            labels = self._nearest(document, request)
            return HeatResult(request.ticket, request.source, make_pyramid(colours.groups(labels)))
        values = self._similarity(document, request)
        apart = max(2, round(MATCH_APART * max(values.shape)))
        return HeatResult(
            request.ticket,
            request.source,
            make_pyramid(colours.heat(values, request.params.threshold)),
            match=best_match(values, request.points[0], apart),
            matches=self._in_others(document, request, progress),
            share=float((values >= request.params.threshold).mean()),
        )

    def clusters(self, request: ClusterRequest, progress: Progress) -> ClusterResult | None:
        """Groups of like pixels."""
        document = self._documents.last_of(request.source)
        if document is None:
            return None
        found = self._grouped(document, request.params, progress)
        return ClusterResult(request.ticket, request.source, make_pyramid(colours.groups(found.labels)))

    def mask(self, request: MaskRequest, progress: Progress) -> ExportResult:
        """Write a mask (0 and 255) or an index picture (0 .. k - 1) as a grey PNG."""
        asked = request.overlay
        document = self._documents.last_of(asked.source)
        if document is None:
            raise ParameterError(f"{asked.source.name} is no longer open.")
        if isinstance(asked, HeatRequest) and len(asked.points) == 1:
            kept = self._similarity(document, asked) >= asked.params.threshold
            write_index(request.path, np.where(kept, 255, 0).astype(np.uint8))
        elif isinstance(asked, HeatRequest):
            write_index(request.path, self._nearest(document, asked), colours.palette(256)[:, :3])
        else:
            labels = self._grouped(document, asked.params, progress).labels
            write_index(request.path, labels, colours.palette(256)[:, :3])
        return ExportResult(request.ticket, (request.path,))

    def _similarity(self, document: Document, request: HeatRequest) -> NDArray[np.float32]:
        vectors = _vectors(document, request.points)
        return self._comparing(document).to_vector(vectors[0], request.params.metric)

    def _nearest(self, document: Document, request: HeatRequest) -> NDArray[np.uint8]:
        vectors = _vectors(document, request.points)
        return self._comparing(document).nearest(vectors, request.params.metric)

    def _in_others(
        self, document: Document, request: HeatRequest, progress: Progress
    ) -> tuple[tuple[Source, float], ...]:
        vector = _vectors(document, request.points)[0]
        found = []
        for number, source in enumerate(request.others):
            progress.report(number / len(request.others), "Similarity")
            other = self._documents.last_of(source)
            if other is not None and other.figure.features.shape[2] == len(vector):
                values = self._comparing(other).to_vector(vector, request.params.metric)
                found.append((source, float(values.max())))
        return tuple(found)

    def _comparing(self, document: Document) -> Similarity:
        """The document's `Similarity`, kept while the document is."""
        alive = {id(kept) for kept in self._documents}
        self._compared = {key: value for key, value in self._compared.items() if key in alive}
        known = self._compared.get(id(document))
        if known is None:
            known = self._compared[id(document)] = document, Similarity(document.figure.features)
        return known[1]

    def _grouped(self, document: Document, params: ClusterParams, progress: Progress) -> Clusters:
        known = self._clusters
        if known is None or known[0] is not document or known[1] != params:
            found = cluster_features(
                document.figure.features, params.clusters, seed=params.cluster_seed, progress=progress
            )
            known = self._clusters = document, params, found
        return known[2]


def _vectors(document: Document, points: tuple[tuple[int, int], ...]) -> NDArray[np.float32]:
    """Features (P, D) at `points` (x, y); `ParameterError` for one outside."""
    height, width = document.figure.features.shape[:2]
    for x, y in points:
        if not (0 <= x < width and 0 <= y < height):
            raise ParameterError(f"The pixel ({x}, {y}) is outside the picture of {width} x {height}.")
    return np.array([document.figure.features[y, x] for x, y in points], np.float32)
