"""Work on models beside the running one, on a thread of its own: what files are, which backbones there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from sss_gui.model_words import BackboneWords, GoodBackbone, ModelWords
from sss_gui.requests.models import BackboneModelRequest, BackbonesRequest, BackbonesResult, ModelsRequest
from sss_gui.requests.worker import Answers, Deliver, Engine
from sss_model.progress import Progress
from sss_model.storage.shipped_files import MODEL, resource
from sss_model.weights.header import model_entry


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


def describe_model(path: Path | None) -> ModelWords:
    """Title, one line and card of the model at `path`; None is the shipped one."""
    file = path if path is not None else resource(MODEL)
    key, title = (str(path), file.stem) if path is not None else ("", f"{file.stem} (shipped)")
    if not file.is_file():
        return ModelWords(key, title, "The file is gone.", "")
    entry = model_entry(file)
    if not entry:
        return ModelWords(key, title, "Not a model of this program.", "")
    params = entry.get("params", {})
    size = f"{file.stat().st_size / 2**20:.1f} MB"
    network = ", ".join(str(params.get(name, "?")) for name in ("backbone", "variant"))
    summary = f"{network}, {params.get('feature_channels', '?')} features, {size}"
    card = file.with_suffix(".md")
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else _facts(entry)
    return ModelWords(key, title, summary, text)


def _facts(entry: dict[str, Any]) -> str:
    rows = [f"- **{name}**: {value}" for name, value in sorted(entry.items()) if name != "params"]
    rows += [f"- **{name}**: {value}" for name, value in sorted(entry.get("params", {}).items())]
    return "\n".join(rows)
