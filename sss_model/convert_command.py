"""sss-convert: the authors' TensorFlow checkpoint -> a model file that every other command and the window take."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from sss_model.errors import SSSError


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="sss-convert",
        description="Convert the released weights of Semantic Soft Segmentation (a TensorFlow V2 checkpoint, "
        "HyperColumn_Deeplabv2-<step>) to a model file. TensorFlow is not needed. Every variable must fit; otherwise "
        "all that do not are listed and nothing is written.",
    )
    parser.add_argument("checkpoint", help="path prefix, any file, the folder, or a zip of the checkpoint")
    parser.add_argument("-o", "--output", required=True, metavar="FILE.safetensors", help="model file to write")
    parser.add_argument(
        "--norm-statistics",
        choices=("stored", "image"),
        default="stored",
        help="batch norm by the stored statistics, or by each image's own as the authors' script does unless told "
        "otherwise; default: stored",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="name every variable that is skipped")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when the file was written, 1 when the checkpoint was refused."""
    options = build_parser().parse_args(arguments)
    from sss_model.convert import convert_released

    try:
        report = convert_released(options.checkpoint, options.output, norm_statistics=options.norm_statistics)
    except SSSError as error:
        print(f"sss-convert: {error}", file=sys.stderr)
        if error.hint:
            print(error.hint, file=sys.stderr)
        return 1
    if options.verbose:
        for reason, names in report.skipped.items():
            for name in names:
                print(f"skipped {name} ({reason})")
    print(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
