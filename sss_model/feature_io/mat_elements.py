"""The elements of a MATLAB v5 to v7 file, checked before scipy reads it: a type that it has no entry for ends the
process.

After the header of 128 bytes come elements: a tag of type and size, and the data, padded to 8 bytes. Up to 4 bytes of
data lie in the tag itself. A matrix (type 14) holds elements: flags, axes, name, then its numbers, or further matrices.
A compressed one (type 15) is a zlib stream of one matrix.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import IO

_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 12, 13})  # int8 to uint32, single, double, int64, uint64
_TEXTS = frozenset({16, 17, 18})  # UTF-8, 16 and 32
_HEADER, _NUMERIC = 128, range(6, 16)  # bytes; classes of matrices of plain numbers
_DEEPEST = 64


def check_elements(path: Path) -> None:
    """Raise ValueError where the v5 to v7 file `path` has elements of unknown types, or that do not fit into it.

    Files of other versions pass: MATLAB's v4 has no elements, v7.3 is HDF5. Raises OSError where it cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(_HEADER)
        if len(head) < _HEADER or 0 in head[:4] or b"\1" not in head[124:126]:
            return
        order = "<" if head[126:128] == b"IM" else ">"
        end = os.fstat(file.fileno()).st_size
        while (start := file.tell()) < end:
            kind, size, inline = _Plain(file, end - start).tag(order)
            if kind not in (_MATRIX, _COMPRESSED) or inline or start + 8 + size > end:
                raise ValueError(f"an element of type {kind} and {size} bytes does not belong there")
            if kind == _COMPRESSED:
                inflated = _Inflated(file, size)
                kind, whole, inline = inflated.tag(order)
                if kind != _MATRIX or inline:
                    raise ValueError(f"a compressed element is of type {kind}")
                _check_matrix(inflated, whole, order, 0)
            else:
                _check_matrix(_Plain(file, size), size, order, 0)
            file.seek(start + 8 + size)


def _check_matrix(source: _Source, size: int, order: str, depth: int) -> None:
    """Go through the `size` bytes of a matrix, of which `source` stands at the first."""
    if depth > _DEEPEST:
        raise ValueError("matrices are nested too deep")
    left, place, numeric = size, 0, False
    while left >= 8:
        kind, length, inline = source.tag(order)
        left -= 8
        if kind not in _NUMBERS | _TEXTS | {_MATRIX} or (not inline and length > left):
            raise ValueError(f"an element of type {kind} and {length} bytes does not belong into its matrix")
        if numeric and place > 2 and kind not in _NUMBERS:
            raise ValueError(f"a matrix of numbers holds an element of type {kind}")
        if place == 0:
            if kind != 6 or inline or length != 8:
                raise ValueError("a matrix does not begin with its flags")
            numeric = source.read(8)[0 if order == "<" else 3] in _NUMERIC
        elif kind == _MATRIX:
            _check_matrix(source, length, order, depth + 1)
        elif not inline:
            source.skip(min(-(-length // 8) * 8, left))
        if not inline:
            left -= min(-(-length // 8) * 8, left)
        place += 1
    source.skip(left)


class _Source:
    """Bytes read in order; ValueError where they end too early."""

    def read(self, count: int) -> bytes:
        raise NotImplementedError

    def skip(self, count: int) -> None:
        raise NotImplementedError

    def tag(self, order: str) -> tuple[int, int, bool]:
        """An element's type, its size in bytes, and whether its data are in the tag, which is then behind it."""
        data = self.read(8)
        first, second = struct.unpack(f"{order}II", data)
        if first >> 16:
            return first & 0xFFFF, first >> 16, True
        return first, second, False


class _Plain(_Source):
    """The next `size` bytes of a file."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left = file, size

    def read(self, count: int) -> bytes:
        data = self._file.read(min(count, self._left))
        self._left -= count
        if len(data) < count:
            raise ValueError("it is cut short")
        return data

    def skip(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ValueError("it is cut short")
        self._file.seek(count, os.SEEK_CUR)


class _Inflated(_Source):
    """What the next `size` bytes of a file inflate to, never more of it in memory than a mebibyte."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left, self._stream = file, size, zlib.decompressobj()
        self._pending = b""

    def read(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            if not self._pending and self._left:
                self._pending = self._file.read(min(2**16, self._left))
                self._left -= len(self._pending)
            try:
                piece = self._stream.decompress(self._pending, min(2**20, count - len(data)))
            except zlib.error as error:
                raise ValueError("a compressed element is damaged") from error
            if not piece and not self._stream.unconsumed_tail and not self._left:
                raise ValueError("it is cut short")
            self._pending = self._stream.unconsumed_tail
            data += piece
        return bytes(data)

    def skip(self, count: int) -> None:
        while count > 0:
            count -= len(self.read(min(count, 2**20)))
