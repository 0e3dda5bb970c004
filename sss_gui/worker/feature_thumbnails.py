"""Small PCA pictures of several pictures' features in one basis and range, so that like things have like colours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sss_gui.requests.panes import Picture, Source
from sss_gui.worker.feature_cache import CachedFeatures, FeatureCache
from sss_model.image_io import to_picture
from sss_model.params import ProjectionParams
from sss_model.projection.display_basis import FixedBasis, chosen, components_of
from sss_model.projection.stretch import range_of, stretch

SIDE = 128  # cells of the longer side


def feature_thumbnails(
    documents: FeatureCache,
    shown: CachedFeatures,
    sources: tuple[Source, ...],
    projection: ProjectionParams,
    fixed: FixedBasis | None,
    deliver: Callable[[Source, Picture], None],
) -> None:
    """Hand over a picture (h, w, 3) uint8 of each of `sources` whose features are remembered.

    Parameters
    ----------
    shown : whose basis and range all have, where `fixed` is None
    """
    basis = fixed.basis if fixed is not None else shown.figure.plain_basis()
    three = chosen(basis, projection)
    if fixed is not None and fixed.low is not None and fixed.high is not None:
        rows = components_of(projection, len(basis.axes))
        low, high = fixed.low[rows], fixed.high[rows]
    else:
        low, high = range_of(three.project(_small(shown)))
    for source in sources:
        document = documents.beside(shown, source)
        if document is not None and document.figure.features.shape[2] == three.axes.shape[1]:
            deliver(source, to_picture(stretch(three.project(_small(document)), low, high)))


def _small(document: CachedFeatures) -> NDArray[np.float32]:
    """Every n-th of the features (H, W, D), so that the longer side has at most `SIDE`."""
    features = document.figure.features
    step = -(-max(features.shape[:2]) // SIDE)
    return np.ascontiguousarray(features[step // 2 :: step, step // 2 :: step], np.float32)
