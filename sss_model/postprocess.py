"""From features to the paper's pictures, section 1.1 of the supplement: guided filter -> PCA -> [0, 1].

"We do this filtering for all 128 dimensions prior to the dimensionality reduction. Finally, we normalize the
lower-dimensional features to be in the range [0, 1]". And the random projection of Fig. 2b.
"""

from __future__ import annotations

from sss_model.array_types import AnyFloats, Floats
from sss_model.finite import check_array, check_finite_values
from sss_model.progress import Progress, silent
from sss_model.projection.filtered_pca import Reducer
from sss_model.projection.stretch import random_projection, stretch

__all__ = ["random_projection", "reduce_features", "stretch"]


def reduce_features(
    image: AnyFloats,
    features: AnyFloats,
    *,
    radius: int = 5,
    eps: float = 0.01,
    components: int = 3,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Floats:
    """Guided filter on every channel, PCA of the result, each component stretched to [0, 1].

    Channels are filtered until no value of the picture is off by more than 1/512, and all of them where that takes
    all; `projection.filtered_pca` says how that is known. To reduce one image many times, keep a `Reducer`.

    Parameters
    ----------
    image : (H, W, 3) float RGB in [0, 1]; the guide
    features : (H, W, D) of any float type
    radius, eps : of the filter, see `guided_filter`
    components : how many channels to reduce to
    device : torch device to compute on
    progress : may raise `Cancelled`

    Returns
    -------
    (H, W, components) float32 in [0, 1]; a component without variance is 0

    Examples
    --------
    >>> import numpy as np
    >>> random = np.random.default_rng(0)
    >>> image, features = random.random((32, 48, 3)), random.standard_normal((32, 48, 16))
    >>> colours = reduce_features(image.astype(np.float32), features.astype(np.float32), radius=3, eps=0.01)
    >>> colours.shape, float(colours.min()), float(colours.max())
    ((32, 48, 3), 0.0, 1.0)
    """
    check_array(image, "image")
    check_array(features, "features")
    for array, name in ((image, "image"), (features, "features")):
        if array.size:
            check_finite_values(array, name)
    steps = silent(progress)
    reducer = Reducer(image, features, device=device, progress=steps.part(0.0, 0.2, "PCA"))
    return reducer.reduce(
        radius,
        eps,
        components=components,
        shown=range(components),
        progress=steps.part(0.2, 1.0, "guided filter"),
    ).map
