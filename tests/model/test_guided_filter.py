"""The guided filter against its definition window by window, and against OpenCV's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from sss_model.errors import Cancelled, ParameterError
from sss_model.guided_filter import GuidedFilter, guided_filter
from sss_model.progress import Progress


def by_definition(guide, features, radius, eps):
    """Eq. 14-16 in float64, one window at a time, over the part of each window that lies inside the picture."""
    height, width, channels = features.shape
    guide, features = guide.astype(np.float64), features.astype(np.float64)
    a, b = np.zeros((height, width, 3, channels)), np.zeros((height, width, channels))

    def window(array, y, x):
        part = array[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
        return part.reshape(-1, *array.shape[2:])

    for y, x in np.ndindex(height, width):
        i, p = window(guide, y, x), window(features, y, x)
        centred = i - i.mean(0)
        spread = centred.T @ centred / len(i) + eps * np.eye(3)
        a[y, x] = np.linalg.solve(spread, centred.T @ (p - p.mean(0)) / len(i))
        b[y, x] = p.mean(0) - i.mean(0) @ a[y, x]
    out = np.zeros((height, width, channels))
    for y, x in np.ndindex(height, width):
        out[y, x] = guide[y, x] @ window(a, y, x).mean(0) + window(b, y, x).mean(0)
    return out


def picture(height, width, seed=0, kind="colour"):
    rng = np.random.default_rng(seed)
    image = rng.random((height, width, 3)).astype(np.float32)
    if kind == "grey":
        image = np.repeat(image[..., :1], 3, axis=2)
    if kind == "constant":
        image[:] = 0.3
    if kind == "blocks":
        image = np.repeat((image[..., :1] > 0.5).astype(np.float32), 3, axis=2)
    return image


def signal(height, width, channels=5, seed=1):
    return (np.random.default_rng(seed).normal(size=(height, width, channels)) + 3).astype(np.float32)


@pytest.mark.parametrize(
    ("size", "radius", "eps"),
    [
        ((12, 9), 3, 1e-2),
        ((13, 17), 5, 1e-8),
        ((1, 20), 2, 1e-3),
        ((20, 1), 2, 1e-3),
        ((8, 7), 100, 1e-4),
        ((1, 1), 3, 0.1),
        ((11, 10), 0, 0.1),
        ((30, 23), 1, 1e-5),
        ((21, 22), 4, 1.0),
    ],
)
def test_equals_the_definition_in_every_window(size, radius, eps):
    guide, features = picture(*size), signal(*size)
    filtered = guided_filter(guide, features, radius=radius, eps=eps)
    assert filtered.dtype == np.float32
    assert filtered.shape == features.shape
    np.testing.assert_allclose(filtered, by_definition(guide, features, radius, eps), rtol=0, atol=3e-6)


@pytest.mark.parametrize("kind", ["grey", "constant", "blocks"])
@pytest.mark.parametrize("eps", [1e-8, 1e-6, 1e-3])
def test_degenerate_guides_keep_their_digits(kind, eps):
    guide, features = picture(18, 15, kind=kind), signal(18, 15)
    filtered = guided_filter(guide, features, radius=3, eps=eps)
    np.testing.assert_allclose(filtered, by_definition(guide, features, 3, eps), rtol=0, atol=2e-5)


@pytest.mark.parametrize("eps", [1e-8, 1e-6, 9e-4, 1e-3])
def test_nearly_flat_guide_is_sound_at_small_eps(eps):
    """Eight-bit steps on a bright wall: S is tiny beside <I><I>', the hard case for float32."""
    steps = np.random.default_rng(3).integers(0, 2, (24, 24, 3)) / 255
    guide, features = (0.9 + steps).astype(np.float32), signal(24, 24)
    guide[:6] = 0.0  # so that centring alone cannot help
    filtered = guided_filter(guide, features, radius=2, eps=eps)
    np.testing.assert_allclose(filtered, by_definition(guide, features, 2, eps), rtol=0, atol=1e-4)


def smooth_picture(height, width):
    image = cv2.GaussianBlur(picture(height, width), (0, 0), 3)
    return (image - image.min()) / (image.max() - image.min())


def opencv_filter(guide, features, radius, eps):
    """OpenCV gives up where det(S + eps U) is tiny; the same filter on a 0..255 guide keeps clear of that."""
    planes = [np.ascontiguousarray(plane) for plane in np.moveaxis(features, 2, 0)]
    guided = cv2.ximgproc.createGuidedFilter(guide * np.float32(255), radius, eps * 255**2)
    return np.stack([guided.filter(plane) for plane in planes], axis=2)


@pytest.mark.parametrize(("radius", "eps"), [(9, 1e-3), (5, 1e-2), (30, 1e-4)])
def test_equals_opencv_where_its_border_does_not_reach(radius, eps):
    """OpenCV mirrors the picture at its border and we cut the window, so 2 radius from the border the two agree."""
    guide, features = smooth_picture(150, 700), signal(150, 700, 2)
    ours = guided_filter(guide, features, radius=radius, eps=eps)
    opencv = opencv_filter(guide, features, radius, eps)
    inner = np.s_[2 * radius : -2 * radius, 2 * radius : -2 * radius]
    np.testing.assert_allclose(ours[inner], opencv[inner], rtol=0, atol=3e-5)
    assert np.abs(ours - opencv).max() > 1e-3  # the border does differ: the comparison above is not of two copies


def test_equals_opencv_everywhere_on_a_mirrored_picture():
    """With OpenCV's border made around ours (mirrored, the edge pixel repeated, cropped after) no pixel differs."""
    border = ((20, 20), (20, 20), (0, 0))
    guide, features = smooth_picture(60, 80), signal(60, 80, 3)
    ours = guided_filter(np.pad(guide, border, "symmetric"), np.pad(features, border, "symmetric"), radius=5, eps=1e-2)
    np.testing.assert_allclose(ours[20:-20, 20:-20], opencv_filter(guide, features, 5, 1e-2), rtol=0, atol=3e-5)


def test_tiles_leave_no_seams():
    guide, features = smooth_picture(300, 1100), signal(300, 1100, 2)
    whole = guided_filter(guide, features, radius=6, eps=1e-2)
    for rows, columns in [((100, 180), (480, 560)), ((0, 60), (1000, 1100)), ((240, 300), (0, 50))]:
        reach = np.s_[max(rows[0] - 12, 0) : rows[1] + 12, max(columns[0] - 12, 0) : columns[1] + 12]
        part = guided_filter(guide[reach], features[reach], radius=6, eps=1e-2)
        top, left = min(rows[0], 12), min(columns[0], 12)
        part = part[top : top + rows[1] - rows[0], left : left + columns[1] - columns[0]]
        np.testing.assert_allclose(part, whole[rows[0] : rows[1], columns[0] : columns[1]], atol=2e-6)


def test_float16_and_memory_mapped_features(tmp_path):
    guide, features = picture(20, 30), signal(20, 30).astype(np.float16)
    np.save(tmp_path / "features.npy", features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    expected = guided_filter(guide, features.astype(np.float32), radius=3, eps=1e-2)
    np.testing.assert_array_equal(guided_filter(guide, mapped, radius=3, eps=1e-2), expected)


def test_large_offset_costs_no_digits():
    guide, features = picture(40, 40), signal(40, 40)
    shifted = guided_filter(guide, features + np.float32(1000), radius=3, eps=1e-2)
    plain = guided_filter(guide, features, radius=3, eps=1e-2)
    np.testing.assert_allclose(shifted - 1000, plain, atol=4e-4)  # float32 near 1000 has steps of 6e-5


def test_with_eps_and_with_radius_equal_a_new_filter():
    guide, features = picture(30, 40), signal(30, 40)
    base = GuidedFilter(guide, 3, 1e-2)
    base.apply(features)
    for changed, radius, eps in [
        (base.with_eps(1e-4), 3, 1e-4),
        (base.with_eps(1e-7), 3, 1e-7),
        (base.with_radius(6), 6, 1e-2),
        (base.with_eps(0.3).with_eps(1e-2), 3, 1e-2),
    ]:
        np.testing.assert_array_equal(changed.apply(features), guided_filter(guide, features, radius=radius, eps=eps))


def test_reports_progress_and_can_be_cancelled_between_blocks():
    guide, features = smooth_picture(400, 600), signal(400, 600, 12)
    seen: list[float] = []
    guided_filter(guide, features, radius=3, eps=1e-2, progress=Progress(lambda fraction, stage: seen.append(fraction)))
    assert seen == sorted(seen)
    assert any(0 < fraction < 1 for fraction in seen)
    assert seen[-1] == pytest.approx(1.0)
    calls = iter([False, False, True])
    with pytest.raises(Cancelled):
        guided_filter(guide, features, radius=3, eps=1e-2, progress=Progress(cancelled=lambda: next(calls)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"radius": -1}, "radius must be a whole number of pixels, 0 or more; got -1"),
        ({"radius": 2.5}, "got 2.5"),
        ({"radius": True}, "got True"),
        ({"eps": 0.0}, "eps must be above 0; got 0.0"),
        ({"eps": float("nan")}, "got nan"),
        ({"guide": np.zeros((4, 5), np.float32)}, r"guide must be an RGB image of shape \(H, W, 3\); got \(4, 5\)"),
        ({"guide": np.zeros((4, 5, 3), np.uint8)}, r"guide must be floating-point numbers in \[0, 1\]; got uint8"),
        (
            {"features": np.zeros((5, 4, 2), np.float32)},
            r"must have shape \(4, 5, D\) like their image; got \(5, 4, 2\)",
        ),
        ({"features": np.zeros((4, 5, 2), np.int32)}, "features must be floating-point numbers; got int32"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"guide": picture(4, 5), "features": signal(4, 5, 2), "radius": 1, "eps": 0.1} | change
    with pytest.raises(ParameterError, match=message):
        guided_filter(**arguments)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_equals_cpu():
    guide, features = smooth_picture(200, 301), signal(200, 301, 9)
    for radius, eps in [(5, 1e-2), (30, 1e-7)]:
        cpu = guided_filter(guide, features, radius=radius, eps=eps)
        gpu = guided_filter(guide, features, radius=radius, eps=eps, device="cuda")
        np.testing.assert_allclose(gpu, cpu, atol=2e-5)
