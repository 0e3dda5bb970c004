"""Cuts, layers, mattes and parts of them, by the real engine on a picture of two halves."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from sss_gui.requests.panes import ComputeFeatures, Source
from sss_gui.requests.segments import (
    BackdropRequest,
    CutOutRequest,
    HoverRequest,
    LayersRequest,
    Look,
    Matte,
    MatteLiftRequest,
    MatteRequest,
    RecipeRequest,
    SegmentsLiftRequest,
    SegmentsRequest,
)
from sss_gui.worker.feature_cache import CachedFeatures, FeatureCache
from sss_gui.worker.layers import segment_engine
from sss_gui.worker.layers.segment_engine import SegmentEngine
from sss_model.errors import CheckpointError, DatasetError
from sss_model.image_io import read_image, write_picture
from sss_model.matting import MatteEditor, stroke_at
from sss_model.params import ExtractParams
from sss_model.params.layers import MatteParams, SegmentParams
from sss_model.progress import Progress
from sss_model.projection.feature_views import FeatureViews
from sss_model.segmentation import recipe, soft_segments
from sss_model.segmentation.comparisons import hard_segmentation
from sss_model.weights.published import SEGMENTATION_WEIGHTS

SIZE, GRID = (48, 64), 32
PARAMS = SegmentParams(layers=2, size=GRID)
CPU = ExtractParams(device="cpu")


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """Red left of an edge, blue right of it, with a little noise."""
    noise = np.random.default_rng(3).integers(0, 9, (*SIZE, 3))
    picture = np.full((*SIZE, 3), 30) + noise
    picture[:, :30, 0] += 150
    picture[:, 30:, 2] += 180
    path = tmp_path_factory.mktemp("photo") / "halves.png"
    write_picture(path, picture.astype(np.uint8))
    return path


@pytest.fixture(scope="module")
def document(photo):
    image = read_image(photo)
    figure = FeatureViews(image, image)
    return CachedFeatures(Source.from_path(photo), figure)


@pytest.fixture(scope="module")
def documents(document):
    documents = FeatureCache(1 << 30)
    documents.put(document.source, document)
    return documents


@pytest.fixture(scope="module")
def engine(document, documents):
    return SegmentEngine(lambda _show, _progress, _deliver: document, documents, print)


@pytest.fixture(scope="module")
def cut(document):
    return SegmentsRequest(ComputeFeatures(document.source, extract=CPU), PARAMS)


@pytest.fixture(scope="module")
def found(engine, cut):
    return engine.segments(cut, Progress(), lambda _part: None)


def layers_of(engine, request):
    """The exact answer, and what was delivered before it."""
    parts = []
    return engine.layers(request, Progress(), parts.append), parts


def test_a_cut_tells_what_there_is_to_group(found):
    count = len(found.shares)
    assert sum(found.shares) == pytest.approx(1.0)
    assert found.groupings[0] == (0,) * count
    assert [max(groups) + 1 for groups in found.groupings] == list(range(1, len(found.groupings) + 1))
    assert len(found.merges) == count - 1
    assert found.picture.shape == (24, 32, 3)
    assert found.grey[0].shape == (*SIZE, 3)


def test_layers_are_those_of_the_command_and_sum_to_255(engine, cut, found, photo):
    result, parts = layers_of(engine, LayersRequest(cut, found.groupings[1]))
    assert not parts, "computed with the cut"
    image = read_image(photo)
    alphas = soft_segments(image, image, layers=2, grid=GRID, device="cpu").grid_alphas
    assert np.abs(result.alphas / 255 - alphas).max() <= 1 / 255
    assert (result.alphas.sum(2, dtype=int) == 255).all()
    assert sum(result.shares) == pytest.approx(1.0)


def test_other_groups_are_shown_at_once_and_then_as_they_are(engine, cut, found):
    groups = tuple(1 - label for label in found.groupings[1])
    result, parts = layers_of(engine, LayersRequest(cut, groups))
    assert [part.exact for part in parts] == [False]
    assert result.exact
    assert np.abs(parts[0].alphas.astype(int) - result.alphas).mean() < 8


def test_a_matte_is_the_sum_of_its_layers(engine, cut, found):
    request = LayersRequest(cut, found.groupings[1])
    alphas = engine.layers(request, Progress(), print).alphas
    for picked in ((), (1,), (0, 1)):
        answer = engine.matte(MatteRequest(request, Matte(picked)), Progress(), print)
        assert answer.colours is None
        assert np.abs(answer.matte.astype(int) - alphas[..., list(picked)].sum(2, dtype=int)).max() <= 1


def test_own_colours_leave_the_other_half_out(engine, cut, found):
    request = MatteRequest(LayersRequest(cut, found.groupings[1]), Matte((0,)), decontaminate=True)
    answer = engine.matte(request, Progress(), print)
    inside = answer.matte > 128
    red_or_blue = answer.colours[inside].astype(int)
    apart = np.abs(red_or_blue[:, 0] - red_or_blue[:, 2])
    assert (apart > 80).all(), "no purple of both"


def test_a_part_is_what_the_whole_has_there(engine, cut, found):
    layers = LayersRequest(cut, found.groupings[1])
    whole = engine.cut(cut, Progress(), print)[1].at_full_size(layers.groups, Progress())
    look = Look(((255, 0, 0), (0, 0, 255)), (0, 1))
    asked = MatteRequest(layers, Matte((1,)))
    answer = engine.lift_segments(SegmentsLiftRequest(asked, look, ((20, 5, 44, 30), 2.0)), Progress(), print)
    matte, box = answer["matte"]
    assert box == (20, 5, 44, 30)
    assert np.abs(matte[..., 0] / 255 - whole[5:30, 20:44, 1]).max() < 0.02
    flat, _ = answer["layers"]
    assert np.abs(flat[..., 2] / 255 - whole[5:30, 20:44, 1]).max() < 0.02


def test_a_large_part_is_made_in_stripes(engine, cut, found, monkeypatch):
    source = engine.cut(cut, Progress(), print)[1]
    whole = source.part(found.groupings[1], (3, 2, 60, 47), 1)
    monkeypatch.setattr("sss_gui.worker.layers.layer_sources.STRIPE", 130)
    np.testing.assert_allclose(source.part(found.groupings[1], (3, 2, 60, 47), 1), whole, atol=1e-6)
    reduced = source.part(found.groupings[1], (4, 4, 60, 44), 4)
    assert reduced.shape == (10, 14, 2)
    assert np.abs(reduced - whole[2:42, 1:57].reshape(10, 4, 14, 4, 2).mean((1, 3))).mean() < 0.02


def test_nothing_is_lifted_where_the_grid_is_as_fine_as_the_screen(engine, cut, found):
    asked = MatteRequest(LayersRequest(cut, found.groupings[1]), Matte((0,)))
    look = Look(((255, 0, 0), (0, 0, 255)), (0, 1))
    assert engine.lift_segments(SegmentsLiftRequest(asked, look, ((0, 0, 64, 48), 0.5)), Progress(), print) is None


def test_a_cut_out_has_the_photograph_and_the_full_matte(engine, cut, found, photo):
    asked = MatteRequest(LayersRequest(cut, found.groupings[1]), Matte((0, 1)))
    picture = engine.cut_out(CutOutRequest(asked), Progress(), print)
    assert picture.shape == (*SIZE, 4)
    assert (picture[..., 3] >= 254).all(), "both layers are all of it"
    assert np.abs(picture[..., :3] / 255 - read_image(photo)).max() < 0.01


def test_masks_of_a_file_are_layers_with_their_names(engine, cut, tmp_path):
    labels = np.zeros(SIZE, np.int32)
    labels[:, 40:] = 7
    np.savez(tmp_path / "masks.npz", labels=labels)
    request = replace(cut, params=replace(PARAMS, method="masks"), file=tmp_path / "masks.npz")
    found = engine.segments(request, Progress(), print)
    assert found.names == ("class-0", "class-7")
    result, parts = layers_of(engine, LayersRequest(request, found.groupings[0]))
    assert not parts
    assert result.shares[1] == pytest.approx(24 / 64, abs=0.01)
    with pytest.raises(DatasetError):
        engine.segments(replace(request, file=tmp_path / "none.npz"), Progress(), print)


def test_a_backdrop_covers_the_grid(engine, tmp_path):
    picture = np.zeros((10, 100, 3), np.uint8)
    picture[:, 45:55] = 200
    write_picture(tmp_path / "wide.png", picture)
    answer = engine.backdrop(BackdropRequest(tmp_path / "wide.png", (24, 32)), Progress(), print)
    assert answer.shape == (24, 32, 3)
    assert answer[12, 16, 0] == 200
    assert answer[12, 0, 0] == 0


@pytest.fixture
def right_half(engine, cut):
    """A matte made by one click, without layers."""
    step = stroke_at([(50, 20)], True, 1, SIZE, click=True)
    return MatteRequest(LayersRequest(cut, ()), Matte(steps=(step,)))


def test_a_click_takes_what_belongs_together(engine, right_half):
    first = []
    answer = engine.matte(right_half, Progress(), first.append)
    assert [result.solved for result in (*first, answer)] == [False, True]
    for result in (*first, answer):
        assert result.matte[:, :12].max() < 55
        assert result.matte[:, -12:].min() > 150
    _, full = engine.full_matte(right_half, Progress(), print)
    assert full.shape == SIZE
    assert full[:, :28].max() < 0.2
    assert full[:, 36:].min() > 0.8
    look = Look((), (), None, "grey")
    part = engine.mattes.lift_matte(MatteLiftRequest(right_half, look, ((20, 5, 44, 30), 2.0)), Progress(), print)
    if part is not None:  # a grid as fine as the picture needs no lift
        assert np.abs(part[0][..., 0] / 255 - full[5:30, 20:44]).max() < 0.02


def test_hovering_is_what_the_click_gives(engine, right_half):
    asked = replace(right_half, matte=Matte())
    hover = engine.mattes.hover(HoverRequest(asked, (50, 20), True), Progress(), print)
    assert hover[:, -12:].min() > 150
    assert hover[:, :12].max() < 55


def test_strokes_correct_the_sum_of_layers(engine, cut):
    """All of the picture, less the right half."""
    layers = LayersRequest(cut, engine.segments(cut, Progress(), print).groupings[0])
    drop = stroke_at([(50, 20)], False, 1, SIZE, click=True)
    matte = engine.matte(MatteRequest(layers, Matte((0,), (drop,))), Progress(), lambda _result: None).matte
    assert matte[:, :12].min() > 200
    assert matte[:, -12:].max() < 55


def test_the_recipe_gives_the_same_matte_to_a_script(tmp_path, engine, right_half, photo, document):
    path = engine.mattes.recipe(RecipeRequest(right_half, tmp_path / "new" / "r.json"), Progress(), print)
    recipe = json.loads(path.read_text(encoding="utf-8"))
    editor = MatteEditor.from_recipe(read_image(photo), recipe, document.figure.features)
    assert (editor.alpha == engine.full_matte(right_half, Progress(), print)[1]).all()


def test_a_part_of_an_adjusted_matte_is_what_the_whole_has_there(engine, cut, found):
    params = MatteParams(tightness=0.3, grow=2.0, feather=1.5, invert=True)
    asked = MatteRequest(LayersRequest(cut, found.groupings[1]), Matte((1,), params=params))
    _, whole = engine.full_matte(asked, Progress(), print)
    look = Look(((255, 0, 0), (0, 0, 255)), (0, 1))
    answer = engine.lift_segments(SegmentsLiftRequest(asked, look, ((20, 5, 44, 30), 2.0)), Progress(), print)
    assert np.abs(answer["matte"][0][..., 0] / 255 - whole[5:30, 20:44]).max() < 0.03
    small = engine.matte(asked, Progress(), print).matte
    assert np.abs(small[:, ::4] / 255 - whole[::2, ::8]).mean() < 0.1, "the same on the grid, in its own pixels"


def test_cuts_go_with_their_pictures_and_the_oldest_of_too_many(document, cut, monkeypatch):
    documents = FeatureCache(1 << 30)
    documents.put("one", document)
    engine = SegmentEngine(lambda _show, _progress, _deliver: document, documents, print)
    first = engine.cut(cut, Progress(), print)[1]
    assert engine.cut(cut, Progress(), print)[1] is first, "remembered"
    other = replace(cut, params=replace(PARAMS, segment_seed=1))
    engine.cut(other, Progress(), print)
    assert engine.cut(cut, Progress(), print)[1] is first
    documents.budget = 4  # no more than one fits
    engine.cut(other, Progress(), print)
    again = engine.cut(cut, Progress(), print)[1]
    assert again is not first
    documents.drop("one")
    engine.forget_closed()
    documents.put("one", document)
    assert engine.cut(cut, Progress(), print)[1] is not again


def sees_halves(monkeypatch, method):
    """Let a network see two things in every picture; returns the weights that it was given."""
    given = []

    def run(image, weights, *, device, progress):
        given.append((weights, str(device)))
        labels = np.zeros(image.shape[:2], np.int32)
        labels[:, 30:] = 1
        return hard_segmentation(labels, {0: "wall", 1: "sea"})

    monkeypatch.setitem(recipe.NETWORKS, method, run)
    return given


def by_network(cut, method, **more):
    return replace(cut, params=replace(PARAMS, method=method), **more)


@pytest.mark.parametrize("method", ["mask-rcnn", "deeplab", "pspnet"])
def test_what_a_network_sees_are_layers_with_hard_borders(engine, cut, tmp_path, monkeypatch, method):
    given = sees_halves(monkeypatch, method)
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"0")
    request = by_network(cut, method, file=weights)
    found = engine.segments(request, Progress(), lambda _part: None)
    assert found.names == ("sea", "wall")
    layers = engine.layers(LayersRequest(request, (0, 1)), Progress(), lambda _part: None)
    np.testing.assert_array_equal(layers.alphas[:, 20], np.broadcast_to([255, 0], (24, 2)))
    assert given == [(weights, "cpu")], "known the second time"


def test_a_file_that_is_no_network_is_refused(engine, cut, tmp_path):
    torch.save({"layer.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="do not fit the network"):
        engine.segments(by_network(cut, "deeplab", file=tmp_path / "other.pth"), Progress(), print)
    with pytest.raises(CheckpointError, match="There is no weights file"):
        engine.segments(by_network(cut, "mask-rcnn", file=tmp_path / "none.pth"), Progress(), print)


@pytest.mark.parametrize("method", ["mask-rcnn", "deeplab"])
def test_weights_are_downloaded_by_consent_only(engine, cut, tmp_path, monkeypatch, method):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = tmp_path / "hub" / "checkpoints" / SEGMENTATION_WEIGHTS[method].name
    given, told = sees_halves(monkeypatch, method), []

    def download(_method, _file, *, consent):
        assert consent
        file.parent.mkdir(parents=True)
        file.touch()
        return file

    with pytest.raises(CheckpointError, match="nothing is downloaded unasked"):
        engine.segments(by_network(cut, method), Progress(), print)
    with monkeypatch.context() as downloading:
        downloading.setattr(segment_engine, "network_weights", download)
        progress = Progress(lambda _share, stage: told.append(stage))
        engine.segments(by_network(cut, method, consent=True), progress, print)
    assert any(f"{SEGMENTATION_WEIGHTS[method].megabytes} MB" in stage for stage in told)
    engine.clear()
    engine.segments(by_network(cut, method), Progress(), print)  # it is on this machine now
    assert [weights for weights, _ in given] == [file, file]
