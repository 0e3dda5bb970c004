"""Writes what a picture came to: pictures, features, map, strip, basis, and a JSON that says how they were made.

The one place that does, for the window and for sss-extract, so that both write the same bytes from the same numbers.
For the stem `photo`: photo-input.png, -random.png, -pca.png, -filtered-pca.png, photo-features-<format>,
photo-features-filtered-<format>, photo-map3-<format>, photo-strip.png, photo-basis.json, photo-figure.svg, and
photo.json about them all.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import sss_model
from sss_model.errors import SSSError
from sss_model.feature_io import FORMATS, write_features, write_strip
from sss_model.figure import FigurePane, draw_figure
from sss_model.files.inputs import file_sha256
from sss_model.image_io import write_picture
from sss_model.params import ExportParams
from sss_model.progress import Progress, silent
from sss_model.storage.atomic_write import replacing, set_of_files
from sss_model.storage.json_file import read_json
from sss_model.storage.scratch import remove_stale

if TYPE_CHECKING:
    from sss_model.pca import PcaBasis
    from sss_model.projection.display_basis import FixedBasis

log = logging.getLogger(__name__)

PROGRAM = "sss-features"
_APART = "Choose another folder, or export both pictures together, which names them apart."
PICTURE_NAMES = {"input": "input", "random": "random", "pca": "pca", "filtered": "filtered-pca"}
PICTURE_TITLES = {"input": "Input", "random": "Random projection", "pca": "PCA", "filtered": "Guided filter + PCA"}


class ExportError(SSSError):
    """An export that cannot be written, or would write over files that are to be kept."""


@dataclass(frozen=True)
class ExportContent:
    """What there is to write of one picture.

    Attributes
    ----------
    image : (H, W, 3) float32 RGB in [0, 1]
    pictures : pane name (`PICTURE_NAMES`) -> (H, W, 3) uint8
    raw : the network's features, (H, W, D)
    filtered : computes the filtered features (H, W, D); called only when they are written
    map3 : guided filter + PCA, (H, W, 3) float32 in [0, 1]
    basis : what `map3` was projected on
    fixed_basis : gives that basis with its range; called only when it is written
    full_size : by `features` and `features-filtered` what gives them at the photograph's own size, computed row by row
        as they are written, with the `method` by which they come from the grid; without those that need no lifting
    record : what made them: source, checkpoint, parameters; becomes part of the JSON
    """

    image: NDArray[np.float32]
    pictures: Mapping[str, NDArray[np.uint8]]
    raw: NDArray[np.floating[Any]]
    filtered: Callable[[Progress], NDArray[np.float32]]
    map3: NDArray[np.float32]
    basis: PcaBasis
    fixed_basis: Callable[[], FixedBasis]
    full_size: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)


def export_names(stem: str, params: ExportParams) -> list[str]:
    """Names of the files that an export with `params` writes for `stem`, the JSON last."""
    names = [f"{stem}-{part}.png" for part in PICTURE_NAMES.values() if params.pictures]
    names += [f"{stem}-figure.{params.figure}"] * (params.figure != "none")
    kinds = (("features", params.raw), ("features-filtered", params.filtered), ("map3", params.map3))
    names += [f"{stem}-{kind}{_ending(form)}" for kind, wanted in kinds if wanted for form in params.formats]
    names += [f"{stem}-strip.png"] * params.strip + [f"{stem}-basis.json"] * params.save_basis
    return [*names, f"{stem}.json"]


def already_there(folder: Path, stem: str, params: ExportParams) -> bool:
    """Whether every file of the export is in `folder`; the JSON comes last, so it tells that the export was whole."""
    return all((folder / name).is_file() for name in export_names(stem, params))


def check_new(folder: Path, stem: str, params: ExportParams) -> None:
    """Raise `ExportError` where files of the export are in `folder` and `params.existing` is refuse."""
    there = [name for name in export_names(stem, params) if (folder / name).exists()]
    if there and params.existing == "refuse":
        hint = "Choose another folder, or let them be overwritten."
        raise ExportError(f"{', '.join(there)} already in {folder}.", hint=hint)


def prepare_folder(folder: str | os.PathLike[str]) -> Path:
    """Make `folder` where it is missing, see that files can be made in it, remove half files of killed runs.

    Raises
    ------
    ExportError : it cannot be made, is a file, or may not be written to
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = (
            "is a file, not a folder"
            if target.is_file()
            else f"cannot be made: {(error.strerror or str(error)).lower()}"
        )
        raise ExportError(f"The export folder {target} {what}.", hint="Choose another folder.") from error
    if not os.access(target, os.W_OK | os.X_OK):
        raise ExportError(f"The export folder {target} is read-only.", hint="Choose a folder that you may write to.")
    remove_stale(target)
    return target


def write_exports(
    folder: str | os.PathLike[str],
    stem: str,
    content: ExportContent,
    params: ExportParams,
    progress: Progress | None = None,
) -> list[Path]:
    """Write what `params` names into `folder`: all of it or nothing, for it is moved there when it is whole.

    Returns
    -------
    The paths written; none where `params.existing` is skip and all files are there already.

    Raises
    ------
    ExportError : the folder cannot be used, or files are there and `params.existing` is refuse, or they are those of
        another picture with the same stem
    ImageError, FeatureFileError : a file cannot be written
    Cancelled : asked to stop; `folder` is as it was
    """
    target = prepare_folder(folder)
    _check_owner(target, stem, content)
    if params.existing == "skip" and already_there(target, stem, params):
        return []
    check_new(target, stem, params)
    with set_of_files(target, f"{stem}.json", ExportError) as unfinished:
        written = _Writer(unfinished, stem, content, params, silent(progress)).write()
    return [target / path.name for path in written]


def _check_owner(folder: Path, stem: str, content: ExportContent) -> None:
    """Raise `ExportError` where the files for `stem` in `folder` were made of a picture of another name."""
    source, ours = _known(folder / f"{stem}.json").get("source"), content.record.get("source")
    if source is not None and ours is not None and source != ours:
        raise ExportError(f"The files {stem}-… in {folder} are those of {source}, not of {ours}.", hint=_APART)


def check_source(record: Path, picture: Path, *, changed: bool = False) -> None:
    """Raise `ExportError` where the files that `record` tells of were made of another picture than `picture`.

    Parameters
    ----------
    record : the JSON beside the files; one that is missing or another program's says nothing
    picture : the file whose results are to take their place; one that is missing fails where it is read
    changed : let it have the same name and other contents, as after an edit
    """
    known = _known(record)
    source, sha256 = known.get("source"), known.get("source_sha256")
    stem = record.name.removesuffix(".json").removesuffix("-layers")
    if source is None or not picture.is_file():
        return
    if source != picture.name:
        raise ExportError(
            f"The files {stem}-… in {record.parent} are those of {source}, not of {picture.name}.", hint=_APART
        )
    if not changed and sha256 and sha256 != file_sha256(picture):
        raise ExportError(
            f"The files {stem}-… in {record.parent} are those of another {source}, with other contents than {picture}.",
            hint=f"{_APART} If it is the same picture, changed since, say --overwrite.",
        )


def _known(record: Path) -> dict[str, Any]:
    """What our JSON at `record` says; nothing where there is none, or another program's."""
    try:
        known = read_json(record, ExportError, noun="The record")
    except ExportError:
        return {}
    return known if isinstance(known, dict) and known.get("program") == PROGRAM else {}


def write_index(
    path: str | os.PathLike[str], labels: NDArray[np.uint8], palette: NDArray[np.uint8] | None = None
) -> None:
    """Write `labels` (H, W) uint8 as a PNG that gives the same numbers back: grey, or with `palette` (256, 3) coloured.

    Raises `ExportError` where the file cannot be written.
    """
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(labels))
    if palette is not None:
        picture.putpalette(palette.tobytes())
    with replacing(path, ExportError) as temporary:
        picture.save(temporary, format="PNG")


class _Writer:
    """One export under way: counts its files for the progress, collects their paths."""

    def __init__(
        self, folder: Path, stem: str, content: ExportContent, params: ExportParams, progress: Progress
    ) -> None:
        self.folder, self.stem, self.content, self.params, self.progress = folder, stem, content, params, progress
        self.paths: list[Path] = []
        self.arrays: dict[str, dict[str, Any]] = {}  # by kind: the size, and what it is the size of
        self.total = len(export_names(stem, params))

    def write(self) -> list[Path]:
        content, params = self.content, self.params
        if params.pictures:
            for pane, name in PICTURE_NAMES.items():
                write_picture(self.next(f"-{name}.png"), content.pictures[pane])
        if params.figure != "none":
            panes = [FigurePane(title, content.pictures[name]) for name, title in PICTURE_TITLES.items()]
            draw_figure(self.next(f"-figure.{params.figure}"), panes, width=params.figure_width)
        if params.map3:
            self.features("map3", content.map3)
        if params.strip:
            write_strip(self.next("-strip.png"), content.image, content.map3)
        if params.save_basis:
            content.fixed_basis().save(self.next("-basis.json"))
        if params.raw:
            self.at_chosen_size("features", params.raw_full_size, lambda: content.raw)
        if params.filtered:
            self.at_chosen_size("features-filtered", params.full_size, self.filtered)
        self.record(self.next(".json"))
        self.progress.report(1.0, "Writing")
        return self.paths

    def next(self, ending: str) -> Path:
        """The path of the next file; reports progress, so the export can be stopped between files."""
        self.progress.report(len(self.paths) / self.total, "Writing")
        path = self.folder / f"{self.stem}{ending}"
        log.debug("writes %s", path)
        self.paths.append(path)
        return path

    def filtered(self) -> NDArray[np.float32]:
        done = len(self.paths) / self.total
        return self.content.filtered(self.progress.part(done, min(done + 0.3, 1.0), "Guided filter"))

    def at_chosen_size(self, kind: str, full_size: bool, on_grid: Callable[[], NDArray[Any]]) -> None:
        """Write features at the photograph's size, as float16; on the grid where not asked or needless."""
        lift = self.content.full_size.get(kind) if full_size else None
        if lift is None:
            self.features(kind, on_grid())
        else:
            values = lift()
            self.features(kind, values, lifted=values.method)

    def features(self, kind: str, values: NDArray[Any], *, lifted: str = "") -> None:
        size = list(values.shape[:2])
        on = "photograph" if size == list(self.content.pictures["input"].shape[:2]) else "grid"
        where = {"size": size, "on": on} | ({"lifted": lifted} if lifted else {})
        self.arrays[kind] = where
        metadata = {**self.content.record, "kind": kind, **where, "version": sss_model.__version__}
        for form in self.params.formats:
            begun = len(self.paths) / self.total
            part = self.progress.part(begun, min(begun + 1 / self.total, 1.0))
            path = self.next(f"-{kind}{_ending(form)}")
            write_features(path, values, format=form, metadata=metadata, half=bool(lifted), progress=part)

    def record(self, path: Path) -> None:
        basis = self.content.basis
        entry = {
            "program": PROGRAM,
            "version": sss_model.__version__,
            **self.content.record,
            "export": self.params.to_dict(),
            "size": list(self.content.pictures["input"].shape[:2]),
            "channels": int(self.content.raw.shape[2]),
            "basis": {
                "mean": basis.mean.tolist(),
                "axes": basis.axes.tolist(),
                "explained_variance_ratio": basis.explained_variance_ratio.tolist(),
            },
            "arrays": self.arrays,
            "files": [file.name for file in self.paths[:-1]],
        }
        with replacing(path, ExportError) as temporary:
            temporary.write_text(
                json.dumps(entry, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", errors="backslashreplace"
            )


def _ending(form: str) -> str:
    """What tells files of two formats apart: npz16 and npz32 share a suffix."""
    suffix = FORMATS[form].suffix
    return f"-f16{suffix}" if form == "npz16" else f"-f32{suffix}" if form == "npz32" else suffix
