"""Lifting from the grid to full size: against the guided filter, against itself in parts, and on edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sss_model.errors import Cancelled, ParameterError
from sss_model.filtering.lift import GuidedLift, lift_region
from sss_model.filtering.resize import resize
from sss_model.guided_filter import guided_filter
from sss_model.progress import Progress


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth colours with a bright disc in them."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((max(height // 8, 1), max(width // 8, 1), 3)).astype(np.float32)
    image = resize(coarse, (height, width))
    yy, xx = np.mgrid[:height, :width]
    image[np.hypot(yy - height / 2, xx - width / 2) < min(height, width) / 4] *= 0.3
    return image


def signal(height: int, width: int, channels: int = 3) -> np.ndarray:
    return (np.random.default_rng(1).standard_normal((height, width, channels)) + 2).astype(np.float32)


@pytest.mark.parametrize("size", [(40, 53), (1, 31), (31, 1), (1, 1), (7, 9)])
@pytest.mark.parametrize(("radius", "eps"), [(3, 1e-2), (0, 1e-2), (60, 1e-4)])
def test_a_grid_of_the_pictures_size_gives_the_guided_filter(size, radius, eps) -> None:
    image, features = picture(*size), signal(*size, 5)
    lifted = lift_region(GuidedLift(image, radius=radius, eps=eps).coefficients(features), image)
    np.testing.assert_allclose(lifted, guided_filter(image, features, radius=radius, eps=eps), atol=2e-5)


def by_definition(guide, features, image, radius, eps):
    """Coefficients by least squares in every window in float64, enlarged bilinearly, times the picture's colours."""
    height, width, channels = features.shape
    planes = np.zeros((height, width, 4, channels))
    for y, x in np.ndindex(height, width):
        part = np.s_[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
        colours, values = guide[part].reshape(-1, 3).astype(float), features[part].reshape(-1, channels).astype(float)
        centred = colours - colours.mean(0)
        a = np.linalg.solve(centred.T @ centred / len(colours) + eps * np.eye(3), centred.T @ values / len(colours))
        planes[y, x, 0], planes[y, x, 1:] = values.mean(0) - colours.mean(0) @ a, a
    means = np.zeros_like(planes)
    for y, x in np.ndindex(height, width):
        part = np.s_[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
        means[y, x] = planes[part].mean((0, 1))
    large = resize(means.reshape(height, width, -1), image.shape[:2]).reshape(*image.shape[:2], 4, channels)
    return large[:, :, 0] + np.einsum("yxc,yxck->yxk", image, large[:, :, 1:])


def test_equals_the_definition() -> None:
    image = picture(47, 66)
    guide = resize(image, (15, 21))
    features = signal(15, 21, 2)
    lifted = lift_region(GuidedLift(guide, radius=2, eps=1e-2).coefficients(features), image)
    np.testing.assert_allclose(lifted, by_definition(guide, features, image, 2, 1e-2), atol=3e-5)


def test_is_affine_in_the_signal() -> None:
    image, guide = picture(60, 80), resize(picture(60, 80), (15, 20))
    lift = GuidedLift(guide, radius=2, eps=1e-2)
    one, other = signal(15, 20), signal(15, 20)[::-1].copy()
    mixed = lift_region(lift.coefficients(2 * one - 3 * other + 5), image)
    parts = [lift_region(lift.coefficients(values), image) for values in (one, other)]
    np.testing.assert_allclose(mixed, 2 * parts[0] - 3 * parts[1] + 5, atol=1e-4)
    constant = np.full((15, 20, 2), 7.0, np.float32)
    np.testing.assert_allclose(lift_region(lift.coefficients(constant), image), 7, atol=1e-5)


def test_stretching_the_coefficients_stretches_the_result() -> None:
    image, features = picture(60, 80), signal(15, 20)
    features[..., 2] = 4
    some = GuidedLift(resize(image, (15, 20)), radius=2, eps=1e-2).coefficients(features)
    low, high = np.array([1.0, 0.5, 4.0]), np.array([3.0, 2.5, 4.0])
    expected = (lift_region(some, image) - low) / np.array([2.0, 2.0, 1.0])
    expected[..., 2] = 0
    stretched = lift_region(some.stretched(low, high), image)
    np.testing.assert_allclose(stretched, expected, atol=1e-4)
    shown = lift_region(some.stretched(low, high), image, out=np.empty((60, 80, 3), np.uint8))
    np.testing.assert_allclose(shown, np.clip(stretched, 0, 1) * 255, atol=0.51)


def test_a_step_is_as_sharp_as_the_pictures() -> None:
    """The signal knows the edge to within a cell of 8 pixels; full size has it between two pixels."""
    image = np.full((160, 240, 3), 0.2, np.float32)
    image[:, 123:] = (0.8, 0.5, 0.6)
    guide = resize(image, (20, 30))
    features = (guide[..., :1] > 0.3).astype(np.float32) * 2 - 1
    coefficients = GuidedLift(guide, radius=4, eps=1e-4).coefficients(features)
    lifted = lift_region(coefficients, image)[..., 0]
    assert (lifted[:, 123] - lifted[:, 122]).min() > 1.6, "of 2, within one pixel"
    assert np.abs(np.diff(lifted, axis=1))[:, np.r_[0:122, 123:239]].max() < 0.15
    blurred = resize(features, (160, 240))[..., 0]
    assert np.abs(np.diff(blurred, axis=1)).max() < 0.3, "bilinear smears it over a cell"


@pytest.mark.parametrize("size", [(300, 1300), (1, 700), (700, 1), (301, 97)])
def test_a_region_is_that_part_of_the_whole(size) -> None:
    image = picture(*size)
    grid = (max(1, size[0] // 5), max(1, size[1] // 7))
    some = GuidedLift(resize(image, grid), radius=2, eps=1e-2).coefficients(signal(*grid))
    whole = lift_region(some, image)
    for down, across in [((0, 0.3), (0, 0.4)), ((0.5, 0.9), (0.7, 1)), ((0.99, 1), (0.99, 1))]:
        top, bottom = int(down[0] * size[0]), max(int(down[1] * size[0]), 1)
        left, right = int(across[0] * size[1]), max(int(across[1] * size[1]), 1)
        box = (min(top, bottom - 1), bottom, min(left, right - 1), right)
        part = lift_region(some, image, box)
        np.testing.assert_allclose(part, whole[box[0] : box[1], box[2] : box[3]], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(("grid", "size"), [((300, 20), (451, 33)), ((260, 9), (100, 7)), ((5, 40), (9, 1100))])
def test_stripes_equal_the_whole(dtype, grid, size, tmp_path) -> None:
    image, features = picture(*size), signal(*grid, 21)
    lift = GuidedLift(resize(image, grid), radius=3, eps=1e-3)
    whole = lift_region(lift.coefficients(features), image)
    out = np.lib.format.open_memmap(tmp_path / "out.npy", "w+", dtype, (*size, 21))
    assert lift.lift(features, image, out=out) is out
    tolerance = 2e-5 if dtype == np.float32 else 4e-3
    np.testing.assert_allclose(out, whole, atol=tolerance)


def test_bytes_are_colours_and_a_level_of_the_pyramid_is_the_picture_made_smaller() -> None:
    image = np.rint(picture(160, 240) * 255).astype(np.uint8)
    values = image / np.float32(255)
    some = GuidedLift(resize(values, (20, 30)), radius=3, eps=1e-2).coefficients(signal(20, 30))
    whole = lift_region(some, values)
    np.testing.assert_allclose(lift_region(some, image), whole, atol=1e-5)
    half = lift_region(some, resize(values, (80, 120)))
    assert np.abs(half - resize(whole, (80, 120))).mean() < 0.01


def test_can_be_cancelled_and_reports() -> None:
    image = picture(200, 900)
    some = GuidedLift(resize(image, (20, 90)), radius=2, eps=1e-2).coefficients(signal(20, 90))
    seen: list[float] = []
    lift_region(some, image, progress=Progress(lambda fraction, stage: seen.append(fraction)))
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1)
    with pytest.raises(Cancelled):
        lift_region(some, image, progress=Progress(cancelled=lambda: True))
    assert torch.get_num_threads() >= 1


def test_bad_input_is_named() -> None:
    image = picture(30, 40)
    lift = GuidedLift(resize(image, (6, 8)), radius=1, eps=0.1)
    some = lift.coefficients(signal(6, 8))
    for box in [(0, 31, 0, 40), (5, 5, 0, 4), (-1, 3, 0, 4)]:
        with pytest.raises(ParameterError, match="inside 30 x 40 pixels"):
            lift_region(some, image, box)
    with pytest.raises(ParameterError, match=r"out must be \(30, 40, 3\)"):
        lift_region(some, image, out=np.empty((30, 40, 4), np.float32))
    with pytest.raises(ParameterError, match="float64"):
        lift_region(some, image, out=np.empty((30, 40, 3), np.float64))
    with pytest.raises(ParameterError, match=r"shape \(6, 8, C\); got \(8, 6, 3\)"):
        lift.coefficients(signal(8, 6))
    with pytest.raises(ParameterError, match="RGB image"):
        GuidedLift(np.zeros((6, 8), np.float32), radius=1, eps=0.1)
    with pytest.raises(ParameterError, match=r"\(H, W, 3\)"):
        lift_region(some, image[..., 0])
