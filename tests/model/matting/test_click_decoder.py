"""The click decoder: which features it knows, what it makes of marks, how it is taught and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import train_decoder as train
from PIL import Image

from sss_model.matting import MatteEditor, Parts, cut_parts
from sss_model.matting.click_decoder import (
    CELLS,
    COLOUR,
    COMPONENTS,
    DIMENSIONS,
    ClickDecoder,
    Prompt,
    prompt_planes,
    read_decoder,
    shipped_decoder,
)

THING = (slice(30, 70), slice(40, 100))


def scene(height: int = 100, width: int = 140) -> tuple[np.ndarray, np.ndarray]:
    """A picture, and features as the shipped model's lie, of a thing and the ground."""
    rng = np.random.default_rng(0)
    image = np.full((height, width, 3), 0.4, np.float32)
    kinds = rng.normal(size=(2, COMPONENTS))
    components = np.tile(kinds[0], (height, width, 1))
    image[THING], components[THING] = (0.8, 0.5, 0.2), kinds[1]
    components += 0.1 * rng.normal(size=components.shape)
    net = shipped_decoder()
    features = net.mean.numpy() + components @ np.linalg.pinv(net.axes.numpy())
    image += rng.normal(0, 0.02, image.shape).astype(np.float32)
    return image.clip(0, 1), features.astype(np.float32)


@pytest.fixture(scope="module")
def parts() -> Parts:
    return cut_parts(*scene())


def test_only_features_like_the_models_are_known(parts) -> None:
    image, features = scene()
    assert parts.embedding is not None
    turned = features @ np.linalg.qr(np.random.default_rng(1).normal(size=(DIMENSIONS, DIMENSIONS)))[0]
    for strange in (image, turned.astype(np.float32), features * 10, features[..., :64]):
        assert cut_parts(image, strange).embedding is None


def test_marks_draw_the_odds_their_way(parts) -> None:
    inside, outside = parts.labels[50, 70], parts.labels[10, 10]
    thing = np.bincount(parts.labels[THING].ravel(), minlength=parts.count) > 0
    odds = []
    for keep, drop in ((inside, outside), (outside, inside)):
        marks = np.zeros(parts.count, np.int8)
        marks[keep], marks[drop] = 1, -1
        odds.append(parts.embedding.odds(marks, np.array([keep]), True, None, False))
    assert odds[0].shape == (parts.count,)
    for found, side in zip(odds, (thing, ~thing), strict=True):
        assert found[side].mean() > found[~side].mean() + 2


def test_it_has_a_say_in_what_a_click_takes(parts) -> None:
    image, _ = scene()
    alone = MatteEditor(image, parts=cut_parts(image, scene()[1]))
    alone.parts.__dict__["embedding"] = None
    alone.click(70, 50)
    together = MatteEditor(image, parts=parts)
    together.click(70, 50)
    assert (together.quick[THING] > 0.5).mean() > 0.95
    assert (together.state.alpha != alone.state.alpha).any()


def test_the_same_bits_with_any_number_of_threads(parts) -> None:
    before, found = torch.get_num_threads(), []
    marks = np.zeros(parts.count, np.int8)
    marks[10] = 1
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            found.append(parts.embedding.odds(marks, np.array([10]), True, np.linspace(0, 1, parts.count), False))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("size", [(1, 40), (40, 1), (3, 3)])
def test_tiny_pictures_of_known_features(size: tuple[int, int]) -> None:
    image, features = scene()
    rows = slice(30, 30 + size[0]), slice(20, 20 + size[1])
    editor = MatteEditor(image[rows], features[rows])
    assert editor.parts.embedding is not None
    assert editor.click(0, 0).shape == size


def test_planes_say_where_the_marks_are_and_what_is_like_them() -> None:
    rng = np.random.default_rng(0)
    components, colours = (rng.normal(size=(6, 8, n)).astype(np.float32) for n in (COMPONENTS, 3))
    none = np.zeros((6, 8), np.float32)
    keep = none.copy()
    keep[2, 3] = 1
    planes, said = prompt_planes(components, colours, Prompt(keep, none, keep, 1.0, None, False))
    np.testing.assert_array_equal(planes[0], keep)
    assert planes[2].argmax() == planes[6].argmax() == 2 * 8 + 3
    assert planes[11].argmin() == planes[14].argmin() == 2 * 8 + 3
    other = np.linalg.norm(components[5, 7] - components[2, 3]) / COMPONENTS**0.5
    assert planes[11, 5, 7] == pytest.approx(other, abs=1e-3)
    assert planes[14, 5, 7] == pytest.approx(COLOUR * np.linalg.norm(colours[5, 7] - colours[2, 3]), abs=1e-3)
    np.testing.assert_allclose(said[:COMPONENTS], components[2, 3], atol=1e-5)


def test_norms_that_help_to_teach_are_in_the_plain_weights() -> None:
    torch.manual_seed(0)
    net = train.normed(ClickDecoder())
    inputs = torch.randn(2, 24, 12, 16), torch.randn(2, 17, 12, 16), torch.randn(2, 4 * COMPONENTS + 2)
    for _ in range(5):
        net.train()(*inputs)
    with torch.no_grad():
        torch.testing.assert_close(train.plain(net)(*inputs), net.eval()(*inputs), atol=1e-4, rtol=1e-4)


def thing_example(rng: np.random.Generator) -> train.Example:
    labels = np.zeros((100, 140), np.uint8)
    labels[THING] = 7
    components = rng.normal(size=(50, 70, COMPONENTS)).astype(np.float16)
    picture = train.Picture(components, rng.random((100, 140, 3)).astype(np.float16), labels, (7,))
    found = train.example(picture, 7, (48, CELLS), None)
    assert found is not None
    return found


def test_teaching_that_goes_on_begins_with_norms_that_change_nothing() -> None:
    example = thing_example(np.random.default_rng(0))
    train.click(example, None)
    net = ClickDecoder()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    after = train.plain(train.settled(train.normed(net), [example])).state_dict()
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, atol=1e-5, rtol=1e-4)


def test_a_matte_that_is_nearly_right_is_wrong_in_one_place() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        example = thing_example(rng)
        train.nearly_right(example, rng)
        wrong = np.abs(example.now.before - example.truth) > 0.5
        assert wrong.mean() < 0.2
        assert train.click(example, None) == bool(train.depth(wrong).max() > 0)


def test_a_decoder_is_taught_and_written(tmp_path: Path, monkeypatch) -> None:
    image, features = scene()
    folder, kept, out = tmp_path / "set", tmp_path / "kept", tmp_path / "decoder.safetensors"
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    kept.mkdir()
    labels = np.zeros(image.shape[:2], np.uint8)
    labels[THING] = 7
    for name in "abcdefghijkl":
        Image.fromarray((image * 255).astype(np.uint8)).save(folder / "images" / f"{name}.jpg", quality=95)
        Image.fromarray(labels).save(folder / "labels" / f"{name}.png")
        np.save(kept / f"set-{name}.npy", features.astype(np.float16))
    monkeypatch.setattr(train, "BATCH", 2)
    call = ["x", str(folder), "--features", str(kept), "--updates", "6", "--out", str(out)]
    monkeypatch.setattr("sys.argv", call)
    assert train.main() == 0
    net = read_decoder(out)
    rows = (features.reshape(-1, DIMENSIONS) - net.mean.numpy()) @ net.axes.numpy()
    assert (rows**2).mean() == pytest.approx(1, rel=0.1)
    assert out.stat().st_size < 1_500_000
    assert 0 < net.enter.weight.std() < 1
    further = tmp_path / "further.safetensors"
    monkeypatch.setattr("sys.argv", [*call[:-1], str(further), "--start", str(out), "--rate", "1e-7"])
    assert train.main() == 0
    moved = read_decoder(further).logits.weight - net.logits.weight
    assert moved.abs().max() < 0.2 * net.logits.weight.abs().max(), "it went on from there"


def test_a_part_has_the_proportions_of_its_cells() -> None:
    inside = np.zeros((90, 300), bool)
    inside[20:60, 200:290] = True
    for seed in range(20):
        (y0, y1), (x0, x1) = train.window(inside, (CELLS, 48), np.random.default_rng(seed))
        assert 0 <= y0 < y1 <= 90
        assert 0 <= x0 < x1 <= 300
        proportion = (y1 - y0) / (x1 - x0) * 48 / CELLS
        assert 1 / train.STRETCH - 1e-6 <= proportion <= train.STRETCH + 1e-6
