"""Figure 2 of one picture: its random projection, its PCA, and its guided filter + PCA, each stage kept for the next.

The window and sss-extract both take their numbers from here, so they agree bit for bit. The basis of the filtered
features is aligned to the basis of the raw ones: the two panes use like colours for like things, and dragging the
radius does not make colours jump.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray

from sss_model.export import Content
from sss_model.guided_filter import GuidedFilter, guided_filter
from sss_model.image_io import to_picture
from sss_model.params import FilterParams, ProjectionParams
from sss_model.pca import Covariance, PcaBasis, basis_of, fit_pca
from sss_model.postprocess import random_projection, unit_range
from sss_model.progress import Progress, silent

COMPONENTS = 16
MAPS = ("random", "pca", "filtered")
Map = NDArray[np.float32]
Stage = TypeVar("Stage")
View = tuple[tuple[int, int, int, int], float]


def chosen(basis: PcaBasis, projection: ProjectionParams) -> PcaBasis:
    """The components of `basis` that `projection` shows as red, green and blue; its last one for those it lacks."""
    last = len(basis.axes) - 1
    rows = [min(number - 1, last) for number in (projection.red, projection.green, projection.blue)]
    return PcaBasis(basis.mean, basis.axes[rows], basis.explained_variance_ratio[rows])


class Figure:
    """The maps of one picture.

    Parameters
    ----------
    image : (H, W, 3) float32 RGB in [0, 1]; the guide
    features : (H, W, D) of any float type, memory-mapped too
    device : where the filter runs
    """

    def __init__(self, image: Map, features: NDArray[np.floating[Any]], *, device: str = "cpu") -> None:
        self.image, self.features, self.device = image, features, device
        self._kept: dict[str, tuple[Any, Any]] = {}

    def random(self, seed: int) -> Map:
        """Fig. 2b, (H, W, 3) in [0, 1]."""
        return self._stage("random", seed, lambda: random_projection(self.features, seed))

    def plain(
        self, projection: ProjectionParams, basis: PcaBasis | None = None, progress: Progress | None = None
    ) -> Map:
        """PCA of the raw features, (H, W, 3) in [0, 1]; on `basis` where one is given."""
        raw = basis or self.plain_basis(progress)
        return self._stage(
            "pca", (projection, _id(basis)), lambda: unit_range(chosen(raw, projection).project(self.features))
        )

    def filtered(
        self,
        filter: FilterParams,
        projection: ProjectionParams,
        basis: PcaBasis | None = None,
        progress: Progress | None = None,
    ) -> Map:
        """PCA of the filtered features, (H, W, 3) in [0, 1]; on `basis` where one is given.

        The filter is linear, so the projected raw features are filtered instead of the D channels.
        """
        steps = silent(progress)
        fitted = basis or self.filtered_basis(filter, steps.part(0.0, 0.8))

        def make() -> Map:
            flat = chosen(fitted, projection).project(self.features)
            part = steps.part(0.8, 1.0)
            return unit_range(guided_filter(self.image, flat, radius=filter.radius, eps=filter.eps, progress=part))

        return self._stage("filtered", (filter, projection, _id(basis)), make)

    def plain_basis(self, progress: Progress | None = None) -> PcaBasis:
        """Principal components of the raw features."""
        return self._stage("plain basis", None, lambda: fit_pca(self.features, self._components, progress))

    def filtered_basis(self, filter: FilterParams, progress: Progress | None = None) -> PcaBasis:
        """Principal components of the filtered features, in the raw ones' order and signs."""

        def fit() -> PcaBasis:
            steps = silent(progress)
            raw = self.plain_basis(steps.part(0.0, 0.1, "PCA"))
            kernel = GuidedFilter(self.image, filter.radius, filter.eps, device=self.device)
            covariance = Covariance(self.features.shape[2])
            offset = raw.mean  # the filter keeps constants; near zero mean it loses no digits

            def source(rows: slice, columns: slice) -> torch.Tensor:
                block = np.asarray(self.features[rows, columns], np.float32) - offset
                return torch.from_numpy(block).to(kernel.device).movedim(2, 0).contiguous()

            for _, planes in kernel.stream(source, len(offset), steps.part(0.1, 1.0)):
                covariance.add(planes.movedim(0, 2).cpu().numpy())
            return basis_of(covariance.mean + offset, covariance.matrix, self._components).align_to(raw)

        return self._stage("filtered basis", filter, fit)

    def filtered_features(self, filter: FilterParams, progress: Progress | None = None) -> NDArray[np.float32]:
        """All D channels after the guided filter; made anew at every call, they are large."""
        return guided_filter(
            self.image, self.features, radius=filter.radius, eps=filter.eps, progress=progress, device=self.device
        )

    def explained(self, filter: FilterParams | None = None) -> tuple[float, ...]:
        """Share of the variance of each component, of the filtered features where `filter` is given."""
        basis = self.filtered_basis(filter) if filter is not None else self.plain_basis()
        return tuple(float(ratio) for ratio in basis.explained_variance_ratio)

    def shown(self, name: str) -> Map | None:
        """The map of `MAPS` that was made last; None before."""
        known = self._kept.get(name)
        return cast(Map, known[1]) if known is not None else None

    @property
    def nbytes(self) -> int:
        """Bytes of memory that image, features and kept stages take; features on disk not counted."""
        own = 0 if isinstance(self.features, np.memmap) else self.features.nbytes
        return int(own + self.image.nbytes + sum(getattr(value, "nbytes", 0) for _, value in self._kept.values()))

    def preview(
        self, filter: FilterParams, projection: ProjectionParams, basis: PcaBasis | None, view: View | None
    ) -> tuple[Map, tuple[float, float, float, float]]:
        """The filtered map in the basis shown last, as a picture of the box that `view` names: (map, box)."""
        height, width = self.features.shape[:2]
        known = self._kept.get("filtered basis")
        fitted = basis or (known[1] if known is not None else self.filtered_basis(filter))
        flat = self._stage("flat", (projection, _id(fitted)), lambda: chosen(fitted, projection).project(self.features))
        values = guided_filter(self.image, flat, radius=filter.radius, eps=filter.eps)
        return unit_range(values), (0.0, 0.0, float(width), float(height))

    def content(
        self,
        filter: FilterParams,
        projection: ProjectionParams,
        basis: PcaBasis | None = None,
        record: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> Content:
        """Everything there is to export under these parameters."""
        steps = silent(progress)
        maps = {
            "random": self.random(projection.seed),
            "pca": self.plain(projection, basis, steps.part(0.0, 0.3, "PCA")),
            "filtered": self.filtered(filter, projection, basis, steps.part(0.3, 1.0, "Guided filter")),
        }
        pictures = {"input": to_picture(self.image), **{name: to_picture(values) for name, values in maps.items()}}
        used = basis or self.filtered_basis(filter)
        entry = {**(record or {}), "filter": filter.to_dict(), "projection": projection.to_dict()}
        return Content(
            image=self.image,
            pictures=pictures,
            raw=self.features,
            filtered=lambda part: self.filtered_features(filter, part),
            map3=maps["filtered"],
            basis=used,
            record=entry,
        )

    def _stage(self, name: str, key: Any, make: Callable[[], Stage]) -> Stage:
        """What `make` gave for `key` the last time, or now; one value is kept a stage."""
        known = self._kept.get(name)
        if known is None or known[0] != key:
            known = key, make()
            self._kept[name] = known
        return cast(Stage, known[1])

    @property
    def _components(self) -> int:
        return min(COMPONENTS, int(self.features.shape[2]))


def _id(basis: PcaBasis | None) -> int | None:
    return None if basis is None else id(basis)
