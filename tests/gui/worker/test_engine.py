"""The real engine: which stages run again and which do not, what it remembers, what it does when memory runs out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from sss_gui.pane_names import PANES
from sss_gui.requests.error_text import NotAgreedError, describe
from sss_gui.requests.overlays import SimilarityRequest
from sss_gui.requests.panes import (
    BasisRequest,
    ComputeFeatures,
    ExportRequest,
    ForgetRequest,
    LiftRequest,
    LoadModelRequest,
    OpenPicture,
    PrefetchRequest,
    Preview,
    ProbeRequest,
    RenderPanes,
    RoughPanes,
    Source,
)
from sss_gui.worker import engine as engine_module
from sss_gui.worker.engine import FeatureEngine
from sss_gui.worker.feature_cache import CachedFeatures, FeatureCache
from sss_gui.worker.sources import read_source, source_stamp
from sss_model import budget
from sss_model.errors import Cancelled, CheckpointError, DeviceError, ImageError, ParameterError
from sss_model.extractor import CachedExtractor, FeatureExtractor
from sss_model.files.allocation import AllocationPlan
from sss_model.image_io import decoding_bytes, read_image, read_thumbnail, to_picture, write_picture
from sss_model.inference.head_stripes import HeadStripes
from sss_model.params import (
    AUTOMATIC_SCALES,
    ExportParams,
    ExtractParams,
    FilterParams,
    ProjectionParams,
    SimilarityParams,
)
from sss_model.progress import Progress
from sss_model.projection.feature_views import FeatureViews
from sss_model.storage.shipped_files import SAMPLE, resource

CPU = ExtractParams(device="cpu", size="native")


def panes(source, *, filter=None, **features):
    """The panes of `source`, by features as named."""
    return RenderPanes(ComputeFeatures(source, **features), filter or FilterParams())


class Run:
    """Answers requests and counts how often the expensive stages ran."""

    def __init__(self, monkeypatch, shared):
        self.engine = FeatureEngine(shared)
        self.counts = {"network": 0, "basis": 0}
        self._count(monkeypatch, FeatureExtractor, "extract_with_record", "network")
        self._count(monkeypatch, FeatureViews, "plain_basis", "basis")

    def _count(self, monkeypatch, owner, method, name):
        real = getattr(owner, method)

        def counted(*args, **kwargs):
            self.counts[name] += 1
            return real(*args, **kwargs)

        monkeypatch.setattr(owner, method, counted)

    def __call__(self, request, progress=None):
        self.partial = []
        return self.engine.answer(request, progress or Progress(), self.partial.append)


@pytest.fixture(scope="module")
def shared():
    """The shipped model, loaded once for this file."""
    extractor = CachedExtractor()
    yield extractor
    extractor.clear()


@pytest.fixture
def run(monkeypatch, shared):
    run = Run(monkeypatch, shared)
    yield run
    run.engine.documents.clear()


@pytest.fixture
def photo(tmp_path):
    random = np.random.default_rng(1)
    write_picture(tmp_path / "photo.png", random.integers(0, 255, (21, 30, 3), dtype=np.uint8))
    return Source.from_path(tmp_path / "photo.png")


@pytest.fixture
def features(tmp_path, photo):
    """A feature file beside its photograph: no network is needed."""
    values = np.random.default_rng(2).standard_normal((21, 30, 8)).astype(np.float32)
    np.save(tmp_path / "photo.npy", values)
    return Source.from_path(tmp_path / "photo.npy", photo.path)


def pictures(run, result):
    return {name: levels[0] for part in [*run.partial, result] for name, levels in part.pictures.items()}


def test_the_input_comes_first_and_then_the_other_panes(run, photo):
    opened = run(OpenPicture(photo))
    assert (opened.size, opened.files) == ((21, 30), (photo.path,))
    np.testing.assert_array_equal(opened.levels[0], to_picture(read_image(photo.path)))
    features = run(ComputeFeatures(photo, extract=CPU))
    assert (features.channels, features.grid, features.device, features.model) == (128, (21, 30), "cpu", "sss_lite2")
    result = run(panes(photo, extract=CPU))
    assert [sorted(part.pictures) for part in run.partial] == [["random"], ["pca"]]
    assert set(result.pictures) == {"filtered"}
    assert result.complete
    assert result.features == features.number
    assert sum(result.explained) == pytest.approx(1, abs=0.2)


def test_a_picture_is_read_once_for_itself_and_its_features(run, photo, monkeypatch):
    read = []
    monkeypatch.setattr(engine_module, "read_source", lambda source: (read.append(source), read_source(source))[1])
    levels = run(OpenPicture(photo)).levels
    run(ComputeFeatures(photo, extract=CPU))
    assert run(OpenPicture(photo)).levels is levels
    assert read == [photo]


def test_features_that_do_not_fit_are_said_before_they_are_computed(run, photo, monkeypatch):
    asked = []

    def plan(shape):
        asked.append((shape, run.counts["network"]))
        return AllocationPlan("memory", np.float32, "They are kept elsewhere.")

    monkeypatch.setattr("sss_model.extractor.plan_allocation", plan)
    run(ComputeFeatures(photo, extract=CPU))
    assert asked == [((21, 30, 128), 0)]
    assert [notes.sentences for notes in run.partial] == [("They are kept elsewhere.",)]


def test_a_new_radius_or_seed_never_runs_the_network_again(run, photo):
    request = panes(photo, extract=CPU)
    run(request)
    run(replace(request, filter=FilterParams(radius=9)))
    run(replace(request, projection=ProjectionParams(seed=4)))
    assert run.counts["network"] == 1
    run(replace(request.features, fresh=True))
    assert run.counts["network"] == 2


def test_going_back_to_a_picture_is_remembered(run, photo, features):
    run(panes(photo, extract=CPU))
    run(panes(features))
    run(panes(photo, extract=CPU))
    assert run.counts["network"] == 1


def test_a_file_that_changed_is_read_again(run, photo):
    run(panes(photo, extract=CPU))
    stamp = source_stamp(photo)
    write_picture(photo.path, np.zeros((21, 31, 3), np.uint8))
    assert source_stamp(photo) != stamp
    assert run(OpenPicture(photo)).size == (21, 31)
    run(ComputeFeatures(photo, extract=CPU))
    assert run.counts["network"] == 2


def test_feature_files_need_no_network(run, features):
    assert run(ComputeFeatures(features)).channels == 8
    assert run.counts["network"] == 0
    assert len(run(panes(features)).explained) == 8


def test_a_preview_is_small_where_the_picture_is_shown_small_and_close_to_the_exact_result(run, features):
    request = panes(features)
    run(request)
    live = run(Preview(replace(request, filter=FilterParams(radius=2)), ((0, 0, 30, 21), 1.0)))
    patch, box = live
    x0, y0, x1, y1 = box
    assert x0 <= 0 and y0 <= 0 and x1 >= 30 and y1 >= 21  # noqa: PT018
    exact = run(replace(request, filter=FilterParams(radius=2)))
    part = patch[:21, :30].astype(int)
    assert np.abs(part - exact.pictures["filtered"][0]).mean() < 30


def test_colours_do_not_jump_when_the_radius_moves(run, tmp_path):
    write_picture(tmp_path / "small.png", read_thumbnail(resource(SAMPLE), 96))
    photo = Source.from_path(tmp_path / "small.png")
    request = panes(photo, extract=CPU)
    last = run(request).pictures["filtered"][0].astype(int)
    for radius in (6, 7, 8, 9, 10):
        now = run(replace(request, filter=FilterParams(radius=radius))).pictures["filtered"][0].astype(int)
        assert np.abs(now - last).mean() < 12, f"radius {radius}"
        last = now


def test_a_pixels_vector_and_values(run, features):
    run(panes(features))
    result = run(ProbeRequest(features, (7, 3)))
    np.testing.assert_array_equal(result.vector, np.load(features.path)[3, 7])
    assert set(result.values) == {"random", "pca", "filtered"}
    assert all(value.shape == (3,) for value in result.values.values())
    with pytest.raises(ParameterError, match="outside the picture of 30 x 21"):
        run(ProbeRequest(features, (30, 0)))


def test_a_pixel_of_a_picture_that_was_forgotten_has_no_answer(run, features):
    assert run(ProbeRequest(features, (0, 0))) is None


def test_an_export_is_what_is_shown(run, features, tmp_path):
    show = panes(features, filter=FilterParams(radius=3))
    shown = pictures(run, run(show)) | {"input": run(OpenPicture(features)).levels[0]}
    result = run(ExportRequest(show, tmp_path / "out", ExportParams()))
    names = {"input": "input", "random": "random", "pca": "pca", "filtered": "filtered-pca"}
    assert len(result.paths) == 6
    for pane, name in names.items():
        written = to_picture(read_image(tmp_path / "out" / f"photo-{name}.png")).astype(int)
        # shown is the paper's filtered picture to half of 1/512, written to some 1e-5
        np.testing.assert_allclose(written, shown[pane], rtol=0, atol=1 if pane == "filtered" else 0)


def test_bad_files_and_models_raise_their_own_errors(run, tmp_path, photo):
    (tmp_path / "text.png").write_text("no picture")
    for kind in (OpenPicture, ComputeFeatures):
        with pytest.raises(ImageError, match=r"text\.png"):
            run(kind(Source.from_path(tmp_path / "text.png")))
    (tmp_path / "net.safetensors").write_text("no model")
    with pytest.raises(CheckpointError, match=r"net\.safetensors"):
        run(panes(photo, model=tmp_path / "net.safetensors", extract=CPU))
    with pytest.raises(DeviceError, match="nonsense"):
        run(panes(photo, extract=ExtractParams(device="nonsense")))
    assert run(panes(photo, extract=CPU)).complete


def test_stopping_within_a_stage_leaves_the_engine_whole(run, photo):
    steps = []
    progress = Progress(lambda *step: steps.append(step), lambda: len(steps) > 4)
    with pytest.raises(Cancelled):
        run(panes(photo, extract=CPU), progress)
    assert run(panes(photo, extract=CPU)).complete


def test_warming_up_tells_model_and_devices(run):
    result = run(LoadModelRequest(extract=CPU))
    assert result.model == "sss_lite2"
    assert result.devices[0][0] == "cpu"


def test_old_pictures_are_forgotten_when_the_budget_is_full():
    def document(name):
        image = np.zeros((10, 10, 3), np.float32)
        return CachedFeatures(Source.from_path(name), FeatureViews(image, np.zeros((10, 10, 100), np.float32)))

    from pathlib import Path

    documents = FeatureCache(budget=100_000)
    for name in "abc":
        documents.put(name, document(Path(name)))
    assert [kept.source.name for kept in documents] == ["b", "c"]
    documents.get("b")
    documents.put("d", document(Path("d")))
    assert [kept.source.name for kept in documents] == ["b", "d"], "the one used last stays"
    documents.make_room(90_000)
    assert len(documents) == 0


def test_memory_that_runs_out_is_said_at_once_and_in_the_export(run, photo, tmp_path, monkeypatch):
    fill, failed = HeadStripes.fill, []

    def fails_once(self, first, last, out):
        if not failed:
            failed.append(first)
            raise MemoryError("no memory")
        fill(self, first, last, out)

    monkeypatch.setattr(HeadStripes, "fill", fails_once)
    said = ("Memory ran out on the processor: the pieces left were halved.",)
    show = panes(photo, extract=CPU)
    result = run(show.features)
    assert (result.notes, result.device) == (said, "cpu")
    assert run.partial[0].sentences == said, "before the features are there"
    exported = run(ExportRequest(show, tmp_path / "out", ExportParams()))
    assert exported.notes == said
    written = json.loads((tmp_path / "out" / "photo.json").read_text())
    assert (written["notes"], written["extract"]["device"]) == (list(said), "cpu")


def test_a_shared_basis_goes_without_pictures_that_fail_and_names_them(run, photo, features, tmp_path):
    (tmp_path / "torn.png").write_bytes(b"none")
    narrow = tmp_path / "narrow.npy"
    np.save(narrow, np.random.default_rng(3).standard_normal((21, 30, 4)).astype(np.float32))
    torn, few = Source.from_path(tmp_path / "torn.png"), Source.from_path(narrow, photo.path)
    run(panes(features))
    reports = []
    progress = Progress(lambda fraction, stage: reports.append(fraction))
    request = BasisRequest(panes(features), tmp_path / "shared.json", (features, torn, few))
    result = run(request, progress)
    assert result.fitted == (features,)
    assert [source for source, _ in result.failed] == [torn, few]
    assert "4 dimensions, not 8" in result.failed[1][1]
    assert (tmp_path / "shared.json").exists()
    assert reports == sorted(reports), "progress goes through all pictures once"


def test_a_result_says_what_it_was_read_from(run, photo, features):
    beside = Source.from_path(features.path)
    assert run(OpenPicture(beside)).files == (features.path, photo.path)
    assert run(OpenPicture(photo)).files == (photo.path,)


@pytest.fixture
def on_a_grid(monkeypatch, shared, tmp_path):
    """A photograph of 96 x 144 pixels, seen by the network at a long side of 48; the run, and its request."""
    photo = tmp_path / "photo.png"
    write_picture(photo, read_thumbnail(resource(SAMPLE), 144)[:96])
    run = Run(monkeypatch, shared)
    return run, panes(Source.from_path(photo), extract=ExtractParams(device="cpu", size="48"))


def test_the_panes_are_as_fine_as_the_grid_and_the_input_as_the_photograph(on_a_grid):
    run, request = on_a_grid
    opened, result = run(OpenPicture(request.source)), run(request)
    size = opened.size
    assert opened.levels[0].shape[:2] == size
    assert max(result.pictures["filtered"][0].shape) == 48
    assert run(ProbeRequest(request.source, (size[1] - 1, size[0] - 1))).vector.shape == (
        run(request.features).channels,
    )
    with pytest.raises(ParameterError, match="outside the picture"):
        run(ProbeRequest(request.source, (size[1], 0)))


def test_the_smallest_scale_shows_the_panes_first_and_leaves_no_trace(on_a_grid, monkeypatch, shared):
    run, request = on_a_grid
    opened = run(OpenPicture(request.source))
    rough = run(RoughPanes(request))
    assert not rough.complete
    assert not rough.explained
    assert {name: max(levels[0].shape) for name, levels in rough.pictures.items()} == dict.fromkeys(PANES[1:], 14)
    assert all(levels[0].dtype == np.uint8 and levels[0].std() > 20 for levels in rough.pictures.values())
    assert run.counts["network"] == 1
    assert not len(run.engine.documents), "nothing of it is remembered"
    assert run(ProbeRequest(request.source, (3, 4))) is None
    run(request.features)
    assert run.counts["network"] == len(AUTOMATIC_SCALES), "the smallest scale is not computed again"
    assert run(RoughPanes(request)) is None, "nothing is rough where the features are remembered"
    other = Run(monkeypatch, shared)
    assert other(OpenPicture(request.source)).sha256 == opened.sha256
    whole, named = run(request), other(request)
    for name in ("random", "pca"):
        mine, theirs = (pictures(each, result)[name] for each, result in ((run, whole), (other, named)))
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(whole.pictures["filtered"][0], named.pictures["filtered"][0])


def test_the_rough_panes_have_the_fixed_basis_and_the_seed_that_are_wanted(on_a_grid, tmp_path):
    run, request = on_a_grid
    run(BasisRequest(request, tmp_path / "basis.json"))
    whole = run(replace(request, basis=tmp_path / "basis.json"))
    exact = {name: levels[0] for part in [*run.partial, whole] for name, levels in part.pictures.items()}
    run.engine.documents.clear()
    rough = run(RoughPanes(replace(request, basis=tmp_path / "basis.json"))).pictures
    for name in PANES[1:]:
        height, width = rough[name][0].shape[:2]
        small = cv2.resize(exact[name], (width, height), interpolation=cv2.INTER_AREA)
        alike = np.corrcoef(small.ravel(), rough[name][0].ravel())[0, 1]
        assert alike > 0.7, name
    other = run(RoughPanes(replace(request, projection=ProjectionParams(seed=7)))).pictures
    assert not np.array_equal(other["random"][0], rough["random"][0])


def test_rough_panes_of_another_picture_or_size_are_not_taken_for_its_own(on_a_grid, tmp_path):
    run, request = on_a_grid
    other = tmp_path / "other.png"
    other.write_bytes(request.source.path.read_bytes())
    run(RoughPanes(request))
    run(ComputeFeatures(Source.from_path(other), extract=request.features.extract))
    assert run.counts["network"] == 1 + len(AUTOMATIC_SCALES)
    run(RoughPanes(request))
    run(replace(request.features, extract=ExtractParams(device="cpu", size="64")))
    assert run.counts["network"] == 2 * (1 + len(AUTOMATIC_SCALES))


def test_there_is_nothing_rough_of_one_scale_or_of_a_feature_file(run, photo, features):
    assert run(RoughPanes(panes(photo, extract=CPU))) is None
    assert run(RoughPanes(panes(features))) is None
    assert run.counts["network"] == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 40)])
def test_the_smallest_pictures_have_rough_panes_too(run, tmp_path, shape):
    write_picture(tmp_path / "thin.png", np.full((*shape, 3), 90, np.uint8))
    source = Source.from_path(tmp_path / "thin.png")
    rough = run(RoughPanes(panes(source, extract=ExtractParams(device="cpu", size="32"))))
    assert set(rough.pictures) == set(PANES[1:])


def test_what_is_looked_at_closely_is_as_sharp_as_the_photograph(on_a_grid):
    run, request = on_a_grid
    height, width = run(OpenPicture(request.source)).size
    run(request)
    lift = lambda box, scale: run(LiftRequest(request, (box, scale)))  # noqa: E731
    assert lift((0, 0, width, height), 0.1) is None, "the grid is as fine as the screen"
    patch, box = lift((10, 20, 60, 50), 2.0)
    assert (patch.shape, box) == ((30, 50, 3), (10, 20, 60, 50))
    whole, _ = lift((0, 0, width, height), 2.0)
    np.testing.assert_array_equal(whole[20:50, 10:60], patch)
    beyond, box = lift((-5, -5, width + 9, 8), 2.0)
    assert beyond.shape[:2] == (8, width)
    assert box == (0, 0, width, 8)


def test_a_preview_of_the_grid_covers_the_photograph_s_pixels(on_a_grid):
    run, request = on_a_grid
    height, width = run(OpenPicture(request.source)).size
    run(request)
    patch, (x0, y0, x1, y1) = run(Preview(request, ((0, 0, width, height), 0.3)))
    assert (x0, y0) == (0, 0)
    assert x1 == pytest.approx(width, rel=0.1)
    assert y1 == pytest.approx(height, rel=0.1)
    assert max(patch.shape) <= 48


def test_exports_hold_the_grid_s_features_and_pictures_of_full_size(on_a_grid, tmp_path):
    import json

    run, request = on_a_grid
    size = run(OpenPicture(request.source)).size
    run(ExportRequest(request, tmp_path / "out", ExportParams(formats=("npz16",))))
    out = tmp_path / "out"
    for name in ("input", "random", "pca", "filtered-pca"):
        assert read_image(out / f"photo-{name}.png").shape[:2] == size
    features = np.load(out / "photo-features-f16.npz")["features"]
    record = json.loads((out / "photo.json").read_text(encoding="utf-8"))
    assert record["grid"] == {"picture": list(size), "grid": list(features.shape[:2])}
    assert record["size"] == list(size)
    assert record["extract"]["size"] == "48"


def test_closed_pictures_are_forgotten_and_waiting_ones_rest(run, photo, tmp_path):
    other = Source.from_path(tmp_path / "other.png")
    (tmp_path / "other.png").write_bytes(photo.path.read_bytes())
    run(panes(photo, extract=CPU))
    run(Preview(panes(photo, extract=CPU)))
    documents = run.engine.documents
    (first,) = documents
    before = first.nbytes
    run(panes(other, extract=CPU))
    assert first.nbytes < before, "what only sliders need is let go"
    assert first.nbytes < 1.4 * first.figure.features.nbytes
    run(SimilarityRequest(photo, ((1, 1),), SimilarityParams()))
    run(ForgetRequest((other,)))
    assert [kept.source for kept in documents] == [other]
    assert run(panes(photo, extract=CPU)).complete, "it can be opened again"


def test_everything_that_is_kept_counts(run, photo):
    run(panes(photo, extract=CPU))
    (document,) = run.engine.documents
    figure = document.figure
    least = figure.features.nbytes + 4 * figure.image.nbytes + sum(level.nbytes for level in document.levels)
    assert document.nbytes > least


def test_reading_a_large_picture_is_foreseen(run, photo, features, monkeypatch):
    claimed = []
    monkeypatch.setattr(run.engine.documents, "make_room", claimed.append)
    run(OpenPicture(photo))
    assert (run.partial, claimed) == ([], []), "a small one is no news"
    run.engine.forget(ForgetRequest(()), Progress(), print)
    monkeypatch.setattr(engine_module, "LARGE", 1)
    run(OpenPicture(photo))
    (note,) = run.partial
    assert note.sentences[0].startswith("photo.png has 30 x 21 pixels; to read it takes up to 0.0 GB of memory, ")
    assert claimed == [decoding_bytes(photo.path)]
    run(OpenPicture(photo))
    assert run.partial == [], "it is still there"
    run(OpenPicture(Source.from_path(features.path)))
    assert run.partial == [], "a file of features has no header of a photograph"


def test_a_picture_that_does_not_fit_is_read_smaller_and_that_is_said(run, photo, monkeypatch):
    free = 1.2 * decoding_bytes(photo.path)
    monkeypatch.setattr("sss_model.budget.free_memory", lambda: free)
    assert run(OpenPicture(photo, agreed=True)).size == (10, 15)


def test_features_computed_ahead_take_half_and_are_computed_anew_for_a_file(run, photo, tmp_path):
    run(PrefetchRequest(ComputeFeatures(photo, extract=CPU)))
    (document,) = run.engine.documents
    assert (document.figure.features.dtype, document.rounded) == (np.float16, True)
    asked = SimilarityRequest(photo, ((3, 4),), SimilarityParams())
    rounded = run(asked).values
    before = dict(run.counts)
    assert run(panes(photo, extract=CPU)).complete
    assert run.counts["network"] == before["network"], "the panes show it at once"
    run(ExportRequest(panes(photo, extract=CPU), tmp_path / "out", ExportParams(formats=("npz32",))))
    assert run.counts["network"] == before["network"] + 1
    (document,) = run.engine.documents
    exact = FeatureExtractor(None, "cpu").extract(read_image(photo.path))
    with np.load(tmp_path / "out" / "photo-features-f32.npz") as file:
        assert (file["features"] == exact).all()
    assert (document.figure.features.dtype, document.rounded) == (np.float32, False)
    assert 0 < np.abs(run(asked).values - rounded).max() < 2e-3


def test_features_beyond_float16_stay_as_they_are():
    image = np.zeros((2, 2, 3), np.float32)
    document = CachedFeatures(Source.from_path(Path("a.png")), FeatureViews(image, np.full((2, 2, 3), 7e4, np.float32)))
    document.network = ("a network",)
    document.round()
    assert (document.figure.features.dtype, document.rounded) == (np.float32, False)


def test_nobody_reads_ahead_what_there_is_no_room_for(run, photo, monkeypatch):
    monkeypatch.setattr(engine_module, "LARGE", 1)
    monkeypatch.setattr(run.engine.documents, "room_for", lambda _needed: False)
    read = []
    monkeypatch.setattr(engine_module, "read_source", read.append)
    assert not run(PrefetchRequest(ComputeFeatures(photo, extract=CPU)))
    assert read == []


def test_a_picture_larger_than_what_is_free_is_read_once_somebody_agrees(tmp_path, monkeypatch):
    path = tmp_path / "large.png"
    write_picture(path, np.full((20, 30, 3), 80, np.uint8))
    source, engine = Source.from_path(path), FeatureEngine()
    scarce = SimpleNamespace(free_memory=lambda: 1000, current=budget.current)
    monkeypatch.setattr(engine_module, "limits", scarce)
    monkeypatch.setattr(engine_module, "read_source", lambda _source: pytest.fail("read"))
    with pytest.raises(NotAgreedError, match=r"large.png has 30 x 20 pixels; to read it takes up to") as refused:
        engine.answer(OpenPicture(source), Progress(), print)
    assert describe(refused.value).can_go_on
    monkeypatch.setattr(engine_module, "read_source", read_source)
    assert engine.answer(OpenPicture(source, agreed=True), Progress(), print).size == (20, 30)
    engine.close()
