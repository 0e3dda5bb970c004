"""A page of pictures with their labels and features, for the eye and for a model's card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from skimage.util import montage

from sss_model.analysis.evaluate import Maps, PictureScores
from sss_model.datasets.pair_sampling import VOID
from sss_model.errors import ImageError
from sss_model.image_io import to_picture
from sss_model.storage.atomic_write import replacing

_CELL, _GAP, _CAPTION = 240, 8, 18


class ContactSheet:
    """Collects rows of picture | labels | PCA | guided filter + PCA, at most `limit`; `write` lays them out."""

    def __init__(self, limit: int = 24) -> None:
        self._limit = limit
        self._rows: list[NDArray[np.uint8]] = []

    def add(self, maps: Maps, scores: PictureScores) -> None:
        """One more row, if there is room."""
        if len(self._rows) >= self._limit:
            return
        pictures = [
            np.asarray(maps.example.picture),
            paint_labels(maps.example.labels),
            to_picture(maps.pca),
            to_picture(maps.filtered),
        ]
        row = Image.new("RGB", (4 * _CELL + 3 * _GAP, _CELL + _CAPTION), "white")
        for k, picture in enumerate(pictures):
            small = Image.fromarray(picture)
            small.thumbnail((_CELL, _CELL))
            row.paste(small, (k * (_CELL + _GAP), _CAPTION))
        auc = "  ".join(f"{kind} {value:.3f}" for kind, value in scores.auc.items())
        ImageDraw.Draw(row).text((2, 3), f"{scores.name}   pair AUC: {auc}" if auc else scores.name, fill="black")
        self._rows.append(np.asarray(row))

    def write(self, path: Path) -> None:
        """The page as PNG, whole or not at all; two rows side by side from twelve on."""
        if not self._rows:
            raise ImageError("There is no picture for the contact sheet.")
        across = 2 if len(self._rows) >= 12 else 1
        down = -(-len(self._rows) // across)
        rows = np.full((across * down, *np.shape(self._rows[0])), 255, np.uint8)
        rows[: len(self._rows)] = self._rows
        columns = rows.reshape(across, down, *rows.shape[1:]).swapaxes(0, 1).reshape(rows.shape)  # read downward
        page = montage(columns, grid_shape=(down, across), padding_width=_GAP, fill=(255, 255, 255), channel_axis=3)
        with replacing(path, ImageError) as temporary:
            Image.fromarray(page).save(temporary, "PNG")


def paint_labels(labels: NDArray[np.int32]) -> NDArray[np.uint8]:
    """A picture (H, W, 3) of a label map: a colour a label, void black."""
    kinds, index = np.unique(labels, return_inverse=True)
    hue = (np.arange(len(kinds)) * 0.618034 + 0.1) % 1
    wave = np.abs(((hue[:, None] + np.array([0, 2 / 3, 1 / 3])) % 1) * 6 - 3) - 1
    colours = (64 + 176 * np.clip(wave, 0, 1)).astype(np.uint8)
    colours[kinds == VOID] = 0
    painted: NDArray[np.uint8] = colours[index.reshape(labels.shape)]
    return painted
