"""The maps of one picture: against the plain computation, stage by stage; the preview against the exact result."""

from __future__ import annotations

import numpy as np
import pytest

from sss_model.errors import FeatureFileError
from sss_model.files.export import write_exports
from sss_model.guided_filter import guided_filter
from sss_model.image_io import read_thumbnail
from sss_model.params import ExportParams, FilterParams, ProjectionParams
from sss_model.pca import fit_pca
from sss_model.postprocess import random_projection, stretch
from sss_model.projection.display_basis import FixedBasis
from sss_model.projection.feature_views import FeatureViews
from sss_model.storage.shipped_files import SAMPLE, resource

PROJECTION = ProjectionParams()


@pytest.fixture
def figure():
    """A photograph, and features that follow it."""
    image = (read_thumbnail(resource(SAMPLE), 80) / np.float32(255)).astype(np.float32)
    random = np.random.default_rng(4)
    mixed = image.reshape(-1, 3) @ random.standard_normal((3, 12)).astype(np.float32)
    scale = (2.0 ** -np.arange(12)).astype(np.float32)
    features = (np.tanh(mixed) * scale).reshape(*image.shape[:2], 12)
    return FeatureViews(image, features + 0.01 * random.standard_normal(features.shape).astype(np.float32))


@pytest.mark.parametrize("radius", [0, 1, 5, 200])
def test_guided_filter_and_pca_are_the_papers(figure, radius):
    filter = FilterParams(radius=radius)
    filtered = guided_filter(figure.image, figure.features, radius=radius, eps=filter.eps)
    basis = fit_pca(filtered).align_to(figure.plain_basis())
    expected = stretch(basis.project(filtered))
    np.testing.assert_allclose(figure.filtered(filter, PROJECTION), expected, atol=2e-3)


def test_random_projection_is_figure_2s(figure):
    np.testing.assert_array_equal(figure.random(7), random_projection(figure.features, 7))


def test_stages_are_kept_under_their_parameters(figure):
    first = figure.filtered(FilterParams(), PROJECTION)
    assert figure.filtered(FilterParams(), PROJECTION) is first
    assert figure.shown("filtered") is first
    assert figure.filtered(FilterParams(radius=9), PROJECTION) is not first
    plain = figure.plain(PROJECTION)
    assert figure.plain(PROJECTION) is plain, "a new radius does not touch it"


def test_components_can_be_chosen(figure):
    straight = figure.plain(ProjectionParams(red=1, green=2, blue=3))
    turned = figure.plain(ProjectionParams(red=3, green=2, blue=1))
    np.testing.assert_array_equal(straight[..., ::-1], turned)


def test_explained_variance_falls_and_sums_to_one(figure):
    ratios = figure.plain_basis().explained_variance_ratio
    assert list(ratios) == sorted(ratios, reverse=True)
    assert sum(ratios) == pytest.approx(1, abs=1e-5)


def test_a_given_basis_is_used_for_both(figure):
    basis = FixedBasis(figure.plain_basis())
    other = FeatureViews(figure.image[:40], figure.features[:40])
    np.testing.assert_allclose(
        other.filtered(FilterParams(radius=0), PROJECTION, basis), other.plain(PROJECTION, basis), atol=1e-6
    )


def test_the_preview_of_what_is_on_screen_is_exact_inside_in_the_same_basis(figure):
    filter = FilterParams(radius=3)
    exact = figure.filtered(filter, PROJECTION)
    part, (x0, y0, x1, y1) = figure.preview(filter, PROJECTION, None, ((10, 20, 50, 60), 2.0))
    assert (x0, y0, x1, y1) == (10, 20, 50, 60)
    np.testing.assert_allclose(part, exact[y0:y1, x0:x1], atol=0.02)  # its range comes from the reduced picture
    whole, _ = figure.preview(filter, PROJECTION, None, None)
    np.testing.assert_allclose(whole, exact, atol=1e-3)


def test_the_preview_of_a_reduced_picture_is_reduced(figure):
    height, width = figure.image.shape[:2]
    exact = figure.filtered(FilterParams(radius=8), PROJECTION)
    part, box = figure.preview(FilterParams(radius=8), PROJECTION, None, ((0, 0, width, height), 0.25))
    assert part.shape[:2] == (-(-height // 4), -(-width // 4))
    assert box[:2] == (0, 0)
    small = exact[: height // 4 * 4, : width // 4 * 4].reshape(height // 4, 4, width // 4, 4, 3).mean((1, 3))
    assert np.abs(part[: height // 4, : width // 4] - small).mean() < 0.05


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (3, 2)])
def test_tiny_pictures(size):
    random = np.random.default_rng(0)
    figure = FeatureViews(random.random((*size, 3), np.float32), random.random((*size, 5), np.float32))
    content = figure.content(FilterParams(), PROJECTION)
    assert content.map3.shape == (*size, 3)
    assert np.isfinite(content.map3).all()
    part, _box = figure.preview(FilterParams(radius=40), PROJECTION, None, ((0, 0, size[1], size[0]), 0.1))
    assert np.isfinite(part).all()


def test_locking_the_basis_changes_nothing_here_and_gives_others_the_same_colours(figure, tmp_path):
    filter = FilterParams(radius=2)
    before = figure.filtered(filter, PROJECTION)
    figure.locked_basis(filter, PROJECTION).save(tmp_path / "basis.json")
    fixed = FixedBasis.load(tmp_path / "basis.json")
    np.testing.assert_allclose(figure.filtered(filter, PROJECTION, fixed), before, atol=1e-4)
    part = FeatureViews(figure.image[:50, :40], figure.features[:50, :40])
    same = part.filtered(filter, PROJECTION, fixed)[:40, :30]
    np.testing.assert_allclose(same, before[:40, :30], atol=1e-4)
    alone = part.filtered(filter, PROJECTION)[:40, :30]
    assert np.abs(alone - before[:40, :30]).max() > 0.05, "without it the colours differ"


def test_a_shared_basis_is_fitted_to_all_pixels_together(figure):
    halves = [
        FeatureViews(figure.image[:, :33], figure.features[:, :33]),
        FeatureViews(figure.image[:, 33:], figure.features[:, 33:]),
    ]
    filter = FilterParams(radius=0)
    shared = halves[0].shared_basis([(half, None) for half in halves], filter)
    whole = figure.plain_basis()
    cosines = np.abs(np.sum(shared.basis.axes[:3] * whole.axes[:3], axis=1))
    np.testing.assert_allclose(cosines, 1, atol=1e-3)
    assert (shared.low == -shared.high).all()


def test_a_basis_from_an_exports_json_and_one_that_is_none(tmp_path, figure):
    content = figure.content(FilterParams(), PROJECTION)
    write_exports(tmp_path, "photo", content, ExportParams(raw=False, formats=()))
    fixed = FixedBasis.load(tmp_path / "photo.json")
    np.testing.assert_array_equal(fixed.basis.axes, content.basis.axes)
    cosines = np.sum(fixed.basis.axes[:3] * figure.filtered_basis(FilterParams()).axes[:3], axis=1)
    np.testing.assert_allclose(cosines, 1, atol=1e-3)


def test_what_is_exported_does_not_depend_on_what_was_shown_before(figure):
    fresh = FeatureViews(figure.image, figure.features)
    for radius in (1, 4, 9):
        figure.filtered(FilterParams(radius=radius), PROJECTION)
    first, second = (one.content(FilterParams(radius=6), PROJECTION) for one in (figure, fresh))
    np.testing.assert_array_equal(first.map3, second.map3)
    np.testing.assert_array_equal(first.basis.axes, second.basis.axes)


def test_what_is_exported_is_the_papers_though_few_channels_are_filtered(figure):
    random, filter = np.random.default_rng(5), FilterParams(radius=3)
    wide = np.tanh(figure.features @ random.standard_normal((12, 64)).astype(np.float32))
    figure = FeatureViews(figure.image, wide)
    content = figure.content(filter, PROJECTION)
    filtered = guided_filter(figure.image, wide, radius=3, eps=filter.eps)
    basis = fit_pca(filtered, 16).align_to(figure.plain_basis())
    np.testing.assert_allclose(content.map3, stretch(basis.project(filtered)[..., :3]), atol=5e-5)
    np.testing.assert_allclose(content.basis.axes[:3], basis.axes[:3], atol=1e-4)
    ours, theirs = (np.sort(each.explained_variance_ratio) for each in (content.basis, basis))
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_a_file_that_is_no_basis_is_refused(tmp_path):
    (tmp_path / "no.json").write_text("{}")
    with pytest.raises(FeatureFileError, match=r"no\.json holds no PCA basis"):
        FixedBasis.load(tmp_path / "no.json")
    with pytest.raises(FeatureFileError, match="cannot be read"):
        FixedBasis.load(tmp_path / "missing.json")


def test_every_kept_stage_counts_as_memory():
    rng = np.random.default_rng(0)
    image, features = rng.random((40, 50, 3), np.float32), rng.normal(size=(40, 50, 12)).astype(np.float32)
    figure = FeatureViews(image, features)
    sizes = [figure.nbytes]
    filter, projection = FilterParams(), ProjectionParams()
    for stage in (
        lambda: figure.random(0),
        lambda: figure.plain(projection),
        lambda: figure.filtered(filter, projection),
        lambda: figure.preview(filter, projection, None, None),
    ):
        stage()
        sizes.append(figure.nbytes)
    assert sizes[0] == image.nbytes + features.nbytes
    picture = image.nbytes
    grown = np.diff(sizes)
    assert (grown[:2] == picture).all()
    assert grown[2] >= 4 * picture, "maps, projection, and the channels that the filter starts from"
    assert grown[3] >= 2 * picture, "guide and projection at every level"


def test_a_whitened_range_shows_every_component_as_wide(figure):
    whitened = ProjectionParams(range="whitened")
    for values in (figure.plain(whitened), figure.filtered(FilterParams(), whitened)):
        np.testing.assert_allclose(values.std((0, 1)), 0.2, atol=0.03)  # one deviation in five, less what is clipped
        np.testing.assert_allclose(values.mean((0, 1)), 0.5, atol=0.02)
    exact = figure.filtered(FilterParams(radius=3), whitened)
    moved, _ = figure.preview(FilterParams(radius=3), whitened, None, None)
    np.testing.assert_allclose(moved, exact, atol=1e-3)
    assert figure.filtered(FilterParams(radius=3), PROJECTION) is not exact
    fixed = figure.locked_basis(FilterParams(radius=3), whitened)
    np.testing.assert_allclose(figure.filtered(FilterParams(radius=3), whitened, fixed), exact, atol=3e-3)
    written = figure.content(FilterParams(radius=3), whitened)
    np.testing.assert_allclose(written.map3, exact, atol=3e-3)
    assert written.record["projection"]["range"] == "whitened"


def test_before_anything_exact_the_preview_is_drawn_in_the_raw_basis(figure):
    filter = FilterParams(radius=2)
    drawn, _ = figure.preview(filter, PROJECTION, None, None)
    assert figure.shown("filtered") is None, "what is exact was not waited for"
    np.testing.assert_allclose(drawn, figure.filtered(filter, PROJECTION), atol=0.1)
