"""`sss-extract IMAGE... -o DIR`: what the window exports, without a window; the same code, so the same numbers.

IMAGE is a photograph, a feature file, a folder of photographs or a pattern such as "photos/*.jpg". One that fails does
not stop the others: it is named at the end, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import glob
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sss_model
from sss_model.commands.backbone_options import add_backbone_options, backbone_model
from sss_model.commands.options import add_options, build, refuse
from sss_model.debug_log import add_debug_option, start_log
from sss_model.errors import ParameterError, SSSError
from sss_model.files.export import already_there, prepare_folder
from sss_model.files.inputs import INPUT_LAYOUTS, inputs_in, read_input
from sss_model.params import ExportParams, ExtractParams, FilterParams, ProjectionParams
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


def build_parser() -> argparse.ArgumentParser:
    """The command's options; those of the parameter records are generated from them."""
    result = argparse.ArgumentParser(
        prog="sss-extract",
        description="Compute semantic features of photographs, and write pictures and feature files.",
        epilog="Exit code: 0 when every picture was written, 1 when one failed, 2 for a wrong call, 130 when stopped.",
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
    result.add_argument("--recursive", action="store_true", help="folders with all folders below them")
    result.add_argument("--quiet", action="store_true", help="no progress bars; errors only")
    add_debug_option(result)
    result.add_argument("--version", action="version", version=f"sss-features {sss_model.__version__}")
    for record in (ExtractParams, FilterParams, ProjectionParams):
        add_options(result, record)
    add_options(result, ExportParams, skip=("existing",))
    add_backbone_options(result)
    there = result.add_mutually_exclusive_group()
    for word, text in (
        ("overwrite", "write over files that are there (the default)"),
        ("skip", "leave out pictures whose files are all there: a stopped run goes on where it was"),
        ("refuse", "a picture whose files are there is an error"),
    ):
        option = {"overwrite": "--overwrite", "skip": "--skip-existing", "refuse": "--keep-existing"}[word]
        there.add_argument(option, dest="existing", action="store_const", const=word, default="overwrite", help=text)
    return result


def find_inputs(names: Iterable[str], *, recursive: bool = False) -> list[Path]:
    """The files that `names` mean, each once: files as they are, folders as the photographs in them, patterns.

    Raises
    ------
    ParameterError : a name or pattern that matches nothing
    """
    found: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            inside = inputs_in(path, recursive=recursive)
        elif path.exists() or not glob.has_magic(name):
            inside = [path]  # one that is missing fails by itself, later
        else:
            inside = [Path(match) for match in sorted(glob.glob(name, recursive=True)) if Path(match).is_file()]
        if not inside:
            what = "No photograph is in the folder" if path.is_dir() else "Nothing matches"
            raise ParameterError(f"{what} {name}.")
        found += inside
    return list(dict.fromkeys(found))


def stems_for(paths: Sequence[Path]) -> list[str]:
    """The stem of each file's exports: its own, with folder or number where two are alike."""
    counts = Counter(path.stem.lower() for path in paths)
    used: set[str] = set()
    result: list[str] = []
    for path in paths:
        doubled = counts[path.stem.lower()] > 1 and path.parent.name
        stem = f"{path.parent.name}_{path.stem}" if doubled else path.stem
        name, number = stem, 2
        while name.lower() in used:
            name, number = f"{stem}_{number}", number + 1
        used.add(name.lower())
        result.append(name)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run `sss-extract`; returns the exit code."""
    command = build_parser()
    options = command.parse_args(argv)
    start_log(options.debug)
    try:
        job = Job(
            options.output, options.model, options.image, options.layout, options.basis, build(ExtractParams, options),
            build(FilterParams, options), build(ProjectionParams, options), build(ExportParams, options),
        )  # fmt: skip
        paths = find_inputs(options.images, recursive=options.recursive)
    except ParameterError as error:
        refuse(command, error)
    if job.image is not None and len(paths) > 1:
        command.error(f"--image belongs to one feature file, got {len(paths)} files.")
    if options.model and options.backbone:
        command.error("--model and --backbone are two models; name one.")
    try:
        with backbone_model(options) as model:
            return _run(replace(job, model=model or job.model), paths, quiet=options.quiet)
    except SSSError as error:
        print(f"sss-extract: {error} {error.hint}".rstrip(), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. Run again with --skip-existing to go on.", file=sys.stderr)
        return 130


def _run(job: Job, paths: Sequence[Path], *, quiet: bool) -> int:
    try:
        prepare_folder(job.folder)
        worker = Extractions(job)
    except SSSError as error:
        print(f"sss-extract: {error} {error.hint}".rstrip(), file=sys.stderr)
        return 1
    failed: list[tuple[Path, str]] = []
    written = skipped = 0
    with bars(len(paths), quiet=quiet) as shown:
        for path, stem in zip(paths, stems_for(paths), strict=True):
            shown.begin(path.name)
            try:
                files, notes = worker.write(path, stem, Progress(shown.within))
            except Exception as error:  # whatever it is, the other pictures are not to suffer from it
                failed.append((path, f"{error} {getattr(error, 'hint', '')}".strip() or type(error).__name__))
            else:
                written += bool(files)
                skipped += not files
                for note in notes:
                    print(f"{path.name}: {note}", file=sys.stderr)
            shown.end()
    if not quiet:
        there = f", {skipped} were there already" if skipped else ""
        print(f"{written} of {len(paths)} pictures written into {job.folder}{there}.")
    for path, reason in failed:
        print(f"failed: {path}: {reason}", file=sys.stderr)
    return 1 if failed else 0


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
        if job.export.existing == "skip" and already_there(job.folder, stem, job.export):
            return [], ()
        progress.report(0.0, "Reading")
        opened = read_input(path, job.image, job.layout)
        picture = analyse(opened, path.name, self._extractor, job.model, job.extract, progress.part(0.02, 0.6))
        files = export_picture(
            picture,
            job.folder,
            stem,
            job.filter,
            job.projection,
            job.export,
            basis=self._basis,
            progress=progress.part(0.6, 1.0),
        )
        return files, picture.notes


class _Bars:
    """Two bars on a terminal: over the pictures, and within the one under way."""

    def __init__(self, total: int) -> None:
        from tqdm import tqdm

        self._over = tqdm(total=total, unit="picture", disable=None, position=0)
        self._in = tqdm(total=100, leave=False, disable=None, position=1, bar_format="{desc:<20.20} {bar} {n:3.0f} %")

    def begin(self, name: str) -> None:
        self._over.set_description(name)
        self._in.reset()

    def within(self, fraction: float, stage: str) -> None:
        self._in.set_description(stage, refresh=False)
        self._in.update(100 * fraction - self._in.n)

    def end(self) -> None:
        self._over.update()

    def __enter__(self) -> _Bars:
        return self

    def __exit__(self, *_error: object) -> None:
        self._in.close()
        self._over.close()


class _Silence:
    def begin(self, name: str) -> None: ...
    def within(self, fraction: float, stage: str) -> None: ...
    def end(self) -> None: ...


def bars(total: int, *, quiet: bool) -> AbstractContextManager[Any]:
    """What shows a batch on a terminal; nothing where it is to be quiet."""
    return nullcontext(_Silence()) if quiet else _Bars(total)


if __name__ == "__main__":
    sys.exit(main())
