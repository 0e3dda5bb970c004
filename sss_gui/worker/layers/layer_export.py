"""Writes layers or a matte into files, as `sss-segment` does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sss_gui.requests.panes import ExportResult
from sss_gui.requests.segments import ExportLayersRequest
from sss_gui.requests.worker import Deliver
from sss_gui.worker.feature_cache import CachedFeatures
from sss_gui.worker.sources import read_source
from sss_model.analysis.class_layers import class_lead
from sss_model.analysis.layer_files import (
    decontaminated,
    layers_record,
    may_stay,
    record_name,
    write_layer_files,
)
from sss_model.classes import classes_sha256, confidence
from sss_model.files.export import check_source, prepare_folder
from sss_model.files.inputs import file_sha256
from sss_model.layer_io import Layers
from sss_model.params.layers import NETWORKS, SOFT_METHODS, ClassParams, SegmentParams
from sss_model.progress import Progress
from sss_model.segmentation.comparisons import network_weights

if TYPE_CHECKING:
    from sss_gui.worker.layers.segment_engine import SegmentEngine

_LINEAR = {"exr", "cryptomatte"}  # formats that lie on the plate and keep its values
_MOST_LAYERS = SegmentParams.__dataclass_fields__["layers"].metadata["high"]


def export_layers(
    engine: SegmentEngine, request: ExportLayersRequest, progress: Progress, deliver: Deliver
) -> ExportResult:
    """Write the request's layers, or its matte, and beside them the JSON that says how they were made.

    Raises
    ------
    ExportError : files that are there and are to be kept, a folder that cannot be written to
    """
    cut, params = request.layers.cut, request.params
    source, what = cut.features.source, "layers" if request.matte is None else "matte"
    stem = class_lead(source.stem) if cut.classes is not None and what == "layers" else source.stem
    path, target = request.folder / record_name(stem, what), request.folder / stem
    if source.path is not None:
        check_source(path, source.path, changed=True)
    segment = _segment(request)
    if may_stay(path, segment, params):
        return ExportResult(())
    prepare_folder(request.folder)
    document = engine.document(cut.features, progress.part(0.0, 0.1), deliver)
    layers = _layers(engine, request, progress.part(0.1, 0.6), deliver)
    if _LINEAR & set(params.formats) and source.path is not None:
        layers = replace(layers, plate=read_source(source).plate)
    layers = decontaminated(layers, params, progress.part(0.6, 0.8))
    sha256 = file_sha256(source.path) if source.path is not None else ""
    record = layers_record(source.path.name, sha256, layers, segment, params, _made(request, document))
    colour_of = dict(zip(request.names, request.colours, strict=False))
    colours = [colour_of[name] for name in layers.names if name in colour_of]
    files = write_layer_files(target, layers, params, record, progress.part(0.8, 1.0), what=what, colours=colours)
    return ExportResult(tuple(files), document.notes)


def _segment(request: ExportLayersRequest) -> ClassParams | SegmentParams:
    """How the layers were made, as the record says it."""
    cut, groups = request.layers.cut, request.layers.groups
    if cut.classes is not None:
        return ClassParams(classes_sha256(cut.classes))
    if cut.params.method in SOFT_METHODS and groups:
        return replace(cut.params, layers=min(max(groups) + 1, _MOST_LAYERS))
    return cut.params


def _layers(engine: SegmentEngine, request: ExportLayersRequest, progress: Progress, deliver: Deliver) -> Layers:
    """What is written, at the photograph's own size, in the order of the request."""
    if request.matte is not None:
        image, alpha = engine.full_matte(request.matte, progress, deliver)
        return Layers(image, alpha[..., None], request.names)
    _, cut = engine.found(request.layers.cut, progress.part(0.0, 0.1), deliver)
    alphas = cut.at_full_size(request.layers.groups, progress.part(0.1, 1.0, "Full size"))
    if not request.order:
        return Layers(cut.image, alphas, request.names).by_share()
    return Layers(cut.image, alphas[..., list(request.order)], tuple(request.names[k] for k in request.order))


def _made(request: ExportLayersRequest, document: CachedFeatures) -> dict[str, Any]:
    """What else the layers were made with: for unedited ones what the command says too."""
    made: dict[str, Any] = {}
    cut, matte = request.layers.cut, request.matte
    if cut.classes is not None and matte is None:
        made = {"confidence": round(confidence(cut.classes.probabilities(document.figure.features)), 4)}
    if cut.params.method == "sss" and document.network:
        made = {**document.record, **made}
    elif cut.params.method == "sss":
        file = cut.features.source.path.name
        made = {**made, "features": {"file": file, "metadata": document.record.get("metadata", {})}}
    elif cut.params.method in NETWORKS:
        weights = network_weights(cut.params.method, cut.file, consent=False)  # the cut has them on this machine
        made = {"weights": {cut.params.method: {"name": weights.name, "sha256": file_sha256(weights)}}}
    if matte is not None:
        steps = [step.to_dict() for step in matte.matte.steps]
        drawn = {"steps": steps, "edges": matte.matte.edges} if steps else {}
        made["matte"] = {"picked": list(matte.matte.picked), **drawn, **matte.matte.params.to_dict()}
    return made
