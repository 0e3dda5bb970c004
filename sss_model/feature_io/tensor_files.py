"""Tensors that other programs saved: one of features in a .safetensors or .pt file. Nothing in them is run."""

from __future__ import annotations

import json
import pickletools
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import FeatureFileError
from sss_model.feature_io.formats import needed
from sss_model.feature_io.stored_array import KEYS, StoredArray, choose

_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U8": "u1",
}  # fmt: skip
_LARGEST_HEADER = 1 << 24
_FEW = 4  # tensors; a model has more


def says_features(path: Path) -> bool:
    """Whether a .safetensors, .pt or .pth file has features in it, and not a model's weights."""
    if path.suffix.lower() == ".safetensors":
        header = _header(path)[0]
        wide = [name for name, entry in header.items() if len(entry["shape"]) >= 2]
        return bool(set(KEYS) & set(header)) or (len(header) <= _FEW and len(wide) == 1)
    storages, words = _pickled(path)
    return storages == 1 or (bool(set(KEYS) & words) and storages <= _FEW)


def from_bfloat16(array: NDArray[Any]) -> NDArray[Any]:
    """`array` of two bytes that are a bfloat16 each as float32."""
    return (np.ascontiguousarray(array).view("<u2").astype(np.uint32) << 16).view(np.float32).reshape(array.shape)


def read_safetensors(path: Path) -> StoredArray:
    """The features of a .safetensors file."""
    header, start = _header(path)
    there = {name: f"{tuple(entry['shape'])} {entry['dtype']}" for name, entry in header.items()}
    able = [name for name, entry in header.items() if len(entry["shape"]) >= 2 and entry["dtype"] in _TYPES]
    name = choose(path, there, able)
    entry = header[name]
    if entry["dtype"] not in _TYPES:
        raise FeatureFileError(f"{path} holds {name} as {entry['dtype']}; expected floats.", hint="Save float32.")
    first, end = (int(place) for place in entry["data_offsets"])
    kind, shape = np.dtype(_TYPES[entry["dtype"]]), tuple(int(side) for side in entry["shape"])
    count = int(np.prod(shape, dtype=np.int64))
    if end - first != count * kind.itemsize or min(shape, default=0) < 0 or first < 0:
        raise FeatureFileError(
            f"{path} is damaged: {name} has other bytes than its shape needs.", hint="Save it again."
        )
    array = np.fromfile(path, kind, count, offset=start + first)
    if array.size != count:
        raise FeatureFileError(f"{path} ends before its features do.", hint="Copy or export it again.")
    array = array.reshape(shape)
    return StoredArray(from_bfloat16(array) if entry["dtype"] == "BF16" else array)


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The tensors' descriptions by name, and where their bytes start."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > _LARGEST_HEADER:
            raise ValueError("the header is too long")
        content = json.loads(file.read(length))
    content.pop("__metadata__", None)
    return content, 8 + length


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
        if archive.getinfo(pickle).file_size > _LARGEST_HEADER:
            return len(names), set()
        content = archive.read(pickle)
    folder = pickle.removesuffix("data.pkl") + "data/"
    words = {argument for _, argument, _ in pickletools.genops(content) if isinstance(argument, str)}
    return sum(name.startswith(folder) for name in names), words
