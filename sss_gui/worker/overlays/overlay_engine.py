"""The engine's answers that lie over the pictures: similarity, nearest pin, clusters; and their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_gui.requests.overlays import (
    ClusterRequest,
    ClusterResult,
    Match,
    SimilarityRequest,
    SimilarityResult,
    WriteMapRequest,
    WriteMaskRequest,
)
from sss_gui.requests.panes import ExportResult
from sss_gui.requests.worker import Deliver
from sss_gui.worker.feature_cache import CachedFeatures, FeatureCache
from sss_gui.worker.image_pyramid import make_pyramid
from sss_model.analysis import overlay_colours as colours
from sss_model.analysis.clusters import Clusters, cluster_features
from sss_model.analysis.similarity import Similarity, best_match
from sss_model.analysis.similarity_files import write_similarity
from sss_model.errors import ParameterError
from sss_model.files.export import write_index
from sss_model.params import ClusterParams
from sss_model.progress import Progress

MATCH_APART = 0.04  # of the longer side: nearer pixels are no match, they are the pixel itself
SMALL = 192  # pixels of a thumbnail's longer side


class OverlayEngine:
    """Compares and groups the features that the documents remember."""

    def __init__(self, documents: FeatureCache) -> None:
        self._documents = documents
        self._compared: dict[int, tuple[CachedFeatures, Similarity]] = {}
        self._clusters: tuple[CachedFeatures, ClusterParams, Clusters] | None = None

    def clear(self) -> None:
        """Forget everything."""
        self._compared.clear()
        self._clusters = None

    def similarity(self, request: SimilarityRequest, progress: Progress, deliver: Deliver) -> SimilarityResult | None:
        """How alike, or nearest to which; in the other pictures too."""
        document = self._documents.last_of(request.source)
        vectors = self._vectors(request, document)
        if document is None or vectors is None or document.figure.features.shape[2] != vectors.shape[1]:
            return None
        progress.report(0.0, "Similarity")
        metric = request.params.metric
        matches = self._in_others(request, document, vectors, progress)
        if len(vectors) > 1:
            labels = self._comparing(document).nearest(vectors, metric)
            groups = make_pyramid(colours.groups(labels, len(vectors)))
            return SimilarityResult(request.source, groups, matches=matches, values=labels)
        values = self._comparing(document).to_vector(vectors[0], metric)
        figure, apart = document.figure, max(2, round(MATCH_APART * max(values.shape)))
        own = request.of == request.source
        best = best_match(values, figure.cell(request.points[0]), apart) if own else _best(values)
        return SimilarityResult(
            request.source,
            make_pyramid(colours.heat(values, request.params.threshold)),
            match=figure.pixel(best) if best is not None else None,
            matches=matches,
            values=values,
        )

    def clusters(self, request: ClusterRequest, progress: Progress, deliver: Deliver) -> ClusterResult | None:
        """Groups of like pixels."""
        document = self._documents.last_of(request.source)
        if document is None:
            return None
        clusters = self._grouped(document, request.params, progress)
        return ClusterResult(make_pyramid(colours.groups(clusters.labels)), clusters.labels)

    def write_mask(self, request: WriteMaskRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        """Write a mask (0 and 255) or an index picture (0 .. k - 1) as a grey PNG."""
        asked = request.overlay
        document = self._documents.last_of(asked.source)
        if document is None:
            raise ParameterError(f"{asked.source.name} is no longer open.")
        if isinstance(asked, SimilarityRequest):
            self._write_similarity(document, asked, request.path)
        else:
            labels = self._grouped(document, asked.params, progress).labels
            write_index(request.path, document.figure.at_full_size(labels), colours.palette(256)[:, :3])
        return ExportResult((request.path,))

    def write_map(self, request: WriteMapRequest, progress: Progress, deliver: Deliver) -> ExportResult | None:
        """The similarity as numbers, at the photograph's own size."""
        asked = request.similarity
        document = self._documents.last_of(asked.source)
        if document is None:
            return None
        progress.report(0.0, "Writing")
        vectors = self._pinned(asked, document)
        compared = self._comparing(document)
        values = np.max([compared.to_vector(vector, asked.params.metric) for vector in vectors], axis=0)
        write_similarity(request.path, values, document.figure.size)
        return ExportResult((request.path,))

    def _write_similarity(self, document: CachedFeatures, asked: SimilarityRequest, path: Path) -> None:
        vectors = self._pinned(asked, document)
        if len(vectors) > 1:
            labels = self._comparing(document).nearest(vectors, asked.params.metric)
            write_index(path, document.figure.at_full_size(labels), colours.palette(256)[:, :3])
            return
        alike = self._comparing(document).to_vector(vectors[0], asked.params.metric) >= asked.params.threshold
        write_index(path, document.figure.at_full_size(np.where(alike, 255, 0).astype(np.uint8)))

    def _in_others(
        self, request: SimilarityRequest, document: CachedFeatures, vectors: NDArray[np.float32], progress: Progress
    ) -> tuple[Match, ...]:
        matches = []
        for number, source in enumerate(request.others):
            progress.report(number / len(request.others), "Similarity")
            other = self._documents.beside(document, source)
            if other is not None and other.figure.features.shape[2] == vectors.shape[1]:
                matches.append(self._match(other, request, vectors))
        return tuple(matches)

    def _match(self, other: CachedFeatures, request: SimilarityRequest, vectors: NDArray[np.float32]) -> Match:
        compared, metric = self._comparing(other), request.params.metric
        if len(vectors) > 1:
            labels = compared.nearest(vectors, metric)
            return Match(other.source, colours.groups(_small(labels), len(vectors)))
        values = compared.to_vector(vectors[0], metric)
        (x, y), (height, width) = _best(values), values.shape
        overlay = colours.heat(_small(values), request.params.threshold)
        return Match(other.source, overlay, float(values[y, x]), ((x + 0.5) / width, (y + 0.5) / height))

    def _pinned(self, request: SimilarityRequest, shown: CachedFeatures) -> NDArray[np.float32]:
        """The same, which are to be there."""
        vectors = self._vectors(request, shown)
        if vectors is None:
            raise ParameterError(f"{request.of.name}, in which the pixel was pinned, is no longer open.")
        return vectors

    def _vectors(self, request: SimilarityRequest, shown: CachedFeatures | None) -> NDArray[np.float32] | None:
        """Features (P, D) at the request's points (x, y) by the network of `shown`; None where they are forgotten."""
        document = self._documents.beside(shown, request.of) if shown is not None else None
        if document is None:
            return None
        figure = document.figure
        height, width = figure.size
        for x, y in request.points:
            if not (0 <= x < width and 0 <= y < height):
                raise ParameterError(f"The pixel ({x}, {y}) is outside the picture of {width} x {height}.")
        return np.array([figure.features[y, x] for x, y in map(figure.cell, request.points)], np.float32)

    def _comparing(self, document: CachedFeatures) -> Similarity:
        """The document's `Similarity`, kept while the document is."""
        alive = {id(kept) for kept in self._documents}
        self._compared = {key: value for key, value in self._compared.items() if key in alive}
        remembered = self._compared.get(id(document))
        if remembered is None:
            remembered = self._compared[id(document)] = document, Similarity(document.figure.features)
        return remembered[1]

    def _grouped(self, document: CachedFeatures, params: ClusterParams, progress: Progress) -> Clusters:
        last = self._clusters
        if last is None or last[0] is not document or last[1] != params:
            clusters = cluster_features(
                document.figure.features, params.clusters, seed=params.cluster_seed, progress=progress
            )
            if last is not None:
                clusters = clusters.follow(last[2])
            last = self._clusters = document, params, clusters
        return last[2]


def _best(values: NDArray[np.float32]) -> tuple[int, int]:
    """(x, y) of the largest of `values` (H, W)."""
    y, x = divmod(int(values.argmax()), values.shape[1])
    return x, y


def _small(values: NDArray[Any]) -> NDArray[Any]:
    """Every n-th of `values` (H, W), so that the longer side has at most `SMALL`."""
    step = -(-max(values.shape) // SMALL)
    return values[step // 2 :: step, step // 2 :: step] if min(values.shape) > step else values
