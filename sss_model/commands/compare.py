"""The work of `sss-eval --compare`: models side by side on one picture, a table and a report."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from sss_model.analysis.compare_models import (
    FEWEST,
    MOST,
    ComparedModel,
    compare_models,
    read_labels,
)
from sss_model.analysis.comparison_report import table_text, write_report
from sss_model.analysis.evaluate_params import EvaluateParams
from sss_model.commands.options import build, build_filter
from sss_model.errors import ImageError, ParameterError
from sss_model.image_io import read_image
from sss_model.params import ExtractParams, GridParams
from sss_model.progress import Progress
from sss_model.storage.atomic_write import check_target, replacing
from sss_model.storage.scratch import scratch_folder
from sss_model.weights.initialise import published_weights, write_backbone

SHIPPED = "shipped"


def compare(options: argparse.Namespace) -> None:
    """Compare what `options` of `sss-eval` name; print the table, write the report."""
    *names, picture = options.compare
    if not FEWEST <= len(names) <= MOST:
        raise ParameterError(
            f"--compare takes {FEWEST} to {MOST} models and then a picture, got {len(options.compare)} words.",
            hint=f"Such as: sss-eval --compare {SHIPPED} vit_small_patch14_reg4_dinov2 photo.jpg",
        )
    params, smoothing = build(EvaluateParams, options), build_filter(options)
    source = Path(picture)
    report = options.report or Path(f"{source.stem}-models.html")
    if report.exists() and options.report is None and not _is_report(report):
        raise ImageError(f"{report} is no report of this program.", hint="Name another file with --report.")
    for file in filter(None, (report, options.json)):
        check_target(file, ImageError)
    image = read_image(source)
    pins = [parse_pin(text, (image.shape[0], image.shape[1])) for text in options.pin]
    labels = None if options.labels is None else read_labels(options.labels)
    grid, told = build(GridParams, options), Progress(_Told())
    with scratch_folder("compare") as folder:
        models = [
            _model(name, grid, folder / str(number), consent=options.allow_download, progress=told)
            for number, name in enumerate(names)
        ]
        comparison = compare_models(
            image,
            models,
            labels=labels,
            filter=smoothing,
            params=ExtractParams(device=options.device),
            evaluation=params,
            progress=told,
        )
        print(table_text(comparison.rows))
        write_report(report, comparison, name=source.name, filter=smoothing, pins=pins)
    if options.json is not None:
        content = {"picture": source.name, "models": [row.to_dict() for row in comparison.rows]}
        with replacing(options.json, ImageError) as temporary:
            temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
    print(f"Wrote {report}.")


def parse_model(text: str, grid: GridParams) -> tuple[str, GridParams]:
    """Name and working grid of `NAME@SIZE:SCALES`; what is not said is that of `grid`.

    Examples
    --------
    >>> parse_model("shipped@960:0.5,1", GridParams())
    ('shipped', GridParams(size='960', scales=(0.5, 1.0)))
    >>> parse_model("resnet18.a1_in1k", GridParams())
    ('resnet18.a1_in1k', GridParams(size='auto', scales=()))
    """
    match = re.fullmatch(r"(.+)@(auto|native|\d+)(?::([\d.,]+))?", text)
    if match is None:
        return text, grid
    try:
        scales = tuple(float(part) for part in match[3].split(",")) if match[3] else grid.scales
    except ValueError:
        raise ParameterError(f"Scales must be numbers with commas between them, got {match[3]!r}.") from None
    return match[1], GridParams(match[2], scales)


def parse_pin(text: str, size: tuple[int, int]) -> tuple[int, int]:
    """The pixel (x, y) of 'X,Y', which must lie in a picture of `size` (H, W)."""
    match = re.fullmatch(r"\s*(\d+)\s*,\s*(\d+)\s*", text)
    point = (int(match[1]), int(match[2])) if match else None
    if point is None or not (point[0] < size[1] and point[1] < size[0]):
        raise ParameterError(f"--pin must be X,Y of a pixel in {size[1]} x {size[0]}, got {text!r}.")
    return point


def _model(text: str, grid: GridParams, folder: Path, *, consent: bool, progress: Progress) -> ComparedModel:
    """The model that a word names: the shipped one, a file, or a backbone whose features are taken as they are."""
    name, grid = parse_model(text, grid)
    if name == SHIPPED:
        return ComparedModel("Shipped model", None, grid)
    path = Path(name)
    if path.is_file():
        return ComparedModel(path.stem, path, grid)
    if path.suffix in (".safetensors", ".pth", ".pt") or len(path.parts) > 1:
        raise ParameterError(
            f"There is no model file {name}.", hint=f"Models are '{SHIPPED}', files, or names of backbones."
        )
    weights = published_weights(name)
    return ComparedModel(name, write_backbone(folder, name, weights, consent=consent, progress=progress), grid)


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return b'id="comparison"' in file.read()


class _Told:
    """Says on stderr what is at work: each model that is loaded, and a download once."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, fraction: float, stage: str) -> None:
        words = re.sub(r", step .*|\d+ of ", "", stage)
        if stage.startswith(("Loading", "Downloading", "Asking")) and words != self._last:
            self._last = words
            print(stage, file=sys.stderr, flush=True)
