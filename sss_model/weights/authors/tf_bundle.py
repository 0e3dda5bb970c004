"""TensorFlow's V2 checkpoints, read without TensorFlow.

A checkpoint PREFIX is a table `PREFIX.index` and data files `PREFIX.data-00000-of-0000N`. The table is LevelDB's
sorted string table: blocks of prefix-compressed keys, a block that indexes them, a footer. Under each tensor's name
stands a small protobuf: type, shape, data file, offset, size, checksum. Formats: tensorflow/core/lib/io/table_format,
tensorflow/core/protobuf/tensor_bundle.proto. Every checksum is verified; nothing is executed.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from google_crc32c import value as crc32c
from numpy.typing import NDArray

from sss_model.errors import CheckpointError

_MOST_AXES, _LONGEST_AXIS = 32, 2**40
_FOOTER, _MAGIC = 48, 0xDB4775248B80FB57
# tensorflow.DataType -> numpy, for what a network's variables can be
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "?", 19: "<f2", 22: "<u4", 23: "<u8"}

Value = int | bytes


@dataclass(frozen=True)
class Entry:
    """One tensor of the checkpoint: what it is, and where its bytes are; `dtype` is None for types not read here."""

    dtype: np.dtype[np.generic] | None
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int
    sliced: bool


@dataclass
class TensorBundle:
    """The tensors of the checkpoint with path prefix `prefix`; `entries` maps names to what is stored.

    Raises
    ------
    CheckpointError : a file is missing, damaged, or no V2 checkpoint
    """

    prefix: Path
    entries: dict[str, Entry] = field(init=False)
    shards: int = field(init=False, default=1)

    def __post_init__(self) -> None:
        index = self.prefix.with_name(self.prefix.name + ".index")
        try:
            table = index.read_bytes()
        except OSError as error:
            raise CheckpointError(f"The checkpoint's index {index.name} cannot be read: {error.strerror}.") from error
        self.entries = {}
        try:
            for key, value in _table(table, index.name):
                if key:
                    self.entries[key.decode()] = _entry(value)
                else:
                    self.shards = self._header(value)
        except CheckpointError:
            raise
        except (IndexError, struct.error, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise CheckpointError(f"{index.name} is damaged, or not the index of a TensorFlow checkpoint.") from error

    def _header(self, message: bytes) -> int:
        fields = _message(message)
        if fields.get(2, [0])[-1] != 0:
            raise CheckpointError(f"{self.prefix.name} was written on a big-endian machine, which is not read here.")
        return int(fields.get(1, [1])[-1])

    def shard_file(self, number: int) -> Path:
        """The data file `number` of this checkpoint."""
        return self.prefix.with_name(f"{self.prefix.name}.data-{number:05d}-of-{self.shards:05d}")

    def read(self, name: str) -> NDArray[np.generic]:
        """The tensor called `name`, in its own shape and type.

        Raises
        ------
        CheckpointError : no such tensor, a type that is not a number, a data file that is missing, short or damaged
        """
        if name not in self.entries:
            raise CheckpointError(f"The checkpoint {self.prefix.name} has no tensor called {name}.")
        entry, file = self.entries[name], self.shard_file(self.entries[name].shard)
        if entry.dtype is None or entry.sliced:
            what = "is stored in slices" if entry.sliced else "is not a tensor of plain numbers"
            raise CheckpointError(f"{name} {what}, which is not read here.")
        expected = math.prod(entry.shape) * entry.dtype.itemsize
        try:
            with file.open("rb") as stream:
                there = os.fstat(stream.fileno()).st_size
                stream.seek(min(entry.offset, there))
                data = stream.read(min(entry.size, there))
        except OSError as error:
            raise CheckpointError(
                f"The checkpoint's data file {file.name} cannot be read: {error.strerror}.",
                hint="A checkpoint is an .index file and its .data files, side by side in one folder.",
            ) from error
        if len(data) != entry.size or entry.size != expected:
            raise CheckpointError(f"{file.name} is cut short at {name}: expected {expected} bytes, got {len(data)}.")
        if _masked(crc32c(data)) != entry.checksum:
            raise CheckpointError(
                f"{file.name} is damaged: the checksum of {name} does not match.", hint="Download or copy it again."
            )
        return np.frombuffer(data, entry.dtype).reshape(entry.shape)


def _table(table: bytes, name: str) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a sorted string table, in order."""
    if len(table) < _FOOTER or struct.unpack("<Q", table[-8:])[0] != _MAGIC:
        raise CheckpointError(
            f"{name} is not the index of a TensorFlow V2 checkpoint: its last eight bytes are not the format's mark.",
            hint="A download that is an error page or cut short looks like this.",
        )
    position = len(table) - _FOOTER
    _, position = _varint(table, position)  # the meta block's place and size are of no use here
    _, position = _varint(table, position)
    offset, position = _varint(table, position)
    size, position = _varint(table, position)
    for _, handle in _block(table, offset, size, name):
        start, after = _varint(handle, 0)
        length, _ = _varint(handle, after)
        yield from _block(table, start, length, name)


def _block(table: bytes, offset: int, size: int, name: str) -> Iterator[tuple[bytes, bytes]]:
    content, kind = table[offset : offset + size], table[offset + size]
    (checksum,) = struct.unpack_from("<I", table, offset + size + 1)
    if _masked(crc32c(table[offset : offset + size + 1])) != checksum:
        raise CheckpointError(f"{name} is damaged: the checksum of a block does not match.")
    if kind != 0:
        raise CheckpointError(
            f"{name} is compressed, as TensorFlow before 1.2 wrote it, which is not read here.",
            hint="Load and save the checkpoint again with a later TensorFlow.",
        )
    (restarts,) = struct.unpack_from("<I", content, size - 4)
    end = size - 4 - 4 * restarts
    position, key = 0, b""
    while position < end:
        shared, position = _varint(content, position)
        fresh, position = _varint(content, position)
        length, position = _varint(content, position)
        key = key[:shared] + content[position : position + fresh]
        position += fresh
        yield key, content[position : position + length]
        position += length


def _entry(message: bytes) -> Entry:
    fields = _message(message)
    shape = []
    for packed in fields.get(2, []):
        for dimension in _message(packed).get(2, []):
            shape.append(int(_message(dimension).get(1, [0])[-1]))
    if len(shape) > _MOST_AXES or max(shape, default=0) >= _LONGEST_AXIS:
        raise ValueError("no array has such a shape")
    kind = _DTYPES.get(int(fields.get(1, [0])[-1]))
    number = {key: int(fields.get(key, [0])[-1]) for key in (3, 4, 5, 6)}
    dtype = np.dtype(kind) if kind else None
    return Entry(dtype, tuple(shape), number[3], number[4], number[5], number[6], bool(fields.get(7)))


def _message(data: Value) -> dict[int, list[Value]]:
    """The fields of a protobuf message by number: varints and fixed32 as int, everything else as bytes."""
    if not isinstance(data, bytes):
        raise TypeError("expected a message")
    fields: dict[int, list[Value]] = {}
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        value: Value
        if tag & 7 == 0:
            value, position = _varint(data, position)
        elif tag & 7 == 2:
            length, position = _varint(data, position)
            value, position = data[position : position + length], position + length
        else:
            width = {1: 8, 5: 4}.get(tag & 7)
            if width is None:
                raise IndexError("no such wire type")
            value, position = int.from_bytes(data[position : position + width], "little"), position + width
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _masked(checksum: int) -> int:
    """LevelDB stores checksums rotated and offset, so that a checksum of checksums stays useful."""
    return (((checksum >> 15) | (checksum << 17)) + 0xA282EAD8) & 0xFFFFFFFF
