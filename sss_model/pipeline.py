"""From an opened file to features, pictures and exports: the one recipe, for the window and for sss-extract."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sss_model.array_types import Picture
from sss_model.extractor import CachedExtractor
from sss_model.files.export import write_exports
from sss_model.files.inputs import Input
from sss_model.image_io import to_picture
from sss_model.params import ExportParams, ExtractParams, FilterParams, ProjectionParams
from sss_model.progress import Progress, silent
from sss_model.projection.display_basis import FixedBasis
from sss_model.projection.feature_views import FeatureViews
from sss_model.working_grid import SmallestScale, choose_grid, extract_grid

log = logging.getLogger(__name__)

FROM_FILE = "features from the file"


@dataclass(frozen=True, eq=False)
class AnalysedPicture:
    """One picture with its features, however they came, ready to be shown and exported.

    Attributes
    ----------
    views : its maps, each kept under the parameters it depends on
    model : the checkpoint's name, or `FROM_FILE`
    device : where the features were computed
    record : source, checkpoint and parameters, for the JSON beside an export
    notes : what was done differently, such as features on disk or the processor in place of the GPU
    """

    views: FeatureViews
    model: str
    device: str
    record: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def analyse(
    opened: Input,
    name: str,
    extractor: CachedExtractor,
    model: Path | None,
    params: ExtractParams,
    progress: Progress | None = None,
    *,
    picture: Picture | None = None,
    smallest: SmallestScale | None = None,
    make_room: Callable[[int], None] | None = None,
    note: Callable[[str], None] | None = None,
) -> AnalysedPicture:
    """The picture with the features that its file holds, or else with those that the network computes.

    Parameters
    ----------
    name : what the record calls the source
    extractor : keeps the network from picture to picture
    model, params : of the network; None is the shipped one
    picture : the photograph as (H, W, 3) uint8 where the caller has it already; it is kept instead of another copy
    smallest : what `extract_smallest` made of it, where that was done already
    make_room : told how many bytes the features take, before they are kept
    note : told each sentence of the notes as it comes

    Examples
    --------
    >>> from sss_model.files.inputs import read_input
    >>> picture = analyse(read_input("photo.png"), "photo.png", CachedExtractor(), None, ExtractParams())
    >>> files = export_picture(picture, ".", "photo", FilterParams(), ProjectionParams(), ExportParams())
    >>> files[0].name
    'photo-input.png'
    """
    source = {"source": name} | ({"source_sha256": opened.sha256} if opened.sha256 else {})
    said = _said(opened)
    if note is not None:
        for sentence in said:
            note(sentence)
    room = make_room or (lambda size: None)
    if opened.features is not None:
        room(opened.features.nbytes)
        record = {**source, "metadata": opened.metadata}
        return AnalysedPicture(FeatureViews(opened.image, opened.features), FROM_FILE, "cpu", record, said)
    if params.size == "native" and params.network_scales == (1.0,):  # may be too large for memory
        result = extractor.extract(opened.image, model, params, progress, make_room=make_room, note=note)
        views = FeatureViews(opened.image, result.features, device=result.device)
        record = {**source, **opened.metadata, **result.record}
        return AnalysedPicture(views, result.model, result.device, record, (*said, *result.notes))
    network = extractor.extractor(model, params)
    grid = choose_grid((opened.image.shape[0], opened.image.shape[1]), params.size)
    log.debug("grid: %d x %d at scales %s", *grid.size[::-1], params.network_scales)
    room(4 * network.feature_channels * grid.size[0] * grid.size[1])
    found = extract_grid(
        network, opened.image, size=params.size, scales=params.scales, smallest=smallest, progress=progress, note=note
    )
    kept = picture if picture is not None or grid.is_native else to_picture(opened.image)
    views = FeatureViews(found.guide, found.features, picture=None if grid.is_native else kept, device=found.device)
    record = {**source, **opened.metadata, **found.record}
    return AnalysedPicture(views, network.checkpoint.path.stem, found.device, record, (*said, *found.notes))


def _said(opened: Input) -> tuple[str, ...]:
    """What a person is to know of how the picture was read."""
    if opened.features is not None:
        return (f"Read with: {opened.metadata['tokens']}.",) if "tokens" in opened.metadata else ()
    colours = opened.metadata.get("colours")
    told = (f"Read with: {colours}.",) if colours else ()
    return (*told, *((opened.metadata["reduced"],) if "reduced" in opened.metadata else ()))


def export_picture(
    picture: AnalysedPicture,
    folder: str | os.PathLike[str],
    stem: str,
    filter: FilterParams,
    projection: ProjectionParams,
    export: ExportParams,
    *,
    basis: FixedBasis | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Write what `export` names of `picture` into `folder`, see `write_exports`; returns the paths written."""
    steps = silent(progress)
    content = picture.views.content(filter, projection, basis, picture.record, steps.part(0.0, 0.4))
    return write_exports(folder, stem, content, export, steps.part(0.4, 1.0))
