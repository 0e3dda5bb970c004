"""The simulated user, and what a classifier of the features finds from its clicks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_sets import folder_set, open_set, small_params

from sss_model.datasets.pair_sampling import UNKNOWN, VOID
from sss_model.network.build import build_network
from sss_model.training.click_probe import CLICKS, click_probe, probe_objects
from sss_model.training.validation import validate

SIZE = (40, 60)


def _disc(row: float, column: float, radius: float) -> np.ndarray:
    rows, columns = np.ogrid[: SIZE[0], : SIZE[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


def _features(thing: np.ndarray, noise: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (np.dstack([thing, ~thing]) + noise * rng.standard_normal((*thing.shape, 2))).astype(np.float32)


def test_features_that_tell_the_thing_need_one_click_and_noise_none_helps() -> None:
    thing = _disc(20, 25, 9)
    assert click_probe(_features(thing, 0.0), thing) == [1.0] * CLICKS
    clear, noisy, hopeless = (click_probe(_features(thing, noise), thing) for noise in (0.1, 0.6, 50.0))
    assert clear[-1] > 0.95 > noisy[-1] > hopeless[-1]
    assert hopeless[-1] < 0.35
    assert clear == click_probe(_features(thing, 0.1), thing), "it repeats"


def test_a_click_on_the_second_part_finds_it() -> None:
    """Two halves of one thing look different: the first click knows one of them, the second click names the other."""
    left, right = _disc(20, 15, 8), _disc(20, 45, 5)
    features = np.dstack([left, right, ~(left | right)]).astype(np.float32)
    found = click_probe(features, left | right)
    assert found[0] == pytest.approx(left.sum() / (left | right).sum())
    assert found[1:] == [1.0] * (CLICKS - 1)


def test_a_click_on_a_look_alike_takes_it_away() -> None:
    """A second thing with features almost like the first one's is found with it until the user clicks there."""
    thing, other = _disc(20, 15, 8), _disc(20, 45, 6)
    features = np.dstack([thing + other, 0.4 * other, ~(thing | other)]).astype(np.float32)
    found = click_probe(features, thing)
    assert found[0] == pytest.approx(thing.sum() / (thing | other).sum())
    assert found[-1] == 1.0


def test_the_border_stands_for_the_rest_where_it_is_least_like_the_click() -> None:
    """A thing over two fifths of the border keeps its part of it: the other half counts as the rest."""
    thing = np.zeros(SIZE, bool)
    thing[:, :22] = True
    assert click_probe(_features(thing, 0.05), thing)[0] > 0.95


def test_what_is_not_counted_is_neither_clicked_nor_scored() -> None:
    thing = _disc(20, 25, 9)
    counted = ~_disc(20, 47, 8)
    features = _features(thing | ~counted, 0.0)
    assert click_probe(features, thing)[0] < 0.7
    assert click_probe(features, thing, counted) == [1.0] * CLICKS


def test_things_too_small_or_too_large_are_left_out() -> None:
    regions = np.full(SIZE, 7, np.int32)
    regions[:2, :2] = 3
    features = np.zeros((*SIZE, 2), np.float32)
    assert probe_objects(features, regions, [7, 3], most=3) is None
    assert probe_objects(features, regions, [], most=3) is None
    regions[10:20, 10:20] = 4
    regions[20:, 30:] = UNKNOWN
    regions[:, 50:] = VOID
    features[regions == 4] = 1
    assert probe_objects(features, regions, [7, 4, 3], most=1) == probe_objects(features, regions, [7], most=1)
    assert probe_objects(features, regions, [4, 3], most=3) == (1.0, 1.0)


@pytest.mark.parametrize("kind", ["inst", "obj", "folder"])
def test_validation_clicks_where_a_set_knows_things(kind: str, tmp_path: Path) -> None:
    import torch

    data = open_set(folder_set(tmp_path / "set", 3))
    data.kind, data.void = kind, (255, 0)
    torch.manual_seed(0)
    network = build_network(small_params().network)
    score = validate(network, [data], images=3, longest=64, device=torch.device("cpu"))[data.name]
    assert score.images == 3
    assert (score.clicks is None) == (score.click is None) == (kind == "folder")
    assert "IoU after 1 click" not in str(score) if kind == "folder" else 0 < score.clicks <= 1
