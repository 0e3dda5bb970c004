"""`sss-segment IMAGE... -o DIR`: soft layers of pictures, in files that other programs open.

IMAGE is what `sss-extract` takes. One that fails does not stop the others: it is named at the end, and the exit code
is 1. Beside each picture's files stands a JSON that says how they were made.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sss_model.commands.batch import Steps, threads_for, write_all
from sss_model.commands.classify import Classification, ClassSegmentations, check_options
from sss_model.commands.ending import EXIT_CODES, run_command
from sss_model.commands.many_machines import add_batch_options, batch_paths, check_alone, open_batch, run_batch
from sss_model.commands.options import add_options, build, command_parser, refuse
from sss_model.commands.sequence import SequenceRun
from sss_model.commands.sequence import check_options as check_sequence_options
from sss_model.debug_log import start_log
from sss_model.errors import ParameterError
from sss_model.files.export import ExportError, check_source
from sss_model.files.inputs import INPUT_LAYOUTS, Input, file_sha256, read_input
from sss_model.files.names import stems_for
from sss_model.params import ExtractParams, FilterParams, ProjectionParams, ReadParams
from sss_model.params.fields import shown
from sss_model.params.layers import NETWORKS, SOFT_METHODS, LayerExportParams, SegmentParams
from sss_model.progress import Progress
from sss_model.storage.json_file import read_json

if TYPE_CHECKING:
    from sss_model.layer_io import Layers
    from sss_model.pipeline import AnalysedPicture  # loads torch


_CELL = 2400  # bytes that a cell of the working grid takes while layers are cut


@dataclass(frozen=True)
class Job:
    """Everything of one call but the pictures."""

    folder: Path
    model: Path | None
    features: Path | None
    layout: str | None
    names: tuple[str, ...]
    masks: Path | None
    weights: dict[str, Path | None]
    allow_download: bool
    extract: ExtractParams
    segment: SegmentParams
    export: LayerExportParams
    reading: ReadParams
    matte: Path | None = None  # a recipe; its matte is written in place of layers
    changed: bool = False  # whether a picture may replace the files of one with its name and other contents
    colours: tuple[tuple[int, int, int], ...] = ()  # of the layers in the overlay, the largest first

    @property
    def methods(self) -> tuple[str, ...]:
        """The method asked for and those it is compared with, each once."""
        others = self.export.against if self.export.compare else ()
        return tuple(dict.fromkeys((self.segment.method, *others)))


def build_parser() -> argparse.ArgumentParser:
    """The command's options; those of the parameter records are generated from them."""
    from sss_model.layer_io import FORMATS

    opened = "; ".join(f"{name} ({form.title}) opens in {form.opens_in}" for name, form in FORMATS.items())
    result = command_parser(
        "sss-segment",
        "Cut photographs into soft layers, each an object, that sum to one.",
        f"Formats: {opened}. {EXIT_CODES}",
        "sss-segment photo.jpg -o out",
        "sss-segment plates/ -o out --for nuke --layer ViewLayer.Combined",
        "sss-segment photo.jpg -o out --method masks --masks photo.json --compare",
    )
    add_batch_options(result)
    add = result.add_argument
    add("--features", type=Path, metavar="FILE", help="a feature file of the one IMAGE, instead of the network's")
    add("--layout", choices=INPUT_LAYOUTS, help="a feature file's axes, where they cannot be told")
    add(
        "--names", metavar="A,B,...", default="", help="of the layers, the largest first; default layer-1, layer-2, ..."
    )
    add("--colours", metavar="#RRGGBB,...", default="", help="of the layers in the --overlay, the largest first")
    add(
        "--masks",
        type=Path,
        metavar="FILE",
        help="label map, COCO JSON or .npz for --method masks; or a folder of them",
    )
    add(
        "--matte",
        type=Path,
        metavar="RECIPE",
        help="a recipe of a matte, JSON: write STEM-matte.png (16-bit grey) and the formats of that matte in place of "
        "layers; on other pictures the same thing is found again, and doubtful ones are named at the end; with "
        "--sequence it is carried through the frames",
    )
    add("--classes", type=Path, metavar="FILE", help="cut into classes that were taught by strokes; they bring names")
    add(
        "--sequence",
        action="store_true",
        help="the pictures are numbered frames, or a video: layers keep their names, a --matte is carried through them",
    )
    for method in NETWORKS:
        add(f"--{method}-weights", type=Path, metavar="FILE", help=f"weights for --method {method}")
    add_options(result, SegmentParams)
    add_options(result, LayerExportParams, skip=("existing",), defaults=False)
    add_options(result, ExtractParams, skip=("size", "scales"))
    add_options(result, ReadParams)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run `sss-segment`; returns its exit code (`ending`)."""
    again = "Stopped. Run again with --skip-existing to go on."
    return run_command("sss-segment", lambda: _segment(argv), stopped=again)


def _segment(argv: Sequence[str] | None) -> int:
    command = build_parser()
    options = command.parse_args(argv)
    start_log(options.debug)
    try:
        job = _job(options)
        if options.classes is not None:
            check_options(options, job.export)
        if options.sequence:
            check_sequence_options(options, job.methods, job.export)
        paths = batch_paths(options)
        if job.features is not None and len(paths) > 1:
            raise ParameterError(f"--features belongs to one picture, got {len(paths)} files.")
    except ParameterError as error:
        refuse(command, error)
    with open_batch(options, command.prog) as model:
        job = replace(job, model=model)
        if options.sequence:
            check_alone(options, "--sequence")
            run = SequenceRun(
                paths, job.folder, job.model, job.extract, job.segment, job.export,
                names=job.names, recipe=options.matte, changed=job.changed,
            )  # fmt: skip
            return write_all(run.paths, run.write, job.folder, quiet=options.quiet)
        stems = stems_for(paths)
        if options.classes is not None:
            check_alone(options, "--classes")
            classes = Classification(options.classes, job.folder, job.export, changed=job.changed, others=stems)
            classified = ClassSegmentations(
                classes,
                lambda path: read_input(path, None, job.layout, job.reading),
                job.model,
                replace(job.extract, size="auto"),
            )
            code = write_all(paths, classified.write, job.folder, quiet=options.quiet)
            classes.finish(quiet=options.quiet)
            return code
        make = partial(Segmentations, job, stems)
        worker = make()
        code = run_batch(options, paths, worker, make, threads=_threads(job))
    if worker.doubtful:
        doubtful = ", ".join(path.name for path in paths if path in worker.doubtful)
        print(f"doubtful, the thing may not be there: {doubtful}", file=sys.stderr)
    return code


def _threads(job: Job) -> int:
    """How many pictures may be cut at once: other networks than ours have each picture for themselves."""
    return threads_for(job.extract, job.model, cell=_CELL) if set(job.methods) <= set(SOFT_METHODS) else 1


def _job(options: argparse.Namespace) -> Job:
    """The call's options as a record; `ParameterError` for those that do not go together."""
    names = tuple(name.strip() for name in options.names.split(",") if name.strip())
    weights = {method: getattr(options, f"{method.replace('-', '_')}_weights") for method in NETWORKS}
    # features on the grid that is segmented; unasked on the automatic one, as in the window
    size = {0: "native", SegmentParams().size: ExtractParams().size}.get(options.size, str(options.size))
    job = Job(
        options.output, options.model, options.features, options.layout, names, options.masks, weights,
        options.allow_download, build(ExtractParams, options, size=size), build(SegmentParams, options),
        _export(options), build(ReadParams, options), options.matte, options.overwrite, _colours(options.colours),
    )  # fmt: skip
    if "masks" in job.methods and job.masks is None:
        raise ParameterError("The method masks needs a file: --masks FILE.")
    if job.matte is not None and (job.export.compare or job.masks is not None):
        raise ParameterError("--matte writes a matte, no layers; leave out --compare and --masks.")
    return job


def _colours(text: str) -> tuple[tuple[int, int, int], ...]:
    """RGB 0 to 255 of "#56b4e9,#e69f00"."""
    named = [part.strip() for part in text.split(",") if part.strip()]
    for part in named:
        if not re.fullmatch("#[0-9a-fA-F]{6}", part):
            raise ParameterError(f"--colours must be such as #56b4e9,#e69f00, got {shown(part)}.")
    return tuple((int(part[1:3], 16), int(part[3:5], 16), int(part[5:7], 16)) for part in named)


def _export(options: argparse.Namespace) -> LayerExportParams:
    """What is written: what a program reads best, but for what the call says itself."""
    preset = LayerExportParams.for_host(getattr(options, "host", ""))
    if options.sequence:  # frames keep the picture's colours
        preset = replace(preset, decontaminate=False)
    return build(LayerExportParams, options, preset=preset)


class Segmentations:
    """One call's networks and weights, kept from picture to picture."""

    def __init__(self, job: Job, stems: Sequence[str]) -> None:
        from sss_model.extractor import CachedExtractor  # here, so that --help needs no torch
        from sss_model.segmentation.comparisons import network_weights

        self.job, self.stems, self.extraction = job, stems, CachedExtractor()
        self.recipe = read_json(job.matte, ParameterError, noun="The recipe") if job.matte else None
        self.doubtful: set[Path] = set()
        self.weights = {
            method: network_weights(method, job.weights[method], consent=job.allow_download)
            for method in job.methods
            if method in NETWORKS
        }

    def write(self, path: Path, stem: str, progress: Progress) -> Steps:
        """Write the layers of the picture at `path`, or its matte.

        Returns the files, none where all are there and may stay, and notes.
        """
        from sss_model.analysis.layer_files import may_stay, record_name

        record = self.job.folder / record_name(stem, "layers" if self.recipe is None else "matte")
        check_source(record, path, changed=self.job.changed)
        if may_stay(record, self.job.segment, self.job.export) and self.of_this_recipe(record):
            return [], ()
        progress.report(0.0, "Reading")
        source, image = (self.job.features, path) if self.job.features else (path, None)
        opened = read_input(source, image, self.job.layout, self.job.reading)
        yield
        picture = _Picture(self, stem, path, opened, progress)
        return picture.write() if self.recipe is None else picture.write_matte(self.recipe), picture.notes

    def of_this_recipe(self, record: Path) -> bool:
        """Whether the files that `record` tells of were made by the recipe of this call."""
        return self.recipe is None or read_json(record, ExportError, noun="The record").get("recipe") == self.recipe


class _Picture:
    """One picture under way: its features only where a method or the comparison asks for them."""

    def __init__(self, worker: Segmentations, stem: str, path: Path, opened: Input, progress: Progress) -> None:
        self.worker, self.job, self.stem, self.path = worker, worker.job, stem, path
        self.image, self.opened, self.progress = opened.image, opened, progress
        self.notes: tuple[str, ...] = ()
        self.made: dict[str, Any] = {}
        self.sha256 = opened.sha256 if self.job.features is None else file_sha256(path)

    def write(self) -> list[Path]:
        """Write all that the call asks for; returns the files."""
        from sss_model.analysis.layer_files import decontaminated, write_layer_files
        from sss_model.layer_io import unfit_formats

        export, target = self.job.export, self.job.folder / self.stem
        unfit = unfit_formats(self.image.shape, export.formats)
        layers = self.segmented(self.job.segment.method, self.progress.part(0.5, 0.8))
        self.layers = decontaminated(layers, export, self.progress.part(0.8, 0.9))
        panels = self.panels() if export.compare else ()
        if len(unfit) < len(export.formats):
            self.notes = (*self.notes, *unfit.values())
        last, others = self.progress.part(0.95, 1.0), self.worker.stems
        more: dict[str, Any] = {"others": others, "panels": panels, "colours": self.job.colours}
        return write_layer_files(target, self.layers, export, self.record(), last, **more)

    def write_matte(self, recipe: dict[str, Any]) -> list[Path]:
        """Write the matte that `recipe` makes, or finds; returns the files."""
        from sss_model.analysis.layer_files import decontaminated, write_layer_files
        from sss_model.layer_io import Layers
        from sss_model.matting import DOUBTFUL, MatteEditor

        export, job = self.job.export, self.job
        network = None if self.opened.features is not None else self.worker.extraction.extractor(job.model, job.extract)
        editor = MatteEditor.from_recipe(
            self.image, recipe, self.opened.features, model=network, progress=self.progress.part(0.02, 0.6)
        )
        alphas = editor.solve(self.progress.part(0.6, 0.8))[..., None]
        if editor.confidence < DOUBTFUL:
            self.worker.doubtful.add(self.path)
        self.made |= {"recipe": recipe, "confidence": editor.confidence}
        self.layers = decontaminated(Layers(self.image, alphas, ("matte",)), export, self.progress.part(0.8, 0.95))
        last, target = self.progress.part(0.95, 1.0), job.folder / self.stem
        return write_layer_files(
            target, self.layers, export, self.record(), last, what="matte", others=self.worker.stems
        )

    def record(self) -> dict[str, Any]:
        """What the JSON says of how the layers were made."""
        from sss_model.analysis.layer_files import layers_record

        return layers_record(self.path.name, self.sha256, self.layers, self.job.segment, self.job.export, self.made)

    @cached_property
    def analysed(self) -> AnalysedPicture:
        """The picture with its features, from the file or from the network, on the grid that the network sees."""
        from sss_model.pipeline import analyse

        job, part = self.job, self.progress.part(0.02, 0.5, "Features")
        analysed = analyse(self.opened, self.path.name, self.worker.extraction, job.model, job.extract, part)
        if self.opened.features is not None:
            source = job.features or self.path
            self.made["features"] = {"file": source.name, "metadata": self.opened.metadata}
        else:
            self.notes, self.made = analysed.notes, {**self.made, **analysed.record}
        return analysed

    def segmented(self, method: str, progress: Progress) -> Layers:
        """The picture's layers by `method`, the largest first."""
        from sss_model.layer_io import Layers

        alphas, names = self.alphas(method, progress)
        given = self.job.names if method == self.job.segment.method else ()
        layers = Layers(self.image, alphas, names, plate=self.opened.plate).by_share()
        if method in SOFT_METHODS:  # numbered by size
            names = tuple(f"layer-{k + 1}" for k in range(len(names)))
            layers = replace(layers, names=names)
        return replace(layers, names=(*given, *layers.names[len(given) :])[: len(layers.names)])

    def alphas(self, method: str, progress: Progress) -> tuple[Any, tuple[str, ...]]:
        """(H, W, N) of `method`, and the layers' names."""
        from sss_model.layer_io import numbered_names
        from sss_model.segmentation import SoftSegments
        from sss_model.segmentation.recipe import segment_picture

        params = replace(self.job.segment, method=method)
        file = self.job.masks if method == "masks" else self.worker.weights.get(method)
        if method in NETWORKS and file is not None:
            self.made.setdefault("weights", {})[method] = {"name": file.name, "sha256": file_sha256(file)}
        found = segment_picture(
            self.image,
            params,
            lambda: self.analysed.views.features,
            file=file,
            stem=self.path.stem,
            device=self.job.extract.device,
            progress=progress,
        )
        if isinstance(found, SoftSegments):
            return found.alphas, numbered_names(found.alphas.shape[2])
        return (found.lifted(self.image) if params.lift else found.alphas()), found.names

    def panels(self) -> list[tuple[str, Any]]:
        """Image, features, the layers, and those of the other methods, as the paper's Figures 3 to 5 have them."""
        from sss_model.analysis.segment_pictures import layer_overlay
        from sss_model.image_io import to_picture

        views, params = self.analysed.views, (FilterParams(), ProjectionParams())
        small = views.image.shape[:2] == views.size
        features = to_picture(views.filtered(*params)) if small else views.lifted(*params)
        panels = [("image", to_picture(self.image)), ("features", features)]
        panels.append((self.job.segment.method, layer_overlay(self.image, self.layers.alphas)))
        for method in self.job.methods[1:]:
            layers = self.segmented(method, self.progress.part(0.9, 0.95))
            panels.append((method, layer_overlay(self.image, layers.alphas)))
        return panels


if __name__ == "__main__":
    sys.exit(main())
