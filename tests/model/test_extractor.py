"""The extractor against the literal network, and what it does when stopped or short of memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import GLOBAL, difference, literal, noise, small_checkpoint

from sss_model.errors import Cancelled, DeviceError, ParameterError
from sss_model.extractor import CachedExtractor, FeatureExtractor, pick_device
from sss_model.files.allocation import AllocationPlan
from sss_model.inference.bands import CoarseRun
from sss_model.inference.head_run import HeadRun
from sss_model.inference.head_stripes import HeadStripes
from sss_model.params import ExtractParams
from sss_model.progress import Progress


def extractor(backbone: str = "tf_efficientnet_lite0", *, tile: int = 0, **changes: object) -> FeatureExtractor:
    return FeatureExtractor(small_checkpoint(backbone, **changes)[1], "cpu", ExtractParams(tile=tile))


@pytest.mark.parametrize("tile", [0, 64])
@pytest.mark.parametrize("size", [(1, 1), (1, 70), (97, 131)])
def test_features_are_the_literal_networks(size: tuple[int, int], tile: int) -> None:
    network, checkpoint = small_checkpoint()
    image = noise(*size)
    features = FeatureExtractor(checkpoint, "cpu", ExtractParams(tile=tile)).extract(image)
    assert features.dtype == np.float32
    assert features.shape == (*size, 8)
    assert difference(features, literal(network, image)) < 1e-5


def test_any_number_of_threads_gives_the_same_bytes() -> None:
    """A batch computes a picture in one thread, the window in all."""
    one, image, found = extractor(), noise(160, 224), []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(one.extract(image))
    finally:
        torch.set_num_threads(before)
    for features in found[1:]:
        np.testing.assert_array_equal(features, found[0])


@pytest.mark.parametrize("variant", ["supplement", "taps"])
def test_a_backbone_that_sees_everything_runs_whole(variant: str) -> None:
    network, checkpoint = small_checkpoint(GLOBAL, variant=variant)
    image = noise(70, 45)
    whole = FeatureExtractor(checkpoint, "cpu")
    assert difference(whole.extract(image), literal(network, image)) < 1e-5


def test_tiles_of_such_a_backbone_differ_a_little() -> None:
    image = noise(64, 480)
    tiled = extractor(GLOBAL, tile=64)
    assert 0 < tiled.error_against(image, ExtractParams(device="cpu")) < 0.3


def test_out_takes_any_floating_dtype_and_a_memory_map(tmp_path: Path) -> None:
    image, one = noise(40, 50), extractor()
    exact = one.extract(image)
    half = np.memmap(tmp_path / "features", np.float16, "w+", shape=exact.shape)
    assert one.extract(image, out=half) is half
    np.testing.assert_allclose(half, exact, atol=2e-3)
    strided = np.empty((40, 50, 16), np.float64)[..., ::2]
    np.testing.assert_allclose(one.extract(image, out=strided), exact, atol=1e-7)
    with pytest.raises(ParameterError, match=r"out must have shape \(40, 50, 8\), got \(40, 50, 7\)"):
        one.extract(image, out=np.empty((40, 50, 7), np.float32))


def test_the_image_may_be_read_only_or_strided() -> None:
    image, one = noise(40, 50), extractor()
    exact = one.extract(image)
    locked = image.copy()
    locked.flags.writeable = False
    np.testing.assert_array_equal(one.extract(locked), exact)
    turned = np.asfortranarray(image)[::-1][::-1]
    np.testing.assert_array_equal(one.extract(turned), exact)


def test_progress_rises_to_one_and_can_stop_the_work_anywhere() -> None:
    image, one = noise(128, 128), extractor(tile=32)
    seen: list[float] = []
    one.extract(image, Progress(lambda fraction, stage: seen.append(fraction)))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.0, 1.0)
    assert len(seen) > 50
    for stop in (0.0, 0.2, 0.5, 0.9):  # not after so many reports: waiting for another thread may bring one more
        seen.clear()
        with pytest.raises(Cancelled):
            one.extract(
                image,
                Progress(
                    lambda fraction, stage: seen.append(fraction),
                    lambda stop=stop: bool(seen) and seen[-1] >= stop,
                ),
            )
        assert stop <= seen[-1] < 1.0


def test_an_uncut_backbone_reports_between_its_layers() -> None:
    seen: list[float] = []
    extractor(GLOBAL).extract(noise(40, 40), Progress(lambda fraction, stage: seen.append(fraction)))
    assert seen == sorted(seen)
    assert len(seen) > 20


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4), np.float32), r"image must be an array \(H, W, 3\), got \(4, 4\)"),
        (np.zeros((0, 4, 3), np.float32), r"got \(0, 4, 3\)"),
        (np.zeros((4, 4, 3), np.uint8), "must be floating point in .0, 1., got uint8"),
        (np.full((4, 4, 3), np.nan, np.float32), "holds NaN or infinity"),
    ],
)
def test_what_is_no_image_is_named(image: np.ndarray, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        extractor().extract(image)


def test_devices_that_are_not_there_are_named() -> None:
    with pytest.raises(DeviceError, match="no device called 'abacus'"):
        pick_device("abacus")
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="no device cuda"):
            pick_device("cuda")


@pytest.mark.parametrize("part", ["bands", "tiles", "stripes"])
def test_out_of_memory_halves_the_pieces_and_goes_on(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = GLOBAL if part == "tiles" else "tf_efficientnet_lite0"
    image, one = noise(128, 300), extractor(backbone)
    exact = one.extract(image)
    if part == "bands":
        _fail_above(monkeypatch, CoarseRun, "_run_units", lambda args: args[2].source[1] - args[2].source[0] > 70)
    elif part == "stripes":
        _fail_above(monkeypatch, HeadStripes, "fill", lambda args: args[2] - args[1] > 30)
    else:
        _fail_above(monkeypatch, torch.nn.Conv2d, "forward", lambda args: args[1].shape[3] > 300)
    result = one.extract_with_record(image)
    said = (
        "the picture went on in tiles of 160 pixels. This backbone"
        if part == "tiles"
        else "the pieces left were halved"
    )
    assert all(note.startswith(f"Memory ran out on the processor: {said}") for note in result.notes)
    assert result.notes
    assert all(note.endswith("the features are approximate.") == (part == "tiles") for note in result.notes)
    assert result.record["notes"] == list(result.notes)
    assert result.device == result.record["extract"]["device"] == "cpu"
    assert difference(result.features, exact) < (0.3 if part == "tiles" else 1e-5)


def test_notes_are_told_as_they_come_and_belong_to_one_image(monkeypatch: pytest.MonkeyPatch) -> None:
    image, one = noise(40, 60), extractor()
    told: list[str] = []
    with monkeypatch.context() as patch:
        _fail_above(patch, HeadStripes, "fill", lambda args: args[2] - args[1] > 10)
        result = one.extract_with_record(image, note=told.append)
    assert tuple(told) == result.notes
    assert len(told) == 2  # 40 rows, 20, 10
    assert one.extract_with_record(image).notes == ()


def test_features_kept_on_disk_are_noted_in_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = AllocationPlan("disk", np.float16, "They are kept on disk.")
    monkeypatch.setattr("sss_model.extractor.plan_allocation", lambda shape: plan)
    room: list[int] = []
    told: list[str] = []
    result = CachedExtractor().extract(
        noise(9, 12), None, ExtractParams(device="cpu"), make_room=room.append, note=told.append
    )
    assert isinstance(result.features, np.memmap)
    assert room == [9 * 12 * 128 * 4]
    assert result.notes == ("They are kept on disk.",)
    assert result.record["notes"] == told == ["They are kept on disk."]


def test_finished_stripes_are_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    image, one = noise(64, 64), extractor()
    monkeypatch.setattr("sss_model.inference.head_run.STRIPE_PIXELS", 64 * 16)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)  # in turn, so that it is known which is the third
    rows: list[int] = []
    fill = HeadStripes.fill

    def fails_once(self: HeadStripes, first: int, last: int, out: torch.Tensor) -> None:
        rows.append(first)
        if len(rows) == 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
        fill(self, first, last, out)

    monkeypatch.setattr(HeadStripes, "fill", fails_once)
    one.extract(image)
    assert rows == [0, 16, 32, 32, 40, 48, 56]


def test_no_memory_at_all_is_an_error_and_other_errors_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    image, one = noise(4, 40), extractor()
    with monkeypatch.context() as patch:
        _fail_above(patch, HeadStripes, "fill", lambda args: True)
        with pytest.raises(DeviceError, match=r"Memory ran out on the processor, even for the smallest piece\.$"):
            one.extract(image)

    def broken(*args: object) -> None:
        raise RuntimeError("a shape is wrong")

    monkeypatch.setattr(HeadRun, "run", broken)
    with pytest.raises(RuntimeError, match="a shape is wrong"):
        one.extract(image)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_the_gpu_gives_the_same_features(precision: str) -> None:
    image, (_, checkpoint) = noise(200, 300), small_checkpoint()
    exact = FeatureExtractor(checkpoint, "cpu").extract(image)
    gpu = FeatureExtractor(checkpoint, "cuda", ExtractParams(device="cuda", precision=precision))
    limit = {"float32": 5e-3, "bfloat16": 0.1, "float16": 0.02}[precision]
    assert difference(gpu.extract(image), exact) < limit
    assert gpu.error_against(image, ExtractParams(device="cpu")) < limit


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_cpu_goes_on_where_the_gpu_gave_up(monkeypatch: pytest.MonkeyPatch) -> None:
    image, (_, checkpoint) = noise(200, 300), small_checkpoint()
    exact = FeatureExtractor(checkpoint, "cpu").extract(image)
    gpu = FeatureExtractor(checkpoint, "cuda")
    _fail_above(monkeypatch, HeadStripes, "fill", lambda args: args[3].is_cuda)
    result = gpu.extract_with_record(image)
    assert difference(result.features, exact) < 1e-2
    assert result.notes[-1].endswith("the processor went on.")
    assert result.device == result.record["extract"]["device"] == "cpu"


def _fail_above(patch: pytest.MonkeyPatch, owner: type, name: str, too_large: object) -> None:
    """Make a method run out of memory where `too_large(its arguments)`."""
    original = getattr(owner, name)

    def wrapped(*args: object) -> object:
        if too_large(args):  # type: ignore[operator]
            raise torch.OutOfMemoryError("no memory")
        return original(*args)

    patch.setattr(owner, name, wrapped)


def test_tiles_for_lack_of_memory_are_said_to_be_approximate(monkeypatch: pytest.MonkeyPatch) -> None:
    image, one = noise(128, 600), extractor(GLOBAL)
    assert one.extract_with_record(image).notes == ()
    monkeypatch.setattr("sss_model.inference.image_run.available_bytes", lambda _device: 2**20)
    told: list[str] = []
    result = one.extract_with_record(image, note=told.append)
    assert tuple(told) == result.notes
    assert result.notes[0].startswith("Memory has room for tiles of 256 pixels only.")
    assert result.notes[0].endswith("the features are approximate.")
    assert result.record["notes"] == list(result.notes)
