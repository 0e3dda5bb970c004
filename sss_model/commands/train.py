"""`sss-train`: train a network, without a window."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from sss_model.commands.ending import EXIT_CODES, leaving_at_once, run_command
from sss_model.commands.options import add_options, command_parser
from sss_model.debug_log import start_log
from sss_model.training.params import PRESETS, SECTIONS
from sss_model.training.run_folder.file_names import LAST_STATE
from sss_model.weights.source_names import SOURCES


def build_parser() -> argparse.ArgumentParser:
    """The command's options; all numbers come from `training.params`."""
    parser = command_parser(
        "sss-train",
        "Train semantic features on pictures with label maps.",
        EXIT_CODES,
        "sss-train --data photos-with-labels --output run",
        "sss-train --data coco@train2017 --data bsds:BSDS500@train=0.5 --output run --preset paper",
    )
    parser.add_argument("--data", action="append", default=[], metavar="[KIND:]DIR[@SPLIT][=WEIGHT]",
                        help="a data set, its format recognised; may be given several times")  # fmt: skip
    parser.add_argument("--label-maps", choices=("upright", "stored"),
                        help="how label maps of pictures that EXIF turns lie where their size does not tell: upright, "
                        "as without this, or as the picture is stored")  # fmt: skip
    parser.add_argument("--output", type=Path, metavar="DIR", help="a new or empty folder for models, state and log")
    parser.add_argument("--preset", metavar="NAME", help=f"recipe to start from: {', '.join(PRESETS)} (default paper)")
    parser.add_argument(
        "--config", metavar="FILE", help="YAML file of parameters, as --print-config writes; flags win over it"
    )
    parser.add_argument("--print-config", action="store_true", help="print all parameters as YAML and leave")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="read the data, run two updates, say what the second takes, write nothing",
    )
    parser.add_argument(
        "--resume", nargs="?", const="auto", metavar="PATH|auto",
        help=f"go on from a {LAST_STATE}; auto: the output folder's, or a new start without one",
    )  # fmt: skip
    parser.add_argument("--init-weights", metavar="SOURCE", help=f"start from {SOURCES}")
    parser.add_argument("--allow-download", action="store_true", help="let --init-weights download what is not here")
    for record in SECTIONS.values():  # an option that is not given leaves no trace
        add_options(parser, record, defaults=False)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code (`ending`)."""
    return run_command("sss-train", lambda: _train(list(sys.argv[1:] if arguments is None else arguments)))


def _train(words: list[str]) -> int:
    options = build_parser().parse_args(words)
    start_log(options.debug)
    with leaving_at_once():
        from sss_model.commands.train_run import train  # here, so that --help needs no torch

    return train(options, command_of(words))


def command_of(words: Sequence[str]) -> str:
    """The call as a model file states it: the names of files and folders without where they were on this machine."""
    return shlex.join(["sss-train", *(re.sub(r"[^:=@]*[/\\]", "", word.rstrip("/\\")) for word in words)])


if __name__ == "__main__":
    sys.exit(main())
