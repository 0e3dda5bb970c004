"""Arrays from MATLAB and Octave: v5 to v7 by scipy, v7.3 and Octave's HDF5 by h5py, and Octave's text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from sss_model.errors import FeatureFileError
from sss_model.feature_io.formats import needed
from sss_model.feature_io.mat_elements import check_elements
from sss_model.feature_io.stored_array import StoredArray, choose, stored

_NUMBERS = ("double", "single", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_OCTAVE_NUMBERS = ("matrix", "float matrix", *(f"{name} matrix" for name in _NUMBERS if "int" in name))
_SAVE = "Save it with save -v7."


def read_matlab(path: Path) -> StoredArray:
    with open(path, "rb") as file:
        head = file.read(520)
    if head[512:520] == b"\x89HDF\r\n\x1a\n" or head[:8] == b"\x89HDF\r\n\x1a\n":
        return _read_mat73(path)
    if head.startswith((b"Octave-1-L", b"Octave-1-B", b"\x1f\x8b")):
        raise FeatureFileError(
            f"{path} is a file of Octave's own binary or zipped kind, which is not read.", hint=_SAVE
        )
    if head.startswith(b"# "):
        return _read_octave_text(path)
    scipy_io = needed("scipy.io", "MATLAB")
    check_elements(path)
    listing = {name: (shape, kind) for name, shape, kind in scipy_io.whosmat(path)}
    there = {name: f"{shape} {kind}" for name, (shape, kind) in listing.items()}
    able = [name for name, (shape, kind) in listing.items() if kind in _NUMBERS and len(shape) >= 3]
    key = choose(path, there, able)
    loaded = scipy_io.loadmat(path, variable_names=[key, "metadata"])
    array = np.asarray(loaded[key]) if listing[key][1] in _NUMBERS else np.empty(0, object)
    if array.dtype.kind == "O":
        raise FeatureFileError(f"{path} holds a {listing[key][1]} in {key}; expected an array of numbers.")
    text = "".join(np.asarray(loaded.get("metadata", "")).ravel().astype(str)) if key != "metadata" else ""
    return stored(array, text, "HWD" if key == "embedmap" else None)


def _read_mat73(path: Path) -> StoredArray:
    """HDF5 of MATLAB (class as an attribute), of Octave (a group of type and value), or of any other program."""
    h5py = needed("h5py", "MATLAB v7.3")
    with h5py.File(path, "r") as file:
        sets = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset)}
        octave = {
            name for name, item in file.items() if isinstance(item, h5py.Group) and {"type", "value"} <= set(item)
        }
        sets |= {name: file[name]["value"] for name in octave if isinstance(file[name]["value"], h5py.Dataset)}
        there = {name: f"{item.shape[::-1]} {item.dtype}" for name, item in sets.items()}
        able = [name for name, item in sets.items() if item.dtype.kind in "fiu" and item.ndim >= 3]
        key = choose(path, there, able)
        array = np.asarray(sets[key][()])
        column_major = key in octave or "MATLAB_class" in sets[key].attrs
        text = ""
        if "metadata" in sets and sets["metadata"].dtype == np.uint16:
            text = sets["metadata"][()].astype("<u2").tobytes().decode("utf-16-le", "replace")
    if column_major:  # MATLAB and Octave store their axes reversed; h5py on its own does not
        array = array.transpose()
    return stored(array, text, "HWD" if key == "embedmap" and column_major else None, reversible=not column_major)


@dataclass(frozen=True)
class _TextVariable:
    """What the head of a variable in Octave's text says: its type, its axes, and where its numbers begin."""

    kind: str
    shape: tuple[int, ...]
    start: int


def _read_octave_text(path: Path) -> StoredArray:
    """Octave's default `save`: each variable a head of comments, then of three axes one number a line, rows fastest."""
    with open(path, "rb") as file:
        listing = _octave_listing(file)
        there = {name: f"{variable.shape} {variable.kind}" for name, variable in listing.items()}
        able = [name for name, v in listing.items() if v.kind in _OCTAVE_NUMBERS and len(v.shape) >= 3]
        key = choose(path, there, able)
        variable = listing[key]
        if variable.kind not in _OCTAVE_NUMBERS or len(variable.shape) < 3:
            raise FeatureFileError(
                f"{path} holds a {variable.kind} of the shape {variable.shape} in {key}; expected 3 axes of numbers.",
                hint=_SAVE,
            )
        file.seek(variable.start)
        count = math.prod(variable.shape)
        values = np.loadtxt(file, np.float64, comments="#", max_rows=count, ndmin=1) if count else np.empty(0)
    if values.shape != (count,):
        raise FeatureFileError(f"{path} ends after {values.size} of {count} numbers in {key}.", hint=_SAVE)
    return stored(values.reshape(variable.shape, order="F"), "", "HWD" if key == "embedmap" else None)


def _octave_listing(file: IO[bytes]) -> dict[str, _TextVariable]:
    """Every named variable of Octave's text; numbers are passed over."""
    listing: dict[str, _TextVariable] = {}
    head: dict[str, str] = {}
    shape: tuple[int, ...] = ()
    dimensions_next = False
    while line := file.readline():
        if line.startswith(b"# "):
            word, _, value = line[2:].decode("utf-8", "replace").partition(":")
            head = {} if word == "name" else head
            head[word] = value.strip()
            dimensions_next = word == "ndims"
            shape = (int(head["rows"]), int(head["columns"])) if {"rows", "columns"} <= set(head) else ()
        elif dimensions_next:
            shape = tuple(int(number) for number in line.split())
            dimensions_next = False
        else:
            continue
        listing[head.get("name", "")] = _TextVariable(head.get("type", "variable"), shape, file.tell())
    listing.pop("", None)
    return listing
