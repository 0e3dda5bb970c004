"""sss-convert: the authors' TensorFlow checkpoint, or a backbone's weights, as a model file of this program."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sss_model.commands.backbone_options import add_backbone_options, write_backbone_model
from sss_model.commands.ending import EXIT_CODES, run_command
from sss_model.commands.options import command_parser
from sss_model.debug_log import start_log


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = command_parser(
        "sss-convert",
        "Convert the released weights of Semantic Soft Segmentation (a TensorFlow V2 checkpoint, "
        "HyperColumn_Deeplabv2-<step>) to a model file. TensorFlow is not needed. Every variable must fit; otherwise "
        "all that do not are listed and nothing is written.",
        EXIT_CODES,
        "sss-convert HyperColumn_Deeplabv2-100000 -o released.safetensors",
    )
    parser.add_argument("checkpoint", nargs="?", help="path prefix, any file, the folder, or a zip of the checkpoint")
    parser.add_argument("-o", "--output", metavar="FILE.safetensors", help="model file to write")
    parser.add_argument(
        "--norm-statistics",
        choices=("stored", "image"),
        default="stored",
        help="batch norm by the stored statistics, or by each image's own as the authors' script does unless told "
        "otherwise; default: stored",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="name every variable that is skipped")
    add_backbone_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code (`ending`)."""
    return run_command("sss-convert", lambda: _convert(arguments))


def _convert(arguments: Sequence[str] | None) -> int:
    """Write the model file and say what went into it."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    start_log(options.debug)
    if bool(options.checkpoint) == bool(options.backbone):
        parser.error("Name what to convert: either a checkpoint or --backbone.")
    if not options.output:
        parser.error("Name the model file to write: -o FILE.safetensors.")
    if options.backbone:
        print(f"{write_backbone_model(options, Path(options.output))}. Written to {options.output}.")
        return 0
    from sss_model.weights.authors.convert import convert_released

    report = convert_released(options.checkpoint, options.output, norm_statistics=options.norm_statistics)
    if options.verbose:
        for reason, names in report.skipped.items():
            for name in names:
                print(f"skipped {name} ({reason})")
    print(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
