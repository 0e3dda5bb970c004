"""Tokens of transformers as they are saved, and tensors in PyTorch's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from feature_files import some
from PIL import Image

from sss_model.errors import FeatureFileError
from sss_model.feature_io import holds_features, read_features
from sss_model.files.inputs import read_input


def photo(folder: Path, height: int, width: int) -> None:
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(folder / "photo.png")


@pytest.mark.parametrize("prefix", [0, 1, 4, 5])
@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize(("size", "grid"), [((336, 448), (24, 32)), ((448, 336), (32, 24)), ((518, 518), (37, 37)),
                                           ((375, 500), (26, 35))])  # fmt: skip
def test_tokens_become_their_grid(
    tmp_path: Path, prefix: int, axes: int, size: tuple[int, int], grid: tuple[int, int]
) -> None:
    photo(tmp_path, *size)
    patches = some(*grid, 6)
    tokens = np.concatenate([np.full((prefix, 6), 99, np.float32), patches.reshape(-1, 6)])
    np.save(tmp_path / "photo.npy", tokens[None] if axes == 3 else tokens)
    opened = read_input(tmp_path / "photo.npy")
    np.save(tmp_path / "grid.npy", patches)
    expected = read_features(tmp_path / "grid.npy", image=tmp_path / "photo.png", axis_order="hwD")
    np.testing.assert_array_equal(opened.features, expected.features)
    before = f", {prefix} before them left out" if prefix else ""
    assert opened.metadata["tokens"] == f"tokens taken as {grid[0]} x {grid[1]} patches{before}"
    by_layout = read_input(tmp_path / "photo.npy", layout="tokens")
    np.testing.assert_array_equal(by_layout.features, opened.features)


def test_tokens_that_are_no_grid_or_have_no_picture(tmp_path: Path) -> None:
    np.save(tmp_path / "photo.npy", np.zeros((1, 997, 8), np.float32))
    with pytest.raises(FeatureFileError, match=r"holds 997 tokens, whose grid is found by their picture's proportions"):
        read_features(tmp_path / "photo.npy")
    photo(tmp_path, 336, 448)
    with pytest.raises(FeatureFileError, match="holds 997 tokens, which with up to 9 before the patches are no grid"):
        read_features(tmp_path / "photo.npy")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("kind", ["tensor.pt", "dictionary.pth", "features.safetensors", "single.safetensors"])
def test_tensors_of_other_programs(tmp_path: Path, kind: str, dtype: torch.dtype) -> None:
    values = torch.from_numpy(some(24, 32, 6)).to(dtype)
    path = tmp_path / f"photo{Path(kind).suffix}"
    content: object = {"features": values, "scale": torch.ones(1)} if kind in ("dictionary.pth",) else values
    if path.suffix == ".safetensors":
        safetensors.torch.save_file({"features" if "features" in kind else "x": values}, path)
    else:
        torch.save(content, path)
    photo(tmp_path, 24, 32)
    assert holds_features(path)
    np.testing.assert_array_equal(read_input(path).features, values.float().numpy())


def test_models_are_no_features_and_damage_is_a_sentence(tmp_path: Path) -> None:
    state = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Conv2d(3, 4, 3)).state_dict()
    torch.save(state, tmp_path / "model.pt")
    safetensors.torch.save_file(state, tmp_path / "model.safetensors")
    for name in ("model.pt", "model.safetensors", "missing.pt"):
        assert not holds_features(tmp_path / name)
    values = torch.zeros(4, 5, 6)
    for name in ("a.pt", "a.safetensors"):
        path = tmp_path / name
        torch.save(values, path) if path.suffix == ".pt" else safetensors.torch.save_file({"x": values}, path)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        with pytest.raises(FeatureFileError, match=r"damaged|ends before"):
            read_features(path)


def test_bfloat16_of_numpy(tmp_path: Path) -> None:
    values = torch.from_numpy(some(24, 32, 6)).bfloat16()
    np.save(tmp_path / "photo.npy", values.view(torch.uint16).numpy().view("V2"))
    photo(tmp_path, 24, 32)
    np.testing.assert_array_equal(read_input(tmp_path / "photo.npy").features, values.float().numpy())


@pytest.mark.parametrize(("shape", "layout"), [((0, 0), None), ((0, 8), None), ((), "tokens"), ((5,), "tokens")])
def test_no_tokens_at_all(tmp_path: Path, shape: tuple[int, ...], layout: str | None) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape, np.float32))
    with pytest.raises(FeatureFileError, match=r"of the shape .*; tokens are \(N, D\) or \(1, N, D\)"):
        read_features(tmp_path / "a.npy", image=np.zeros((28, 42, 3), np.float32), axis_order=layout)
