"""Principal components of an image's features, from one streamed pass over them.

The features' mean and D x D covariance are summed block by block in float64, so a memory map or a large image needs no
copy; the components are the covariance's eigenvectors. An eigenvector has no sign: here a picture's components are
larger towards its middle, so that coarser features of it have its colours (its largest loading, which other features
are signed by, changes sides too easily). `PcaBasis.align_to` takes signs and order from an earlier basis.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sss_model.array_types import AnyFloats, Doubles
from sss_model.errors import FeatureFileError, ParameterError
from sss_model.filtering.parallel import alone, in_threads
from sss_model.filtering.tile_filter import as_tensor
from sss_model.finite import check_array
from sss_model.progress import Progress

_SAMPLED = 64  # rows and columns that tell the middle from the border
_FEW = 4  # rows to assign by trying all orders
_BLOCK = 1 << 19  # features that a thread reads at once: they stay in a core's cache
_PARTS = ("mean", "axes", "explained_variance_ratio")


@dataclass(frozen=True, eq=False)
class PcaBasis:
    """Directions of largest variance.

    Attributes
    ----------
    mean : (D,) float32, subtracted first
    axes : (components, D) float32, orthonormal rows, largest variance first
    explained_variance_ratio : (components,) float32, each one's share of the total variance
    """

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    explained_variance_ratio: NDArray[np.float32]

    def __post_init__(self) -> None:
        for name in _PARTS:
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    def project(self, features: AnyFloats) -> NDArray[np.float32]:
        """Coordinates (..., components) float32 of `features` (..., D): axes (f - mean)."""
        check_array(features, "features")
        if features.ndim == 0 or features.shape[-1] != self.axes.shape[1]:
            raise ParameterError(
                f"The basis is for features of {self.axes.shape[1]} dimensions, got {features.shape[-1]}.",
                hint="Use a basis made with the same model.",
            )
        flat = features.reshape(-1, features.shape[-1])
        out = np.empty((len(flat), len(self.axes)), np.float32)
        axes = torch.from_numpy(self.axes.copy())
        offset = axes.mv(torch.from_numpy(self.mean.copy()))
        blocks = list(_blocks(flat))

        def work(rows: slice) -> None:
            product = torch.mm(as_tensor(flat[rows]), axes.T, out=torch.from_numpy(out[rows]))
            product.sub_(offset)

        for _ in in_threads(work, blocks, threads=None if len(blocks) > 1 else 1):
            pass
        return out.reshape(*features.shape[:-1], len(self.axes))

    def align_to(self, previous: PcaBasis, among: Sequence[int] | None = None) -> PcaBasis:
        """The same components in the order and with the signs closest to `previous`; unchanged where dimensions differ.

        Components are matched one to one by |cosine|, as far as `previous` has them; the rest keep their order behind.
        With `among` only those change places, so that the first three stay the three of largest variance.
        """
        order, signs = self.match(previous, among)
        return PcaBasis(self.mean, self.axes[order] * signs[:, None], self.explained_variance_ratio[order])

    def match(
        self, previous: PcaBasis | None, among: Sequence[int] | None = None
    ) -> tuple[list[int], NDArray[np.float32]]:
        """The order and signs that `align_to` gives the components: which comes at each place, and 1 or -1 for it."""
        count = len(self.axes)
        order, signs = list(range(count)), np.ones(count, np.float32)
        if previous is None or previous.axes.shape[1] != self.axes.shape[1]:
            return order, signs
        cosines = previous.axes @ self.axes.T
        for place in range(min(cosines.shape)):
            signs[place] = -1 if cosines[place, place] < 0 else 1
        places = order[:] if among is None else sorted({k for k in among if k < count})
        theirs = range(len(previous.axes)) if among is None else [k for k in places if k < len(previous.axes)]
        cosines = cosines[np.ix_(theirs, places)]
        matched = _assigned(np.abs(cosines))
        for place, (row, column) in zip(places, matched, strict=False):
            signs[place] = -1 if cosines[row, column] < 0 else 1
        matched_places = [places[column] for _, column in matched]
        for place, k in zip(places, [*matched_places, *(k for k in places if k not in matched_places)], strict=True):
            order[place] = k
        return order, signs

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, for a JSON file."""
        return {key: getattr(self, key).tolist() for key in _PARTS}

    @staticmethod
    def from_dict(content: object, name: str) -> PcaBasis:
        """The basis in `content`, as `to_dict` gives it; `FeatureFileError`, with `name`, for anything else."""
        if not isinstance(content, dict) or not set(_PARTS) <= set(content):
            raise _no_basis(name)
        try:
            with np.errstate(over="ignore"):
                basis = PcaBasis(*(np.array(content[key], np.float32) for key in _PARTS))
        except (ValueError, TypeError, OverflowError) as error:  # text, lists of unlike lengths, huge numbers
            raise _no_basis(name) from error
        whole = basis.mean.ndim == 1 and basis.axes.ndim == 2 and basis.axes.shape[1:] == basis.mean.shape
        if not whole or basis.explained_variance_ratio.shape != basis.axes.shape[:1] or not basis.axes.size:
            shapes = f"axes {basis.axes.shape}, mean {basis.mean.shape}"
            raise FeatureFileError(f"The shapes in the basis {name} do not fit: {shapes}.")
        if not all(np.isfinite(getattr(basis, key)).all() for key in _PARTS):
            raise FeatureFileError(f"The basis {name} holds NaN or infinity.")
        with np.errstate(over="ignore"):
            if not np.isfinite(np.abs(basis.axes) @ (np.abs(basis.mean) + 1)).all():
                raise FeatureFileError(f"The basis {name} holds numbers that are too large: no projection is finite.")
        return basis


def _no_basis(name: str) -> FeatureFileError:
    return FeatureFileError(
        f"{name} holds no PCA basis: expected JSON with mean, axes and explained_variance_ratio.",
        hint="Choose a file that 'Save basis' or an export wrote.",
    )


class Covariance:
    """Mean and covariance of features, summed up block by block; several images may be added (a shared basis)."""

    def __init__(self, dimensions: int) -> None:
        self.count = 0
        self._mean = np.zeros(dimensions)
        self._scatter = np.zeros((dimensions, dimensions))

    def add(self, features: AnyFloats, progress: Progress | None = None) -> None:
        """Take in `features` (..., D), any float type. Raises `ParameterError` on another D, and `Cancelled`."""
        if features.shape[-1] != len(self._mean):
            raise ParameterError(
                f"Features must have {len(self._mean)} dimensions like those before, got {features.shape[-1]}."
            )
        flat = features.reshape(-1, features.shape[-1])
        blocks = list(_blocks(flat))

        def work(rows: slice) -> tuple[int, Doubles, AnyFloats, Doubles]:
            block = as_tensor(flat[rows]).numpy()
            centre = block.mean(0, dtype=np.float64)
            centred = block - centre.astype(np.float32)  # float32 products of centred values, float64 sums of blocks
            drift = centred.mean(0, dtype=np.float64)
            vectors = torch.from_numpy(centred)
            return len(block), centre.astype(np.float32) + drift, vectors.T.mm(vectors).numpy(), drift

        for part in in_threads(work, blocks, progress, "PCA", threads=None if len(blocks) > 1 else 1):
            self._merge(*part)

    def _merge(self, count: int, mean: Doubles, scatter: AnyFloats, drift: Doubles) -> None:
        """Chan's update: scatters add, plus what the means lie apart."""
        total = self.count + count
        apart = mean - self._mean
        self._scatter += scatter - count * np.outer(drift, drift)
        self._scatter += np.outer(apart, apart) * (self.count * count / total)
        self._mean += apart * (count / total)
        self.count = total

    @property
    def mean(self) -> NDArray[np.float64]:
        """(D,)"""
        return self._mean.copy()

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(D, D), divided by the number of pixels less one."""
        return self._scatter / max(self.count - 1, 1)

    def basis(self, components: int = 3) -> PcaBasis:
        """The first `components` principal components; see `basis_of`."""
        return basis_of(self._mean, self.matrix, components)


def basis_of(mean: NDArray[np.floating[Any]], covariance: NDArray[np.float64], components: int) -> PcaBasis:
    """Principal components of a covariance (D, D) about `mean` (D,).

    With fewer than `components` dimensions, axes of zeros follow, so that a projection always has that many channels;
    the same stands for a direction without variance (a constant image's projection is 0).
    """
    if components < 1:
        raise ParameterError(f"components must be at least 1, got {components}.")
    dimensions = len(mean)
    count = min(components, dimensions)
    values, axes = eigenvectors(covariance)
    values, axes = values[:count], axes[:count].copy()
    total = max(float(np.trace(covariance)), 0.0)
    axes[values <= total * 1e-13] = 0
    axes *= signs_of(axes)[:, None]
    ratio = values / total if total > 0 else np.zeros(count)
    padding = components - count
    return PcaBasis(
        np.asarray(mean, np.float32),
        np.pad(axes, ((0, padding), (0, 0))).astype(np.float32),
        np.pad(ratio, (0, padding)).astype(np.float32),
    )


def eigenvectors(covariance: Doubles) -> tuple[Doubles, Doubles]:
    """Eigenvalues (D,) by falling size, none below 0, and eigenvectors (D, D) as rows; raises as `check_finite`."""
    check_finite(covariance)
    with alone():
        values, vectors = torch.linalg.eigh(torch.from_numpy(np.ascontiguousarray(covariance, np.float64)))
    return values.numpy()[::-1].clip(min=0), vectors.numpy().T[::-1].copy()


def check_finite(covariance: AnyFloats) -> None:
    """Raise `ParameterError` where the features summed up in `covariance` were not all finite."""
    if not np.isfinite(covariance).all():
        raise ParameterError("The features hold NaN or infinity.", hint="Compute or export them again.")


def signs_of(axes: NDArray[np.floating[Any]], inward: Doubles | None = None) -> Doubles:
    """(k,): -1 for the axes (k, D) that point away from `inward`, 1 for the others; without it by the largest loading.

    `inward` (D,) is what `inward` gives of the features.
    """
    seen = axes @ inward if inward is not None else np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1)[:, 0]
    return np.where(seen < 0, -1.0, 1.0)


def inward(features: AnyFloats) -> Doubles:
    """(D,): which way features (H, W, D) change from the border of the picture to its middle, by a sample of pixels."""
    steps = [max(1, side // _SAMPLED) for side in features.shape[:2]]
    sample = np.asarray(features[:: steps[0], :: steps[1]], np.float64)
    y, x = (np.linspace(-1, 1, side) if side > 1 else np.zeros(1) for side in sample.shape[:2])
    outside = y[:, None] ** 2 + x**2
    towards: Doubles = np.tensordot(outside.mean() - outside, sample, 2)
    return towards


def fit_pca(features: AnyFloats, components: int = 3, progress: Progress | None = None) -> PcaBasis:
    """Principal components of `features` (..., D), any float type, centred over all pixels.

    Of a picture's features (H, W, D) every component is larger towards the middle of the picture than at its border.

    Raises
    ------
    ParameterError : no features, or less than one component asked for

    Examples
    --------
    >>> features = np.random.default_rng(0).standard_normal((30, 40, 16)) * np.linspace(4, 1, 16)
    >>> basis = fit_pca(features, components=3)
    >>> basis.axes.shape, basis.project(features).shape
    ((3, 16), (30, 40, 3))
    >>> bool(basis.explained_variance_ratio[0] > basis.explained_variance_ratio[1])
    True
    """
    check_array(features, "features")
    if features.ndim < 2 or features.size == 0:
        raise ParameterError(f"features must be an array (..., D) that is not empty, got shape {features.shape}.")
    covariance = Covariance(features.shape[-1])
    covariance.add(features, progress)
    basis = covariance.basis(components)
    if features.ndim != 3:
        return basis
    signs = signs_of(basis.axes, inward(features)).astype(np.float32)
    return PcaBasis(basis.mean, basis.axes * signs[:, None], basis.explained_variance_ratio)


def _assigned(likeness: AnyFloats) -> list[tuple[int, int]]:
    """The (row, column) pairs, one to one, of largest likeness in sum, by rising row."""
    rows, columns = likeness.shape
    if rows == columns <= _FEW:
        best = max(itertools.permutations(range(rows)), key=lambda order: float(likeness[range(rows), order].sum()))
        return list(enumerate(best))
    from scipy.optimize import linear_sum_assignment  # takes a quarter of a second to load

    return sorted(zip(*map(np.ndarray.tolist, linear_sum_assignment(-likeness)), strict=True))


def _blocks(flat: AnyFloats) -> Iterator[slice]:
    step = max(1, _BLOCK // max(flat.shape[-1], 1))
    for start in range(0, len(flat), step):
        yield slice(start, min(start + step, len(flat)))
