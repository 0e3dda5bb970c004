"""Layers in colours over the grey picture, and the figure of several methods."""

from __future__ import annotations

import numpy as np

from sss_model.analysis.segment_pictures import layer_overlay, write_comparison
from sss_model.image_io import read_image, to_picture
from sss_model.layer_io.labels import ALPHABET


def test_a_layer_has_its_colour_half_over_the_grey_picture():
    image = np.zeros((2, 3, 3), np.float32)
    image[1] = 1.0
    alphas = np.zeros((2, 3, 2), np.float32)
    alphas[:, 0, 0], alphas[:, 1, 1], alphas[:, 2] = 1, 1, 0.5
    picture = layer_overlay(image, alphas)
    colours = ALPHABET.astype(float)
    for row, grey in enumerate((0, 255)):
        mixed = [colours[0], colours[1], (colours[0] + colours[1]) / 2]
        np.testing.assert_allclose(picture[row], [0.5 * grey + 0.5 * colour for colour in mixed], atol=1)


def test_colours_differ_and_begin_again_after_the_alphabet():
    assert len({tuple(colour) for colour in ALPHABET.tolist()}) == len(ALPHABET) == 26
    alphas = np.eye(27, dtype=np.float32)[None]
    picture = layer_overlay(np.zeros((1, 27, 3), np.float32), alphas)
    np.testing.assert_array_equal(picture[0, 26], picture[0, 0])


def test_the_figure_has_its_pictures_side_by_side_under_their_titles(tmp_path):
    panels = [("image", np.full((20, 30, 3), 10, np.uint8)), ("ours", np.full((20, 30, 3), 200, np.uint8))]
    write_comparison(tmp_path / "a.png", panels)
    figure = to_picture(read_image(tmp_path / "a.png"))
    assert figure.shape == (38, 68, 3)
    assert (figure[18:, :30] == 10).all()
    assert (figure[18:, 38:] == 200).all()
    assert (figure[18:, 30:38] == 255).all()
    assert (figure[:18, :30] < 255).any()


def test_a_large_picture_is_reduced(tmp_path):
    write_comparison(tmp_path / "a.png", [("image", np.zeros((900, 1600, 3), np.uint8))])
    assert read_image(tmp_path / "a.png").shape == (180 + 18, 320, 3)
