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

import sss_model
from sss_model.commands.backbone_options import add_backbone_options, backbone_model
from sss_model.commands.batch import find_inputs, write_all
from sss_model.commands.classify import Classification
from sss_model.commands.ending import EXIT_CODES, run_command
from sss_model.commands.many_machines import add_machine_options, check_alone, engine_of, lock_suffix
from sss_model.commands.options import (
    Lines,
    add_existing_options,
    add_filter_options,
    add_options,
    build,
    build_filter,
    examples,
    refuse,
)
from sss_model.debug_log import add_debug_option, start_log
from sss_model.errors import ParameterError
from sss_model.files.export import already_there, check_new, check_source, prepare_folder
from sss_model.files.folder_lock import lock_folder
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
    result = argparse.ArgumentParser(
        prog="sss-extract",
        description="Compute semantic features of photographs, and write pictures and feature files.",
        epilog=examples(
            EXIT_CODES,
            "sss-extract photo.jpg -o out",
            "sss-extract photos/ -o out --recursive --skip-existing",
            "sss-extract tokens.npy -o out --image photo.jpg --layout tokens",
        ),
        formatter_class=Lines,
    )
    result.add_argument("images", nargs="+", metavar="IMAGE", help="photograph, feature file, folder or pattern")
    result.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write into; made if missing"
    )
    result.add_argument("--model", type=Path, metavar="FILE", help="checkpoint; without it the shipped model")
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
    result.add_argument("--recursive", action="store_true", help="folders with all folders below them")
    result.add_argument("--quiet", action="store_true", help="no progress bars; errors only")
    add_debug_option(result)
    result.add_argument("--version", action="version", version=f"sss-features {sss_model.__version__}")
    add_options(result, ExtractParams)
    add_filter_options(result)
    add_options(result, ProjectionParams)
    add_options(result, ExportParams, skip=("existing",))
    add_options(result, ReadParams)
    add_backbone_options(result)
    add_existing_options(result)
    add_machine_options(result)
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
        paths = find_inputs(options.images, recursive=options.recursive)
    except ParameterError as error:
        refuse(command, error)
    if job.image is not None and len(paths) > 1:
        command.error(f"--image belongs to one feature file, got {len(paths)} files.")
    if options.model and options.backbone:
        command.error("--model and --backbone are two models; name one.")
    shard, folder = options.shard, prepare_folder(job.folder)
    with lock_folder(folder, command.prog, lock_suffix(shard)), backbone_model(options) as model:
        job = replace(job, model=model or job.model)
        if options.classes is None:
            make = partial(Extractions, job)
            engine = engine_of(options, make, folder)
            return write_all(paths, make().write, folder, quiet=options.quiet, shard=shard, engine=engine)
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

    def write(self, path: Path, stem: str, progress: Progress) -> tuple[list[Path], tuple[str, ...]]:
        """Write the exports of the picture at `path`: the files (none where all are there and may stay), and notes."""
        from sss_model.pipeline import analyse, export_picture

        job = self.job
        check_source(job.folder / f"{stem}.json", path, changed=job.changed)
        classes = job.classes
        stays = classes is None or classes.may_stay(path, stem)
        if job.export.existing == "skip" and stays and already_there(job.folder, stem, job.export):
            return [], ()
        check_new(job.folder, stem, job.export)
        progress.report(0.0, "Reading")
        opened = read_input(path, job.image, job.layout, job.reading)
        if classes is not None:
            classes.check_model(opened, self._extractor, job.model, job.extract)
        picture = analyse(opened, path.name, self._extractor, job.model, job.extract, progress.part(0.02, 0.6))
        files = export_picture(
            picture,
            job.folder,
            stem,
            job.filter,
            job.projection,
            job.export,
            basis=self._basis,
            progress=progress.part(0.6, 1.0 if classes is None else 0.8),
        )
        if classes is not None:
            files += classes.write(picture, opened, path, stem, progress.part(0.8, 1.0, "Classes"))
        return files, picture.notes


if __name__ == "__main__":
    sys.exit(main())
