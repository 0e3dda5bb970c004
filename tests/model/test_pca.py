"""PCA against numpy's SVD in float64; alignment; files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sss_model.errors import Cancelled, FeatureFileError, ParameterError
from sss_model.pca import Covariance, PcaBasis, fit_pca
from sss_model.progress import Progress


def some_features(height: int = 23, width: int = 31, channels: int = 20, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    strength = 3.0 / (1 + np.arange(channels))
    turn = np.linalg.qr(rng.normal(size=(channels, channels)))[0]
    values = rng.normal(size=(height * width, channels)) * strength @ turn
    return (values + rng.normal(size=channels) * 5).reshape(height, width, channels).astype(np.float32)


def by_svd(features: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    flat = features.reshape(-1, features.shape[-1]).astype(np.float64)
    mean = flat.mean(0)
    _, singular, axes = np.linalg.svd(flat - mean, full_matrices=False)
    return mean, axes[:components], (singular**2 / (singular**2).sum())[:components]


@pytest.mark.parametrize("components", [1, 3, 20])
def test_components_are_those_of_the_svd(components: int) -> None:
    features = some_features()
    mean, axes, ratio = by_svd(features, components)
    basis = fit_pca(features, components)
    assert_allclose(basis.mean, mean, rtol=1e-5)
    assert_allclose(np.abs((basis.axes * axes).sum(1)), 1, atol=1e-5)
    assert_allclose(basis.explained_variance_ratio, ratio, rtol=1e-3, atol=1e-7)
    assert_allclose(np.abs(basis.project(features)), np.abs((features - mean) @ axes.T), atol=2e-3)


def test_a_far_mean_does_not_spoil_the_components() -> None:
    features = some_features() + np.float32(1000)
    _, axes, _ = by_svd(features, 3)
    assert_allclose(np.abs((fit_pca(features).axes * axes).sum(1)), 1, atol=1e-4)


def test_blocks_add_up_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    features = some_features()
    whole = fit_pca(features, 5)
    monkeypatch.setattr("sss_model.pca._BLOCK", 100)
    parts = fit_pca(features, 5)
    assert_allclose(parts.axes, whole.axes, atol=1e-5)
    assert_allclose(parts.mean, whole.mean, rtol=1e-5)


def test_float16_memory_maps_are_read(tmp_path: Path) -> None:
    features = some_features().astype(np.float16)
    np.save(tmp_path / "f.npy", features)
    basis = fit_pca(np.load(tmp_path / "f.npy", mmap_mode="r"))
    assert_allclose(basis.axes, fit_pca(features.astype(np.float32)).axes, atol=1e-6)


def test_the_largest_loading_is_positive() -> None:
    for seed in range(5):
        axes = fit_pca(some_features(seed=seed), 6).axes
        assert (np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1) > 0).all()


def test_alignment_undoes_swapped_and_flipped_axes() -> None:
    basis = fit_pca(some_features(), 4)
    order = [2, 0, 3, 1]
    signs = np.array([[-1], [1], [-1], [1]], np.float32)
    shuffled = PcaBasis(basis.mean, basis.axes[order] * signs, basis.explained_variance_ratio[order])
    aligned = shuffled.align_to(basis)
    assert_allclose(aligned.axes, basis.axes)
    assert_allclose(aligned.explained_variance_ratio, basis.explained_variance_ratio)


def test_alignment_with_another_number_of_components_keeps_all() -> None:
    basis = fit_pca(some_features(), 5)
    few = PcaBasis(basis.mean, -basis.axes[[1, 0]], basis.explained_variance_ratio[[1, 0]])
    aligned = basis.align_to(few)
    assert_allclose(aligned.axes[:2], few.axes)
    assert_allclose(aligned.axes[2:], basis.axes[2:])
    assert_allclose(few.align_to(basis).axes, basis.axes[:2])


def test_alignment_to_other_dimensions_changes_nothing() -> None:
    basis = fit_pca(some_features())
    assert basis.align_to(fit_pca(some_features(channels=7))) is basis


@pytest.mark.parametrize("shape", [(1, 1, 5), (4, 4, 2), (3, 5, 1)])
def test_what_has_too_few_dimensions_is_padded_with_zeros(shape: tuple[int, ...]) -> None:
    features = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    basis = fit_pca(features, 3)
    assert basis.axes.shape == (3, shape[-1])
    projected = basis.project(features)
    assert projected.shape == (*shape[:2], 3)
    assert np.isfinite(projected).all()
    if shape[-1] < 3:
        assert not projected[..., shape[-1] :].any()


def test_constant_features_project_to_zero() -> None:
    features = np.full((6, 7, 9), 3.25, np.float32)
    basis = fit_pca(features)
    assert_allclose(basis.project(features), 0, atol=1e-5)
    assert not basis.explained_variance_ratio.any()


def test_a_pooled_basis_is_that_of_the_joined_pixels() -> None:
    first, second = some_features(), some_features(9, 40, seed=3) + 2
    pooled = Covariance(20)
    pooled.add(first)
    pooled.add(second)
    joined = np.concatenate([first.reshape(-1, 20), second.reshape(-1, 20)])
    assert_allclose(pooled.basis(3).axes, fit_pca(joined, 3).axes, atol=1e-4)
    assert_allclose(pooled.matrix, np.cov(joined.T.astype(np.float64)), rtol=1e-3, atol=1e-4)


def test_a_saved_basis_comes_back_exactly(tmp_path: Path) -> None:
    basis = fit_pca(some_features(), 4)
    basis.save(tmp_path / "basis.json")
    again = PcaBasis.load(tmp_path / "basis.json")
    assert (again.axes == basis.axes).all()
    assert (again.mean == basis.mean).all()
    assert (again.explained_variance_ratio == basis.explained_variance_ratio).all()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"mean": [1], "axes": "x", "explained_variance_ratio": [1]}'])
def test_what_is_no_basis_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(FeatureFileError, match="holds no PCA basis"):
        PcaBasis.load(tmp_path / "b.json")


def test_shapes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text('{"mean": [1, 2], "axes": [[1, 2, 3]], "explained_variance_ratio": [1]}')
    with pytest.raises(FeatureFileError, match="do not fit"):
        PcaBasis.load(tmp_path / "b.json")
    with pytest.raises(FeatureFileError, match="cannot be read"):
        PcaBasis.load(tmp_path / "missing.json")


def test_wrong_calls_say_what_was_expected() -> None:
    with pytest.raises(ParameterError, match="components must be at least 1"):
        fit_pca(some_features(), 0)
    with pytest.raises(ParameterError, match="not empty"):
        fit_pca(np.zeros((0, 3, 4), np.float32))
    with pytest.raises(ParameterError, match="20 dimensions, got 3"):
        fit_pca(some_features()).project(np.zeros((2, 2, 3), np.float32))
    with pytest.raises(ParameterError, match="20 dimensions like those before"):
        Covariance(20).add(np.zeros((2, 3), np.float32))


def test_a_fit_can_be_cancelled() -> None:
    with pytest.raises(Cancelled):
        fit_pca(some_features(), progress=Progress(cancelled=lambda: True))
