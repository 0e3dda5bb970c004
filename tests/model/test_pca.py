"""PCA against numpy's SVD; alignment; files."""

from __future__ import annotations

import numpy as np
import pytest

from sss_model.errors import FeatureFileError, ParameterError
from sss_model.pca import Covariance, PcaBasis, eigenvectors, fit_pca
from sss_model.projection.display_basis import FixedBasis


def features_like(shape=(31, 47), channels=24, rank=9, seed=0, offset=5.0):
    rng = np.random.default_rng(seed)
    loads = rng.normal(size=(rank, channels)) * (0.6 ** np.arange(rank))[:, None]
    values = rng.normal(size=(*shape, rank)) @ loads + 1e-3 * rng.normal(size=(*shape, channels))
    return (values + offset).astype(np.float32)


def by_svd(features, components):
    flat = features.reshape(-1, features.shape[-1]).astype(np.float64)
    centred = flat - flat.mean(0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    y, x = (np.linspace(-1, 1, side) for side in features.shape[:2])
    outside = y[:, None] ** 2 + x**2
    maps = (centred @ axes.T).reshape(*features.shape[:2], -1)
    axes = axes * np.sign((maps * (outside.mean() - outside)[..., None]).sum((0, 1)))[:, None]
    return flat.mean(0), axes[:components], (singular**2 / (singular**2).sum())[:components]


@pytest.mark.parametrize("offset", [0.0, 5.0, 300.0])
def test_equals_the_svd(offset):
    features = features_like(offset=offset)
    basis = fit_pca(features, 5)
    mean, axes, ratios = by_svd(features, 5)
    np.testing.assert_allclose(basis.mean, mean, atol=1e-5 * (1 + offset))
    np.testing.assert_allclose(basis.axes, axes, atol=2e-4)
    np.testing.assert_allclose(basis.explained_variance_ratio, ratios, atol=2e-6)
    projected = (features.astype(np.float64) - mean) @ axes.T
    np.testing.assert_allclose(basis.project(features), projected, atol=2e-3 * (1 + offset / 100))


def test_components_are_larger_in_the_middle_of_a_picture():
    """Of coarser features and of their negative too: a preview has the colours of what follows."""
    features = features_like((150, 170))
    features[40:110, 50:120] += 3 * np.random.default_rng(3).normal(size=24).astype(np.float32)
    basis = fit_pca(features)
    maps = basis.project(features)
    assert (maps[50:100, 60:110].mean((0, 1)) > maps.mean((0, 1)))[0]
    coarse = features.reshape(75, 2, 85, 2, 24).mean((1, 3))
    assert (fit_pca(coarse).axes[0] * basis.axes[0]).sum() > 0.9
    assert (fit_pca(-features).axes[0] * -basis.axes[0]).sum() > 0.9


def test_axes_of_vectors_have_a_positive_largest_loading():
    axes = fit_pca(features_like().reshape(-1, 24)).axes
    assert (np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1) > 0).all()


def test_projection_takes_any_shape_and_float16():
    features = features_like()
    basis = fit_pca(features)
    whole = basis.project(features)
    assert whole.shape == (31, 47, 3)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(basis.project(features[4, 7]), whole[4, 7], atol=1e-5)
    np.testing.assert_allclose(basis.project(features.astype(np.float16)), whole, atol=2e-2)


def test_blocks_make_no_difference(monkeypatch):
    features = features_like()
    whole = fit_pca(features)
    monkeypatch.setattr("sss_model.pca._BLOCK", 1000)
    np.testing.assert_allclose(fit_pca(features).axes, whole.axes, atol=1e-5)
    np.testing.assert_allclose(fit_pca(features).project(features), whole.project(features), atol=1e-4)


def test_a_covariance_of_two_images_is_that_of_all_their_pixels():
    first, second = features_like(seed=0), features_like((10, 90), seed=1)
    covariance = Covariance(24)
    covariance.add(first)
    covariance.add(second)
    pooled, expected = covariance.basis(), fit_pca(np.concatenate([first.reshape(-1, 24), second.reshape(-1, 24)]))
    np.testing.assert_allclose(pooled.axes, expected.axes, atol=1e-4)
    np.testing.assert_allclose(pooled.mean, expected.mean, atol=1e-5)


def test_covariance_accumulates():
    features = features_like()
    covariance = Covariance(24)
    for row in features:
        covariance.add(row)
    expected = np.cov(features.reshape(-1, 24).T.astype(np.float64), bias=False)
    np.testing.assert_allclose(covariance.matrix, expected, atol=1e-5)
    assert covariance.count == 31 * 47


@pytest.mark.parametrize("value", [0.0, 0.1, 7.3, 1e4])
def test_constant_features_have_zero_axes(value):
    basis = fit_pca(np.full((6, 5, 8), value, np.float32))
    assert not basis.axes.any()
    assert not basis.explained_variance_ratio.any()
    assert not basis.project(np.full((6, 5, 8), value, np.float32)).any()


def test_one_pixel_and_fewer_channels_than_components():
    assert not fit_pca(np.ones((1, 1, 8), np.float32)).axes.any()
    two = fit_pca(features_like(channels=2, rank=2), 3)
    assert two.axes.shape == (3, 2)
    assert not two.axes[2].any()
    np.testing.assert_allclose(two.axes[:2] @ two.axes[:2].T, np.eye(2), atol=1e-6)
    assert two.explained_variance_ratio.sum() == pytest.approx(1)


def test_alignment_undoes_reordering_and_signs():
    basis = fit_pca(features_like(), 4)
    shuffled = PcaBasis(basis.mean, -basis.axes[[2, 0, 3, 1]], basis.explained_variance_ratio[[2, 0, 3, 1]])
    aligned = shuffled.align_to(basis)
    np.testing.assert_array_equal(aligned.axes, basis.axes)
    np.testing.assert_array_equal(aligned.explained_variance_ratio, basis.explained_variance_ratio)


def test_alignment_to_fewer_and_to_more_components():
    basis = fit_pca(features_like(), 4)
    swapped = PcaBasis(basis.mean, basis.axes[[1, 0]], basis.explained_variance_ratio[[1, 0]])
    np.testing.assert_array_equal(basis.align_to(swapped).axes, basis.axes[[1, 0, 2, 3]])
    np.testing.assert_array_equal(swapped.align_to(basis).axes, basis.axes[:2])
    lone = PcaBasis(basis.mean, -basis.axes[3:], basis.explained_variance_ratio[3:])
    np.testing.assert_array_equal(basis.align_to(lone).axes[0], -basis.axes[3])


def test_alignment_among_some_leaves_the_others_in_place():
    basis = fit_pca(features_like(), 4)
    order = [3, 0, 1, 2]
    before = PcaBasis(basis.mean, -basis.axes[order], basis.explained_variance_ratio[order])
    aligned = basis.align_to(before, among=(0, 1, 2))
    assert (aligned.explained_variance_ratio[:3] >= aligned.explained_variance_ratio[3]).all()
    np.testing.assert_array_equal(aligned.axes[1:3], -basis.axes[:2])
    np.testing.assert_array_equal(np.abs(aligned.axes[3]), np.abs(basis.axes[3]))


def test_fewer_components_take_their_signs_from_wherever_their_like_is():
    basis = fit_pca(features_like(), 6)
    late = PcaBasis(basis.mean, -basis.axes[[5, 2]], basis.explained_variance_ratio[[5, 2]])
    np.testing.assert_allclose(late.align_to(basis).axes, basis.axes[[2, 5]])


def test_alignment_keeps_colours_when_two_axes_change_places():
    """Two directions of nearly equal variance swap rank between two pictures; their components must not."""
    rng = np.random.default_rng(5)
    base = rng.normal(size=(40, 40, 6)).astype(np.float32) * np.float32([3, 1.02, 1.0, 0.1, 0.1, 0.1])
    before = fit_pca(base)
    after = fit_pca(base * np.float32([-1, 0.9, 1.1, 1, 1, 1])).align_to(before)
    assert np.all(np.sum(before.axes * after.axes, axis=1) > 0.9)


def test_file_round_trip_is_exact(tmp_path):
    basis = fit_pca(features_like())
    FixedBasis(basis).save(tmp_path / "basis.json")
    loaded = FixedBasis.load(tmp_path / "basis.json").basis
    for name in ("mean", "axes", "explained_variance_ratio"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(basis, name))
    assert [p.name for p in tmp_path.iterdir()] == ["basis.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", r"basis\.json cannot be read: it is not JSON \(line 1, column 1\)"),
        ("{}", "basis.json holds no PCA basis: expected JSON with mean, axes"),
        ("[1]", "holds no PCA basis"),
        ('{"mean": [0]}', "holds no PCA basis"),
        ('{"mean": [0], "axes": [[1, 2]], "explained_variance_ratio": [1]}', r"axes \(1, 2\), mean \(1,\)"),
        ('{"mean": [0], "axes": [[NaN]], "explained_variance_ratio": [1]}', "holds NaN or infinity"),
        ('{"mean": [1e19], "axes": [[1e30]], "explained_variance_ratio": [1]}', "holds numbers that are too large"),
    ],
)
def test_files_that_are_no_basis_are_refused(tmp_path, text, message):
    (tmp_path / "basis.json").write_text(text)
    with pytest.raises(FeatureFileError, match=message):
        FixedBasis.load(tmp_path / "basis.json")


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FeatureFileError, match=r"none\.json cannot be read: it does not exist"):
        FixedBasis.load(tmp_path / "none.json")
    with pytest.raises(FeatureFileError, match="none"):
        FixedBasis(fit_pca(features_like())).save(tmp_path / "none" / "basis.json")


def test_a_basis_of_another_dimension_is_not_followed():
    basis = fit_pca(features_like())
    np.testing.assert_array_equal(basis.align_to(fit_pca(features_like(channels=5))).axes, basis.axes)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_pca(np.zeros((0, 4, 8), np.float32)), r"that is not empty, got shape \(0, 4, 8\)"),
        (lambda: fit_pca(np.full((3, 4, 8), np.nan, np.float32)), "NaN or infinity"),
        (lambda: fit_pca(features_like(), 0), "components must be at least 1, got 0"),
        (lambda: fit_pca(features_like()).project(np.zeros((2, 5), np.float32)), "features of 24 dimensions, got 5"),
        (lambda: Covariance(24).add(np.zeros((2, 2, 5), np.float32)), "24 dimensions.*got 5"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ParameterError, match=message):
        call()


def test_a_basis_cannot_be_changed():
    basis = fit_pca(features_like())
    with pytest.raises(ValueError, match="read-only"):
        basis.axes[0, 0] = 1


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_components_are_matched_as_the_hungarian_method_does(count):
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(count)
    for _ in range(20):
        before, after = (
            PcaBasis(np.zeros(9, np.float32), np.linalg.qr(rng.standard_normal((9, count)))[0].T.astype(np.float32),
                     np.full(count, 1 / count, np.float32)) for _ in range(2)
        )  # fmt: skip
        likeness = np.abs(before.axes @ after.axes.T)
        assert after.match(before)[0] == linear_sum_assignment(-likeness)[1].tolist()


def test_eigenvectors_fall_and_are_rows():
    made = np.random.default_rng(0).standard_normal((40, 12))
    covariance = made.T @ made
    values, axes = eigenvectors(covariance)
    assert (np.diff(values) <= 0).all()
    np.testing.assert_allclose(axes.T * values @ axes, covariance, atol=1e-10)
