"""Foreground colours against PyMatting's, against the equations solved exactly, and against colours that are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sparse
from scipy.ndimage import gaussian_filter
from scipy.sparse.linalg import spsolve

from sss_model.errors import Cancelled, ParameterError
from sss_model.progress import Progress
from sss_model.segmentation import foreground
from sss_model.segmentation.foreground import EPS, estimate_foreground, foreground_colours, level_sizes


def blob(height: int, width: int, blur: float) -> np.ndarray:
    """A matte (H, W) with a soft border."""
    y, x = np.mgrid[:height, :width] / min(height, width) - 0.5
    inside = np.hypot(x, y) < 0.25 + 0.05 * np.sin(8 * np.arctan2(y, x))
    return gaussian_filter(inside.astype(np.float32), blur)


def smooth(height: int, width: int, seed: int) -> np.ndarray:
    """Colours (H, W, 3) that change slowly, as those of a surface do."""
    noise = np.random.default_rng(seed).random((height, width, 3))
    wide = gaussian_filter(noise, (12, 12, 0))
    return ((wide - wide.min()) / np.ptp(wide)).astype(np.float32)


def mixed(height: int = 150, width: int = 190, blur: float = 4.0):
    """image, alpha, and the foreground in it."""
    alpha, front, behind = blob(height, width, blur), smooth(height, width, 1), smooth(height, width, 2)
    return alpha[..., None] * front + (1 - alpha[..., None]) * behind, alpha, front


@pytest.mark.parametrize("blur", [1.0, 4.0, 12.0])
def test_it_is_as_near_to_the_truth_as_pymatting(blur):
    pymatting = pytest.importorskip("pymatting")
    image, alpha, front = mixed(blur=blur)
    border = (alpha > 0.05) & (alpha < 0.999)

    def distance(colours):
        return np.abs(colours - front)[border].mean()

    ours, theirs = estimate_foreground(image, alpha), pymatting.estimate_foreground_ml(image, alpha)
    assert distance(ours) < 1.05 * distance(theirs)
    assert distance(ours) < 0.9 * distance(image)
    assert np.abs(ours - theirs)[border].mean() < 0.01


def solved(image: np.ndarray, alpha: np.ndarray, eps: float) -> np.ndarray:
    """F (H, W, 3) that minimises the paper's energy, by a sparse solve."""
    height, width = alpha.shape
    number = np.arange(alpha.size).reshape(alpha.shape)
    pairs = [(number[:, :-1], number[:, 1:]), (number[:-1], number[1:])]
    first, second = (np.concatenate([side.ravel() for side in sides]) for sides in zip(*pairs, strict=True))
    flat = alpha.ravel().astype(float)
    weight = eps + np.abs(flat[first] - flat[second])
    link = sparse.coo_matrix((weight, (first, second)), (alpha.size, alpha.size))
    link = link + link.T
    # each pair stands twice in the sum, and the gradient of a square has a 2: both equations were halved
    smoothness = sparse.diags(np.asarray(link.sum(1)).ravel()) - link
    front, behind = sparse.diags(flat), sparse.diags(1 - flat)
    system = sparse.bmat(
        [[front @ front + smoothness, front @ behind], [front @ behind, behind @ behind + smoothness]], format="csc"
    )
    right = [np.concatenate([flat * image[..., c].ravel(), (1 - flat) * image[..., c].ravel()]) for c in range(3)]
    return np.dstack([spsolve(system, side)[: alpha.size].reshape(height, width) for side in right])


@pytest.mark.slow
def test_many_steps_lead_to_the_minimum(monkeypatch):
    image, alpha, _ = mixed(24, 30, 2.0)
    exact = solved(image.astype(float), alpha, 0.05)
    inside = (exact.min(axis=2) > 0.01) & (exact.max(axis=2) < 0.99) & (alpha > 0.01)  # the steps clip to [0, 1]
    monkeypatch.setattr(foreground, "SMALL_STEPS", 4000)
    monkeypatch.setattr(foreground, "_INVISIBLE", -1.0)  # every pixel by the equations
    converged = estimate_foreground(image, alpha, eps=0.05)
    assert inside.mean() > 0.2
    assert np.abs(converged - exact)[inside].max() < 0.01


def test_tiles_do_not_show(monkeypatch):
    image, alpha, _ = mixed()
    whole = estimate_foreground(image, alpha)
    monkeypatch.setattr(foreground, "TILE", 16)
    soft = (alpha > 0.01) & (alpha < 0.99)
    np.testing.assert_allclose(estimate_foreground(image, alpha)[soft], whole[soft], atol=2e-3)


def test_where_alpha_is_one_stands_the_image():
    image, alpha, _ = mixed()
    np.testing.assert_allclose(estimate_foreground(image, alpha)[alpha == 1], image[alpha == 1], atol=1e-6)


def test_a_layer_over_green_has_no_fringe_of_the_old_background():
    alpha = blob(120, 160, 5.0)[..., None]
    red, blue, green = (np.array(colour, np.float32) for colour in ((0.8, 0.1, 0.1), (0.1, 0.1, 0.9), (0, 1, 0)))
    image = alpha * red + (1 - alpha) * blue
    colours = estimate_foreground(image, alpha[..., 0])
    wanted = alpha * red + (1 - alpha) * green
    assert np.abs(alpha * image + (1 - alpha) * green - wanted).max() > 0.15
    assert np.abs(alpha * colours + (1 - alpha) * green - wanted).max() < 0.02


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 3), (8, 8), (33, 70)])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, None])
def test_hostile_pictures_give_colours(size, value):
    random = np.random.default_rng(0)
    image = random.random((*size, 3)).astype(np.float32)
    alpha = random.random(size).astype(np.float32) if value is None else np.full(size, value, np.float32)
    colours = estimate_foreground(image, alpha)
    assert colours.shape == image.shape
    assert colours.dtype == np.float32
    assert colours.flags.c_contiguous
    assert np.isfinite(colours).all()
    assert colours.min() >= 0
    assert colours.max() <= 1


def test_levels_double_up_to_the_picture():
    for height, width in ((1, 1), (1, 100), (37, 1000), (3000, 4000)):
        sizes = level_sizes(height, width)
        assert sizes[-1] == (height, width)
        assert sizes == sorted(set(sizes))
        for smaller, larger in pairwise(sizes):
            assert all(later <= 2.6 * before for before, later in zip(smaller, larger, strict=True))


def test_every_layer_has_its_own_colours():
    image, alpha, _ = mixed()
    colours = foreground_colours(image, np.dstack([alpha, 1 - alpha]))
    assert len(colours) == 2
    np.testing.assert_array_equal(colours[0], estimate_foreground(image, alpha))
    behind = (alpha > 0.2) & (alpha < 0.8)
    together = alpha[..., None] * colours[0] + (1 - alpha[..., None]) * colours[1]
    np.testing.assert_allclose(together[behind], image[behind], atol=0.02)


def test_reporting_progress_is_where_it_stops():
    image, alpha, _ = mixed(300, 300)
    told: list[float] = []
    estimate_foreground(image, alpha, progress=Progress(lambda fraction, _stage: told.append(fraction)))
    assert told == sorted(told)
    assert told[-1] <= 1
    assert len(told) > 5
    with pytest.raises(Cancelled):
        estimate_foreground(image, alpha, progress=Progress(cancelled=lambda: True))


@pytest.mark.parametrize(
    ("image", "alpha", "eps", "said"),
    [
        (np.zeros((4, 5, 3)), np.zeros((5, 4)), EPS, r"alpha \(H, W\), got \(4, 5, 3\) and \(5, 4\)"),
        (np.zeros((4, 5)), np.zeros((4, 5)), EPS, "image must be"),
        (np.zeros((4, 5, 3)), np.zeros((4, 5)), 0.0, "eps must be above 0, got 0.0"),
    ],
)
def test_wrong_input_is_refused(image, alpha, eps, said):
    with pytest.raises(ParameterError, match=said):
        estimate_foreground(image, alpha, eps=eps)
