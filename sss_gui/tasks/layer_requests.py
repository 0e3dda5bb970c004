"""Exports of the layers and mattes of any open picture, shown or not: as it was left, or as one begins."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from operator import attrgetter
from pathlib import Path

from sss_gui.requests.panes import Source
from sss_gui.requests.segments import ExportLayersRequest, Groups, LayersRequest, MatteRequest
from sss_gui.state.layer_edits import Edits, Layer, matte_of
from sss_gui.state.segments import Segments
from sss_model.params.layers import LayerExportParams, SegmentParams


def layers_export(segments: Segments, source: Source, folder: Path, params: LayerExportParams) -> ExportLayersRequest:
    """Its layers as they were made; where none were, as many as the picture that shows has."""
    edits, cut = segments.edits_of(source), segments.cut_request(source)
    if not edits.layers:
        count = len(segments.edits.layers) or SegmentParams().layers
        cut = replace(cut, params=replace(cut.params, layers=count))
        return ExportLayersRequest(LayersRequest(cut, ()), (), folder, params)
    shown = segments.layers_request() if source == segments.source else None
    groups = shown.groups if shown is not None else _groups(edits)
    by_plane = {groups[min(layer.components)]: layer for layer in edits.layers}
    planes = [by_plane[plane] for plane in range(len(by_plane))]
    name = partial(layer_name, segments) if shown is not None else attrgetter("name")
    names, colours = tuple(map(name, planes)), tuple(layer.colour for layer in planes)
    arranged = edits.arranged or segments.by_classes
    order = tuple(groups[min(layer.components)] for layer in edits.layers) if arranged else ()
    return ExportLayersRequest(LayersRequest(cut, groups), names, folder, params, order, colours)


def matte_export(
    segments: Segments, source: Source, folder: Path, params: LayerExportParams, like: MatteRequest | None = None
) -> ExportLayersRequest | None:
    """Its matte; where it has none the same thing as `like`, found again; None without that."""
    edits, cut = segments.edits_of(source), segments.cut_request(source)
    groups = _groups(edits)
    matte = matte_of(edits, groups)
    request = segments.matte_request() if source == segments.source else None
    if request is None and (matte.steps or matte.picked):
        request = MatteRequest(LayersRequest(cut, groups), matte)
    if request is not None:
        return ExportLayersRequest(request.layers, ("matte",), folder, params, matte=request)
    return ExportLayersRequest(LayersRequest(cut, ()), ("matte",), folder, params, like=like) if like else None


def layer_name(segments: Segments, layer: Layer) -> str:
    """What a layer that shows is called in files: without the comma of a place and colour, which ends a name in a
    command."""
    title = segments.title(layer)
    return title if title == layer.name else title.replace(", ", " ")


def _groups(edits: Edits) -> Groups:
    """Each component's layer, numbered in the layers' order."""
    plane_of = {component: plane for plane, part in enumerate(edits.parts) for component in part}
    return tuple(plane_of[component] for component in range(len(plane_of)))
