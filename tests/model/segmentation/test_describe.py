"""Layers in words: colours by what people call them, places by where they lie."""

from __future__ import annotations

import numpy as np
import pytest

from sss_model.segmentation.describe import WORDS, colour_words, describe_layers


@pytest.mark.parametrize(
    ("colour", "word"),
    [
        ((0, 0, 0), "black"), ((1, 1, 1), "white"), ((0.5, 0.5, 0.5), "grey"), ((0.2, 0.2, 0.21), "dark grey"),
        ((1, 0, 0), "red"), ((0.45, 0.05, 0.05), "dark red"), ((1, 0.5, 0), "orange"), ((1, 1, 0), "yellow"),
        ((0.1, 0.4, 0.1), "dark green"), ((0.1, 0.8, 0.2), "green"), ((0, 0.6, 0.6), "cyan"),
        ((0.1, 0.1, 0.5), "dark blue"), ((0.2, 0.5, 0.9), "blue"), ((0.6, 0.8, 0.95), "light blue"),
        ((0.6, 0, 0.7), "purple"), ((1, 0.6, 0.75), "light pink"), ((0.5, 0.3, 0.15), "brown"),
        ((0.9, 0.85, 0.7), "beige"),
    ],
)  # fmt: skip
def test_colours_are_called_what_people_call_them(colour, word):
    assert WORDS[colour_words(np.array([colour], np.float32))[0]] == word


def halves(axis: int, first: tuple[float, float, float], second: tuple[float, float, float]):
    image = np.zeros((40, 60, 3), np.float32) + np.array(first, np.float32)
    half = np.s_[:, 30:] if axis else np.s_[20:]
    image[half] = second
    alphas = np.zeros((40, 60, 2), np.uint8)
    alphas[..., 0] = 255
    alphas[(*half, 0) if axis else (half, slice(None), 0)] = 0
    alphas[..., 1] = 255 - alphas[..., 0]
    return image, alphas


def test_places_are_where_layers_lie():
    assert describe_layers(*halves(1, (0.1, 0.4, 0.1), (1, 1, 1))) == ("left, dark green", "right, white")
    assert describe_layers(*halves(0, (0.2, 0.5, 0.9), (0.5, 0.3, 0.15))) == ("top, blue", "bottom, brown")


def test_what_is_everywhere_and_what_is_in_its_middle():
    alphas = np.zeros((60, 60, 2))
    alphas[25:35, 25:35, 1] = 1
    alphas[..., 0] = 1 - alphas[..., 1]
    image = np.where(alphas[..., 1:] > 0, (1.0, 0.0, 0.0), (0.5, 0.5, 0.5))
    assert describe_layers(image, alphas) == ("all over, grey", "middle, red")


def test_two_of_a_kind_are_told_apart_and_an_empty_one_is_said():
    alphas = np.zeros((20, 20, 3))
    alphas[:, :5, 0], alphas[:, 5:10, 1] = 1, 1
    assert describe_layers(np.zeros((20, 20, 3)), alphas) == ("left, black", "left, black 2", "nothing")


def test_the_colour_is_what_most_of_a_layer_has_not_its_mean():
    image = np.zeros((10, 10, 3), np.float32)
    image[:, :6], image[:, 6:] = (1, 0, 0), (0, 0, 1)
    assert describe_layers(image, np.ones((10, 10, 1)))[0] == "all over, red", "not purple"


def test_any_size_goes():
    for shape in ((1, 1), (1, 9), (7, 1), (900, 1200)):
        assert len(describe_layers(np.zeros((*shape, 3), np.float32), np.ones((*shape, 2), np.uint8))) == 2
