"""Figure 2 of one picture: its random projection, its PCA, and its guided filter + PCA, each stage kept for the next.

The window and sss-extract both take their numbers from here, so they agree bit for bit. The basis of the filtered
features is aligned to the basis of the raw ones: the two panes use like colours for like things, and dragging the
radius does not make colours jump.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Floats, Picture
from sss_model.files.export import ExportContent
from sss_model.filtering.lift import Coefficients, GuidedLift
from sss_model.filtering.resize import resize
from sss_model.guided_filter import guided_filter
from sss_model.image_io import to_picture
from sss_model.params import FilterParams, ProjectionParams
from sss_model.pca import Covariance, PcaBasis, basis_of, fit_pca
from sss_model.progress import Progress, silent
from sss_model.projection.display_basis import FixedBasis, chosen, components_of, shown_range
from sss_model.projection.filtered_pca import Reducer, Reduction, add_filtered
from sss_model.projection.full_size import full_size_features, lift_picture, moved_point, spread_labels
from sss_model.projection.live_preview import LivePreview
from sss_model.projection.stages import SameObject, Stages
from sss_model.projection.stretch import SPREAD, random_projection, range_of, stretch
from sss_model.projection.subspace_eigs import TOLERANCE

COMPONENTS = 16
EXPORTED_AXES, EXPORTED_ERROR = (COMPONENTS + 8, COMPONENTS + 8), 0.02 / 512
Box = tuple[int, int, int, int]
View = tuple[Box, float]


class FeatureViews:
    """The maps of one picture.

    Parameters
    ----------
    image : (H, W, 3) float32 RGB in [0, 1]; the guide
    features : (H, W, D) of any float type, memory-mapped too
    picture : (H', W', 3) uint8, the photograph at its own size where `image` is that on a working grid; None where
        `image` is the photograph itself
    device : where the filter runs
    """

    def __init__(
        self,
        image: Floats,
        features: NDArray[np.floating[Any]],
        *,
        picture: Picture | None = None,
        device: str = "cpu",
    ) -> None:
        self.image, self.features, self.device = image, features, device
        self._picture = picture
        self._stages = Stages()

    # the photograph and the grid -----------------------------------------------------------------------------------

    @property
    def size(self) -> tuple[int, int]:
        """(H', W') of the photograph; the maps are (H, W) of its working grid."""
        height, width = (self.image if self._picture is None else self._picture).shape[:2]
        return height, width

    @property
    def picture(self) -> Picture:
        """The photograph at its own size, (H', W', 3) uint8."""
        return to_picture(self.image) if self._picture is None else self._picture

    @property
    def own_picture(self) -> Picture | None:
        """The array that was given as `picture`."""
        return self._picture

    def cell(self, point: tuple[int, int]) -> tuple[int, int]:
        """(x, y) of the map's value at the pixel `point` of the photograph."""
        return moved_point(point, self.size, self.image.shape)

    def pixel(self, cell: tuple[int, int]) -> tuple[int, int]:
        """(x, y) of the photograph's pixel in the middle of `cell` of the maps."""
        return moved_point(cell, self.image.shape, self.size)

    def at_full_size(self, labels: NDArray[Any]) -> NDArray[Any]:
        """`labels` (H, W, ...) of the maps' cells at the photograph's own size: each pixel has its cell's."""
        return labels if self._picture is None else spread_labels(labels, self.size)

    def lifted(
        self,
        filter: FilterParams,
        projection: ProjectionParams,
        fixed: FixedBasis | None = None,
        box: Box | None = None,
        progress: Progress | None = None,
    ) -> Picture:
        """The filtered map at the photograph's own size and along its edges, uint8.

        The filter's coefficients are computed on the grid and applied to the photograph's own pixels (He and Sun, "Fast
        guided filter", 2015).

        Parameters
        ----------
        box : (x0, y0, x1, y1) in pixels of the photograph; None: all of it
        """
        coefficients = self._stages.get(
            "coefficients",
            (filter, projection, SameObject(fixed)),
            lambda: self._coefficients(filter, projection, fixed, progress),
        )
        return lift_picture(coefficients, self.picture, box, progress)

    def _coefficients(
        self,
        filter: FilterParams,
        projection: ProjectionParams,
        fixed: FixedBasis | None,
        progress: Progress | None = None,
    ) -> Coefficients:
        if fixed is None:
            return self._coefficients_of(self._reduction(filter, projection, progress), filter)
        flat = chosen(fixed.basis, projection).project(self.features)
        if fixed.low is None:
            filtered = guided_filter(self.image, flat, radius=filter.radius, eps=filter.eps, progress=progress)
            low, high = shown_range(filtered, projection, fixed)
        else:
            low, high = shown_range(flat, projection, fixed)
        return GuidedLift(self.image, radius=filter.radius, eps=filter.eps).coefficients(flat).stretched(low, high)

    def _coefficients_of(self, result: Reduction, filter: FilterParams) -> Coefficients:
        lift = GuidedLift(self.image, radius=filter.radius, eps=filter.eps)
        return lift.coefficients(result.projection).stretched(result.low, result.high)

    # maps ------------------------------------------------------------------------------------------------------------

    def random(self, seed: int) -> Floats:
        """Fig. 2b, (H, W, 3) in [0, 1]."""
        return self._stages.get("random", seed, lambda: random_projection(self.features, seed))

    def plain(
        self, projection: ProjectionParams, fixed: FixedBasis | None = None, progress: Progress | None = None
    ) -> Floats:
        """PCA of the raw features, (H, W, 3) in [0, 1]; on `fixed` where it is given."""
        basis = fixed.basis if fixed is not None else self.plain_basis(progress)

        def make() -> Floats:
            values = chosen(basis, projection).project(self.features)
            return stretch(values, *shown_range(values, projection, fixed))

        return self._stages.get("pca", (projection, SameObject(fixed)), make)

    def filtered(
        self,
        filter: FilterParams,
        projection: ProjectionParams,
        fixed: FixedBasis | None = None,
        progress: Progress | None = None,
    ) -> Floats:
        """PCA of the filtered features, (H, W, 3) in [0, 1]; on `fixed` where it is given.

        Without `fixed` the map is the paper's to within half of 1/512 (`filtered_pca`); with it, the filter being
        linear, the projected features are filtered, which is exact.
        """
        if fixed is None:
            result = self._reduction(filter, projection, progress).map
            self._stages.put("filtered", result)
            return result

        def make() -> Floats:
            values = _filtered(self, chosen(fixed.basis, projection), filter, progress)
            return stretch(values, *shown_range(values, projection, fixed))

        result = self._stages.get("filtered on fixed", (filter, projection, SameObject(fixed)), make)
        self._stages.put("filtered", result)
        return result

    def shown(self, name: str) -> Floats | None:
        """The map random, pca or filtered that was made last; None before."""
        newest = self._stages.newest(name)
        return cast(Floats, newest[1]) if newest else None

    def preview(
        self, filter: FilterParams, projection: ProjectionParams, fixed: FixedBasis | None, view: View | None
    ) -> tuple[Floats, Box]:
        """The filtered map while a slider moves: the part on screen, no finer than the screen, in the basis shown last.

        Parameters
        ----------
        view : the box (x0, y0, x1, y1) in pixels of the picture, and screen pixels per pixel; None: all of it

        Returns
        -------
        (h, w, 3) float32 in [0, 1], and the box of the picture that it covers
        """
        height, width = self.features.shape[:2]
        box, scale = view or ((0, 0, width, height), 1.0)
        return self._live(filter, projection, fixed).render(filter.radius, filter.eps, box, scale)

    def _live(self, filter: FilterParams, projection: ProjectionParams, fixed: FixedBasis | None) -> LivePreview:
        """What draws previews in the basis shown last, at the range that it was shown with.

        Before anything exact was shown, it is the basis of the raw features, which is nearly the same.
        """

        def around(result: Reduction, reference: FilterParams) -> LivePreview:
            at = (reference.radius, reference.eps)
            return LivePreview(
                self.image,
                result.projection,
                low=result.low,
                high=result.high,
                range=projection.range,
                reference=at,
                device=self.device,
            )

        def on(fixed: FixedBasis) -> LivePreview:
            flat = chosen(fixed.basis, projection).project(self.features)
            low, high = shown_range(flat, projection, fixed) if fixed.low is not None else (None, None)
            return LivePreview(self.image, flat, low=low, high=high, range=projection.range, device=self.device)

        if fixed is not None:
            return self._stages.get("live", (projection, SameObject(fixed)), lambda: on(fixed))
        shown = (*components_of(projection, self._components), projection.range)
        newest = self._stages.newest("reduction")
        if newest is None or newest[0][1] != shown:  # nothing exact yet, and no time to wait for it: the raw basis
            basis = self.plain_basis()
            return self._stages.get("live", (projection, SameObject(basis)), lambda: on(FixedBasis(basis)))
        (reference, _), result = newest
        return self._stages.get("live", (projection, SameObject(result)), lambda: around(result, reference))

    # bases -----------------------------------------------------------------------------------------------------------

    def plain_basis(self, progress: Progress | None = None) -> PcaBasis:
        """Principal components of the raw features."""
        return self._stages.get("plain basis", None, lambda: fit_pca(self.features, self._components, progress))

    def filtered_basis(
        self, filter: FilterParams, projection: ProjectionParams | None = None, progress: Progress | None = None
    ) -> PcaBasis:
        """Principal components of the filtered features, in the raw ones' order and signs.

        Those that `projection` shows are found as exactly as the picture needs them.
        """
        return self._reduction(filter, projection or ProjectionParams(), progress).basis

    def locked_basis(
        self, filter: FilterParams, projection: ProjectionParams, fixed: FixedBasis | None = None
    ) -> FixedBasis:
        """The basis of the filtered pane with this picture's range: nothing changes here when it is fixed."""
        if fixed is not None and fixed.low is not None:
            return fixed
        basis = fixed.basis if fixed is not None else self.filtered_basis(filter, projection)
        return self._with_range(basis, filter, projection)

    def _with_range(self, basis: PcaBasis, filter: FilterParams, projection: ProjectionParams) -> FixedBasis:
        return FixedBasis(basis, *range_of(_filtered(self, basis, filter), projection.range))

    def shared_basis(self, figures: Iterable[tuple[FeatureViews, Progress | None]], filter: FilterParams) -> FixedBasis:
        """Principal components of the filtered features of all `figures` together, aligned to this one's.

        The figures, each with what its filtering reports to, are taken one after the other, so they need not be in
        memory at once. The range is `SPREAD` standard deviations each way. Raises `ParameterError` where they have not
        the same number of dimensions.
        """
        own = self.plain_basis()
        covariance = Covariance(self.features.shape[2])
        for figure, progress in figures:
            add_filtered(
                covariance, figure.image, figure.features, filter, own.mean, device=figure.device, progress=progress
            )
        basis = basis_of(covariance.mean + own.mean, covariance.matrix, self._components)
        basis = basis.align_to(own, range(3))
        variance = np.maximum(basis.explained_variance_ratio * np.trace(covariance.matrix), 0)
        reach = (SPREAD * np.sqrt(variance)).astype(np.float32)
        return FixedBasis(basis, -reach, reach)

    def explained(self, filter: FilterParams, projection: ProjectionParams | None = None) -> tuple[float, ...]:
        """Share of the filtered features' variance that each component has."""
        return tuple(float(ratio) for ratio in self.filtered_basis(filter, projection).explained_variance_ratio)

    # everything ------------------------------------------------------------------------------------------------------

    def filtered_features(self, filter: FilterParams, progress: Progress | None = None) -> Floats:
        """All D channels after the guided filter; made anew at every call, they are large."""
        return guided_filter(
            self.image, self.features, radius=filter.radius, eps=filter.eps, progress=progress, device=self.device
        )

    @property
    def nbytes(self) -> int:
        """Bytes that image, features and kept stages take; features on disk not counted, stages on a GPU are."""
        own = 0 if isinstance(self.features, np.memmap) else self.features.nbytes
        full = 0 if self._picture is None else self._picture.nbytes
        return int(own + full + self.image.nbytes + self._stages.nbytes)

    def rest(self) -> None:
        """Let go of what only moving sliders need, which is soon made again: the picture is not looked at now."""
        self._stages.drop("reducer", "live", "coefficients")
        self._stages.thin()

    def content(
        self,
        filter: FilterParams,
        projection: ProjectionParams,
        fixed: FixedBasis | None = None,
        record: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> ExportContent:
        """Everything there is to export under these parameters.

        The filtered map is the paper's to some 1e-5 of its range: it is found anew from more axes than on screen, and
        depends on nothing that was shown before, so that the window and a command line write the same bytes.
        """
        steps = silent(progress)
        random = self.random(projection.seed)
        plain = self.plain(projection, fixed, steps.part(0.0, 0.3, "PCA"))
        part = steps.part(0.3, 1.0, "Guided filter")
        if fixed is not None:
            filtered, basis = self.filtered(filter, projection, fixed, part), fixed.basis
        else:
            result = self._reduced(
                self._new_reducer(part.part(0.0, 0.2), EXPORTED_AXES),
                EXPORTED_ERROR,
                filter,
                projection,
                part.part(0.2, 1.0),
            )
            filtered, basis = result.map, result.basis
        maps = {"random": random, "pca": plain}
        pictures = {"input": self.picture, **{name: self._enlarged(values) for name, values in maps.items()}}
        if self._picture is None:
            pictures["filtered"] = to_picture(filtered)
        elif fixed is not None:
            pictures["filtered"] = self.lifted(filter, projection, fixed)
        else:
            pictures["filtered"] = lift_picture(self._coefficients_of(result, filter), self._picture)
        ready = fixed is not None and fixed.low is not None
        own = self._picture
        return ExportContent(
            image=self.image,
            pictures=pictures,
            raw=self.features,
            filtered=lambda part: self.filtered_features(filter, part),
            map3=filtered,
            basis=basis,
            full_size={} if own is None else full_size_features(self.image, self.features, own, filter),
            fixed_basis=lambda: cast(FixedBasis, fixed) if ready else self._with_range(basis, filter, projection),
            record={**(record or {}), "filter": filter.to_dict(), "projection": projection.to_dict()},
        )

    # stages ----------------------------------------------------------------------------------------------------------

    def _reduction(
        self, filter: FilterParams, projection: ProjectionParams, progress: Progress | None = None
    ) -> Reduction:
        """Map and basis of the filtered features, aligned to the raw ones' basis, as exactly as a screen can show."""
        steps = silent(progress)

        def make() -> Reduction:
            reducer = self._stages.get("reducer", None, lambda: self._new_reducer(steps.part(0.0, 0.4, "Preparing")))
            return self._reduced(reducer, TOLERANCE, filter, projection, steps.part(0.4, 1.0, "Guided filter"))

        rows = components_of(projection, self._components)
        return self._stages.get("reduction", (filter, (*rows, projection.range)), make)

    def _reduced(
        self,
        reducer: Reducer,
        tolerance: float,
        filter: FilterParams,
        projection: ProjectionParams,
        progress: Progress,
    ) -> Reduction:
        return reducer.reduce(
            filter.radius,
            filter.eps,
            components=self._components,
            shown=components_of(projection, self._components),
            previous=self.plain_basis(progress.part(0.0, 0.1, "PCA")),
            range=projection.range,
            tolerance=tolerance,
            progress=progress.part(0.1, 1.0),
        )

    def _enlarged(self, values: Floats) -> Picture:
        """The map `values` as a picture of the photograph's size; unfiltered ones have no edges to follow: bilinear."""
        return to_picture(values if self._picture is None else resize(values, self.size))

    def _new_reducer(self, progress: Progress, ranks: tuple[int, int] = (8, 16)) -> Reducer:
        return Reducer(self.image, self.features, device=self.device, ranks=ranks, progress=progress)

    @property
    def _components(self) -> int:
        return min(COMPONENTS, int(self.features.shape[2]))


def _filtered(figure: FeatureViews, basis: PcaBasis, filter: FilterParams, progress: Progress | None = None) -> Floats:
    """The filtered features on `basis`, not stretched: the projected ones, filtered."""
    flat = basis.project(figure.features)
    return guided_filter(figure.image, flat, radius=filter.radius, eps=filter.eps, progress=progress)
