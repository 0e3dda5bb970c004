"""The guided filter under a colour guide (He, Sun and Tang, "Guided image filtering", PAMI 2013).

In each window w around a pixel the output is a linear function of the guide, fitted to the signal. With <.> the mean
over w, S = <I I'> - <I><I>' and U the identity,

    a = (S + eps U)^-1 (<I p> - <I> <p>)        (eq. 14, 15)
    b = <p> - a . <I>
    q = <a> . I + <b>                           (eq. 16)

The window is 2 radius + 1 pixels wide. At the border the mean is over the part of the window that lies inside the
picture (OpenCV mirrors the picture there instead; in the interior the two agree).

The filter is linear in the signal, keeps constants, and never adds energy: q = Q p with Q = D^-1 M, where D holds the
number of pixels in each pixel's window and 0 <= M <= D, because each window's fit is a shrunk projection. The
error bound of `filtered_pca` stands on that.

Numerics: guide and signal are centred (a constant passes through unchanged), which leaves S and <I p> - <I> <p> with
an absolute error near 2e-8 in float32. Against eps that is too much once eps is small, so the guide's own terms are
computed in float64 below eps = 1e-3, and the signal is filtered in float64 below 1e-6.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sss_model.array_types import Floats
from sss_model.errors import ParameterError
from sss_model.filtering.local_linear import Moments, Tile
from sss_model.filtering.tile_filter import TileFilter, planes_of, rough_means
from sss_model.finite import check_array, check_finite_values
from sss_model.progress import Progress

Array = npt.NDArray[np.generic]


def guided_filter(
    guide: Array,
    features: Array,
    *,
    radius: int,
    eps: float,
    progress: Progress | None = None,
    device: str | torch.device = "cpu",
) -> Floats:
    """Smooth `features` along the edges of `guide`, exactly.

    Parameters
    ----------
    guide : (H, W, 3) float in [0, 1], RGB
    features : (H, W, D) of any float type; a memory map is read block by block
    radius : half width of the window in pixels, 0 or more; larger smooths wider regions, 0 changes nothing
    eps : regularisation in squared intensity, above 0; larger keeps fewer edges
    progress : told after every block; may raise `Cancelled`
    device : torch device to compute on

    Returns
    -------
    (H, W, D) float32

    Raises
    ------
    ParameterError : a parameter out of range, arrays whose shapes do not fit, NaN or infinity in them

    Examples
    --------
    >>> image = np.random.default_rng(0).random((20, 30, 3), dtype=np.float32)
    >>> smooth = guided_filter(image, image[..., :2], radius=5, eps=0.01)  # windows of 11 x 11 pixels
    >>> smooth.shape
    (20, 30, 2)
    """
    check_array(guide, "guide")
    check_array(features, "features")
    filter = GuidedFilter(guide, radius, eps, device=device)
    check_channels(features, (filter.height, filter.width))
    for array, name in ((guide, "guide"), (features, "features")):
        check_finite_values(array, name)
    return filter.apply(features, progress)


class GuidedFilter(TileFilter):
    """The filter for one guide, radius and eps; keeps the terms that depend on the guide alone.

    Parameters
    ----------
    guide : (H, W, 3) float in [0, 1], RGB
    radius : half width of the window in pixels, 0 or more
    eps : regularisation in squared intensity, above 0
    device : torch device to compute on
    """

    def __init__(self, guide: Array, radius: int, eps: float, *, device: str | torch.device = "cpu") -> None:
        super().__init__(centred_guide(guide, torch.device(device)), radius, eps)

    def _configure(self, radius: float, eps: float, moments: dict[Tile, Moments]) -> None:
        if isinstance(radius, float) and not radius.is_integer():
            raise ParameterError(f"radius must be a whole number of pixels, 0 or more; got {radius!r}.")
        super()._configure(radius, eps, moments)

    def apply(self, channels: Array, progress: Progress | None = None) -> Floats:
        """Filter `channels` (H, W, C) of any float type; returns (H, W, C) float32."""
        import cv2  # here: not every program that starts filters

        check_channels(channels, (self.height, self.width))
        offset = rough_means(channels)
        out = np.empty(channels.shape, np.float32)

        def source(rows: slice, columns: slice) -> Tensor:
            return planes_of(channels[rows, columns], offset).to(self.device)

        for tile, filtered in self.stream(source, channels.shape[2], progress):
            vectors = cv2.transpose(filtered.flatten(1).cpu().numpy()).reshape(*tile.size, -1)
            np.add(vectors, offset, out=out[tile.slices])
        return out


def check_channels(channels: Array, size: tuple[int, int]) -> None:
    """Raise `ParameterError` unless `channels` is (H, W, C) float of the guide's size."""
    if channels.ndim != 3 or channels.shape[:2] != size or channels.shape[2] == 0:
        wanted = f"({size[0]}, {size[1]}, D)"
        raise ParameterError(f"The features must have shape {wanted} like their image; got {channels.shape}.")
    if not np.issubdtype(channels.dtype, np.floating):
        raise ParameterError(f"The features must be floating-point numbers; got {channels.dtype}.")


def centred_guide(guide: Array, device: torch.device) -> Tensor:
    """The guide (H, W, 3) as planes (3, H, W) float32 with zero mean, on `device`."""
    if guide.ndim != 3 or guide.shape[2] != 3 or 0 in guide.shape:
        raise ParameterError(f"The guide must be an RGB image of shape (H, W, 3); got {guide.shape}.")
    if not np.issubdtype(guide.dtype, np.floating):
        raise ParameterError(f"The guide must be floating-point numbers in [0, 1]; got {guide.dtype}.")
    planes = torch.from_numpy(np.array(np.moveaxis(guide, 2, 0), np.float32, order="C")).to(device)
    return planes.sub_(planes.mean(dim=(1, 2), keepdim=True))
