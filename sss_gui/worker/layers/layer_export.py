"""Writes layers or a matte into files, as `sss-segment` does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sss_gui.requests.panes import ExportResult
from sss_gui.requests.segments import ExportLayersRequest, MatteRequest
from sss_gui.requests.worker import Deliver
from sss_gui.worker.feature_cache import CachedFeatures
from sss_gui.worker.sources import read_source
from sss_model.analysis.class_layers import class_lead
from sss_model.analysis.layer_files import decontaminated, layers_record, may_stay, record_name, write_layer_files
from sss_model.classes import DOUBTFUL as DOUBTFUL_CLASSES
from sss_model.classes import classes_sha256, confidence
from sss_model.files.export import ExportError, check_source, prepare_folder
from sss_model.files.inputs import file_sha256
from sss_model.layer_io import Layers, numbered_names
from sss_model.matting import DOUBTFUL, MatteEditor
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
    source, what = cut.features.source, "matte" if request.matte or request.like else "layers"
    stem = request.stem or source.stem
    stem = class_lead(stem) if cut.classes is not None and what == "layers" else stem
    path, target = request.folder / record_name(stem, what), request.folder / stem
    if source.path is not None:
        check_source(path, source.path, changed=True)
    segment = _segment(request)
    if may_stay(path, segment, params):
        return ExportResult(())
    prepare_folder(request.folder)
    document = engine.document(cut.features, progress.part(0.0, 0.1), deliver)
    layers, made, doubt = _layers(engine, request, document, progress.part(0.1, 0.6), deliver)
    if _LINEAR & set(params.formats) and source.path is not None:
        layers = replace(layers, plate=read_source(source).plate)
    layers = decontaminated(layers, params, progress.part(0.6, 0.8))
    sha256 = file_sha256(source.path) if source.path is not None else ""
    record = layers_record(source.path.name, sha256, layers, segment, params, {**_made(request, document), **made})
    colour_of = dict(zip(request.names, request.colours, strict=False))
    colours = [colour_of[name] for name in layers.names if name in colour_of]
    colours = colours if len(colours) == len(layers.names) else []  # a name that no file could hold is another one now
    files = write_layer_files(target, layers, params, record, progress.part(0.8, 1.0), what=what, colours=colours)
    return ExportResult(tuple(files), document.notes, doubt)


def _segment(request: ExportLayersRequest) -> ClassParams | SegmentParams:
    """How the layers were made, as the record says it."""
    cut, groups = request.layers.cut, request.layers.groups
    if cut.classes is not None:
        return ClassParams(classes_sha256(cut.classes))
    if cut.params.method in SOFT_METHODS and groups:
        return replace(cut.params, layers=min(max(groups) + 1, _MOST_LAYERS))
    return cut.params


def _layers(
    engine: SegmentEngine, request: ExportLayersRequest, document: CachedFeatures, progress: Progress, deliver: Deliver
) -> tuple[Layers, dict[str, Any], str]:
    """What is written, at the photograph's own size, in the order of the request; how sure it is; why that is doubted.

    Raises `ExportError` where the layers were made of other components than the cut has.
    """
    if request.like is not None:
        return _found_again(engine, request.like, request, document, progress, deliver)
    if request.matte is not None:
        image, alpha = engine.full_matte(request.matte, progress, deliver)
        return Layers(image, alpha[..., None], request.names), {}, ""
    made, doubt = _sure_of_classes(request, document)
    _, cut = engine.cut(request.layers.cut, progress.part(0.0, 0.4), deliver)
    groups, names, order = request.layers.groups, request.names, request.order
    if groups and len(groups) != len(cut.shares):
        raise ExportError(
            f"The layers of {document.source.name} were made of other features than there are now.",
            hint="Open the picture, look at its layers, and export it by itself.",
        )
    if not groups:
        groups = cut.groupings[min(request.layers.cut.params.layers, len(cut.groupings)) - 1]
    alphas = cut.at_full_size(groups, progress.part(0.4, 1.0, "Full size"))
    if order:
        return Layers(cut.image, alphas[..., list(order)], tuple(names[k] for k in order)), made, doubt
    layers = Layers(cut.image, alphas, names or cut.names or numbered_names(alphas.shape[2])).by_share()
    numbered = replace(layers, names=numbered_names(len(layers.names)))
    return layers if names or cut.names else numbered, made, doubt


def _found_again(
    engine: SegmentEngine,
    like: MatteRequest,
    request: ExportLayersRequest,
    document: CachedFeatures,
    progress: Progress,
    deliver: Deliver,
) -> tuple[Layers, dict[str, Any], str]:
    """The matte of the thing that `like` cuts out of another picture, as `sss-segment --matte` finds it."""
    recipe = engine.mattes.values(like, progress.part(0.0, 0.2), deliver)
    image = read_source(document.source).image
    editor = MatteEditor.from_recipe(image, recipe, document.figure.features, progress=progress.part(0.2, 0.7))
    alpha = editor.solve(progress.part(0.7, 1.0, "Edges"))
    sure = editor.confidence
    doubt = f"It may not be there: sure to {sure:.0%} only" if sure < DOUBTFUL else ""
    return Layers(image, alpha[..., None], request.names), {"recipe": recipe, "confidence": sure}, doubt


def _sure_of_classes(request: ExportLayersRequest, document: CachedFeatures) -> tuple[dict[str, Any], str]:
    classes = request.layers.cut.classes
    if classes is None:
        return {}, ""
    sure = round(confidence(classes.probabilities(document.figure.features)), 4)
    return {"confidence": sure}, f"Sure to {sure:.0%} only" if sure < DOUBTFUL_CLASSES else ""


def _made(request: ExportLayersRequest, document: CachedFeatures) -> dict[str, Any]:
    """What else the layers were made with: for unedited ones what the command says too."""
    made: dict[str, Any] = {}
    cut, matte = request.layers.cut, request.matte
    if cut.params.method == "sss" and document.network:
        made = dict(document.record)
    elif cut.params.method == "sss":
        file = cut.features.source.path.name
        made = {"features": {"file": file, "metadata": document.record.get("metadata", {})}}
    elif cut.params.method in NETWORKS:
        weights = network_weights(cut.params.method, cut.file, consent=False)  # the cut has them on this machine
        made = {"weights": {cut.params.method: {"name": weights.name, "sha256": file_sha256(weights)}}}
    if matte is not None:
        steps = [step.to_dict() for step in matte.matte.steps]
        drawn = {"steps": steps, "edges": matte.matte.edges} if steps else {}
        made["matte"] = {"picked": list(matte.matte.picked), **drawn, **matte.matte.params.to_dict()}
    return made
