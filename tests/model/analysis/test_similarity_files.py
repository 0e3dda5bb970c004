"""Similarity maps on disk: every number comes back."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sss_model.analysis.similarity_files import write_similarity
from sss_model.errors import ImageError


def test_a_png_has_sixteen_bits_and_a_npy_all(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((6, 8), np.float32)
    for name in ("map.png", "map.npy"):
        write_similarity(tmp_path / name, values, (6, 8))
    assert np.abs(np.load(tmp_path / "map.npy") - values).max() < 1e-6
    stored = cv2.imread(str(tmp_path / "map.png"), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16
    assert np.abs(stored / 65535 - values).max() <= 0.5 / 65535 + 1e-6


def test_it_has_the_photographs_size(tmp_path: Path) -> None:
    write_similarity(tmp_path / "map.npy", np.array([[0.0, 1.0]], np.float32), (2, 8))
    stored = np.load(tmp_path / "map.npy")
    assert stored.shape == (2, 8)
    assert (np.diff(stored[0]) >= 0).all()


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"as .png \(16 bit\) or .npy; got map.jpg"):
        write_similarity(tmp_path / "map.jpg", np.zeros((1, 1), np.float32), (1, 1))
    assert not list(tmp_path.iterdir())
