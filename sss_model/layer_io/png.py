"""PNG files of 16 bits a channel, which Pillow does not write: one layer a file, alpha straight or premultiplied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ParameterError
from sss_model.files.export import ExportError
from sss_model.image_io.write import write_png as write_png_file
from sss_model.layer_io.layers import Layers, whole_alphas, whole_numbers


def write_png(paths: Sequence[Path], layers: Layers, *, premultiplied: bool = False) -> None:
    """Write each layer into its own of `paths`: 16-bit RGBA, sRGB; the file's text says what its alpha is.

    Straight colours are kept under alpha 0. Premultiplied ones are the sRGB values times alpha, as programs expect that
    lay them over each other without linear light.

    Raises
    ------
    ExportError : a file cannot be written; those before it stay
    """
    alphas = whole_alphas(layers.alphas, 65535)
    for k, path in enumerate(paths):
        samples = np.empty((*alphas.shape[:2], 4), np.uint16)
        colour = layers.colour(k)
        if premultiplied:
            colour = np.asarray(colour * (alphas[..., k, None] / np.float32(65535)), np.float32)
        samples[..., :3] = whole_numbers(colour, 65535)
        samples[..., 3] = alphas[..., k]
        text = {"Title": layers.names[k], **({"Comment": "premultiplied alpha"} if premultiplied else {})}
        write_samples(path, samples, text=text)


def write_alphas(paths: Sequence[Path], layers: Layers) -> None:
    """Write each layer's alpha into its own of `paths`: 16-bit grey, its numbers linear. Raises as `write_png`."""
    alphas = whole_alphas(layers.alphas, 65535)
    for k, path in enumerate(paths):
        write_samples(path, np.ascontiguousarray(alphas[..., k, None]), text={"Title": layers.names[k]})


def write_samples(path: Path, samples: NDArray[np.uint16], *, text: Mapping[str, str] | None = None) -> None:
    """Write `samples` (H, W, 1, 3 or 4) uint16, grey, RGB or RGBA in sRGB, as the PNG `path`, whole or not at all."""
    if samples.dtype != np.uint16 or samples.ndim != 3 or samples.shape[2] not in (1, 3, 4) or 0 in samples.shape:
        raise ParameterError(f"samples must be (H, W, 1, 3 or 4) uint16, got {samples.shape} {samples.dtype}.")
    write_png_file(path, samples, ExportError, text=text, srgb=True)
