"""`MatteEditor`: what a user does, what comes of it, and what is refused."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from sss_model import budget
from sss_model.errors import Cancelled, DeviceError, ParameterError
from sss_model.matting import Given, MatteEditor, box_at, cut_parts, forecast, stroke_at
from sss_model.params.layers import MatteParams
from sss_model.progress import Progress

OBJECT = (slice(30, 70), slice(40, 90))  # rows, columns


def scene(height: int = 100, width: int = 140, seed: int = 0) -> np.ndarray:
    """A warm rectangle before a cold ground that changes from left to right, with noise."""
    rng = np.random.default_rng(seed)
    image = np.empty((height, width, 3), np.float32)
    image[:] = (0.2, 0.3, 0.5)
    image[..., 1] += np.linspace(0, 0.2, width, dtype=np.float32)
    image[OBJECT] = (0.8, 0.5, 0.2)
    return np.clip(image + rng.normal(0, 0.02, image.shape), 0, 1).astype(np.float32)


def truth(height: int = 100, width: int = 140) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[OBJECT] = True
    return mask


def iou(alpha: np.ndarray, mask: np.ndarray) -> float:
    return ((alpha > 0.5) & mask).sum() / ((alpha > 0.5) | mask).sum()


@pytest.fixture
def editor() -> MatteEditor:
    image = scene()
    return MatteEditor(image, image)


def test_a_click_takes_the_object_it_is_on(editor: MatteEditor) -> None:
    alpha = editor.click(60, 50)
    assert alpha.dtype == np.float32
    assert alpha.shape == (100, 140)
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    assert iou(alpha, truth()) > 0.97
    assert editor.confidence > 0.9


def test_a_box_takes_what_differs_from_outside(editor: MatteEditor) -> None:
    alpha = editor.box(95, 75, 35, 25)  # corners in any order
    assert iou(alpha, truth()) > 0.97


def test_nothing_is_taken_before_the_first_step(editor: MatteEditor) -> None:
    assert not editor.alpha.any()
    assert not editor.undo().any()
    assert not editor.redo().any()
    assert editor.confidence == 0
    assert editor.recipe()["thing"] is None


def test_a_drop_alone_leaves_all_else_and_the_first_keep_begins_anew(editor: MatteEditor) -> None:
    hovered = editor.hover(60, 50, keep=False)
    alpha = editor.click(60, 50, keep=False)
    assert iou(alpha, ~truth()) > 0.97
    assert iou(hovered, editor.quick > 0.5) > 0.97
    assert not editor.click(20, 50, keep=False)[50, 20]
    assert iou(editor.click(60, 50), truth()) > 0.97


def test_two_drops_leave_what_is_neither() -> None:
    image = scene()
    image[40:60, 105:125] = (0.1, 0.9, 0.2)
    editor = MatteEditor(image, image)
    editor.click(60, 50, keep=False)
    alpha = editor.click(115, 50, keep=False)
    mask = truth()
    mask[40:60, 105:125] = True
    assert iou(alpha, ~mask) > 0.97


def test_undo_and_redo_give_the_same_bits(editor: MatteEditor) -> None:
    first = editor.click(60, 50)
    second = editor.stroke([(100, 20), (120, 60)], keep=True, radius=5)
    third = editor.click(110, 40, keep=False)
    np.testing.assert_array_equal(editor.undo(), second)
    np.testing.assert_array_equal(editor.undo(), first)
    np.testing.assert_array_equal(editor.redo(), second)
    np.testing.assert_array_equal(editor.redo(), third)
    editor.undo()
    editor.click(10, 10)
    np.testing.assert_array_equal(editor.redo(), editor.alpha)  # a new step ends what could be done again


def test_marks_are_what_they_said_and_stay(editor: MatteEditor) -> None:
    """Even one that is wrong, and also after marks that contradict it nearby."""
    editor.click(60, 50)
    editor.stroke([(50, 40), (70, 40)], keep=False, radius=3)
    editor.stroke([(10, 90), (30, 90)], keep=True, radius=3)
    alpha = editor.stroke([(50, 47), (70, 47)], keep=True, radius=2)
    for points, keep, radius in (([(50, 40), (70, 40)], False, 3), ([(10, 90), (30, 90)], True, 3)):
        mask = stroke_at(points, keep, radius, editor.size).mask(editor.size)
        assert (alpha[mask] > 0.95).all() if keep else (alpha[mask] < 0.05).all()


def test_a_correction_changes_what_is_connected_to_it_only() -> None:
    """Of two things that look alike, a mark takes its own."""
    image = scene()
    image[80:95, 110:130] = image[50, 60]  # another thing of the object's colour, apart from it
    editor = MatteEditor(image, image)
    before = editor.click(60, 50)
    after = editor.click(5, 5, keep=True)
    changed = np.abs(after - before) > 0.02
    assert changed.any()
    assert not changed[75:, 105:].any()


def test_a_click_apart_from_the_matte_takes_another_whole_thing() -> None:
    """A small thing of one colour first, then a large one of two: not only a strip of it."""
    image = np.random.default_rng(0).normal(0, 0.03, (120, 200, 3)) + np.array([0.2, 0.3, 0.5])
    small, large = (slice(20, 50), slice(20, 60)), (slice(60, 110), slice(70, 180))
    image[small] += (0.7, 0.4, 0.0)
    image[large] += (0.6, -0.1, -0.4) + np.linspace(0, 0.4, 110)[:, None] * (0, 1, 1)
    image = np.clip(image, 0, 1).astype(np.float32)
    both = np.zeros(image.shape[:2], bool)
    both[small] = both[large] = True
    editor = MatteEditor(image, image)
    editor.click(40, 35)
    assert iou(editor.click(85, 85), both) > 0.97  # 0.34 where a click's reach is that of a correction


def test_a_second_click_at_the_same_place_takes_a_larger_part() -> None:
    image = scene()
    image[40:60, 55:75] = (0.9, 0.1, 0.1)  # a patch of another colour in the object
    editor = MatteEditor(image, image)
    sizes = [(editor.click(65, 50) > 0.5).sum() for _ in range(3)]
    assert sizes[0] < sizes[1] <= sizes[2]


def test_quick_and_hover_are_on_the_grid_and_change_nothing(editor: MatteEditor) -> None:
    shown = editor.hover(60, 50)
    assert shown.shape == editor.parts.size
    assert iou(shown, truth()) > 0.9
    assert not editor.steps
    editor.apply(stroke_at([(60, 50)], True, 2, editor.size, click=True))
    assert iou(editor.quick, truth()) > 0.95


def test_a_click_takes_more_or_less_as_it_is_told() -> None:
    image = scene()
    image[40:60, 55:75] = (0.9, 0.1, 0.1)  # a patch of another colour in the object
    for keep in (True, False):
        sizes = []
        for more in (-3, -1, 0, 1, 3):
            editor = MatteEditor(image, image)
            before = editor.alpha
            if not keep:
                editor.set_steps([editor.begin_with(np.ones((100, 140), np.float32))])
                before = editor.alpha
            alpha = editor.click(65, 50, keep, more=more)
            assert (alpha[50, 65] > 0.95) == keep
            sizes.append(((alpha > 0.5) != (before > 0.5)).sum())
            again = MatteEditor.from_recipe(image, json.loads(json.dumps(editor.recipe())), image)
            np.testing.assert_array_equal(again.alpha, alpha)
        assert sizes == sorted(sizes)
        assert sizes[0] < sizes[2] < sizes[4]


def test_hover_follows_every_step_and_says_what_a_click_would_do(editor: MatteEditor) -> None:
    places = [(60, 50), (61, 50), (10, 10), (60, 50)]
    for keep in (True, False):
        shown = [editor.hover(*place, keep) for place in places]
        np.testing.assert_array_equal(shown[0], shown[3])
        assert not (shown[0] == shown[2]).all()
        editor.click(*places[0], keep)
        np.testing.assert_array_equal(shown[0], editor.state.alpha.astype(np.float32)[editor.parts.labels])
        assert not (editor.hover(*places[0], not keep) == shown[0]).all()


def test_without_solved_edges_the_matte_is_the_quick_one(editor: MatteEditor) -> None:
    editor.edges = False
    np.testing.assert_array_equal(editor.click(60, 50), editor.quick)


def test_params_are_applied_last(editor: MatteEditor) -> None:
    plain = editor.click(60, 50)
    editor.params = MatteParams(invert=True)
    np.testing.assert_array_equal(editor.alpha, 1 - plain)


def test_a_recipe_gives_the_same_bits_through_json(editor: MatteEditor) -> None:
    editor.box(30, 20, 100, 80)
    editor.click(60, 50)
    editor.stroke([(33.3, 71.8), (80.2, 77.7)], keep=False, radius=2.5)
    editor.undo()
    editor.stroke([(33.3, 22.8), (80.2, 24.7)], keep=False, radius=2.5)
    editor.params = replace(editor.params, feather=1.5, grow=-0.7, tightness=0.2)
    recipe = json.loads(json.dumps(editor.recipe()))
    again = MatteEditor.from_recipe(editor.image, recipe, editor.image)
    np.testing.assert_array_equal(again.alpha, editor.alpha)
    assert json.dumps(again.recipe()) == json.dumps(recipe)


def test_a_recipe_finds_its_thing_elsewhere_and_knows_where_it_is_not(editor: MatteEditor) -> None:
    editor.click(60, 50)
    moved = np.roll(scene(seed=1), (20, 30), axis=(0, 1))
    found = MatteEditor.from_recipe(moved, editor.recipe(), moved)
    assert iou(found.alpha, np.roll(truth(), (20, 30), axis=(0, 1))) > 0.95
    without = scene()
    without[OBJECT] = without[:40, 90:]
    nothing = MatteEditor.from_recipe(without, editor.recipe(), without)
    assert nothing.confidence < 0.5 < found.confidence
    # and what is corrected there is a recipe of its own
    found.click(5, 5, keep=True)
    again = MatteEditor.from_recipe(moved, found.recipe(), moved)
    np.testing.assert_array_equal(again.alpha, found.alpha)


@pytest.mark.parametrize("dimensions", [1, 2, 64, 300])
def test_features_of_any_length_and_grid(dimensions: int) -> None:
    image = scene()
    mix = np.random.default_rng(0).normal(size=(3, dimensions))
    features = (image[::3, ::2] @ mix).astype(np.float64)
    assert iou(MatteEditor(image, features).click(60, 50), truth()) > 0.9


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 2), (7, 3)])
def test_tiny_pictures(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random((*size, 3), dtype=np.float32)
    editor = MatteEditor(image, image)
    alpha = editor.click(0, 0)
    assert alpha.shape == size
    assert alpha[0, 0] > 0.95
    alpha = editor.click(size[1] - 1, size[0] - 1, keep=False)
    assert alpha[-1, -1] < 0.05
    assert editor.box(0, 0, *size[::-1]).shape == size
    again = MatteEditor.from_recipe(image, editor.recipe(), image)
    np.testing.assert_array_equal(again.alpha, editor.alpha)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_flat_picture_holds_what_marks_say(value: float) -> None:
    image = np.full((50, 60, 3), value, np.float32)
    editor = MatteEditor(image, np.zeros((50, 60, 8), np.float32))
    assert editor.click(20, 20)[20, 20] > 0.95
    alpha = editor.click(50, 40, keep=False)
    assert np.isfinite(alpha).all()
    assert alpha[40, 50] < 0.05
    assert alpha[20, 20] > 0.95
    assert np.isfinite(editor.box(5, 5, 30, 30)).all()


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda e: e.click(140, 5), "0 to 139"),
        (lambda e: e.click(5, -1), "must lie in the picture"),
        (lambda e: e.click(float("nan"), 5), "points"),
        (lambda e: e.click(10**400, 5), "points"),
        (lambda e: e.click(5, 5, more=7), "up to 6 parts"),
        (lambda e: e.stroke([]), "one point or more"),
        (lambda e: e.stroke([(1, 2, 3)]), "points"),
        (lambda e: e.stroke([(1, 2)], radius=-1), "radius"),
        (lambda e: e.stroke([(1, 2)], radius=float("inf")), "radius"),
        (lambda e: e.stroke([(1, 2)], radius=10**400), "radius"),
        (lambda e: e.box(10, 10, 10, 50), "cover a pixel"),
        (lambda e: e.box(-50, 0, -10, 50), "cover a pixel"),
        (lambda e: e.box(0, 0, float("inf"), 50), "finite"),
        (lambda e: e.box(0, 0, 10**400, 50), "finite"),
    ],
)
def test_a_bad_step_is_refused_and_changes_nothing(editor: MatteEditor, act, words: str) -> None:
    before = editor.click(60, 50)
    with pytest.raises(ParameterError, match=words):
        act(editor)
    np.testing.assert_array_equal(editor.alpha, before)
    assert len(editor.steps) == 1


def test_bad_pictures_and_features_are_refused() -> None:
    image = scene()
    for features in (np.full((10, 10, 4), np.nan, np.float32), np.zeros((10, 10)), np.zeros((10, 10, 0))):
        with pytest.raises(ParameterError, match="features"):
            MatteEditor(image, features)
    with pytest.raises(ParameterError):
        MatteEditor(image[..., :2], image)
    other = cut_parts(image[:50], image[:50])
    with pytest.raises(ParameterError, match="superpixels"):
        MatteEditor(image, parts=other)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "else"},
        {"version": 2},
        {"steps": [{"kind": "click"}]},
        {"steps": [{"kind": "stroke", "points": [[2.0, 0.5]], "keep": True, "radius": 0.1}]},
        {"steps": [{"kind": "click", "points": [[0.5, 0.5]], "keep": True, "radius": 0.1, "size": 70}]},
        {"steps": [{"kind": "box", "x0": 0.5, "y0": 0.1, "x1": 0.5, "y1": 0.2}]},
        {"thing": {"weights": [1.0], "bias": 0.0, "inside": [1.0, 2.0], "outside": [1.0]}},
        {"thing": {"weights": [float("nan")], "bias": 0.0, "inside": [1.0], "outside": [1.0]}},
        {"picture": {"size": [0, 5], "sha256": ""}},
        {"picture": 5},
        {"matte": {"feather": -1.0}},
        {"edges": "yes"},
        {"model": None},
    ],
)
def test_a_damaged_recipe_is_refused(editor: MatteEditor, change: dict) -> None:
    editor.click(60, 50)
    with pytest.raises(ParameterError):
        MatteEditor.from_recipe(editor.image, {**editor.recipe(), **change}, editor.image)
    with pytest.raises(ParameterError):
        MatteEditor.from_recipe(editor.image, ["no", "recipe"], editor.image)  # type: ignore[arg-type]


def test_features_of_another_length_are_refused(editor: MatteEditor) -> None:
    editor.click(60, 50)
    with pytest.raises(ParameterError, match="3 dimensions, got 2"):
        MatteEditor.from_recipe(scene(seed=3), editor.recipe(), scene(seed=3)[..., :2])


def test_a_large_picture_has_sharp_edges_at_its_own_size() -> None:
    small = scene()
    image = np.ascontiguousarray(small.repeat(12, axis=0).repeat(12, axis=1))
    alpha = MatteEditor(image, small).click(60 * 12, 50 * 12)
    mask = truth().repeat(12, axis=0).repeat(12, axis=1)
    assert alpha.shape == (1200, 1680)
    assert iou(alpha, mask) > 0.98
    assert ((alpha > 0.1) & (alpha < 0.9)).mean() < 0.02


def test_solving_can_be_stopped_at_any_report_and_started_again(editor: MatteEditor) -> None:
    editor.apply(stroke_at([(60, 50)], True, 2, editor.size, click=True))
    count = 0

    def listener(_fraction: float, _stage: str) -> None:
        nonlocal count
        count += 1

    whole = editor.solve(Progress(listener))
    editor.undo()
    editor.apply(stroke_at([(60, 50)], True, 2, editor.size, click=True))
    for last in range(count):
        left = [last]

        def stop(left: list[int] = left) -> bool:
            left[0] -= 1
            return left[0] < 0

        with pytest.raises(Cancelled):
            editor.solve(Progress(cancelled=stop))
    np.testing.assert_array_equal(editor.solve(), whole)


def test_too_little_memory_is_said_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "free_memory", lambda: forecast((100, 140, 3)) - 1)
    with pytest.raises(DeviceError, match="140 x 100"):
        MatteEditor(scene(), scene())


def test_the_forecast_grows_with_the_picture() -> None:
    assert forecast((6000, 8000, 3)) > 48e6 * 12
    assert forecast((60, 80, 3)) < 10e6


def test_the_same_bits_from_any_thread(editor: MatteEditor) -> None:
    alphas = []
    threads = [
        threading.Thread(target=lambda: alphas.append(MatteEditor(editor.image, editor.image).click(60, 50)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(alphas[0], alphas[1])


def test_a_step_from_pixels_is_in_parts_of_the_sides() -> None:
    box = box_at(10, 20, 70, 80, (100, 200))
    assert (box.x0, box.y0, box.x1, box.y1) == (0.05, 0.2, 0.35, 0.8)
    mask = stroke_at([(5, 5), (15, 5)], True, 2, (20, 30)).mask((20, 30))
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max()) == (3, 7)
    assert (columns.min(), columns.max()) == (3, 17)


def test_a_matte_that_was_there_is_corrected_and_comes_back_from_its_recipe(editor: MatteEditor) -> None:
    left = np.zeros((100, 140), np.float32)
    left[:, :70] = 1
    begin = editor.begin_with(left)
    editor.set_steps([begin])
    assert iou(editor.alpha, left > 0.5) > 0.95
    editor.set_steps([begin, stroke_at([(20, 50)], False, 2, editor.size, click=True)])
    assert editor.alpha[50, 20] == 0
    again = MatteEditor.from_recipe(editor.image, json.loads(json.dumps(editor.recipe())), editor.image)
    assert (again.alpha == editor.alpha).all()
    editor.set_steps([begin])
    assert editor.alpha[50, 20] == 1


def test_a_given_matte_of_another_picture_is_refused(editor: MatteEditor) -> None:
    with pytest.raises(ParameterError, match="superpixels"):
        editor.apply(Given(b"123"))
