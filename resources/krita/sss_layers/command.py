"""The call of sss-segment and what it says, without Krita; for Krita's own Python, which is 3.8 in some builds."""

from __future__ import annotations

import json
import os
import shutil

PICTURE = "picture.png"


def find_command(chosen: str = "") -> str:
    """The path of sss-segment: the one that was `chosen` before, else the one on PATH; '' where there is none."""
    if chosen and os.path.isfile(chosen):
        return chosen
    return shutil.which("sss-segment") or ""


def arguments(folder: str, layers: int, own_colours: bool) -> list[str]:
    """What sss-segment is told: `folder` holds the picture, and its files go into the folder `layers` there."""
    words = [os.path.join(folder, PICTURE), "-o", os.path.join(folder, "layers"), "--layers", str(layers)]
    return [*words, "--for", "krita", "--quiet", *(["--decontaminate"] if own_colours else [])]


def result(folder: str) -> tuple[str, list[str]]:
    """The document that the command wrote, and its layers' names from the largest to the smallest.

    Raises
    ------
    ValueError : it wrote none, with a sentence
    """
    made = os.path.join(folder, "layers")
    try:
        with open(os.path.join(made, PICTURE.replace(".png", "-layers.json")), encoding="utf-8") as file:
            record = json.load(file)
        name = next(name for name in record["files"] if name.endswith((".psd", ".ora")))
        return os.path.join(made, name), [layer["name"] for layer in record["layers"]]
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        raise ValueError("sss-segment ended without layers.") from None


def reason(said: str) -> str:
    """Why the command failed: the sentence about the picture, or else the last that it said."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    about = [line.partition(PICTURE + ": ")[2] for line in lines if line.startswith("failed: ")]
    return next(iter([*about, *lines[-1:]]), "sss-segment ended without a word.")
