"""Layers of a picture as files: every format asked for, an overlay, and a JSON that says how they were made.

The one place that does, for the window and for sss-segment, so that both write the same bytes from the same layers.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import sss_model
from sss_model.analysis.segment_pictures import layer_overlay, write_comparison
from sss_model.array_types import Picture
from sss_model.files.export import PROGRAM, ExportError
from sss_model.image_io import write_picture
from sss_model.layer_io import FORMATS, Layers, file_name, unfit_formats, write_layers
from sss_model.layer_io.layers import whole_numbers
from sss_model.layer_io.png import write_samples
from sss_model.params.fields import Checked
from sss_model.params.layers import LayerExportParams
from sss_model.progress import Progress
from sss_model.segmentation.foreground import foreground_colours
from sss_model.storage.atomic_write import replacing, set_of_files
from sss_model.storage.json_file import read_json


def layers_record(
    source: str,
    sha256: str,
    layers: Layers,
    segment: Checked,
    export: LayerExportParams,
    made: Mapping[str, Any],
) -> dict[str, Any]:
    """What the JSON says.

    Parameters
    ----------
    source, sha256 : name of the picture's file, and of its bytes
    segment, export : how the layers were made and what is written of them
    made : what else they were made with, such as the features' record
    """
    shares = zip(layers.names, layers.shares.tolist(), strict=True)
    return {
        "program": PROGRAM,
        "version": sss_model.__version__,
        "source": source,
        "source_sha256": sha256,
        "size": list(layers.image.shape[:2]),
        "segment": plain_params(segment),
        "export": plain_params(export),
        "alpha": {form: FORMATS[form].alpha for form in export.formats},
        "layers": [{"name": name, "share": share} for name, share in shares],
        **made,
    }


def decontaminated(layers: Layers, export: LayerExportParams, progress: Progress) -> Layers:
    """`layers` with colours of their own, where `export` asks for them."""
    if not export.decontaminate:
        return layers
    return replace(layers, colours=foreground_colours(layers.image, layers.alphas, progress=progress))


def write_layer_files(
    target: Path,
    layers: Layers,
    export: LayerExportParams,
    record: Mapping[str, Any],
    progress: Progress,
    *,
    what: str = "layers",
    others: Collection[str] = (),
    panels: Sequence[tuple[str, Picture]] = (),
    colours: Sequence[tuple[int, int, int]] = (),
) -> list[Path]:
    """Write `layers` in the formats of `export`, its pictures and the JSON: all of it or nothing; returns the paths.

    Parameters
    ----------
    target : folder and stem of the files
    record : as `layers_record` makes it; stored in formats that scripts read, and with the names of all files as the
        JSON, which comes last
    what : layers or matte: files of one are not called as those of the other. A matte's alpha is always written too, as
        the 16-bit grey STEM-matte.png; its picture in the format png is STEM-cutout.png
    others : stems of other pictures with files in the folder
    panels : of the comparison, with their titles; none makes no comparison
    colours : RGB 0 to 255 of the first layers in the overlay; the others have those of `ALPHABET`

    Raises
    ------
    ExportError, ImageError : a file cannot be written
    Cancelled : asked to stop; the folder is as it was
    """
    lead = "" if what == "layers" else f"-{what}"
    name = record_name(target.name, what)
    files: list[Path] = []
    with set_of_files(target.parent, name, ExportError) as unfinished:
        inside, called = unfinished / target.name, partial(file_name, target.name, host=export.host, others=others)
        if what == "matte":
            files.append(unfinished / called(f"{lead}.png"))
            write_samples(files[-1], whole_numbers(layers.alphas[..., :1], 65535))
        unfit = unfit_formats(layers.image.shape, export.formats)
        fitting = [form for form in export.formats if form not in unfit] or export.formats  # the only one says why not
        for k, form in enumerate(fitting):
            progress.report(k / len(fitting), "Writing")
            kind = "cutout" if what == "matte" and form == "png" else what
            files += write_layers(
                inside, layers, format=form, metadata=record, what=kind, others=others, host=export.host
            )
        if export.overlay:
            files.append(unfinished / called(f"{lead}-overlay.png"))
            write_picture(files[-1], layer_overlay(layers.image, layers.alphas, colours))
        if panels:
            files.append(unfinished / called(f"{lead}-compare.png"))
            write_comparison(files[-1], panels)
        text = json.dumps({**record, "files": [file.name for file in files]}, indent=2, ensure_ascii=False) + "\n"
        files.append(unfinished / name)
        with replacing(files[-1], ExportError) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
        progress.report(1.0, "Writing")
    return [target.with_name(file.name) for file in files]


def record_name(stem: str, what: str = "layers") -> str:
    """The name of the JSON that says how the picture `stem`'s layers, or its matte, were made."""
    return f"{stem}-{what}.json"


def may_stay(path: Path, segment: Checked, export: LayerExportParams) -> bool:
    """Whether the files that the JSON `path` lists are there, were made so, and are to be left as they are.

    Raises
    ------
    ExportError : they are there and are to be refused
    """
    try:
        known = read_json(path, ExportError, noun="The record")
        there = [path.with_name(name) for name in known["files"]]
        made = (known["export"], known["segment"])
    except (ExportError, ValueError, KeyError, TypeError):
        return False  # nothing there, or nothing of ours
    if export.existing == "refuse":
        raise ExportError(f"{path.name} is already in {path.parent}.", hint="Choose another folder.")
    same = made == (plain_params(export), plain_params(segment))
    return export.existing == "skip" and same and all(file.is_file() for file in there)


def plain_params(params: Checked) -> Any:
    """`params` as a JSON gives them back, without what says nothing of the files."""
    return json.loads(json.dumps({key: value for key, value in params.to_dict().items() if key != "existing"}))
