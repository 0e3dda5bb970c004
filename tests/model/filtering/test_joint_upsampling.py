"""Joint bilateral upsampling against its definition, and what it promises of raw features."""

from __future__ import annotations

import numpy as np
import pytest
from made_features import features_like, image_like

from sss_model.filtering import joint_upsampling
from sss_model.filtering.joint_upsampling import upsample_rows
from sss_model.filtering.resize import resize
from sss_model.image_io import to_picture


def definition(features, guide, image, sigma, floor=1e-3):
    """The formula, pixel by pixel and cell by cell."""
    (h, w), (height, width) = features.shape[:2], image.shape[:2]
    out = np.zeros((height, width, features.shape[2]))
    for y in range(height):
        for x in range(width):
            v = min(max((y + 0.5) * h / height - 0.5, 0), h - 1)
            u = min(max((x + 0.5) * w / width - 0.5, 0), w - 1)
            total = 0.0
            for j in range(h):
                for i in range(w):
                    place = max(0, 1 - abs(v - j)) * max(0, 1 - abs(u - i))
                    colour = np.exp(-np.sum((image[y, x] - guide[j, i]) ** 2) / (2 * sigma**2)) + floor
                    out[y, x] += place * colour * features[j, i]
                    total += place * colour
            out[y, x] /= total
    return out


@pytest.mark.parametrize("size", [(23, 31), (6, 31), (5, 7), (4, 5)])
@pytest.mark.parametrize("sigma", [0.05, 0.3])
def test_equals_the_definition(size, sigma, monkeypatch) -> None:
    monkeypatch.setattr(joint_upsampling, "SIGMA", sigma)
    image = image_like(*size).astype(np.float32)
    guide = np.clip(resize(image, (5, 7)), 0, 1)
    features = np.random.default_rng(0).normal(size=(5, 7, 3)).astype(np.float32)
    result = upsample_rows(features, guide, image)
    np.testing.assert_allclose(result, definition(features, guide, image, sigma), atol=2e-5)


def test_the_middles_of_cells_keep_their_values_and_no_range_is_left() -> None:
    image = image_like(150, 200)
    guide = np.clip(resize(image, (30, 40)), 0, 1)
    features = features_like(guide, channels=20)
    result = upsample_rows(features, guide, image)
    np.testing.assert_allclose(result[2::5, 2::5], features, atol=1e-5)
    low, high = features.min(axis=(0, 1)), features.max(axis=(0, 1))
    assert (result >= low - 1e-5).all()
    assert (result <= high + 1e-5).all()
    means = resize(result, (30, 40))
    assert np.sqrt(((means - features) ** 2).mean()) < 0.05 * features.std()


def test_a_border_lies_where_the_pictures_edge_is() -> None:
    image = np.full((40, 40, 3), 0.2, np.float32)
    image[:, 17:] = 0.8  # 17 of 40 pixels: inside a cell of five, between two middles
    guide = resize(image, (8, 8))
    features = (guide[..., :1] - 0.2) / 0.6
    sharp = upsample_rows(features, guide, image)[20, :, 0]
    blurred = resize(features, (40, 40))[20, :, 0]
    truth = (np.arange(40) >= 17).astype(np.float32)
    assert np.abs(sharp - truth).sum() < 0.7 * np.abs(blurred - truth).sum()


def test_without_an_edge_it_is_bilinear() -> None:
    flat = np.full((40, 60, 3), 0.4, np.float32)
    features = np.random.default_rng(1).normal(size=(8, 9, 5)).astype(np.float32)
    result = upsample_rows(features, resize(flat, (8, 9)), flat)
    np.testing.assert_allclose(result, resize(features, (40, 60)), atol=1e-5)


def test_rows_bytes_and_halves_are_taken() -> None:
    image = image_like(203, 310)
    guide = np.clip(resize(image, (60, 92)), 0, 1)
    features = features_like(guide, channels=20).astype(np.float16)
    picture = to_picture(image)
    whole = upsample_rows(features, guide, picture)
    np.testing.assert_allclose(whole, upsample_rows(features, guide, picture / np.float32(255)), atol=1e-6)
    out = np.empty((51, 310, 20), np.float16)
    assert upsample_rows(features, guide, picture, (50, 101), out=out) is out
    np.testing.assert_allclose(out, whole[50:101], rtol=1e-3, atol=1e-3)
