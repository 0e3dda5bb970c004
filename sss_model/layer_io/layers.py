"""What a file of layers holds: a picture's mattes, their names and their colours, and how these become integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Floats
from sss_model.errors import ParameterError
from sss_model.files.names import safe_names
from sss_model.finite import check_array
from sss_model.image_io import Plate

_RANGE = 1e-3  # by how much an alpha may miss [0, 1] through rounding


@dataclass(frozen=True)
class Layers:
    """Layers of one picture.

    Attributes
    ----------
    image : (H, W, 3) float32 sRGB in [0, 1]
    alphas : (H, W, N) float32 in [0, 1]
    names : N of them, as every format can hold them and no two alike (`safe_names`)
    colours : each layer's own colours, N of (H, W, 3) float32 sRGB in [0, 1]; None: every layer has the image's
    plate : of an EXR that the image shows, so that files in linear light keep its values and lie on it

    Raises
    ------
    ParameterError : shapes that do not fit, alphas outside [0, 1], names that are missing

    Examples
    --------
    >>> alphas = np.stack([np.full((4, 5), 0.25), np.full((4, 5), 0.75)], axis=-1).astype(np.float32)
    >>> layers = Layers(np.zeros((4, 5, 3), np.float32), alphas, ("person", "background")).by_share()
    >>> layers.names
    ('background', 'person')
    """

    image: Floats
    alphas: Floats
    names: tuple[str, ...]
    colours: Sequence[Floats] | None = None
    plate: Plate | None = None

    def __post_init__(self) -> None:
        image, alphas = self.image, self.alphas
        check_array(image, "image")
        check_array(alphas, "alphas")
        if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise ParameterError(f"image must be (H, W, 3), got {image.shape}.")
        if alphas.ndim != 3 or alphas.shape[:2] != image.shape[:2] or alphas.shape[2] == 0:
            raise ParameterError(f"alphas must be ({image.shape[0]}, {image.shape[1]}, N), got {alphas.shape}.")
        if not (alphas.min() >= -_RANGE and alphas.max() <= 1 + _RANGE):  # NaN fails as well
            raise ParameterError(f"alphas must be in [0, 1], got {alphas.min():g} to {alphas.max():g}.")
        if len(self.names) != alphas.shape[2] or not all(self.names):
            raise ParameterError(f"names must be {alphas.shape[2]} names, got {self.names!r}.")
        object.__setattr__(self, "names", safe_names(self.names))
        shapes = [colours.shape for colours in self.colours or ()]
        if self.colours is not None and shapes != [image.shape] * len(self.names):
            raise ParameterError(f"colours must be {len(self.names)} arrays {image.shape}, got {shapes}.")

    @property
    def shares(self) -> NDArray[np.float64]:
        """(N,) how much of the picture each layer covers, its mean alpha in [0, 1]."""
        shares: NDArray[np.float64] = self.alphas.mean(axis=(0, 1), dtype=np.float64)
        return shares

    def colour(self, index: int) -> Floats:
        """(H, W, 3) float32 sRGB in [0, 1]: what layer `index` shows where its alpha is above zero."""
        return self.image if self.colours is None else self.colours[index]

    def by_share(self) -> Layers:
        """The same layers, the largest first."""
        order = np.argsort(-self.shares, kind="stable")
        colours = None if self.colours is None else [self.colours[k] for k in order]
        alphas = np.ascontiguousarray(self.alphas[..., order])
        return Layers(self.image, alphas, tuple(self.names[k] for k in order), colours, self.plate)


def numbered_names(count: int) -> tuple[str, ...]:
    """layer-1, layer-2 and so on."""
    return tuple(f"layer-{k + 1}" for k in range(count))


def picture_name(names: Sequence[str]) -> str:
    """What the picture below the layers `names` is called, unlike them."""
    return safe_names([*names, "picture"])[-1]


def whole_numbers(values: NDArray[Any], largest: int) -> NDArray[Any]:
    """`values` in [0, 1] as whole numbers 0 to `largest` (255 or 65535), to the nearest; what is outside is clipped."""
    scaled: NDArray[Any] = np.clip(values, 0, 1) * np.float32(largest)
    scaled += np.float32(0.5)
    return scaled.astype(np.uint8 if largest < 256 else np.uint16)


def whole_alphas(alphas: Floats, largest: int) -> NDArray[Any]:
    """Alphas (H, W, N) as integers 0 to `largest` whose sums are the rounded sums.

    Each alpha rounded by itself would leave seams: five of them that sum to 1 may miss 255 by 2. Running sums are
    rounded instead and then subtracted, which keeps 0 and 1 as they are and every alpha within one step.
    """
    sums = whole_numbers(np.cumsum(np.clip(alphas, 0, 1), axis=2, dtype=np.float32), largest)
    sums[..., 1:] -= sums[..., :-1].copy()
    return sums
