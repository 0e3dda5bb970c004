"""Boxes of ISO base media files, of which JPEG 2000, AVIF, HEIC and JPEG XL are made (ISO/IEC 14496-12, 4.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

_HOLD = {b"jp2h": 0, b"meta": 4, b"iprp": 0, b"ipco": 0}  # boxes of boxes, and the bytes before the first
_MOST = 10_000  # boxes; a file of more is none of ours
_READ = 1 << 24  # bytes of one box


def boxes(file: IO[bytes], *, only: tuple[bytes, ...]) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of the boxes of the kinds `only`, in order, inside others too; as much as there is of each."""
    file.seek(0, 2)
    ends = [file.tell()]
    place = 0
    for _ in range(_MOST):
        while ends and place + 8 > ends[-1]:
            place = max(place, ends.pop())
        if not ends:
            return
        file.seek(place)
        head = file.read(16)
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head[:8])
        start = 8
        if size == 1 and len(head) == 16:
            size, start = struct.unpack(">Q", head[8:])[0], 16
        end = min(place + size, ends[-1]) if size else ends[-1]
        if end < place + start:
            return
        if kind in _HOLD:
            ends.append(end)
            place += start + _HOLD[kind]
            continue
        if kind in only:
            file.seek(place + start)
            yield kind, file.read(min(end - place - start, _READ))
        place = end


def brands(head: bytes) -> set[bytes]:
    """What a file that begins with `head` says that it is, by its first box."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[i : i + 4] for i in range(16, end - 3, 4))}
