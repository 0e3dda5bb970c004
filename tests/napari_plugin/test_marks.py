"""What points and painted labels become, without napari."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from sss_gui.napari.marks import DROP, KEEP, in_order, marks_of, picture_of, strokes
from sss_model.errors import ParameterError
from sss_model.matting import MatteEditor, Stroke

ROOT = Path(__file__).resolve().parents[2]
NONE = np.zeros((0, 2))


@pytest.mark.parametrize(
    ("data", "rgb", "limits", "expected"),
    [
        (np.full((2, 3, 3), 255, np.uint8), True, (0, 255), 1.0),
        (np.full((2, 3, 4), 13107, np.uint16), True, (0, 65535), 0.2),
        (np.full((2, 3, 3), 0.25, np.float64), True, (0, 1), 0.25),
        (np.full((2, 3), 300, np.int16), False, (100, 500), 0.5),
        (np.full((2, 3), 900, np.int16), False, (100, 500), 1.0),
    ],
)
def test_a_layers_pixels_are_colours_from_0_to_1(data, rgb, limits, expected):
    picture = picture_of(data, rgb, limits)
    assert (picture.shape, picture.dtype) == ((2, 3, 3), np.float32)
    np.testing.assert_allclose(picture, expected, atol=1e-6)


def test_a_stack_is_no_picture():
    with pytest.raises(ParameterError, match=r"must be \(H, W\), or \(H, W, 3\) in colours; got \(5, 4, 3\)"):
        picture_of(np.zeros((5, 4, 3)), False, (0, 1))


@pytest.mark.parametrize("radius", [1, 4, 11])
def test_strokes_cover_what_is_painted_and_little_else(radius):
    painted = np.zeros((120, 160), np.uint8)
    line = np.array([(20, 20), (60, 80), (120, 40), (140, 100)])
    cv2.polylines(painted, [line], False, KEEP, 2 * radius)
    cv2.circle(painted, (30, 100), radius, DROP, -1)
    found = strokes(painted)
    assert {step.keep for step in found} == {True, False}
    for value, keep in ((KEEP, True), (DROP, False)):
        covered = np.any([step.mask(painted.shape) for step in found if step.keep == keep], axis=0)
        wanted = painted == value
        assert (covered & wanted).sum() > 0.9 * wanted.sum()
        near = cv2.distanceTransform((~wanted).astype(np.uint8), cv2.DIST_L2, 5) <= 1.5 + radius / 3
        assert not (covered & ~near).any()


def test_strokes_do_not_cross_what_is_not_painted():
    painted = np.zeros((60, 60), np.uint8)
    cv2.ellipse(painted, (30, 30), (20, 20), 0, 0, 300, KEEP, 3)
    covered = np.any([step.mask(painted.shape) for step in strokes(painted)], axis=0)
    assert not covered[25:35, 25:35].any()


def test_nothing_marked_is_no_step_and_points_outside_are_left_out():
    assert marks_of(NONE, np.array([[-5.0, 3.0]]), np.zeros((10, 12), np.uint8), (10, 12)) == []


def test_what_was_said_first_stays_first():
    size, nothing = (40, 50), np.zeros((40, 50), np.uint8)
    first = marks_of(np.array([[10.0, 10.0]]), NONE, nothing, size)
    both = marks_of(np.array([[20.0, 30.0], [10.0, 10.0]]), NONE, nothing, size)
    assert in_order(first, both) == [both[1], both[0]]
    assert in_order(both, first) == first, "what was taken away is gone"
    twice = [*first, *first]
    assert in_order(first, twice) == twice, "a second click at one place means more"


def test_points_and_paint_make_the_matte_that_the_editor_makes():
    image = np.full((60, 80, 3), 0.2, np.float32)
    image[20:40, 30:60] = (0.9, 0.5, 0.1)
    editor = MatteEditor(image, image)
    editor.set_steps(marks_of(np.array([[30.0, 45.0]]), NONE, np.zeros((60, 80), np.uint8), editor.size))
    np.testing.assert_array_equal(editor.alpha, MatteEditor(image, image).click(45, 30))
    assert isinstance(editor.steps[0], Stroke)


def test_the_manifest_names_what_there_is():
    manifest = yaml.safe_load((ROOT / "sss_gui" / "napari" / "napari.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert manifest["name"] == project["name"]
    assert project["entry-points"]["napari.manifest"] == {project["name"]: "sss_gui.napari:napari.yaml"}
    [command] = manifest["contributions"]["commands"]
    [widget] = manifest["contributions"]["widgets"]
    assert widget["command"] == command["id"]
    module, _, name = command["python_name"].partition(":")
    tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
