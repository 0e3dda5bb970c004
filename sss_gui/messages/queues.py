"""The table of messages: which queue each waits in, what a newer one does to it, and which method answers it.

A new message is one row here and one method of that name in its engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sss_gui.messages.files import FeatureThumbnailsRequest, ListRequest, PasteRequest, ThumbnailRequest
from sss_gui.messages.message import Message
from sss_gui.messages.models import BackboneModelRequest, BackbonesRequest, ModelsRequest
from sss_gui.messages.overlays import ClusterRequest, SimilarityRequest, WriteMaskRequest
from sss_gui.messages.panes import (
    BasisRequest,
    BatchExportRequest,
    ExportRequest,
    ForgetRequest,
    LiftRequest,
    LoadModelRequest,
    PinRequest,
    PrefetchRequest,
    PreviewRequest,
    ProbeRequest,
    ShowRequest,
)
from sss_gui.messages.segments import (
    BackdropRequest,
    CutOutRequest,
    ExportLayersRequest,
    LayersRequest,
    MatteRequest,
    SegmentsLiftRequest,
    SegmentsRequest,
)


class Queue(IntEnum):
    """Where messages wait; a worker serves the first of these that is not empty."""

    PANES = 0
    LIFT = 1
    LAYERS = 2
    MATTE = 3
    SEGMENTS_LIFT = 4
    PROBE = 5
    PIN = 6
    SIMILARITY = 7
    CLUSTERS = 8
    SEGMENTS = 9
    BACKDROP = 10
    BASIS = 11
    EXPORT = 12
    MODEL = 13
    LIST = 14
    THUMBNAILS = 15
    BATCH = 16
    PREFETCH = 17
    FORGET = 18


@dataclass(frozen=True)
class Row:
    """What holds for every message of one type.

    Attributes
    ----------
    method : of the engine, called with the message, a `Progress`, and what delivers parts of the answer
    stopped_by_newer : a newer message of its queue cancels it while it runs; otherwise it is finished first
    replaced_by_newer : a newer message of its queue takes its place while it waits; otherwise both are answered
    background : any message of another queue cancels it while it runs
    busy : a user waits for it: the window says so, and how long
    """

    message: type[Message[Any]]
    queue: Queue
    method: str
    stopped_by_newer: bool = False
    replaced_by_newer: bool = True
    background: bool = False
    busy: bool = False


FEATURES = (
    Row(ShowRequest, Queue.PANES, "show", stopped_by_newer=True, busy=True),
    # finished though a newer one waits: else nothing would be seen while a slider is dragged
    Row(PreviewRequest, Queue.PANES, "preview"),
    Row(LiftRequest, Queue.LIFT, "lift"),
    Row(ProbeRequest, Queue.PROBE, "probe"),
    Row(PinRequest, Queue.PIN, "pin"),
    Row(SimilarityRequest, Queue.SIMILARITY, "similarity"),
    Row(ClusterRequest, Queue.CLUSTERS, "clusters", stopped_by_newer=True, busy=True),
    Row(BasisRequest, Queue.BASIS, "save_basis", stopped_by_newer=True, busy=True),
    Row(ExportRequest, Queue.EXPORT, "export", replaced_by_newer=False, busy=True),
    Row(WriteMaskRequest, Queue.EXPORT, "write_mask", replaced_by_newer=False, busy=True),
    Row(LoadModelRequest, Queue.MODEL, "load_model"),
    Row(FeatureThumbnailsRequest, Queue.THUMBNAILS, "feature_thumbnails"),
    Row(BatchExportRequest, Queue.BATCH, "export_of_batch", busy=True),
    Row(PrefetchRequest, Queue.PREFETCH, "prefetch", background=True),
    Row(SegmentsRequest, Queue.SEGMENTS, "segments", stopped_by_newer=True, busy=True),
    Row(LayersRequest, Queue.LAYERS, "layers", stopped_by_newer=True),
    Row(MatteRequest, Queue.MATTE, "matte"),
    Row(SegmentsLiftRequest, Queue.SEGMENTS_LIFT, "lift_segments", stopped_by_newer=True),
    Row(BackdropRequest, Queue.BACKDROP, "backdrop"),
    Row(ExportLayersRequest, Queue.EXPORT, "export_layers", replaced_by_newer=False, busy=True),
    Row(CutOutRequest, Queue.EXPORT, "cut_out", replaced_by_newer=False, busy=True),
    Row(ForgetRequest, Queue.FORGET, "forget"),
)
"""Answered by `FeatureEngine`, on the thread that owns the model."""

FILES = (
    Row(ListRequest, Queue.LIST, "list_files", stopped_by_newer=True),
    Row(PasteRequest, Queue.EXPORT, "paste", replaced_by_newer=False),
    Row(ThumbnailRequest, Queue.THUMBNAILS, "thumbnails"),
)
"""Answered by `FileEngine`, on a thread that needs no model."""

MODELS = (
    Row(ModelsRequest, Queue.LIST, "describe"),
    Row(BackbonesRequest, Queue.LIST, "list_backbones"),
    Row(BackboneModelRequest, Queue.EXPORT, "build", replaced_by_newer=False),
)
"""Answered by `ModelEngine`, on a thread beside the running model."""

_ROWS = {row.message: row for row in (*FEATURES, *FILES, *MODELS)}


def row_of(message: Message[Any]) -> Row:
    """The row of the type of `message`."""
    return _ROWS[type(message)]
