"""Soft layers -> files that other programs open: 16-bit PNG, npz, PSD, OpenRaster, EXR, Cryptomatte, PFM; labels too.

    write_layers("out/photo", Layers(image, alphas, names), format="psd")     out/photo-layers.psd; whole or not at all
    FORMATS                                                                   what there is, and what opens it

Alphas are never changed by colours; PNG, PSD and OpenRaster hold straight colours in sRGB, EXR premultiplied ones in
linear light. Premultiplied PNGs, which the format does not know, say so in their names and their text.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sss_model.errors import ParameterError
from sss_model.files.names import file_words, number_last, split_number
from sss_model.layer_io.cryptomatte import write_cryptomatte
from sss_model.layer_io.exr import write_exr
from sss_model.layer_io.labels import write_coco, write_labels
from sss_model.layer_io.layers import Layers, numbered_names
from sss_model.layer_io.npz import write_npz
from sss_model.layer_io.ora import write_ora
from sss_model.layer_io.pfm import write_pfm
from sss_model.layer_io.png import write_alphas, write_png
from sss_model.layer_io.psd import LARGEST_SIDE, write_psd
from sss_model.params.hosts import HOSTS

__all__ = ["FORMATS", "LayerFormat", "Layers", "layer_file_names", "numbered_names", "unfit_formats", "write_layers"]


@dataclass(frozen=True)
class LayerFormat:
    """One format of layers.

    Attributes
    ----------
    title : as a person calls it
    ending : behind the picture's stem; {name} where each layer has a file of its own
    alpha : straight or premultiplied colours; matte where the file has alphas alone, labels where it has none
    opens_in : programs that read it with its layers
    """

    title: str
    ending: str
    alpha: str
    opens_in: str


FORMATS = {
    "png": LayerFormat("PNG, 16 bit, one a layer", "-{name}.png", "straight", "anything"),
    "png-premultiplied": LayerFormat(
        "PNG, 16 bit, one a layer", "-{name}-premultiplied.png", "premultiplied", "programs that are told so"
    ),
    "alpha": LayerFormat("PNG, 16 bit grey, one a layer", "-{name}-alpha.png", "matte", "anything"),
    "npz": LayerFormat("numpy", "-layers.npz", "matte", "Python"),
    "psd": LayerFormat("Photoshop", "-layers.psd", "straight", "Photoshop, Affinity, Krita, GIMP"),
    "ora": LayerFormat("OpenRaster", "-layers.ora", "straight", "Krita, GIMP, MyPaint, Pinta"),
    "exr": LayerFormat("OpenEXR", "-layers.exr", "premultiplied", "Nuke, Natron, Blender, Resolve, tev"),
    "cryptomatte": LayerFormat(
        "Cryptomatte", "-cryptomatte.exr", "matte", "Nuke, After Effects, Blender, Fusion, Houdini, Gaffer"
    ),
    "index": LayerFormat("index PNG, 8 bit", "-index.png", "labels", "anything; programs that learn from label maps"),
    "coco": LayerFormat("COCO JSON, run lengths", "-coco.json", "labels", "CVAT, FiftyOne, Detectron2, pycocotools"),
    "pfm": LayerFormat("PFM, float, one a layer", "-{name}.pfm", "matte", "darktable (external raster masks), OpenCV"),
}


def layer_file_names(
    stem: str,
    names: Sequence[str],
    *,
    format: str,
    what: str = "layers",
    others: Collection[str] = (),
    host: str = "",
) -> list[str]:
    """Names of the files that `write_layers` writes of layers called `names` for the picture `stem`.

    Examples
    --------
    >>> layer_file_names("photo", ["sky"], format="psd"), layer_file_names("photo", ["sky"], format="psd", what="matte")
    (['photo-layers.psd'], ['photo-matte.psd'])
    """
    ending = _format(format).ending
    if what != "layers":  # of a matte there is one: it has no name but its own
        return [file_name(stem, f"-{what}" + ending.replace("-{name}", "").removeprefix("-layers"), host, others)]
    before = [split_number(name)[0] if _number_last(host) else name for name in (stem, *others)]  # the layer's word
    words = file_words(names, before[0], before[1:]) if "{name}" in ending else [""]
    return [file_name(stem, ending.format(name=word), host, others) for word in words]


def file_name(stem: str, ending: str, host: str = "", others: Collection[str] = ()) -> str:
    """`stem` and `ending` as a file's name: a frame's number where `host`, of `HOSTS` or none, looks for it."""
    return number_last(stem, ending, others) if _number_last(host) else stem + ending


def _number_last(host: str) -> bool:
    return bool(host) and HOSTS[host].number_last


def write_layers(
    path: str | os.PathLike[str],
    layers: Layers,
    *,
    format: str,
    metadata: Mapping[str, Any] | None = None,
    what: str = "layers",
    others: Collection[str] = (),
    host: str = "",
) -> list[Path]:
    """Write `layers` in one of `FORMATS`, each file whole or not at all.

    Parameters
    ----------
    path : folder and stem of the files; the format's ending comes behind
    metadata : anything JSON takes; stored by npz, which is read by scripts; its `source` names the picture in COCO's
    what : layers, or what else they are, such as matte; it has one layer, and files of its own names
    others : stems of other pictures with files in the folder, whose names a layer's file is not to have
    host : of `HOSTS`, the program that they are called for

    Returns
    -------
    The paths written: as many as layers for png, one for the others.

    Raises
    ------
    ParameterError : an unknown format, a picture too large for it
    ExportError : a file cannot be written

    Example
    -------
    >>> write_layers("out/photo", Layers(image, segments.alphas, numbered_names(5)), format="ora")
    [PosixPath('out/photo-layers.ora')]
    """
    target = Path(path)
    names = layer_file_names(target.name, layers.names, format=format, what=what, others=others, host=host)
    files = [target.with_name(name) for name in names]
    if format == "psd":
        write_psd(files[0], layers, cut_out=what != "layers")
    else:
        _WRITERS[format](files, layers, metadata or {})
    return files


def unfit_formats(shape: tuple[int, ...], formats: Sequence[str]) -> dict[str, str]:
    """Of `formats` those that cannot hold a picture of the `shape` (H, W, 3), with a sentence each."""
    height, width = shape[:2]
    if "psd" not in formats or max(height, width) <= LARGEST_SIDE:
        return {}
    return {"psd": f"A PSD has at most {LARGEST_SIDE} pixels a side; the picture is {width} x {height}."}


def _format(name: str) -> LayerFormat:
    if name not in FORMATS:
        raise ParameterError(f"format must be one of {', '.join(FORMATS)}; got {name!r}.")
    return FORMATS[name]


_Writer = Callable[[Sequence[Path], Layers, Mapping[str, Any]], None]
_WRITERS: dict[str, _Writer] = {
    "png": lambda paths, layers, _: write_png(paths, layers),
    "png-premultiplied": lambda paths, layers, _: write_png(paths, layers, premultiplied=True),
    "alpha": lambda paths, layers, _: write_alphas(paths, layers),
    "npz": lambda paths, layers, metadata: write_npz(paths[0], layers, metadata),
    "ora": lambda paths, layers, _: write_ora(paths[0], layers),
    "exr": lambda paths, layers, _: write_exr(paths[0], layers),
    "cryptomatte": lambda paths, layers, _: write_cryptomatte(paths[0], layers),
    "index": lambda paths, layers, _: write_labels(paths[0], layers),
    "coco": lambda paths, layers, metadata: write_coco(paths[0], layers, metadata),
    "pfm": lambda paths, layers, _: write_pfm(paths, layers),
}
