"""The options with which a command takes a backbone alone for its model, and the listing of what there is."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sss_model.errors import ParameterError
from sss_model.storage.scratch import scratch_folder


def add_backbone_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` --backbone and what goes with it."""
    group = parser.add_argument_group("A backbone alone, without a trained head")
    group.add_argument("--backbone", metavar="NAME", help="resnet101, or any name that timm knows: a DINO's, say")
    group.add_argument(
        "--weights", metavar="SOURCE", help="file (.pth, .safetensors), timm, lite2 or deeplab-coco; default: timm's"
    )
    group.add_argument(
        "--blocks",
        metavar="A,B,...",
        help="stages or transformer blocks, from 0, or negative from the end; default: four",
    )
    group.add_argument("--allow-download", action="store_true", help="download weights that are not on this machine")
    group.add_argument(
        "--list-backbones",
        action=_List,
        nargs="?",
        const="*",
        metavar="PATTERN",
        help="list the backbones there are, with weights here or to be downloaded, and leave",
    )


class _List(argparse.Action):
    """Lists and leaves, whatever else the command requires."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        print_backbones(str(values))
        parser.exit()


def print_backbones(pattern: str) -> None:
    """One line for each backbone whose name matches, or has the pattern in it where none does.

    Of all of them those that are good to begin with come first, with size and licence.
    """
    from sss_model.weights.catalogue import list_backbones, short_list

    if pattern == "*":
        print("Good to begin with:")
        for listed, entry, licence in short_list():
            here = "here" if entry.here else f"{listed.megabytes} MB to be downloaded"
            print(f"  {listed.name}: {listed.words}; weights {here}, {licence}")
        print("All:")
    found = list_backbones(pattern) or list_backbones(f"*{pattern}*")
    for entry in found:
        state = "here" if entry.here else "to be downloaded" if entry.weights else "none published"
        print(f"{entry.name:48} {entry.program:12} weights {state}" + (f" ({entry.weights})" if entry.weights else ""))
    if not found:
        print(f"No backbone matches {pattern}.")


def write_backbone_model(options: argparse.Namespace, path: Path) -> str:
    """The model file that the options describe, written to `path`; returns its title.

    Raises
    ------
    CheckpointError, ParameterError : no such backbone, or no weights for it here
    """
    from sss_model.weights.initialise import natural_params, published_weights, write_untrained

    params = natural_params(options.backbone, "taps", parse_blocks(options.blocks))
    source = options.weights or published_weights(options.backbone, params.blocks)
    return str(write_untrained(path, params, source, consent=options.allow_download).metadata["title"])


@contextmanager
def backbone_model(options: argparse.Namespace) -> Iterator[Path | None]:
    """The path of a model file that the options describe, gone at the end; None without --backbone."""
    if not options.backbone:
        if options.weights or options.blocks:
            raise ParameterError("--weights and --blocks belong to --backbone, which is missing.")
        yield None
        return
    with scratch_folder("backbone") as folder:
        path = folder / f"{options.backbone}-taps.safetensors"
        write_backbone_model(options, path)
        yield path


def parse_blocks(text: str | None) -> tuple[int, ...]:
    """The numbers of `text`, which has commas between them; none for an empty text or None.

    Raises
    ------
    ParameterError : there is something else in it
    """
    try:
        return tuple(int(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise ParameterError(f"--blocks must be whole numbers with commas between them, got {text!r}.") from None
