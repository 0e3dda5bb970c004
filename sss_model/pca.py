"""Principal components of feature vectors: fit, project, align to the basis before.

The fit needs the covariance only, and that streams: blocks of any size, over one image or many, are added up in float64
and decomposed once. An axis has no sign of its own; here the loading of largest magnitude is positive.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import linear_sum_assignment

from sss_model.errors import FeatureFileError, ParameterError

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_BLOCK_VALUES = 1 << 22  # feature values converted at a time
_FORMAT = "sss-features PCA basis 1"


@dataclass(frozen=True, eq=False)
class PcaBasis:
    """An affine map from D features to k components.

    Attributes
    ----------
    mean : (D,) float32, subtracted first
    axes : (k, D) float32, orthonormal rows, by falling variance unless aligned; a row of zeros where there was no
        variance left to explain
    explained_variance_ratio : (k,) float32, the share of the total variance that lies along each axis
    """

    mean: Floats
    axes: Floats
    explained_variance_ratio: Floats

    def __post_init__(self) -> None:
        for name in ("mean", "axes", "explained_variance_ratio"):
            value = np.array(getattr(self, name), dtype=np.float32)
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        count, channels = self.axes.shape if self.axes.ndim == 2 else (-1, -1)
        if self.mean.shape != (channels,) or self.explained_variance_ratio.shape != (count,):
            raise ParameterError(
                "A PCA basis needs a mean (D,), axes (k, D) and ratios (k,); "
                f"got {self.mean.shape}, {self.axes.shape} and {self.explained_variance_ratio.shape}."
            )

    @property
    def components(self) -> int:
        """How many components, k."""
        return len(self.axes)

    @property
    def feature_channels(self) -> int:
        """How many features, D."""
        return len(self.mean)

    def project(self, features: Array) -> Floats:
        """Components (..., k) float32 of `features` (..., D) of any float type, block by block."""
        if features.shape[-1:] != self.mean.shape:
            raise ParameterError(
                f"This PCA basis is for {self.feature_channels} feature channels; got an array of {features.shape}."
            )
        out = np.empty((*features.shape[:-1], self.components), np.float32)
        flat_out = out.reshape(-1, self.components)
        axes = torch.from_numpy(np.array(self.axes.T))
        offset = (self.mean.astype(np.float64) @ self.axes.T.astype(np.float64)).astype(np.float32)
        done = 0
        for block in blocks(features):
            flat_out[done : done + len(block)] = torch.from_numpy(block).mm(axes).numpy() - offset
            done += len(block)
        return out

    def align_to(self, previous: PcaBasis) -> PcaBasis:
        """The same components, ordered and signed so that each is the likest to the one at its place in `previous`.

        Places that `previous` does not have are filled with the components left over, in their order.
        """
        if previous.feature_channels != self.feature_channels:
            raise ParameterError(
                f"A basis of {self.feature_channels} feature channels cannot follow one of {previous.feature_channels}."
            )
        cosines = self.axes.astype(np.float64) @ previous.axes.T.astype(np.float64)
        mine, places = linear_sum_assignment(-np.abs(cosines))
        order = mine[np.argsort(places)].tolist()
        order += [i for i in range(self.components) if i not in set(order)]
        signs = np.ones((self.components, 1), np.float32)
        for i, place in zip(mine, places, strict=True):
            signs[order.index(i)] = -1.0 if cosines[i, place] < 0 else 1.0
        return replace(
            self, axes=self.axes[order] * signs, explained_variance_ratio=self.explained_variance_ratio[order]
        )

    def save(self, path: str | Path) -> None:
        """Write the basis to a JSON file; every float32 is written with all its digits."""
        path = Path(path)
        part = path.with_name(path.name + ".part")
        values = {name: getattr(self, name).tolist() for name in ("mean", "axes", "explained_variance_ratio")}
        try:
            part.write_text(json.dumps({"format": _FORMAT, **values}), encoding="utf-8")
            os.replace(part, path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise FeatureFileError(
                f"The PCA basis could not be written to {path}: {error.strerror}.", hint="Choose another folder."
            ) from error

    @classmethod
    def load(cls, path: str | Path) -> PcaBasis:
        """Read a basis that `save` wrote.

        Raises
        ------
        FeatureFileError : no such file, or not a basis
        """
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise FeatureFileError(f"The PCA basis {path} could not be read: {error.strerror}.") from error
        except ValueError as error:
            raise FeatureFileError(f"{path} is not a PCA basis: expected JSON.", hint=_HINT) from error
        if not isinstance(values, dict) or values.get("format") != _FORMAT:
            raise FeatureFileError(f"{path} is not a PCA basis: expected the format '{_FORMAT}'.", hint=_HINT)
        try:
            basis = cls(values["mean"], values["axes"], values["explained_variance_ratio"])
        except (KeyError, TypeError, ValueError) as error:
            raise FeatureFileError(f"{path} is a damaged PCA basis: {error}", hint=_HINT) from error
        if not (np.isfinite(basis.axes).all() and np.isfinite(basis.mean).all()):
            raise FeatureFileError(f"{path} is a damaged PCA basis: it holds numbers that are not finite.", hint=_HINT)
        return basis


_HINT = "Open a file written by Save basis."


class Covariance:
    """Count, mean and covariance of feature vectors added block by block, over as many images as wanted.

    Parameters
    ----------
    channels : D
    """

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.sum: Doubles = np.zeros(channels)
        self._products: Doubles = np.zeros((channels, channels))
        self._origin: Doubles | None = None  # near the mean, so that the products lose no digits to it

    @property
    def mean(self) -> Doubles:
        """(D,) float64; zeros before anything was added."""
        origin = np.zeros_like(self.sum) if self._origin is None else self._origin
        return origin + self.sum / max(self.count, 1)

    @property
    def matrix(self) -> Doubles:
        """(D, D) float64: the mean of (f - mean)(f - mean)'."""
        mean = self.sum / max(self.count, 1)
        return self._products / max(self.count, 1) - np.outer(mean, mean)

    def add(self, features: Array) -> None:
        """Add vectors (..., D) of any float type."""
        if features.shape[-1:] != self.sum.shape:
            raise ParameterError(
                f"Expected feature vectors of {len(self.sum)} channels; got an array of {features.shape}."
            )
        for block in blocks(features):
            if self._origin is None and len(block):
                self._origin = block.mean(axis=0, dtype=np.float64).astype(np.float32).astype(np.float64)
            centred = torch.from_numpy(block - np.float32(self._origin))
            self._products += centred.T.mm(centred).numpy()
            self.sum += centred.sum(dim=0, dtype=torch.float64).numpy()
            self.count += len(block)

    def basis(self, components: int = 3) -> PcaBasis:
        """The leading `components` axes of what was added so far."""
        return basis_of(self.matrix, self.mean, components)


def fit_pca(features: Array, components: int = 3) -> PcaBasis:
    """Principal components of one image's features.

    Parameters
    ----------
    features : (..., D) of any float type, (H, W, D) as a rule; a memory map is read block by block
    components : how many axes, 1 or more; axes beyond D, or beyond the variance there is (constant features, one
        pixel), are zero and explain nothing
    """
    return fit_pca_pooled([features], components)


def fit_pca_pooled(images: Iterable[Array], components: int = 3) -> PcaBasis:
    """One basis for several images' features (..., D): every pixel counts the same."""
    covariance: Covariance | None = None
    for features in images:
        check_features(features)
        covariance = covariance or Covariance(features.shape[-1])
        covariance.add(features)
    if covariance is None:
        raise ParameterError("A PCA basis needs the features of at least one image; got none.")
    return covariance.basis(components)


def basis_of(covariance: Doubles, mean: Doubles, components: int, *, total: float | None = None) -> PcaBasis:
    """The leading axes of a (D, D) covariance; the ratios are shares of `total` (None: its trace)."""
    if isinstance(components, bool) or components < 1:
        raise ParameterError(f"components must be 1 or more; got {components!r}.")
    if not np.isfinite(covariance).all():
        raise ParameterError("The features hold numbers that are not finite.", hint="Compute or export them again.")
    channels = len(covariance)
    values, vectors = np.linalg.eigh(covariance)
    values, axes = values[::-1].clip(min=0), oriented(vectors.T[::-1])
    whole = float(np.trace(covariance)) if total is None else total
    # what is left of a constant after rounding is no variance
    real = values > 1e-12 * max(whole, float(mean @ mean))
    count = min(components, channels)
    kept = np.zeros((components, channels))
    ratios = np.zeros(components)
    kept[:count] = axes[:count] * real[:count, None]
    ratios[:count] = np.where(real, values / max(whole, np.finfo(np.float64).tiny), 0)[:count]
    return PcaBasis(mean.astype(np.float32), kept.astype(np.float32), ratios.astype(np.float32))


def oriented(axes: Doubles) -> Doubles:
    """`axes` (k, D), each with its sign changed where needed to make its loading of largest magnitude positive."""
    largest = np.abs(axes).argmax(axis=1)
    signs = np.where(axes[np.arange(len(axes)), largest] < 0, -1.0, 1.0)
    return np.asarray(axes * signs[:, None])


def blocks(features: Array) -> Iterator[Floats]:
    """The vectors of `features` (..., D) in order, as float32 blocks (n, D) that fit in memory."""
    if features.ndim < 3:
        features = features.reshape(1, -1, features.shape[-1])
    elif features.ndim > 3:
        features = features.reshape(features.shape[0], -1, features.shape[-1])
    rows = max(1, _BLOCK_VALUES // max(1, features.shape[1] * features.shape[2]))
    for first in range(0, features.shape[0], rows):
        yield np.ascontiguousarray(features[first : first + rows], np.float32).reshape(-1, features.shape[-1])


def check_features(features: Array) -> None:
    """Raise `ParameterError` unless `features` is (..., D) of a float type with at least one vector."""
    if features.ndim < 1 or 0 in features.shape:
        raise ParameterError(f"The features must have shape (H, W, D) with no side of 0; got {features.shape}.")
    if not np.issubdtype(features.dtype, np.floating):
        raise ParameterError(f"The features must be floating-point numbers; got {features.dtype}.")
