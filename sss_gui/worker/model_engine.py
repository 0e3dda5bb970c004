"""Work on models beside the running one, on a thread of its own: what files are, which backbones there are."""

from __future__ import annotations

from sss_gui.messages.models import (
    BackboneModelRequest,
    BackboneModelResult,
    BackbonesRequest,
    BackbonesResult,
    BackboneWords,
    ModelsRequest,
    ModelsResult,
)
from sss_gui.worker.model_files import describe_model
from sss_gui.worker.worker import Deliver, Engine
from sss_model.progress import Progress


class ModelEngine(Engine):
    """Describes model files, lists backbones and writes models of them; torch and timm only for the last two."""

    def describe(self, message: ModelsRequest, progress: Progress, deliver: Deliver) -> ModelsResult:
        """The shipped model and those at the message's paths, in words."""
        return ModelsResult(message.ticket, tuple(describe_model(path) for path in (None, *message.paths)))

    def list_backbones(self, message: BackbonesRequest, progress: Progress, deliver: Deliver) -> BackbonesResult:
        """The backbones that are installed."""
        from sss_model.weights.catalogue import list_backbones

        words = (BackboneWords(e.name, e.program, e.weights, e.here) for e in list_backbones())
        return BackbonesResult(message.ticket, tuple(words))

    def build(self, message: BackboneModelRequest, progress: Progress, deliver: Deliver) -> BackboneModelResult:
        """Write a model of one backbone alone."""
        from sss_model.commands.backbone_options import parse_blocks
        from sss_model.weights.initialise import natural_params, write_untrained

        params = natural_params(message.name, "taps", parse_blocks(message.blocks))
        message.folder.mkdir(parents=True, exist_ok=True)
        source = "random" if message.weights is None else "weights"
        parts = (message.name, *map(str, params.blocks), "taps" if source == "weights" else "random-taps")
        path = message.folder / ("-".join(parts) + ".safetensors")
        write_untrained(path, params, message.weights, consent=message.consent)
        return BackboneModelResult(message.ticket, path)
