"""`sss-extract IMAGE... -o DIR`: what the window exports, without a window; the same code, so the same numbers.

IMAGE is a photograph, a feature file, a folder of photographs or a pattern such as "photos/*.jpg". One that fails does
not stop the others: it is named at the end, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sss_model.commands.batch import Steps, threads_for, write_all
from sss_model.commands.classify import Classification
from sss_model.commands.ending import EXIT_CODES, run_command
from sss_model.commands.many_machines import add_batch_options, batch_paths, check_alone, open_batch, run_batch
from sss_model.commands.options import add_filter_options, add_options, build, build_filter, command_parser, refuse
from sss_model.debug_log import start_log
from sss_model.errors import ParameterError
from sss_model.files.export import already_there, check_new, check_source, write_exports
from sss_model.files.inputs import INPUT_LAYOUTS, read_input
from sss_model.files.names import stems_for
from sss_model.params import ExportParams, ExtractParams, FilterParams, ProjectionParams, ReadParams
from sss_model.params.layers import LAYER_FORMATS, LayerExportParams
from sss_model.progress import Progress


@dataclass(frozen=True)
class Job:
    """Everything of one call but the pictures."""

    folder: Path
    model: Path | None
    image: Path | None
    layout: str | None
    basis: Path | None
    extract: ExtractParams
    filter: FilterParams
    projection: ProjectionParams
    export: ExportParams
    reading: ReadParams
    changed: bool  # whether a picture may replace the files of one with its name and other contents
    classes: Classification | None = None


def build_parser() -> argparse.ArgumentParser:
    """The command's options; those of the parameter records are generated from them."""
    result = command_parser(
        "sss-extract",
        "Compute semantic features of photographs, and write pictures and feature files.",
        EXIT_CODES,
        "sss-extract photo.jpg -o out",
        "sss-extract photos/ -o out --recursive --skip-existing",
        "sss-extract tokens.npy -o out --image photo.jpg --layout tokens",
    )
    add_batch_options(result)
    result.add_argument(
        "--image", type=Path, metavar="FILE", help="the photograph of a feature file, where it is not beside it"
    )
    result.add_argument(
        "--layout",
        choices=INPUT_LAYOUTS,
        help="a feature file's axes, where they cannot be told; h, w are a patch grid's; strip: the left half "
        "of a picture is the photograph, the right half its map",
    )
    result.add_argument(
        "--basis", type=Path, metavar="FILE", help="PCA basis to project on, instead of one fitted to each picture"
    )
    result.add_argument(
        "--classes", type=Path, metavar="FILE", help="write the classes of this file too, which were taught by strokes"
    )
    result.add_argument(
        "--class-formats",
        metavar="A,B,...",
        default="alpha,index",
        help=f"of the classes: {', '.join(LAYER_FORMATS)}; default alpha,index",
    )
    add_options(result, ExtractParams)
    add_filter_options(result)
    add_options(result, ProjectionParams)
    add_options(result, ExportParams, skip=("existing",))
    add_options(result, ReadParams)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run `sss-extract`; returns its exit code (`ending`)."""
    again = "Stopped. Run again with --skip-existing to go on."
    return run_command("sss-extract", lambda: _extract(argv), stopped=again)


def _extract(argv: Sequence[str] | None) -> int:
    command = build_parser()
    options = command.parse_args(argv)
    start_log(options.debug)
    try:
        job = Job(
            options.output, options.model, options.image, options.layout, options.basis, build(ExtractParams, options),
            build_filter(options), build(ProjectionParams, options),
            build(ExportParams, options), build(ReadParams, options), options.overwrite,
        )  # fmt: skip
        formats = tuple(part.strip() for part in options.class_formats.split(",") if part.strip())
        class_export = LayerExportParams(formats=formats, existing=options.existing)
        paths = batch_paths(options)
    except ParameterError as error:
        refuse(command, error)
    if job.image is not None and len(paths) > 1:
        command.error(f"--image belongs to one feature file, got {len(paths)} files.")
    with open_batch(options, command.prog) as model:
        job = replace(job, model=model)
        if options.classes is None:
            make = partial(Extractions, job)
            return run_batch(options, paths, make(), make, threads=threads_for(job.extract, job.model))
        check_alone(options, "--classes")
        classes = Classification(
            options.classes, job.folder, class_export, changed=job.changed, others=stems_for(paths)
        )
        job = replace(job, classes=classes, extract=classes.extraction(job.extract))
        code = write_all(paths, Extractions(job).write, job.folder, quiet=options.quiet)
        classes.finish(quiet=options.quiet)
        return code


class Extractions:
    """One call's model and basis, kept from picture to picture."""

    def __init__(self, job: Job) -> None:
        from sss_model.extractor import CachedExtractor  # here, so that --help needs no torch
        from sss_model.projection.display_basis import FixedBasis

        self.job = job
        self._basis = FixedBasis.load(job.basis) if job.basis is not None else None
        self._extractor = CachedExtractor()

    def write(self, path: Path, stem: str, progress: Progress) -> Steps:
        """Write the exports of the picture at `path`: the files (none where all are there and may stay), and notes."""
        from sss_model.pipeline import analyse

        job = self.job
        check_source(job.folder / f"{stem}.json", path, changed=job.changed)
        classes = job.classes
        stays = classes is None or classes.may_stay(path, stem)
        if job.export.existing == "skip" and stays and already_there(job.folder, stem, job.export):
            return [], ()
        check_new(job.folder, stem, job.export)
        progress.report(0.0, "Reading")
        opened = read_input(path, job.image, job.layout, job.reading)
        yield
        if classes is not None:
            classes.check_model(opened, self._extractor, job.model, job.extract)
        picture = analyse(opened, path.name, self._extractor, job.model, job.extract, progress.part(0.02, 0.6))
        part = progress.part(0.6, 1.0 if classes is None else 0.8)
        if classes is None:
            del opened  # which is as large as all that comes of it
        content = picture.views.content(job.filter, job.projection, self._basis, picture.record, part.part(0.0, 0.4))
        notes, export = picture.notes, job.export
        if classes is None and not (export.filtered or export.raw_full_size):  # which are computed as they are written
            del picture  # so that the next one has its memory
            yield
            return write_exports(job.folder, stem, content, export, part.part(0.4, 1.0)), notes
        files = write_exports(job.folder, stem, content, export, part.part(0.4, 1.0))
        if classes is not None:
            files += classes.write(picture, opened, path, stem, progress.part(0.8, 1.0, "Classes"))
        return files, notes


if __name__ == "__main__":
    sys.exit(main())
