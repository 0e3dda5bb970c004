"""A matte carried through small frames by the real engine and the shipped model, beside what the command makes."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import OpenEXR
import pytest

from sss_gui.requests.panes import ComputeFeatures, Source
from sss_gui.requests.segments import (
    CarriedTo,
    Carry,
    FrameList,
    LayersRequest,
    Mark,
    Matte,
    MatteRequest,
    SegmentsRequest,
)
from sss_gui.requests.sequence import CarryRequest, ExportFramesRequest, SequenceRecipeRequest
from sss_gui.worker.engine import FeatureEngine
from sss_gui.worker.sequences.frame_store import FrameStore
from sss_model.commands.segment import main
from sss_model.errors import Cancelled
from sss_model.filtering.resize import resize
from sss_model.image_io import read_image, to_picture, write_picture
from sss_model.matting.steps import stroke_at
from sss_model.params import ExtractParams
from sss_model.params.layers import LayerExportParams, MatteParams
from sss_model.progress import Progress
from sss_model.storage.shipped_files import SAMPLE, resource

COUNT, STEP, SIZE = 4, 4, (96, 128)
CPU = ExtractParams(device="cpu")
PARAMS = LayerExportParams(formats=("alpha", "exr", "cryptomatte"))


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """Frames 11 to 14 of a camera that goes along a photograph."""
    folder = tmp_path_factory.mktemp("shot")
    still = resize(read_image(resource(SAMPLE)), (SIZE[0], SIZE[1] + STEP * COUNT))
    for k in range(COUNT):
        picture = np.ascontiguousarray(np.clip(still[:, STEP * k : STEP * k + SIZE[1]], 0, 1))
        write_picture(folder / f"shot.{11 + k}.png", to_picture(picture))
    sources = tuple(Source.from_path(folder / f"shot.{11 + k}.png") for k in range(COUNT))
    return FrameList("shot", sources, tuple(range(11, 11 + COUNT)))


@pytest.fixture
def engine():
    engine = FeatureEngine()
    yield engine
    engine.close()


def drawn(frames, frame, *steps, carried=None, params=None):
    layers = LayersRequest(SegmentsRequest(ComputeFeatures(frames.sources[frame], extract=CPU)), ())
    return MatteRequest(layers, Matte((), steps, True, params or MatteParams()), carried=carried)


def stroke(x, y, keep=True):
    return stroke_at([(x, y), (x + 10, y + 8)], keep, 4, SIZE)


def carry_of(frames, *corrections, params=None):
    return Carry(frames, Mark(1, drawn(frames, 1, stroke(55, 60), stroke(60, 70), params=params)), corrections)


def answers(engine, request, progress=None):
    """All that comes of a request."""
    found = []
    last = engine.answer(request, progress or Progress(), found.append)
    return [*found, *([last] if last is not None else [])]


def carried(engine, carry):
    """The frames that are there, without carrying on."""
    (result,) = answers(engine, CarryRequest(carry))
    assert result.first
    return {found.frame: found for found in result.frames}, result.ready


def assert_same_picture(one, other):
    """Equal files, or values half a level of eight bits apart; a last bit of what is computed was seen to differ."""
    if one.read_bytes() == other.read_bytes():
        return
    for value, expected in zip(channels(one), channels(other), strict=True):
        assert value.dtype == expected.dtype
        top = np.iinfo(value.dtype).max if value.dtype.kind == "u" else 1
        np.testing.assert_allclose(value / top, expected / top, rtol=0, atol=1 / 510, err_msg=one.name)


def channels(path):
    """The arrays of a PNG or an EXR file."""
    if path.suffix == ".png":
        return [cv2.imread(str(path), cv2.IMREAD_UNCHANGED)]
    part = OpenEXR.File(str(path), separate_channels=True).parts[0]
    return [part.channels[name].pixels for name in sorted(part.channels)]


def test_the_window_writes_what_the_command_writes(engine, frames, tmp_path):
    corrections = (Mark(0, drawn(frames, 0, stroke(20, 20))), Mark(3, drawn(frames, 3, stroke(90, 30)), True))
    carry = carry_of(frames, *corrections, params=MatteParams(feather=1.0))
    (result,) = answers(engine, ExportFramesRequest(carry, (0, 1, 2, 3), tmp_path / "window", PARAMS))
    assert (result.written, result.skipped, result.failed) == (4, 0, ())
    path = tmp_path / "recipe.json"
    answers(engine, SequenceRecipeRequest(carry, path))
    folder, formats = str(frames.sources[0].path.parent), ",".join(PARAMS.formats)
    call = [folder, "-o", str(tmp_path / "command"), "--sequence", "--matte", str(path), "--formats", formats]
    assert main([*call, "--device", "cpu", "--quiet"]) == 0
    names = sorted(file.name for file in (tmp_path / "window").iterdir())
    assert names == sorted(file.name for file in (tmp_path / "command").iterdir() if file.suffix != ".npz")
    assert len(names) == COUNT * 5
    for name in names:
        one, other = (tmp_path / folder / name for folder in ("window", "command"))
        if name.endswith(".json"):
            assert json.loads(one.read_text()) == json.loads(other.read_text())
        else:
            assert_same_picture(one, other)
    assert main([*call, "--device", "cpu", "--skip-existing", "-o", str(tmp_path / "window"), "--quiet"]) == 0
    (again,) = answers(
        engine, ExportFramesRequest(carry, (0, 3), tmp_path / "window", replace(PARAMS, existing="skip"))
    )
    assert (again.written, again.skipped) == (0, 2)


def test_frames_come_one_by_one_and_a_stopped_run_goes_on(engine, frames):
    carry = carry_of(frames)
    known, ready = carried(engine, carry)
    assert known == {}
    seen = []

    def stop(_fraction, _stage):
        if len(seen) == 3:  # what was there, and two frames
            raise Cancelled

    with pytest.raises(Cancelled):
        engine.answer(CarryRequest(carry, True), Progress(stop), seen.append)
    assert [found.frame for result in seen for found in result.frames] == [1, 2]
    known, ready = carried(engine, carry)
    assert sorted(known) == [1, 2]
    assert ready == {0, 3}
    results = answers(engine, CarryRequest(carry, True))
    assert sorted(found.frame for found in results[0].frames) == [1, 2]
    known, _ = carried(engine, carry)
    assert sorted(known) == [0, 1, 2, 3]
    for frame, found in known.items():
        grey = cv2.imread(str(found.file), cv2.IMREAD_GRAYSCALE)
        assert grey.shape == SIZE
        assert found.area == pytest.approx(grey.mean() / 255, abs=0.003)
        assert np.isfinite(found.change) == (frame > 0)
    assert known[2].change < 0.2


def test_a_correction_keeps_the_frames_before_it(engine, frames):
    answers(engine, CarryRequest(carry_of(frames), True))
    known, ready = carried(engine, carry_of(frames, Mark(2, drawn(frames, 2, stroke(90, 30)))))
    assert sorted(known) == [0, 1]
    assert ready == {2}
    known, ready = carried(engine, carry_of(frames, Mark(3, drawn(frames, 3, stroke(90, 30)), True)))
    assert sorted(known) == [0, 1]
    assert ready == {3}


def test_a_frame_shows_what_was_carried_and_takes_corrections(engine, frames):
    carry = carry_of(frames)
    answers(engine, CarryRequest(carry, True))
    known, _ = carried(engine, carry)
    to = CarriedTo(carry, 2)
    (plain,) = answers(engine, drawn(frames, 2, carried=to))
    np.testing.assert_array_equal(plain.matte, cv2.imread(str(known[2].file), cv2.IMREAD_GRAYSCALE))
    step = stroke(90, 30)
    *_, corrected = answers(engine, drawn(frames, 2, step, carried=to))
    answers(engine, CarryRequest(carry_of(frames, Mark(2, drawn(frames, 2, step))), True))
    after, _ = carried(engine, carry_of(frames, Mark(2, drawn(frames, 2, step))))
    np.testing.assert_array_equal(corrected.matte, cv2.imread(str(after[2].file), cv2.IMREAD_GRAYSCALE))
    assert np.abs(corrected.matte.astype(int) - plain.matte).max() > 100
    (back,) = answers(engine, drawn(frames, 2, carried=to))
    np.testing.assert_array_equal(back.matte, plain.matte)


def test_carrying_gives_way_within_a_frame(engine, frames):
    given = []
    engine.give_way = lambda: given.append(None)
    answers(engine, CarryRequest(carry_of(frames), True))
    assert len(given) > 5 * COUNT


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no picture", "shot.13.png is not a picture"),
        (None, "All frames must be of one size; shot.13.png has 64 x 48"),
    ],
)
def test_a_frame_that_cannot_be_read_is_left_out(engine, frames, tmp_path, content, words):
    for source in frames.sources:
        (tmp_path / source.path.name).write_bytes(source.path.read_bytes())
    broken = tmp_path / "shot.13.png"
    if content is None:
        write_picture(broken, np.zeros((48, 64, 3), np.uint8))
    else:
        broken.write_bytes(content)
    listed = replace(frames, sources=tuple(Source.from_path(tmp_path / source.path.name) for source in frames.sources))
    results = answers(engine, CarryRequest(carry_of(listed), True))
    ((frame, sentence),) = (failed for result in results for failed in result.failed)
    assert frame == 2
    assert words in sentence
    known = {found.frame for result in results for found in result.frames}
    assert known == {0, 1, 3}


def test_the_store_keeps_to_its_budget_and_makes_again_what_it_forgot(engine, frames):
    sequences = engine.segmenter.sequences
    sequences.store = FrameStore(budget=1)
    carry = carry_of(frames)
    answers(engine, CarryRequest(carry, True))
    assert sorted(carried(engine, carry)[0]) == [0, 1, 2, 3], "small pictures stay"
    folder = sequences.store.file("x").parent
    assert len(list(folder.glob("*.npz"))) == 1
    (plain,) = answers(engine, drawn(frames, 2, carried=CarriedTo(carry, 2)))
    assert plain.matte.any()
    engine.close()
    assert not folder.exists()
