"""Work on models beside the running one, on a thread of its own: what files are, which backbones there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
from sss_model.progress import Progress


class ModelEngine:
    """Answers `ModelsRequest`, `BackbonesRequest` and `BackboneModelRequest`; torch and timm only for the last two."""

    def run(self, request: Any, progress: Progress, deliver: Callable[[Any], None]) -> Any:
        """Answer `request`."""
        if isinstance(request, ModelsRequest):
            return ModelsResult(request.ticket, tuple(describe_model(path) for path in (None, *request.paths)))
        if isinstance(request, BackbonesRequest):
            return _list(request)
        if isinstance(request, BackboneModelRequest):
            return _build(request)
        raise TypeError(f"ModelEngine cannot answer {type(request).__name__}.")

    def close(self) -> None:
        """Nothing is held."""


def _list(request: BackbonesRequest) -> BackbonesResult:
    from sss_model.weights.catalogue import list_backbones

    words = (BackboneWords(e.name, e.program, e.weights, e.here) for e in list_backbones())
    return BackbonesResult(request.ticket, tuple(words))


def _build(request: BackboneModelRequest) -> BackboneModelResult:
    from sss_model.commands.backbone_options import parse_blocks
    from sss_model.weights.initialise import natural_params, write_untrained

    params = natural_params(request.name, "taps", parse_blocks(request.blocks))
    request.folder.mkdir(parents=True, exist_ok=True)
    source = "random" if request.weights is None else "weights"
    parts = (request.name, *map(str, params.blocks), "taps" if source == "weights" else "random-taps")
    path = request.folder / ("-".join(parts) + ".safetensors")
    write_untrained(path, params, request.weights, consent=request.consent)
    return BackboneModelResult(request.ticket, path)
