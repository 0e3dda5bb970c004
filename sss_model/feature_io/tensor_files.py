"""Tensors that other programs saved: one of features in a .safetensors or .pt file. Nothing in them is run."""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from sss_model.errors import FeatureFileError
from sss_model.feature_io.formats import needed
from sss_model.feature_io.stored_array import KEYS, StoredArray, choose

_NUMBERS = ("F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8")
_LARGEST_PICKLE = 1 << 24
_FEW = 4  # tensors; a model has more


def says_features(path: Path) -> bool:
    """Whether a .safetensors, .pt or .pth file has features in it, and not a model's weights."""
    if path.suffix.lower() == ".safetensors":
        with safe_open(path, framework="np") as content:
            shapes = {name: content.get_slice(name).get_shape() for name in content.keys()}  # noqa: SIM118 - no mapping
        wide = [name for name, shape in shapes.items() if len(shape) >= 2]
        return bool(set(KEYS) & set(shapes)) or (len(shapes) <= _FEW and len(wide) == 1)
    storages, words = _pickled(path)
    return storages == 1 or (bool(set(KEYS) & words) and storages <= _FEW)


def from_bfloat16(array: NDArray[Any]) -> NDArray[Any]:
    """`array` of two bytes that are a bfloat16 each as float32."""
    return (np.ascontiguousarray(array).view("<u2").astype(np.uint32) << 16).view(np.float32).reshape(array.shape)


def read_safetensors(path: Path) -> StoredArray:
    """The features of a .safetensors file."""
    with safe_open(path, framework="pt") as content:
        slices = {name: content.get_slice(name) for name in content.keys()}  # noqa: SIM118 - no mapping
        kinds = {name: (tuple(part.get_shape()), str(part.get_dtype())) for name, part in slices.items()}
        there = {name: f"{shape} {kind}" for name, (shape, kind) in kinds.items()}
        able = [name for name, (shape, kind) in kinds.items() if len(shape) >= 2 and kind in _NUMBERS]
        name = choose(path, there, able)
        if kinds[name][1] not in _NUMBERS:
            raise FeatureFileError(f"{path} holds {name} as {kinds[name][1]}; expected floats.", hint="Save float32.")
        return StoredArray(_array(content.get_tensor(name)))


def read_torch(path: Path) -> StoredArray:
    """The features that torch.save wrote: a tensor, or the one in a dictionary or list."""
    torch = needed("torch", "PyTorch")
    content = torch.load(path, map_location="cpu", weights_only=True)
    if isinstance(content, torch.Tensor):
        return StoredArray(_array(content))
    if isinstance(content, list | tuple):
        content = dict(enumerate(content))
    tensors = (
        {str(k): v for k, v in content.items() if isinstance(v, torch.Tensor)} if isinstance(content, Mapping) else {}
    )
    there = {name: f"{tuple(tensor.shape)} {tensor.dtype}" for name, tensor in tensors.items()}
    name = choose(path, there, [name for name, tensor in tensors.items() if tensor.ndim >= 2])
    return StoredArray(_array(tensors[name]))


def _array(tensor: Any) -> NDArray[Any]:
    tensor = tensor.detach()
    return np.asarray((tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy())


def _pickled(path: Path) -> tuple[int, set[str]]:
    """How many tensors a file of torch.save holds, and the texts beside them, with nothing loaded."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        pickle = next(name for name in names if name.endswith("/data.pkl"))
        if archive.getinfo(pickle).file_size > _LARGEST_PICKLE:
            return len(names), set()
        content = archive.read(pickle)
    folder = pickle.removesuffix("data.pkl") + "data/"
    words = {argument for _, argument, _ in pickletools.genops(content) if isinstance(argument, str)}
    return sum(name.startswith(folder) for name in names), words
