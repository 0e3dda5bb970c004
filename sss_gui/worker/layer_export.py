"""Writes layers or a matte into files, as `sss-segment` does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import sss_model
from sss_gui.messages.panes import ExportResult
from sss_gui.messages.segments import ExportLayersRequest
from sss_gui.worker.feature_cache import CachedFeatures
from sss_gui.worker.segment_engine import SegmentEngine
from sss_gui.worker.worker import Deliver
from sss_model.analysis.segment_pictures import layer_overlay
from sss_model.atomic_write import replacing
from sss_model.files.export import PROGRAM, ExportError, prepare_folder
from sss_model.image_io import write_picture
from sss_model.layer_io import FORMATS, Layers, write_layers
from sss_model.params import LayerExportParams, SegmentParams
from sss_model.progress import Progress
from sss_model.segmentation.foreground import foreground_colours


def export_layers(
    engine: SegmentEngine, request: ExportLayersRequest, progress: Progress, deliver: Deliver
) -> ExportResult:
    """Write the request's layers, or its matte, and beside them the JSON that says how they were made.

    Raises
    ------
    ExportError : files that are there and are to be kept, a folder that cannot be written to
    """
    source = request.layers.cut.show.source
    what = "layers" if request.matte is None else request.names[0]
    record_file = request.folder / f"{source.stem}-{what}.json"
    if request.params.existing == "refuse" and record_file.exists():
        raise ExportError(f"{record_file.name} is already in {request.folder}.", hint="Choose another folder.")
    if request.params.existing == "skip" and _whole(record_file):
        return ExportResult(request.ticket, ())
    target = prepare_folder(request.folder) / source.stem
    document, _ = engine.found(request.layers.cut, progress.part(0.0, 0.1), deliver)
    layers = _layers(engine, request, progress.part(0.1, 0.8), deliver)
    record = _record(request, document, layers)
    files: list[Path] = []
    for k, form in enumerate(request.params.formats):
        progress.report(0.8 + 0.2 * k / len(request.params.formats), "Writing")
        files += write_layers(target, layers, format=form, metadata=record)
    if request.params.overlay:
        files.append(target.with_name(f"{source.stem}-overlay.png"))
        write_picture(files[-1], layer_overlay(layers.image, layers.alphas))
    with replacing(record_file, ExportError) as temporary:
        entry = {**record, "files": [file.name for file in files]}
        text = json.dumps(entry, indent=2, ensure_ascii=False) + "\n"
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    progress.report(1.0, "Writing")
    return ExportResult(request.ticket, (*files, record_file), document.notes)


def _layers(engine: SegmentEngine, request: ExportLayersRequest, progress: Progress, deliver: Deliver) -> Layers:
    """What is written, at the photograph's own size, in the order of the request."""
    _, cut = engine.found(request.layers.cut, progress.part(0.0, 0.1), deliver)
    if request.matte is not None:
        alphas = engine.full_matte(request.matte, progress.part(0.1, 0.6), deliver)[..., None]
    else:
        alphas = cut.at_full_size(request.layers.groups, progress.part(0.1, 0.6, "Full size"))
    layers = Layers(cut.image, alphas, request.names)
    if request.order:
        names = tuple(request.names[k] for k in request.order)
        layers = Layers(cut.image, alphas[..., list(request.order)], names)
    elif request.matte is None:
        layers = layers.by_share()
    if request.params.decontaminate:
        layers = replace(layers, colours=foreground_colours(cut.image, layers.alphas, progress=progress.part(0.6, 1.0)))
    return layers


def _record(request: ExportLayersRequest, document: CachedFeatures, layers: Layers) -> dict[str, Any]:
    """What the JSON says of how the layers were made: for unedited ones the same as the command's."""
    cut = request.layers.cut
    count = max(request.layers.groups) + 1
    segment = replace(cut.params, layers=min(count, SegmentParams.__dataclass_fields__["layers"].metadata["high"]))
    shares = zip(layers.names, layers.shares.tolist(), strict=True)
    made: dict[str, Any] = {}
    if cut.params.method == "sss" and document.network:
        made = dict(document.record)
    elif cut.params.method == "sss":
        made = {"features": {"file": cut.show.source.name, "metadata": document.record.get("metadata", {})}}
    if request.matte is not None:
        made["matte"] = {
            "picked": list(request.matte.matte.picked),
            "keep": [list(point) for point in request.matte.matte.keep],
            "drop": [list(point) for point in request.matte.matte.drop],
            **request.matte.matte.params.to_dict(),
        }
    return {
        "program": PROGRAM,
        "version": sss_model.__version__,
        "source": cut.show.source.name,
        "size": list(layers.image.shape[:2]),
        "segment": _plain(segment),
        "export": _plain(request.params),
        "alpha": {form: FORMATS[form].alpha for form in request.params.formats},
        "layers": [{"name": name, "share": share} for name, share in shares],
        **made,
    }


def _plain(params: LayerExportParams | SegmentParams) -> Any:
    """`params` as a JSON gives them back, without what says nothing of the files."""
    return json.loads(json.dumps({key: value for key, value in params.to_dict().items() if key != "existing"}))


def _whole(record: Path) -> bool:
    """Whether the files that `record` lists are all there."""
    try:
        files = json.loads(record.read_text(encoding="utf-8"))["files"]
        return all(record.with_name(name).is_file() for name in files)
    except (OSError, ValueError, KeyError, TypeError):
        return False
