"""`sss-eval`: how well a model tells regions apart, as a table, as JSON, as a page of pictures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sss_model.analysis.evaluate_params import EvaluateParams
from sss_model.commands.ending import DONE, EXIT_CODES, run_command
from sss_model.commands.options import add_filter_options, add_options, command_parser
from sss_model.debug_log import start_log
from sss_model.params import GridParams
from sss_model.weights.source_names import SOURCES


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = command_parser(
        "sss-eval",
        "Measure how well a model's features tell labelled regions apart.",
        EXIT_CODES,
        "sss-eval model.safetensors --data photos-with-labels --json scores.json",
        "sss-eval --data bsds:BSDS500@val",
        "sss-eval --compare shipped vit_small_patch14_reg4_dinov2 photo.jpg --labels photo-labels.png",
    )
    parser.add_argument("model", nargs="?", help="a model file; without one the shipped model")
    parser.add_argument("--data", action="append", default=[], metavar="[KIND:]DIR[@SPLIT]",
                        help="a data set, its format recognised; may be given several times")  # fmt: skip
    parser.add_argument("--label-maps", choices=("upright", "stored"),
                        help="how label maps of pictures that EXIF turns lie where their size does not tell: upright, "
                        "as without this, or as the picture is stored")  # fmt: skip
    parser.add_argument(
        "--taps",
        metavar="SOURCE",
        help=f"the yardstick's untouched backbone: {SOURCES}; without, the model's own, as trained",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there")
    parser.add_argument("--contact-sheet", type=Path, metavar="FILE", help="write a PNG of pictures and features there")
    parser.add_argument(
        "--sheet-pictures", type=int, default=24, metavar="N", help="at most so many of all on the sheet (default 24)"
    )
    _add_comparison(parser)
    add_options(parser, EvaluateParams)
    add_options(parser, GridParams)
    add_filter_options(parser)
    return parser


def _add_comparison(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("Models side by side on one picture")
    group.add_argument(
        "--compare",
        nargs="+",
        metavar="MODEL ... PICTURE",
        help="two to four models, then a picture: 'shipped', a model file, or a backbone's name; each may have a size "
        "and scales of its own, as in shipped@960:0.5,1",
    )
    group.add_argument(
        "--labels", type=Path, metavar="MAP", help="label map or mask of the picture, by which the AUC are measured"
    )
    group.add_argument(
        "--pin",
        action="append",
        default=[],
        metavar="X,Y",
        help="pixel that the report has the similarity to; may be given several times",
    )
    group.add_argument(
        "--report", type=Path, metavar="FILE", help="the page with pictures and table; default PICTURE-models.html here"
    )
    group.add_argument("--allow-download", action="store_true", help="download weights that are not on this machine")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code (`ending`)."""
    return run_command("sss-eval", lambda: _evaluate(arguments))


def _evaluate(arguments: Sequence[str] | None) -> int:
    parser = build_parser()
    options = parser.parse_args(arguments)
    start_log(options.debug)
    if options.compare:
        if options.data or options.taps or options.contact_sheet or options.model:
            parser.error(
                "--compare looks at one picture; a model, --data, --taps and --contact-sheet measure one model."
            )
        from sss_model.commands.compare import compare

        compare(options)
        return DONE
    if not options.data:
        parser.error("the following arguments are required: --data, or --compare")
    from sss_model.commands.evaluate_run import evaluate  # here, so that --help needs no torch

    evaluate(options)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
