"""The elements of a MATLAB v5 to v7 file, checked before scipy reads it: one that is of another type than scipy expects
in its place ends the process.

After the header of 128 bytes come elements: a tag of type and size, and the data, padded to 8 bytes. Up to 4 bytes of
data lie in the tag itself. A matrix (type 14) holds elements: flags, axes, name, then its numbers, or further matrices.
A compressed one (type 15) is a zlib stream of one matrix.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Container
from pathlib import Path
from typing import IO

_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 12, 13})  # int8 to uint32, single, double, int64, uint64
_TEXTS = frozenset({16, 17, 18})  # UTF-8, 16 and 32
_INTEGERS = frozenset({5, 6})
_HEADER, _NUMERIC = 128, range(6, 16)  # bytes; classes of matrices of plain numbers
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _FUNCTION, _OPAQUE = 1, 2, 3, 4, 5, 16, 17
_COMPLEX = 8  # the flag
_DEEPEST, _MOST_AXES = 64, 32
_LONGEST_BLANK = 2**20  # letters of a text that has a size and no data, which is read as blanks


def check_elements(path: Path) -> None:
    """Raise ValueError where the v5 to v7 file `path` has elements that its matrices' classes and flags do not have.

    scipy reads what a class has without asking what is there: beyond a matrix's end it takes the next one's tag for
    numbers. So types and counts are held against class, flags and axes.

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
            if kind not in (_MATRIX, _COMPRESSED) or inline is not None or not 0 < size <= end - start - 8:
                raise ValueError(f"an element of type {kind} and {size} bytes does not belong there")
            if kind == _COMPRESSED:
                inflated = _Inflated(file, size)
                kind, whole, inline = inflated.tag(order)
                if kind != _MATRIX or inline is not None or not whole:
                    raise ValueError(f"a compressed element is of type {kind} and {whole} bytes")
                _check_matrix(inflated, whole, order, 0)
            else:
                _check_matrix(_Plain(file, size), size, order, 0)
            file.seek(start + 8 + size)


def _check_matrix(source: _Source, size: int, order: str, depth: int) -> None:
    """Go through the `size` bytes of a matrix, of which `source` stands at the first."""
    if depth > _DEEPEST:
        raise ValueError("matrices are nested too deep")
    elements = _Elements(source, size, order, depth)
    _, flags = elements.next({6}, keep=8)
    if len(flags) != 8:
        raise ValueError("a matrix does not begin with its flags")
    kind, switches = (flags[0], flags[1]) if order == "<" else (flags[3], flags[2])
    if kind == _OPAQUE:  # names of the variable, its kind of object and its class
        _take(elements, _NUMBERS | _TEXTS, 3)
        _take(elements, {_MATRIX}, 1)
    else:
        _check_content(elements, kind, bool(switches & _COMPLEX))
    elements.end()


def _check_content(elements: _Elements, kind: int, is_complex: bool) -> None:
    """Go through what follows the flags of a matrix of the class `kind`."""
    _, axes = elements.next(_INTEGERS, keep=4 * _MOST_AXES)
    dimensions = struct.unpack(f"{elements.order}{len(axes) // 4}i", axes[: len(axes) // 4 * 4])
    if len(dimensions) < 2 or min(dimensions) < 0:
        raise ValueError(f"a matrix has the axes {dimensions}")
    count = math.prod(dimensions)
    _take(elements, _NUMBERS | _TEXTS, 1)  # its name
    if kind in _NUMERIC:
        _take(elements, _NUMBERS, 1 + is_complex)
    elif kind == _SPARSE:
        _take(elements, _NUMBERS, 3 + is_complex)
    elif kind == _CHAR:
        length, _ = elements.next(_NUMBERS | _TEXTS)
        if not length and count > _LONGEST_BLANK:
            raise ValueError(f"a text of {count} letters has none")
    elif kind == _FUNCTION:
        _take(elements, {_MATRIX}, 1)
    elif kind == _CELL:
        _take(elements, {_MATRIX}, count)
    elif kind in (_STRUCT, _OBJECT):
        _take(elements, _NUMBERS | _TEXTS, int(kind == _OBJECT))  # its class's name
        _, width = elements.next(_INTEGERS, keep=4)
        length, _ = elements.next(_NUMBERS | _TEXTS)
        if len(width) != 4 or (each := struct.unpack(f"{elements.order}i", width)[0]) <= 0:
            raise ValueError("the names of a struct's fields have no length")
        _take(elements, {_MATRIX}, count * (length // each))
    else:
        raise ValueError(f"there is no class {kind} of matrices")


def _take(elements: _Elements, kinds: Container[int], count: int) -> None:
    for _ in range(count):
        elements.next(kinds)


class _Elements:
    """The elements of a matrix of `size` bytes, one after the other."""

    def __init__(self, source: _Source, size: int, order: str, depth: int) -> None:
        self._source, self._left, self.order, self._depth = source, size, order, depth

    def next(self, kinds: Container[int], *, keep: int = 0) -> tuple[int, bytes]:
        """Pass the next element, which is to be one of `kinds`: its size, and its data where they are to be kept.

        Raises ValueError where there is no more, where it is of another kind, does not fit into the matrix, or has more
        than `keep` bytes that are to be kept.
        """
        if self._left < 8:
            raise ValueError("a matrix lacks an element that its class has")
        kind, length, inline = self._source.tag(self.order)
        self._left -= 8
        padded = 0 if inline is not None else min(-(-length // 8) * 8, self._left)
        if kind not in kinds or length > (4 if inline is not None else self._left) or (keep and length > keep):
            raise ValueError(f"an element of type {kind} and {length} bytes does not belong into its matrix")
        data = b"" if inline is None else inline
        if inline is None and kind == _MATRIX:
            if length:
                _check_matrix(self._source, length, self.order, self._depth + 1)
            self._source.skip(padded - length)
        elif inline is None:
            data = self._source.read(length if keep else 0)
            self._source.skip(padded - len(data))
        elif kind == _MATRIX:
            raise ValueError("a matrix lies in a tag")
        self._left -= padded
        return length, data

    def end(self) -> None:
        """Pass what is left, which may be padding; ValueError where there are more elements."""
        if self._left >= 8:
            raise ValueError("a matrix holds more elements than its class has")
        self._source.skip(self._left)


class _Source:
    """Bytes read in order; ValueError where they end too early."""

    def read(self, count: int) -> bytes:
        raise NotImplementedError

    def skip(self, count: int) -> None:
        raise NotImplementedError

    def tag(self, order: str) -> tuple[int, int, bytes | None]:
        """An element's type, its size in bytes, and its data where they lie in the tag."""
        data = self.read(8)
        first, second = struct.unpack(f"{order}II", data)
        if size := first >> 16:
            return first & 0xFFFF, size, data[4 : 4 + size]
        return first, second, None


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
