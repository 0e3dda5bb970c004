"""`sss-eval`: how well a model tells regions apart, as a table, as JSON, as a page of pictures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import sss_model
from sss_model.analysis.evaluate_params import EvaluateParams
from sss_model.commands.ending import DONE, EXIT_CODES, run_command
from sss_model.commands.options import Lines, add_filter_options, add_options, examples
from sss_model.debug_log import add_debug_option, start_log
from sss_model.params import GridParams
from sss_model.weights.source_names import SOURCES


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        "sss-eval",
        description="Measure how well a model's features tell labelled regions apart.",
        epilog=examples(
            EXIT_CODES,
            "sss-eval model.safetensors --data photos-with-labels --json scores.json",
            "sss-eval --data bsds:BSDS500@val",
        ),
        formatter_class=Lines,
    )
    add_debug_option(parser)
    parser.add_argument("--version", action="version", version=f"%(prog)s {sss_model.__version__}")
    parser.add_argument("model", nargs="?", help="a model file; without one the shipped model")
    parser.add_argument("--data", action="append", default=[], required=True, metavar="[KIND:]DIR[@SPLIT]",
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
    add_options(parser, EvaluateParams)
    add_options(parser, GridParams)
    add_filter_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code (`ending`)."""
    return run_command("sss-eval", lambda: _evaluate(arguments))


def _evaluate(arguments: Sequence[str] | None) -> int:
    options = build_parser().parse_args(arguments)
    start_log(options.debug)
    from sss_model.commands.evaluate_run import evaluate  # here, so that --help needs no torch

    evaluate(options)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
