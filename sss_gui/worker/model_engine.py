"""Work on models beside the running one, on a thread of its own: what files are, which backbones there are."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from sss_gui.requests.models import (
    BackboneModelRequest,
    BackbonesRequest,
    BackbonesResult,
    BackboneWords,
    GoodBackbone,
    ModelsRequest,
    ModelWords,
)
from sss_gui.requests.worker import Answers, Deliver, Engine
from sss_gui.worker.model_files import describe_model
from sss_model.progress import Progress


class ModelEngine(Engine):
    """Describes model files, lists backbones and writes models of them; torch and timm only for the last two."""

    answers: ClassVar[Answers] = {
        ModelsRequest: "describe",
        BackbonesRequest: "list_backbones",
        BackboneModelRequest: "build",
    }

    def describe(self, request: ModelsRequest, progress: Progress, deliver: Deliver) -> tuple[ModelWords, ...]:
        """The shipped model and those at the request's paths, in words."""
        return tuple(describe_model(path) for path in (None, *request.paths))

    def list_backbones(self, request: BackbonesRequest, progress: Progress, deliver: Deliver) -> BackbonesResult:
        """The backbones that are installed."""
        from sss_model.weights.catalogue import list_backbones, short_list

        words = (BackboneWords(e.name, e.program, e.weights, e.here) for e in list_backbones())
        good = (
            GoodBackbone(e.name, e.program, e.weights, e.here, listed.words, listed.megabytes, licence)
            for listed, e, licence in short_list()
        )
        return BackbonesResult(tuple(words), tuple(good))

    def build(self, request: BackboneModelRequest, progress: Progress, deliver: Deliver) -> Path:
        """Write a model of one backbone alone."""
        from sss_model.commands.backbone_options import parse_blocks
        from sss_model.weights.initialise import write_backbone

        return write_backbone(
            request.folder,
            request.name,
            request.weights,
            blocks=parse_blocks(request.blocks),
            consent=request.consent,
            progress=progress,
        )
